// SPDX-License-Identifier: Apache-2.0
// What all fake cmdlets share: each call is logged, faults of the world's script strike it, and errors are error
// records as the real ones write them. Nothing is given out before the world is let go of, for whoever takes it may
// call the next cmdlet.
using System;
using System.Collections;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Management.Automation;
using System.Text.Json.Nodes;
using System.Threading;
using Microsoft.HyperV.PowerShell;

namespace Fakes
{
	// What the host refuses: one error record.
	public class Refusal(string id, ErrorCategory category, int code, string message) : Exception(message)
	{
		public readonly string Id = id;
		public readonly ErrorCategory Category = category;
		public readonly int Code = code;

		public ErrorRecord Record => new(new VirtualizationException(Message, Code), Id, Category, null);
	}

	public abstract class FakeCmdlet : PSCmdlet
	{
		readonly List<object> output = [];
		readonly List<ErrorRecord> errors = [];
		JsonObject bound;
		protected World World;

		protected virtual void Take() { } // one object of the pipeline
		protected virtual bool Asks => false; // it supports ShouldProcess
		protected abstract void Act();

		protected void Give(object value) => output.Add(value);
		protected void Say(Refusal refusal) => errors.Add(refusal.Record);

		protected Refusal Refuse(string id, ErrorCategory category, int code, string text, params object[] args) =>
			new(id, category, code, Texts.Of(World.State.Language, text, args));

		protected Refusal NotFound(string text, params object[] args) => Refuse("ObjectNotFound",
			ErrorCategory.ObjectNotFound, 0, text, args);
		protected Refusal InvalidState() => Refuse("InvalidState", ErrorCategory.InvalidOperation, 0, "state");

		protected override void ProcessRecord()
		{
			bound ??= Bound();
			Take();
		}

		protected override void EndProcessing()
		{
			string name = MyInvocation.MyCommand.Name;
			if (Asks && !ShouldProcess(name)) return;
			World = new World();
			try
			{
				World.Log(name, bound ??= Bound());
				Strike(name, false);
				Act();
				Strike(name, true);
			}
			catch (Refusal refusal) { Say(refusal); }
			finally { World.Dispose(); }
			foreach (object value in output) WriteObject(value);
			foreach (var error in errors) WriteError(error);
		}

		void Strike(string name, bool after)
		{
			foreach (var fault in World.State.Faults)
			{
				if (!IsMeant(fault, name) || fault.After != after || (fault.Host != null
					&& !World.Same(fault.Host, World.Self))) continue;
				if (fault.With != null && !bound.ToJsonString().Contains(fault.With)) continue;
				World.Changed = true;
				if (++fault.Seen < fault.Nth || (fault.Seen > fault.Nth && !fault.Permanent)) continue;
				if (fault.Signal != 0)
				{
					Signal(fault);
					return; // the faults are those of another world now
				}
				if (fault.DelayMs > 0) Thread.Sleep(fault.DelayMs);
				if (fault.Kill)
				{
					World.Dispose();
					Process.GetCurrentProcess().Kill();
					Thread.Sleep(Timeout.Infinite);
				}
				if (fault.DelayMs == 0)
					throw new Refusal(fault.Id, Enum.Parse<ErrorCategory>(fault.Category), fault.Code, fault.Message);
			}
		}

		// "*" means any cmdlet that changes something.
		static bool IsMeant(Fault fault, string name) => fault.Cmdlet == name || (fault.Cmdlet == "*" && !name.StartsWith("Get-"));

		void Signal(Fault fault)
		{
			World.Dispose();
			int process = fault.To == null ? Environment.ProcessId : int.Parse(System.IO.File.ReadAllText(fault.To));
			Libc.kill(process, fault.Signal);
			Thread.Sleep(process == Environment.ProcessId ? 100 : 5); // until it has it, in all its threads
			World = new World();
		}

		JsonObject Bound()
		{
			var with = new JsonObject();
			foreach (var pair in MyInvocation.BoundParameters)
				if (!pair.Key.StartsWith("Error") && !pair.Key.StartsWith("Warning")) with[pair.Key] = ValueOf(pair.Value);
			return with;
		}

		static JsonNode ValueOf(object value)
		{
			value = value is PSObject wrapped ? wrapped.BaseObject : value;
			switch (value)
			{
			case null: return null;
			case SwitchParameter flag: return flag.IsPresent;
			case bool flag: return flag;
			case string text: return text;
			case Guid id: return id.ToString().ToUpperInvariant();
			case VirtualMachine vm: return vm.Id.ToString().ToUpperInvariant();
			case OfVM part: return part.Id;
			case IEnumerable many:
				return new JsonArray(many.Cast<object>().Select(ValueOf).ToArray());
			case int or long or ushort or uint or ulong: return Convert.ToDecimal(value);
			default: return value.ToString();
			}
		}

		// ---- looking things up, as Hyper-V's cmdlets do ----

		protected IEnumerable<Vm> VmsNamed(string[] names)
		{
			foreach (string name in names)
			{
				var pattern = WildcardPattern.Get(name, WildcardOptions.IgnoreCase);
				var found = World.Host.Vms.Where(vm => pattern.IsMatch(vm.Name)).ToList();
				if (found.Count == 0 && !WildcardPattern.ContainsWildcardCharacters(name)) Say(NotFound("no-vm", name));
				foreach (var vm in found) yield return vm;
			}
		}

		// By name or by object, whichever set is bound.
		protected IEnumerable<Vm> Vms(string[] names, VirtualMachine[] objects)
		{
			if (objects == null) return names == null ? [] : VmsNamed(names).ToList();
			var found = new List<Vm>();
			foreach (var each in objects)
			{
				var vm = World.Host.Vms.FirstOrDefault(vm => World.Same(vm.Id, each.Id.ToString()));
				if (vm != null) found.Add(vm);
				else Say(NotFound("no-vm", each.Name));
			}
			return found;
		}

		protected static string GpuName(Device device) => (string)device.Partitionable?["Name"];

		protected Device DeviceAt(string locationPath, string instancePath) =>
			World.Host.Devices.FirstOrDefault(device => locationPath != null ? World.Same(device.LocationPath, locationPath)
				: World.Same("PCIP\\" + device.Id, instancePath) || World.Same("PCI\\" + device.Id, instancePath)) ??
			throw NotFound("no-device", locationPath ?? instancePath, World.Self.ToUpperInvariant());
	}

	public static class Texts
	{
		static readonly Dictionary<string, (string En, string De)> All = new()
		{
			["no-vm"] = ("Hyper-V was unable to find a virtual machine with name \"{0}\".",
				"Hyper-V konnte keinen virtuellen Computer mit dem Namen \"{0}\" finden."),
			["no-vm-id"] = ("Hyper-V was unable to find a virtual machine with Id \"{0}\".",
				"Hyper-V konnte keinen virtuellen Computer mit der ID \"{0}\" finden."),
			["no-adapter"] = ("Unable to find a Gpu partition adapter matching the given criteria.",
				"Es wurde kein GPU-Partitionsadapter gefunden, der den angegebenen Kriterien entspricht."),
			["no-device"] = ("The specified device '{0}' was not found on server '{1}'.",
				"Das angegebene Gerät \"{0}\" wurde auf dem Server \"{1}\" nicht gefunden."),
			["no-gpu"] = ("Unable to find a partitionable GPU matching the given criteria.",
				"Es wurde keine partitionierbare GPU gefunden, die den angegebenen Kriterien entspricht."),
			["no-pool"] = ("Unable to find a resource pool with name '{0}'.",
				"Es wurde kein Ressourcenpool mit dem Namen \"{0}\" gefunden."),
			["no-cluster"] = ("The cluster service is not running.", "Der Clusterdienst wird nicht ausgeführt."),
			["no-group"] = ("The cluster group could not be found.", "Die Clustergruppe konnte nicht gefunden werden."),
			["no-node"] = ("The cluster node is not found.", "Der Clusterknoten wurde nicht gefunden."),
			["no-parameter"] = ("Unable to find parameter '{0}'.", "Der Parameter \"{0}\" wurde nicht gefunden."),
			["no-key"] = ("Cannot find path '{0}' because it does not exist.", "Der Pfad \"{0}\" kann nicht gefunden werden."),
			["state"] = ("The operation cannot be performed while the object is in its current state.",
				"Der Vorgang kann nicht ausgeführt werden, solange sich das Objekt im aktuellen Zustand befindet."),
			["in-use"] = ("The operation failed. The GPU is in use (0x800700AA).",
				"Fehler beim Vorgang. Die GPU wird verwendet (0x800700AA)."),
			["parameter"] = ("One or more arguments are not valid.", "Mindestens ein Argument ist ungültig."),
			["mitigation"] = ("The operation failed.  The manufacturer of this device has not supplied any directives for securing this " +
				"device while exposing it to a virtual machine. The device should only be exposed to trusted virtual machines. This " +
				"device is not supported when passed through to a virtual machine.",
				"Fehler beim Vorgang.  Der Hersteller dieses Geräts hat keine Anweisungen zum Sichern dieses Geräts bereitgestellt."),
			["failed"] = ("The operation failed.", "Fehler beim Vorgang."),
			["no-resources"] = ("'{0}' failed to start. GPU Partition (Instance ID {1}): Error 'Insufficient system resources exist to " +
				"complete the requested service.' (0x800705AA).",
				"\"{0}\" konnte nicht gestartet werden. GPU-Partition (Instanz-ID {1}): Fehler \"Nicht genügend Systemressourcen, um den " +
				"angeforderten Dienst auszuführen.\" (0x800705AA)."),
			["checkpoint"] = ("The operation cannot be performed on the virtual machine because it is assigned one or more GPUP partitions",
				"Der Vorgang kann auf dem virtuellen Computer nicht ausgeführt werden, da ihm mindestens eine GPUP-Partition zugewiesen ist"),
			["no-answer"] = ("Failed to shut down virtual machine '{0}': the device is not ready for use (0x800710DF).",
				"Fehler beim Herunterfahren des virtuellen Computers \"{0}\": Das Gerät kann nicht verwendet werden (0x800710DF)."),
			["wmi-class"] = ("Invalid class ", "Ungültige Klasse "),
		};

		public static string Of(string language, string key, object[] args)
		{
			var text = All[key];
			return string.Format(language == "de" ? text.De : text.En, args);
		}
	}
}
