#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real processes, disturbed: hvgpu on fake Hyper-V hosts is killed, stopped and cut off at each step and at seeded moments; docs/testing.md
says what must hold. main.py PWSH-HOST --hvgpu PROGRAM --warp LIBRARY [--cases N] [--seed N] [--case NAME]… [--kind KIND]…"""
import argparse
import collections
import os
import pathlib
import random
import shutil
import signal
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import case as lab  # noqa: E402
import cases  # noqa: E402
import engines as engine_pool  # noqa: E402
import hosts  # noqa: E402
import run  # noqa: E402
import scenes  # noqa: E402

N_ENGINES = 4  # for two hosts: a run beside one that is stopped


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('pwsh')
    parser.add_argument('--hvgpu', required=True)
    parser.add_argument('--warp', required=True)
    parser.add_argument('--cases', type=int, default=50)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--case', action='append', default=[])
    parser.add_argument('--kind', action='append', default=[])
    parser.add_argument('--scene', action='append', default=[])
    return parser.parse_args()


def choose(wanted, given):
    """The cases of all kinds in turn, so that a small number has some of each; which of a kind, by the seed."""
    dice = random.Random(given.seed)
    heaps = []
    for kind in given.kind or cases.KINDS:
        if kind == 'ssh' and not hosts.SSHD:
            print('SKIPPED: there is no sshd, so nothing is tested over ssh')
            continue
        heap = [name for scene, case in wanted.items() for name in cases.steps_of(scene, case.n_writes, kind, given.cases)]
        dice.shuffle(heap)
        heaps.append(heap)
    chosen = []
    while len(chosen) < given.cases and any(heaps):
        chosen += [heap.pop() for heap in heaps if heap]
    return chosen[:given.cases]


def replay_of(given, name):
    return f'{sys.argv[0]} {given.pwsh} --hvgpu {given.hvgpu} --warp {given.warp} --case {name}'


def main():
    given = options()
    if not shutil.which(given.pwsh):
        print(f'SKIPPED: there is no {given.pwsh}; it is built where there is dotnet')
        return 1 if os.environ.get('CI') == 'true' else 77
    lab.PWSH.append(os.path.abspath(given.pwsh))
    lab.PROGRAM.append(os.path.abspath(given.hvgpu))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    engines = engine_pool.Engines(lab.PWSH, N_ENGINES)
    engines.warp = os.path.abspath(given.warp)
    began = time.monotonic()
    failed, done, codes, stops, longest = [], collections.Counter(), collections.Counter(), 0, 0.0
    try:
        names = {name.split('/')[0] for name in given.case} or given.scene or scenes.SCENES
        wanted = {name: cases.whole_case(engines, name) for name in names}
        chosen = given.case or choose(wanted, given)
        print(f'{len(chosen)} cases, seed {given.seed}; undisturbed: ' + ', '.join(
            f'{name} {case.n_writes} changes, {case.monitor.stops.total()} stops' for name, case in wanted.items()), flush=True)
        for name in chosen:
            done[name.split('/')[1]] += 1
            started = time.monotonic()
            try:
                case = cases.perform(engines, name, wanted[name.split('/')[0]])
                stops += case.monitor.stops.total() - case.wanted.monitor.stops.total()
                print(f'{name}: {time.monotonic() - started:.1f} s', flush=True)
                codes[case.disturbed] += 1
                longest = max(longest, case.blocked_s)
            except run.Failure as failure:
                failed.append(name)
                print(f'FAILED: {name}: {failure}\n  {replay_of(given, name)}', flush=True)
            except Exception:
                failed.append(name)
                traceback.print_exc()
                print(f'FAILED: {name}\n  {replay_of(given, name)}', flush=True)
    except KeyboardInterrupt:
        print('interrupted', flush=True)
        failed.append('the rest')
    finally:
        engines.close()
    print(f'{sum(done.values())} cases, {len(failed)} failed, in {time.monotonic() - began:.0f} s: ' + ', '.join(
        f'{kind} {n}' for kind, n in sorted(done.items())))
    print('disturbed runs ended with ' + ', '.join(f'{code}: {n}' for code, n in sorted(codes.items())))
    print(f'{stops} stops more than undisturbed in all; the longest that a dead run\'s lease stood in the way: {longest:.1f} s; '
          f'{engines.started} engines started')
    return 1 if failed or not done else 0


if __name__ == '__main__':
    sys.exit(main())
