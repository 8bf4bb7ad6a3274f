#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures `hvgpu plan` of made-up fleets beside libyaml's bare event scan of the same bytes.

Each fleet is written to a temporary folder; scan and plan then take turns, so that both meet the same machine. The
table shows medians of wall-clock times, the largest memory of any plan, and how long the first byte of the plan took.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

NOW = "2026-11-24T01:00:00Z"  # an hour after the snapshots that bench_fleet writes
FLEETS = [(10, 10), (100, 10), (1000, 10), (10000, 10), (1000, 1000)]  # clusters, changing per thousand
COLUMNS = ["clusters", "changing", "MB read", "scan s", "plan s", "plan/scan", "scan CPU s", "plan CPU s", "peak MB", "first byte s"]


def run(command):
    """Seconds in all and to the first byte of output, seconds of CPU, and the peak memory in MB."""
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "HVGPU_NOW": NOW})
    child.stdout.read(1)
    first = time.monotonic() - start
    while child.stdout.read(1 << 20):
        pass
    child.stdout.close()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"bench: {' '.join(command)} ended with {child.returncode}")
    return wall, first, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def measure(hvgpu, clusters, permille, rounds):
    tools = hvgpu.parent / "tests"
    with tempfile.TemporaryDirectory(prefix="hvgpu-bench-") as folder:
        subprocess.run([tools / "bench_fleet", folder, str(clusters), str(permille)], check=True)
        files = [os.path.join(folder, name) for name in ("manifests.yaml", "world.yaml")]
        scans, plans = [], []
        for _ in range(rounds):
            scans.append(run([str(tools / "bench_scan"), *files]))
            plans.append(run([str(hvgpu), "plan", files[0], "--hosts", "snapshot:" + files[1]]))
        size = sum(os.path.getsize(file) for file in files)
    scan, _, scan_cpu, _ = map(statistics.median, zip(*scans))
    plan, first, plan_cpu, _ = map(statistics.median, zip(*plans))
    peak = max(sample[3] for sample in plans)
    return [f"{clusters:,}", f"{permille / 10:g} %", f"{size / 1e6:.1f}", f"{scan:.2f}", f"{plan:.2f}",
            f"{plan / scan:.2f}", f"{scan_cpu:.2f}", f"{plan_cpu:.2f}", f"{peak:.0f}", f"{first:.2f}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hvgpu", type=pathlib.Path, required=True, help="the program to measure")
    parser.add_argument("--rounds", type=int, default=5, help="how often scan and plan take turns (default 5)")
    arguments = parser.parse_args()
    print("| " + " | ".join(COLUMNS) + " |")
    print("|" + " ---: |" * len(COLUMNS))
    for clusters, permille in FLEETS:
        row = measure(arguments.hvgpu.resolve(), clusters, permille, arguments.rounds)
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
