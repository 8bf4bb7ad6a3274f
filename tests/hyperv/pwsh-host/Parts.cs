// SPDX-License-Identifier: Apache-2.0
// What VMs have of GPUs: partition adapters and whole devices.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Reflection;
using System.Text.Json.Nodes;
using Fakes;

namespace Microsoft.HyperV.PowerShell.Commands
{
	static class Quotas
	{
		public static readonly string[] Names = (from of in new[] { "VRAM", "Encode", "Decode", "Compute" }
			from which in new[] { "Min", "Max", "Optimal" }
			select $"{which}Partition{of}").ToArray();

		// Those that were given as parameters.
		public static IEnumerable<(string, ulong)> Given(PSCmdlet cmdlet) => from name in Names
			where cmdlet.MyInvocation.BoundParameters.ContainsKey(name)
			select (name, (ulong)cmdlet.MyInvocation.BoundParameters[name]);

		public static void Set(Adapter adapter, PSCmdlet cmdlet)
		{
			adapter.Quotas ??= [];
			foreach (var (name, value) in Given(cmdlet)) adapter.Quotas[name] = value;
		}

		public static VMGpuPartitionAdapter Shown(Vm vm, Adapter adapter)
		{
			var shown = new VMGpuPartitionAdapter
			{
				Name = "GPU Partition Settings", Id = adapter.Id, VMId = Guid.Parse(vm.Id), VMName = vm.Name,
					ComputerName = World.Self,
				SupportsOutgoingLiveMigration = adapter.OutgoingLiveMigration,
			};
			foreach (var pair in adapter.Quotas ?? [])
				typeof(VMGpuPartitionAdapter).GetProperty(pair.Key, BindingFlags.Public | BindingFlags.Instance).SetValue(shown,
					(ulong?)pair.Value);
			if (adapter.On != null)
			{
				shown.InstancePath = adapter.On;
				shown.PartitionId = (ushort)adapter.PartitionId;
				shown.PartitionVfLuid = "10-" + (973909323 + adapter.PartitionId);
			}
			return shown;
		}
	}

	public partial class GetVMGpuPartitionAdapter
	{
		protected override void Act()
		{
			foreach (var vm in Vms(VMName, VM))
			{
				var found = vm.Adapters.Where(adapter => AdapterId == null || World.Same(adapter.Id, AdapterId)).ToList();
				if (found.Count == 0 && AdapterId != null) Say(NotFound("no-adapter"));
				foreach (var adapter in found) Give(Quotas.Shown(vm, adapter));
			}
		}
	}

	public partial class AddVMGpuPartitionAdapter
	{
		protected override void Act()
		{
			foreach (var vm in Vms(VMName, VM))
			{
				if (vm.State != "Off") throw InvalidState();
				// Quotas must be null when it is added: a job error of 32773 else.
				if (Quotas.Given(this).Any()) throw Refuse("InvalidParameter", ErrorCategory.InvalidArgument,
					unchecked((int)0x80070057), "parameter");
				if (InstancePath != null && !World.Host.Devices.Any(device => World.Same(GpuName(device), InstancePath)
					&& !device.Dismounted))
					throw NotFound("no-gpu");
				var adapter = new Adapter { Id = $"Microsoft:{vm.Id.ToUpperInvariant()}\\{Guid.NewGuid().ToString().ToUpperInvariant()}", Pin = InstancePath };
				vm.Adapters.Add(adapter);
				World.Changed = true;
				if (Passthru) Give(Quotas.Shown(vm, adapter));
			}
		}
	}

	public partial class SetVMGpuPartitionAdapter
	{
		protected override void Act()
		{
			foreach (var (vm, adapter) in Found())
			{
				if (vm.State != "Off") throw InvalidState();
				Quotas.Set(adapter, this);
				World.Changed = true;
				if (Passthru) Give(Quotas.Shown(vm, adapter));
			}
		}

		List<(Vm, Adapter)> Found()
		{
			var found = VMGpuPartitionAdapter != null
				? (from each in VMGpuPartitionAdapter from vm in World.Host.Vms from adapter in vm.Adapters
					where adapter.Id == each.Id select (vm, adapter)).ToList()
				: (from vm in Vms(VMName, VM) from adapter in vm.Adapters where AdapterId == null
					|| World.Same(adapter.Id, AdapterId) select (vm, adapter)).ToList();
			return found.Count > 0 ? found : throw NotFound("no-adapter");
		}
	}

	public partial class RemoveVMGpuPartitionAdapter
	{
		protected override void Act()
		{
			var found = VMGpuPartitionAdapter != null
				? (from each in VMGpuPartitionAdapter from vm in World.Host.Vms from adapter in vm.Adapters
					where adapter.Id == each.Id select (vm, adapter)).ToList()
				: (from vm in Vms(VMName, VM) from adapter in vm.Adapters where AdapterId == null
					|| World.Same(adapter.Id, AdapterId) select (vm, adapter)).ToList();
			if (found.Count == 0) throw NotFound("no-adapter");
			foreach (var (vm, adapter) in found)
			{
				if (vm.State != "Off") throw InvalidState();
				vm.Adapters.Remove(adapter);
				World.Changed = true;
			}
		}
	}

	public partial class GetVMAssignableDevice
	{
		protected override void Act()
		{
			foreach (var vm in Vms(VMName, VM))
				foreach (var device in vm.Devices)
					if (LocationPath == null || World.Same(LocationPath, device.LocationPath)) Give(Shown(vm, device, World.Host));
		}

		public static VMAssignedDevice Shown(Vm vm, Assigned device, Host host)
		{
			string path = device.On ?? device.LocationPath;
			var real = host.Devices.FirstOrDefault(each => each.LocationPath == path);
			return new VMAssignedDevice
			{
				Name = "PCI Express Port", Id = device.Id, VMId = Guid.Parse(vm.Id), VMName = vm.Name, LocationPath = path,
				InstanceID = real == null ? null : "PCIP\\" + real.Id, ResourcePoolName = device.Pool ?? "Primordial",
			};
		}
	}

	public partial class AddVMAssignableDevice
	{
		protected override void Act()
		{
			foreach (var vm in Vms(VMName, VM))
			{
				if (vm.State != "Off") throw InvalidState();
				if (ResourcePoolName != null && !World.Host.Pools.ContainsKey(ResourcePoolName)) throw NotFound("no-pool",
					ResourcePoolName);
				if (ResourcePoolName == null && !DeviceAt(LocationPath, InstancePath).Dismounted)
					throw NotFound("no-device", LocationPath ?? InstancePath, World.Self.ToUpperInvariant());
				var device = new Assigned
				{
					Id = $"Microsoft:{vm.Id.ToUpperInvariant()}\\{Guid.NewGuid().ToString().ToUpperInvariant()}",
					Pool = ResourcePoolName,
					LocationPath = ResourcePoolName == null ? DeviceAt(LocationPath, InstancePath).LocationPath : null,
				};
				vm.Devices.Add(device);
				World.Changed = true;
				if (Passthru) Give(GetVMAssignableDevice.Shown(vm, device, World.Host));
			}
		}
	}

	public partial class RemoveVMAssignableDevice
	{
		protected override void Act()
		{
			var found = VMAssignableDevice != null
				? (from each in VMAssignableDevice from vm in World.Host.Vms from device in vm.Devices where device.Id == each.Id
					select (vm, device)).ToList()
				: (from vm in Vms(VMName, null) from device in vm.Devices where LocationPath == null
					|| World.Same(device.LocationPath, LocationPath) select (vm, device)).ToList();
			if (found.Count == 0) throw NotFound("no-device", LocationPath ?? "", World.Self);
			foreach (var (vm, device) in found)
			{
				if (vm.State != "Off") throw InvalidState();
				vm.Devices.Remove(device);
				World.Changed = true;
			}
		}
	}
}
