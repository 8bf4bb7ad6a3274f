# The steps that turn VMs off and on, and move them.

function Stop-Guest($Place, [int]$Seconds) {
	$job = Stop-VM -VM $Place.VM -Force -AsJob -Confirm:$false
	try { return Wait-VMState $Place 'Off' $job $Seconds 'waiting for the guest to shut down' }
	catch [IO.EndOfStreamException] { throw }
	catch { return $false } # the guest does not answer: as good as a time-out
}

function Stop-Power($Place) {
	Stop-VM -VM $Place.VM -TurnOff -Force -Confirm:$false
	if (-not (Wait-VMState $Place 'Off' $null 60 'turning off')) {
		Stop-Request 'timeout' "'$($Place.Name)' does not turn off"
	}
}

# Guest shutdown, for as long as the manifest gives it, then what the manifest says.
function Stop-ByMethod($Place) {
	$method = Get-Required $Agent.Step 'method'
	if ($method -cnotin 'Shutdown', 'TurnOff') { Stop-Request 'invalid-parameter' "'$method' is no method to stop a VM" }
	if ($method -ceq 'TurnOff') {
		Stop-Power $Place
		return
	}
	$seconds = [int](Get-Number $Agent.Step 'timeoutSeconds')
	if (Stop-Guest $Place $seconds) { return }
	if ((Get-Text $Agent.Step 'onTimeout') -cne 'TurnOff') {
		Stop-Request 'timeout' "'$($Place.Name)' did not shut down within $seconds s: its guest does not answer, or takes longer"
	}
	Stop-Power $Place
}

# Found off: stopped by this very run, whose reply was lost, or by somebody else; then nobody is owed a start, and who
# expected it to run must know.
function Complete-Stop($Place, $Reply) {
	if (-not (Test-OwnPowerDebt $Place)) {
		Assert-ExpectedState $Place
		return
	}
	if ($Place.Cluster) { Stop-GroupOfVM $Place }
	if ($Place.Notes['debt']['power'] -ceq 'stopping') { Set-PowerDebt $Place 'stopped' (Get-StateChange $Place) }
}

function Invoke-StopVM($Reply) {
	$place = Get-PlaceOf $Agent.Step
	if ([string]$place.VM.State -ceq 'Off') {
		Complete-Stop $place $Reply
		Add-VMToReply $Reply $place
		return
	}
	Assert-ExpectedState $place
	if ([string]$place.VM.State -cne 'Running') {
		Stop-Request 'invalid-state' "'$($place.Name)' is $($place.VM.State), not Running"
	}
	Assert-OwnGroup $place
	if ($place.Cluster -and (ConvertTo-OfflineAction $place.Cluster.OfflineAction) -ceq 'Save') {
		Stop-Request 'invalid-state' "the OfflineAction of '$($place.Name)' is Save: taking its group offline would save it"
	}
	Set-PowerDebt $place 'stopping' $null
	Stop-ByMethod $place
	if ($place.Cluster) { Stop-GroupOfVM $place }
	$state = Get-StateOf $place
	if ($state -cne 'Off') { Stop-Request 'invalid-state' "'$($place.Name)' was stopped and is $state, not Off" }
	Set-PowerDebt $place 'stopped' (Get-StateChange $place)
	Add-VMToReply $Reply $place
	$Reply['changed'] = $true
}

# What a start with a partition or a device would fail for, and can be seen before.
function Assert-Fit($Place, $Doc) {
	$hasAdapter = @($Doc['adapters']).Count -gt 0
	if (-not $hasAdapter -and -not @($Doc['devices']).Count) { return }
	if ($hasAdapter -and $Doc['generation'] -eq 1) {
		Stop-Request 'not-supported' "'$($Place.Name)' is of generation 1, which cannot use a GPU partition"
	}
	if ($hasAdapter -and $Doc['automaticCheckpoints']) {
		Stop-Request 'checkpoint' "automatic checkpoints of '$($Place.Name)' are on; a VM with a GPU partition does not start then"
	}
	if ($Doc['dynamicMemory'] -and $Doc['memoryStartup'] -ne $Doc['memoryMinimum']) {
		Stop-Request 'invalid-parameter' "'$($Place.Name)' has dynamic memory whose startup and minimum differ"
	}
	if (@($Doc['devices']).Count -and $Doc['stopAction'] -ceq 'Save') {
		Stop-Request 'invalid-parameter' "the automatic stop action of '$($Place.Name)' is Save, which a VM with a device cannot have"
	}
}

function Invoke-StartVM($Reply) {
	$place = Get-PlaceOf $Agent.Step
	if ([string]$place.VM.State -ceq 'Running') {
		Clear-PowerDebt $place
		Add-VMToReply $Reply $place
		return
	}
	Assert-ExpectedState $place
	Assert-Off $place
	Add-VMToReply $Reply $place
	Assert-Fit $place $Reply['vm']
	Assert-OwnGroup $place
	if ($place.Cluster) { Start-GroupOfVM $place }
	else {
		$job = Start-VM -VM $place.VM -AsJob -Confirm:$false
		if (-not (Wait-VMState $place 'Running' $job 300 'waiting for the VM to start')) {
			Stop-Request 'timeout' "'$($place.Name)' does not start"
		}
	}
	$state = Get-StateOf $place
	if ($state -cne 'Running') { Stop-Request 'failed' "'$($place.Name)' was started and is $state" }
	Clear-PowerDebt $place
	Add-VMToReply $Reply $place
	$Reply['changed'] = $true
}

# ---- move ----

# The VM is on the other node already: the cluster says so, for this host no longer has it.
function Test-Moved([guid]$Id, [string]$Node) {
	try { $known = (Read-ClusterVMs $Id)[$Id.ToString().ToLowerInvariant()] }
	catch { return $false } # no VM of the cluster, or one that is between two nodes
	return $null -ne $known -and $known.Owner -eq $Node
}

function Assert-Movable($Place, [string]$To) {
	Assert-Clustered $Place
	Assert-OwnGroup $Place
	$node = @(Read-Nodes | Where-Object { $_['name'] -eq $To })
	if (-not $node.Count) { Stop-Request 'not-found' "the cluster has no node '$To'" }
	if ($node[0]['state'] -cne 'Up') { Stop-Request 'invalid-state' "cluster node '$To' is $($node[0]['state'])" }
	$reply = @{}
	Add-VMToReply $reply $Place
	$pins = @($reply['vm']['adapters'] | Where-Object { $_['pin'] }) + @($reply['vm']['devices'] | Where-Object { $_['locationPath'] })
	if ($pins.Count) { Stop-Request 'in-use' "'$($Place.Name)' is bound to a device of $($env:COMPUTERNAME)" }
	return $reply['vm']
}

function Assert-MovableLive($Place, $Doc) {
	if ($Agent.LiveMoves -ne $true) {
		Stop-Request 'not-supported' 'this session cannot command live moves: its logon is a network logon, or FailoverClusters is missing'
	}
	if ([string]$Place.VM.State -cne 'Running') {
		Stop-Request 'invalid-state' "'$($Place.Name)' is $($Place.VM.State), not Running"
	}
	$fixed = @($Doc['adapters'] | Where-Object { $_['outgoingLiveMigration'] -ne $true })
	if ($fixed.Count -or @($Doc['devices']).Count) {
		Stop-Request 'not-supported' "a GPU partition or device of '$($Place.Name)' does not support live migration"
	}
}

function Invoke-MoveVM($Reply) {
	$to = Get-Required $Agent.Step 'toHost'
	$id = ConvertTo-VMId (Get-Required $Agent.Step 'vm')
	$place = Find-Place $id
	if ($null -eq $place -or ($place.Cluster -and $place.Cluster.Owner -eq $to)) {
		if (-not (Test-Moved $id $to)) { Stop-Request 'not-found' "there is no VM with id '$id' on $($env:COMPUTERNAME)" }
		return
	}
	if ($to -eq $env:COMPUTERNAME) { return }
	Assert-ExpectedState $place
	$isLive = Get-Flag $Agent.Step 'live'
	$vm = Assert-Movable $place $to
	if ($isLive) { Assert-MovableLive $place $vm }
	else { Assert-Off $place }
	if ($isLive) {
		[void](Move-ClusterVirtualMachineRole -InputObject $place.Cluster.Group -Node $to -MigrationType Live -Wait 0)
	}
	else { [void](Move-ClusterGroup -InputObject $place.Cluster.Group -Node $to -Wait 0) }
	if (-not (Wait-Until { (Test-Moved $id $to) -and $null -eq (Find-Place $id) } 600 "waiting for the move to $to")) {
		Stop-Request 'timeout' "'$($place.Name)' has not moved to $to"
	}
	$Reply['changed'] = $true
}

# ---- settings ----

function Invoke-SetOfflineAction($Reply) {
	$place = Get-PlaceOf $Agent.Step
	Assert-Clustered $place
	$number = [Array]::IndexOf($OfflineActions, (Get-Required $Agent.Step 'offlineAction'))
	if ($number -lt 0) { Stop-Request 'invalid-parameter' 'no such OfflineAction' }
	if ($place.Cluster.OfflineAction -ne $number) {
		Assert-ExpectedState $place
		Set-ClusterParameter -InputObject $place.Cluster.Resource -Name OfflineAction -Value $number
		$now = (Read-ClusterVMs $place.Id)[$place.Key]
		if ($now.OfflineAction -ne $number) {
			Stop-Request 'failed' "the OfflineAction of '$($place.Name)' is $($now.OfflineAction) afterwards"
		}
		$Reply['changed'] = $true
	}
	Add-VMToReply $Reply $place
}

$SettingsNeedOff = 'GuestControlledCacheTypes', 'LowMemoryMappedIoSpace', 'HighMemoryMappedIoSpace'

# Parameters of Set-VM for what is not as demanded. MMIO space is compared with at-least, and any stop action but Save
# will do.
function Get-Wanting($VM, $Want) {
	$set = @{}
	if ($Want.Contains('automaticCheckpoints')) {
		$value = Get-Flag $Want 'automaticCheckpoints'
		if ($VM.AutomaticCheckpointsEnabled -ne $value) { $set['AutomaticCheckpointsEnabled'] = $value }
	}
	$action = Get-Text $Want 'stopAction'
	$isSave = [string]$VM.AutomaticStopAction -eq 'Save'
	if ($action -and $isSave -ne ($action -eq 'Save')) { $set['AutomaticStopAction'] = $action }
	if ($Want.Contains('cacheControl')) {
		$value = Get-Flag $Want 'cacheControl'
		if ($VM.GuestControlledCacheTypes -ne $value) { $set['GuestControlledCacheTypes'] = $value }
	}
	$low = Get-Number $Want 'mmioLow'
	if ($null -ne $low -and $VM.LowMemoryMappedIoSpace -lt $low) { $set['LowMemoryMappedIoSpace'] = [uint32]$low }
	$high = Get-Number $Want 'mmioHigh'
	if ($null -ne $high -and $VM.HighMemoryMappedIoSpace -lt $high) { $set['HighMemoryMappedIoSpace'] = [uint64]$high }
	$off = @($set.Keys | Where-Object { $_ -in $SettingsNeedOff })
	return @{ Set = $set; NeedsOff = $off.Count -gt 0 }
}

function Invoke-ConfigureVM($Reply) {
	$place = Get-PlaceOf $Agent.Step
	$want = Get-Map $Agent.Step 'settings'
	if ($null -eq $want) { Stop-Request 'protocol' "'settings' is missing" }
	$wanting = Get-Wanting $place.VM $want
	if ($wanting.Set.Count) {
		Assert-ExpectedState $place
		if ($wanting.NeedsOff) { Assert-Off $place }
		$set = $wanting.Set
		Set-VM -VM $place.VM @set -Confirm:$false
		if ((Get-Wanting (Get-VM -Id $place.Id) $want).Set.Count) {
			Stop-Request 'failed' "the settings of '$($place.Name)' are not as they were set"
		}
		$Reply['changed'] = $true
	}
	Add-VMToReply $Reply $place
}
