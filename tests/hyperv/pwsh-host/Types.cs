// SPDX-License-Identifier: Apache-2.0
// The objects that cmdlets of Hyper-V and FailoverClusters give out, as far as they are documented.
using System;
using System.Management.Automation;

namespace Microsoft.HyperV.PowerShell
{
	public enum VMState
	{
		Other = 1, Running = 2, Off = 3, Stopping = 4, Saved = 6, Paused = 9, Starting = 10, Reset = 11, Saving = 32773,
		Pausing = 32776, Resuming = 32777, FastSaved = 32779, FastSaving = 32780, ForceShutdown = 32781, ForceReboot = 32782,
		Hibernated = 32783, ComponentServicing = 32784, RunningCritical = 32785, OffCritical = 32786,
	}
	public enum StopAction { TurnOff = 2, Save = 3, ShutDown = 4 }
	public enum StartAction { Nothing = 2, StartIfRunning = 3, Start = 4 }
	public enum CheckpointType { Disabled = 2, Production = 3, ProductionOnly = 4, Standard = 5 }
	public enum CriticalErrorAction { None = 0, Pause = 1 }
	public enum OnOffState { On = 0, Off = 1 }
	public enum SnapshotType { Standard = 0, Recovery = 1, Planned = 2, Missing = 3, Replica = 4, AppConsistentReplica = 5,
		SyncedReplica = 6 }
	public enum VMResourcePoolType
	{
		Memory = 0, Processor = 1, Ethernet = 2, VHD = 3, ISO = 4, VFD = 5, FibreChannelPort = 6, FibreChannelConnection = 7,
		PciExpress = 8,
	}

	public class VirtualizationObject
	{
		public string ComputerName { get; set; }
		public string CimSession => "CimSession: .";
		public bool IsDeleted => false;
	}

	public class VirtualMachineBase : VirtualizationObject
	{
		public Guid Id { get; set; }
		public string Name { get; set; }
	}

	public class VirtualMachine : VirtualMachineBase
	{
		public VMState State { get; set; }
		public string Status => State == VMState.Off ? "Operating normally" : "Operating normally";
		public int Generation { get; set; }
		public string Version => "12.0";
		public bool IsClustered { get; set; }
		public StopAction AutomaticStopAction { get; set; }
		public StartAction AutomaticStartAction => StartAction.StartIfRunning;
		public CheckpointType CheckpointType { get; set; }
		public bool AutomaticCheckpointsEnabled { get; set; }
		public bool DynamicMemoryEnabled { get; set; }
		public long MemoryAssigned { get; set; }
		public long MemoryStartup { get; set; }
		public long MemoryMinimum { get; set; }
		public long MemoryMaximum { get; set; }
		public bool GuestControlledCacheTypes { get; set; }
		public uint LowMemoryMappedIoSpace { get; set; }
		public ulong HighMemoryMappedIoSpace { get; set; }
	}

	public class VMSnapshot : VirtualMachineBase
	{
		public Guid VMId { get; set; }
		public string VMName { get; set; }
	}

	public class OfVM : VirtualizationObject
	{
		public string Name { get; set; }
		public string Id { get; set; }
		public Guid VMId { get; set; }
		public string VMName { get; set; }
		public Guid VMSnapshotId => Guid.Empty;
		public string VMSnapshotName => "";
		public Guid VMCheckpointId => Guid.Empty;
		public string VMCheckpointName => "";
	}

	public class VMGpuPartitionAdapter : OfVM
	{
		public ulong? CurrentPartitionVRAM { get; set; }
		public ulong? MinPartitionVRAM { get; set; }
		public ulong? MaxPartitionVRAM { get; set; }
		public ulong? OptimalPartitionVRAM { get; set; }
		public ulong? CurrentPartitionEncode { get; set; }
		public ulong? MinPartitionEncode { get; set; }
		public ulong? MaxPartitionEncode { get; set; }
		public ulong? OptimalPartitionEncode { get; set; }
		public ulong? CurrentPartitionDecode { get; set; }
		public ulong? MinPartitionDecode { get; set; }
		public ulong? MaxPartitionDecode { get; set; }
		public ulong? OptimalPartitionDecode { get; set; }
		public ulong? CurrentPartitionCompute { get; set; }
		public ulong? MinPartitionCompute { get; set; }
		public ulong? MaxPartitionCompute { get; set; }
		public ulong? OptimalPartitionCompute { get; set; }
		public string InstancePath { get; set; }
		public ushort? PartitionId { get; set; }
		public string PartitionVfLuid { get; set; }
		public bool? SupportsOutgoingLiveMigration { get; set; }
	}

	public class VMAssignedDevice : OfVM
	{
		public string InstanceID { get; set; }
		public string LocationPath { get; set; }
		public string ResourcePoolName { get; set; }
		public ushort VirtualFunction => 0;
	}

	public class VMHostAssignableDevice : VirtualizationObject
	{
		public string InstanceID { get; set; }
		public string LocationPath { get; set; }
	}

	// Given out by its properties alone, for builds differ in which there are: see GetVMHostPartitionableGpu.
	public class VMHostPartitionableGpu : VirtualizationObject
	{
		public string Name { get; set; }
	}

	public class VMResourcePool : VirtualizationObject
	{
		public string Name { get; set; }
		public string[] ParentName { get; set; }
		public VMResourcePoolType[] ResourcePoolType { get; set; }
		public bool ResourceMeteringEnabled => false;
	}

	public class VMHost : VirtualizationObject
	{
		public string Name { get; set; }
		public bool IovSupport { get; set; }
		public string[] IovSupportReasons { get; set; }
	}

	public class VirtualizationException : Exception
	{
		public VirtualizationException(string message, int code) : base(message) { if (code != 0) HResult = code; }
	}
}

namespace Microsoft.FailoverClusters.PowerShell
{
	public enum ClusterNodeState { Unknown = -1, Up = 0, Down = 1, Paused = 2, Joining = 3 }
	public enum ClusterNodeDrainStatus { NotInitiated = 0, InProgress = 1, Completed = 2, Failed = 3 }
	public enum ClusterGroupState { Unknown = -1, Online = 0, Offline = 1, Failed = 2, PartialOnline = 3, Pending = 4 }
	public enum VmMigrationType { TurnOff = 0, Quick = 1, Shutdown = 2, ShutdownForce = 3, Live = 4 }

	public class ClusterObject
	{
		public string Name { get; set; }
		public override string ToString() => Name;
	}

	public class Cluster : ClusterObject { }

	public enum ClusterRights { ReadOnly = 1, Full = 2 }
	public enum AccessControlType { Allow = 0, Deny = 1 }

	// As System.Security.Principal has it, which is there on Windows alone: an account's name, or its id.
	public class Identity
	{
		public string Value { get; set; }
		internal string Sid;
		public Identity Translate(Type type) => new() { Value = Sid, Sid = Sid };
	}

	public class ClusterAccessRule // names of its properties: general knowledge
	{
		public Identity IdentityReference { get; set; }
		public AccessControlType AccessControlType { get; set; }
		public ClusterRights ClusterRights { get; set; }
	}

	public class ClusterNode : ClusterObject
	{
		public ClusterNodeState State { get; set; }
		public ClusterNodeDrainStatus DrainStatus { get; set; }
	}

	public class ClusterGroup : ClusterObject
	{
		public ClusterGroupState State { get; set; }
		public ClusterNode OwnerNode { get; set; }
		public string GroupType { get; set; }
	}

	public class ClusterResourceType : ClusterObject { }

	public class ClusterResource : ClusterObject
	{
		public ClusterGroup OwnerGroup { get; set; }
		public ClusterNode OwnerNode { get; set; }
		public ClusterResourceType ResourceType { get; set; }
	}

	public class ClusterParameter
	{
		public ClusterObject ClusterObject { get; set; }
		public string Name { get; set; }
		public object Value { get; set; }
		public string ParameterType => Value is string ? "String" : "UInt32";
		public bool IsReadOnly => false;
	}
}

namespace Fakes
{
	public class CimSession { } // nobody has one here: a host's own cmdlets are used on that host only
	public class CimInstance { }
}
