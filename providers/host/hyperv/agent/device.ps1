# Whole GPUs in VMs, by location path or from a resource pool.

# A device named by path is in the pool of all.
function Get-DevicePool($Device) {
	$pool = [string](Get-Property $Device 'ResourcePoolName')
	if (-not $pool -or $pool -eq 'Primordial') { return $null }
	return $pool
}

function Read-Device($Device) {
	$pool = Get-DevicePool $Device
	if ($pool) { return [ordered]@{ pool = $pool } }
	return [ordered]@{ locationPath = [string]$Device.LocationPath }
}

# Every assigned device of the host: whose, from which pool, and whether the VM is on.
function Get-AllDevices {
	$vms = @(Get-VM)
	if (-not $vms.Count) { return }
	$byId = @{}
	foreach ($vm in $vms) { $byId[([string]$vm.Id).ToLowerInvariant()] = $vm }
	foreach ($device in @(Get-VMAssignableDevice -VM $vms)) {
		$vm = $byId[([string]$device.VMId).ToLowerInvariant()]
		@{
			Name = [string]$vm.Name; Pool = Get-DevicePool $device; Path = [string]$device.LocationPath
			IsOn = [string]$vm.State -cne 'Off'
		}
	}
}

function Get-DeviceHolders([string]$Path) {
	return @(Get-AllDevices | Where-Object { -not $_.Pool -and $_.Path -eq $Path } | ForEach-Object { $_.Name })
}

function Get-DeviceIds($Place) {
	return @(Get-VMAssignableDevice -VM $Place.VM | ForEach-Object { [string]$_.Id })
}

function Get-WantedDevice {
	$device = Get-Map $Agent.Step 'device'
	$path = Get-Text $device 'locationPath'
	$pool = Get-Text $device 'pool'
	if ([bool]$path -eq [bool]$pool) { Stop-Request 'protocol' "'device' has neither a locationPath nor a pool, or both" }
	if ($pool) { return [ordered]@{ pool = $pool } }
	return [ordered]@{ locationPath = $path }
}

# The VM's devices that are the wanted one, or of the wanted pool.
function Get-MatchingDevices($Place, $Want) {
	return @(Get-VMAssignableDevice -VM $Place.VM | Where-Object {
			$have = Read-Device $_
			$have['pool'] -eq $Want['pool'] -and $have['locationPath'] -eq $Want['locationPath']
		})
}

function Invoke-RemoveDevice($Reply) {
	$place = Get-PlaceOf $Agent.Step
	$want = Get-WantedDevice
	$found = @(Get-MatchingDevices $place $want)
	if ($found.Count) {
		Assert-ExpectedState $place
		Assert-Off $place
		if (Get-Flag $Agent.Request 'owesParts') { Add-PartDebt $place 'devices' $want }
		try {
			[void](Remove-VMAssignableDevice -VMAssignableDevice $found[0] -Confirm:$false)
			if (@(Get-MatchingDevices $place $want).Count -ge $found.Count) {
				Stop-Request 'failed' "the device of '$($place.Name)' is still there"
			}
		}
		catch {
			Remove-PartDebt $place 'devices' $want
			throw
		}
		$Reply['changed'] = $true
	}
	Add-VMToReply $Reply $place
	if ($Reply['changed']) { Clear-RecordWithoutParts $place $Reply }
}

function Assert-Assignable($Want) {
	if ($Want['pool']) {
		if (-not (Test-Pool $Want['pool'])) {
			Stop-Request 'not-found' "there is no resource pool '$($Want['pool'])' on $($env:COMPUTERNAME)"
		}
	}
	elseif (-not (Test-Dismounted $Want['locationPath'])) {
		foreach ($gpu in (Read-Gpus ([Collections.ArrayList]::new()))) {
			if ($gpu.Path -eq $Want['locationPath'] -and $gpu.Doc['state'] -eq 'dismounted' -and (Complete-Dismount $gpu)) { return }
		}
		Stop-Request 'not-found' "'$($Want['locationPath'])' is not dismounted on $($env:COMPUTERNAME)"
	}
}

function Invoke-AddDevice($Reply) {
	$place = Get-PlaceOf $Agent.Step
	$want = Get-WantedDevice
	$count = Get-Number $Agent.Step 'count'
	if (-not $count -or $want['locationPath']) { $count = 1 }
	$before = @(Get-MatchingDevices $place $want).Count
	if ($before -lt $count) {
		Assert-ExpectedState $place
		Assert-Off $place
		Assert-Assignable $want
		$where = @{}
		if ($want['pool']) { $where['ResourcePoolName'] = $want['pool'] } else { $where['LocationPath'] = $want['locationPath'] }
		$isOwed = Test-Pays $place 'devices' $want
		if ($isOwed) { Set-Giving $place 'devices' $want (Get-DeviceIds $place) }
		try { [void](Add-VMAssignableDevice -VM $place.VM @where -Confirm:$false) }
		catch {
			if ($isOwed) { Clear-Giving $place 'devices' (Get-DeviceIds $place) }
			throw
		}
		$now = @(Get-MatchingDevices $place $want).Count
		if ($now -le $before) { Stop-Request 'failed' "'$($place.Name)' has $now such devices afterwards" }
		$Reply['changed'] = $true
	}
	Set-Gained $place 'devices' $want
	Add-VMToReply $Reply $place
}
