// SPDX-License-Identifier: Apache-2.0
// VMs: what Get-VM says, settings, power.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using Fakes;

namespace Fakes
{
	// What happens inside a host when a VM is turned on or off.
	public static class Power
	{
		public static void SetState(World world, Vm vm, string state)
		{
			vm.State = state;
			vm.StateChange = World.Now;
			vm.MemoryAssigned = state == "Running" ? vm.MemoryStartup : 0;
			if (state == "Off") foreach (var adapter in vm.Adapters) adapter.On = null;
			if (state == "Off") foreach (var device in vm.Devices) device.On = null;
			world.Changed = true;
		}

		// Null, or the text and code for which it does not start.
		public static (string Text, int Code)? TryStart(World world, Host host, Vm vm)
		{
			var group = world.GroupOf(vm.Id);
			var refused = Refused(host, vm);
			if (group != null) group.Failed = refused != null;
			world.Changed = true;
			if (refused == null) SetState(world, vm, "Running");
			else
			{
				foreach (var adapter in vm.Adapters) adapter.On = null;
				foreach (var device in vm.Devices) device.On = null;
			}
			return refused;
		}

		static (string, int)? Refused(Host host, Vm vm)
		{
			if (vm.Adapters.Count > 0 && vm.AutomaticCheckpoints) return ("checkpoint", 0);
			foreach (var adapter in vm.Adapters)
			{
				var gpu = host.Devices.FirstOrDefault(device => HasRoom(host, device, adapter));
				if (gpu == null) return ("no-resources", unchecked((int)0x800705AA));
				adapter.On = (string)gpu.Partitionable["Name"];
				adapter.PartitionId = host.Vms.SelectMany(each => each.Adapters).Count(each => each.On == adapter.On) - 1;
			}
			foreach (var device in vm.Devices)
			{
				var taken = host.Vms.SelectMany(each => each.Devices).Select(each => each.On).ToHashSet();
				var paths = device.Pool == null ? [device.LocationPath] : host.Pools.GetValueOrDefault(device.Pool) ?? [];
				device.On = paths.FirstOrDefault(path => !taken.Contains(path) && host.Devices.Any(each => each.LocationPath == path
					&& each.Dismounted));
				if (device.On == null) return ("no-resources", unchecked((int)0x800705AA));
			}
			return null;
		}

		static bool HasRoom(Host host, Device device, Adapter adapter)
		{
			if (device.Partitionable == null || device.Dismounted || device.Disabled) return false;
			string name = (string)device.Partitionable["Name"];
			if (adapter.Pin != null && !World.Same(adapter.Pin, name)) return false;
			return host.Vms.SelectMany(vm => vm.Adapters).Count(each =>
				each.On == name) < (int)device.Partitionable["PartitionCount"];
		}

		public static void Begin(World world, Vm vm, string state, int milliseconds)
		{
			vm.Pending = state;
			vm.PendingAt = World.Now + milliseconds;
			world.Changed = true;
		}
	}

	// What -AsJob gives out: over already, or the world goes on by itself.
	public class FakeJob : Job
	{
		public FakeJob(ErrorRecord error)
		{
			if (error != null) Error.Add(error);
			SetJobState(error == null ? JobState.Running : JobState.Failed);
		}

		public override bool HasMoreData => false;
		public override string Location => "localhost";
		public override string StatusMessage => "";
		public override void StopJob() => SetJobState(JobState.Stopped);
	}
}

namespace Microsoft.HyperV.PowerShell.Commands
{
	public partial class GetVM
	{
		protected override void Act()
		{
			if (ParameterSetName == "Id" && MyInvocation.BoundParameters.ContainsKey("Id"))
			{
				var vm = World.Host.Vms.FirstOrDefault(vm => World.Same(vm.Id, Id.ToString())) ?? throw NotFound("no-vm-id", Id);
				Give(Shown(World, vm));
				return;
			}
			foreach (var vm in Name == null ? World.Host.Vms : VmsNamed(Name)) Give(Shown(World, vm));
		}

		public static VirtualMachine Shown(World world, Vm vm) => new()
		{
			Id = Guid.Parse(vm.Id), Name = vm.Name, State = Enum.Parse<VMState>(vm.State), Generation = vm.Generation,
				ComputerName = World.Self,
			IsClustered = world.GroupOf(vm.Id) != null, AutomaticStopAction = Enum.Parse<StopAction>(vm.StopAction),
			CheckpointType = Enum.Parse<CheckpointType>(vm.CheckpointType),
				AutomaticCheckpointsEnabled = vm.AutomaticCheckpoints,
			DynamicMemoryEnabled = vm.DynamicMemory, MemoryAssigned = vm.MemoryAssigned, MemoryStartup = vm.MemoryStartup,
			MemoryMinimum = vm.MemoryMinimum, GuestControlledCacheTypes = vm.CacheControl, LowMemoryMappedIoSpace = vm.MmioLow,
			HighMemoryMappedIoSpace = vm.MmioHigh,
		};
	}

	public partial class SetVM
	{
		bool Has(string name) => MyInvocation.BoundParameters.ContainsKey(name);

		protected override void Act()
		{
			foreach (var vm in Vms(Name, VM))
			{
				bool needsOff = Has("GuestControlledCacheTypes") || Has("LowMemoryMappedIoSpace") || Has("HighMemoryMappedIoSpace");
				if (needsOff && vm.State != "Off") throw InvalidState();
				if (Has("AutomaticCheckpointsEnabled")) vm.AutomaticCheckpoints = AutomaticCheckpointsEnabled;
				if (Has("AutomaticStopAction")) vm.StopAction = AutomaticStopAction.ToString();
				if (Has("GuestControlledCacheTypes")) vm.CacheControl = GuestControlledCacheTypes;
				if (Has("LowMemoryMappedIoSpace")) vm.MmioLow = LowMemoryMappedIoSpace;
				if (Has("HighMemoryMappedIoSpace")) vm.MmioHigh = HighMemoryMappedIoSpace;
				World.Changed = true;
			}
		}
	}

	public partial class StartVM
	{
		protected override void Act()
		{
			foreach (var vm in Vms(Name, VM))
			{
				if (vm.State != "Off" && vm.State != "Saved") throw InvalidState();
				Refusal refusal = null;
				if (vm.StartMs > 0) Power.Begin(World, vm, "Running", vm.StartMs);
				else if (Power.TryStart(World, World.Host, vm) is var (text, code))
					refusal = Refuse("OperationFailed", ErrorCategory.NotSpecified, code, text, vm.Name,
					vm.Adapters.FirstOrDefault()?.Id);
				if (AsJob) Give(new FakeJob(refusal?.Record));
				else if (refusal != null) throw refusal;
			}
		}
	}

	public partial class StopVM
	{
		protected override void Act()
		{
			foreach (var vm in Vms(Name, VM))
			{
				if (vm.State != "Running") throw InvalidState();
				Refusal refusal = null;
				if (TurnOff) Power.SetState(World, vm, "Off");
				else if (Save) Power.SetState(World, vm, "Saved");
				else if (vm.Shutdown == "none") refusal = Refuse("OperationFailed", ErrorCategory.NotSpecified,
					unchecked((int)0x800710DF), "no-answer", vm.Name);
				else if (vm.Shutdown == "answers" && vm.ShutdownMs == 0) Power.SetState(World, vm, "Off");
				else if (vm.Shutdown == "answers") Power.Begin(World, vm, "Off", vm.ShutdownMs);
				if (AsJob) Give(new FakeJob(refusal?.Record));
				else if (refusal != null) throw refusal;
			}
		}
	}

	public partial class GetVMSnapshot
	{
		protected override void Act()
		{
			foreach (var vm in Vms(VMName, VM))
				for (int i = 0; i < vm.Snapshots; i++)
					Give(new VMSnapshot { Name = vm.Name + " - " + i, VMId = Guid.Parse(vm.Id), VMName = vm.Name });
		}
	}
}
