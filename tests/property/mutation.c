/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is everything that keeps plans right noticed when it is gone? Three tables are gone through, each row switched off in turn,
 * and the program is linked so that the switches are here and not in the product (--wrap, see tests/CMakeLists.txt):
 *   - invariants: of damaged plans that the check rejects it must let one pass that it rejects for this invariant alone;
 *   - rules of the order: the check must reject what is ordered without the rule; or, where the rule is about what only a host
 *     knows, an order must be allowed that the rule forbids; or the rule follows from the others, and then no order is;
 *   - terms of cost: a small world must become dearer than the least, or be refused, that is not otherwise; or a scene dearer.
 * Each row is printed with what caught it, and one that survives fails the test.
 */
#include "model/window.h"
#include "reconcile/check_parts.h"
#include "reconcile/choose_cost.h"
#include "reconcile/gate.h"
#include "reconcile/moves_parts.h"
#include "tests/lib/judge.h"
#include "tests/lib/order_scenes.h"
#include "tests/lib/random_small.h"

#include <stdio.h>
#include <string.h>

enum { SMALL_SEEDS = 4000 }; /* seeded small worlds that are tried until one catches a term */

static uint32_t n_mutations, n_survived;

static void tell(const char *table, const char *row, const char *catcher)
{
	n_mutations++;
	n_survived += catcher == NULL;
	printf("%s '%s': %s\n", table, row, catcher ? catcher : "SURVIVED, nothing notices");
}

/* ---- switches ---- */

#define TERMS(X) \
	X(TERM_FAILED, "no failed GPU is chosen") \
	X(TERM_BARRED, "no GPU is chosen whose role would be refused") \
	X(TERM_REFUSED, "least is refused besides") \
	X(TERM_STOPS, "fewest VMs stopped") \
	X(TERM_ROLES, "fewest role changes") \
	X(TERM_STEPS, "fewest steps") \
	X(TERM_LIVE, "a live move spares a stop") \
	X(TERM_ANYWAY, "who stops anyway moves before others") \
	X(TERM_CARRIES, "an adapter goes along with its VM")
enum term { TERMS(NAMES_ENUM) TERM_COUNT };
extern const struct names term_names;
NAMES_DEFINE(term_names, TERMS);

static struct {
	enum invariant invariant; /* INVARIANT_COUNT: none */
	bool hosts;               /* 'maxHosts', which is no invariant of its own */
	enum term term;           /* TERM_COUNT: none */
} off = { INVARIANT_COUNT, false, TERM_COUNT };

static struct violations without_off(struct arena *arena, struct violations all)
{
	struct violation *kept = arena_array(arena, struct violation, all.n);
	uint32_t n = 0;
	for (uint32_t i = 0; i < all.n; i++)
		if (all.items[i].invariant != off.invariant)
			kept[n++] = all.items[i];
	return (struct violations){ kept, n };
}

/* clang-format off */
#define WRAP(type, name, parameters) type __real_##name parameters; type __wrap_##name parameters; type __wrap_##name parameters
/* clang-format on */

WRAP(struct violations, invariant_state, (struct arena * arena, const struct world *world, const struct rules *rules))
{
	return without_off(arena, __real_invariant_state(arena, world, rules));
}

WRAP(struct violations, invariant_step,
	(struct arena * arena, const struct world *before, const struct world *after, const struct rules *rules,
		const struct step *step))
{
	return without_off(arena, __real_invariant_step(arena, before, after, rules, step));
}

WRAP(int, check_once, (const struct plan *plan, struct diags *diags))
{
	return off.invariant == INV_ONCE ? 0 : __real_check_once(plan, diags);
}

WRAP(int, check_budget, (const struct plan *plan, struct diags *diags))
{
	return off.invariant == INV_BUDGET ? 0 : __real_check_budget(plan, diags);
}

WRAP(int, check_hosts, (const struct plan *plan, struct diags *diags))
{
	return off.hosts ? 0 : __real_check_hosts(plan, diags);
}

WRAP(int, check_end, (const struct plan *plan, const struct world *end, struct diags *diags))
{
	struct diags *found = diags_new(diags->arena);
	if (__real_check_end(plan, end, found) == 0)
		return 0;
	bool is_goal = found->first->code == D_GOAL_NOT_REACHED;
	if (off.invariant == (is_goal ? INV_GOAL : INV_RESTORED))
		return 0;
	return diag_add(diags, found->first->code, LOC_NONE, found->first->subject, "%s", found->first->message);
}

WRAP(struct window_state, window_at, (const struct spec_window *windows, uint32_t n, int64_t now))
{
	struct window_state state = __real_window_at(windows, n, now);
	if (off.invariant == INV_WINDOW)
		state.is_open = true;
	return state;
}

WRAP(bool, choice_is_less, (struct choice_cost a, struct choice_cost b))
{
	uint32_t *const terms[][2] = { { &a.failed, &b.failed }, { &a.barred, &b.barred }, { &a.refused, &b.refused },
		{ &a.stops, &b.stops }, { &a.roles, &b.roles }, { &a.steps, &b.steps } };
	if (off.term <= TERM_STEPS)
		*terms[off.term][0] = *terms[off.term][1] = 0;
	return __real_choice_is_less(a, b);
}

WRAP(bool, fit_can_live, (const struct placing *placing, uint32_t vm, uint32_t to))
{
	return off.term != TERM_LIVE && __real_fit_can_live(placing, vm, to);
}

WRAP(bool, fit_starts_anyway, (const struct placing *placing, uint32_t vm))
{
	return off.term != TERM_ANYWAY && __real_fit_starts_anyway(placing, vm);
}

WRAP(void, touch_carry_adapters, (struct touch * touch, const struct world *observed, const struct world *goal))
{
	if (off.term != TERM_CARRIES)
		__real_touch_carry_adapters(touch, observed, goal);
}

/* ---- damaged plans ---- */

struct damaged {
	struct scene *scene;
	const struct plan *plan;
	const char *what;
};

static int check(const struct damaged *damaged)
{
	g_autoptr(arena_auto) arena = arena_new();
	return check_plan(arena, damaged->plan->observed, damaged->plan, diags_new(arena));
}

/* Kept when the check rejects it. */
static void damage(GArray *all, struct scene *scene, const struct plan *plan, const char *what)
{
	struct damaged damaged = { scene, plan, what };
	if (check(&damaged) < 0)
		g_array_append_val(all, damaged);
}

static struct plan *copy_of(struct scene *scene, const struct plan *plan, uint32_t n_more)
{
	struct plan *copy = arena_copy(scene->arena, plan, sizeof(*plan));
	struct step *steps = arena_array(scene->arena, struct step, plan->n_steps + n_more);
	memcpy(steps, plan->steps, plan->n_steps * sizeof(*steps));
	copy->steps = steps;
	return copy;
}

/* Whatever comes later waits for all that came before, so that only the place of that step is wrong. */
static struct plan *with_step_last(struct scene *scene, const struct plan *plan, uint32_t late)
{
	struct plan *copy = copy_of(scene, plan, 0);
	struct step *steps = (struct step *)copy->steps;
	for (uint32_t i = 0; i < copy->n_steps; i++) {
		struct step *step = &steps[i];
		*step = plan->steps[i + 1 == copy->n_steps ? late : i + (i >= late)];
		step->id = i + 1;
		uint32_t *after = arena_array(scene->arena, uint32_t, i + 1);
		for (uint32_t k = 0; k < i; k++)
			after[k] = k + 1;
		step->after = after;
		step->n_after = i;
	}
	return copy;
}

static const struct plan *without_step(struct scene *scene, const struct plan *plan, uint32_t gone)
{
	struct plan *copy = with_step_last(scene, plan, gone);
	copy->n_steps--;
	return copy;
}

static const struct plan *with_second_stop(struct scene *scene, const struct plan *plan, uint32_t stop)
{
	struct plan *copy = copy_of(scene, plan, 2);
	struct step *steps = (struct step *)copy->steps;
	uint32_t *after = arena_array(scene->arena, uint32_t, plan->n_steps + 2);
	for (uint32_t i = 0; i < plan->n_steps + 2; i++)
		after[i] = i + 1;
	for (uint32_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].kind == STEP_START_VM && plan->steps[i].vm == plan->steps[stop].vm)
			steps[plan->n_steps + 1] = plan->steps[i];
	steps[plan->n_steps] = plan->steps[stop];
	for (uint32_t i = plan->n_steps; i < plan->n_steps + 2; i++) {
		steps[i].id = i + 1;
		steps[i].after = after;
		steps[i].n_after = i;
	}
	copy->n_steps = plan->n_steps + 2;
	return copy;
}

static struct rules *rules_of(struct scene *scene, struct plan *copy)
{
	struct rules *rules = arena_copy(scene->arena, copy->rules, sizeof(*rules));
	copy->rules = rules;
	return rules;
}

static void damage_limits(GArray *all, struct scene *scene, const struct plan *plan)
{
	struct plan *tight = copy_of(scene, plan, 0), *rolls = copy_of(scene, plan, 0);
	tight->budget.set = true;
	tight->budget.allowed = plan->budget.peak - 1;
	if (plan->budget.peak)
		damage(all, scene, tight, "a budget of one VM less");
	struct rules *rules = rules_of(scene, rolls);
	rules->strategy = STRATEGY_ROLLING;
	rules->max_hosts = 1;
	damage(all, scene, rolls, "one host at a time");
}

static void damage_plan(GArray *all, struct scene *scene, const struct plan *plan)
{
	for (uint32_t rule = 0; rule < n_order_rules; rule++)
		damage(all, scene, order_scene_without(scene, plan, rule),
			arena_printf(scene->arena, "without the rule '%s'", order_rules[rule].name));
	for (uint32_t i = 0; i < plan->n_steps; i++) {
		const char *text = step_text(scene->arena, &plan->steps[i]);
		damage(all, scene, without_step(scene, plan, i),
			arena_printf(scene->arena, "without the step '%s'", text));
		if (plan->steps[i].kind == STEP_CONFIGURE_VM)
			damage(all, scene, with_step_last(scene, plan, i), "with settings after the start");
		if (plan->steps[i].kind != STEP_STOP_VM)
			continue;
		damage(all, scene, with_second_stop(scene, plan, i), "with a second stop");
		struct plan *stranger = copy_of(scene, plan, 0);
		struct rules *rules = rules_of(scene, stranger);
		enum vm_ownership *ownership =
			arena_copy(scene->arena, rules->vm_ownership, plan->observed->n_vms * sizeof(*ownership));
		ownership[plan->steps[i].vm] = VM_UNMANAGED;
		rules->vm_ownership = ownership;
		damage(all, scene, stranger, "on a VM of others");
	}
	damage_limits(all, scene, plan);
}

/* ---- invariants ---- */

static const char *caught(const GArray *all, struct arena *arena)
{
	for (guint i = 0; i < all->len; i++) {
		const struct damaged *it = &g_array_index(all, struct damaged, i);
		if (check(it) == 0)
			return arena_printf(arena, "a plan passes %s", it->what);
	}
	return NULL;
}

/* A change that would stop VMs, outside its window. */
static const char *window_catcher(void)
{
	struct scene *scene = scene_new(true, 1, 1, 4);
	scene_run(scene, 1);
	const struct plan *plan = scene_plan(scene,
		scene_manifests(scene, 8, "vm-*", "  rollout: { windows: [{ start: \"01:00\", duration: 4h }] }\n"));
	bool may_begin = gate_lets_any(plan, SCENE_NOW);
	scene_free(scene);
	return may_begin ? "VMs would be stopped outside the window" : NULL;
}

/* No plan shows it: a step on a VM that runs is not possible in the first place. So the world after it is made by hand. */
static const char *vm_off_catcher(void)
{
	struct scene *scene = scene_new(false, 1, 1, 4);
	scene_run(scene, 1);
	const struct plan *plan = scene_plan(scene, scene_manifests(scene, 8, "vm-*", NULL));
	struct world *after = world_copy(scene->arena, plan->observed);
	after->vms[0].n_adapters = 0;
	struct violations found = invariant_step(
		scene->arena, plan->observed, after, plan->rules, scene_step(plan, STEP_REMOVE_ADAPTER, "vm-00"));
	scene_free(scene);
	return found.n ? NULL : "a running VM would lose its adapter";
}

static const char *invariant_catcher(const GArray *all, struct arena *arena)
{
	if (off.invariant == INV_WINDOW)
		return window_catcher();
	return off.invariant == INV_VM_OFF ? vm_off_catcher() : caught(all, arena);
}

static void mutate_invariants(void)
{
	g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(struct damaged));
	g_autoptr(GPtrArray) scenes = g_ptr_array_new_with_free_func((GDestroyNotify)scene_free);
	g_autoptr(arena_auto) arena = arena_new();
	for (size_t i = 0; i < n_order_scenes; i++) {
		struct scene *scene = NULL;
		const struct plan *plan = order_scenes[i].plan(&scene);
		g_ptr_array_add(scenes, scene);
		damage_plan(all, scene, plan);
	}
	for (off.invariant = 0; off.invariant < INVARIANT_COUNT; off.invariant++)
		tell("invariant", name_of(&invariant_names, (int)off.invariant), invariant_catcher(all, arena));
	off.hosts = true;
	tell("invariant", "maxHosts", caught(all, arena));
	off.hosts = false;
	printf("%u damaged plans\n", all->len);
}

/* ---- rules of the order ---- */

static const char *rejection(struct arena *arena, const struct plan *plan)
{
	struct diags *diags = diags_new(arena);
	if (check_plan(arena, plan->observed, plan, diags) == 0)
		return NULL;
	return diags->first->message;
}

static uint32_t n_pairs(const struct plan *plan)
{
	g_autoptr(reach_auto) reach = reach_new(plan->steps, plan->n_steps);
	uint32_t n = 0;
	for (uint32_t i = 0; i < plan->n_steps; i++)
		for (uint32_t k = 0; k < i; k++)
			n += reach_before(reach, k, i);
	return n;
}

/* What the rule does: seen by the check; else orders that it alone forbids; else nothing that others do not. */
static const char *rule_catcher(struct arena *arena, uint32_t rule)
{
	const char *looser = NULL;
	bool applies = false;
	for (size_t i = 0; i < n_order_scenes; i++) {
		struct scene *scene = NULL;
		const struct plan *plan = order_scenes[i].plan(&scene);
		const struct plan *without = order_scene_without(scene, plan, rule);
		const char *message = rejection(scene->arena, without);
		const char *text = message ? arena_printf(arena, "%s: %s", order_scenes[i].name, message) : NULL;
		const struct plan *with = order_scene_without(scene, plan, NO_INDEX);
		if (!looser && n_pairs(without) < n_pairs(with))
			looser = arena_printf(arena, "%s: the steps may come in another order, and %s",
				order_scenes[i].name, order_rules[rule].why);
		for (uint32_t s = 0; s < with->n_steps; s++)
			for (uint32_t k = 0; k < with->steps[s].n_after; k++)
				applies |= strcmp(with->steps[s].after_why[k], order_rules[rule].name) == 0;
		scene_free(scene);
		if (text)
			return text;
	}
	if (looser)
		return looser;
	return applies ? "the reason that a step gives for its waiting; no order hangs on it, others imply it" : NULL;
}

static void mutate_rules(void)
{
	g_autoptr(arena_auto) arena = arena_new();
	for (uint32_t rule = 0; rule < n_order_rules; rule++)
		tell("rule", order_rules[rule].name, rule_catcher(arena, rule));
}

/* ---- terms of cost ---- */

/* Worlds made for a term that seldom decides. */
static const char *const made[] = {
	/* one VM that runs, or two that are off and pinned: steps speak for the one, stops for the two */
	"standalone count 2 per-host 1 Report Homogeneous | 2 2 | pR0@0 pO!1@0 pO!1@0",
	/* the stranger's adapter is in the way of a count, which is spared by passing that GPU through */
	"standalone count 4 per-host 1 Report Homogeneous | 2 4 | uO*@0",
};

static struct small small_of(uint64_t seed)
{
	struct random random = random_from(seed);
	struct small small;
	if (seed >= G_N_ELEMENTS(made))
		return random_small(&random);
	if (!small_parse(made[seed], &small))
		g_error("not a small world: %s", made[seed]);
	return small;
}

static const char *small_catcher(struct arena *arena, struct exact *exact)
{
	g_autoptr(arena_auto) scratch = arena_new();
	enum term term = off.term;
	for (uint64_t seed = 0; seed < SMALL_SEEDS; seed++) {
		struct small small = small_of(seed);
		arena_clear(scratch);
		struct plan_input input = small_input(scratch, &small);
		const struct plan *mutated = plan_cluster(scratch, &input);
		off.term = TERM_COUNT;
		const struct plan *plan = plan_cluster(scratch, &input);
		off.term = term;
		if (mutated->n_refusals == plan->n_refusals &&
			memcmp(&mutated->cost, &plan->cost, sizeof(plan->cost)) == 0)
			continue; /* the term plays no part */
		struct judged mutant = judge_case(scratch, exact, &small);
		off.term = TERM_COUNT;
		struct judged now = judge_case(scratch, exact, &small);
		off.term = term;
		if (case_fails(mutant.result) && !case_fails(now.result))
			return arena_printf(arena, "%s: %s", small_text(scratch, &small),
				name_of(&case_result_names, (int)mutant.result));
	}
	return NULL;
}

/* What small worlds do not have: live moves. */
static const char *scene_catcher(struct arena *arena)
{
	enum term term = off.term;
	for (size_t i = 0; i < n_order_scenes; i++) {
		struct scene *scene = NULL;
		struct cost mutant = order_scenes[i].plan(&scene)->cost;
		scene_free(scene);
		off.term = TERM_COUNT;
		struct cost now = order_scenes[i].plan(&scene)->cost;
		scene_free(scene);
		off.term = term;
		if (mutant.vms_stopped > now.vms_stopped || mutant.vms_moved > now.vms_moved)
			return arena_printf(arena, "%s: %u stops and %u moves instead of %u and %u",
				order_scenes[i].name, mutant.vms_stopped, mutant.vms_moved, now.vms_stopped,
				now.vms_moved);
	}
	return NULL;
}

static void mutate_terms(void)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct exact *exact = exact_new();
	for (off.term = 0; off.term < TERM_COUNT; off.term++) {
		const char *catcher = small_catcher(arena, exact);
		tell("term of cost", name_of(&term_names, (int)off.term), catcher ? catcher : scene_catcher(arena));
	}
	exact_free(exact);
}

int main(void)
{
	mutate_invariants();
	mutate_rules();
	mutate_terms();
	printf("%u mutations, %u survived\n", n_mutations, n_survived);
	return n_survived ? 1 : 0;
}
