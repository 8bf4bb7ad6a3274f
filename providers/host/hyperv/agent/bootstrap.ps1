$ErrorActionPreference='Stop';$ProgressPreference='SilentlyContinue'
$e=[Text.UTF8Encoding]::new($false)
$o=[IO.StreamWriter]::new([Console]::OpenStandardOutput(),$e);$o.AutoFlush=$true;$o.NewLine="`n"
$i=[IO.StreamReader]::new([Console]::OpenStandardInput(),$e,$false)
$o.WriteLine('{"bootstrap":1}')
$t=[Text.StringBuilder]::new()
while($true){
$l=$i.ReadLine()
if($null -eq $l){$o.WriteLine('{"bootstrap":"input-ended"}');exit 3}
if($l -ceq '#end'){break}
[void]$t.Append($l).Append("`n")}
$s=[Security.Cryptography.SHA256CryptoServiceProvider]::new()
$h=[BitConverter]::ToString($s.ComputeHash($e.GetBytes($t.ToString()))).Replace('-','')
if($h -ne '@SHA256@'){$o.WriteLine('{"bootstrap":"hash-mismatch"}');exit 3}
& ([scriptblock]::Create($t.ToString())) $i $o
