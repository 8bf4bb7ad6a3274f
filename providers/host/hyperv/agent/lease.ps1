# The lease: a file that the agent holds open exclusively. Who it is, is written beside it, where others can read it.

function Get-LeasePath([string]$Name) {
	return [IO.Path]::Combine((Get-Root), $Name)
}

# Opens the lock, or null while another process has it open. Somebody who only looks has it open for a moment.
function Open-LeaseFile {
	for ($try = 0; $try -lt 5; $try++) {
		try {
			return [IO.FileStream]::new((Get-LeasePath 'lease.lock'), [IO.FileMode]::OpenOrCreate, [IO.FileAccess]::ReadWrite,
				[IO.FileShare]::None)
		}
		catch [IO.IOException] { Wait-Moment 60 }
	}
	return $null
}

# Whether another process has the lock. Looking must not keep anybody from taking it, hence the sharing.
function Test-LeaseHeld {
	$path = Get-LeasePath 'lease.lock'
	if ($null -ne $Agent.Lease) { return $true }
	if (-not [IO.File]::Exists($path)) { return $false }
	try {
		[IO.FileStream]::new($path, [IO.FileMode]::Open, [IO.FileAccess]::Read, [IO.FileShare]'ReadWrite, Delete').Dispose()
		return $false
	}
	catch [IO.IOException] { return $true }
}

# Who holds this host, or null. What is written counts only while the file is open.
function Read-Lease {
	$lease = Read-Notes (Get-LeasePath 'lease.json')
	if ($null -eq $lease -or -not (Test-LeaseHeld)) { return $null }
	return $lease
}

# Tells a process from a later one with the same number, to some seconds.
function Get-ProcessStart($Process) {
	return [DateTimeOffset]::new($Process.StartTime).ToUnixTimeSeconds()
}

# Ends the agent that holds the lease for that run, whose client is dead and whose connection did not notice.
function Invoke-LeaseEnd($Reply) {
	$run = Get-Required $Agent.Request 'run'
	$lease = Read-Lease
	if ($null -eq $lease) { return }
	if ($lease['run'] -cne $run -or $null -ne $Agent.Lease) {
		$Reply['lease'] = $lease
		Stop-Request 'lease-held' "the lease of this host is not that of run '$run'"
	}
	$process = $null
	try { $process = [Diagnostics.Process]::GetProcessById([int]$lease['pid']) }
	catch [ArgumentException] { Stop-Request 'failed' "the lease is held, but not by process $($lease['pid']) that wrote it" }
	if ([Math]::Abs((Get-ProcessStart $process) - $lease['started']) -gt 5) {
		Stop-Request 'failed' "process $($lease['pid']) is another one than took the lease"
	}
	$process.Kill()
	if (-not (Wait-Until { -not (Test-LeaseHeld) } 10 'waiting for the other agent to end')) {
		Stop-Request 'timeout' "process $($lease['pid']) does not end"
	}
	$Reply['changed'] = $true
}

function Invoke-LeaseOpen($Reply) {
	$run = Get-Required $Agent.Request 'run'
	Initialize-Root
	if ($null -eq $Agent.Lease) { $Agent.Lease = Open-LeaseFile }
	if ($null -eq $Agent.Lease) {
		$Reply['lease'] = Read-Notes (Get-LeasePath 'lease.json')
		Stop-Request 'lease-held' 'another run holds the lease of this host'
	}
	if ($Agent.Run -cne $run) {
		$holder = Get-Text $Agent.Request 'holder'
		Write-Notes (Get-LeasePath 'lease.json') ([ordered]@{
				holder = $(if ($holder) { $holder } else { 'unknown' }); run = $run; since = ConvertTo-Time (Get-RequestNow); pid = $PID
				started = Get-ProcessStart ([Diagnostics.Process]::GetCurrentProcess())
			})
		$Agent.Run = $run
		$silence = Get-Number $Agent.Request 'silenceSeconds'
		$Agent.Silence = $(if ($silence) { 1000L * $silence })
		$Reply['changed'] = $true
	}
	$Reply['epoch'] = (Read-HostNotes)['epoch']
}

function Close-Lease {
	if ($null -eq $Agent.Lease) { return }
	try { [IO.File]::Delete((Get-LeasePath 'lease.json')) }
	finally {
		$Agent.Lease.Dispose()
		$Agent.Lease = $null
		$Agent.Run = $null
	}
}

function Invoke-LeaseClose($Reply) {
	$Reply['changed'] = $null -ne $Agent.Lease
	Close-Lease
}

function Invoke-LeaseWho($Reply) {
	$Reply['lease'] = Read-Lease
}

# Every verb that writes runs under the lease of its run, and no newer run has been here.
function Assert-Lease {
	$run = Get-Text $Agent.Request 'run'
	if ($null -eq $Agent.Lease -or $Agent.Run -cne $run) {
		Stop-Request 'lease-lost' 'this run does not hold the lease of this host'
	}
	$epoch = Get-Number $Agent.Request 'epoch'
	$seen = (Read-HostNotes)['epoch']
	if ($null -eq $epoch -or $epoch -lt $seen) {
		Stop-Request 'lease-lost' "this host has seen epoch $seen, and this run is of epoch $epoch"
	}
}

function Invoke-Epoch($Reply) {
	$epoch = Get-Number $Agent.Request 'epoch'
	$notes = Read-HostNotes
	if ($epoch -gt $notes['epoch']) {
		$notes['epoch'] = $epoch
		Write-HostNotes $notes
		$Reply['changed'] = $true
	}
	$Reply['epoch'] = $epoch
}
