# JSON without ConvertTo-Json and ConvertFrom-Json: theirs differ between 5.1 and 7, and 5.1's turns some arrays into
# objects. Written as ASCII alone, so that no console code page matters. Integers above Int64 are text of digits in
# both directions.

function ConvertTo-JsonText([string]$Text) {
	if ($Text -cnotmatch '[^ !#-\[\]-~]') { return '"' + $Text + '"' }
	$to = [Text.StringBuilder]::new('"')
	for ($i = 0; $i -lt $Text.Length; $i++) {
		$c = $Text[$i]
		$isPair = [char]::IsHighSurrogate($c) -and $i + 1 -lt $Text.Length -and [char]::IsLowSurrogate($Text[$i + 1])
		if ($c -eq '"' -or $c -eq '\') { [void]$to.Append('\').Append($c) }
		elseif ($c -ge ' ' -and $c -le '~') { [void]$to.Append($c) }
		elseif ($isPair) {
			[void]$to.Append('\u').Append(([int]$c).ToString('x4')).Append('\u').Append(([int]$Text[$i + 1]).ToString('x4'))
			$i++
		}
		elseif ([char]::IsSurrogate($c)) { [void]$to.Append('\ufffd') } # half of a character is no character
		else { [void]$to.Append('\u').Append(([int]$c).ToString('x4')) }
	}
	return $to.Append('"').ToString()
}

# Dictionaries, lists, texts, booleans, integers and null; nothing else is ever sent.
function Add-Json([Text.StringBuilder]$To, $Value) {
	if ($null -eq $Value) { [void]$To.Append('null') }
	elseif ($Value -is [string]) { [void]$To.Append((ConvertTo-JsonText $Value)) }
	elseif ($Value -is [bool]) { [void]$To.Append($(if ($Value) { 'true' } else { 'false' })) }
	elseif ($Value -is [Collections.IDictionary]) {
		$separator = '{'
		foreach ($key in $Value.Keys) {
			[void]$To.Append($separator).Append((ConvertTo-JsonText $key)).Append(':')
			Add-Json $To $Value[$key]
			$separator = ','
		}
		if ($separator -eq '{') { [void]$To.Append('{') }
		[void]$To.Append('}')
	}
	elseif ($Value -is [Collections.IList]) {
		[void]$To.Append('[')
		for ($i = 0; $i -lt $Value.Count; $i++) {
			if ($i) { [void]$To.Append(',') }
			Add-Json $To $Value[$i]
		}
		[void]$To.Append(']')
	}
	elseif ($Value -is [uint64] -and $Value -gt [long]::MaxValue) {
		[void]$To.Append('"').Append($Value.ToString([Globalization.CultureInfo]::InvariantCulture)).Append('"')
	}
	elseif ($Value -is [int] -or $Value -is [long] -or $Value -is [uint64] -or $Value -is [uint32] -or
		$Value -is [uint16] -or $Value -is [int16] -or $Value -is [byte]) {
		[void]$To.Append($Value.ToString([Globalization.CultureInfo]::InvariantCulture))
	}
	else { throw [InvalidOperationException]::new('no JSON for ' + $Value.GetType().FullName) }
}

function Format-Json($Value) {
	$to = [Text.StringBuilder]::new()
	Add-Json $to $Value
	return $to.ToString()
}

$JsonToken = [regex]::new('\G[ \t\r\n]*(?:(?<text>"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")' +
	'|(?<number>-?[0-9]+)(?![0-9.eE])|(?<word>true|false|null)|(?<sign>[\[\]{},:]))[ \t\r\n]*',
	[Text.RegularExpressions.RegexOptions]::CultureInvariant)

$JsonEscape = [regex]::new('\\(?:u([0-9a-fA-F]{4})|(.))')
$JsonEscaped = @{ '"' = '"'; '\' = '\'; '/' = '/'; 'b' = "`b"; 'f' = "`f"; 'n' = "`n"; 'r' = "`r"; 't' = "`t" }

function Read-JsonToken($Reader) {
	$match = $JsonToken.Match($Reader.Text, $Reader.At)
	if (-not $match.Success) { throw [FormatException]::new('no JSON at character ' + $Reader.At) }
	$Reader.At = $match.Index + $match.Length
	return $match
}

function ConvertFrom-JsonString([string]$Quoted) {
	$text = $Quoted.Substring(1, $Quoted.Length - 2)
	if ($text.IndexOf('\') -lt 0) { return $text }
	$to = [Text.StringBuilder]::new()
	$from = 0
	foreach ($match in $JsonEscape.Matches($text)) {
		[void]$to.Append($text, $from, $match.Index - $from)
		if ($match.Groups[1].Success) { [void]$to.Append([char][Convert]::ToInt32($match.Groups[1].Value, 16)) }
		else { [void]$to.Append($JsonEscaped[$match.Groups[2].Value]) }
		$from = $match.Index + $match.Length
	}
	return $to.Append($text, $from, $text.Length - $from).ToString()
}

# Objects become case-sensitive dictionaries, lists arrays, numbers Int64 or UInt64. Results are wrapped in an array
# of one, for PowerShell would unroll a list on its way out of a function.
function Read-JsonValue($Reader, $Token, [int]$Depth) {
	if ($Depth -gt 20) { throw [FormatException]::new('JSON too deep') }
	if ($Token.Groups['text'].Success) { return , @(ConvertFrom-JsonString $Token.Groups['text'].Value) }
	if ($Token.Groups['number'].Success) {
		$number = [decimal]::Parse($Token.Groups['number'].Value, [Globalization.CultureInfo]::InvariantCulture)
		if ($number -gt [long]::MaxValue) { return , @([uint64]$number) }
		return , @([long]$number)
	}
	switch -CaseSensitive ($Token.Value.Trim()) {
		'true' { return , @($true) }
		'false' { return , @($false) }
		'null' { return , @($null) }
		'[' {
			$list = [Collections.ArrayList]::new()
			$next = Read-JsonToken $Reader
			while ($next.Value.Trim() -cne ']') {
				[void]$list.Add((Read-JsonValue $Reader $next ($Depth + 1))[0])
				$next = Read-JsonToken $Reader
				if ($next.Value.Trim() -ceq ',') { $next = Read-JsonToken $Reader }
				elseif ($next.Value.Trim() -cne ']') { throw [FormatException]::new('a comma is missing in JSON') }
			}
			$values = $list.ToArray()
			$boxed = [object[]]::new(1)
			$boxed[0] = $values
			return , $boxed
		}
		'{' {
			$map = [Collections.Specialized.OrderedDictionary]::new([StringComparer]::Ordinal)
			$next = Read-JsonToken $Reader
			while ($next.Value.Trim() -cne '}') {
				if (-not $next.Groups['text'].Success) { throw [FormatException]::new('a key is missing in JSON') }
				$key = ConvertFrom-JsonString $next.Groups['text'].Value
				if ((Read-JsonToken $Reader).Value.Trim() -cne ':') { throw [FormatException]::new('a colon is missing in JSON') }
				$map[$key] = (Read-JsonValue $Reader (Read-JsonToken $Reader) ($Depth + 1))[0]
				$next = Read-JsonToken $Reader
				if ($next.Value.Trim() -ceq ',') { $next = Read-JsonToken $Reader }
				elseif ($next.Value.Trim() -cne '}') { throw [FormatException]::new('a comma is missing in JSON') }
			}
			return , @($map)
		}
	}
	throw [FormatException]::new('no JSON value at character ' + $Reader.At)
}

# The object in a text; anything else is a FormatException.
function ConvertFrom-JsonObject([string]$Text) {
	$reader = @{ Text = $Text; At = 0 }
	$value = (Read-JsonValue $reader (Read-JsonToken $reader) 0)[0]
	if ($reader.At -ne $Text.Length -or $value -isnot [Collections.IDictionary]) {
		throw [FormatException]::new('no JSON object')
	}
	return $value
}
