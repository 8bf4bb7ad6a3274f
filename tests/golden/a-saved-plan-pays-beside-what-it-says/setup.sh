# SPDX-License-Identifier: Apache-2.0
# A run that died since the plan was made left two VMs down that no manifest names.
sed 's/files-0\(.\), state: Running, stateChange: "\([^"]*\)"/files-0\1, state: "Off", stateChange: "2026-01-15T11:58:00Z", debt: { run: run-4, at: "2026-01-15T11:58:00Z", power: stopped, stateChange: "2026-01-15T11:58:00Z" }/' world.yaml >owed.yaml
