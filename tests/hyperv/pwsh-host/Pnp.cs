// SPDX-License-Identifier: Apache-2.0
// Plug and play, CIM classes and the registry, as much as the agent asks for.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Fakes
{
	static class Objects
	{
		public static PSObject Of(params (string Name, object Value)[] properties)
		{
			var made = new PSObject();
			foreach (var (name, value) in properties) made.Properties.Add(new PSNoteProperty(name, value));
			return made;
		}
	}
}

namespace Fakes
{
	public abstract class PnpCmdlet : FakeCmdlet
	{
		protected void SetDisabled(string[] ids, bool disabled)
		{
			foreach (string id in ids)
			{
				var device = World.Host.Devices.FirstOrDefault(each => World.Same("PCI\\" + each.Id, id) && !each.Dismounted)
					?? throw Refuse("CimJobException", ErrorCategory.ObjectNotFound, 0, "no-device", id, World.Self);
				device.Disabled = disabled;
				if (!disabled && device.NeverMounts) device.Partitionable = null; // its driver does not list it any more
				World.Changed = true;
			}
		}
	}
}

namespace Fakes.PnpDevice
{
	public partial class GetPnpDeviceCommand
	{
		protected override void Act()
		{
			var all = new List<PSObject>();
			foreach (var device in World.Host.Devices)
			{
				string status = device.Dismounted ? "Unknown" : device.Disabled ? "Error" : device.Status ?? "OK";
				int problem = device.Dismounted ? 45 : device.Disabled ? 22 : device.Status == "Error" ? 28 : 0;
				all.Add(Shown("PCI\\" + device.Id, device.Class, device.FriendlyName, status, problem, device.Present
					&& !device.Dismounted));
				if (device.Dismounted)
					all.Add(Shown("PCIP\\" + device.Id, "System", "PCI Express Graphics Processing Unit - Dismounted", "OK", 0, true));
			}
			all.Add(Shown("ROOT\\BASICDISPLAY\\0000", "Display", "Microsoft Basic Display Driver", "OK", 0, true));
			foreach (var device in all)
				if ((InstanceId == null || InstanceId.Contains(device.Properties["InstanceId"].Value)) &&
					(Class == null || Class.Contains(device.Properties["Class"].Value)) &&
					(FriendlyName == null || FriendlyName.Contains(device.Properties["FriendlyName"].Value)) &&
					(!PresentOnly || (bool)device.Properties["Present"].Value)) Give(device);
		}

		static PSObject Shown(string id, string type, string name, string status, int problem, bool present) => Objects.Of(
			("Status", status), ("Class", type), ("FriendlyName", name), ("InstanceId", id), ("Present", present),
			("ConfigManagerErrorCode", (uint)problem));
	}

	public partial class GetPnpDevicePropertyCommand
	{
		protected override void Act()
		{
			foreach (string id in InstanceId)
			{
				var device = World.Host.Devices.FirstOrDefault(each => World.Same("PCI\\" + each.Id, id)
					|| World.Same("PCIP\\" + each.Id, id));
				if (device == null) Say(Refuse("CimJobException", ErrorCategory.ObjectNotFound, 0, "no-device", id, World.Self));
				else foreach (string key in KeyName)
					Give(Objects.Of(("InstanceId", id), ("KeyName", key), ("Type", "StringList"), ("Data", Data(device, key,
					id.StartsWith("PCIP")))));
			}
		}

		static object Data(Device device, string key, bool isDismounted) => key switch
		{
			"DEVPKEY_Device_LocationPaths" => device.Dismounted && !isDismounted ? null
				: new[] { device.LocationPath, "ACPI(_SB_)#ACPI(PC00)" },
			"DEVPKEY_Device_CompatibleIds" => device.CompatibleIds,
			"DEVPKEY_Device_DriverInfPath" => isDismounted ? device.Mitigated ? "oem7.inf" : "pcip.inf" : "oem3.inf",
			_ => null,
		};
	}

	public partial class DisablePnpDeviceCommand
	{
		protected override void Act() => SetDisabled(InstanceId, true);
	}

	public partial class EnablePnpDeviceCommand
	{
		protected override void Act() => SetDisabled(InstanceId, false);
	}
}

namespace Microsoft.Management.Infrastructure.CimCmdlets
{
	using Fakes;

	public partial class GetCimInstanceCommand
	{
		protected override void Act()
		{
			foreach (var made in Made()) Give(made);
		}

		IEnumerable<PSObject> Made() => ClassName switch
		{
			"Win32_OperatingSystem" => [Objects.Of(("BuildNumber", World.Host.Build.ToString()), ("OperatingSystemSKU",
				(uint)World.Host.Sku),
				("FreePhysicalMemory", (ulong)World.Host.FreePhysicalMemory), ("Caption",
					"Microsoft Windows Server 2025 Datacenter"))],
			"Win32_Service" => Filter == "Name='ClusSvc'" ? [Objects.Of(("Name", "ClusSvc"), ("StartMode", Mode))]
				: throw Refuse("HRESULT 0x80041017", ErrorCategory.InvalidArgument, unchecked((int)0x80041017), "parameter"),
			"Win32_DeviceMemoryAddress" => from device in Enabled() from range in device.Mmio
				select Objects.Of(("StartingAddress", range[0]), ("EndingAddress", range[1])),
			"Win32_PnPAllocatedResource" => from device in Enabled() from range in device.Mmio
				select Objects.Of(("Antecedent", Objects.Of(("StartingAddress", range[0]))), ("Dependent", Objects.Of(("DeviceID",
					"PCI\\" + device.Id)))),
			"Msvm_ComputerSystem" => from vm in Filtered("Name")
				select Objects.Of(("Name", vm.Id.ToUpperInvariant()), ("TimeOfLastStateChange",
					(object)DateTimeOffset.FromUnixTimeMilliseconds(vm.StateChange).LocalDateTime)),
			"Msvm_ShutdownComponent" => from vm in Filtered("SystemName") where vm.State == "Running"
				select Objects.Of(("SystemName", vm.Id.ToUpperInvariant()), ("OperationalStatus",
					new ushort[] { (ushort)(vm.Shutdown == "answers" ? 2 : 12) })),
			"Msvm_KvpExchangeComponent" => from vm in Filtered("SystemName")
				select Objects.Of(("SystemName", vm.Id.ToUpperInvariant()), ("GuestIntrinsicExchangeItems", vm.GuestOs == null
					? null : new[] { Item("OSVersion", "10.0"), Item("OSName", vm.GuestOs) })),
			"Msvm_GpuPartitionSettingData" => from vm in World.Host.Vms from adapter in vm.Adapters
				select Objects.Of(("InstanceID", adapter.Id), ("HostResource", adapter.Pin == null ? null
					: new[] { PathOf(adapter.Pin) })),
			_ => throw Refuse("HRESULT 0x80041010", ErrorCategory.MetadataError, unchecked((int)0x80041010), "wmi-class"),
		};

		string Mode => World.Host.ClusterService ??
			(World.State.Cluster?.Nodes.ContainsKey(World.Self) == true ? "Auto" : "Disabled");

		IEnumerable<Device> Enabled() => World.Host.Devices.Where(device => !device.Disabled && !device.Dismounted);

		// A WQL condition on one key, as "Name='…'".
		IEnumerable<Vm> Filtered(string key)
		{
			if (Filter == null) return World.Host.Vms;
			var match = Regex.Match(Filter, "^(\\w+)='([0-9A-Fa-f-]{36})'$");
			if (!match.Success || match.Groups[1].Value != key)
				throw Refuse("HRESULT 0x80041017", ErrorCategory.InvalidArgument, unchecked((int)0x80041017), "parameter");
			return World.Host.Vms.Where(vm => World.Same(vm.Id, match.Groups[2].Value));
		}

		static string Item(string name, string value) =>
			$"<INSTANCE CLASSNAME=\"Msvm_KvpExchangeDataItem\"><PROPERTY NAME=\"Caption\" PROPAGATED=\"true\" TYPE=\"string\"></PROPERTY>" +
			$"<PROPERTY NAME=\"Data\" TYPE=\"string\"><VALUE>{System.Security.SecurityElement.Escape(value)}</VALUE></PROPERTY>" +
			$"<PROPERTY NAME=\"Name\" TYPE=\"string\"><VALUE>{name}</VALUE></PROPERTY></INSTANCE>";

		static string PathOf(string gpu) => $"\\\\{World.Self.ToUpperInvariant()}\\root\\virtualization\\v2:Msvm_PartitionableGpu." +
			$"CreationClassName=\"Msvm_PartitionableGpu\",Name=\"{gpu.Replace("\\", "\\\\")}\"";
	}
}

namespace Microsoft.PowerShell.Commands
{
	public partial class GetItemPropertyCommand
	{
		protected override void Act()
		{
			const string key = "HKLM:\\SOFTWARE\\Policies\\Microsoft\\Windows\\HyperV";
			foreach (string path in LiteralPath ?? Path)
			{
				if (!Fakes.World.Same(path, key) || World.Host.Policy == null)
					throw Refuse("PathNotFound", ErrorCategory.ObjectNotFound, 0, "no-key", path);
				Give(Fakes.Objects.Of([.. World.Host.Policy.Select(pair => (pair.Key, (object)(int)pair.Value))]));
			}
		}
	}
}
