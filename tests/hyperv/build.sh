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
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
mkdir -p "$out/made"
"$python" "$here/make_cmdlets.py" "$here/cmdlets.txt" "$out/made/Cmdlets.g.cs" "$out/made/modules"
rm -rf "$out/modules"
cp -r "$out/made/modules" "$out/modules"
exec dotnet build "$here/pwsh-host/pwsh-host.csproj" -c Release --artifacts-path "$out/made/artifacts" -o "$out" \
	-p:Cmdlets="$out/made/Cmdlets.g.cs" -v quiet -nologo
