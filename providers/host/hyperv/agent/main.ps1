# The table of verbs, and the loop that answers requests one after another.

# Kinds of verbs: read, lease (takes it or speaks of it), write (under the lease), step (under the lease, with a step).
$Verbs = @{
	'observe'                  = @{ Kind = 'read'; Do = ${function:Invoke-Observe} }
	'debts'                    = @{ Kind = 'read'; Do = ${function:Invoke-Debts} }
	'lease-who'                = @{ Kind = 'lease'; Do = ${function:Invoke-LeaseWho} }
	'lease-open'               = @{ Kind = 'lease'; Do = ${function:Invoke-LeaseOpen} }
	'lease-close'              = @{ Kind = 'lease'; Do = ${function:Invoke-LeaseClose} }
	'lease-end'                = @{ Kind = 'lease'; Do = ${function:Invoke-LeaseEnd} }
	'epoch'                    = @{ Kind = 'write'; Do = ${function:Invoke-Epoch} }
	'record'                   = @{ Kind = 'write'; Do = ${function:Invoke-Record} }
	'settle'                   = @{ Kind = 'write'; Do = ${function:Invoke-Settle} }
	'stop-vm'                  = @{ Kind = 'step'; Do = ${function:Invoke-StopVM} }
	'start-vm'                 = @{ Kind = 'step'; Do = ${function:Invoke-StartVM} }
	'move-vm'                  = @{ Kind = 'step'; Do = ${function:Invoke-MoveVM} }
	'set-offline-action'       = @{ Kind = 'step'; Do = ${function:Invoke-SetOfflineAction} }
	'configure-vm'             = @{ Kind = 'step'; Do = ${function:Invoke-ConfigureVM} }
	'remove-partition-adapter' = @{ Kind = 'step'; Do = ${function:Invoke-RemoveAdapter} }
	'add-partition-adapter'    = @{ Kind = 'step'; Do = ${function:Invoke-AddAdapter} }
	'remove-assigned-device'   = @{ Kind = 'step'; Do = ${function:Invoke-RemoveDevice} }
	'add-assigned-device'      = @{ Kind = 'step'; Do = ${function:Invoke-AddDevice} }
	'set-partition-count'      = @{ Kind = 'step'; Do = ${function:Invoke-SetPartitionCount} }
	'dismount-gpu'             = @{ Kind = 'step'; Do = ${function:Invoke-DismountGpu} }
	'mount-gpu'                = @{ Kind = 'step'; Do = ${function:Invoke-MountGpu} }
	'create-pool'              = @{ Kind = 'step'; Do = ${function:Invoke-CreatePool} }
	'add-gpu-to-pool'          = @{ Kind = 'step'; Do = ${function:Invoke-AddGpuToPool} }
	'remove-gpu-from-pool'     = @{ Kind = 'step'; Do = ${function:Invoke-RemoveGpuFromPool} }
}

function Invoke-Verb($Reply) {
	$name = Get-Required $Agent.Request 'verb'
	$verb = $Verbs[$name]
	if ($null -eq $verb) { Stop-Request 'protocol' "there is no verb '$name'" }
	if ($verb.Kind -in 'write', 'step') { Assert-Lease }
	if ($verb.Kind -eq 'step') {
		$Agent.Step = Get-Map $Agent.Request 'step'
		if ($null -eq $Agent.Step) { Stop-Request 'protocol' "'step' is missing" }
	}
	$seconds = Get-Number $Agent.Request 'deadlineSeconds'
	$Agent.Deadline = $(if ($seconds) { $Agent.Clock.ElapsedMilliseconds + 1000L * $seconds })
	& $verb.Do $Reply
	if ($verb.Kind -eq 'step') { [void](Write-ClusterRecord) }
}

# What the verb put into the reply counts for a refusal only where it says more than the error: who holds the lease.
function ConvertTo-Failure($Record, $Reply) {
	$failure = [ordered]@{ id = $Agent.Request['id']; reply = 'failed'; error = Get-ErrorFacts $Record }
	if ($Reply.Contains('lease')) { $failure['lease'] = $Reply['lease'] }
	return $failure
}

function Invoke-Request([string]$Line) {
	$Agent.Request = @{ id = 0 }
	$Agent.Step = $null
	$Agent.IsCluster = $null
	$Agent.GpusAreFresh = $false
	$reply = [ordered]@{ id = 0; reply = 'done'; changed = $false }
	try {
		try { $request = ConvertFrom-JsonObject $Line }
		catch { Stop-Request 'protocol' "the request is no JSON object: $($_.Exception.Message)" }
		$id = Get-Number $request 'id'
		if (-not $id) { Stop-Request 'protocol' "the request has no 'id'" }
		$request['id'] = $id
		$Agent.Request = $request
		$reply['id'] = $id
		$null = Invoke-Verb $reply
		Send-Line $reply
	}
	catch [IO.EndOfStreamException] { throw }
	catch { Send-Line (ConvertTo-Failure $_ $reply) }
}

try {
	Send-Line ([ordered]@{ hello = Read-Hello })
	while ($null -ne ($line = Read-Line)) { if ($line.Trim()) { Invoke-Request $line } }
}
catch [IO.EndOfStreamException] { }
catch [IO.IOException] { } # nobody reads any more
finally { Close-Lease }
