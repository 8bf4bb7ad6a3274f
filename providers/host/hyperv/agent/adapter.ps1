# Partition adapters: what gives a VM one partition of a GPU.

$Quotas = @(foreach ($of in 'VRAM', 'Encode', 'Decode', 'Compute') {
		foreach ($which in 'Min', 'Max', 'Optimal') { "${which}Partition$of" }
	})

# The field of a quota: minPartitionVRAM of MinPartitionVRAM.
function Get-QuotaField([string]$Name) {
	return $Name.Substring(0, 1).ToLowerInvariant() + $Name.Substring(1)
}

# The instance id of the GPU that each adapter is pinned to, or '' for none, by the adapter's id. Only the setting
# data tells: the cmdlets show the GPU that an adapter is on. Null where that class cannot be read; then it is not
# known.
function Read-Pins {
	$pins = @{}
	try { $settings = @(Get-CimInstance -Namespace 'root/virtualization/v2' -ClassName Msvm_GpuPartitionSettingData) }
	catch { return $null }
	foreach ($setting in $settings) {
		$resource = @(Get-Property $setting 'HostResource' | Where-Object { $_ })
		$name = ''
		if ($resource.Count) {
			# A WMI path: ...Msvm_PartitionableGpu....,Name="\\\\?\\PCI#VEN_...", with backslashes doubled
			$match = [regex]::Match([string]$resource[0], '[.,]Name="((?:[^"\\]|\\.)*)"')
			$name = ConvertTo-InstanceId ($match.Groups[1].Value -replace '\\(.)', '$1')
		}
		$pins[[string]$setting.InstanceID] = $name
	}
	return $pins
}

# The location path of the GPU with that instance id, among the host's; one that is not among them may be new.
function Get-PathOfInstance($Gpus, [string]$InstanceId) {
	foreach ($gpu in $Gpus) { if ($gpu.MountedId -eq $InstanceId) { return $gpu.Path } }
	if ($Agent.GpusAreFresh) { return $null }
	foreach ($gpu in (Read-Gpus ([Collections.ArrayList]::new()))) { if ($gpu.MountedId -eq $InstanceId) { return $gpu.Path } }
	return $null
}

function Read-Adapter($Adapter, $VM, $Facts, $Unread) {
	$doc = [ordered]@{ id = [string]$Adapter.Id; pin = $null; pinned = $null }
	if ($null -eq $Facts.Pins -or -not $Facts.Pins.ContainsKey($doc['id'])) {
		[void]$Unread.Add("adapters.pinned of $($doc['id'])")
	}
	else {
		$pin = $Facts.Pins[$doc['id']]
		$doc['pinned'] = $pin -ne ''
		if ($pin) { $doc['pin'] = Get-PathOfInstance $Facts.Gpus $pin }
		if ($pin -and -not $doc['pin']) {
			$doc['pinned'] = $null
			[void]$Unread.Add("adapters.pin of $($doc['id']): no GPU $pin")
		}
	}
	$doc['quotas'] = [ordered]@{}
	foreach ($quota in $Quotas) {
		$value = Get-Property $Adapter $quota
		if ($null -ne $value) { $doc['quotas'][(Get-QuotaField $quota)] = [uint64]$value }
	}
	$doc['gpus'] = @()
	$instance = [string](Get-Property $Adapter 'InstancePath')
	if ($instance -and [string]$VM.State -cne 'Off') {
		$path = Get-PathOfInstance $Facts.Gpus (ConvertTo-InstanceId $instance)
		if ($path) { $doc['gpus'] = @($path) }
	}
	$doc['outgoingLiveMigration'] = Get-Property $Adapter 'SupportsOutgoingLiveMigration'
	return $doc
}

# The adapters of this VM as documents and as objects, by the same index.
function Get-AdaptersOf($Place, $Gpus) {
	$errors = @()
	$objects = @(Get-VMGpuPartitionAdapter -VM $Place.VM -ErrorAction SilentlyContinue -ErrorVariable errors)
	foreach ($record in $errors) { if (Test-RealError $record) { throw $record } }
	$facts = @{ Gpus = $Gpus; Pins = Read-Pins }
	$unread = [Collections.ArrayList]::new()
	return @($objects | ForEach-Object { @{ Object = $_; Doc = Read-Adapter $_ $Place.VM $facts $unread } })
}

# VMs with an adapter that could be on that GPU: pinned there, seen there while not off, or neither known.
function Get-Holders($Gpu, $Gpus) {
	$vms = @(Get-VM)
	if (-not $vms.Count) { return }
	$errors = @()
	$facts = @{ Gpus = $Gpus; Pins = Read-Pins }
	$byId = @{}
	foreach ($vm in $vms) { $byId[([string]$vm.Id).ToLowerInvariant()] = $vm }
	$adapters = @(Get-VMGpuPartitionAdapter -VM $vms -ErrorAction SilentlyContinue -ErrorVariable errors)
	foreach ($record in $errors) { if (Test-RealError $record) { throw $record } }
	foreach ($adapter in $adapters) {
		$vm = $byId[([string]$adapter.VMId).ToLowerInvariant()]
		$doc = Read-Adapter $adapter $vm $facts ([Collections.ArrayList]::new())
		$places = @($(if ($doc['pin']) { $doc['pin'] } else { $doc['gpus'] }))
		if ($places.Count -and $Gpu.Path -notin $places) { continue }
		if (-not $places.Count -and $Gpu.Doc['state'] -notin 'partitionable', 'paravirtualized') { continue }
		# Where a pin cannot be told, it may be one.
		@{ Name = [string]$vm.Name; IsOn = [string]$vm.State -cne 'Off'; IsPinned = $doc['pinned'] -ne $false }
	}
}

# ---- remove, add ----

function Invoke-RemoveAdapter($Reply) {
	$place = Get-PlaceOf $Agent.Step
	$want = Get-Map $Agent.Step 'adapter'
	$id = Get-Text $want 'id'
	$gpus = Get-KnownGpus
	$found = @(Get-AdaptersOf $place $gpus | Where-Object {
			$(if ($id) { $_.Doc['id'] -eq $id } else { (Get-PartText 'adapters' $_.Doc) -ceq (Get-PartText 'adapters' $want) })
		})
	if ($found.Count) {
		Assert-ExpectedState $place
		Assert-Off $place
		$owed = ConvertTo-OwedAdapter $found[0].Doc $found[0].Doc['id']
		if (Get-Flag $Agent.Request 'owesUnpinned') { $owed['pin'] = $null }
		if (Get-Flag $Agent.Request 'owesParts') { Add-PartDebt $place 'adapters' $owed }
		try {
			Remove-VMGpuPartitionAdapter -VMGpuPartitionAdapter $found[0].Object -Confirm:$false
			if (@(Get-AdaptersOf $place $gpus | Where-Object { $_.Doc['id'] -eq $found[0].Doc['id'] }).Count) {
				Stop-Request 'failed' "the partition adapter of '$($place.Name)' is still there"
			}
		}
		catch {
			Remove-PartDebt $place 'adapters' $owed
			throw
		}
		$Reply['changed'] = $true
	}
	Add-VMToReply $Reply $place
	if ($Reply['changed']) { Clear-RecordWithoutParts $place $Reply }
}

# What of the quotas is wanted, as parameters.
function Get-QuotaSet($Want) {
	$set = @{}
	foreach ($quota in $Quotas) {
		$value = Get-Number $Want (Get-QuotaField $quota)
		if ($null -ne $value) { $set[$quota] = [uint64]$value }
	}
	return $set
}

# The full device path of a GPU, which pins an adapter.
function Get-PinPath($Gpus, [string]$Path) {
	foreach ($gpu in $Gpus) {
		if ($gpu.Path -eq $Path -and $gpu.Doc['state'] -in 'partitionable', 'paravirtualized') {
			return $gpu.Partitionable.Name
		}
	}
	Stop-Request 'not-found' "there is no partitionable GPU '$Path' on $($env:COMPUTERNAME)"
}

# Quotas cannot be given with the adapter, they are set on it; where that fails it is taken away again.
function Set-Quotas($Adapter, $QuotaSet) {
	if (-not $QuotaSet.Count) { return }
	try { Set-VMGpuPartitionAdapter -VMGpuPartitionAdapter $Adapter @QuotaSet -Confirm:$false }
	catch {
		$record = $_
		try { Remove-VMGpuPartitionAdapter -VMGpuPartitionAdapter $Adapter -Confirm:$false }
		catch {
			Stop-HalfWay $record $false "And the partition adapter without its quotas could not be removed: $($_.Exception.Message)"
		}
		Stop-HalfWay $record $true 'The partition adapter was removed again.'
	}
}

# An adapter that was added, and whose quotas the connection did not live to see.
function Complete-Quotas($Place, $Adapters, $QuotaSet) {
	if (-not $QuotaSet.Count -or [string]$Place.VM.State -cne 'Off') { return $false }
	$wanted = Format-Json (ConvertTo-OwedAdapter $Agent.Step['adapter'] $null)['quotas']
	if (@($Adapters | Where-Object { (Format-Json (ConvertTo-OwedAdapter $_.Doc $null)['quotas']) -ceq $wanted }).Count) {
		return $false
	}
	$without = @($Adapters | Where-Object { -not $_.Doc['quotas'].Count })
	if (-not $without.Count) { return $false }
	Set-VMGpuPartitionAdapter -VMGpuPartitionAdapter $without[0].Object @QuotaSet -Confirm:$false
	return $true
}

# Those of the VM's adapters that serve: with that pin, or any.
function Get-Serving($Place, $Gpus, $Pin) {
	return @(Get-AdaptersOf $Place $Gpus | Where-Object { -not $Pin -or $_.Doc['pin'] -eq $Pin })
}

function Get-AdapterIds($Place, $Gpus) {
	return @(Get-AdaptersOf $Place $Gpus | ForEach-Object { $_.Doc['id'] })
}

function Invoke-AddAdapter($Reply) {
	$place = Get-PlaceOf $Agent.Step
	$want = Get-Map $Agent.Step 'adapter'
	$pin = Get-Text $want 'pin'
	$count = Get-Number $Agent.Step 'count'
	if (-not $count) { $count = 1 }
	$gpus = $(if ($pin) { , (Read-Gpus ([Collections.ArrayList]::new())) } else { , (Get-KnownGpus) })
	$quotaSet = Get-QuotaSet (Get-Map $want 'quotas')
	$owed = ConvertTo-OwedAdapter $want $null
	$serving = @(Get-Serving $place $gpus $pin)
	if ($serving.Count -ge $count) { $Reply['changed'] = Complete-Quotas $place $serving $quotaSet }
	else {
		Assert-ExpectedState $place
		Assert-Off $place
		$where = @{}
		if ($pin) { $where['InstancePath'] = Get-PinPath $gpus $pin }
		$isOwed = Test-Pays $place 'adapters' $owed
		if ($isOwed) { Set-Giving $place 'adapters' $owed (Get-AdapterIds $place $gpus) }
		try {
			$added = Add-VMGpuPartitionAdapter -VM $place.VM @where -Passthru -Confirm:$false
			Set-Quotas $added $quotaSet
		}
		catch {
			if ($isOwed) { Clear-Giving $place 'adapters' (Get-AdapterIds $place $gpus) }
			throw
		}
		$now = @(Get-Serving $place $gpus $pin).Count
		if ($now -le $serving.Count) { Stop-Request 'failed' "'$($place.Name)' has $now such partition adapters afterwards" }
		$Reply['changed'] = $true
	}
	Set-Gained $place 'adapters' $owed
	Add-VMToReply $Reply $place
}
