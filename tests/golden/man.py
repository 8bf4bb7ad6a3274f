#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""man.py HVGPU: docs/hvgpu.1 is what the program writes, and man has nothing to say against it; README shows a plan as the
program writes it; docs/hosts.md what the doctor can find. UPDATE_DOCS=1 writes the pages anew."""
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / 'docs/hvgpu.1'


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, **options)


def check_page(hvgpu):
    page = run(hvgpu, 'help', '--man').stdout
    if os.environ.get('UPDATE_DOCS'):
        PAGE.write_text(page, encoding='utf-8')
    problems = [] if PAGE.exists() and PAGE.read_text(encoding='utf-8') == page else [
        'docs/hvgpu.1 is stale: run this with UPDATE_DOCS=1']
    if shutil.which('groff'):
        lint = run('groff', '-man', '-ww', '-Tutf8', '-z', '-k', str(PAGE)).stderr
        problems += [f'groff: {line}' for line in lint.splitlines()]
    return problems


def check_readme(hvgpu):
    """The sample plan is what the program prints from there on, line by line; only where '...' stands are lines left out."""
    readme = (ROOT / 'README.md').read_text(encoding='utf-8')
    sample = readme.split('## A plan', 1)[1].split('```', 2)[1].strip('\n').split('\n')
    env = dict(os.environ, HVGPU_NOW='2026-11-24T00:00:00Z', LC_ALL='C.UTF-8', HVGPU_OWNER='example.com/ops')
    plan = run(hvgpu, 'plan', 'failover/manifests', '--hosts', 'snapshot:failover/world.yaml', '--max-age', '900d',
               cwd=ROOT / 'examples', env=env).stdout.split('\n')
    at = 0
    may_skip = True # what stands above the first cluster
    for line in sample:
        if line.strip() == '...':
            may_skip = True
            continue
        if line not in plan[at:]:
            return [f'README.md: the program does not print: {line}']
        found = plan.index(line, at)
        if found > at and not may_skip:
            return [f'README.md lacks a line that the program prints: {plan[at]}']
        at = found + 1
        may_skip = False
    return [] if at else ['README.md has no sample plan']


def check_hosts(hvgpu):
    """docs/hosts.md ends with what the doctor can find, and shows the inventory of the example, which is right."""
    page = ROOT / 'docs/hosts.md'
    text = page.read_text(encoding='utf-8')
    head = text.split('\n| check |')[0].removesuffix('CHECKS\n').rstrip('\n') + '\n\n'
    whole = head + run(hvgpu, 'doctor', '--checks').stdout
    if os.environ.get('UPDATE_DOCS'):
        page.write_text(whole, encoding='utf-8')
        text = whole
    problems = [] if text == whole else ['docs/hosts.md is stale: run this with UPDATE_DOCS=1']
    inventory = (ROOT / 'examples/hosts/inventory.yaml').read_text(encoding='utf-8')
    shown = text.split('```yaml\n', 1)[1].split('```', 1)[0]
    if shown != ''.join(line for line in inventory.splitlines(True) if not line.startswith('#')):
        problems.append('docs/hosts.md shows another inventory than examples/hosts')
    run(hvgpu, 'validate', str(ROOT / 'examples/hosts'))
    return problems


def main():
    problems = check_page(sys.argv[1]) + check_readme(sys.argv[1]) + check_hosts(sys.argv[1])
    print(*problems, sep='\n')
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
