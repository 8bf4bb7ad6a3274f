/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/doctor.h"

#include "reconcile/doctor_parts.h"

NAMES_DEFINE(doctor_state_names, DOCTOR_STATES);

const struct doctor_check doctor_checks[] = {
	{ "connection", "connection", true, true, doctor_connection,
		"ssh's own words tell why; `ssh USER@HOST` must work without a question" },
	{ "powershell-start", "PowerShell comes up", true, true, doctor_start,
		"`ssh USER@HOST powershell.exe -Command whoami` must print the account and nothing else" },
	{ "agent", "agent comes up", true, true, doctor_agent, "see the host's own words" },
	{ "name", "host name", true, false, doctor_name,
		"correct the address or the name in the HostInventory; a host goes by the name that Windows has for "
		"it" },
	{ "powershell", "PowerShell version", true, false, doctor_powershell,
		"Windows PowerShell 5.1 or PowerShell 7, in full language mode" },
	{ "elevation", "rights", true, false, doctor_elevation,
		"put the account into the host's Administrators group: leases, devices and pools need it, and Hyper-V "
		"Administrators does not suffice" },
	{ "module-hyper-v", "module Hyper-V", true, false, doctor_hyper_v,
		"`Install-WindowsFeature Hyper-V -IncludeManagementTools`, and restart" },
	{ "module-pnp-device", "module PnpDevice", true, false, doctor_pnp_device,
		"it is part of Windows; see that PSModulePath of the account has it" },
	{ "module-cim-cmdlets", "module CimCmdlets", true, false, doctor_cim_cmdlets,
		"it is part of Windows; see that PSModulePath of the account has it" },
	{ "module-failover-clusters", "module FailoverClusters", true, false, doctor_failover_clusters,
		"`Install-WindowsFeature RSAT-Clustering-PowerShell`" },
	{ "observation", "observation", false, false, doctor_observation,
		"see the host's own words; until it can be read whole it counts as missing" },
	{ "build", "Windows build", false, false, doctor_build,
		"Windows Server 2025 (build 26100) or later is what GPU partitioning is supported on" },
	{ "edition", "edition", false, false, doctor_edition,
		"partitions in failover clusters need the Datacenter edition" },
	{ "sriov", "SR-IOV", false, false, doctor_sriov,
		"turn on virtualization, the IOMMU (VT-d, AMD-Vi) and SR-IOV in the BIOS of every host, and restart" },
	{ "gpus", "GPU driver", false, false, doctor_gpus,
		"for partitions: remove the vendor's data centre driver and install its vGPU host driver; for whole "
		"GPUs any "
		"driver will do" },
	{ "policy", "security policy", false, false, doctor_policy,
		"HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows\\HyperV: RequireSecureDeviceAssignment, "
		"RequireSupportedDeviceAssignment; setting them to 0 gives up isolation between VMs" },
	{ "cluster", "failover cluster", false, false, doctor_cluster,
		"`Start-Service ClusSvc` on the host, and see the cluster's events; a node whose cluster cannot be "
		"asked is not "
		"touched" },
	{ "cluster-access", "cluster rights", true, false, doctor_access,
		"`Grant-ClusterAccess -User ACCOUNT -Full` on one node" },
	{ "quorum", "nodes of the cluster", false, false, doctor_quorum,
		"bring nodes back: with less than a majority Up the cluster ends, and no lease is given" },
	{ "lease-folder", "lease folder", true, false, doctor_folder,
		"look who made the folder, then remove it; the first lease makes it, for Administrators and SYSTEM "
		"alone" },
	{ "lease", "lease", false, false, doctor_lease,
		"wait until that run is done; a run that died gives its leases back with its connection, at the latest "
		"after some minutes" },
	{ "clock", "clock", false, false, doctor_clock,
		"set the time of the host, or of this machine: `w32tm /query /status` there" },
	{ "live-moves", "live moves", true, false, doctor_live_moves,
		"nothing has to be done: VMs that must move are stopped for it; `local:` on the host can command live "
		"moves" },
	{ 0 },
};

/* With an agent the checks that 'reaches' marks tell. */
static bool is_answered_without_agent(const struct doctor_facts *facts)
{
	return facts->has_agent || (facts->error != HOST_UNREACHABLE && facts->error != HOST_TIMEOUT);
}

static enum exit_code exit_of(const struct doctor_report *report)
{
	if (!report->is_reached)
		return EXIT_INCOMPLETE;
	return report->n[DOCTOR_FAILED] ? EXIT_REFUSED : EXIT_DONE;
}

struct doctor_report *doctor_judge(struct arena *arena, const struct doctor_facts *facts)
{
	struct doctor_report *report = arena_new_of(arena, struct doctor_report);
	struct doctor_result *results = arena_array(arena, struct doctor_result, G_N_ELEMENTS(doctor_checks));
	*report = (struct doctor_report){ .host = facts->host,
		.address = facts->address,
		.results = results,
		.is_reached = is_answered_without_agent(facts) };
	if (facts->examined)
		report->account = facts->examined->account;
	for (const struct doctor_check *check = doctor_checks; check->id; check++) {
		if (check->of_agent && !facts->has_agent)
			continue;
		struct doctor_result *result = &results[report->n_results++];
		*result = (struct doctor_result){ .check = check, .seen = "not known", .remedy = check->remedy };
		result->state = check->look(arena, facts, &result->seen, &result->remedy);
		if (result->state == DOCTOR_OK || result->state == DOCTOR_UNKNOWN)
			result->remedy = NULL;
		report->n[result->state]++;
		if (check->reaches && result->state == DOCTOR_FAILED)
			report->is_reached = false;
	}
	report->exit = exit_of(report);
	return report;
}
