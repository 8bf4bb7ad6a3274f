# The failover cluster, as this node sees it, and what it knows of VMs.

# A cluster object's name, where the other object may be one itself or its name.
function Get-ClusterName($Object) {
	if ($null -eq $Object) { return $null }
	if ($Object -is [string]) { return $Object }
	$name = Get-Property $Object 'Name'
	if ($null -ne $name) { return [string]$name }
	return $Object.ToString()
}

# Whether this host is set up as a node of a failover cluster: its cluster service starts by itself. On others it is disabled, or
# not there.
function Test-ClusterService {
	$service = @(Get-CimInstance -ClassName Win32_Service -Filter "Name='ClusSvc'")
	return $service.Count -gt 0 -and [string]$service[0].StartMode -eq 'Auto'
}

# False on a standalone host. A node whose cluster cannot be asked, for its service is down or the module is missing, is none: who
# took it for one would stop VMs behind the cluster's back.
function Test-Cluster {
	if ($null -ne $Agent.IsCluster) { return $Agent.IsCluster }
	$why = 'the module FailoverClusters is missing'
	if (Get-Command -Name Get-Cluster -ErrorAction Ignore) {
		try {
			$Agent.ClusterName = Get-ClusterName (Get-Cluster)
			$Agent.IsCluster = $true
			return $true
		}
		catch {
			if ((Get-ErrorFacts $_)['kind'] -eq 'access-denied') { throw }
			$why = $_.Exception.Message
		}
	}
	if (Test-ClusterService) { Stop-Request 'failed' "this node's failover cluster cannot be asked: $why" }
	$Agent.IsCluster = $false
	return $false
}

function Get-NodeState($Node) {
	$state = [string](Get-Property $Node 'State')
	if ([string](Get-Property $Node 'DrainStatus') -eq 'InProgress') { return 'Draining' }
	if ($state -in 'Up', 'Paused', 'Down') { return $state }
	return 'Unknown'
}

function Read-Nodes {
	Get-ClusterNode | ForEach-Object { [ordered]@{ name = Get-ClusterName $_; state = Get-NodeState $_ } }
}

# What clusters know of VMs: group, owner, OfflineAction, our notes; by VM id in lower case. Of all VMs, in four
# calls, or of one.
function Read-ClusterVMs($VMId) {
	$vms = @{}
	if (-not (Test-Cluster)) { return $vms }
	if ($VMId) {
		$resources = @(Get-ClusterResource -VMId $VMId)
		$groups = @(Get-ClusterGroup -VMId $VMId)
	}
	else {
		$resources = @(Get-ClusterResource)
		$groups = @(Get-ClusterGroup)
	}
	$resources = @($resources | Where-Object { (Get-ClusterName $_.ResourceType) -eq 'Virtual Machine' })
	if (-not $resources.Count) { return $vms }
	$groupOf = @{}
	foreach ($group in $groups) { $groupOf[(Get-ClusterName $group)] = $group }
	$idOf = @{}
	$actionOf = @{}
	foreach ($parameter in @($resources | Get-ClusterParameter)) {
		$name = Get-ClusterName $parameter.ClusterObject
		if ($parameter.Name -eq 'VmID') { $idOf[$name] = ([string]$parameter.Value).Trim('{}').ToLowerInvariant() }
		elseif ($parameter.Name -eq 'OfflineAction') { $actionOf[$name] = $parameter.Value }
	}
	foreach ($resource in $resources) {
		$name = Get-ClusterName $resource
		$groupName = Get-ClusterName $resource.OwnerGroup
		if (-not $idOf.ContainsKey($name) -or -not $groupOf.ContainsKey($groupName)) { continue }
		$vms[$idOf[$name]] = @{
			Group = $groupOf[$groupName]; GroupName = $groupName; Resource = $resource; Notes = $null
			Owner = Get-ClusterName $groupOf[$groupName].OwnerNode; OfflineAction = $actionOf[$name]
		}
	}
	Read-GroupNotes $vms
	return $vms
}

function Read-GroupNotes($VMs) {
	$byGroup = @{}
	foreach ($vm in $VMs.Values) { $byGroup[$vm.GroupName] = $vm }
	$groups = @($VMs.Values | ForEach-Object { $_.Group })
	if (-not $groups.Count) { return }
	foreach ($parameter in @($groups | Get-ClusterParameter)) {
		if ($parameter.Name -ne 'HvgpuNotes' -or [string]::IsNullOrEmpty($parameter.Value)) { continue }
		$name = Get-ClusterName $parameter.ClusterObject
		try { $byGroup[$name].Notes = ConvertFrom-JsonObject $parameter.Value }
		catch { Stop-Request 'failed' "the notes of cluster group $name are damaged: $($_.Exception.Message)" }
	}
}

$OfflineActions = 'TurnOff', 'Save', 'Shutdown', 'ForcedShutdown' # by the number on the cluster resource

function ConvertTo-OfflineAction($Number) {
	if ($null -eq $Number -or [int]$Number -lt 0 -or [int]$Number -ge $OfflineActions.Count) { return $null }
	return $OfflineActions[[int]$Number]
}

function Assert-Clustered($Place) {
	if ($null -eq $Place.Cluster) { Stop-Request 'not-supported' "'$($Place.Name)' is not clustered" }
}

# What the cluster does, it does with the whole group. Where that holds another VM too, that one would go down with ours.
function Assert-OwnGroup($Place) {
	if ($null -eq $Place.Cluster) { return }
	$vms = @(Get-ClusterResource | Where-Object {
			(Get-ClusterName $_.ResourceType) -eq 'Virtual Machine' -and (Get-ClusterName $_.OwnerGroup) -eq $Place.Cluster.GroupName
		})
	if ($vms.Count -gt 1) {
		Stop-Request 'not-supported' "cluster group '$($Place.Cluster.GroupName)' holds $($vms.Count) VMs; give each a role of its own"
	}
}

function Get-GroupState($Place) {
	return [string](Get-ClusterGroup -VMId $Place.Id).State
}

# Of a clustered VM the group goes offline too, or the cluster would start the VM again.
function Stop-GroupOfVM($Place) {
	if ((Get-GroupState $Place) -eq 'Offline') { return }
	[void](Stop-ClusterGroup -InputObject $Place.Cluster.Group -Wait 0)
	if (-not (Wait-Until { (Get-GroupState $Place) -eq 'Offline' } 60 'waiting for the cluster group to go offline')) {
		Stop-Request 'timeout' "cluster group '$($Place.Cluster.GroupName)' does not go offline"
	}
}

# Where it fails, the cluster keeps the reason in its event log; it is said by the group's state alone.
function Start-GroupOfVM($Place) {
	[void](Start-ClusterGroup -InputObject $Place.Cluster.Group -Wait 0)
	if (-not (Wait-Until { (Get-GroupState $Place) -in 'Online', 'Failed' } 300 'waiting for the cluster group to come online')) {
		Stop-Request 'timeout' "cluster group '$($Place.Cluster.GroupName)' does not come online"
	}
	if ((Get-GroupState $Place) -eq 'Failed') {
		Stop-Request 'failed' "cluster group '$($Place.Cluster.GroupName)' failed to come online; see the cluster's events"
	}
}
