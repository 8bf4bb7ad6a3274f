#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# search.sh TARGET SECONDS CORPUS: lets libFuzzer search from a copy of the corpus. An input that breaks the target is
# left in the current folder; once the defect is mended, it becomes a file of the corpus.
set -euo pipefail
target=$1 seconds=$2 corpus=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$corpus/." "$work"
"$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
	-artifact_prefix="$PWD/crash-$(basename "$target")-" "$work"
