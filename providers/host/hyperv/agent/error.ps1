# What went wrong, as one of the kinds of providers/host/host.h. From ids, categories and numbers alone: messages are
# in the host's language.

# Ends the request with that kind.
function Stop-Request([string]$Kind, [string]$Message) {
	$stop = [InvalidOperationException]::new($Message)
	$stop.Data['kind'] = $Kind
	throw $stop
}

# The same after something was done: $Undone says whether it was taken back, in words that follow the message.
function Stop-HalfWay($Record, [bool]$RolledBack, [string]$What) {
	$cause = Get-ErrorFacts $Record
	$stop = [InvalidOperationException]::new($cause['message'] + ' ' + $What)
	$stop.Data['kind'] = $cause['kind']
	$stop.Data['cause'] = $cause
	$stop.Data['rolledBack'] = $RolledBack
	throw $stop
}

# The first part of FullyQualifiedErrorId.
$KindOfId = @{
	ObjectNotFound = 'not-found'; InvalidState = 'invalid-state'; AccessDenied = 'access-denied'
	InvalidParameter = 'invalid-parameter'; Timeout = 'timeout'; OperationTimedOut = 'timeout'
	OutOfMemory = 'insufficient-resources'; InsufficientResources = 'insufficient-resources'
	NotSupported = 'not-supported'; CommandNotFoundException = 'not-supported'; NamedParameterNotFound = 'not-supported'
}

# HRESULTs and the Win32 codes in them, of the exception, of those within it, or as a number in the text.
$KindOfCode = @{
	'0x80070005' = 'access-denied'
	'0x80041003' = 'access-denied'          # WBEM_E_ACCESS_DENIED
	'0x80070002' = 'not-found'
	'0x80070490' = 'not-found'              # ERROR_NOT_FOUND
	'0x8007138D' = 'not-found'              # ERROR_GROUP_NOT_FOUND, of a cluster
	'0x8007139F' = 'invalid-state'          # ERROR_INVALID_STATE
	'0x80070015' = 'invalid-state'          # ERROR_NOT_READY
	'0x800700AA' = 'in-use'                 # ERROR_BUSY
	'0x80070020' = 'in-use'                 # ERROR_SHARING_VIOLATION
	'0x80070057' = 'invalid-parameter'
	'0x800705AA' = 'insufficient-resources' # ERROR_NO_SYSTEM_RESOURCES: no partition with room, MMIO too small
	'0x8007000E' = 'insufficient-resources'
	'0x800705B4' = 'timeout'
	'0x80070032' = 'not-supported'          # ERROR_NOT_SUPPORTED: a clustered VM on a build before 26100
	'0xC035001E' = 'not-supported'          # no IOMMU for the hypervisor
	'0x800704EC' = 'policy'                 # ERROR_ACCESS_DISABLED_BY_POLICY
}

$KindOfCategory = @{
	ObjectNotFound = 'not-found'; PermissionDenied = 'access-denied'; SecurityError = 'access-denied'
	InvalidArgument = 'invalid-parameter'; OperationTimeout = 'timeout'; ResourceBusy = 'in-use'; ResourceExists = 'in-use'
	ResourceUnavailable = 'insufficient-resources'; LimitsExceeded = 'insufficient-resources'
	QuotaExceeded = 'insufficient-resources'; NotImplemented = 'not-supported'
}

function ConvertTo-Code([int]$Number) {
	return '0x' + $Number.ToString('X8', [Globalization.CultureInfo]::InvariantCulture)
}

# All codes of an exception, the innermost first.
function Get-ErrorCodes($Exception) {
	$codes = [Collections.ArrayList]::new()
	for ($e = $Exception; $null -ne $e; $e = $e.InnerException) {
		foreach ($match in [regex]::Matches($e.Message, '0x[0-9A-Fa-f]{8}\b')) {
			$codes.Insert(0, '0x' + $match.Value.Substring(2).ToUpperInvariant())
		}
		$codes.Insert(0, (ConvertTo-Code $e.HResult))
		if ($e -is [ComponentModel.Win32Exception]) {
			$codes.Insert(0, (ConvertTo-Code (0x80070000 -bor ($e.NativeErrorCode -band 0xFFFF))))
		}
	}
	return , $codes
}

function Get-ErrorKind($Record, $Codes) {
	$id = ($Record.FullyQualifiedErrorId -split ',')[0]
	foreach ($code in $Codes) { if ($KindOfCode.ContainsKey($code)) { return $KindOfCode[$code] } }
	if ($KindOfId.ContainsKey($id)) { return $KindOfId[$id] }
	$category = $Record.CategoryInfo.Category.ToString()
	if ($KindOfCategory.ContainsKey($category)) { return $KindOfCategory[$category] }
	return 'failed'
}

function Get-ErrorFacts($Record) {
	$exception = $Record.Exception
	if ($null -ne $exception.Data['cause']) {
		$facts = $exception.Data['cause']
		$facts['message'] = $exception.Message
		$facts['rolledBack'] = $exception.Data['rolledBack']
		return $facts
	}
	if ($null -ne $exception.Data['kind']) {
		return [ordered]@{
			kind = $exception.Data['kind']; id = $null; category = $null; hresult = $null; message = $exception.Message
		}
	}
	$codes = Get-ErrorCodes $exception
	$known = @($codes | Where-Object { $KindOfCode.ContainsKey($_) })
	return [ordered]@{
		kind = Get-ErrorKind $Record $codes
		id = $Record.FullyQualifiedErrorId
		category = $Record.CategoryInfo.Category.ToString()
		hresult = $(if ($known.Count) { $known[0] } else { ConvertTo-Code $exception.HResult })
		message = $exception.Message
	}
}
