#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# search.sh TARGET RUNS CORPUS [SECONDS]: lets libFuzzer search from a copy of the corpus; with SECONDS from another seed
# each time, for that long, else the same inputs every time, so that a test says the same of the same code. An input
# that breaks the target is left in the current folder; once the defect is mended, it becomes a file of the corpus.
set -euo pipefail
target=$1 runs=$2 corpus=$3 seconds=${4:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$corpus/." "$work"
how=(-seed=1 -runs="$runs")
[[ -z $seconds ]] || how=(-max_total_time="$seconds")
"$target" "${how[@]}" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
	-artifact_prefix="$PWD/crash-$(basename "$target")-" "$work"
