#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Plans a fleet with the program built with the thread sanitizer: its world file is large enough to be read by several
# threads, and its clusters are planned by several. Usage: plan.sh BUILD_FOLDER
set -euo pipefail
build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$build/tests/bench_fleet" "$work" 60 100
export HVGPU_NOW=2026-11-24T01:00:00Z
# GLib hands memory from thread to thread under locks of its own, which the sanitizer does not see.
export G_SLICE=always-malloc
export TSAN_OPTIONS=halt_on_error=1:exitcode=66
"$build/hvgpu" plan "$work/manifests.yaml" --hosts "sim:$work/world.yaml" -o json >"$work/one.json"
"$build/hvgpu" plan "$work/manifests.yaml" --hosts "sim:$work/world.yaml" -o json >"$work/two.json"
cmp "$work/one.json" "$work/two.json" # threads must not show in what is printed
