# The host itself: what it is, and what this session may do on it.

# Ids alone, for names of groups are localised. Null where they cannot be had.
function Read-Identity {
	try { $lines = @(whoami.exe /groups /fo csv /nh) }
	catch { return $null }
	$ids = @($lines | ForEach-Object { [regex]::Match($_, '"(S-1-[0-9-]+)"').Groups[1].Value })
	return @{
		Elevated = 'S-1-16-12288' -in $ids -or 'S-1-16-16384' -in $ids
		HyperVAdministrator = 'S-1-5-32-578' -in $ids
		Network = 'S-1-5-2' -in $ids
	}
}

function Read-Hello {
	$modules = [ordered]@{ 'Hyper-V' = $null; FailoverClusters = $null; PnpDevice = $null; CimCmdlets = $null }
	foreach ($module in @(Get-Module -ListAvailable -Name @($modules.Keys) -ErrorAction Ignore)) {
		$modules[$module.Name] = [string]$module.Version
	}
	$identity = Read-Identity
	$canMove = $null
	if ($null -ne $identity) { $canMove = $null -ne $modules['FailoverClusters'] -and -not $identity.Network }
	$Agent.LiveMoves = $canMove
	return [ordered]@{
		agent = $Agent.Version; protocol = $Agent.Protocol; host = $env:COMPUTERNAME
		powershell = [string]$PSVersionTable.PSVersion; edition = [string]$PSVersionTable.PSEdition
		languageMode = [string]$ExecutionContext.SessionState.LanguageMode
		osBuild = [Environment]::OSVersion.Version.Build; pid = $PID; modules = $modules
		elevated = $(if ($identity) { $identity.Elevated })
		hyperVAdministrator = $(if ($identity) { $identity.HyperVAdministrator })
		networkLogon = $(if ($identity) { $identity.Network }); liveMoves = $canMove; root = Get-Root
	}
}

# By OperatingSystemSKU, for captions are localised: full, core and evaluation editions, and Azure Edition.
$Editions = @{
	7 = 'Standard'; 13 = 'Standard'; 79 = 'Standard'
	8 = 'Datacenter'; 12 = 'Datacenter'; 80 = 'Datacenter'; 407 = 'Datacenter'
}

function Read-System($Doc, $Unread) {
	try {
		$system = Get-CimInstance -ClassName Win32_OperatingSystem
		$Doc['osBuild'] = [long]$system.BuildNumber
		$sku = [int]$system.OperatingSystemSKU
		$Doc['edition'] = $(if ($Editions.ContainsKey($sku)) { $Editions[$sku] } else { "SKU $sku" })
		$Doc['memoryFree'] = [long]$system.FreePhysicalMemory * 1024
	}
	catch { Add-Unread $Unread $Doc 'osBuild', 'edition', 'memoryFree' }
}

function Read-Sriov($Doc, $Unread) {
	try {
		$vmHost = Get-VMHost
		$Doc['sriov'] = [bool]$vmHost.IovSupport
		$reasons = @(Get-Property $vmHost 'IovSupportReasons' | Where-Object { $_ })
		$Doc['sriovReasons'] = $(if ($reasons.Count) { $reasons -join '; ' })
	}
	catch { Add-Unread $Unread $Doc 'sriov', 'sriovReasons' }
}

# A key that is not there is Windows' default for servers: the devices are demanded to be secure and supported.
function Read-PolicyKeys($Doc, $Unread) {
	$key = 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\HyperV'
	$names = [ordered]@{
		requireSecureAssignment = 'RequireSecureDeviceAssignment'; requireSupportedAssignment = 'RequireSupportedDeviceAssignment'
	}
	try { $values = Get-ItemProperty -LiteralPath $key }
	catch {
		if ((Get-ErrorFacts $_)['kind'] -ne 'not-found') {
			Add-Unread $Unread $Doc @($names.Keys)
			return
		}
		$values = $null
	}
	foreach ($field in $names.Keys) {
		$value = $(if ($null -ne $values) { Get-Property $values $names[$field] })
		$Doc[$field] = $null -eq $value -or [int]$value -ne 0
	}
}

function Read-ClusterOfHost($Doc, $Unread) {
	try {
		$isCluster = Test-Cluster
		$Doc['clusterName'] = $(if ($isCluster) { $Agent.ClusterName })
		$Doc['nodes'] = @(if ($isCluster) { Read-Nodes })
	}
	catch { Add-Unread $Unread $Doc 'clusterName', 'nodes' }
}

function Read-OwnNotes($Doc, $Unread) {
	try {
		$notes = Read-HostNotes
		$Doc['epoch'] = $notes['epoch']
		$Doc['lease'] = $null
		$lease = Read-Lease
		if ($lease) { $Doc['lease'] = [ordered]@{ holder = $lease['holder']; run = $lease['run']; since = $lease['since'] } }
		$Doc['record'] = $notes['record']
		$Doc['notedMmio'] = $notes['notedMmio']
	}
	catch { Add-Unread $Unread $Doc 'epoch', 'lease', 'record', 'notedMmio' }
}

# Names fields that could not be read; they are not in the document.
function Add-Unread($Unread, $Doc, [string[]]$Names) {
	foreach ($name in $Names) {
		[void]$Unread.Add($name)
		$Doc.Remove($name)
	}
}

function Read-HostFacts {
	$unread = [Collections.ArrayList]::new()
	$doc = [ordered]@{ name = $env:COMPUTERNAME; observedAt = ConvertTo-Time ([datetime]::UtcNow) }
	Read-System $doc $unread
	Read-Sriov $doc $unread
	Read-PolicyKeys $doc $unread
	Read-ClusterOfHost $doc $unread
	Read-PoolsOfHost $doc $unread
	Read-OwnNotes $doc $unread
	if ($unread.Count) { $doc['unread'] = $unread.ToArray() }
	return $doc
}
