// SPDX-License-Identifier: Apache-2.0
// GPUs of the host: partition counts, dismounting, pools.
using System;
using System.Linq;
using System.Management.Automation;
using System.Text.Json.Nodes;
using Fakes;

namespace Microsoft.HyperV.PowerShell.Commands
{
	public partial class GetVMHostPartitionableGpu
	{
		protected override void Act()
		{
			var pattern = Name == null ? null : WildcardPattern.Get(Name, WildcardOptions.IgnoreCase);
			foreach (var device in World.Host.Devices)
				if (device.Partitionable != null && !device.Dismounted && !device.Disabled && device.Present &&
					(pattern == null || World.Same(GpuName(device), Name)))
					Give(Shown(device.Partitionable));
		}

		// With the properties that this build has, and their types.
		static PSObject Shown(JsonObject gpu)
		{
			var shown = new PSObject();
			shown.TypeNames.Insert(0, "Microsoft.HyperV.PowerShell.VMHostPartitionableGpu");
			foreach (var pair in gpu)
				shown.Properties.Add(new PSNoteProperty(pair.Key, Typed(pair.Key, pair.Value)));
			return shown;
		}

		static object Typed(string name, JsonNode value)
		{
			if (name == "ValidPartitionCounts") return value.AsArray().Select(count => (ushort)count).ToArray();
			if (name == "PartitionCount") return (ushort)value;
			return value.GetValueKind() switch
			{
				System.Text.Json.JsonValueKind.Number => (ulong)value,
				System.Text.Json.JsonValueKind.String => (string)value,
				_ => (bool)value,
			};
		}
	}

	public partial class SetVMHostPartitionableGpu
	{
		protected override void Act()
		{
			// Without -Name it is every partitionable GPU of the host.
			var gpus = World.Host.Devices.Where(device => device.Partitionable != null && !device.Dismounted
				&& !device.Disabled &&
				(ParameterSetName != "Name" || World.Same(GpuName(device), Name))).ToList();
			if (gpus.Count == 0) throw NotFound("no-gpu");
			foreach (var gpu in gpus)
			{
				if (!gpu.Partitionable["ValidPartitionCounts"].AsArray().Any(count => (ushort)count == PartitionCount))
					throw Refuse("InvalidParameter", ErrorCategory.InvalidArgument, 0, "parameter");
				if (World.Host.Vms.Any(vm => vm.Adapters.Any(adapter => adapter.On == GpuName(gpu) || adapter.Pin == GpuName(gpu))))
					throw Refuse("OperationFailed", ErrorCategory.NotSpecified, unchecked((int)0x800700AA), "in-use");
				gpu.Partitionable["PartitionCount"] = PartitionCount;
				if (gpu.Partitionable["TotalVRAM"] is JsonNode total && (ulong)total != ulong.MaxValue
					&& (ulong)total != 1000000000)
					foreach (string quota in new[] { "Min", "Max", "Optimal" })
						gpu.Partitionable[quota + "PartitionVRAM"] = (ulong)total / PartitionCount;
			}
			World.Changed = true;
		}
	}

	public partial class GetVMHostAssignableDevice
	{
		protected override void Act()
		{
			foreach (string pool in ResourcePoolName ?? [])
				if (!World.Host.Pools.ContainsKey(pool)) throw NotFound("no-pool", pool);
			foreach (var device in World.Host.Devices)
			{
				bool isListed = device.Dismounted && device.DismountedAt + device.DismountMs <= World.Now;
				bool isMember = ResourcePoolName == null || ResourcePoolName.Any(pool =>
					World.Host.Pools[pool].Contains(device.LocationPath));
				if (isListed && isMember && (LocationPath == null || World.Same(LocationPath, device.LocationPath)))
					Give(new VMHostAssignableDevice { InstanceID = "PCIP\\" + device.Id, LocationPath = device.LocationPath,
					ComputerName = World.Self });
			}
		}
	}

	public partial class DismountVMHostAssignableDevice
	{
		protected override void Act()
		{
			var device = DeviceAt(LocationPath, InstancePath);
			if (device.Dismounted) return;
			if (!device.Disabled) throw Refuse("OperationFailed", ErrorCategory.NotSpecified, 0, "failed");
			if (!device.Mitigated && !Force) throw Refuse("OperationFailed", ErrorCategory.NotSpecified, 0, "mitigation");
			device.Dismounted = true;
			device.DismountedAt = World.Now;
			World.Changed = true;
		}
	}

	public partial class MountVMHostAssignableDevice
	{
		protected override void Act()
		{
			var device = DeviceAt(LocationPath ?? HostAssignableDevice?[0].LocationPath, InstancePath);
			if (!device.Dismounted) throw NotFound("no-device", device.LocationPath, World.Self);
			if (World.Host.Pools.Values.Any(members => members.Contains(device.LocationPath)) ||
				World.Host.Vms.Any(vm => vm.Devices.Any(assigned => assigned.LocationPath == device.LocationPath)))
				throw Refuse("OperationFailed", ErrorCategory.ResourceBusy, unchecked((int)0x800700AA), "in-use");
			device.Dismounted = false; // and disabled, until it is enabled
			World.Changed = true;
		}
	}

	public partial class GetVMResourcePool
	{
		protected override void Act()
		{
			if (ResourcePoolType != null && !ResourcePoolType.Contains(VMResourcePoolType.PciExpress)) return;
			Give(Pool("Primordial", []));
			foreach (string name in World.Host.Pools.Keys)
				if (Name == null || Name.Any(each => WildcardPattern.Get(each,
					WildcardOptions.IgnoreCase).IsMatch(name))) Give(Pool(name, ["Primordial"]));
		}

		static VMResourcePool Pool(string name, string[] parents) =>
			new() { Name = name, ParentName = parents, ResourcePoolType = [VMResourcePoolType.PciExpress] };
	}

	public partial class NewVMResourcePool
	{
		protected override void Act()
		{
			if (!World.Host.Pools.TryAdd(Name, [])) throw Refuse("InvalidParameter", ErrorCategory.InvalidArgument, 0,
				"parameter");
			World.Changed = true;
			Give(new VMResourcePool { Name = Name, ParentName = ["Primordial"], ResourcePoolType = ResourcePoolType });
		}
	}

	public partial class AddVMHostAssignableDevice
	{
		protected override void Act()
		{
			var device = DeviceAt(LocationPath ?? HostAssignableDevice?[0].LocationPath, InstancePath);
			if (!device.Dismounted) throw NotFound("no-device", device.LocationPath, World.Self);
			foreach (string pool in ResourcePoolName)
			{
				if (!World.Host.Pools.TryGetValue(pool, out var members)) throw NotFound("no-pool", pool);
				if (members.Contains(device.LocationPath)) throw Refuse("InvalidParameter", ErrorCategory.InvalidArgument, 0,
					"parameter");
				members.Add(device.LocationPath);
			}
			World.Changed = true;
		}
	}

	public partial class RemoveVMHostAssignableDevice
	{
		protected override void Act()
		{
			var device = DeviceAt(LocationPath ?? HostAssignableDevice?[0].LocationPath, InstancePath);
			foreach (string pool in ResourcePoolName)
			{
				if (!World.Host.Pools.TryGetValue(pool, out var members)) throw NotFound("no-pool", pool);
				if (World.Host.Vms.Any(vm => vm.Devices.Any(assigned => assigned.On == device.LocationPath)))
					throw Refuse("OperationFailed", ErrorCategory.ResourceBusy, unchecked((int)0x800700AA), "in-use");
				if (!members.Remove(device.LocationPath)) throw NotFound("no-device", device.LocationPath, World.Self);
			}
			World.Changed = true;
		}
	}

	public partial class GetVMHost
	{
		protected override void Act() => Give(new VMHost
		{
			Name = World.Self.ToUpperInvariant(), IovSupport = World.Host.Iov, IovSupportReasons = World.Host.Iov ? null
				: World.Host.IovReasons,
		});
	}
}
