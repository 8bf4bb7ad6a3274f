# Resource pools of PCI Express devices.

function Get-Pools {
	return @(Get-VMResourcePool -ResourcePoolType PciExpress | Where-Object { $_.Name -ne 'Primordial' })
}

# Location paths of a pool's members. The objects do not name their pool, so each pool is asked for.
function Get-PoolMembers([string]$Name) {
	return @(Get-VMHostAssignableDevice -ResourcePoolName $Name | ForEach-Object { $_.LocationPath } | Where-Object { $_ })
}

function Read-PoolsOfHost($Doc, $Unread) {
	try { $Doc['pools'] = @(Get-Pools | ForEach-Object { [ordered]@{ name = $_.Name; members = @(Get-PoolMembers $_.Name) } }) }
	catch { Add-Unread $Unread $Doc 'pools' }
}

function Test-Pool([string]$Name) {
	return @(Get-Pools | Where-Object { $_.Name -eq $Name }).Count -gt 0
}

# The pool that has the device, or null.
function Get-PoolOf([string]$Path) {
	foreach ($pool in @(Get-Pools)) { if ($Path -in (Get-PoolMembers $pool.Name)) { return $pool.Name } }
	return $null
}

function Invoke-CreatePool($Reply) {
	$name = Get-Required $Agent.Step 'pool'
	if (Test-Pool $name) { return }
	[void](New-VMResourcePool -Name $name -ResourcePoolType PciExpress)
	if (-not (Test-Pool $name)) { Stop-Request 'failed' "resource pool '$name' is not there after it was created" }
	$Reply['changed'] = $true
}

function Invoke-AddGpuToPool($Reply) {
	$name = Get-Required $Agent.Step 'pool'
	$gpu, $gpus = Get-GpuOfStep
	$Reply['gpu'] = $gpu.Doc
	if (-not (Test-Pool $name)) { Stop-Request 'not-found' "there is no resource pool '$name' on $($env:COMPUTERNAME)" }
	if ($gpu.Path -in (Get-PoolMembers $name)) { return }
	if ($gpu.Doc['state'] -ne 'dismounted') {
		Stop-Request 'not-found' "'$($gpu.Path)' is not dismounted: it is $($gpu.Doc['state'])"
	}
	$other = Get-PoolOf $gpu.Path
	if ($other) { Stop-Request 'in-use' "'$($gpu.Path)' is in resource pool '$other'" }
	[void](Complete-Dismount $gpu)
	Add-VMHostAssignableDevice -LocationPath $gpu.Path -ResourcePoolName $name
	if ($gpu.Path -notin (Get-PoolMembers $name)) {
		Stop-Request 'failed' "'$($gpu.Path)' is not in resource pool '$name' afterwards"
	}
	$Reply['changed'] = $true
}

function Invoke-RemoveGpuFromPool($Reply) {
	$name = Get-Required $Agent.Step 'pool'
	$gpu, $gpus = Get-GpuOfStep
	$Reply['gpu'] = $gpu.Doc
	if (-not (Test-Pool $name)) { return }
	$members = @(Get-PoolMembers $name)
	if ($gpu.Path -notin $members) { return }
	$on = @(Get-AllDevices | Where-Object { $_.Pool -eq $name -and $_.IsOn })
	foreach ($device in $on) {
		if ($device.Path -eq $gpu.Path) { Stop-Request 'in-use' "'$($device.Name)' has '$($gpu.Path)' of resource pool '$name'" }
	}
	if ($members.Count -le $on.Count) { Stop-Request 'in-use' "every device of resource pool '$name' is in use" }
	Remove-VMHostAssignableDevice -LocationPath $gpu.Path -ResourcePoolName $name -Confirm:$false
	if ($gpu.Path -in (Get-PoolMembers $name)) { Stop-Request 'failed' "'$($gpu.Path)' is still in resource pool '$name'" }
	$Reply['changed'] = $true
}
