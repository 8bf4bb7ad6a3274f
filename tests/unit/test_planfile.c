/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/planfile.h"
#include "tests/lib/sample_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static char *dump(const struct run *run)
{
	json_auto_t *json = planfile_to_json(run);
	return json_dumps(json, JSON_INDENT(2));
}

/* Reads 'text'; the code of the first finding, or -1 when it was read. */
static int read_code(const char *text)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct source source = { "plan.json", text, strlen(text) };
	struct diags *diags = diags_new(arena);
	struct run *run = NULL;
	int result = planfile_read(arena, &source, &run, diags);
	assert_int_equal(result == 0, diags->n_errors == 0);
	assert_int_equal(result == 0, run != NULL);
	if (result != 0)
		return (int)diags->first->code;
	free(dump(run)); /* what was accepted can be shown */
	return -1;
}

static struct run *full_run(struct arena *arena)
{
	struct plan *plan = sample_plan(arena, 12);
	struct refusal *refusal = arena_new_of(arena, struct refusal);
	struct missing_host *missing = arena_new_of(arena, struct missing_host);
	struct world *observed = (struct world *)plan->observed;
	*refusal = (struct refusal){ "vm/vdi-099", "a partition", "it is saved", D_VM_STATE, SAMPLE_LOC };
	*missing = (struct missing_host){ "hv04", "no answer" };
	observed->missing = missing;
	observed->n_missing = 1;
	plan->incomplete_hosts = true;
	plan->refusals = refusal;
	plan->n_refusals = 1;
	(void)!diag_add(plan->diags, D_VM_STATE, SAMPLE_LOC, "vm/vdi-099", "it is saved");
	diag_also(plan->diags, SAMPLE_LOC, "wanted here");
	(void)!diag_add(plan->diags, D_CAPACITY_OFF, LOC_NONE, NULL, "2 partitions \xff are missing");
	struct rules *rules = (struct rules *)plan->rules;
	((struct maybe_u64 *)rules->vm_mmio_high)[0] = KNOWN(UINT64_MAX);
	return sample_run(arena, plan);
}

static void plan_written_and_read_gives_the_same_bytes(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	char *written = dump(full_run(arena));
	struct source source = { "plan.json", written, strlen(written) };
	struct diags *diags = diags_new(arena);
	struct run *run = NULL;
	int result = planfile_read(arena, &source, &run, diags);
	if (diags->first)
		print_message("%s\n", diags->first->message);
	assert_int_equal(result, 0);
	assert_true(run->from_file);
	char *again = dump(run);
	assert_string_equal(written, again);
	assert_true(planfile_is(&source));
	free(written);
	free(again);
}

/* What came with format 1.1. */
static void rollout_members_are_read_as_written(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct plan *plan = sample_plan(arena, 12);
	sample_rollout(arena, plan);
	((struct step *)plan->steps)[30].count = 2; /* the second of two adapters */
	char *written = dump(sample_run(arena, plan));
	struct source source = { "plan.json", written, strlen(written) };
	struct run *run = NULL;
	assert_int_equal(planfile_read(arena, &source, &run, diags_new(arena)), 0);
	const struct plan *read = run->plans[0];
	assert_memory_equal(&read->least, &plan->least, sizeof(plan->least));
	assert_memory_equal(&read->budget, &plan->budget, sizeof(plan->budget));
	assert_int_equal(read->mixed.seconds, 720);
	assert_string_equal(read->mixed.last_host, "hv03");
	assert_string_equal(read->refusals[0].remedy, "start vdi-099 and shut it down");
	assert_int_equal(read->refusals[0].n_facts, 2);
	assert_string_equal(read->refusals[0].facts[1], "hv04 is down");
	assert_int_equal(read->steps[0].unit, 1);
	assert_true(read->steps[53].live);
	assert_int_equal(read->steps[30].count, 2);
	assert_string_equal(read->steps[24].after_why[11], "drained before a count");
	free(written);
}

/* Whatever a step is there for, waits for, and counts on is said with it. */
static void json_tells_why_of_every_step(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct plan *plan = sample_plan(arena, 12);
	sample_rollout(arena, plan);
	json_auto_t *json = planfile_to_json(sample_run(arena, plan));
	json_t *steps = json_object_get(json_array_get(json_object_get(json, "clusters"), 0), "steps");
	json_t *count = json_array_get(steps, 24), *stop = json_array_get(steps, 0);
	json_t *waits = json_array_get(json_object_get(count, "waits_for"), 0);
	assert_string_equal(json_string_value(json_object_get(waits, "rule")), "drained before a count");
	assert_string_equal(json_string_value(json_object_get(waits, "because")), "drained");
	assert_int_equal(json_array_size(json_object_get(waits, "steps")), 12);
	assert_string_equal(json_string_value(json_array_get(json_object_get(count, "changes"), 0)),
		"cluster.paris.host.hv01.gpu[\"PCIROOT(20)#PCI(0100)\"]");
	assert_true(json_is_null(json_object_get(count, "permitted_by")));
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(count, "preconditions"), "partition_count")), 4);
	json_t *budget = json_object_get(json_object_get(stop, "permitted_by"), "budget");
	assert_int_equal(json_integer_value(json_object_get(budget, "allowed")), 6);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(stop, "preconditions"), "vm_state")), "Running");
	assert_string_not_equal(json_string_value(json_object_get(stop, "idempotency_key")),
		json_string_value(json_object_get(count, "idempotency_key")));
}

/* The same step has another key once a run has performed, for its host's epoch is another. */
static void idempotency_key_holds_until_a_run_performs(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct plan *plan = sample_plan(arena, 1);
	char *keys[3] = { NULL };
	for (int i = 0; i < 3; i++) {
		if (i == 2)
			((struct world *)plan->observed)->hosts[0].epoch++;
		json_auto_t *json = planfile_to_json(sample_run(arena, plan));
		json_t *steps = json_object_get(json_array_get(json_object_get(json, "clusters"), 0), "steps");
		keys[i] = g_strdup(json_string_value(json_object_get(json_array_get(steps, 0), "idempotency_key")));
	}
	assert_string_equal(keys[0], keys[1]);
	assert_string_not_equal(keys[0], keys[2]);
	for (int i = 0; i < 3; i++)
		g_free(keys[i]);
}

static void plan_read_has_steps_rules_and_worlds(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	char *written = dump(full_run(arena));
	struct source source = { "plan.json", written, strlen(written) };
	struct run *run = NULL;
	assert_int_equal(planfile_read(arena, &source, &run, diags_new(arena)), 0);
	const struct plan *plan = run->plans[0];
	assert_int_equal(plan->n_steps, 54);
	assert_int_equal(plan->steps[24].kind, STEP_SET_COUNT);
	assert_int_equal(plan->steps[24].count, 8);
	assert_int_equal(plan->steps[24].n_after, 12);
	assert_int_equal(plan->steps[24].loc.line, 8);
	assert_string_equal(plan->steps[24].loc.source->name, "clusters/paris.yaml");
	assert_int_equal(plan->observed->n_vms, 12);
	assert_true(maybe_is(plan->observed->gpus[5].count, 4));
	assert_true(maybe_is(plan->goal->gpus[5].count, 8));
	assert_int_equal(plan->rules->gpu_role[5], ROLE_PARTITIONED);
	assert_int_equal(plan->rules->vm_ownership[11], VM_MANAGED);
	assert_true(maybe_is(plan->rules->vm_mmio_high[0], UINT64_MAX));
	assert_int_equal(plan_exit(plan), EXIT_REFUSED);
	assert_string_equal(plan->observed->missing[0].name, "hv04");
	free(written);
}

static void plan_with_a_moving_vm_keeps_the_order_of_vms(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct run *original = full_run(arena);
	((struct world *)original->plans[0]->goal)->vms[0].host = 2;
	char *written = dump(original);
	struct source source = { "plan.json", written, strlen(written) };
	struct run *run = NULL;
	assert_int_equal(planfile_read(arena, &source, &run, diags_new(arena)), 0);
	const struct plan *plan = run->plans[0];
	assert_string_equal(plan->goal->vms[0].id, plan->observed->vms[0].id);
	assert_int_equal(plan->goal->vms[0].host, 2);
	free(written);
}

static int take(const char *bytes, size_t n, void *out)
{
	g_string_append_len(out, bytes, (gssize)n);
	return 0;
}

static int refuse(const char *bytes, size_t n, void *times)
{
	(void)bytes;
	(void)n;
	return ++*(int *)times == 2;
}

/* Piece by piece, and begun before anything was planned: the same bytes as the document at once. */
static void streamed_document_is_the_whole_one(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct run *run = full_run(arena), loaded = *run;
	g_autoptr(GString) out = g_string_new(NULL);
	loaded.n_plans = 0;
	struct planfile_writer *writer = planfile_writer_new(take, out);
	planfile_writer_begin(writer, &loaded);
	assert_non_null(strstr(out->str, "\"commit\": \"936fee7"));
	assert_int_equal(planfile_writer_end(writer, run), 0);
	planfile_writer_free(writer);
	char *whole = dump(run);
	assert_int_equal(out->len, strlen(whole) + 1);
	assert_memory_equal(out->str, whole, strlen(whole));
	assert_int_equal(read_code(whole), -1);
	free(whole);
}

static void stream_ends_when_nobody_takes_it(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	int times = 0;
	struct planfile_writer *writer = planfile_writer_new(refuse, &times);
	assert_int_equal(planfile_writer_end(writer, full_run(arena)), 1);
	assert_int_equal(times, 2);
	planfile_writer_free(writer);
}

static void plan_edited_is_refused(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	char *written = dump(full_run(arena));
	assert_int_equal(read_code(written), -1);
	char *at = strstr(written, "\"partition_count\": 8");
	at[strlen("\"partition_count\": ")] = '4';
	assert_int_equal(read_code(written), D_PLAN_FILE);
	free(written);
}

/* What 'plan -o json' writes when manifests are wrong: nothing that is sound, or done. */
static void file_without_a_plan_is_refused(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct run *run = full_run(arena);
	run->n_plans = 0;
	char *written = dump(run);
	assert_int_equal(read_code(written), D_PLAN_FILE);
	free(written);
}

/* Reads 'json' with a digest that fits. */
static int read_signed(json_t *json)
{
	json_object_del(json, "digest");
	char *bytes = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, bytes, -1);
	free(bytes);
	json_object_set_new(json, "digest", json_string(digest));
	char *text = json_dumps(json, 0);
	int code = read_code(text);
	free(text);
	return code;
}

/* The document with 'key' of its first cluster (or of itself) replaced, and a digest that fits. */
static int read_with(const char *key, json_t *value, bool in_cluster)
{
	g_autoptr(arena_auto) arena = arena_new();
	json_auto_t *json = planfile_to_json(full_run(arena));
	json_t *at = in_cluster ? json_array_get(json_object_get(json, "clusters"), 0) : json;
	if (value)
		json_object_set_new(at, key, value);
	else
		json_object_del(at, key);
	return read_signed(json);
}

static void plan_with_a_member_missing_or_wrong_is_refused(void **state)
{
	(void)state;
	static const char *const members[] = { "mode", "complete", "incomplete_hosts", "suspended", "foreign_owner",
		"consents", "debts_open", "debts_old", "to_adopt", "cost", "changes", "steps", "refusals", "findings",
		"rules", "prior_state", "planned_values" };
	assert_int_equal(read_with("tool", json_string("x"), false), -1);
	for (size_t i = 0; i < G_N_ELEMENTS(members); i++) {
		assert_int_equal(read_with(members[i], NULL, true), D_PLAN_FILE);
		assert_int_equal(read_with(members[i], json_real(1.5), true), D_PLAN_FILE);
		assert_int_equal(read_with(members[i], json_integer(-1), true), D_PLAN_FILE);
	}
	assert_int_equal(read_with("clusters", NULL, false), D_PLAN_FILE);
	assert_int_equal(read_with("clusters", json_pack("[i]", 1), false), D_PLAN_FILE);
	assert_int_equal(read_with("steps", json_pack("[{s:i}]", "id", 2), true), D_PLAN_FILE);
	assert_int_equal(read_with("debts_open", json_integer(1ll << 40), true), D_PLAN_FILE);
	assert_int_equal(read_with("planned_values", json_pack("{s:[],s:[]}", "hosts", "missing"), true), D_PLAN_FILE);
}

/* Plans of format 1.0 have none of that. */
static void plan_of_the_first_format_is_read(void **state)
{
	(void)state;
	static const char *const members[] = { "least", "budget", "window", "mixed" };
	static const char *const of_step[] = { "changes", "waits_for", "permitted_by", "preconditions",
		"idempotency_key", "unit" };
	g_autoptr(arena_auto) arena = arena_new();
	json_auto_t *json = planfile_to_json(full_run(arena));
	json_t *cluster = json_array_get(json_object_get(json, "clusters"), 0),
	       *steps = json_object_get(cluster, "steps");
	json_object_set_new(json, "format_version", json_string("1.0"));
	for (size_t i = 0; i < G_N_ELEMENTS(members); i++)
		json_object_del(cluster, members[i]);
	for (size_t s = 0; s < json_array_size(steps); s++)
		for (size_t i = 0; i < G_N_ELEMENTS(of_step); i++)
			json_object_del(json_array_get(steps, s), of_step[i]);
	json_t *refusal = json_array_get(json_object_get(cluster, "refusals"), 0);
	json_object_del(refusal, "facts");
	json_object_del(refusal, "remedy");
	assert_int_equal(read_signed(json), -1);
}

static void plan_of_another_major_version_is_refused(void **state)
{
	(void)state;
	assert_int_equal(read_with("format_version", json_string("1.9"), false), -1);
	assert_int_equal(read_with("format_version", json_string("2.0"), false), D_PLAN_FILE);
	assert_int_equal(read_with("format_version", json_string("10.0"), false), D_PLAN_FILE);
}

static void text_that_is_no_plan_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = { "", "{", "[]", "null", "{}", "{\"format_version\": \"1.0\"}",
		"{\"format_version\": 99999999999999999999}", "{\"a\":1,\"a\":2}", "\xff\xfe", "kind: GpuCluster\n" };
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		struct source source = { "x", texts[i], strlen(texts[i]) };
		assert_int_equal(read_code(texts[i]), D_PLAN_FILE);
		assert_int_equal(planfile_is(&source), strstr(texts[i], "format_version") != NULL);
	}
}

/* Every prefix, and every byte changed: never a crash (run under sanitizers). */
static void plan_damaged_anywhere_is_refused(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	char *written = dump(sample_run(arena, sample_plan(arena, 1)));
	size_t n = strlen(written);
	for (size_t i = 0; i < n; i += 97) {
		g_autofree char *cut = g_strndup(written, i);
		assert_int_equal(read_code(cut), D_PLAN_FILE);
		char was = written[i];
		written[i] = was == '1' ? '2' : '1';
		read_code(written); /* white space and such may change without harm */
		written[i] = was;
	}
	free(written);
}

/* Calls itself for every value below 'at'; each in turn is replaced by 'with' (NULL: removed). */
static void damage_each(json_t *document, json_t *at, json_t *with, uint32_t *counter)
{
	enum { STRIDE = 11 };
	json_t *value;
	const char *key;
	size_t i;
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
	json_object_foreach(at, key, value) if (strcmp(key, "digest") != 0) g_ptr_array_add(keys, g_strdup(key));
	for (i = 0; i < keys->len; i++) {
		key = g_ptr_array_index(keys, i);
		value = json_incref(json_object_get(at, key));
		damage_each(document, value, with, counter);
		if ((*counter)++ % STRIDE == 0) {
			with ? json_object_set(at, key, with) : json_object_del(at, key);
			read_signed(document);
			json_object_set(at, key, value);
		}
		json_decref(value);
	}
	json_array_foreach(at, i, value)
	{
		json_incref(value);
		damage_each(document, value, with, counter);
		if (with && (*counter)++ % STRIDE == 0) {
			json_array_set(at, i, with);
			read_signed(document);
			json_array_set(at, i, value);
		}
		json_decref(value);
	}
}

/* A forger can make the digest fit, so what is behind it must hold as well: an answer each time, never a crash. */
static void plan_forged_anywhere_never_crashes(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	json_auto_t *document = planfile_to_json(sample_run(arena, sample_plan(arena, 1)));
	json_auto_t *values = json_pack("[n, i, I, s, s, [], {}, [i], b]", -1, (json_int_t)1 << 33, "x", "hv02", 7, 1);
	uint32_t counter = 0;
	damage_each(document, document, NULL, &counter);
	for (size_t i = 0; i < json_array_size(values); i++)
		damage_each(document, document, json_array_get(values, i), &counter);
	assert_int_equal(read_signed(document), -1);
}

static void json_has_terraform_keys(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	json_auto_t *json = planfile_to_json(full_run(arena));
	json_t *resources = json_object_get(json, "resource_changes"), *first = json_array_get(resources, 0);
	json_t *change = json_object_get(first, "change");
	assert_int_equal(json_array_size(resources), 6);
	assert_string_equal(json_string_value(json_object_get(first, "address")),
		"cluster.paris.host.hv01.gpu[\"PCIROOT(20)#PCI(0100)\"]");
	assert_string_equal(json_string_value(json_object_get(first, "type")), "hvgpu_gpu");
	assert_string_equal(json_string_value(json_array_get(json_object_get(change, "actions"), 0)), "update");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(change, "after"), "partition_count")), 8);
	assert_int_equal(json_array_size(json_object_get(json, "checks")), INVARIANT_COUNT);
	assert_true(json_is_false(json_object_get(json, "complete")));
	assert_true(json_is_true(json_object_get(json, "errored")));
	assert_int_equal(json_integer_value(json_object_get(json, "exit_code")), EXIT_REFUSED);
}

/* Nobody knows yet when its steps will be carried out. */
static void json_does_not_say_that_windows_are_kept(void **state)
{
	(void)state;
	for (int has_windows = 0; has_windows < 2; has_windows++) {
		g_autoptr(arena_auto) arena = arena_new();
		struct run *run = full_run(arena);
		((struct plan *)run->plans[0])->window.set = has_windows;
		json_auto_t *json = planfile_to_json(run);
		json_t *window = json_array_get(json_object_get(json, "checks"), INV_WINDOW);
		assert_string_equal(
			json_string_value(json_object_get(json_object_get(window, "address"), "name")), "window");
		assert_string_equal(
			json_string_value(json_object_get(window, "status")), has_windows ? "unknown" : "pass");
	}
}

static void json_without_plans_is_complete_only_without_errors(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct run *run = sample_run(arena, sample_plan_empty(arena));
	run->n_plans = 0;
	json_auto_t *none = planfile_to_json(run);
	assert_true(json_is_true(json_object_get(none, "complete")));
	(void)!diag_add(run->diags, D_REFERENCE, SAMPLE_LOC, NULL, "there is no such cluster");
	json_auto_t *failed = planfile_to_json(run);
	assert_true(json_is_false(json_object_get(failed, "complete")));
	assert_true(json_is_true(json_object_get(failed, "errored")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_written_and_read_gives_the_same_bytes),
		cmocka_unit_test(plan_read_has_steps_rules_and_worlds),
		cmocka_unit_test(rollout_members_are_read_as_written),
		cmocka_unit_test(plan_of_the_first_format_is_read),
		cmocka_unit_test(json_tells_why_of_every_step),
		cmocka_unit_test(idempotency_key_holds_until_a_run_performs),
		cmocka_unit_test(plan_with_a_moving_vm_keeps_the_order_of_vms),
		cmocka_unit_test(streamed_document_is_the_whole_one),
		cmocka_unit_test(stream_ends_when_nobody_takes_it),
		cmocka_unit_test(plan_edited_is_refused),
		cmocka_unit_test(file_without_a_plan_is_refused),
		cmocka_unit_test(plan_with_a_member_missing_or_wrong_is_refused),
		cmocka_unit_test(plan_of_another_major_version_is_refused),
		cmocka_unit_test(text_that_is_no_plan_is_refused),
		cmocka_unit_test(plan_damaged_anywhere_is_refused),
		cmocka_unit_test(plan_forged_anywhere_never_crashes),
		cmocka_unit_test(json_has_terraform_keys),
		cmocka_unit_test(json_does_not_say_that_windows_are_kept),
		cmocka_unit_test(json_without_plans_is_complete_only_without_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
