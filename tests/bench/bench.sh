#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures `hvgpu plan` beside libyaml's bare scan of the same files; bench.py says how.
# With `hosts` first: a reconcile of many hosts over ssh, which hosts.py describes.
# HVGPU is the program; the tools of this folder are built beside it. Usage: HVGPU=build/hvgpu tests/bench/bench.sh [hosts]
set -euo pipefail
if [ "${1:-}" = hosts ]; then
	shift
	exec python3 "$(dirname "${BASH_SOURCE[0]}")/hosts.py" --hvgpu "${HVGPU:?the program to measure}" "$@"
fi
exec python3 "$(dirname "${BASH_SOURCE[0]}")/bench.py" --hvgpu "${HVGPU:?the program to measure}" "$@"
