# What is asked besides what is observed, to tell what would keep a run from its work: what this session may do here.
# Nothing is written. Each thing is read by itself; what cannot be read is null, with the host's own words.

# Ids of the account and its groups. Of one that is not elevated, Administrators is there to deny alone.
function Read-SessionIds {
	$ids = @(whoami.exe /all /fo csv /nh | ForEach-Object { [regex]::Match($_, '"(S-1-[0-9-]+)"').Groups[1].Value } | Where-Object { $_ })
	if ('S-1-16-12288' -notin $ids -and 'S-1-16-16384' -notin $ids) { $ids = @($ids | Where-Object { $_ -cne 'S-1-5-32-544' }) }
	return $ids
}

function ConvertTo-Sid($Identity) {
	$name = [string](Get-Property $Identity 'Value')
	if ($name.StartsWith('S-1-')) { return $name }
	return [string]$Identity.Translate([Security.Principal.SecurityIdentifier]).Value
}

# What the cluster's own list gives this account: Full, ReadOnly or None.
function Read-ClusterAccess {
	$ids = Read-SessionIds
	$access = 'None'
	foreach ($rule in @(Get-ClusterAccess)) {
		if ((ConvertTo-Sid $rule.IdentityReference) -notin $ids) { continue }
		if ([string]$rule.AccessControlType -eq 'Deny') { return 'None' }
		if ([string]$rule.ClusterRights -eq 'Full') { $access = 'Full' }
		elseif ($access -eq 'None') { $access = 'ReadOnly' }
	}
	return $access
}

function Read-ClusterFacts {
	$doc = [ordered]@{ state = 'none'; access = $null; message = $null }
	try { if (Test-Cluster) { $doc['state'] = 'answers' } }
	catch {
		$doc['state'] = 'silent'
		$doc['message'] = $_.Exception.Message
	}
	if ($doc['state'] -ne 'answers') { return $doc }
	try { $doc['access'] = Read-ClusterAccess }
	catch { $doc['message'] = $_.Exception.Message }
	return $doc
}

# Whether our folder can be had and written. A lock that is there is opened for writing and nothing is written; it is shared meanwhile,
# and who takes the lease tries again.
function Read-RootFacts {
	$doc = [ordered]@{ path = Get-Root; state = 'usable'; message = $null }
	$lock = Get-LeasePath 'lease.lock'
	try {
		if (-not [IO.Directory]::Exists($doc['path'])) { $doc['state'] = $(if ([IO.File]::Exists($doc['path'])) { 'foreign' } else { 'absent' }) }
		else { Assert-OwnRoot }
		if ([IO.File]::Exists($lock) -or [IO.Directory]::Exists($lock)) {
			[IO.FileStream]::new($lock, [IO.FileMode]::Open, [IO.FileAccess]::Write, [IO.FileShare]'ReadWrite, Delete').Dispose()
		}
	}
	catch [UnauthorizedAccessException] {
		$doc['state'] = 'denied'
		$doc['message'] = $_.Exception.Message
	}
	catch [IO.IOException] { $doc['state'] = 'held' }
	catch {
		$doc['state'] = $(if ((Get-ErrorFacts $_)['kind'] -eq 'access-denied') { 'foreign' } else { 'unknown' })
		$doc['message'] = $_.Exception.Message
	}
	return $doc
}

function Read-Examined {
	return [ordered]@{
		account = [Environment]::UserDomainName + '\' + [Environment]::UserName
		cluster = Read-ClusterFacts; root = Read-RootFacts
	}
}
