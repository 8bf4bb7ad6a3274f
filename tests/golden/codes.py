#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each diagnostic code of base/codes.def has a case, tests/invalid/HVnnn* or tests/golden/HVnnn-*.

The exceptions stand in tests/invalid/untested, a line each: the code, then why. A code that has a case, or that does
not exist, may not stand there: the list only gets shorter.
"""
import pathlib
import re
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent


def main():
    defined = re.findall(r'^CODE\(\w+, "(HV\d+)"', (TESTS.parent / 'base/codes.def').read_text(), re.M)
    folders = [path.parent.name[:5] for path in (*TESTS.glob('invalid/HV*/args'), *TESTS.glob('golden/HV*/args'))]
    lines = (TESTS / 'invalid/untested').read_text().splitlines()
    excused = [line.split()[0] for line in lines if line and not line.startswith('#')]
    problems = [f'{code} has no case in tests/invalid' for code in defined if code not in folders + excused]
    problems += [f'{code} has a case: remove it from tests/invalid/untested' for code in excused if code in folders]
    problems += [f'{code} is not in base/codes.def' for code in folders + excused if code not in defined]
    print(*problems, sep='\n')
    return 1 if problems or not defined else 0


if __name__ == '__main__':
    sys.exit(main())
