#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs cases: folders with commands, input files and what is expected, whole outputs compared.

A case is a folder with
  args        one command per line, as a shell would split it, without the program's name; '#' starts a comment
  anything    input files; the commands run in a copy of the folder
  setup.sh    run first with bash, if it is there (to make a git repository, for example); EXAMPLES is the folder of
              examples; exit code 77 skips the case, where a tool that it needs is not installed
  env         NAME=value lines added to the environment, if it is there
  expect.out  all of standard output; missing: nothing may be written
  expect.err  all of standard error, likewise
  expect.exit the exit codes, one a line; missing: each is 0
  expect/     files that must be there afterwards with these contents, if the folder is there
With several commands each one's output stands behind a line '$ hvgpu ARGS' in both files.

The clock stands at 2026-01-15T12:00:00Z, there is no colour, the home folder is empty.
With --code the folder is a case of a diagnostic: its name starts with the code, and the output must name that code.
With --update what is expected is written from what happens: read the difference before committing it.
"""
import argparse
import difflib
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

EXPECTED = ('expect.out', 'expect.err', 'expect.exit')
COMMAND_SECONDS = 60
SKIPPED = 77


class Skipped(Exception):
    """The case cannot be run here."""


def environment(case, home):
    """Nothing of the caller's gets in but PATH and what sanitizers are told."""
    env = {name: value for name, value in os.environ.items() if name == 'PATH' or name.endswith('SAN_OPTIONS')}
    env.update(HOME=str(home), LC_ALL='C.UTF-8', TZ='UTC', NO_COLOR='1', TERM='dumb', USER='user',
               HVGPU_NOW='2026-01-15T12:00:00Z', GIT_CONFIG_NOSYSTEM='1', GIT_CONFIG_GLOBAL='/dev/null',
               GIT_AUTHOR_NAME='A', GIT_AUTHOR_EMAIL='a@example.com', GIT_AUTHOR_DATE='2026-01-01T00:00:00Z',
               GIT_COMMITTER_NAME='A', GIT_COMMITTER_EMAIL='a@example.com', GIT_COMMITTER_DATE='2026-01-01T00:00:00Z')
    if (case / 'env').exists():
        for line in (case / 'env').read_text().splitlines():
            if line and not line.startswith('#'):
                name, value = line.split('=', 1)
                env[name] = value
    return env


def commands_of(case):
    lines = (case / 'args').read_text().splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith('#')]


def execute(case, hvgpu, work):
    """Runs all commands: what each of EXPECTED should hold."""
    home = work / 'home'
    folder = work / 'case'
    home.mkdir()
    shutil.copytree(case, folder, symlinks=True, ignore=shutil.ignore_patterns('expect.*', 'expect', 'args', 'env'))
    env = environment(case, home)
    if (folder / 'setup.sh').exists():
        examples = pathlib.Path(__file__).resolve().parents[2] / 'examples'
        done = subprocess.run(['bash', '-euo', 'pipefail', 'setup.sh'], cwd=folder, stdout=subprocess.DEVNULL,
                              env={**env, 'EXAMPLES': str(examples)}, check=False)
        if done.returncode == SKIPPED:
            raise Skipped
        done.check_returncode()
        (folder / 'setup.sh').unlink()
    out, err, exits = b'', b'', b''
    commands = commands_of(case)
    for command in commands:
        done = subprocess.run([hvgpu, *shlex.split(command)], cwd=folder, env=env, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=COMMAND_SECONDS, check=False)
        title = f'$ hvgpu {command}\n'.encode() if len(commands) > 1 else b''
        out += title + done.stdout.replace(bytes(folder), b'@CASE@')
        err += title + done.stderr.replace(bytes(folder), b'@CASE@')
        exits += b'%d\n' % done.returncode
    return {'expect.out': out, 'expect.err': err, 'expect.exit': exits}, folder


def unexpressed(name, case, got):
    """What a missing file stands for."""
    count = len(commands_of(case))
    if name == 'expect.exit':
        return b'0\n' * count
    return b''.join(f'$ hvgpu {command}\n'.encode() for command in commands_of(case)) if count > 1 else b''


def difference(name, want, got):
    lines = difflib.unified_diff(want.decode(errors='backslashreplace').splitlines(keepends=True),
                                 got.decode(errors='backslashreplace').splitlines(keepends=True), name, 'got')
    return ''.join(line if line.endswith('\n') else line + '\n\\ no newline at the end\n' for line in lines)


def compare_outputs(case, got):
    problems = []
    for name in EXPECTED:
        path = case / name
        want = path.read_bytes() if path.exists() else unexpressed(name, case, got)
        if want != got[name]:
            problems.append(difference(name, want, got[name]))
    return problems


def compare_files(case, folder):
    problems = []
    for path in sorted((case / 'expect').rglob('*')):
        if path.is_dir():
            continue
        name = path.relative_to(case / 'expect')
        if not (folder / name).exists():
            problems.append(f'{name} is missing\n')
        elif (folder / name).read_bytes() != path.read_bytes():
            problems.append(difference(str(name), path.read_bytes(), (folder / name).read_bytes()))
    return problems


def update(case, folder, got):
    for name in EXPECTED:
        path = case / name
        if got[name] == unexpressed(name, case, got):
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(got[name])
    for path in sorted((case / 'expect').rglob('*')):
        if path.is_file():
            path.write_bytes((folder / path.relative_to(case / 'expect')).read_bytes())


def check_code(case, got):
    code = case.name[:len('HV000')]
    if code.encode() in got['expect.out'] + got['expect.err']:
        return []
    return [f'no output names {code}\n']


def run_case(case, args):
    if not commands_of(case):
        return ['args has no command\n']
    with tempfile.TemporaryDirectory(prefix='hvgpu-') as work:
        got, folder = execute(case, str(pathlib.Path(args.hvgpu).resolve()), pathlib.Path(work))
        if args.update:
            update(case, folder, got)
            problems = []
        else:
            problems = compare_outputs(case, got) + compare_files(case, folder)
    return problems + (check_code(case, got) if args.code else [])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--hvgpu', default='build/hvgpu', help='the program (build/hvgpu)')
    parser.add_argument('--update', action='store_true', help='write what is expected')
    parser.add_argument('--code', action='store_true', help='the cases are those of diagnostic codes')
    parser.add_argument('cases', nargs='+', type=pathlib.Path)
    args = parser.parse_args()
    failed = 0
    for case in args.cases:
        try:
            problems = run_case(case, args)
        except Skipped:
            print(f'{case}: skipped')
            if len(args.cases) == 1:
                return SKIPPED
            continue
        failed += bool(problems)
        if problems:
            print(f'{case}: not as expected (--update accepts it)', *problems, sep='\n')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
