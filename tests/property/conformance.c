/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps have their meaning twice: as the model predicts them (model/step.h) and as a host carries them out: a simulated one
 * (providers/host/sim.h), or any other that can be made to have a world. Here random steps are done both ways on random worlds,
 * and the two must agree:
 *
 *   - what the model allows, and breaks no invariant, the host does; changed or not as predicted;
 *   - afterwards every governed field is as predicted, where the prediction is known, and each adapter is on a GPU of
 *     the predicted set;
 *   - what the host does and the model refuses is only caution; it is counted and printed.
 *
 *   conformance [WORLDS [SEED [ADDRESS COMMAND]]]
 *
 * ADDRESS is where the hosts are, with {} for the name of the host; COMMAND is run with the name of a file of HostState documents
 * and makes the hosts be so. Sessions are opened once for all worlds, since a PowerShell takes its time to start.
 */
#include "base/interrupt.h"
#include "model/invariant.h"
#include "model/step.h"
#include "schema/decode.h"
#include "schema/kinds.h"
#include "tests/lib/hosts.h"
#include "tests/lib/worlds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	STEPS_PER_WORLD = 16,
	HOSTS_MAX = 3,
	ALL_KINDS_FROM = 100 /* worlds in which every kind of step is carried out */
};

/* Hosts that are not simulated; their sessions outlast the worlds. */
static struct {
	const char *address, *command; /* NULL: simulated ones */
	GMainContext *context;
	struct host_session *sessions[HOSTS_MAX];
} standing;

static const struct {
	const char *name;
	bool standard; /* the world's VMs and GPUs fit; otherwise anything goes */
} shapes[] = { { "fit", true }, { "odd", false } };

struct tally {
	uint32_t n, agreed_done, agreed_unchanged, agreed_refused, by_invariant, cautious, wrong;
};

static uint32_t any(GRand *rand, uint32_t n)
{
	return n ? (uint32_t)g_rand_int_range(rand, 0, (int32_t)n) : 0;
}

static bool chance(GRand *rand, uint32_t percent)
{
	return any(rand, 100) < percent;
}

/* ---- worlds ---- */

static void add_vm(struct arena *arena, struct world *world, GRand *rand, uint32_t host, bool fit, bool clustered)
{
	static const enum vm_state states[] = { VM_OFF, VM_OFF, VM_RUNNING, VM_RUNNING, VM_SAVED, VM_PAUSED };
	uint32_t vm = worlds_vm(arena, world, host, states[any(rand, fit ? 4 : 6)]), n_gpus = world->hosts[host].n_gpus;
	struct vm *it = &world->vms[vm];
	it->clustered = clustered ? TRI_YES : TRI_NO;
	it->mmio_low_bytes = KNOWN(3ull << 30);
	it->mmio_high_bytes = KNOWN(512ull << 30);
	it->memory_bytes = KNOWN(4ull << 30);
	it->memory_startup_bytes = it->memory_minimum_bytes = it->memory_bytes;
	if (clustered) {
		it->group = it->name;
		it->offline_action = KNOWN(fit ? OFFLINE_FORCED : any(rand, OFFLINE_ACTION_COUNT));
	}
	if (!fit) {
		it->automatic_checkpoints = chance(rand, 20);
		it->generation = chance(rand, 10) ? 1 : 2;
		it->dynamic_memory = chance(rand, 20);
		it->memory_minimum_bytes = KNOWN(chance(rand, 50) ? 1ull << 30 : 4ull << 30);
		it->stop_action = any(rand, STOP_ACTION_COUNT);
		it->cache_control = chance(rand, 80);
		it->shutdown_answers = chance(rand, 90) ? TRI_YES : TRI_UNKNOWN;
	}
	if (chance(rand, 60))
		worlds_adapter(arena, world, vm, chance(rand, 15) ? (int)any(rand, n_gpus) : -1,
			vm_is_running(it) ? 1ull << any(rand, n_gpus) : 0);
	for (uint32_t i = 0; i < it->n_adapters; i++) {
		struct adapter *adapter = (struct adapter *)&it->adapters[i];
		if (adapter->pin && adapter->gpus)
			adapter->gpus = gpu_bit(world, world_find_gpu(world, host, adapter->pin));
		adapter->outgoing_live_migration = clustered && chance(rand, 70) ? TRI_YES : TRI_NO;
	}
}

static void add_whole_gpus(struct arena *arena, struct world *world, GRand *rand)
{
	for (uint32_t g = 0; g < world->n_gpus; g++)
		if (chance(rand, 20))
			worlds_dismount(arena, world, g, chance(rand, 60) ? "pool" : NULL);
	for (uint32_t v = 0; v < world->n_vms; v++) {
		struct vm *vm = &world->vms[v];
		const struct host *host = &world->hosts[vm->host];
		if (vm->n_adapters || !chance(rand, 40))
			continue;
		uint32_t gpu = any(rand, host->n_gpus);
		if (host->n_pools && chance(rand, 50))
			worlds_device(arena, world, v, 0, "pool");
		else if (world->gpus[host->first_gpu + gpu].state == GPU_DISMOUNTED)
			worlds_device(arena, world, v, gpu, NULL);
	}
}

static struct world *random_world(struct arena *arena, GRand *rand, bool fit)
{
	uint32_t n_hosts = 1 + any(rand, HOSTS_MAX), n_gpus = 1 + any(rand, 3), counts[] = { 1, 2, 4, 8 };
	bool clustered = chance(rand, 50);
	struct world *world = worlds_new(arena, n_hosts, n_gpus, counts[any(rand, 4)], 16);
	for (uint32_t g = 0; g < world->n_gpus; g++) {
		struct gpu *gpu = &world->gpus[g];
		gpu->mitigation_driver = fit || chance(rand, 70) ? TRI_YES : chance(rand, 50) ? TRI_NO : TRI_UNKNOWN;
		gpu->incoming_live_migration = chance(rand, 70) ? TRI_YES : TRI_NO;
		if (!fit && chance(rand, 30))
			gpu->count = KNOWN(counts[any(rand, 4)]);
		if (!fit && chance(rand, 10))
			gpu->state = any(rand, GPU_STATE_COUNT);
	}
	for (uint32_t h = 0; h < n_hosts; h++) {
		world->hosts[h].memory_free_bytes = KNOWN(chance(rand, 80) ? 64ull << 30 : 1ull << 30);
		world->hosts[h].can_command_moves = chance(rand, 80)   ? TRI_YES
						    : chance(rand, 50) ? TRI_NO
								       : TRI_UNKNOWN;
		for (uint32_t v = any(rand, 5); v > 0; v--)
			add_vm(arena, world, rand, h, fit, clustered);
	}
	add_whole_gpus(arena, world, rand);
	return world;
}

/* ---- steps ---- */

static void fill_vm_step(struct arena *arena, const struct world *world, GRand *rand, struct step *step)
{
	const struct vm *vm = &world->vms[any(rand, world->n_vms)];
	const struct host *host = &world->hosts[vm->host];
	step->vm_id = vm->id;
	step->vm_name = vm->name;
	step->host_name = host->name;
	step->to_host = world->hosts[any(rand, world->n_hosts)].name;
	step->live = chance(rand, 50);
	step->stop_timeout_s = 300;
	step->offline_action = any(rand, OFFLINE_ACTION_COUNT);
	step->settings = (struct vm_settings){ .which = chance(rand, 50) ? SETTINGS_LIVE : SETTINGS_NEED_OFF,
		.stop_action = STOP_ACTION_TURN_OFF,
		.cache_control = true,
		.mmio_low_bytes = 1ull << any(rand, 32),
		.mmio_high_bytes = 1ull << any(rand, 42) };
	step->count = 1 + any(rand, 2);
	if (step->kind == STEP_REMOVE_ADAPTER && vm->n_adapters)
		step->adapter = vm->adapters[any(rand, vm->n_adapters)];
	else if (chance(rand, 30))
		step->adapter.pin = worlds_path(arena, any(rand, host->n_gpus));
	step->adapter.pinned = step->adapter.pin ? TRI_YES : TRI_NO;
	if (step->kind == STEP_REMOVE_DEVICE && vm->n_devices)
		step->device = vm->devices[0];
	else if (chance(rand, 50))
		step->device.pool = "pool";
	else
		step->device.location_path = worlds_path(arena, any(rand, host->n_gpus));
}

static struct step *random_step(struct arena *arena, const struct world *world, GRand *rand)
{
	static const uint32_t counts[] = { 1, 2, 3, 4, 8, 16 };
	struct step *step = arena_new_of(arena, struct step);
	step->id = 1;
	do
		step->kind = any(rand, STEP_KIND_COUNT);
	while (!world->n_vms && step->kind <= STEP_ADD_DEVICE);
	if (step->kind <= STEP_ADD_DEVICE) {
		fill_vm_step(arena, world, rand, step);
		return step;
	}
	const struct gpu *gpu = &world->gpus[any(rand, world->n_gpus)];
	step->host_name = world->hosts[gpu->host].name;
	step->location_path = step->kind == STEP_CREATE_POOL ? NULL : gpu->location_path;
	step->count = counts[any(rand, G_N_ELEMENTS(counts))];
	step->force = chance(rand, 30);
	step->pool = chance(rand, 85) ? "pool" : "other";
	return step;
}

/* ---- comparing ---- */

static struct rules neutral_rules(struct arena *arena, const struct world *world)
{
	enum gpu_role *roles = arena_array(arena, enum gpu_role, world->n_gpus);
	enum vm_ownership *owners = arena_array(arena, enum vm_ownership, world->n_vms);
	for (uint32_t v = 0; v < world->n_vms; v++)
		owners[v] = VM_MANAGED;
	return (struct rules){
		.gpu_role = roles,
		.gpu_refused = arena_array(arena, bool, world->n_gpus),
		.gpu_excluded = arena_array(arena, bool, world->n_gpus),
		.vm_ownership = owners,
		.max_partitions_per_vm = 64,
		.strategy = STRATEGY_ROLLING,
		.vm_mmio_low = arena_array(arena, struct maybe_u64, world->n_vms),
		.vm_mmio_high = arena_array(arena, struct maybe_u64, world->n_vms),
	};
}

/* The checker would refuse a plan with this step here. */
static bool breaks_invariant(
	struct arena *arena, const struct world *before, const struct world *after, const struct step *step)
{
	static const enum invariant physical[] = { INV_EXCLUSIVE, INV_DRAINED, INV_CAPACITY, INV_VM_OFF,
		INV_FIT_TO_START };
	struct rules rules = neutral_rules(arena, before);
	struct violations of_step = invariant_step(arena, before, after, &rules, step);
	struct violations added =
		violations_added(arena, invariant_state(arena, before, &rules), invariant_state(arena, after, &rules));
	for (uint32_t i = 0; i < G_N_ELEMENTS(physical); i++) {
		for (uint32_t v = 0; v < of_step.n; v++)
			if (of_step.items[v].invariant == physical[i])
				return true;
		for (uint32_t v = 0; v < added.n; v++)
			if (added.items[v].invariant == physical[i])
				return true;
	}
	return false;
}

/* Refusals that the model leaves to others, each for its reason. */
static bool is_left_to_others(struct arena *arena, const struct world *before, const struct world *after,
	const struct step *step, enum host_error error)
{
	const struct vm *vm = step->kind <= STEP_ADD_DEVICE ? &before->vms[step->vm] : NULL;
	struct rules rules = neutral_rules(arena, before);
	/* The plan sets the offline action before it stops a clustered VM, or the cluster saves the VM. */
	if (step->kind == STEP_STOP_VM && vm->clustered == TRI_YES && maybe_is(vm->offline_action, OFFLINE_SAVE))
		return true;
	/* Before it is tried, nobody may know whether there is a mitigation driver: then the host decides. */
	if (step->kind == STEP_DISMOUNT_GPU && before->gpus[step->gpu].mitigation_driver == TRI_UNKNOWN && !step->force)
		return error == HOST_FAILED || error == HOST_NOT_SUPPORTED;
	if (step->kind != STEP_START_VM)
		return false;
	/* A start that is owed is tried with whatever settings the VM has. */
	if (vm->debt && invariant_fit(arena, after, &rules, step->vm).n)
		return true;
	/* A member of a pool that another VM names by its path: nobody plans for that mixture. */
	for (uint32_t v = 0; v < before->n_vms; v++)
		for (uint32_t d = 0; d < before->vms[v].n_devices && vm->n_devices && vm->devices[0].pool; d++)
			if (before->vms[v].devices[d].location_path)
				return true;
	return false;
}

/* What is unknown in the prediction, may be anything; where an adapter may be, it must be. */
static const char *settle_open_points(struct arena *arena, struct host_state *predicted, const struct host_state *now)
{
	for (uint32_t g = 0; g < predicted->n_gpus && g < now->n_gpus; g++)
		if (!predicted->gpus[g].count.known)
			predicted->gpus[g].count = now->gpus[g].count;
	for (uint32_t v = 0; v < predicted->n_vms && v < now->n_vms; v++) {
		const struct vm *want = &predicted->vms[v], *have = &now->vms[v];
		(void)arena;
		for (uint32_t a = 0; a < want->n_adapters && a < have->n_adapters; a++)
			if (have->state == VM_RUNNING && have->adapters[a].gpus & ~want->adapters[a].gpus)
				return "an adapter is on a GPU that was not predicted";
		if (have->state == VM_RUNNING)
			for (uint32_t a = 0; a < have->n_adapters; a++)
				if (!have->adapters[a].gpus)
					return "an adapter of a running VM is on no GPU";
	}
	return NULL;
}

static const char *compare(struct arena *arena, const struct world *predicted, const struct world *now)
{
	if (predicted->n_hosts != now->n_hosts)
		return "hosts differ";
	for (uint32_t h = 0; h < now->n_hosts; h++) {
		struct host_state *want = world_host_state(arena, predicted, h),
				  *have = world_host_state(arena, now, h);
		const char *wrong = settle_open_points(arena, want, have);
		if (wrong)
			return wrong;
		if (!fields_equal(kind_find("HostState")->fields, want, have, FIELD_GOVERNED)) {
			g_autoptr(GString) text = g_string_new("governed fields differ; predicted:\n");
			state_write_yaml(text, want);
			g_string_append(text, "--- host:\n");
			state_write_yaml(text, have);
			return arena_strdup(arena, text->str);
		}
		/* the fake Hyper-V hosts have as much whatever runs there */
		if (!standing.address && !maybe_equal(want->host.memory_free_bytes, have->host.memory_free_bytes))
			return "free memory differs";
	}
	return NULL;
}

/* ---- hosts ---- */

static void open_simulated(struct bench *bench, const struct world *world)
{
	for (uint32_t h = 0; h < world->n_hosts; h++)
		if (!bench_open(bench, "sim", world->hosts[h].name) || bench_lease(bench, bench->sessions[h], 1))
			g_error("a simulated host cannot be opened: %s",
				bench->diags->first ? bench->diags->first->message : bench->reply.message);
}

static void make_so(struct bench *bench)
{
	const char *const argv[] = { standing.command, bench->path, NULL };
	g_autoptr(GError) error = NULL;
	int status;
	if (!g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status, &error) ||
		!g_spawn_check_wait_status(status, &error))
		g_error("%s: %s", standing.command, error->message);
}

static struct host_session *standing_session(struct bench *bench, uint32_t host, const char *name)
{
	g_auto(GStrv) parts = g_strsplit(standing.address, "{}", -1);
	g_autofree char *address = g_strjoinv(name, parts);
	const struct endpoint endpoint = { .host = name, .address = address };
	if (!standing.sessions[host] && host_open(bench->context, &endpoint, &standing.sessions[host], bench->diags))
		g_error("%s cannot be opened: %s", address, bench->diags->first->message);
	return standing.sessions[host];
}

static void open_standing(struct bench *bench, const struct world *world)
{
	g_main_context_unref(bench->context);
	bench->context = g_main_context_ref(standing.context);
	make_so(bench);
	for (uint32_t h = 0; h < world->n_hosts; h++) {
		bench->sessions[bench->n_sessions++] = standing_session(bench, h, world->hosts[h].name);
		if (bench_lease(bench, bench->sessions[h], 1))
			g_error("%s does not give its lease: %s", world->hosts[h].name, bench->reply.message);
	}
}

/* The agents stay, and their leases do not. */
static void leave_standing(struct bench *bench)
{
	const struct request release = { .kind = REQUEST_RELEASE, .run = bench->run, .epoch = 1, .now = 3000 };
	for (uint32_t i = 0; i < bench->n_sessions; i++)
		if (bench_ask(bench, bench->sessions[i], &release)->error)
			g_error("a lease is not given back: %s", bench->reply.message);
	bench->n_sessions = 0;
}

/* ---- a case ---- */

static struct world *observe_all(struct bench *bench, uint32_t n_hosts)
{
	const struct host_state **states = arena_array(bench->arena, const struct host_state *, n_hosts);
	for (uint32_t h = 0; h < n_hosts; h++) {
		states[h] = bench_observe(bench, bench->sessions[h]);
		if (!states[h])
			g_error("a host cannot be observed: %s", bench->reply.message);
	}
	return world_assemble(bench->arena, states, n_hosts);
}

/* NULL, or what is wrong. '*now': the world, when it was looked at afterwards. */
static const char *judge(struct bench *bench, const struct world *before, const struct step *step, struct tally *tally,
	const struct world **now)
{
	struct delta delta = { 0 };
	struct arena *arena = bench->arena;
	uint32_t host = world_find_host(before, step->host_name);
	bool allowed = !step_simulate(arena, before, step, &delta, NULL);
	struct world *predicted = world_copy(arena, before);
	if (allowed)
		delta_apply(predicted, &delta);
	bool broken = allowed && breaks_invariant(arena, before, predicted, step);
	struct reply reply = *bench_step(bench, bench->sessions[host], step);
	if (reply.error) {
		tally->agreed_refused += !allowed;
		tally->by_invariant += allowed && broken;
		if (!allowed || broken || is_left_to_others(arena, before, predicted, step, reply.error))
			return NULL;
		return arena_printf(arena, "the host refuses what the model allows: %s: %s",
			name_of(&host_error_names, reply.error), reply.message);
	}
	if (!allowed) {
		tally->cautious++;
		return NULL;
	}
	if (reply.changed != (delta.n > 0))
		return arena_printf(arena, "changed: the host says %d, the model %d", reply.changed, delta.n > 0);
	*(reply.changed ? &tally->agreed_done : &tally->agreed_unchanged) += 1;
	/* No cmdlet brings the driver for partitions, and the model hopes for it: where it is missing, apply looks again. */
	if (step->kind == STEP_MOUNT_GPU && reply.gpu_after && reply.gpu_after->state != GPU_PARTITIONABLE)
		return NULL;
	*now = observe_all(bench, before->n_hosts);
	return compare(arena, predicted, *now);
}

static int run_world(uint64_t seed, const char *pick, struct tally tallies[STEP_KIND_COUNT])
{
	g_autoptr(GRand) rand = g_rand_new_with_seed((guint32)seed);
	g_autoptr(arena_auto) arena = arena_new();
	const struct world *start = random_world(arena, rand, shapes[seed % 2].standard);
	struct bench bench;
	int wrong = 0;
	bench_init(&bench, start, NULL);
	bench.options = pick;
	if (standing.address)
		open_standing(&bench, start);
	else
		open_simulated(&bench, start);
	const struct world *now = NULL;
	for (uint32_t i = 0; i < STEPS_PER_WORLD; i++) {
		const struct world *before = now ? now : observe_all(&bench, start->n_hosts);
		struct step *step = random_step(bench.arena, before, rand);
		now = before;
		if (step_bind(step, before, NULL))
			continue;
		struct tally *tally = &tallies[step->kind];
		tally->n++;
		now = NULL;
		const char *why = judge(&bench, before, step, tally, &now);
		if (why) {
			printf("world %" G_GUINT64_FORMAT " %s step %u: %s\n  %s\n", seed, pick, i,
				step_text(bench.arena, step), why);
			tally->wrong++;
			wrong++;
		}
	}
	if (standing.address)
		leave_standing(&bench);
	bench_done(&bench);
	return wrong;
}

int main(int argc, char **argv)
{
	static const char *const picks[] = { "?pick=first", "?pick=last", "?pick=seeded&seed=7", "?pick=adversarial" };
	uint64_t n_worlds = argc > 1 ? strtoull(argv[1], NULL, 10) : 400,
		 seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	struct tally tallies[STEP_KIND_COUNT] = { 0 };
	uint32_t n = 0, wrong = 0;
	interrupt_ignore_pipes();
	if (argc > 4) {
		standing.address = argv[3];
		standing.command = argv[4];
		standing.context = g_main_context_new();
	}
	for (uint64_t w = 0; w < n_worlds; w++)
		wrong += (uint32_t)run_world(seed + w, picks[(seed + w) / 2 % G_N_ELEMENTS(picks)], tallies);
	printf("%-26s %6s %6s %9s %7s %9s %8s %5s\n", "step", "cases", "done", "unchanged", "refused", "invariant",
		"cautious", "wrong");
	for (uint32_t k = 0; k < STEP_KIND_COUNT; k++) {
		const struct tally *t = &tallies[k];
		printf("%-26s %6u %6u %9u %7u %9u %8u %5u\n", name_of(&step_kind_names, (int)k), t->n, t->agreed_done,
			t->agreed_unchanged, t->agreed_refused, t->by_invariant, t->cautious, t->wrong);
		n += t->n;
		if (n_worlds >= ALL_KINDS_FROM && !t->agreed_done) {
			printf("%s was never carried out: the worlds are too narrow\n",
				name_of(&step_kind_names, (int)k));
			wrong++;
		}
	}
	for (uint32_t h = 0; h < HOSTS_MAX; h++)
		host_close(standing.sessions[h]);
	g_clear_pointer(&standing.context, g_main_context_unref);
	printf("%u cases in %" G_GUINT64_FORMAT " worlds, %u wrong\n", n, n_worlds, wrong);
	return wrong != 0;
}
