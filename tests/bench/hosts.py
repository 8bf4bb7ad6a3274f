#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures a reconcile that finds nothing to do, of many Hyper-V hosts at once over a real ssh and sshd on the loopback address:
hosts.py --hvgpu PROGRAM [--hosts N] [--gpus N] [--vms N] [--rounds N]

The agents are played by tests/lib/fake_agent.py: so many PowerShells would measure themselves. Times hold the start of sshd's and Python's
processes on the same cores, two for each host; the program's own part is in its CPU seconds."""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'hyperv'))
import case # pylint: disable=wrong-import-position
import hosts as lab # pylint: disable=wrong-import-position


def measure(light, command):
    began = time.monotonic()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=light.environment, cwd=light.folder) as process:
        peak = 0
        while process.poll() is None:
            try:
                status = pathlib.Path(f'/proc/{process.pid}/status').read_text()
                stat = pathlib.Path(f'/proc/{process.pid}/stat').read_text().rsplit(')', 1)[1].split()
            except OSError:
                break
            if 'VmHWM' in status:
                peak = max(peak, int(status.split('VmHWM:')[1].split()[0]))
                cpu = (int(stat[11]) + int(stat[12])) / os.sysconf('SC_CLK_TCK')
            time.sleep(0.02)
        assert process.wait() == 0, process.returncode
    return time.monotonic() - began, cpu, peak / 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--hvgpu', required=True)
    for name, value in ('hosts', 64), ('gpus', 8), ('vms', 32), ('rounds', 3):
        parser.add_argument(f'--{name}', type=int, default=value)
    options = parser.parse_args()
    case.PROGRAM.append(os.path.abspath(options.hvgpu))
    names = [f'hv{number:02}' for number in range(1, options.hosts + 1)]
    light = lab.Hosts('ssh', names=names, size=(options.gpus, options.vms))
    try:
        (light.source / 'cluster.yaml').write_text(lab.manifest(names))
        command = [case.PROGRAM[0], 'apply', light.source, '--owner', 'us', '--auto-approve']
        rounds = [measure(light, command) for _ in range(options.rounds)]
        asked = [(light.folder / f'log-{name}').read_text().count('"verb":') / options.rounds for name in names]
        assert light.left() == []
    finally:
        light.close()
    print('| hosts | GPUs | VMs | round trips per host | s | hvgpu CPU s | hvgpu peak MB |\n| ---: | ---: | ---: | ---: | ---: | ---: | ---: |')
    wall, cpu, peak = (statistics.median(column) for column in zip(*rounds))
    print(f'| {len(names)} | {len(names) * options.gpus} | {len(names) * options.vms} | {max(asked):g} | {wall:.2f} | {cpu:.2f} | {peak:.0f} |')


if __name__ == '__main__':
    main()
