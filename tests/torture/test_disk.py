#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The disk of the runner fails at every call, one after another (disk.c): what it says, and what the next run makes of it.

test_disk.py HVGPU LIBRARY [SCENARIO FAULT K]: all cases, or one that failed before. The number of cases is printed.
"""
import contextlib
import errno
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

CASE = pathlib.Path(__file__).resolve().parents[1] / 'golden/consent-is-needed-to-stop-running-vms'
DONE, UNEXPECTED, PARTIAL = 0, 1, 8
CALLS_MAX = 400  # of one run; more would mean that a loop writes without end
FAULTS = {
    'broken': {'DISK_ERRNO': str(errno.EIO)},
    'full': {'DISK_ERRNO': str(errno.ENOSPC), 'DISK_STAYS': '1', 'DISK_HALF': '1'},
}


class Wrong(Exception):
    """What a case found."""


def expect(good, *what):
    if not good:
        raise Wrong(' '.join(str(part) for part in what))


class Scenario:
    """One command, with the disk failing below 'broken_folder'."""

    allowed = (DONE, UNEXPECTED)

    def __init__(self, hvgpu, library, root):
        self.hvgpu, self.library, self.root = hvgpu, library, root
        self.env = {'PATH': os.environ['PATH'], 'HOME': str(root / 'home'), 'LC_ALL': 'C.UTF-8', 'TZ': 'UTC', 'NO_COLOR': '1',
                    'HVGPU_NOW': '2026-01-15T12:00:00Z', 'GIT_CONFIG_NOSYSTEM': '1', 'XDG_CACHE_HOME': str(root / 'cache'),
                    'HVGPU_JOURNAL': str(root / 'state/journal')}
        self.log = root / 'log'

    def prepare(self):
        for path in self.root.iterdir():
            if path.name not in ('m', 'repo', 'ssh'):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for name in ('home', 'hosts', 'plans', 'state'):
            (self.root / name).mkdir()
        shutil.copy(CASE / 'world.yaml', self.root / 'hosts/world.yaml')

    def run(self, *argv, **fault):
        env = dict(self.env)
        if fault:
            env.update(fault, LD_PRELOAD=self.library, DISK_UNDER=str(self.root / self.broken_folder), DISK_LOG=str(self.log))
        return subprocess.run([self.hvgpu, *argv], cwd=self.root, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False, timeout=60)

    def apply(self, **fault):
        return self.run('apply', 'm', '--hosts', 'sim:hosts/world.yaml', '--owner', 'ops', '--allow', 'restarts=1', **fault)

    def check_converged(self):
        """A run on a disk that works brings everything to its end, and then there is nothing left."""
        done = self.apply()
        expect(done.returncode == DONE, 'the next run failed:', done.returncode, done.stderr)
        shown = json.loads(self.run('observe', '--hosts', 'sim:hosts/world.yaml', '-o', 'json').stdout)
        spec = shown['spec'] if 'spec' in shown else shown[0]['spec']
        expect([gpu['count'] for gpu in spec['gpus']] == [8, 8], 'counts', spec['gpus'])
        vm, = spec['virtualMachines']
        expect(vm['state'] == 'Running' and len(vm['adapters']) == 1 and not vm.get('debt'), 'VM', vm)
        again = self.apply()
        expect('nothing to do' in again.stdout, 'a second run does something:', again.stdout)

    def case(self, fault, k):
        """False: there were fewer calls than k."""
        self.prepare()
        done = self.act(DISK_AT=str(k), **FAULTS[fault])
        if not self.log.exists():
            return False
        expect(done.returncode in self.allowed, 'exit code', done.returncode, done.stderr)
        expect('assert' not in done.stderr.lower() and 'HV901' not in done.stderr, done.stderr)
        self.check(done)
        return True


class Plan(Scenario):
    """plan --out over an older plan: one of the two is there, whole."""
    broken_folder = 'plans'

    def prepare(self):
        super().prepare()
        (self.root / 'plans/p.plan').write_text('older')

    def act(self, **fault):
        return self.run('plan', 'm', '--hosts', 'sim:hosts/world.yaml', '--owner', 'ops', '--out', 'plans/p.plan', **fault)

    def check(self, done):
        expect(os.listdir(self.root / 'plans') == ['p.plan'], 'left behind', os.listdir(self.root / 'plans'))
        text = (self.root / 'plans/p.plan').read_text()
        if text != 'older':
            checked = self.run('check', 'plans/p.plan')
            expect(checked.returncode == DONE, 'half a plan', checked.stderr)
        expect(done.returncode == DONE or ('HV902' in done.stderr and 'plans/p.plan' in done.stderr), done.stderr)
        expect(done.returncode == UNEXPECTED or text != 'older', 'said to be saved, and is not')


class Journal(Scenario):
    """apply, and the history cannot be written: a warning, and nothing else."""
    broken_folder = 'state'
    allowed = (DONE,)

    def act(self, **fault):
        return self.apply(**fault)

    def check(self, done):
        expect('6 changed' in done.stdout, done.stdout)
        listed = self.run('history')
        warned = 'HV709' in done.stderr and 'state/journal' in done.stderr
        expect(warned or ': done, 6 steps' in listed.stdout, 'no warning', done.stderr, listed.stdout)
        self.check_converged()
        listed = self.run('history')
        expect(listed.returncode == DONE and not listed.stderr, 'the history is broken', listed.stderr)


class Hosts(Scenario):
    """apply, and the file that plays the hosts fails: they lose nothing, and the next run goes on."""
    broken_folder = 'hosts'
    allowed = (DONE, UNEXPECTED, 3, 4, 7, PARTIAL)

    def act(self, **fault):
        return self.apply(**fault)

    def check(self, done):
        expect(done.returncode == DONE or 'HV' in done.stderr, 'nothing said', done.stdout)
        whole = self.run('observe', '--hosts', 'sim:hosts/world.yaml')
        expect(whole.returncode == DONE, 'half a file', whole.stderr)
        self.check_converged()


class Cache(Scenario):
    """A remote repository, and the folder of what was fetched fails: said, and fetched anew the next time."""
    broken_folder = 'cache'
    allowed = (DONE, UNEXPECTED, 3)

    def fetch(self, **fault):
        self.env['GIT_SSH_COMMAND'] = str(self.root / 'ssh')
        return self.run('validate', f'ssh://host{self.root}/repo', **fault)

    def act(self, **fault):
        return self.fetch(**fault)

    def check(self, done):
        expect(done.returncode == DONE or 'HV4' in done.stderr or 'HV902' in done.stderr, 'nothing said', done.stderr)
        again = self.fetch()
        expect(again.returncode == DONE, 'not fetched anew', again.stderr)


SCENARIOS = {'plan': Plan, 'journal': Journal, 'hosts': Hosts, 'cache': Cache}


def make_sources(root):
    shutil.copytree(CASE / 'm', root / 'm')
    env = {'PATH': os.environ['PATH'], 'HOME': str(root), 'GIT_CONFIG_NOSYSTEM': '1'}
    shutil.copytree(CASE / 'm', root / 'repo')
    for argv in (['init', '-q', '-b', 'main', '.'], ['add', '.'],
                 ['-c', 'user.name=A', '-c', 'user.email=a@example.com', 'commit', '-q', '-m', 'first']):
        subprocess.run(['git', *argv], cwd=root / 'repo', env=env, check=True)
    (root / 'ssh').write_text('#!/bin/sh\n# as ssh would, on this machine: the last word is the command\nunset LD_PRELOAD\n'
                              'for last; do :; done\nexec sh -c "$last"\n')
    (root / 'ssh').chmod(0o700)


def run_cases(scenario, fault, first, last):
    """The number of cases that were played."""
    for k in range(first, last + 1):
        try:
            if not scenario.case(fault, k):
                return k - first
        except (Wrong, subprocess.TimeoutExpired) as found:
            name = next(name for name, kind in SCENARIOS.items() if isinstance(scenario, kind))
            print(f'{name} {fault} {k}: {found}\n  again: {" ".join(sys.argv[:3])} {name} {fault} {k}')
            raise SystemExit(1) from found
    return last - first + 1


def main():
    hvgpu, library, *one = sys.argv[1:]
    with contextlib.ExitStack() as stack:
        base = '/dev/shm' if os.path.isdir('/dev/shm') else None
        root = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix='hvgpu-disk-', dir=base))).resolve()
        make_sources(root)
        if one:
            name, fault, k = one
            return 0 if run_cases(SCENARIOS[name](hvgpu, library, root), fault, int(k), int(k)) else 2
        total = 0
        for name, kind in SCENARIOS.items():
            for fault in FAULTS:
                n = run_cases(kind(hvgpu, library, root), fault, 1, CALLS_MAX)
                print(f'{name}, {fault}: {n} calls, each failed once', flush=True)
                if not 2 <= n < CALLS_MAX:
                    print('that is not what a run does')
                    return 1
                total += n
        print(f'{total} cases')
    return 0


if __name__ == '__main__':
    sys.exit(main())
