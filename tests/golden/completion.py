#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Loads the completion script in a real shell and asks it what could follow. Usage: completion.py SHELL HVGPU

Exit code 77 where the shell is not installed.
"""
import os
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77

# What stands on the command line, the last word being completed; some of what must be offered, and what must not be.
CASES = [
    (['pl'], ['plan'], ['apply']),
    (['plan', '--de'], ['--detailed-exitcode'], ['--hosts', '--hosts=']),
    (['apply', '--au'], ['--auto-approve'], ['--owner', '--owner=']),
    (['plan', '--co'], ['--color'], ['--cluster']),
    (['schema', 'Gpu'], ['GpuCluster', 'GpuAssignment'], ['HostState', 'README.md']),
    (['explain', 'HV30'], ['HV301', 'HV302'], ['HV201']),
    (['simulate', 's'], ['show', 'set-count'], ['power']),
    (['completion', ''], ['bash', 'zsh', 'fish'], ['README.md']),
    (['help', 'dri'], ['drift'], ['plan']),
    (['plan', 'READ'], ['README.md'], ['--hosts', 'plan']),
    (['plan', ''], ['README.md'], ['--hosts', '--hosts=']),
]

# bash: what the function leaves, and the files where it asks for the default.
BASH = r"""
source "$1"; shift
complete -p hvgpu >/dev/null || exit 1
COMP_WORDS=(hvgpu "$@") COMP_CWORD=$#
files=no
compopt() { if [ "$2" = default ]; then files=yes; fi; }
_hvgpu
printf '%s\n' "${COMPREPLY[@]}"
if [ $files = yes ]; then compgen -f -- "${COMP_WORDS[COMP_CWORD]}"; fi
"""

# zsh: the functions that show candidates print theirs instead.
ZSH = r"""
script=$1; shift
compdef() { registered="$*"; }
compadd() {
	local -a suffix; zparseopts -D -E S:=suffix a=names
	print -l -- ${(P)1} | grep -e "^$PREFIX"
}
_describe() { print -l -- ${${(P)2}%%:*} | grep -e "^$PREFIX"; }
_files() { print -l -- *(N) | grep -e "^$PREFIX"; }
source $script
[[ $registered == '_hvgpu hvgpu' ]] || exit 1
words=(hvgpu "$@") CURRENT=$(( $# + 1 )) PREFIX=${@[-1]}
_hvgpu
exit 0
"""

FISH = 'source $argv[1]; complete -C "hvgpu $argv[2]" | string replace -r "\t.*" ""; true'


def offered(shell, script, words, folder):
    command = {'bash': ['bash', '-c', BASH, 'bash', script, *words],
               'zsh': ['zsh', '-f', '-c', ZSH, 'zsh', script, *words],
               'fish': ['fish', '--no-config', '-c', FISH, script, ' '.join(words)]}[shell]
    done = subprocess.run(command, cwd=folder, env={**os.environ, 'HOME': folder}, capture_output=True, text=True,
                          timeout=30, check=False)
    if done.returncode != 0 or done.stderr:
        sys.exit(f'{shell} {words}: exit code {done.returncode}\n{done.stderr}')
    return [line.rstrip('=') for line in done.stdout.splitlines()]


def main():
    shell, hvgpu = sys.argv[1:]
    if not shutil.which(shell):
        return SKIPPED
    problems = 0
    with tempfile.TemporaryDirectory() as folder:
        script = os.path.join(folder, '.completion')
        with open(script, 'wb') as out:
            subprocess.run([hvgpu, 'completion', shell], stdout=out, check=True)
        with open(os.path.join(folder, 'README.md'), 'wb'):
            pass
        for words, wanted, unwanted in CASES:
            got = offered(shell, script, words, folder)
            if [word for word in wanted if word not in got] or [word for word in unwanted if word in got]:
                print(f'{shell}: hvgpu {" ".join(words)}<tab> offers {got}, wanted {wanted} and not {unwanted}')
                problems += 1
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
