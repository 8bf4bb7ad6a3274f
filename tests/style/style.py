#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rules of form that a machine can see: style.py CHECK [ARG…], one check each; every finding is printed."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SPDX = 'SPDX-License-Identifier: Apache-2.0'
LAYERS = ('base', 'model', 'schema', 'providers', 'reconcile', 'render', 'cmd')
SKIPPED = 77

# Each has a better one: bounded, checked, without a hidden shell, without hidden state.
BANNED = ('strcpy', 'strcat', 'sprintf', 'vsprintf', 'gets', 'strtok', 'atoi', 'atol', 'strncpy', 'system', 'popen',
          'mktemp')

# These drive hosts, and write down what was done; all else in reconcile/, and model/ and schema/, are functions of their
# inputs: no files, clock, chance or processes.
DRIVERS = re.compile(r'^(apply|observe|examine|run|endpoints|history)(_\w+)?\.c\.o$')
IMPURE = re.compile(r'^(socket|connect|open(at)?(64)?|creat(64)?|fopen(64)?|read|write|stat(64)?|clock_gettime|'
                    r'gettimeofday|time|rand|srand|random|getenv|fork|execv\w*|posix_spawn\w*|g_get_real_time|'
                    r'g_get_monotonic_time|g_date_time_new_now\w*|g_random_\w+|g_rand_\w+|g_getenv|g_spawn_\w+|'
                    r'g_file_(get|set)_contents\w*|g_uuid_string_random|clock_now|clock_monotonic_ms|file_\w+|proc_\w+|'
                    r'lock_\w+|term_\w+|journal_\w+)$')


def files(*patterns):
    done = subprocess.run(['git', 'ls-files', '--cached', '--others', '--exclude-standard', '--', *patterns], cwd=ROOT,
                          capture_output=True, text=True, check=True)
    return [name for name in sorted(set(done.stdout.splitlines())) if (ROOT / name).is_file()]


def code_of(name):
    """The file's text without comments and texts, line numbers kept."""
    text = (ROOT / name).read_text()
    token = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(token, lambda match: '\n' * match[0].count('\n') + ' ', text, flags=re.S)


def skip(why):
    """A check that cannot be made here is a failure where it counts."""
    print(f'SKIPPED: {why}')
    sys.exit(1 if os.environ.get('CI') == 'true' else SKIPPED)


def check_format():
    tool = shutil.which('clang-format-14')
    if not tool:
        skip('there is no clang-format-14; other versions format otherwise')
    done = subprocess.run([tool, '--dry-run', '-Werror', *files('*.c', '*.h')], cwd=ROOT, capture_output=True,
                          text=True, check=False)
    return [line for line in done.stderr.splitlines() if 'error:' in line]


def check_includes():
    """Includes are rooted and point to the same layer or one below."""
    found = []
    for name in files(*(f'{layer}/*.[ch]' for layer in LAYERS)):
        layer = LAYERS.index(name.split('/')[0])
        for number, line in enumerate((ROOT / name).read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not match:
                continue
            target = match[1].split('/')[0]
            if target not in LAYERS:
                found.append(f'{name}:{number}: {match[1]} is not named from the root')
            elif LAYERS.index(target) > layer:
                found.append(f'{name}:{number}: {LAYERS[layer]} may not know {target}')
    return found


def check_banned():
    call = re.compile(r'(?<![\w.>])(' + '|'.join(BANNED) + r')\s*\(|\b(goto)\b')
    library_exit = re.compile(r'(?<![\w.>])((?:_?exit|abort|_Exit)\s*\()')
    found = []
    for name in files('*.c', '*.h'):
        for number, line in enumerate(code_of(name).splitlines(), 1):
            match = call.search(line)
            if not match and name.split('/')[0] in LAYERS[:-1]:
                match = library_exit.search(line)
            if match:
                found.append(f'{name}:{number}: {match[0].strip()}')
    return found


def check_spdx():
    found = []
    for name in files('*.c', '*.h', '*.def', '*.py', '*.sh', '*.cmake', 'CMakeLists.txt', '*/CMakeLists.txt', 'dev',
                      '.ci/run'):
        lines = (ROOT / name).read_text().splitlines()[:2]
        if not any(SPDX in line for line in lines):
            found.append(f'{name}:1: no "{SPDX}"')
    return found


def check_shell():
    tool = shutil.which('shellcheck')
    if not tool:
        skip('there is no shellcheck')
    scripts = files('dev', '.ci/run', '*.sh')
    # setup.sh of golden cases run under `bash -euo pipefail`, so a failed cd ends them.
    done = subprocess.run([tool, '--shell=bash', '--exclude=SC2164', *scripts], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


def is_pure(archive, member):
    return 'reconcile' not in archive or DRIVERS.match(member) is None


def check_pure(*archives):
    """The named libraries' objects call nothing that reaches out of the process."""
    found, n_seen = [], 0
    for archive in archives:
        done = subprocess.run(['nm', '--undefined-only', '--format=posix', archive], capture_output=True, text=True,
                              check=True)
        member = ''
        for line in done.stdout.splitlines():
            match = re.match(r'.*\[(.+)\]:$', line)
            if match:
                member = match[1]
                n_seen += is_pure(archive, member)
            elif line and is_pure(archive, member) and IMPURE.match(line.split()[0].split('@')[0]):
                found.append(f'{pathlib.Path(archive).name}: {member} calls {line.split()[0]}')
    return found if n_seen else ['nothing was looked at']


def main():
    checks = {name[len('check_'):]: check for name, check in globals().items() if name.startswith('check_')}
    if len(sys.argv) < 2 or sys.argv[1] not in checks:
        print(__doc__, f'checks: {" ".join(sorted(checks))}', sep='\n')
        return 3
    found = checks[sys.argv[1]](*sys.argv[2:])
    print(*found, sep='\n')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
