# What an unfinished run owes a VM, and whose the VM's parts are. Of a clustered VM these notes are a private property
# of its cluster group, so that they follow it through failovers; else a file of this host.

function Get-NotesPath($Place) {
	return [IO.Path]::Combine((Get-Root), 'vms', $Place.Key + '.json')
}

# A VM that became clustered since may have a file yet: the group's notes win.
function Read-VMNotes($Place) {
	$notes = $null
	if ($Place.Cluster) { $notes = $Place.Cluster.Notes }
	if ($null -eq $notes) { $notes = Read-Notes (Get-NotesPath $Place) }
	if ($null -eq $notes) { return [ordered]@{ debt = $null; record = $null; giving = $null } }
	return [ordered]@{ debt = $notes['debt']; record = $notes['record']; giving = $notes['giving'] }
}

function Write-VMNotes($Place) {
	$notes = $Place.Notes
	$isEmpty = $null -eq $notes['debt'] -and $null -eq $notes['record']
	if ($null -eq $notes['debt']) { $notes['giving'] = $null }
	$path = Get-NotesPath $Place
	if ($Place.Cluster) {
		if ($isEmpty) {
			if ($Place.Cluster.Notes) { Set-ClusterParameter -InputObject $Place.Cluster.Group -Name HvgpuNotes -Delete }
		}
		else { Set-ClusterParameter -InputObject $Place.Cluster.Group -Name HvgpuNotes -Value (Format-Json $notes) -Create }
		$Place.Cluster.Notes = $(if (-not $isEmpty) { $notes })
		if ([IO.File]::Exists($path)) { [IO.File]::Delete($path) }
	}
	elseif ($isEmpty) { if ([IO.File]::Exists($path)) { [IO.File]::Delete($path) } }
	else { Write-Notes $path $notes }
}

# The VM's debt as this run's, to be changed: power and parts of an older one stay. So does its date where a part is added, for what
# a person has to decide about must not look fresh; a stop dates it anew, for who runs is to come back.
function Get-DebtOfRun($Place, [bool]$Stops) {
	$debt = $Place.Notes['debt']
	$run = Get-Text $Agent.Request 'run'
	if ($null -eq $debt) {
		$debt = [ordered]@{
			run = $run; epoch = 0; at = $null; power = 'none'; stateChange = $null; adapters = @(); devices = @()
		}
	}
	if ($debt['run'] -cne $run) { Complete-PowerDebt $Place $debt }
	if ($null -eq $debt['at'] -or $Stops) { $debt['at'] = ConvertTo-Time (Get-RequestNow) }
	$debt['run'] = $run
	$debt['epoch'] = Get-Number $Agent.Request 'epoch'
	$Place.Notes['debt'] = $debt
	return $debt
}

# A stop that another run did not live to complete. Where the VM is off since, it was that stop; the debt may be dated anew now, and
# would look younger than it.
function Complete-PowerDebt($Place, $Debt) {
	if ($Debt['power'] -cne 'stopping' -or [string]$Place.VM.State -cne 'Off') { return }
	$changed = Get-StateChange $Place
	if ($null -eq $changed -or $null -eq $Debt['at'] -or [string]::CompareOrdinal($changed, $Debt['at']) -lt 0) { return }
	$Debt['power'] = 'stopped'
	$Debt['stateChange'] = $changed
}

function Test-Owing($Debt) {
	return $null -ne $Debt -and ($Debt['power'] -cne 'none' -or @($Debt['adapters']).Count -or @($Debt['devices']).Count)
}

# Forgets a debt of which nothing is left, and writes the notes.
function Save-Debt($Place) {
	if (-not (Test-Owing $Place.Notes['debt'])) { $Place.Notes['debt'] = $null }
	Write-VMNotes $Place
}

# ---- power ----

function Set-PowerDebt($Place, [string]$Power, $StateChange) {
	if (-not (Get-Flag $Agent.Request 'owesPower')) { return }
	$debt = Get-DebtOfRun $Place $true
	$debt['power'] = $Power
	$debt['stateChange'] = $StateChange
	Save-Debt $Place
}

function Test-OwnPowerDebt($Place) {
	$debt = $Place.Notes['debt']
	return $null -ne $debt -and $debt['power'] -cne 'none' -and $debt['run'] -ceq (Get-Text $Agent.Request 'run')
}

function Clear-PowerDebt($Place) {
	$debt = $Place.Notes['debt']
	if ($null -eq $debt -or $debt['power'] -ceq 'none') { return }
	$debt['power'] = 'none'
	$debt['stateChange'] = $null
	Save-Debt $Place
}

# ---- parts ----

# What of an adapter is owed: pin and quotas, in one order; and the id that it had.
function ConvertTo-OwedAdapter($Adapter, $Id) {
	$owed = [ordered]@{ id = $Id; pin = Get-Text $Adapter 'pin'; quotas = [ordered]@{} }
	$have = Get-Map $Adapter 'quotas'
	foreach ($quota in $Quotas) {
		$value = Get-Number $have (Get-QuotaField $quota)
		if ($null -ne $value) { $owed['quotas'][(Get-QuotaField $quota)] = $value }
	}
	return $owed
}

# Written before the part is taken. The same part again, after a crash in between, is owed once, and as this run says.
function Add-PartDebt($Place, [string]$Kind, $Part) {
	$debt = Get-DebtOfRun $Place $false
	$others = @($debt[$Kind] | Where-Object { $null -ne $_ -and -not (Test-SamePart $_ $Part) })
	$debt[$Kind] = @($others + $Part | Where-Object { $null -ne $_ })
	Save-Debt $Place
}

# Not parts that are alike: this very one, by the id or the path that it had.
function Test-SamePart($Owed, $Part) {
	return ($null -ne $Owed['id'] -and $Owed['id'] -ceq $Part['id']) -or
		($null -ne $Owed['locationPath'] -and $Owed['locationPath'] -ceq $Part['locationPath'])
}

# The part was not taken after all: the last one like it is owed no more.
function Remove-PartDebt($Place, [string]$Kind, $Part) {
	if (-not (Get-Flag $Agent.Request 'owesParts')) { return }
	$debt = $Place.Notes['debt']
	$text = Get-PartText $Kind $Part
	$owed = @($debt[$Kind])
	for ($i = $owed.Count - 1; $i -ge 0; $i--) {
		if ((Get-PartText $Kind $owed[$i]) -ceq $text) {
			$debt[$Kind] = @(for ($k = 0; $k -lt $owed.Count; $k++) { if ($k -ne $i) { $owed[$k] } })
			break
		}
	}
	Save-Debt $Place
}

# Text by which parts are alike. Pools are compared without regard to case, as Windows does.
function Get-PartText([string]$Kind, $Part) {
	if ($Kind -ceq 'adapters') { return Format-Json (ConvertTo-OwedAdapter $Part $null) }
	$pool = Get-Text $Part 'pool'
	if ($pool) { return 'pool ' + $pool.ToLowerInvariant() }
	return 'path ' + (Get-Text $Part 'locationPath')
}

# Where in the list of owed parts one like it is, or -1.
function Find-Owed($Place, [string]$Kind, $Part) {
	$debt = $Place.Notes['debt']
	if ($null -eq $debt) { return -1 }
	$text = Get-PartText $Kind $Part
	$owed = @($debt[$Kind])
	for ($i = 0; $i -lt $owed.Count; $i++) { if ((Get-PartText $Kind $owed[$i]) -ceq $text) { return $i } }
	return -1
}

function Remove-Owed($Place, [string]$Kind, [int]$At) {
	$owed = @($Place.Notes['debt'][$Kind])
	$Place.Notes['debt'][$Kind] = @(for ($i = 0; $i -lt $owed.Count; $i++) { if ($i -ne $At) { $owed[$i] } })
}

# With one kind of GPU given, nothing of the other kind is owed.
function Get-OwedOfOther($Place, [string]$Kind) {
	$debt = $Place.Notes['debt']
	if ($null -eq $debt) { return }
	return @($debt[(Get-OtherKind $Kind)] | Where-Object { $null -ne $_ })
}

function Get-OtherKind([string]$Kind) {
	return $(if ($Kind -ceq 'adapters') { 'devices' } else { 'adapters' })
}

# Would giving this part change what is owed?
function Test-Pays($Place, [string]$Kind, $Part) {
	return (Find-Owed $Place $Kind $Part) -ge 0 -or @(Get-OwedOfOther $Place $Kind).Count -gt 0
}

# In what was read of the notes: the VM has this part now.
function Complete-Pay($Place, [string]$Kind, $Part) {
	$at = Find-Owed $Place $Kind $Part
	if ($at -ge 0) { Remove-Owed $Place $Kind $at }
	if (@(Get-OwedOfOther $Place $Kind).Count) { $Place.Notes['debt'][(Get-OtherKind $Kind)] = @() }
	$Place.Notes['giving'] = $null
}

# Written before a part that pays a debt is given, with what the VM has before: should nobody live to clear the debt, the next who
# looks can tell that it is paid.
function Set-Giving($Place, [string]$Kind, $Part, [string[]]$Has) {
	$Place.Notes['giving'] = [ordered]@{ kind = $Kind; part = $Part; has = @($Has) }
	Write-VMNotes $Place
}

# What of these parts, by id, came since then.
function Get-Given($Place, [string]$Kind, [string[]]$Has) {
	$giving = $Place.Notes['giving']
	if ($null -eq $giving -or $giving['kind'] -cne $Kind) { return }
	return @($Has | Where-Object { $_ -and $_ -cnotin @($giving['has']) })
}

# Giving it failed, and the VM has nothing more.
function Clear-Giving($Place, [string]$Kind, [string[]]$Has) {
	if ($null -eq $Place.Notes['giving'] -or @(Get-Given $Place $Kind $Has).Count) { return }
	$Place.Notes['giving'] = $null
	Write-VMNotes $Place
}

# In what was read of the notes, a part that came is owed no more. But an adapter that is still without the quotas that are owed is
# what a repetition completes: its id is the answer then. $Adapters are documents, $Devices ids.
function Complete-Giving($Place, $Adapters, [string[]]$Devices) {
	$giving = $Place.Notes['giving']
	if ($null -eq $giving) { return }
	$kind = $giving['kind']
	$ids = $(if ($kind -ceq 'adapters') { @($Adapters | ForEach-Object { $_['id'] }) } else { $Devices })
	$given = @(Get-Given $Place $kind $ids)
	if (-not $given.Count -or -not (Test-Pays $Place $kind $giving['part'])) { return }
	if ($kind -ceq 'adapters' -and [string]$Place.VM.State -ceq 'Off') {
		$new = @($Adapters | Where-Object { $_['id'] -ceq $given[0] })[0]
		if (-not $new['quotas'].Count -and (Get-Map $giving['part'] 'quotas').Count) { return $given[0] }
	}
	Complete-Pay $Place $kind $giving['part']
	if (-not (Test-Owing $Place.Notes['debt'])) { $Place.Notes['debt'] = $null }
}

# The VM has that part now: it is owed no more, and the request's record of whose it is, is written with it.
function Set-Gained($Place, [string]$Kind, $Part) {
	$before = Format-Json $Place.Notes
	Complete-Pay $Place $Kind $Part
	Set-RecordOfRequest $Place
	if ((Format-Json $Place.Notes) -cne $before) { Save-Debt $Place }
}

# ---- records ----

function Set-RecordOfRequest($Place) {
	$want = Get-Map $Agent.Request 'vmRecord'
	if ($null -eq $want) { return }
	$Place.Notes['record'] = [ordered]@{
		owner = Get-Required $want 'owner'; cluster = Get-Required $want 'cluster'; group = Get-Text $want 'group'
	}
}

# A VM that has nothing left, and is owed nothing, is nobody's. $Reply holds it as it is now.
function Clear-RecordWithoutParts($Place, $Reply) {
	$debt = $Place.Notes['debt']
	$isOwed = $null -ne $debt -and (@($debt['adapters']).Count -or @($debt['devices']).Count)
	$vm = $Reply['vm']
	if ($null -eq $Place.Notes['record'] -or $isOwed -or @($vm['adapters']).Count -or @($vm['devices']).Count) { return }
	$Place.Notes['record'] = $null
	Write-VMNotes $Place
	$vm['record'] = $null
}

function Invoke-Record($Reply) {
	if ($Agent.Request.Contains('vm') -and $null -ne $Agent.Request['vm']) {
		$place = Get-PlaceOf $Agent.Request
		$before = Format-Json $place.Notes
		Set-RecordOfRequest $place
		if ((Format-Json $place.Notes) -cne $before) {
			Write-VMNotes $place
			$Reply['changed'] = $true
		}
		Add-VMToReply $Reply $place
	}
	if (Write-ClusterRecord) { $Reply['changed'] = $true }
}

# Of a VM that somebody started meanwhile, no start is owed.
function Update-Debt($Place, $Debt) {
	$Debt['at'] = ConvertTo-Time (Get-RequestNow)
	if ([string]$Place.VM.State -cne 'Off') {
		$Debt['power'] = 'none'
		$Debt['stateChange'] = $null
	}
	elseif ($Debt['power'] -cne 'none') {
		$Debt['power'] = 'stopped'
		$Debt['stateChange'] = Get-StateChange $Place
	}
}

# A VM that is left as it is, is owed neither a start nor parts.
function Invoke-Settle($Reply) {
	$place = Get-PlaceOf $Agent.Request
	$debt = $place.Notes['debt']
	$how = Get-Required $Agent.Request 'settle'
	if ($how -cnotin 'leave-off', 'renew') { Stop-Request 'protocol' "'$how' is no way to settle" }
	if ($null -ne $debt) {
		if ($how -ceq 'renew') { Update-Debt $place $debt }
		else { $place.Notes['debt'] = $null }
		Save-Debt $place
		$Reply['changed'] = $true
	}
	Add-VMToReply $Reply $place
	if ($Reply['changed']) { Clear-RecordWithoutParts $place $Reply }
}

# Notes of all VMs, whatever hosts have them: those of cluster groups, and the files of this host.
function Invoke-Debts($Reply) {
	$found = @{}
	$files = [IO.Path]::Combine((Get-Root), 'vms')
	if ([IO.Directory]::Exists($files)) {
		foreach ($file in [IO.Directory]::GetFiles($files, '*.json')) {
			$found[[IO.Path]::GetFileNameWithoutExtension($file)] = Read-Notes $file
		}
	}
	$clusterVMs = Read-ClusterVMs $null
	foreach ($key in @($clusterVMs.Keys)) { if ($clusterVMs[$key].Notes) { $found[$key] = $clusterVMs[$key].Notes } }
	foreach ($key in $found.Keys) {
		Send-Fact 'owed' ([ordered]@{ vm = $key.ToUpperInvariant(); debt = $found[$key]['debt']; record = $found[$key]['record'] })
	}
}
