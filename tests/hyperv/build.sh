#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds pwsh-host, with its fake modules beside it: build.sh FOLDER PYTHON
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$1
python=$2

if ! command -v dotnet >/dev/null; then
	echo "SKIPPED: there is no dotnet (.NET SDK 10), so the agent is not tested in a PowerShell engine"
	[ "${CI:-}" = true ] && exit 1
	exit 77
fi
# What is newer than the last build?
if [ -e "$out/built" ] && [ -z "$(find "$here/pwsh-host" "$here/make_cmdlets.py" "$here/cmdlets.txt" "$0" -newer "$out/built")" ]; then
	exit 0
fi
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
mkdir -p "$out/made"
"$python" "$here/make_cmdlets.py" "$here/cmdlets.txt" "$out/made/Cmdlets.g.cs" "$out/made/modules"
rm -rf "$out/modules"
cp -r "$out/made/modules" "$out/modules"

# Translated to machine code ahead of time the engine starts three times as fast, and dozens are started. That takes a compiler from
# the package registry; where there is none, it is translated at each start.
project=("$here/pwsh-host/pwsh-host.csproj" -c Release --artifacts-path "$out/made/artifacts" -o "$out"
	-p:Cmdlets="$out/made/Cmdlets.g.cs" -v quiet -nologo)
if ! dotnet publish "${project[@]}" --use-current-runtime --no-self-contained -p:PublishReadyToRun=true; then
	echo "build.sh: not translated ahead of time, so its tests take longer" >&2
	dotnet build "${project[@]}"
fi
touch "$out/built"
