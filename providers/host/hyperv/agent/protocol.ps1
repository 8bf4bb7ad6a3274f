# Lines in and out, progress, and waiting with an eye on the end of input.

function Send-Line($Value) {
	$Agent.Out.WriteLine((Format-Json $Value))
}

# A line about the request being answered.
function Send-Fact([string]$Key, $Value) {
	Send-Line ([ordered]@{ id = $Agent.Request['id']; $Key = $Value })
}

function Send-Progress([int]$Permille, [string]$What) {
	Send-Fact 'progress' ([ordered]@{ permille = [Math]::Max(0, [Math]::Min(1000, $Permille)); what = $What })
}

# A connection can be dead without an end of input. Its client is silent then: it has promised an empty line now and then while it holds
# the lease.
function Assert-Heard {
	if ($null -eq $Agent.Lease -or $null -eq $Agent.Silence) { return }
	if ($Agent.Clock.ElapsedMilliseconds - $Agent.HeardAt -gt $Agent.Silence) { throw [IO.EndOfStreamException]::new('the client is silent') }
}

# The next line, or null at the end.
function Read-Line {
	if ($null -eq $Agent.Pending) { $Agent.Pending = $Agent.In.ReadLineAsync() }
	$pause = $(if ($null -ne $Agent.Lease -and $null -ne $Agent.Silence) { 1000 } else { -1 })
	while (-not $Agent.Pending.Wait($pause)) { Assert-Heard }
	$line = $Agent.Pending.GetAwaiter().GetResult()
	$Agent.Pending = $null
	$Agent.HeardAt = $Agent.Clock.ElapsedMilliseconds
	return $line
}

# Sleeps, unless the connection is gone: then the step ends where it is, and what it owes stays written.
function Wait-Moment([int]$Milliseconds) {
	$until = $Agent.Clock.ElapsedMilliseconds + $Milliseconds
	if ($null -eq $Agent.Pending) { $Agent.Pending = $Agent.In.ReadLineAsync() }
	$isRequest = $false
	while (-not $isRequest) {
		if (-not $Agent.Pending.Wait([int][Math]::Max(0, $until - $Agent.Clock.ElapsedMilliseconds))) { break }
		if ($null -eq $Agent.Pending.Result) { throw [IO.EndOfStreamException]::new('the connection is gone') }
		$Agent.HeardAt = $Agent.Clock.ElapsedMilliseconds
		$isRequest = [bool]$Agent.Pending.Result.Trim() # it waits for its turn, and what is behind it is not heard
		if (-not $isRequest) { $Agent.Pending = $Agent.In.ReadLineAsync() }
	}
	Assert-Heard
	$left = [int]($until - $Agent.Clock.ElapsedMilliseconds)
	if ($left -gt 0) { [Threading.Thread]::Sleep($left) }
}

# Waits until $Test says true, with progress; false when $Seconds or the request's deadline have passed.
function Wait-Until([scriptblock]$Test, [int]$Seconds, [string]$What) {
	$began = $Agent.Clock.ElapsedMilliseconds
	$until = $began + 1000L * $Seconds
	if ($null -ne $Agent.Deadline -and $Agent.Deadline -lt $until) { $until = $Agent.Deadline }
	$pause = 100
	$told = $began
	while ($true) {
		if (& $Test) { return $true }
		$now = $Agent.Clock.ElapsedMilliseconds
		if ($now -ge $until) { return $false }
		if ($now - $told -ge 1000) {
			Send-Progress ([int](1000 * ($now - $began) / ($until - $began))) $What
			$told = $now
		}
		Wait-Moment ([int][Math]::Min($pause, $until - $now))
		if ($pause -lt 1000) { $pause = $pause * 2 }
	}
}

# Seconds until the request's deadline, at most $Default.
function Get-SecondsLeft([int]$Default) {
	if ($null -eq $Agent.Deadline) { return $Default }
	return [int][Math]::Max(0, [Math]::Min($Default, ($Agent.Deadline - $Agent.Clock.ElapsedMilliseconds) / 1000))
}

function Get-Text($Map, [string]$Key) {
	if ($null -eq $Map -or -not $Map.Contains($Key) -or $null -eq $Map[$Key]) { return $null }
	if ($Map[$Key] -isnot [string]) { Stop-Request 'protocol' "'$Key' is no text" }
	return $Map[$Key]
}

# An integer, also one written as text for its size; null where it is not given.
function Get-Number($Map, [string]$Key) {
	if ($null -eq $Map -or -not $Map.Contains($Key) -or $null -eq $Map[$Key]) { return $null }
	$number = [uint64]0
	$text = [string]::Format([Globalization.CultureInfo]::InvariantCulture, '{0}', $Map[$Key])
	if (-not [uint64]::TryParse($text, [ref]$number)) { Stop-Request 'protocol' "'$Key' is no number" }
	return $number
}

function Get-Flag($Map, [string]$Key) {
	if ($null -eq $Map -or -not $Map.Contains($Key) -or $null -eq $Map[$Key]) { return $false }
	if ($Map[$Key] -isnot [bool]) { Stop-Request 'protocol' "'$Key' is neither true nor false" }
	return $Map[$Key]
}

function Get-Map($Map, [string]$Key) {
	if ($null -eq $Map -or -not $Map.Contains($Key) -or $null -eq $Map[$Key]) { return $null }
	if ($Map[$Key] -isnot [Collections.IDictionary]) { Stop-Request 'protocol' "'$Key' is no object" }
	return $Map[$Key]
}

function Get-Required($Map, [string]$Key) {
	$text = Get-Text $Map $Key
	if ([string]::IsNullOrEmpty($text)) { Stop-Request 'protocol' "'$Key' is missing" }
	return $text
}

function Get-RequestNow {
	$now = Get-Number $Agent.Request 'now'
	if ($null -eq $now) { Stop-Request 'protocol' "'now' is missing" }
	return [DateTimeOffset]::FromUnixTimeSeconds([long]$now).UtcDateTime
}

function ConvertTo-Time($Time) {
	if ($null -eq $Time) { return $null }
	return ([datetime]$Time).ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", [Globalization.CultureInfo]::InvariantCulture)
}

# A property that older builds may lack; null then.
function Get-Property($Object, [string]$Name) {
	$property = $Object.PSObject.Properties[$Name]
	if ($null -eq $property) { return $null }
	return $property.Value
}
