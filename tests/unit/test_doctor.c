/* SPDX-License-Identifier: Apache-2.0 */
/* Each check over facts, without a host: a healthy one has nothing to say, and each way to fail is told by its own row. */
#include "tests/lib/test.h"

#include "reconcile/doctor.h"

struct bed { /* facts that a case may change */
	struct doctor_facts facts;
	struct hyperv_hello hello;
	struct hyperv_examined examined;
	struct hyperv_end end;
	struct host_state state;
	struct cluster_node nodes[3];
	struct gpu gpus[2];
	struct lease lease;
};

static void make_healthy(struct bed *bed)
{
	*bed = (struct bed){
		.hello = { .agent = "0.1.0",
			.host = "HV01",
			.powershell = "5.1.26100.1",
			.language_mode = "FullLanguage",
			.protocol = 1,
			.hyper_v = "2.0.0.0",
			.failover_clusters = "2.0.0.0",
			.pnp_device = "1.0.0.0",
			.cim_cmdlets = "1.0.0.0",
			.elevated = TRI_YES,
			.hyper_v_administrator = TRI_YES,
			.network_logon = TRI_NO,
			.live_moves = TRI_YES },
		.examined = { .account = "CONTOSO\\svc",
			.cluster = CLUSTER_ANSWERS,
			.access = ACCESS_FULL,
			.root = ROOT_USABLE,
			.root_path = "C:\\ProgramData\\hvgpu" },
		.nodes = { { "hv01", NODE_UP }, { "hv02", NODE_UP }, { "hv03", NODE_UP } },
		.gpus = { { .state = GPU_PARTITIONABLE }, { .state = GPU_DISMOUNTED } },
		.lease = { .holder = "ann@laptop", .run = "run-7", .since = 1764000000 },
		.facts = { .host = "hv01",
			.address = "ssh://hv01",
			.has_agent = true,
			.asked_at = 1764000000,
			.answered_at = 1764000004 },
	};
	bed->state.host = (struct host){ .name = "hv01",
		.observed_at = 1764000002,
		.os_build = KNOWN(26100),
		.edition = "Datacenter",
		.sriov = TRI_YES,
		.require_secure_assignment = TRI_YES,
		.require_supported_assignment = TRI_YES,
		.cluster_name = "fc-paris",
		.nodes = bed->nodes,
		.n_nodes = 3 };
	bed->state.gpus = bed->gpus;
	bed->state.n_gpus = 2;
	bed->facts.hello = &bed->hello;
	bed->facts.examined = &bed->examined;
	bed->facts.state = &bed->state;
}

static const struct doctor_result *result_of(const struct doctor_report *report, const char *id)
{
	for (uint32_t i = 0; i < report->n_results; i++)
		if (strcmp(report->results[i].check->id, id) == 0)
			return &report->results[i];
	fail_msg("there is no check '%s'", id);
	return NULL;
}

static void healthy_host_has_nothing_to_mend(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct bed bed;
	make_healthy(&bed);
	const struct doctor_report *report = doctor_judge(arena, &bed.facts);
	for (uint32_t i = 0; i < report->n_results; i++) {
		if (report->results[i].state != DOCTOR_OK)
			fail_msg("%s: %s", report->results[i].check->id, report->results[i].seen);
		assert_null(report->results[i].remedy);
		assert_string_not_equal(report->results[i].seen, "not known");
	}
	assert_true(report->is_reached);
	assert_int_equal(report->exit, EXIT_DONE);
	assert_string_equal(report->account, "CONTOSO\\svc");
}

/* ---- each check ---- */

static void no_hello(struct bed *bed, bool bootstrapped, int exit, const char *words)
{
	bed->end = (struct hyperv_end){ .bootstrapped = bootstrapped,
		.exit = exit,
		.words = words,
		.explanation = "PowerShell ended before the agent said hello" };
	bed->facts.end = &bed->end;
	bed->facts.hello = NULL;
	bed->facts.examined = NULL;
	bed->facts.state = NULL;
	bed->facts.error = HOST_UNREACHABLE;
}

static void key_unknown(struct bed *bed)
{
	no_hello(bed, false, 255, "No key\nHost key verification failed.\n\n");
}
static void no_ssh(struct bed *bed)
{
	no_hello(bed, false, 0, NULL);
	bed->facts.end = NULL;
	bed->facts.asked_at = 0;
	bed->facts.not_opened = "'ssh' cannot be run: No such file";
}
static void no_shell(struct bed *bed)
{
	no_hello(bed, false, 127, "bash: powershell.exe: command not found");
}
static void no_agent(struct bed *bed)
{
	no_hello(bed, true, 1, "Zugriff verweigert");
}
static void no_answer(struct bed *bed)
{
	no_hello(bed, false, 0, NULL);
	bed->facts.end = NULL;
}
static void nonsense(struct bed *bed)
{
	bed->end = (struct hyperv_end){ .greeted = true, .exit = -1 };
	bed->facts.end = &bed->end;
	bed->facts.error = HOST_PROTOCOL;
	bed->facts.message = "a line of 9 bytes is no JSON";
}
static void other_name(struct bed *bed)
{
	bed->hello.host = "OTHER";
	bed->facts.error = HOST_UNEXPECTED_FACTS;
}
static void old_powershell(struct bed *bed)
{
	bed->hello.powershell = "4.0";
}
static void older_5(struct bed *bed)
{
	bed->hello.powershell = "5.0.10586";
}
static void constrained(struct bed *bed)
{
	bed->hello.language_mode = "ConstrainedLanguage";
}
static void not_elevated(struct bed *bed)
{
	bed->hello.elevated = TRI_NO;
}
static void rights_unknown(struct bed *bed)
{
	bed->hello.elevated = TRI_UNKNOWN;
}
static void no_hyper_v(struct bed *bed)
{
	bed->hello.hyper_v = NULL;
}
static void no_pnp(struct bed *bed)
{
	bed->hello.pnp_device = NULL;
}
static void no_cim(struct bed *bed)
{
	bed->hello.cim_cmdlets = NULL;
}
static void no_clusters(struct bed *bed)
{
	bed->hello.failover_clusters = NULL;
}
static void not_observed(struct bed *bed)
{
	bed->facts.error = HOST_DENIED;
	bed->facts.message = "Zugriff verweigert";
}
static void old_build(struct bed *bed)
{
	bed->state.host.os_build = KNOWN(20348);
}
static void build_unknown(struct bed *bed)
{
	bed->state.host.os_build = UNKNOWN;
}
static void standard(struct bed *bed)
{
	bed->state.host.edition = "Standard";
}
static void sriov_off(struct bed *bed)
{
	bed->state.host.sriov = TRI_NO;
	bed->state.host.sriov_reasons = "the BIOS says no";
	bed->gpus[0].state = GPU_PARAVIRTUALIZED;
}
static void sriov_off_yet_partitioned(struct bed *bed)
{
	bed->state.host.sriov = TRI_NO;
}
static void plain_driver(struct bed *bed)
{
	bed->gpus[0].state = GPU_PLAIN;
	bed->state.n_gpus = 1;
}
static void one_failed(struct bed *bed)
{
	bed->gpus[0].state = GPU_FAILED;
}
static void no_gpu(struct bed *bed)
{
	bed->state.n_gpus = 0;
}
static void gpus_did_not_come(struct bed *bed)
{
	not_observed(bed);
	bed->state.n_gpus = 0;
}
static void paravirtualized(struct bed *bed)
{
	bed->gpus[0].state = GPU_PARAVIRTUALIZED;
}
static void policy_off(struct bed *bed)
{
	bed->state.host.require_secure_assignment = TRI_NO;
}
static void policy_unknown(struct bed *bed)
{
	bed->state.host.require_secure_assignment = TRI_UNKNOWN;
}
static void cluster_silent(struct bed *bed)
{
	bed->examined.cluster = CLUSTER_SILENT;
	bed->examined.cluster_message = "this node's failover cluster cannot be asked";
	bed->examined.access = ACCESS_UNKNOWN;
	bed->state.host.cluster_name = NULL;
	bed->state.host.n_nodes = 0;
	bed->facts.error = HOST_FAILED;
}
static void read_only(struct bed *bed)
{
	bed->examined.access = ACCESS_READ_ONLY;
}
static void no_access(struct bed *bed)
{
	bed->examined.access = ACCESS_NONE;
}
static void minority(struct bed *bed)
{
	bed->nodes[1].state = bed->nodes[2].state = NODE_DOWN;
}
static void node_paused(struct bed *bed)
{
	bed->nodes[1].state = NODE_PAUSED;
}
static void folder_denied(struct bed *bed)
{
	bed->examined.root = ROOT_DENIED;
}
static void folder_foreign(struct bed *bed)
{
	bed->examined.root = ROOT_FOREIGN;
	bed->examined.root_message = "C:\\ProgramData\\hvgpu belongs to S-1-5-21-1";
}
static void folder_unknown(struct bed *bed)
{
	bed->examined.root = ROOT_UNKNOWN;
}
static void leased(struct bed *bed)
{
	bed->state.host.lease = &bed->lease;
}
static void ahead(struct bed *bed)
{
	bed->state.host.observed_at = 1764000004 + 61;
}
static void behind(struct bed *bed)
{
	bed->state.host.observed_at = 1764000000 - 7200;
}
static void network_logon(struct bed *bed)
{
	bed->hello.live_moves = TRI_NO;
	bed->hello.network_logon = TRI_YES;
}
static void moves_unknown(struct bed *bed)
{
	bed->hello.live_moves = TRI_UNKNOWN;
}

static const struct {
	void (*change)(struct bed *bed);
	const char *id;
	enum doctor_state state;
	const char *seen, *remedy; /* parts of them; NULL: any */
	enum exit_code exit;
} cases[] = {
	{ key_unknown, "connection", DOCTOR_FAILED, "not in known_hosts: Host key verification failed.", "ssh-keyscan",
		4 },
	{ no_ssh, "connection", DOCTOR_FAILED, "cannot be run", NULL, 4 },
	{ no_ssh, "powershell-start", DOCTOR_UNKNOWN, "not tried", NULL, 4 },
	{ no_shell, "connection", DOCTOR_OK, "ssh logs in", NULL, 4 },
	{ no_shell, "powershell-start", DOCTOR_FAILED, "no powershell.exe", "Windows host", 4 },
	{ no_shell, "agent", DOCTOR_UNKNOWN, "not tried", NULL, 4 },
	{ no_agent, "powershell-start", DOCTOR_OK, "yes", NULL, 4 },
	{ no_agent, "agent", DOCTOR_FAILED, "hello: Zugriff verweigert", "antivirus", 4 },
	{ no_answer, "agent", DOCTOR_FAILED, "no answer", NULL, 4 },
	{ nonsense, "agent", DOCTOR_FAILED, "is no JSON", NULL, 4 },
	{ other_name, "name", DOCTOR_FAILED, "'OTHER', not 'hv01'", "HostInventory", 5 },
	{ old_powershell, "powershell", DOCTOR_FAILED, "4.0", "5.1", 5 },
	{ older_5, "powershell", DOCTOR_FAILED, "5.0", "5.1", 5 },
	{ constrained, "powershell", DOCTOR_FAILED, "ConstrainedLanguage", "full language", 5 },
	{ not_elevated, "elevation", DOCTOR_FAILED, "Hyper-V administrator, not elevated", "Administrators", 5 },
	{ rights_unknown, "elevation", DOCTOR_UNKNOWN, NULL, NULL, 0 },
	{ no_hyper_v, "module-hyper-v", DOCTOR_FAILED, "not there", "Install-WindowsFeature Hyper-V", 5 },
	{ no_pnp, "module-pnp-device", DOCTOR_FAILED, "not there", NULL, 5 },
	{ no_cim, "module-cim-cmdlets", DOCTOR_FAILED, "not there", NULL, 5 },
	{ no_clusters, "module-failover-clusters", DOCTOR_FAILED, "not there", "RSAT-Clustering", 5 },
	{ not_observed, "observation", DOCTOR_FAILED, "access-denied: Zugriff verweigert", "rights", 5 },
	{ old_build, "build", DOCTOR_WARNING, "20348", "2025", 0 },
	{ build_unknown, "build", DOCTOR_UNKNOWN, NULL, NULL, 0 },
	{ standard, "edition", DOCTOR_WARNING, "Standard", "Datacenter", 0 },
	{ sriov_off, "sriov", DOCTOR_FAILED, "off: the BIOS says no", "BIOS", 5 },
	{ sriov_off_yet_partitioned, "sriov", DOCTOR_WARNING, "Windows gives no reason", NULL, 0 },
	{ plain_driver, "gpus", DOCTOR_FAILED, "1 plain", "vGPU host driver", 5 },
	{ one_failed, "gpus", DOCTOR_WARNING, "1 dismounted, 1 failed", "fault", 0 },
	{ no_gpu, "gpus", DOCTOR_FAILED, "no GPU", "slot", 5 },
	{ gpus_did_not_come, "gpus", DOCTOR_UNKNOWN, NULL, NULL, 5 },
	{ paravirtualized, "gpus", DOCTOR_WARNING, "1 paravirtualized", "SR-IOV", 0 },
	{ paravirtualized, "policy", DOCTOR_WARNING, "does not start", NULL, 0 },
	{ policy_off, "policy", DOCTOR_WARNING, "need not be secure", "isolation", 0 },
	{ policy_unknown, "policy", DOCTOR_UNKNOWN, NULL, NULL, 0 },
	{ cluster_silent, "cluster", DOCTOR_FAILED, "cannot be asked", "ClusSvc", 5 },
	{ cluster_silent, "cluster-access", DOCTOR_UNKNOWN, NULL, NULL, 5 },
	{ read_only, "cluster-access", DOCTOR_FAILED, "read, and not changed", "Grant-ClusterAccess", 5 },
	{ no_access, "cluster-access", DOCTOR_FAILED, "nothing", "Grant-ClusterAccess", 5 },
	{ minority, "quorum", DOCTOR_FAILED, "1 of 3 are up; hv02 Down, hv03 Down", "majority", 5 },
	{ node_paused, "quorum", DOCTOR_WARNING, "3 of 3 are up; hv02 Paused", NULL, 0 },
	{ folder_denied, "lease-folder", DOCTOR_FAILED, "may not be written", "administrator", 5 },
	{ folder_foreign, "lease-folder", DOCTOR_FAILED, "belongs to", "who made the folder", 5 },
	{ folder_unknown, "lease-folder", DOCTOR_UNKNOWN, NULL, NULL, 0 },
	{ leased, "lease", DOCTOR_WARNING, "ann@laptop, run run-7, since 2025-11-24T16:00:00Z", "wait", 0 },
	{ ahead, "clock", DOCTOR_WARNING, "1m 1s ahead of ours", "time", 0 },
	{ behind, "clock", DOCTOR_WARNING, "2h behind ours", "time", 0 },
	{ network_logon, "live-moves", DOCTOR_WARNING, "network logon", "stopped", 0 },
	{ moves_unknown, "live-moves", DOCTOR_UNKNOWN, NULL, NULL, 0 },
};

static void each_fault_is_told_by_its_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(arena_auto) arena = arena_new();
		struct bed bed;
		make_healthy(&bed);
		cases[i].change(&bed);
		const struct doctor_report *report = doctor_judge(arena, &bed.facts);
		const struct doctor_result *result = result_of(report, cases[i].id);
		const char *remedy = result->remedy ? result->remedy : "";
		if (result->state != cases[i].state || report->exit != cases[i].exit ||
			(cases[i].seen && !strstr(result->seen, cases[i].seen)) ||
			(cases[i].remedy && !strstr(remedy, cases[i].remedy)))
			fail_msg("case %zu, %s: %d, exit %d: %s; %s", i, cases[i].id, (int)result->state,
				(int)report->exit, result->seen, remedy);
		assert_int_equal(report->is_reached, cases[i].exit != 4);
	}
}

/* So that no row is added without its case. */
static void each_row_has_a_fault(void **state)
{
	(void)state;
	for (const struct doctor_check *check = doctor_checks; check->id; check++) {
		bool found = false;
		for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
			found = found || (strcmp(cases[i].id, check->id) == 0 && cases[i].state != DOCTOR_OK);
		if (!found)
			fail_msg("no case makes '%s' fail", check->id);
		assert_non_null(check->remedy);
	}
}

static void standalone_host_needs_no_cluster(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct bed bed;
	make_healthy(&bed);
	bed.examined.cluster = CLUSTER_NONE;
	bed.examined.access = ACCESS_UNKNOWN;
	bed.state.host.cluster_name = NULL;
	bed.state.host.n_nodes = 0;
	bed.hello.failover_clusters = NULL;
	bed.hello.live_moves = TRI_NO;
	assert_int_equal(doctor_judge(arena, &bed.facts)->n[DOCTOR_OK], doctor_judge(arena, &bed.facts)->n_results);
}

/* The folder that is not there yet and the one in use are fine. */
static void folder_that_the_first_lease_makes_is_fine(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct bed bed;
	make_healthy(&bed);
	for (int root = ROOT_ABSENT; root <= ROOT_HELD; root++) {
		bed.examined.root = (enum root_state)root;
		assert_int_equal(result_of(doctor_judge(arena, &bed.facts), "lease-folder")->state, DOCTOR_OK);
	}
}

/* A file of hosts says nothing of sessions. */
static void host_without_an_agent_has_fewer_checks(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct bed bed;
	make_healthy(&bed);
	bed.facts.has_agent = false;
	bed.facts.address = "snapshot:world.yaml";
	bed.facts.hello = NULL;
	bed.facts.examined = NULL;
	behind(&bed);
	const struct doctor_report *report = doctor_judge(arena, &bed.facts);
	for (uint32_t i = 0; i < report->n_results; i++)
		assert_false(report->results[i].check->of_agent);
	assert_int_equal(report->n[DOCTOR_OK], report->n_results);
	assert_int_equal(report->exit, EXIT_DONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(healthy_host_has_nothing_to_mend),
		cmocka_unit_test(each_fault_is_told_by_its_row),
		cmocka_unit_test(each_row_has_a_fault),
		cmocka_unit_test(standalone_host_needs_no_cluster),
		cmocka_unit_test(folder_that_the_first_lease_makes_is_fine),
		cmocka_unit_test(host_without_an_agent_has_fewer_checks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
