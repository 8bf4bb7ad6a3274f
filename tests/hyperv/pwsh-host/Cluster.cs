// SPDX-License-Identifier: Apache-2.0
// The failover cluster. Its cmdlets work the same from each of its nodes.
using System;
using System.Collections.Generic;
using System.Collections.Specialized;
using System.Linq;
using System.Management.Automation;
using Fakes;
using Microsoft.HyperV.PowerShell;

namespace Fakes
{
	public abstract class ClusterCmdlet : FakeCmdlet
	{
		protected readonly List<object> Piped = [];

		protected ClusterState Shared => World.State.Cluster?.Nodes.ContainsKey(World.Self) == true ? World.State.Cluster
			: throw Refuse("NoCluster", ErrorCategory.ConnectionError, unchecked((int)0x800706D9), "no-cluster");

		protected static object Unwrap(PSObject value) => value?.BaseObject;

		protected static bool Matches(StringCollection names, string name) =>
			names == null || names.Cast<string>().Any(each => WildcardPattern.Get(each,
				WildcardOptions.IgnoreCase).IsMatch(name));

		protected Group Named(string name, PSObject input, Guid? vm = null)
		{
			string wanted = (Unwrap(input) as Microsoft.FailoverClusters.PowerShell.ClusterGroup)?.Name ?? name;
			var found = Shared.Groups.Where(group => vm != null ? World.Same(group.Vm, vm.ToString())
				: World.Same(group.Name, wanted)).ToList();
			return found.Count > 0 ? found[0] : throw NotFoundGroup();
		}

		protected Refusal NotFoundGroup() => Refuse("Get-ClusterGroup", ErrorCategory.NotSpecified,
			unchecked((int)0x8007138D), "no-group");

		protected Microsoft.FailoverClusters.PowerShell.ClusterGroup Shown(Group group) => new()
		{
			Name = group.Name, GroupType = "VirtualMachine", OwnerNode = Shown(group.Owner), State = StateOf(group),
		};

		protected Microsoft.FailoverClusters.PowerShell.ClusterNode Shown(string node) => new()
		{
			Name = node, State = Enum.Parse<Microsoft.FailoverClusters.PowerShell.ClusterNodeState>(Shared.Nodes[node].State),
			DrainStatus = Enum.Parse<Microsoft.FailoverClusters.PowerShell.ClusterNodeDrainStatus>(Shared.Nodes[node].Drain),
		};

		protected Microsoft.FailoverClusters.PowerShell.ClusterResource Resource(Group group, string prefix, string type) =>
			new()
		{
			Name = prefix + (group.Resource ?? group.Name), OwnerGroup = Shown(group), OwnerNode = Shown(group.Owner),
			ResourceType = new Microsoft.FailoverClusters.PowerShell.ClusterResourceType { Name = type },
		};

		protected Group Holder(Microsoft.FailoverClusters.PowerShell.ClusterResource resource) =>
			Shared.Groups.First(group => "Virtual Machine " + (group.Resource ?? group.Name) == resource.Name);

		Microsoft.FailoverClusters.PowerShell.ClusterGroupState StateOf(Group group)
		{
			if (group.Failed) return Microsoft.FailoverClusters.PowerShell.ClusterGroupState.Failed;
			var vm = World.Find(group.Vm, out _);
			if (vm?.Pending != null) return Microsoft.FailoverClusters.PowerShell.ClusterGroupState.Pending;
			return vm?.State == "Running" ? Microsoft.FailoverClusters.PowerShell.ClusterGroupState.Online
				: Microsoft.FailoverClusters.PowerShell.ClusterGroupState.Offline;
		}
	}
}

namespace Microsoft.FailoverClusters.PowerShell
{
	public partial class GetClusterCommand
	{
		protected override void Act() => Give(new Cluster { Name = Shared.Name });
	}

	public partial class GetClusterAccessCommand
	{
		protected override void Act()
		{
			foreach (var rule in Shared.Access) Give(new ClusterAccessRule
			{
				IdentityReference = new Identity { Value = rule.Account ?? rule.Sid, Sid = rule.Sid },
				AccessControlType = rule.Deny ? AccessControlType.Deny : AccessControlType.Allow,
				ClusterRights = rule.ReadOnly ? ClusterRights.ReadOnly : ClusterRights.Full,
			});
		}
	}

	public partial class GetClusterNodeCommand
	{
		protected override void Act()
		{
			foreach (string node in Shared.Nodes.Keys.Where(node => Matches(Name, node))) Give(Shown(node));
		}
	}

	public partial class GetClusterGroupCommand
	{
		protected override void Act()
		{
			if (MyInvocation.BoundParameters.ContainsKey("VMId")) Give(Shown(Named(null, null, VMId)));
			else
			{
				Give(new ClusterGroup { Name = "Cluster Group", GroupType = "Cluster",
					OwnerNode = Shown(Shared.Nodes.Keys.First()) });
				foreach (var group in Shared.Groups.Where(group => Matches(Name, group.Name))) Give(Shown(group));
			}
		}
	}

	public partial class StartClusterGroupCommand
	{
		protected override void Act()
		{
			var group = Named(Name, InputObject);
			var vm = World.Find(group.Vm, out var host);
			group.Failed = false;
			World.Changed = true;
			if (vm.State == "Running") return;
			if (vm.StartMs > 0) Power.Begin(World, vm, "Running", vm.StartMs);
			else Power.TryStart(World, host, vm); // a start that fails shows in the group's state, not here: nobody waits
		}
	}

	public partial class StopClusterGroupCommand
	{
		protected override void Act()
		{
			var group = Named(Name, InputObject);
			var vm = World.Find(group.Vm, out _);
			if (vm.State != "Running") return;
			if (group.OfflineAction == 0) Power.SetState(World, vm, "Off");
			else if (group.OfflineAction == 1) Power.SetState(World, vm, "Saved");
			else if (vm.Shutdown == "answers" || group.OfflineAction == 3) Power.Begin(World, vm, "Off", vm.ShutdownMs);
		}
	}

	public partial class MoveClusterGroupCommand
	{
		protected override void Act()
		{
			var group = Named(Name, InputObject);
			if (!Shared.Nodes.TryGetValue(Node.ToLowerInvariant(), out var node)) throw Refuse("MoveFailed",
				ErrorCategory.NotSpecified, unchecked((int)0x800713B2), "no-node");
			var vm = World.Find(group.Vm, out var host);
			if (node.State != "Up" || vm.State == "Running") throw Refuse("MoveFailed", ErrorCategory.NotSpecified,
				unchecked((int)0x8007139F), "state");
			if (vm.NeverMoves) return;
			host.Vms.Remove(vm);
			World.State.Hosts[Node.ToLowerInvariant()].Vms.Add(vm);
			group.Owner = Node.ToLowerInvariant();
			World.Changed = true;
		}
	}

	public partial class MoveClusterVirtualMachineRoleCommand
	{
		protected override void Act()
		{
			var group = MyInvocation.BoundParameters.ContainsKey("VMId") ? Named(null, null, VMId) : Named(Name, InputObject);
			string to = Node.ToLowerInvariant();
			var vm = World.Find(group.Vm, out var host);
			// A network logon has no credentials for the second hop.
			if (host.Groups.Contains("S-1-5-2")) throw Refuse("MoveFailed", ErrorCategory.NotSpecified,
				unchecked((int)0x80070005), "failed");
			if (!Shared.Nodes.ContainsKey(to)) throw Refuse("MoveFailed", ErrorCategory.NotSpecified, unchecked((int)0x800713B2),
				"no-node");
			if (MigrationType != VmMigrationType.Live || vm.State != "Running" || vm.Devices.Count > 0
				|| vm.Adapters.Any(adapter => adapter.OutgoingLiveMigration != true))
				throw Refuse("MoveFailed", ErrorCategory.NotSpecified, unchecked((int)0x80070032), "failed");
			var target = World.State.Hosts[to];
			foreach (var adapter in vm.Adapters)
			{
				var gpu = target.Devices.FirstOrDefault(device => device.Partitionable != null && !device.Dismounted &&
					(bool?)device.Partitionable["SupportsIncomingLiveMigration"] == true);
				if (gpu == null) throw Refuse("MoveFailed", ErrorCategory.NotSpecified, unchecked((int)0x800705AA), "failed");
				if (!vm.NeverMoves) adapter.On = GpuName(gpu);
			}
			if (vm.NeverMoves) return;
			host.Vms.Remove(vm);
			target.Vms.Add(vm);
			group.Owner = to;
			World.Changed = true;
		}
	}

	public partial class GetClusterResourceCommand
	{
		protected override void Act()
		{
			bool byVm = MyInvocation.BoundParameters.ContainsKey("VMId");
			if (byVm) Named(null, null, VMId);
			foreach (var group in Shared.Groups.Where(group => !byVm || World.Same(group.Vm, VMId.ToString())))
				foreach (var (prefix, type) in new[] { ("Virtual Machine ", "Virtual Machine"), ("Virtual Machine Configuration ",
					"Virtual Machine Configuration") })
					if (Matches(Name, prefix + (group.Resource ?? group.Name))) Give(Resource(group, prefix, type));
			if (!byVm && Name == null) Give(new ClusterResource { Name = "Cluster Name",
				ResourceType = new ClusterResourceType { Name = "Network Name" } });
		}
	}

	public partial class GetClusterParameterCommand
	{
		protected override void Take()
		{
			if (InputObject != null) Piped.Add(Unwrap(InputObject));
		}

		protected override void Act()
		{
			foreach (object each in Piped)
			{
				var all = All((ClusterObject)each).ToList();
				foreach (string name in (Name?.Cast<string>() ?? []).Where(name => !all.Any(parameter => World.Same(parameter.Name,
					name))))
					Say(NotFound("no-parameter", name));
				foreach (var parameter in all.Where(parameter => Matches(Name, parameter.Name))) Give(parameter);
			}
		}

		IEnumerable<ClusterParameter> All(ClusterObject of)
		{
			if (of is ClusterGroup) // one that holds no VM has none
				foreach (var pair in Shared.Groups.FirstOrDefault(group => group.Name == of.Name)?.Parameters ?? [])
					yield return new ClusterParameter { ClusterObject = of, Name = pair.Key, Value = pair.Value };
			if (of is not ClusterResource { ResourceType.Name: "Virtual Machine" } resource) yield break;
			var holder = Holder(resource);
			yield return new ClusterParameter { ClusterObject = of, Name = "VmID", Value = holder.Vm };
			yield return new ClusterParameter { ClusterObject = of, Name = "OfflineAction", Value = (uint)holder.OfflineAction };
		}
	}

	public partial class SetClusterParameterCommand
	{
		protected override void Take()
		{
			if (InputObject != null) Piped.Add(Unwrap(InputObject));
		}

		protected override void Act()
		{
			foreach (object each in Piped)
			{
				if (each is ClusterResource { ResourceType.Name: "Virtual Machine" } resource)
				{
					if (Name != "OfflineAction") throw NotFound("no-parameter", Name);
					int value = Convert.ToInt32(Unwrap(Value));
					if (value is < 0 or > 3) throw Refuse("SetFailed", ErrorCategory.NotSpecified, unchecked((int)0x80070057),
					"parameter");
					Holder(resource).OfflineAction = value;
				}
				else if (each is ClusterGroup group)
				{
					var parameters = Named(group.Name, null).Parameters;
					if (Delete ? !parameters.Remove(Name) : !Create && !parameters.ContainsKey(Name)) throw NotFound("no-parameter",
					Name);
					if (!Delete) parameters[Name] = (string)Unwrap(Value);
				}
				else throw Refuse("SetFailed", ErrorCategory.NotSpecified, unchecked((int)0x80070057), "parameter");
				World.Changed = true;
			}
		}
	}
}
