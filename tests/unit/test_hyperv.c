/* SPDX-License-Identifier: Apache-2.0 */
/* The provider against scripted agents, good and hostile: tests/lib/fake_agent.py has the modes. */
#include "tests/lib/findings.h"
#include "tests/lib/hosts.h"

#include "base/clock.h"
#include "base/interrupt.h"
#include "providers/host/hyperv.h"
#include "providers/host/hyperv_parts.h"

struct fixture {
	struct bench bench;
	char *log;
	struct host_session *session;
};

static void begin(struct fixture *fixture, const char *mode)
{
	interrupt_ignore_pipes();
	bench_init(&fixture->bench, NULL, NULL);
	fixture->log = g_build_filename(fixture->bench.folder, "log", NULL);
	g_setenv("HVGPU_POWERSHELL", TESTS_DIR "/lib/fake_agent.py", TRUE);
	g_setenv("HVGPU_FAKE_MODE", mode, TRUE);
	g_setenv("HVGPU_FAKE_LOG", fixture->log, TRUE);
	const struct endpoint endpoint = { .host = "hv01", .address = "local:" };
	assert_int_equal(host_open(fixture->bench.context, &endpoint, &fixture->session, fixture->bench.diags), 0);
}

static void end(struct fixture *fixture)
{
	host_close(fixture->session);
	g_unlink(fixture->log);
	g_free(fixture->log);
	bench_done(&fixture->bench);
}

static const struct reply *observe(struct fixture *fixture)
{
	const struct request request = { .kind = REQUEST_OBSERVE, .now = 1000, .deadline_s = 30 };
	return bench_ask(&fixture->bench, fixture->session, &request);
}

/* What the agent noted, once it has ended. */
static char *logged(struct fixture *fixture)
{
	char *text = NULL;
	assert_true(g_file_get_contents(fixture->log, &text, NULL, NULL));
	return text;
}

/* It may take its time to come up, and its text may not fit into the pipe at once. */
static GPid logged_pid(struct fixture *fixture, const char *what)
{
	for (int i = 0; i < 1000; i++, g_usleep(10000)) {
		g_autofree char *text = NULL;
		g_main_context_iteration(fixture->bench.context, FALSE);
		const char *at = g_file_get_contents(fixture->log, &text, NULL, NULL) ? strstr(text, what) : NULL;
		if (at && strchr(at, '\n'))
			return (GPid)g_ascii_strtoll(at + strlen(what), NULL, 10);
		while (g_main_context_iteration(fixture->bench.context, FALSE)) /* the agent's text is on its way yet */
			;
	}
	fail_msg("the agent did not note its '%s'", what);
	return 0;
}

/* One that is dead and that nobody has waited for is not alive. */
static bool runs(GPid pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/stat", pid);
	g_autofree char *text = NULL;
	return g_file_get_contents(path, &text, NULL, NULL) && !strstr(text, ") Z ");
}

static bool is_alive(GPid pid)
{
	for (int i = 0; i < 100 && runs(pid); i++)
		g_usleep(10000);
	return runs(pid);
}

/* ---- observe ---- */

static void host_is_observed_whole(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "good");
	const struct reply *reply = observe(&fixture);
	assert_int_equal(reply->error, HOST_OK);
	assert_true(reply->late_known);
	const struct host_state *facts = reply->facts;
	assert_string_equal(facts->host.name, "hv01");
	assert_int_equal(facts->host.epoch, 3);
	assert_int_equal(facts->host.can_command_moves, TRI_YES);
	assert_int_equal(facts->n_gpus, 1);
	assert_true(maybe_is(facts->gpus[0].memory, UINT64_MAX));
	assert_int_equal(facts->n_vms, 2);
	assert_int_equal(facts->vms[1].adapters[0].gpus, 1);
	assert_true(maybe_is(facts->vms[1].adapters[0].quotas[QUOTA_MAX_VRAM], UINT64_MAX));
	end(&fixture);
}

static void what_is_unknown_stays_unknown(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "unknown");
	const struct host_state *facts = observe(&fixture)->facts;
	assert_non_null(facts);
	assert_false(facts->host.os_build.known);
	assert_int_equal(facts->host.can_command_moves, TRI_NO);
	assert_false(facts->vms[0].state_change.known);
	end(&fixture);
}

static void vm_on_the_move_is_said(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "moving");
	assert_false(observe(&fixture)->late_known);
	end(&fixture);
}

static void noise_of_others_is_passed_over(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "noise");
	assert_int_equal(observe(&fixture)->error, HOST_OK);
	end(&fixture);
}

static void second_observation_is_as_the_first_whatever_comes_twice(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "duplicate");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(observe(&fixture)->error, HOST_OK);
		assert_int_equal(fixture.bench.reply.facts->n_vms, 2);
	}
	end(&fixture);
}

/* ---- hostile hosts ---- */

static void hostile_agent_is_a_clear_error_and_gone(void **state)
{
	(void)state;
	static const struct {
		const char *mode;
		enum host_error error;
		const char *message;
	} cases[] = {
		{ "truncated", HOST_UNREACHABLE, "the agent ended (exit code 0)" },
		{ "interleaved", HOST_PROTOCOL, "is no JSON" },
		{ "huge", HOST_PROTOCOL, "too long" },
		{ "endless", HOST_PROTOCOL, "too long" },
		{ "many", HOST_PROTOCOL, "more than 20000" },
		{ "future", HOST_PROTOCOL, "never made" },
		{ "no-id", HOST_PROTOCOL, "never made" },
		{ "no-reply", HOST_PROTOCOL, "neither 'done'" },
		{ "list", HOST_PROTOCOL, "neither 'reply' nor" },
		{ "not-utf8", HOST_PROTOCOL, "is no JSON" },
		{ "deep", HOST_PROTOCOL, "is no JSON" },
		{ "early", HOST_PROTOCOL, "before it said hello" },
		{ "newer", HOST_PROTOCOL, "another version" },
		{ "flood", HOST_PROTOCOL, "not the agent's" },
		{ "hash", HOST_PROTOCOL, "SHA-256 differs" },
		{ "swallowed", HOST_PROTOCOL, "swallows it" },
		{ "miscounted", HOST_PROTOCOL, "not whole: it told of itself, 1 of 1 GPUs, 2 of 3 VMs" },
		{ "twice", HOST_PROTOCOL, "two VMs of id 'VM-1'" },
		{ "wrong-type", HOST_PROTOCOL, "'generation'" },
		{ "gap", HOST_FAILED, "could not tell 'adapters' of VM 'vm-1'" },
		{ "null-gap", HOST_FAILED, "could not tell 'stopAction' of VM 'vm-1'" },
		{ "other-name", HOST_UNEXPECTED_FACTS, "calls itself 'OTHER', not 'hv01'" },
		{ "not-there", HOST_UNREACHABLE, "no PowerShell came up there (exit code 127): bash: powershell.exe" },
		{ "dies", HOST_UNREACHABLE, "the agent ended (exit code 9): Zugriff verweigert" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct fixture fixture;
		begin(&fixture, cases[i].mode);
		const struct reply *reply = observe(&fixture);
		if (reply->error != cases[i].error || !strstr(reply->message, cases[i].message))
			fail_msg("%s: %s: %s", cases[i].mode, name_of(&host_error_names, reply->error), reply->message);
		assert_null(reply->facts);
		assert_true(strlen(reply->message) < 500);
		GPid pid = logged_pid(&fixture, "pid ");
		host_close(g_steal_pointer(&fixture.session));
		assert_false(is_alive(pid));
		end(&fixture);
	}
}

static void session_that_broke_stays_so(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "dies");
	assert_int_equal(observe(&fixture)->error, HOST_UNREACHABLE);
	assert_int_equal(observe(&fixture)->error, HOST_UNREACHABLE);
	assert_non_null(strstr(fixture.bench.reply.message, "Zugriff"));
	end(&fixture);
}

static void silence_ends_with_the_deadline(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "silent");
	const struct request request = { .kind = REQUEST_OBSERVE, .deadline_s = 1 };
	int64_t began_ms = clock_monotonic_ms();
	assert_int_equal(bench_ask(&fixture.bench, fixture.session, &request)->error, HOST_TIMEOUT);
	assert_true(clock_monotonic_ms() - began_ms < 5000);
	end(&fixture);
}

static void late_answer_is_not_taken_for_the_next(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "late");
	const struct request request = { .kind = REQUEST_OBSERVE, .deadline_s = 1 };
	assert_int_equal(bench_ask(&fixture.bench, fixture.session, &request)->error, HOST_TIMEOUT);
	assert_int_equal(observe(&fixture)->error, HOST_OK);
	assert_int_equal(fixture.bench.reply.facts->n_vms, 2);
	end(&fixture);
}

static void closing_leaves_no_process(void **state)
{
	(void)state;
	static const char *const modes[] = { "leaves-child", "silent", "hangs" };
	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
		struct fixture fixture;
		begin(&fixture, modes[i]);
		const struct request request = { .kind = REQUEST_OBSERVE, .deadline_s = 1 };
		bench_ask(&fixture.bench, fixture.session, &request);
		GPid pid = logged_pid(&fixture, "pid "), child = i ? pid : logged_pid(&fixture, "child ");
		host_close(g_steal_pointer(&fixture.session));
		assert_false(is_alive(pid));
		assert_false(is_alive(child));
		end(&fixture);
	}
}

static void session_closed_while_it_is_asked_says_nothing_more(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "good");
	const struct request request = { .kind = REQUEST_OBSERVE, .deadline_s = 5 };
	fixture.bench.waiting = true;
	host_submit(fixture.session, &request, bench_replied, NULL, &fixture.bench);
	host_close(g_steal_pointer(&fixture.session));
	while (g_main_context_iteration(fixture.bench.context, FALSE))
		;
	assert_true(fixture.bench.waiting);
	end(&fixture);
}

static void program_that_is_not_there_is_a_finding(void **state)
{
	(void)state;
	struct bench bench;
	struct host_session *session = NULL;
	const struct endpoint endpoint = { .host = "hv01", .address = "local:" };
	bench_init(&bench, NULL, NULL);
	g_setenv("HVGPU_POWERSHELL", "/nowhere/powershell", TRUE);
	assert_int_equal(host_open(bench.context, &endpoint, &session, bench.diags), -1);
	assert_int_equal(bench.diags->first->code, D_HOST_UNOBSERVED);
	assert_non_null(strstr(bench.diags->first->message, "/nowhere/powershell"));
	bench_done(&bench);
}

/* ---- perform ---- */

static const struct reply *perform(struct fixture *fixture, const struct step *step)
{
	struct request request = bench_request(&fixture->bench, step);
	request.expected = (struct expected){ .has_vm_state = true, .vm_state = VM_OFF, .has_count = true };
	request.deadline_s = 30;
	return bench_ask(&fixture->bench, fixture->session, &request);
}

static void every_step_is_asked_with_its_parameters(void **state)
{
	(void)state;
	static const struct {
		struct step step;
		const char *verb, *asked;
	} cases[] = {
		{ { .kind = STEP_STOP_VM, .vm_id = "V", .stop_method = STOP_SHUTDOWN, .stop_timeout_s = 300 },
			"stop-vm",
			"{\"vm\":\"V\",\"method\":\"Shutdown\",\"timeoutSeconds\":300,\"onTimeout\":\"Fail\"}" },
		{ { .kind = STEP_START_VM, .vm_id = "V" }, "start-vm", "{\"vm\":\"V\"}" },
		{ { .kind = STEP_MOVE_VM, .vm_id = "V", .to_host = "hv02", .live = true }, "move-vm",
			"{\"vm\":\"V\",\"toHost\":\"hv02\",\"live\":true}" },
		{ { .kind = STEP_SET_OFFLINE_ACTION, .vm_id = "V", .offline_action = OFFLINE_FORCED },
			"set-offline-action", "{\"vm\":\"V\",\"offlineAction\":\"ForcedShutdown\"}" },
		{ { .kind = STEP_CONFIGURE_VM,
			  .vm_id = "V",
			  .settings = { .which = SETTINGS_NEED_OFF, .cache_control = true, .mmio_high_bytes = 9 } },
			"configure-vm",
			"{\"vm\":\"V\",\"settings\":{\"cacheControl\":true,\"mmioLow\":0,\"mmioHigh\":9}}" },
		{ { .kind = STEP_CONFIGURE_VM,
			  .vm_id = "V",
			  .settings = { .which = SETTINGS_LIVE, .stop_action = STOP_ACTION_SHUTDOWN } },
			"configure-vm",
			"{\"vm\":\"V\",\"settings\":{\"automaticCheckpoints\":false,\"stopAction\":\"ShutDown\"}}" },
		{ { .kind = STEP_REMOVE_ADAPTER, .vm_id = "V", .adapter.id = "Microsoft:V\\1" },
			"remove-partition-adapter", "{\"vm\":\"V\",\"adapter\":{\"id\":\"Microsoft:V\\\\1\"}}" },
		{ { .kind = STEP_ADD_ADAPTER,
			  .vm_id = "V",
			  .count = 2,
			  .adapter = { .pin = "P", .quotas = { { true, 5 }, { true, UINT64_MAX } } } },
			"add-partition-adapter",
			"{\"vm\":\"V\",\"adapter\":{\"pin\":\"P\",\"quotas\":{\"minPartitionVRAM\":5,"
			"\"maxPartitionVRAM\":\"18446744073709551615\"}},\"count\":2}" },
		{ { .kind = STEP_REMOVE_DEVICE, .vm_id = "V", .device.location_path = "P" }, "remove-assigned-device",
			"{\"vm\":\"V\",\"device\":{\"locationPath\":\"P\"}}" },
		{ { .kind = STEP_ADD_DEVICE, .vm_id = "V", .device.pool = "\xC3\xA9'\"", .count = 1 },
			"add-assigned-device", "{\"vm\":\"V\",\"device\":{\"pool\":\"\\u00E9'\\\"\"},\"count\":1}" },
		{ { .kind = STEP_SET_COUNT, .location_path = "P", .count = 8 }, "set-partition-count",
			"{\"gpu\":\"P\",\"count\":8}" },
		{ { .kind = STEP_DISMOUNT_GPU, .location_path = "P", .force = true }, "dismount-gpu",
			"{\"gpu\":\"P\",\"force\":true}" },
		{ { .kind = STEP_MOUNT_GPU, .location_path = "P" }, "mount-gpu", "{\"gpu\":\"P\"}" },
		{ { .kind = STEP_CREATE_POOL, .pool = "p" }, "create-pool", "{\"pool\":\"p\"}" },
		{ { .kind = STEP_ADD_TO_POOL, .location_path = "P", .pool = "p" }, "add-gpu-to-pool",
			"{\"gpu\":\"P\",\"pool\":\"p\"}" },
		{ { .kind = STEP_REMOVE_FROM_POOL, .location_path = "P", .pool = "p" }, "remove-gpu-from-pool",
			"{\"gpu\":\"P\",\"pool\":\"p\"}" },
	};
	struct fixture fixture;
	begin(&fixture, "good");
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		assert_true(perform(&fixture, &cases[i].step)->changed);
		g_autofree char *text = logged(&fixture);
		g_autofree char *verb = g_strdup_printf("\"verb\":\"%s\"", cases[i].verb);
		g_autofree char *step = g_strdup_printf(
			"\"step\":%s,\"expected\":{\"vmState\":\"Off\",\"count\":null}", cases[i].asked);
		const char *last = g_strrstr(text, "\n{\"id\":");
		if (!strstr(last, verb) || !strstr(last, step))
			fail_msg("%s %s\nis not in\n%s", verb, step, last);
		assert_non_null(strstr(last, "\"now\":2000,\"run\":\"run-1\",\"epoch\":1"));
	}
	end(&fixture);
}

static void what_was_worked_on_comes_back(void **state)
{
	(void)state;
	struct fixture fixture;
	const struct step stop = { .kind = STEP_STOP_VM, .vm_id = "VM-1" };
	const struct step count = { .kind = STEP_SET_COUNT, .location_path = "PCIROOT(0)#PCI(0300)", .count = 8 };
	begin(&fixture, "good");
	assert_int_equal(perform(&fixture, &stop)->vm_after->state, VM_OFF);
	assert_int_equal(fixture.bench.n_progress, 1);
	observe(&fixture);
	assert_int_equal(perform(&fixture, &stop)->vm_after->adapters[0].gpus, 1);
	assert_true(maybe_is(perform(&fixture, &count)->gpu_after->count, 8));
	end(&fixture);
}

static void refusals_keep_kind_words_and_id(void **state)
{
	(void)state;
	struct fixture fixture;
	const struct step step = { .kind = STEP_START_VM, .vm_id = "VM-1" };
	begin(&fixture, "refuses");
	assert_int_equal(perform(&fixture, &step)->error, HOST_IN_USE);
	assert_non_null(strstr(fixture.bench.reply.message, "(X,Y, 0x800700AA)"));
	end(&fixture);
	begin(&fixture, "odd");
	assert_int_equal(perform(&fixture, &step)->error, HOST_FAILED);
	end(&fixture);
}

static void lease_is_taken_and_its_holder_told(void **state)
{
	(void)state;
	struct fixture fixture;
	const struct request lease = { .kind = REQUEST_LEASE, .run = "r", .holder = "ann@here", .now = 5 };
	begin(&fixture, "good");
	assert_true(maybe_is(bench_ask(&fixture.bench, fixture.session, &lease)->epoch, 7));
	host_close(g_steal_pointer(&fixture.session));
	g_autofree char *text = logged(&fixture);
	assert_non_null(strstr(text, "\"verb\":\"lease-open\",\"deadlineSeconds\":0,\"now\":5,\"run\":\"r\""));
	assert_non_null(strstr(text, "\"holder\":\"ann@here\""));
	assert_non_null(strstr(text, "\nend\n")); /* it was let end by itself */
	end(&fixture);
	begin(&fixture, "held");
	const struct reply *reply = bench_ask(&fixture.bench, fixture.session, &lease);
	assert_int_equal(reply->error, HOST_LEASE_HELD);
	assert_string_equal(reply->lease->holder, "eve@there");
	assert_int_equal(reply->lease->since, 1795482000);
	end(&fixture);
}

/* An agent with the lease hears of us, and no other. */
static void lease_has_a_heartbeat(void **state)
{
	(void)state;
	const struct request lease = { .kind = REQUEST_LEASE, .run = "r", .holder = "ann@here", .now = 5 };
	const struct request release = { .kind = REQUEST_RELEASE, .run = "r", .now = 5 };
	uint32_t usual_ms = hyperv_beat_ms;
	struct fixture fixture;
	hyperv_beat_ms = 20;
	begin(&fixture, "good");
	observe(&fixture);
	bench_ask(&fixture.bench, fixture.session, &lease);
	int64_t until_ms = clock_monotonic_ms() + 10000;
	g_autofree char *text = logged(&fixture);
	while (!strstr(text, "\nbeat\nbeat\n") && clock_monotonic_ms() < until_ms) {
		g_main_context_iteration(fixture.bench.context, TRUE);
		g_free(text);
		text = logged(&fixture);
	}
	assert_non_null(strstr(text, "\"silenceSeconds\":300"));
	assert_non_null(strstr(text, "\nbeat\nbeat\n"));
	assert_null(strstr(strstr(text, "beat"), "observe")); /* none before the lease */
	bench_ask(&fixture.bench, fixture.session, &release);
	for (int i = 0; i < 5; i++) { /* the timer is gone, so nothing is there to wake the loop */
		g_usleep(20000);
		while (g_main_context_iteration(fixture.bench.context, FALSE)) {
		}
	}
	observe(&fixture);
	g_free(text);
	text = logged(&fixture);
	assert_null(strstr(strstr(text, "lease-close"), "beat"));
	end(&fixture);
	hyperv_beat_ms = usual_ms;
}

static void records_and_debts_are_asked_for(void **state)
{
	(void)state;
	struct fixture fixture;
	const struct cluster_record cluster = { .owner = "o", .cluster = "c", .epoch = 4 };
	const struct vm_record vm = { .owner = "o", .cluster = "c", .group = "g" };
	const struct request record = { .kind = REQUEST_RECORD,
		.run = "r",
		.epoch = 4,
		.vm_id = "V",
		.cluster_record = &cluster,
		.vm_record = &vm };
	const struct request settle = { .kind = REQUEST_SETTLE, .run = "r", .vm_id = "V", .settle = SETTLE_RENEW };
	begin(&fixture, "good");
	bench_ask(&fixture.bench, fixture.session, &record);
	bench_ask(&fixture.bench, fixture.session, &settle);
	const struct request end_lease = { .kind = REQUEST_END_LEASE, .run = "stuck" };
	bench_ask(&fixture.bench, fixture.session, &end_lease);
	g_autofree char *text = logged(&fixture);
	assert_non_null(
		strstr(text, "\"vm\":\"V\",\"clusterRecord\":{\"owner\":\"o\",\"cluster\":\"c\",\"commit\":null,"
			     "\"epoch\":4},\"vmRecord\":{\"owner\":\"o\",\"cluster\":\"c\",\"group\":\"g\"}}"));
	assert_non_null(strstr(text, "\"verb\":\"settle\""));
	assert_non_null(strstr(text, "\"settle\":\"renew\"}"));
	assert_non_null(strstr(text, "\"verb\":\"lease-end\""));
	assert_non_null(strstr(text, "\"run\":\"stuck\""));
	end(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(host_is_observed_whole),
		cmocka_unit_test(what_is_unknown_stays_unknown),
		cmocka_unit_test(vm_on_the_move_is_said),
		cmocka_unit_test(noise_of_others_is_passed_over),
		cmocka_unit_test(second_observation_is_as_the_first_whatever_comes_twice),
		cmocka_unit_test(hostile_agent_is_a_clear_error_and_gone),
		cmocka_unit_test(session_that_broke_stays_so),
		cmocka_unit_test(silence_ends_with_the_deadline),
		cmocka_unit_test(late_answer_is_not_taken_for_the_next),
		cmocka_unit_test(closing_leaves_no_process),
		cmocka_unit_test(session_closed_while_it_is_asked_says_nothing_more),
		cmocka_unit_test(program_that_is_not_there_is_a_finding),
		cmocka_unit_test(every_step_is_asked_with_its_parameters),
		cmocka_unit_test(what_was_worked_on_comes_back),
		cmocka_unit_test(refusals_keep_kind_words_and_id),
		cmocka_unit_test(lease_is_taken_and_its_holder_told),
		cmocka_unit_test(lease_has_a_heartbeat),
		cmocka_unit_test(records_and_debts_are_asked_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
