# GPUs: which devices are GPUs, what the host can do with each, and the steps that change that. The key is the
# location path.

# The instance id in the name of a partitionable GPU: \\?\PCI#VEN_...#4&...#{guid}, for paravirtualized ones with
# \GPUPARAV behind it.
function ConvertTo-InstanceId([string]$Name) {
	$id = $Name
	if ($id.StartsWith('\\?\')) { $id = $id.Substring(4) }
	$end = $id.IndexOf('#{')
	if ($end -ge 0) { $id = $id.Substring(0, $end) }
	return $id.Replace('#', '\').ToUpperInvariant()
}

# The same device before and after a dismount: PCI\... and PCIP\....
function Get-DeviceTail([string]$InstanceId) {
	return $InstanceId.Substring($InstanceId.IndexOf('\') + 1).ToUpperInvariant()
}

# Values of the properties that are asked for, by upper-case instance id and key.
function Read-PnpProperties([string[]]$InstanceIds, [string[]]$Keys) {
	$values = @{}
	if (-not $InstanceIds.Count) { return $values }
	foreach ($property in @(Get-PnpDeviceProperty -InstanceId $InstanceIds -KeyName $Keys -ErrorAction SilentlyContinue)) {
		$id = $property.InstanceId.ToUpperInvariant()
		if (-not $values.ContainsKey($id)) { $values[$id] = @{} }
		$values[$id][$property.KeyName] = $property.Data
	}
	return $values
}

# A display controller of the PCI bus, also one without a driver, which has no class but says 03 in its compatible ids.
function Test-GpuDevice($Device, $Properties) {
	if ($Device.Class -eq 'Display') { return $true }
	$ids = $(if ($Properties) { $Properties['DEVPKEY_Device_CompatibleIds'] })
	return @($ids | Where-Object { $_ -match '^PCIP?\\CC_03' }).Count -gt 0
}

# Devices that may be GPUs, by tail: as the host has them (PCI\...), and as they are while dismounted (PCIP\...).
function Read-GpuDevices {
	$mounted = @{}
	$parted = @{}
	foreach ($device in @(Get-PnpDevice -ErrorAction Stop)) {
		$isCandidate = $device.Class -eq 'Display' -or -not $device.Class
		if ($isCandidate -and $device.InstanceId -match '^PCI\\VEN_') { $mounted[(Get-DeviceTail $device.InstanceId)] = $device }
		elseif ($device.InstanceId -match '^PCIP\\VEN_') { $parted[(Get-DeviceTail $device.InstanceId)] = $device }
	}
	return @{ Mounted = $mounted; Parted = $parted }
}

# Location paths by tail of what is dismounted, also of devices that are no GPUs.
function Read-Dismounted {
	$paths = @{}
	foreach ($device in @(Get-VMHostAssignableDevice)) { $paths[(Get-DeviceTail $device.InstanceID)] = $device.LocationPath }
	return $paths
}

function Read-Partitionable {
	$gpus = @{}
	foreach ($gpu in @(Get-VMHostPartitionableGpu)) { $gpus[(ConvertTo-InstanceId $gpu.Name)] = $gpu }
	return $gpus
}

# MMIO space by upper-case instance id, below and above 4 GiB; of devices that are enabled.
function Read-Mmio {
	$sizes = @{}
	foreach ($range in @(Get-CimInstance -ClassName Win32_DeviceMemoryAddress)) {
		$sizes[[uint64]$range.StartingAddress] = [uint64]$range.EndingAddress - [uint64]$range.StartingAddress + 1
	}
	$mmio = @{}
	foreach ($use in @(Get-CimInstance -ClassName Win32_PnPAllocatedResource)) {
		$start = Get-Property $use.Antecedent 'StartingAddress'
		if ($null -eq $start -or -not $sizes.ContainsKey([uint64]$start)) { continue }
		$id = $use.Dependent.DeviceID.ToUpperInvariant()
		if (-not $mmio.ContainsKey($id)) { $mmio[$id] = @{ Low = [uint64]0; High = [uint64]0 } }
		$part = $(if ([uint64]$start -lt 4294967296) { 'Low' } else { 'High' })
		$mmio[$id][$part] += $sizes[[uint64]$start]
	}
	return $mmio
}

$UnknownAmount = [uint64]::MaxValue # as GPUs print what they do not know

function ConvertTo-Amount($Value) {
	if ($null -eq $Value -or [uint64]$Value -eq $UnknownAmount) { return $null }
	return [uint64]$Value
}

# "10DE:25B6" and "10DE:157E" of PCI\VEN_10DE&DEV_25B6&SUBSYS_157E10DE&...
function Add-PciIds($Doc, [string]$Tail) {
	$match = [regex]::Match($Tail, '^VEN_([0-9A-F]{4})&DEV_([0-9A-F]{4})(?:&SUBSYS_([0-9A-F]{4})([0-9A-F]{4}))?')
	if (-not $match.Success) { return }
	$Doc['device'] = $match.Groups[1].Value + ':' + $match.Groups[2].Value
	if ($match.Groups[3].Success) { $Doc['subsystem'] = $match.Groups[4].Value + ':' + $match.Groups[3].Value }
}

# The number 22, or its name where the module shows names.
function Test-Disabled($Device) {
	return [string](Get-Property $Device 'ConfigManagerErrorCode') -in 'CM_PROB_DISABLED', '22'
}

function Get-GpuState($Device, $Partitionable) {
	if ($null -ne $Partitionable) {
		if ($Partitionable.Name -match '\}\\(GPU)?PARAV$') { return 'paravirtualized' }
		return 'partitionable'
	}
	if (Test-Disabled $Device) { return 'disabled' }
	if ($Device.Status -eq 'OK') { return 'plain' }
	return 'failed'
}

function Add-Partitions($Doc, $Gpu) {
	$isShare = $Doc['state'] -eq 'paravirtualized'
	$Doc['validCounts'] = @($Gpu.ValidPartitionCounts | ForEach-Object { [long]$_ } )
	$Doc['count'] = [long]$Gpu.PartitionCount
	$Doc['memory'] = ConvertTo-Amount (Get-Property $Gpu 'TotalVRAM')
	$partition = ConvertTo-Amount (Get-Property $Gpu 'MinPartitionVRAM')
	$Doc['partitionMemory'] = $(if ($partition) { $partition })
	$Doc['memoryUnit'] = $(if ($isShare) { 'share' } else { 'bytes' })
	$Doc['incomingLiveMigration'] = Get-Property $Gpu 'SupportsIncomingLiveMigration'
}

# While dismounted, the driver on the device is the vendor's mitigation driver or Windows' own, pcip.inf. Before, one
# that will be there cannot be seen: unknown.
function Get-Mitigation([string]$State, $Properties) {
	if ($State -ne 'dismounted' -or -not $Properties) { return $null }
	$inf = [string]$Properties['DEVPKEY_Device_DriverInfPath']
	if (-not $inf) { return $null }
	return $inf -ne 'pcip.inf'
}

# One GPU, or null for a device that is none or is not here any more.
function Read-Gpu($Facts, [string]$Tail) {
	$device = $Facts.Devices.Mounted[$Tail]
	$other = $Facts.Devices.Parted[$Tail]
	$path = $Facts.Dismounted[$Tail]
	$properties = $(if ($device) { $Facts.Properties[$device.InstanceId.ToUpperInvariant()] })
	$otherProperties = $(if ($other) { $Facts.Properties[$other.InstanceId.ToUpperInvariant()] })
	$isGpu = ($device -and (Test-GpuDevice $device $properties)) -or ($other -and (Test-GpuDevice $other $otherProperties))
	if (-not $isGpu) { return $null }
	if ($path) { $state = 'dismounted' }
	elseif (-not $device -or (Get-Property $device 'Present') -eq $false) { return $null }
	else {
		$paths = @($(if ($properties) { $properties['DEVPKEY_Device_LocationPaths'] }) | Where-Object { $_ -match '^PCIROOT\(' })
		$path = $(if ($paths.Count) { $paths[0] })
		$partitionable = $Facts.Partitionable["PCI\$Tail"]
		$state = Get-GpuState $device $partitionable
		# A mount makes a whole GPU of it, and what needs it dismounted completes that: Complete-Dismount.
		if ($state -eq 'disabled' -and $path -and $path -cin $Facts.Unfinished) { $state = 'dismounted' }
	}
	$shown = $(if ($device) { $device } else { $other })
	$doc = [ordered]@{ locationPath = $path; instanceId = "PCI\$Tail"; name = $shown.FriendlyName; status = $shown.Status }
	if ($Facts.Dismounted[$Tail]) { $doc['instanceId'] = "PCIP\$Tail" }
	Add-PciIds $doc $Tail
	$doc['state'] = $state
	$doc['mitigationDriver'] = Get-Mitigation $state $otherProperties
	$doc['validCounts'] = @()
	foreach ($field in 'count', 'memory', 'partitionMemory', 'incomingLiveMigration') { $doc[$field] = $null }
	$doc['memoryUnit'] = 'bytes'
	if ($state -in 'partitionable', 'paravirtualized') { Add-Partitions $doc $partitionable }
	$mmio = $(if ($Facts.Mmio -and $state -ne 'dismounted') { $Facts.Mmio["PCI\$Tail"] })
	$doc['mmioLow'] = $(if ($mmio) { $mmio.Low })
	$doc['mmioHigh'] = $(if ($mmio) { $mmio.High })
	return @{ Doc = $doc; Path = $path; MountedId = "PCI\$Tail"; Partitionable = $partitionable }
}

# All GPUs of the host, with what Hyper-V lists of them; the same calls however many there are. MMIO ranges only when they are
# asked for, since Windows takes its time to tell them.
function Read-Gpus($Unread, [switch]$Mmio) {
	$facts = @{ Devices = Read-GpuDevices; Dismounted = Read-Dismounted; Partitionable = @{}; Mmio = $null }
	$facts.Partitionable = Read-Partitionable
	try { $facts.Unfinished = @(Get-Unfinished | ForEach-Object { $_['locationPath'] }) }
	catch { $facts.Unfinished = @() } # who reads the host says that its notes cannot be read
	$ids = @($facts.Devices.Mounted.Values | ForEach-Object { $_.InstanceId }) +
		@($facts.Devices.Parted.Values | ForEach-Object { $_.InstanceId })
	$facts.Properties = Read-PnpProperties $ids @(
		'DEVPKEY_Device_LocationPaths', 'DEVPKEY_Device_CompatibleIds', 'DEVPKEY_Device_DriverInfPath')
	if ($Mmio) {
		try { $facts.Mmio = Read-Mmio }
		catch { $facts.Mmio = $null }
	}
	[string[]]$tails = @(@($facts.Devices.Mounted.Keys) + @($facts.Devices.Parted.Keys) | Where-Object { $_ })
	[Array]::Sort($tails, [StringComparer]::Ordinal)
	$gpus = [Collections.ArrayList]::new()
	$seen = @{}
	foreach ($tail in $tails) {
		if ($seen.ContainsKey($tail)) { continue }
		$seen[$tail] = $true
		$gpu = Read-Gpu $facts $tail
		if ($null -eq $gpu) { continue }
		if (-not $gpu.Path) { [void]$Unread.Add("locationPath of $($gpu.MountedId)") }
		else { [void]$gpus.Add($gpu) }
		if ($null -eq $facts.Mmio) { $gpu.Doc['unread'] = @('mmioLow', 'mmioHigh') }
	}
	$Agent.Gpus = $gpus.ToArray()
	$Agent.GpusAreFresh = $true
	return , $Agent.Gpus
}

# The same as it was when last read: enough to tell which GPU has which location path.
function Get-KnownGpus {
	if ($null -eq $Agent.Gpus) { [void](Read-Gpus ([Collections.ArrayList]::new())) }
	return , $Agent.Gpus
}

# The GPU that a step names.
function Get-GpuOfStep([switch]$Mmio) {
	$path = Get-Required $Agent.Step 'gpu'
	$gpus = Read-Gpus ([Collections.ArrayList]::new()) -Mmio:$Mmio
	foreach ($gpu in $gpus) { if ($gpu.Path -eq $path) { return $gpu, $gpus } }
	Stop-Request 'not-found' "there is no GPU '$path' on $($env:COMPUTERNAME)"
}

function Assert-ExpectedCount($Gpu) {
	$expected = Get-Map $Agent.Request 'expected'
	if ($null -eq $expected -or -not $expected.Contains('count')) { return }
	$want = Get-Number $expected 'count'
	if ($Gpu.Doc['count'] -ne $want) {
		Stop-Request 'unexpected-facts' "'$($Gpu.Path)' was expected to offer $want partitions and offers $($Gpu.Doc['count'])"
	}
}

# Answers with the GPU as it is now.
function Add-GpuToReply($Reply, [string]$Path) {
	foreach ($gpu in (Read-Gpus ([Collections.ArrayList]::new()))) {
		if ($gpu.Path -eq $Path) {
			$Reply['gpu'] = $gpu.Doc
			return $gpu
		}
	}
	return $null
}

# ---- set-partition-count ----

# Get- and Set-VMHostPartitionableGpu without -Name speak of every GPU of the host.
function Invoke-SetPartitionCount($Reply) {
	$count = Get-Number $Agent.Step 'count'
	$gpu, $gpus = Get-GpuOfStep
	if ($gpu.Doc['state'] -notin 'partitionable', 'paravirtualized') {
		Stop-Request 'not-supported' "'$($gpu.Path)' is not listed as partitionable on $($env:COMPUTERNAME): it is $($gpu.Doc['state'])"
	}
	if ($gpu.Doc['count'] -eq $count) {
		$Reply['gpu'] = $gpu.Doc
		return
	}
	Assert-ExpectedCount $gpu
	if ($count -notin $gpu.Doc['validCounts']) {
		Stop-Request 'invalid-parameter' "$count is not one of the valid partition counts of '$($gpu.Path)': $($gpu.Doc['validCounts'] -join ', ')"
	}
	foreach ($holder in (Get-Holders $gpu $gpus)) {
		Stop-Request 'in-use' "the partition count cannot be changed: '$($holder.Name)' has a partition adapter that could be on '$($gpu.Path)'"
	}
	Set-VMHostPartitionableGpu -Name $gpu.Partitionable.Name -PartitionCount ([uint16]$count)
	$after = Add-GpuToReply $Reply $gpu.Path
	if ($null -eq $after -or $after.Doc['count'] -ne $count) {
		Stop-Request 'failed' "'$($gpu.Path)' does not offer $count partitions afterwards"
	}
	$Reply['changed'] = $true
}

# ---- dismount, mount ----
# Commands of PnpDevice are functions of a module, which do not see this script's $ErrorActionPreference.

# Just after a dismount the device may not be listed yet.
function Test-Dismounted([string]$Path) {
	return @(Get-VMHostAssignableDevice | Where-Object { $_.LocationPath -eq $Path }).Count -gt 0
}

# What an agent began that died before it could dismount the device that it had disabled. True: there was something to do. Only for
# a GPU that reads as dismounted: the note alone may be of one that was never disabled, or is enabled again and in use.
function Complete-Dismount($Gpu) {
	$begun = @(Get-Unfinished | Where-Object { $_['locationPath'] -ceq $Gpu.Path })
	if (-not $begun.Count) { return $false }
	if (-not (Test-Dismounted $Gpu.Path)) { Set-Dismounted $Gpu.Path $begun[0]['force'] }
	Clear-Unfinished $Gpu.Path
	return $true
}

function Set-Dismounted([string]$Path, [bool]$Force) {
	$how = @{}
	if ($Force) { $how['Force'] = $true }
	[void](Dismount-VMHostAssignableDevice -LocationPath $Path @how)
	if (-not (Wait-Until { Test-Dismounted $Path } 10 'waiting for the device to be dismounted')) {
		Stop-Request 'failed' "'$Path' is not listed as assignable after its dismount"
	}
}

# The way back of a dismount that failed: mounted and enabled, as far as it goes.
function Restore-Gpu($Gpu, $Record) {
	try {
		if (Test-Dismounted $Gpu.Path) { [void](Mount-VMHostAssignableDevice -LocationPath $Gpu.Path) }
		if ($Gpu.Doc['state'] -ne 'disabled') { [void](Enable-PnpDevice -InstanceId $Gpu.MountedId -Confirm:$false -ErrorAction Stop) }
		Clear-Unfinished $Gpu.Path
	}
	catch { Stop-HalfWay $Record $false "And '$($Gpu.Path)' could not be given back to the host: $($_.Exception.Message)" }
	Stop-HalfWay $Record $true "'$($Gpu.Path)' is mounted and enabled again."
}

function Invoke-DismountGpu($Reply) {
	$gpu, $gpus = Get-GpuOfStep -Mmio
	if ($gpu.Doc['state'] -eq 'dismounted') {
		$Reply['changed'] = Complete-Dismount $gpu
		[void](Add-GpuToReply $Reply $gpu.Path)
		return
	}
	if ($gpu.Doc['state'] -eq 'failed') {
		Stop-Request 'invalid-state' "the device '$($gpu.Path)' has failed: $($gpu.Doc['status'])"
	}
	foreach ($holder in (Get-Holders $gpu $gpus)) {
		if ($holder.IsOn -or $holder.IsPinned) {
			Stop-Request 'in-use' "'$($gpu.Path)' is in use: '$($holder.Name)' has a partition of it"
		}
	}
	Add-NotedMmio $gpu.Path $gpu.Doc['mmioLow'] $gpu.Doc['mmioHigh']
	$isForced = Get-Flag $Agent.Step 'force'
	Set-Unfinished $gpu.Path $isForced
	try {
		if ($gpu.Doc['state'] -ne 'disabled') { [void](Disable-PnpDevice -InstanceId $gpu.MountedId -Confirm:$false -ErrorAction Stop) }
		Set-Dismounted $gpu.Path $isForced
	}
	catch [IO.EndOfStreamException] { throw }
	catch { Restore-Gpu $gpu $_ }
	Clear-Unfinished $gpu.Path
	[void](Add-GpuToReply $Reply $gpu.Path)
	$Reply['changed'] = $true
}

function Invoke-MountGpu($Reply) {
	$gpu, $gpus = Get-GpuOfStep
	if ($gpu.Doc['state'] -in 'partitionable', 'paravirtualized', 'plain') {
		Clear-Unfinished $gpu.Path
		$Reply['gpu'] = $gpu.Doc
		return
	}
	if ($gpu.Doc['state'] -eq 'failed') {
		Stop-Request 'invalid-state' "the device '$($gpu.Path)' has failed: $($gpu.Doc['status'])"
	}
	$pool = Get-PoolOf $gpu.Path
	if ($pool) { Stop-Request 'in-use' "'$($gpu.Path)' is in resource pool '$pool'" }
	foreach ($name in (Get-DeviceHolders $gpu.Path)) { Stop-Request 'in-use' "'$($gpu.Path)' is assigned to '$name'" }
	Set-Unfinished $gpu.Path $false
	if (Test-Dismounted $gpu.Path) { [void](Mount-VMHostAssignableDevice -LocationPath $gpu.Path) }
	[void](Enable-PnpDevice -InstanceId $gpu.MountedId -Confirm:$false -ErrorAction Stop)
	Clear-Unfinished $gpu.Path
	# The driver takes a moment to list the GPU again; one that never partitions it ends as plain, and the caller sees
	# that.
	$isBack = {
		$after = Add-GpuToReply $Reply $gpu.Path
		$null -ne $after -and $after.Doc['state'] -in 'partitionable', 'paravirtualized', 'plain'
	}
	if (-not (Wait-Until $isBack 30 'waiting for the GPU to come back')) {
		Stop-Request 'failed' "'$($gpu.Path)' did not come back after it was mounted: $(if ($Reply['gpu']) { $Reply['gpu']['state'] } else { 'not listed' })"
	}
	$Reply['changed'] = $true
}
