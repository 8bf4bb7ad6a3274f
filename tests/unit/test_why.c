/* SPDX-License-Identifier: Apache-2.0 */
#include "render/why.h"
#include "tests/lib/sample_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/lib/expected.h"

static const struct style plain = { .width = 100 };

/* How many things have that address; the first in '*first'. */
static uint32_t find(struct arena *arena, const struct run *run, const char *address, const struct why **first)
{
	const struct why *const *whys = NULL;
	uint32_t n = 0;
	if (why_find(arena, run, address, &whys, &n, diags_new(arena)) == 0 && first)
		*first = whys[0];
	return n;
}

static const char *advice(struct arena *arena, const struct run *run, const char *address)
{
	const struct why *const *whys = NULL;
	uint32_t n = 0;
	struct diags *diags = diags_new(arena);
	assert_int_equal(why_find(arena, run, address, &whys, &n, diags), -1);
	assert_int_equal(diags->exit, EXIT_BAD_INPUT);
	return diags->first->message;
}

static GString *tell(struct arena *arena, const struct run *run, const char *address)
{
	const struct why *const *whys;
	uint32_t n;
	GString *out = g_string_new(NULL);
	assert_int_equal(why_find(arena, run, address, &whys, &n, diags_new(arena)), 0);
	render_why_text(out, run, whys, n, &plain);
	return out;
}

static void any_end_of_an_address_will_do(void **state)
{
	(void)state;
	static const char *const addresses[] = { "cluster/paris/host/hv02/vm/vdi-002", "host/hv02/vm/vdi-002",
		"hv02/vm/vdi-002", "vm/vdi-002", "vdi-002", "VDI-002", "00000002-1111-2222-3333-444455556666" };
	g_autoptr(arena_auto) arena = arena_new();
	struct run *run = sample_run(arena, sample_plan(arena, 12));
	for (size_t i = 0; i < G_N_ELEMENTS(addresses); i++) {
		const struct why *why = NULL;
		assert_int_equal(find(arena, run, addresses[i], &why), 1);
		assert_int_equal(why->kind, WHY_VM);
		assert_int_equal(why->n_steps, 4);
		assert_string_equal(why->address, "cluster/paris/host/hv02/vm/vdi-002");
	}
	assert_int_equal(find(arena, run, "m/vdi-002", NULL), 0);
	assert_int_equal(find(arena, run, "di-002", NULL), 0);
}

static void each_kind_of_thing_is_found(void **state)
{
	(void)state;
	static const struct {
		const char *address;
		enum why_kind kind;
		uint32_t n, n_changes, n_steps;
	} rows[] = {
		{ "paris", WHY_CLUSTER, 1, 6, 54 }, { "hv02", WHY_HOST, 1, 2, 18 },
		{ "host/hv02/gpu/PCIROOT(20)#PCI(0100)", WHY_GPU, 1, 1, 1 },
		{ "PCIROOT(20)#PCI(0100)", WHY_GPU, 3, 1, 1 }, /* one on each host */
		{ "#25", WHY_STEP, 1, 1, 1 }, { "25", WHY_STEP, 1, 1, 1 },
		{ "vdi-012", WHY_VM, 1, 2, 4 }, /* has no change of its own, and makes way for two */
	};
	g_autoptr(arena_auto) arena = arena_new();
	struct run *run = sample_run(arena, sample_plan(arena, 12));
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const struct why *why = NULL;
		assert_int_equal(find(arena, run, rows[i].address, &why), rows[i].n);
		assert_int_equal(why->kind, rows[i].kind);
		assert_int_equal(why->n_changes, rows[i].n_changes);
		assert_int_equal(why->n_steps, rows[i].n_steps);
	}
}

static void what_is_not_there_names_the_nearest(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct run *run = sample_run(arena, sample_plan(arena, 12));
	assert_non_null(strstr(advice(arena, run, "vm/vdi-0002"), "did you mean 'vdi-002'?"));
	assert_non_null(strstr(advice(arena, run, "host/hv2"), "did you mean 'hv02'?"));
	assert_non_null(strstr(advice(arena, run, "something else altogether"), "write the name of a VM"));
	assert_non_null(strstr(advice(arena, run, "#55"), "the last is 54"));
	run = sample_run(arena, sample_plan_empty(arena));
	assert_non_null(strstr(advice(arena, run, "1"), "the plan has no steps"));
}

static void what_does_not_exist_is_found_by_its_refusal(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct plan *plan = sample_plan(arena, 12);
	sample_rollout(arena, plan);
	const struct why *why = NULL;
	assert_int_equal(find(arena, sample_run(arena, plan), "vdi-099", &why), 1);
	assert_int_equal(why->kind, WHY_REFUSED);
	assert_int_equal(why->n_refusals, 1);
	g_autoptr(GString) out = tell(arena, sample_run(arena, plan), "vdi-099");
	assert_non_null(strstr(out->str, "it is saved [HV608]\n      because: vdi-099 is saved\n"));
	assert_non_null(strstr(out->str, "would do: start vdi-099 and shut it down\n"));
}

static void a_vm_that_makes_way_is_told_from_line_to_steps(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct plan *plan = sample_plan(arena, 12);
	sample_rollout(arena, plan);
	g_autoptr(GString) out = tell(arena, sample_run(arena, plan), "vdi-001");
	expected_is("why-vm.txt", out->str);
}

static void a_gpu_is_told_with_the_rules_that_hold_it_back(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct plan *plan = sample_plan(arena, 12);
	sample_rollout(arena, plan);
	g_autoptr(GString) out = tell(arena, sample_run(arena, plan), "host/hv01/gpu/PCIROOT(20)#PCI(0100)");
	expected_is("why-gpu.txt", out->str);
}

static void what_is_as_wanted_says_so(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	g_autoptr(GString) out = tell(arena, sample_run(arena, sample_plan_empty(arena)), "vdi-001");
	assert_non_null(strstr(out->str, "Nothing happens to it: it is as wanted.\n"));
}

static void permission_names_budget_window_and_consent(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct plan *plan = sample_plan(arena, 12);
	g_autoptr(GString) unset = tell(arena, sample_run(arena, plan), "#1");
	assert_non_null(strstr(unset->str, "by a person, or --allow"));
	plan->budget = (struct plan_budget){ .set = true, .of = 12, .allowed = 6, .peak = 4 };
	plan->consents = true;
	g_autoptr(GString) set = tell(arena, sample_run(arena, plan), "#1");
	assert_non_null(strstr(set->str, "permitted  down at once: 4 of 12, 6 allowed\n"));
	assert_non_null(strstr(set->str, "at any time: the manifest has no windows"));
	g_autoptr(GString) count = tell(arena, sample_run(arena, plan), "#25");
	assert_null(strstr(count->str, "permitted"));
}

static void json_has_the_members_of_the_plan(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct run *run = sample_run(arena, sample_plan(arena, 12));
	const struct why *const *whys;
	uint32_t n;
	assert_int_equal(why_find(arena, run, "vdi-002", &whys, &n, diags_new(arena)), 0);
	json_auto_t *json = render_why_json(whys, n);
	json_t *first = json_array_get(json, 0), *steps = json_object_get(first, "steps");
	assert_string_equal(json_string_value(json_object_get(first, "kind")), "VM");
	assert_int_equal(json_array_size(steps), 4);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(steps, 1), "id")),
		json_integer_value(json_object_get(json_array_get(steps, 0), "id")) + 12);
	assert_true(json_is_false(json_object_get(first, "as_wanted")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_end_of_an_address_will_do),
		cmocka_unit_test(each_kind_of_thing_is_found),
		cmocka_unit_test(what_is_not_there_names_the_nearest),
		cmocka_unit_test(what_does_not_exist_is_found_by_its_refusal),
		cmocka_unit_test(a_vm_that_makes_way_is_told_from_line_to_steps),
		cmocka_unit_test(a_gpu_is_told_with_the_rules_that_hold_it_back),
		cmocka_unit_test(what_is_as_wanted_says_so),
		cmocka_unit_test(permission_names_budget_window_and_consent),
		cmocka_unit_test(json_has_the_members_of_the_plan),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
