# Files of our own, ProgramData\hvgpu: replaced whole, so that a reader finds the old one or the new one.

function Get-Root {
	return [IO.Path]::Combine($env:ProgramData, 'hvgpu')
}

function Test-Windows {
	return [Environment]::OSVersion.Platform -eq [PlatformID]::Win32NT
}

# Anybody may make folders in ProgramData, so one that is there already must belong to Administrators or SYSTEM.
function Assert-OwnRoot {
	if (-not (Test-Windows)) { return }
	$root = Get-Root
	$owner = (Get-Acl -LiteralPath $root).GetOwner([Security.Principal.SecurityIdentifier]).Value
	if ($owner -cnotin 'S-1-5-18', 'S-1-5-32-544') {
		Stop-Request 'access-denied' "$root belongs to $owner, not to Administrators; remove it"
	}
	if ([IO.File]::GetAttributes($root) -band [IO.FileAttributes]::ReparsePoint) {
		Stop-Request 'access-denied' "$root is a link; remove it"
	}
}

function Initialize-Root {
	$root = Get-Root
	if (-not [IO.Directory]::Exists($root)) {
		[void][IO.Directory]::CreateDirectory($root)
		if (Test-Windows) {
			$acl = [Security.AccessControl.DirectorySecurity]::new()
			$acl.SetSecurityDescriptorSddlForm('O:BAG:BAD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)')
			Set-Acl -LiteralPath $root -AclObject $acl
		}
	}
	else { Assert-OwnRoot }
	[void][IO.Directory]::CreateDirectory([IO.Path]::Combine($root, 'vms'))
}

# The object in a file, or null where there is none. What cannot be read is an error: it may be a debt.
function Read-Notes([string]$Path) {
	if (-not [IO.File]::Exists($Path)) { return $null }
	$text = [IO.File]::ReadAllText($Path)
	try { return ConvertFrom-JsonObject $text }
	catch { Stop-Request 'failed' "$Path is damaged: $($_.Exception.Message)" }
}

function Write-Notes([string]$Path, $Value) {
	Initialize-Root
	$new = $Path + '.new'
	$bytes = [Text.Encoding]::ASCII.GetBytes((Format-Json $Value) + "`n")
	$file = [IO.FileStream]::new($new, [IO.FileMode]::Create, [IO.FileAccess]::Write, [IO.FileShare]::None)
	try {
		$file.Write($bytes, 0, $bytes.Length)
		$file.Flush($true)
	}
	finally { $file.Dispose() }
	if ([IO.File]::Exists($Path)) { [IO.File]::Replace($new, $Path, [NullString]::Value) }
	else { [IO.File]::Move($new, $Path) }
}

# ---- the host's own notes: epoch, record, notedMmio, unfinished ----

function Read-HostNotes {
	$notes = Read-Notes ([IO.Path]::Combine((Get-Root), 'host.json'))
	if ($null -eq $notes) { $notes = [ordered]@{ epoch = [long]0; record = $null; notedMmio = @() } }
	return $notes
}

function Write-HostNotes($Notes) {
	Write-Notes ([IO.Path]::Combine((Get-Root), 'host.json')) $Notes
}

# The cluster's record as the request has it, unless one of a higher epoch is there.
function Write-ClusterRecord {
	$want = Get-Map $Agent.Request 'clusterRecord'
	if ($null -eq $want) { return $false }
	$record = [ordered]@{
		owner = Get-Required $want 'owner'; cluster = Get-Required $want 'cluster'
		commit = Get-Text $want 'commit'; epoch = Get-Number $want 'epoch'
	}
	$notes = Read-HostNotes
	$have = $notes['record']
	if ($null -ne $have -and (Get-Number $have 'epoch') -gt $record['epoch']) { return $false }
	if ($null -ne $have -and (Format-Json $have) -ceq (Format-Json $record)) { return $false }
	$notes['record'] = $record
	Write-HostNotes $notes
	return $true
}

function Add-NotedMmio([string]$LocationPath, $Low, $High) {
	if ($null -eq $Low -or $null -eq $High) { return }
	$notes = Read-HostNotes
	$others = @($notes['notedMmio'] | Where-Object { $_['locationPath'] -cne $LocationPath })
	$notes['notedMmio'] = @($others + [ordered]@{ locationPath = $LocationPath; low = $Low; high = $High })
	Write-HostNotes $notes
}

# GPUs of which a dismount or a mount has begun and did not end: { locationPath, force }. An agent that dies in between leaves the
# device disabled, and only this note tells that from one that somebody has disabled.
function Get-Unfinished {
	return @((Read-HostNotes)['unfinished'] | Where-Object { $null -ne $_ })
}

function Set-Unfinished([string]$LocationPath, [bool]$Force) {
	$notes = Read-HostNotes
	$others = @($notes['unfinished'] | Where-Object { $null -ne $_ -and $_['locationPath'] -cne $LocationPath })
	$notes['unfinished'] = @($others + [ordered]@{ locationPath = $LocationPath; force = $Force })
	Write-HostNotes $notes
}

function Clear-Unfinished([string]$LocationPath) {
	$notes = Read-HostNotes
	$all = @($notes['unfinished'] | Where-Object { $null -ne $_ })
	$others = @($all | Where-Object { $_['locationPath'] -cne $LocationPath })
	if ($others.Count -eq $all.Count) { return }
	if ($others.Count) { $notes['unfinished'] = $others } else { $notes.Remove('unfinished') }
	Write-HostNotes $notes
}
