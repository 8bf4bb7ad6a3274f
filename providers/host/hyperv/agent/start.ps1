# SPDX-License-Identifier: Apache-2.0
# The agent: docs/agent-protocol.md says what it answers. The parts follow in the order of parts.txt and make one
# script, which the bootstrap calls with the reader and the writer that it opened. Windows PowerShell 5.1 and
# PowerShell 7; of cmdlets only those of the modules named in hello, ForEach-Object, Where-Object, Get-Module,
# Get-Command and Get-ItemProperty.
param($AgentInput, $AgentOutput)

$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$WarningPreference = 'SilentlyContinue'
$InformationPreference = 'SilentlyContinue'
$VerbosePreference = 'SilentlyContinue'
$DebugPreference = 'SilentlyContinue'
$ConfirmPreference = 'None'

$Agent = @{
	Version      = '0.1.0'
	Protocol     = 1
	In           = $AgentInput
	Out          = $AgentOutput
	Pending      = $null # the line being read: there is one at all times while a step waits, so that the end of input is seen
	Request      = $null # the request being answered
	Step         = $null # its step
	IsCluster    = $null # whether this is a node of a failover cluster; asked once for each request
	ClusterName  = $null
	Gpus         = $null # the host's GPUs as they were last read
	GpusAreFresh = $false # in this request
	Deadline     = $null # when it must be answered, on Clock
	Clock        = [Diagnostics.Stopwatch]::StartNew()
	HeardAt      = 0     # when the client was last heard, on Clock
	Silence      = $null # milliseconds without a word from the client after which the lease is given up, and we end
	LiveMoves    = $null # whether this session can command them; as hello says
	Lease        = $null # the open lease file
	Run          = $null # the run that it is held for
}
