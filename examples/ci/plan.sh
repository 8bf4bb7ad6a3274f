#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Plans a commit in a pipeline, against a snapshot of the hosts: no credentials are needed, and nothing is changed.
#
#   plan.sh [SOURCE [SNAPSHOT]]
#
# Writes into the folder PLAN_DIR (default: plan) plan.md, plan.json and exit-code, appends plan.md to the page of a
# GitHub job, and ends with hvgpu's exit code:
#   0 nothing to do   2 changes   3 bad manifests   4 a host is not in the snapshot   5 something is refused
# A pipeline goes on after 0 and 2 alone. 4 is not clean: nobody knows what would happen on the missing host.
set -euo pipefail

source=${1:-manifests}
snapshot=${2:-snapshots/world.yaml}
hvgpu=${HVGPU:-hvgpu}
folder=${PLAN_DIR:-plan}
summary_max=1048576 # bytes; GitHub drops a longer page

mkdir -p "$folder"
rm -f "$folder/plan.md" "$folder/plan.json" "$folder/exit-code"

# With bad manifests there is no plan to show, but the reader of the page still wants to know why.
valid=0
"$hvgpu" validate "$source" --color never || valid=$?

code=0
"$hvgpu" plan "$source" --hosts "snapshot:$snapshot" --output markdown --detailed-exitcode >"$folder/plan.md" || code=$?
[ "$valid" -eq 0 ] || code=$valid
printf '%s\n' "$code" >"$folder/exit-code"

if [ "$valid" -eq 0 ]; then
	"$hvgpu" plan "$source" --hosts "snapshot:$snapshot" --output json >"$folder/plan.json" || true
fi
if [ -n "${GITHUB_STEP_SUMMARY:-}" ] && [ "$(wc -c <"$folder/plan.md")" -lt "$summary_max" ]; then
	cat "$folder/plan.md" >>"$GITHUB_STEP_SUMMARY"
fi

case $code in
0 | 2) cat "$folder/plan.md" ;;
*)
	cat "$folder/plan.md" >&2
	printf 'plan.sh: hvgpu ended with %s; see "hvgpu help"\n' "$code" >&2
	;;
esac
exit "$code"
