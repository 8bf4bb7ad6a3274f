# VMs: what is observed of them, and the steps of power, place and settings. Addressed by Id: names may occur twice
# and hold wildcards.

# ---- reading ----

# Values by VM id in lower case from a CIM class of root\virtualization\v2; null where the class cannot be read.
function Read-CimByVM([string]$Class, [string]$Key, [string]$Filter, [scriptblock]$Value) {
	$arguments = @{ Namespace = 'root/virtualization/v2'; ClassName = $Class }
	if ($Filter) { $arguments['Filter'] = $Filter }
	$values = @{}
	try {
		foreach ($object in @(Get-CimInstance @arguments)) {
			$values[([string]$object.$Key).ToLowerInvariant()] = & $Value $object
		}
	}
	catch { return $null }
	return $values
}

# An error record that says more than that there is nothing.
function Test-RealError($Record) {
	return $Record -is [Management.Automation.ErrorRecord] -and (Get-ErrorFacts $Record)['kind'] -ne 'not-found'
}

# Groups what a cmdlet said of many VMs by VM id. A VM that has none may be an error of kind not-found, which is no
# error; any other error leaves the VMs of which nothing came unknown: null.
function Group-ByVM($VMs, $Objects, $Errors) {
	$groups = @{}
	foreach ($object in $Objects) {
		$id = ([string]$object.VMId).ToLowerInvariant()
		if (-not $groups.ContainsKey($id)) { $groups[$id] = [Collections.ArrayList]::new() }
		[void]$groups[$id].Add($object)
	}
	$isUnknown = @($Errors | Where-Object { Test-RealError $_ }).Count -gt 0
	foreach ($vm in $VMs) {
		$id = ([string]$vm.Id).ToLowerInvariant()
		if ($groups.ContainsKey($id)) { continue }
		if ($isUnknown) { $groups[$id] = $null } else { $groups[$id] = [Collections.ArrayList]::new() }
	}
	return $groups
}

# What is read in bulk for these VMs: the same number of calls for one and for hundreds. $Filter: the id of the one,
# null for all.
function Read-VMFacts($VMs, $Gpus, $ClusterVMs, $Filter) {
	$facts = @{ Gpus = $Gpus; Cluster = $ClusterVMs; Adapters = @{}; Devices = @{}; Checkpoints = @{} }
	if (-not $VMs.Count) { return $facts }
	$errors = @()
	$found = @(Get-VMGpuPartitionAdapter -VM $VMs -ErrorAction SilentlyContinue -ErrorVariable errors)
	$facts.Adapters = Group-ByVM $VMs $found $errors
	$found = @(Get-VMAssignableDevice -VM $VMs -ErrorAction SilentlyContinue -ErrorVariable errors)
	$facts.Devices = Group-ByVM $VMs $found $errors
	$found = @(Get-VMSnapshot -VM $VMs -ErrorAction SilentlyContinue -ErrorVariable errors)
	$facts.Checkpoints = Group-ByVM $VMs $found $errors
	$byName = $(if ($Filter) { "Name='$Filter'" })
	$bySystem = $(if ($Filter) { "SystemName='$Filter'" })
	$facts.Changed = Read-CimByVM 'Msvm_ComputerSystem' 'Name' $byName { param($o) $o.TimeOfLastStateChange }
	$facts.Shutdown = Read-CimByVM 'Msvm_ShutdownComponent' 'SystemName' $bySystem { param($o) Test-Answers $o }
	$facts.Guest = Read-CimByVM 'Msvm_KvpExchangeComponent' 'SystemName' $bySystem { param($o) Get-GuestOs $o }
	$facts.Pins = Read-Pins
	return $facts
}

function Test-Answers($Component) {
	$status = @(Get-Property $Component 'OperationalStatus')
	return $status.Count -gt 0 -and [int]$status[0] -eq 2
}

# The guest tells a list of XML texts, each with a name and a value.
function Get-GuestOs($Component) {
	foreach ($item in @(Get-Property $Component 'GuestIntrinsicExchangeItems')) {
		if (-not $item -or -not $item.Contains('>OSName<')) { continue }
		$instance = ([xml]$item).INSTANCE
		$name = @($instance.PROPERTY | Where-Object { $_.NAME -eq 'Name' })[0].VALUE
		if ($name -eq 'OSName') { return [string]@($instance.PROPERTY | Where-Object { $_.NAME -eq 'Data' })[0].VALUE }
	}
	return $null
}

function Add-Settings($Doc, $VM) {
	$Doc['generation'] = [long]$VM.Generation
	$Doc['memory'] = [long]$VM.MemoryAssigned
	$Doc['automaticCheckpoints'] = [bool]$VM.AutomaticCheckpointsEnabled
	$Doc['checkpointType'] = [string]$VM.CheckpointType
	$Doc['dynamicMemory'] = [bool]$VM.DynamicMemoryEnabled
	$Doc['memoryStartup'] = [long]$VM.MemoryStartup
	$Doc['memoryMinimum'] = [long]$VM.MemoryMinimum
	$Doc['stopAction'] = [string]$VM.AutomaticStopAction
	$Doc['cacheControl'] = [bool]$VM.GuestControlledCacheTypes
	$Doc['mmioLow'] = [long]$VM.LowMemoryMappedIoSpace
	$Doc['mmioHigh'] = [long]$VM.HighMemoryMappedIoSpace
}

function Add-ClusterFacts($Doc, $Unread, $Place) {
	$isClustered = [bool](Get-Property $Place.VM 'IsClustered') -or $null -ne $Place.Cluster
	$Doc['clustered'] = $isClustered
	$Doc['group'] = $(if ($Place.Cluster) { $Place.Cluster.GroupName })
	$Doc['offlineAction'] = $(if ($Place.Cluster) { ConvertTo-OfflineAction $Place.Cluster.OfflineAction })
	if ($isClustered -and -not $Place.Cluster) { Add-Unread $Unread $Doc 'group' }
	if ($isClustered -and $null -eq $Doc['offlineAction']) { [void]$Unread.Add('offlineAction') }
}

# One of the maps of Read-VMFacts; where the class was not readable, the field is unread.
function Add-ByVM($Doc, $Unread, [string]$Field, $Map, [string]$Id) {
	$Doc[$Field] = $null
	if ($null -eq $Map) { [void]$Unread.Add($Field) }
	elseif ($Map.ContainsKey($Id)) { $Doc[$Field] = $Map[$Id] }
}

function Read-VMDocument($Place, $Facts) {
	$vm = $Place.VM
	$id = $Place.Key
	$unread = [Collections.ArrayList]::new()
	$doc = [ordered]@{ id = $id.ToUpperInvariant(); name = [string]$vm.Name; state = [string]$vm.State }
	Add-ByVM $doc $unread 'stateChange' $Facts.Changed $id
	$doc['stateChange'] = ConvertTo-Time $doc['stateChange']
	Add-Settings $doc $vm
	Add-ClusterFacts $doc $unread $Place
	if ($null -eq $Facts.Adapters[$id]) { Add-Unread $unread $doc 'adapters' }
	else { $doc['adapters'] = @($Facts.Adapters[$id] | ForEach-Object { Read-Adapter $_ $vm $Facts $unread }) }
	if ($null -eq $Facts.Devices[$id]) { Add-Unread $unread $doc 'devices' }
	else { $doc['devices'] = @($Facts.Devices[$id] | ForEach-Object { Read-Device $_ }) }
	$doc['hasCheckpoints'] = $null
	if ($null -eq $Facts.Checkpoints[$id]) { [void]$unread.Add('hasCheckpoints') }
	else { $doc['hasCheckpoints'] = $Facts.Checkpoints[$id].Count -gt 0 }
	Add-ByVM $doc $unread 'shutdownAnswers' $Facts.Shutdown $id
	Add-ByVM $doc $unread 'guestOs' $Facts.Guest $id
	if ($null -ne $Facts.Adapters[$id] -and $null -ne $Facts.Devices[$id]) {
		$half = Complete-Giving $Place $doc['adapters'] @($Facts.Devices[$id] | ForEach-Object { [string]$_.Id })
		if ($half) { $doc['adapters'] = @($doc['adapters'] | Where-Object { $_['id'] -cne $half }) }
	}
	$doc['debt'] = $Place.Notes['debt']
	$doc['record'] = $Place.Notes['record']
	if ($unread.Count) { $doc['unread'] = $unread.ToArray() }
	return $doc
}

# A VM with what the cluster and our notes say of it.
function New-Place($VM, $ClusterVMs) {
	$key = ([string]$VM.Id).ToLowerInvariant()
	$place = @{ VM = $VM; Id = $VM.Id; Key = $key; Name = [string]$VM.Name; Cluster = $ClusterVMs[$key]; Notes = $null }
	$place.Notes = Read-VMNotes $place
	return $place
}

# ---- of a step ----

function ConvertTo-VMId([string]$Text) {
	$id = [guid]::Empty
	if (-not [guid]::TryParse($Text, [ref]$id)) { Stop-Request 'not-found' "'$Text' is not the id of a VM" }
	return $id
}

function Find-Place([guid]$Id) {
	try { $vm = Get-VM -Id $Id }
	catch {
		if ((Get-ErrorFacts $_)['kind'] -eq 'not-found') { return $null }
		throw
	}
	if ($null -eq $vm) { return $null }
	$clusterVMs = @{}
	if (Get-Property $vm 'IsClustered') {
		$clusterVMs = Read-ClusterVMs $Id
		if (-not $clusterVMs.ContainsKey($Id.ToString().ToLowerInvariant())) { Stop-Request 'failed' "'$($vm.Name)' is clustered, and the cluster does not know it" }
	}
	$place = New-Place $vm $clusterVMs
	if ($null -ne $place.Notes['giving']) {
		[void](Complete-Giving $place @(Get-AdaptersOf $place (Get-KnownGpus) | ForEach-Object { $_.Doc }) @(Get-DeviceIds $place))
	}
	return $place
}

# The VM that the step, or the request, names.
function Get-PlaceOf($Map) {
	$id = ConvertTo-VMId (Get-Required $Map 'vm')
	$place = Find-Place $id
	if ($null -eq $place) { Stop-Request 'not-found' "there is no VM with id '$id' on $($env:COMPUTERNAME)" }
	return $place
}

function Get-StateOf($Place) {
	return [string](Get-VM -Id $Place.Id).State
}

function Assert-ExpectedState($Place) {
	$want = Get-Text (Get-Map $Agent.Request 'expected') 'vmState'
	if ($want -and [string]$Place.VM.State -cne $want) {
		Stop-Request 'unexpected-facts' "'$($Place.Name)' was expected to be $want and is $($Place.VM.State)"
	}
}

function Assert-Off($Place) {
	if ([string]$Place.VM.State -cne 'Off') {
		Stop-Request 'invalid-state' "'$($Place.Name)' is $($Place.VM.State), not Off"
	}
}

# Answers with the VM as it is now.
function Add-VMToReply($Reply, $Place) {
	$gpus = Get-KnownGpus
	$now = Find-Place $Place.Id
	if ($null -eq $now) { return }
	$clusterVMs = @{ $now.Key = $now.Cluster }
	$Reply['vm'] = Read-VMDocument $now (Read-VMFacts @($now.VM) $gpus $clusterVMs $now.Key.ToUpperInvariant())
}

function Get-StateChange($Place) {
	$filter = "Name='$($Place.Key.ToUpperInvariant())'"
	$changed = Read-CimByVM 'Msvm_ComputerSystem' 'Name' $filter { param($o) $o.TimeOfLastStateChange }
	if ($null -eq $changed) { return $null }
	return ConvertTo-Time $changed[$Place.Key]
}

# Waits for a job that a cmdlet runs, or for the VM to be in that state, whichever is first. True: it is.
function Wait-VMState($Place, [string]$State, $Job, [int]$Seconds, [string]$What) {
	$isOver = {
		if ((Get-StateOf $Place) -ceq $State) { return $true }
		return $null -ne $Job -and [string]$Job.State -in 'Failed', 'Stopped'
	}
	if (-not (Wait-Until $isOver $Seconds $What)) { return $false }
	if ((Get-StateOf $Place) -ceq $State) { return $true }
	Receive-JobError $Job
	return $false
}

# A job's own error as ours.
function Receive-JobError($Job) {
	$reason = $Job.JobStateInfo.Reason
	$records = @($Job.Error) + @($Job.ChildJobs | ForEach-Object { $_.Error })
	foreach ($record in $records) { if ($null -ne $record) { throw $record } }
	if ($null -ne $reason -and $reason -is [Management.Automation.IContainsErrorRecord]) { throw $reason.ErrorRecord }
	if ($null -ne $reason) { throw $reason }
	Stop-Request 'failed' 'the job ended without saying why'
}
