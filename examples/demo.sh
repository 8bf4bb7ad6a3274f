#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The main job from beginning to end, on a simulated server: plan, apply, plan again; drift and its repair; a deleted
# line. Prints what it runs. `./dev demo` builds the program and runs this.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
hvgpu=${HVGPU:-hvgpu}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export HVGPU_JOURNAL=$work/journal

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$'\033[1m' plain=$'\033[0m'
fi

say() {
	printf '\n%s# %s%s\n' "$bold" "$*" "$plain"
}

# Runs a command as it is shown. The first argument is the exit code that it must have.
run() {
	local expected=$1 code=0
	shift
	printf '\n$ %s\n' "$*"
	"$@" || code=$?
	if [ "$code" -ne "$expected" ]; then
		printf 'demo: exit code %s, expected %s\n' "$code" "$expected" >&2
		exit 1
	fi
}

hvgpu() {
	"$hvgpu" "$@"
}

commit() {
	run 0 git -C repository commit -q -a -m "$1"
}

say 'A repository with the manifests of one server, and the simulated server itself'
cp "$here/standalone/world.yaml" world.yaml
mkdir repository
cp "$here"/standalone/manifests/*.yaml repository/
git -C repository init -q -b main
git -C repository config user.name 'GPU operations'
git -C repository config user.email ops@example.com
git -C repository add .
commit 'gpus: four partitions, three workstations'
run 0 hvgpu simulate show world.yaml

say 'Every option can come from the environment: here the hosts, and whose they are, as this repository has no origin'
run 0 export HVGPU_HOSTS=sim:world.yaml HVGPU_OWNER=example.com/ops/gpu

say 'What would change, and what does it cost?'
run 0 hvgpu plan repository

say 'Do it. There is no terminal to ask at, so what may be disturbed is said here'
run 0 hvgpu apply repository --allow restarts=2

say 'Again: nothing to do'
run 0 hvgpu plan repository --detailed-exitcode

say 'Somebody starts cad-03, and changes a partition count by hand; drift shows it, apply mends it'
run 0 hvgpu simulate power world.yaml cad-03 on
run 0 hvgpu simulate set-count world.yaml hv01 2 2
run 2 hvgpu drift repository
run 0 hvgpu apply repository --allow restarts=0
run 0 hvgpu drift repository

say 'A line is deleted in git: the partition that we gave goes back'
run 0 sed -i '/name: cad-03/d' repository/cluster.yaml
commit 'cad-03 needs no GPU any more'
run 0 hvgpu plan repository
run 0 hvgpu apply repository --allow restarts=1
run 0 hvgpu plan repository --detailed-exitcode
run 0 hvgpu simulate show world.yaml
