// SPDX-License-Identifier: Apache-2.0
// The state of all fake hosts and their failover cluster: one JSON file that several processes share, under a lock.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading;

namespace Fakes
{
	public class Adapter
	{
		public string Id, Pin, On; // Pin, On: names of partitionable GPUs
		public int PartitionId;
		public bool? OutgoingLiveMigration;
		public JsonObject Quotas; // what of the quotas and of the current values is set, by the property's name
	}

	public class Assigned
	{
		public string Id, LocationPath, Pool, On; // On: location path of a pool's device, while the VM runs
	}

	public class Vm
	{
		public string Id, Name, State = "Off", CheckpointType = "Production", StopAction = "ShutDown";
		public int Generation = 2, Snapshots;
		public long MemoryAssigned, MemoryStartup = 4294967296, MemoryMinimum = 4294967296;
		public bool DynamicMemory, AutomaticCheckpoints, CacheControl;
		public uint MmioLow = 134217728;
		public ulong MmioHigh = 536870912;
		public List<Adapter> Adapters = [];
		public List<Assigned> Devices = [];
		public long StateChange;           // milliseconds since 1970
		public string Shutdown = "answers"; // answers, silent (does not), none (no component)
		public int ShutdownMs, StartMs;
		public bool NeverMoves; // its move is queued and goes on
		public string GuestOs;
		public string Pending;             // the state that it will have at PendingAt
		public long PendingAt;
	}

	public class Device
	{
		public string LocationPath, Id, FriendlyName, Class = "Display", Status; // Id: VEN_…, without PCI\
		public string[] CompatibleIds;
		public bool Dismounted, Disabled, Mitigated, Present = true, NeverMounts;
		public JsonObject Partitionable; // what Get-VMHostPartitionableGpu says of it, or null
		public ulong[][] Mmio = [];
		public int DismountMs;             // it is listed as dismounted that much later
		public long DismountedAt;
	}

	public class Host
	{
		public int Build = 26100, Sku = 8;
		public long FreePhysicalMemory = 268435456; // KiB
		public bool Iov = true;
		public string ClusterService; // StartMode; null: as the cluster has it
		public string[] IovReasons = [];
		public JsonObject Policy;                     // values of the policy key; null: the key is not there
		public List<Device> Devices = [];
		public List<Vm> Vms = [];
		public Dictionary<string, List<string>> Pools = [];
		public string[] Groups = ["S-1-16-12288", "S-1-5-32-544", "S-1-5-32-578"]; // ids that whoami lists
	}

	public class Node
	{
		public string State = "Up", Drain = "NotInitiated";
	}

	public class Group
	{
		public string Name, Vm, Owner, Resource; // Resource: its name where the group has several VMs, each listed as a group of that name
		public int OfflineAction = 1;
		public bool Failed;
		public Dictionary<string, string> Parameters = []; // private properties
	}

	public class Access // a line of the cluster's own list
	{
		public string Account, Sid;
		public bool Deny, ReadOnly;
	}

	public class ClusterState
	{
		public List<Access> Access = [new() { Account = "BUILTIN\\Administrators", Sid = "S-1-5-32-544" }];
		public string Name;
		public Dictionary<string, Node> Nodes = [];
		public List<Group> Groups = [];
	}

	public class Fault
	{
		public string With; // text that is in the parameters of the call, as they are logged
		public string Cmdlet, Host, Id = "OperationFailed", Category = "NotSpecified", Message = "scripted fault";
		public int Nth = 1, Code, Seen; // Code: HRESULT
		public bool Permanent, After, Kill;
		public int Signal; // sent to the process whose id is in the file To, or without one to this process; the world is let go of first
		public string To;
		public int DelayMs;
	}

	public class State
	{
		public string Language = "en";
		public Dictionary<string, Host> Hosts = [];
		public ClusterState Cluster;
		public List<Fault> Faults = [];
	}

	public sealed class World : IDisposable
	{
		static readonly JsonSerializerOptions Options = new()
		{
			PropertyNamingPolicy = JsonNamingPolicy.CamelCase, IncludeFields = true, WriteIndented = false,
			UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow,
		};
		static string Path => Environment.GetEnvironmentVariable("HVGPU_FAKE_WORLD");
		public static string Self => (Environment.GetEnvironmentVariable("COMPUTERNAME") ?? "").ToLowerInvariant();

		readonly FileStream file;
		public readonly State State;
		public bool Changed;
		JsonObject call; // what is being done, for the trace

		public World()
		{
			if (Path == null) throw new InvalidOperationException("HVGPU_FAKE_WORLD names no world");
			file = Lock(Path + ".lock");
			State = JsonSerializer.Deserialize<State>(File.ReadAllBytes(Path), Options);
			Ripen();
		}

		static FileStream Lock(string path)
		{
			for (int i = 0; ; i++)
				try { return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None); }
				catch (IOException) when (i < 2000) { Thread.Sleep(5); }
		}

		public static long Now => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

		public Host Host => State.Hosts[Self];

		// What was begun and takes its time, is done once its time has come.
		void Ripen()
		{
			foreach (var host in State.Hosts.Values)
				foreach (var vm in host.Vms)
					if (vm.Pending != null && vm.PendingAt <= Now)
					{
						string state = vm.Pending;
						vm.Pending = null;
						if (state == "Running") Power.TryStart(this, host, vm);
						else Power.SetState(this, vm, state);
						Changed = true;
					}
		}

		public void Log(string cmdlet, JsonObject parameters)
		{
			var line = new JsonObject { ["host"] = Self, ["cmdlet"] = cmdlet, ["with"] = parameters };
			File.AppendAllText(Path + ".log", line.ToJsonString() + "\n");
			call = line;
		}

		// Where tests ask for it: each change of the world with what made it, whole.
		void Trace(byte[] state)
		{
			if (Environment.GetEnvironmentVariable("HVGPU_FAKE_TRACE") == null) return;
			var line = call ?? new JsonObject { ["host"] = Self };
			File.AppendAllText(Path + ".trace", line.ToJsonString()[..^1] + ",\"state\":" + Encoding.UTF8.GetString(state) + "}\n");
		}

		public Group GroupOf(string vm) => State.Cluster?.Groups.FirstOrDefault(group => Same(group.Vm, vm));

		public Vm Find(string id, out Host host)
		{
			foreach (var each in State.Hosts.Values)
				foreach (var vm in each.Vms)
					if (Same(vm.Id, id))
					{
						host = each;
						return vm;
					}
			host = null;
			return null;
		}

		public static bool Same(string a, string b) => string.Equals(a, b, StringComparison.OrdinalIgnoreCase);

		public void Dispose()
		{
			if (Changed)
			{
				byte[] state = JsonSerializer.SerializeToUtf8Bytes(State, Options);
				File.WriteAllBytes(Path + ".new", state);
				File.Move(Path + ".new", Path, true);
				Trace(state);
			}
			Changed = false;
			file.Dispose();
		}
	}
}
