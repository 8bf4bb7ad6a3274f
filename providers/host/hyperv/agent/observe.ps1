# The host, whole, one object per line, with a number of calls that does not depend on how many GPUs and VMs there are.

# VMs that are between two nodes: here while their group is elsewhere, or of a group that is here and not among this
# host's VMs.
function Get-Moving($VMs, $ClusterVMs) {
	$here = @{}
	foreach ($vm in $VMs) { $here[([string]$vm.Id).ToLowerInvariant()] = $true }
	foreach ($id in $ClusterVMs.Keys) {
		$isOwner = $ClusterVMs[$id].Owner -eq $env:COMPUTERNAME
		if ($isOwner -ne $here.ContainsKey($id)) { $id.ToUpperInvariant() }
	}
}

function Invoke-Observe($Reply) {
	$unread = [Collections.ArrayList]::new()
	if (Get-Flag $Agent.Request 'examine') { Send-Fact 'examined' (Read-Examined) }
	Send-Fact 'host' (Read-HostFacts)
	$gpus = Read-Gpus $unread -Mmio
	foreach ($gpu in $gpus) { Send-Fact 'gpu' $gpu.Doc }
	$vms = @(Get-VM)
	$clusterVMs = Read-ClusterVMs $null
	$facts = Read-VMFacts $vms $gpus $clusterVMs $null
	foreach ($vm in $vms) { Send-Fact 'vm' (Read-VMDocument (New-Place $vm $clusterVMs) $facts) }
	$Reply['counts'] = [ordered]@{ gpus = $gpus.Count; vms = $vms.Count }
	$Reply['moving'] = @(Get-Moving $vms $clusterVMs)
	$Reply['unread'] = $unread.ToArray()
}
