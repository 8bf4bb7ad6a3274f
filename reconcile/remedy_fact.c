/* SPDX-License-Identifier: Apache-2.0 */
/* Facts that make a wish impossible: of the world, and of the manifest. */
#include "reconcile/remedy_parts.h"

#include "base/clock.h"

#include <string.h>

enum { NAMES_MAX = 3 }; /* that are told of a longer list */

/* A few names of many: "'a', 'b', 'c' and 9 more". */
struct naming {
	GString *text;
	uint32_t n;
};

static void name_one(struct naming *naming, const char *name)
{
	if (naming->n++ < NAMES_MAX)
		g_string_append_printf(naming->text, "%s'%s'", naming->text->len ? ", " : "", name);
}

static void name_rest(struct naming *naming)
{
	if (naming->n > NAMES_MAX)
		g_string_append_printf(naming->text, " and %u more", naming->n - NAMES_MAX);
}

static bool is_about_count(const struct asked *asked)
{
	return asked_is(asked, "partition count");
}

static const char *vms(uint32_t n)
{
	return n == 1 ? "VM" : "VMs";
}

/* ---- who runs ---- */

static bool count_changes_under(const struct draft *draft, const struct asked *asked, const struct vm *vm)
{
	const struct world *world = asked->plan->observed;
	const struct gpu_group *group = cluster_partitioned_group(draft->cluster);
	for (uint32_t g = 0; group && g < world->n_gpus; g++)
		if (asked->plan->rules->gpu_role[g] == ROLE_PARTITIONED && !asked->plan->rules->gpu_excluded[g] &&
			!maybe_equal(world->gpus[g].count, group->partition_count) && vm_could_be_on(world, vm, g))
			return true;
	return false;
}

/* The wish changes a GPU under the VM, or is the VM's own. */
static bool is_disturbed(const struct draft *draft, const struct asked *asked, uint32_t vm)
{
	const struct world *world = asked->plan->observed;
	uint32_t gpu = asked_gpu(asked);
	if (is_about_count(asked))
		return count_changes_under(draft, asked, &world->vms[vm]);
	if (gpu != NO_INDEX)
		return vm_could_be_on(world, &world->vms[vm], gpu) || vm_device_could_be(world, &world->vms[vm], gpu);
	return asked_vm(asked) == vm;
}

/* They would not have to be stopped if they were off. */
static const char *they_run(struct draft *draft, const struct asked *asked)
{
	struct naming naming = { g_string_new(NULL), 0 };
	for (uint32_t i = 0; i < draft->world->n_vms; i++) {
		if (!vm_can_stop(&asked->plan->observed->vms[i]) || !is_disturbed(draft, asked, i))
			continue;
		draft->world->vms[i].state = VM_OFF;
		name_one(&naming, asked->plan->observed->vms[i].name);
	}
	name_rest(&naming);
	g_autofree char *names = g_string_free(naming.text, FALSE);
	if (!naming.n)
		return NULL;
	if (asked_vm(asked) != NO_INDEX)
		return arena_printf(draft->arena, "VM %s runs", names);
	return arena_printf(draft->arena, "%u %s %s and could be on %s: %s", naming.n, vms(naming.n),
		naming.n == 1 ? "runs" : "run", is_about_count(asked) ? "GPUs whose count changes" : "the GPU", names);
}

/* ---- rollout ---- */

static const char *goes_in_one(struct draft *draft, const struct asked *asked)
{
	if (draft->cluster->rollout.strategy == STRATEGY_ROLLING || !is_about_count(asked))
		return NULL;
	draft->cluster->rollout.strategy = STRATEGY_ROLLING;
	return "rollout.strategy is Homogeneous: the counts of all hosts change in one go";
}

static const char *may_be_down(struct draft *draft, const struct asked *asked)
{
	struct share *share = &draft->cluster->rollout.max_unavailable;
	if (!share->set)
		return NULL;
	share->set = false;
	return arena_printf(draft->arena, "rollout.maxUnavailable allows %u of %u VMs to be down",
		asked->plan->budget.allowed, asked->plan->budget.of);
}

static const char *hosts_at_once(struct draft *draft, const struct asked *asked)
{
	struct spec_rollout *rollout = &draft->cluster->rollout;
	(void)asked;
	if (rollout->strategy != STRATEGY_ROLLING)
		return NULL;
	uint32_t now = rollout->max_hosts;
	rollout->max_hosts = MAX(draft->world->n_hosts, 1);
	return arena_printf(
		draft->arena, "rollout.maxHosts lets %u host%s be changed at a time", now, now == 1 ? "" : "s");
}

static const char *windows_close(struct draft *draft, const struct asked *asked)
{
	const struct plan_window *window = &asked->plan->window;
	if (!draft->cluster->rollout.n_windows)
		return NULL;
	draft->cluster->rollout.n_windows = 0;
	return arena_printf(draft->arena, "the longest of rollout.windows is open for %s",
		clock_duration(draft->arena, window->longest_s));
}

static const char *never_stopped(struct draft *draft, const struct asked *asked)
{
	(void)asked;
	if (draft->cluster->rollout.stop.method != STOP_NEVER)
		return NULL;
	draft->cluster->rollout.stop.method = STOP_SHUTDOWN;
	return "rollout.stop.method is Never";
}

/* ---- strangers ---- */

static bool is_in_the_way(const struct draft *draft, const struct asked *asked, uint32_t vm)
{
	const struct world *world = asked->plan->observed;
	const struct vm *it = &world->vms[vm];
	if (asked->plan->rules->vm_ownership[vm] != VM_UNMANAGED || (!it->n_adapters && !it->n_devices))
		return false;
	uint32_t gpu = asked_gpu(asked);
	for (uint32_t a = 0; gpu != NO_INDEX && a < it->n_adapters; a++)
		if (it->host == world->gpus[gpu].host && it->adapters[a].pin &&
			strcmp(it->adapters[a].pin, world->gpus[gpu].location_path) == 0)
			return true;
	return is_disturbed(draft, asked, vm);
}

static const char *strangers(struct draft *draft, const struct asked *asked)
{
	struct naming naming = { g_string_new(NULL), 0 };
	const char *host = NULL;
	for (uint32_t i = 0; i < draft->world->n_vms; i++) {
		if (!is_in_the_way(draft, asked, i))
			continue;
		draft->world->vms[i].n_adapters = draft->world->vms[i].n_devices = 0;
		name_one(&naming, asked->plan->observed->vms[i].name);
		host = draft->world->hosts[draft->world->vms[i].host].name;
	}
	name_rest(&naming);
	g_autofree char *names = g_string_free(naming.text, FALSE);
	if (!naming.n)
		return NULL;
	if (naming.n == 1)
		return arena_printf(draft->arena,
			"VM %s on '%s' holds a GPU that is to change, and no manifest manages the VM", names, host);
	return arena_printf(draft->arena, "%u VMs hold GPUs that are to change, and no manifest manages the VMs: %s",
		naming.n, names);
}

static const char *unmanaged_stay(struct draft *draft, const struct asked *asked)
{
	(void)asked;
	enum unmanaged_mode now = draft->cluster->unmanaged;
	if (now == UNMANAGED_REMOVE)
		return NULL;
	draft->cluster->unmanaged = UNMANAGED_REMOVE;
	return now == UNMANAGED_REPORT ? "unmanaged is Report: such VMs are not touched"
				       : "unmanaged is Cycle: such VMs get back what they had";
}

static const char *untouchable_state(struct draft *draft, const struct asked *asked)
{
	struct naming naming = { g_string_new(NULL), 0 };
	enum vm_state state = VM_OFF;
	for (uint32_t i = 0; i < draft->world->n_vms; i++) {
		const struct vm *vm = &asked->plan->observed->vms[i];
		if (vm_is_off(vm) || vm_can_stop(vm) || !is_disturbed(draft, asked, i))
			continue;
		state = vm->state;
		draft->world->vms[i].state = VM_OFF;
		name_one(&naming, vm->name);
	}
	name_rest(&naming);
	g_autofree char *names = g_string_free(naming.text, FALSE);
	if (!naming.n)
		return NULL;
	return naming.n == 1 ? arena_printf(draft->arena, "VM %s is %s", names, name_of(&vm_state_names, state))
			     : arena_printf(draft->arena, "%u VMs are neither running nor off: %s", naming.n, names);
}

/* ---- room ---- */

static uint32_t host_of_wish(const struct asked *asked)
{
	const struct world *world = asked->plan->observed;
	uint32_t gpu = asked_gpu(asked), vm = asked_vm(asked);
	return gpu != NO_INDEX ? world->gpus[gpu].host : vm != NO_INDEX ? world->vms[vm].host : NO_INDEX;
}

static const char *they_have_partitions(struct draft *draft, const struct asked *asked)
{
	const struct world *world = asked->plan->observed;
	uint32_t host = host_of_wish(asked), n = 0;
	for (uint32_t i = 0; i < world->n_vms; i++) {
		const struct vm *vm = &world->vms[i];
		if (!vm_is_running(vm) || !vm->n_adapters || (host != NO_INDEX && vm->host != host))
			continue;
		draft->world->vms[i].state = VM_OFF;
		n++;
	}
	if (!n)
		return NULL;
	const char *where = host == NO_INDEX ? "" : arena_printf(draft->arena, " on '%s'", world->hosts[host].name);
	return arena_printf(draft->arena, "%u %s %s with a partition%s", n, vms(n), n == 1 ? "runs" : "run", where);
}

static const char *count_gives(struct draft *draft, const struct asked *asked)
{
	const struct world *world = asked->plan->observed;
	struct gpu_group *group = draft_partitioned(draft);
	uint32_t host = host_of_wish(asked), largest = 0, n = 0;
	for (uint32_t g = 0; group && g < world->n_gpus; g++) {
		if (asked->plan->rules->gpu_role[g] != ROLE_PARTITIONED || !gpu_offers_partitions(&world->gpus[g]))
			continue;
		n += host == NO_INDEX || world->gpus[g].host == host;
		for (uint32_t i = 0; i < world->gpus[g].n_valid_counts; i++)
			largest = MAX(largest, world->gpus[g].valid_counts[i]);
	}
	if (!n || largest <= group->partition_count.value)
		return NULL;
	uint64_t now = group->partition_count.value;
	group->partition_count = KNOWN(largest);
	return arena_printf(draft->arena,
		"partition count %" G_GUINT64_FORMAT " gives %" G_GUINT64_FORMAT " partition%s on %u GPU%s", now,
		now * n, now * n == 1 ? "" : "s", n, n == 1 ? "" : "s");
}

/* ---- what hosts and GPUs tell ---- */

static const char *host_is_missing(struct draft *draft, const struct asked *asked)
{
	(void)asked;
	if (!draft->world->n_missing)
		return NULL;
	struct naming naming = { g_string_new(NULL), 0 };
	for (uint32_t i = 0; i < draft->world->n_missing; i++)
		name_one(&naming, draft->world->missing[i].name);
	name_rest(&naming);
	draft->world->n_missing = 0;
	g_autofree char *names = g_string_free(naming.text, FALSE);
	return arena_printf(draft->arena, "%s %s not observed", names, naming.n == 1 ? "was" : "were");
}

static bool is_missing(const struct world *world, const char *host)
{
	for (uint32_t i = 0; i < world->n_missing; i++)
		if (g_ascii_strcasecmp(world->missing[i].name, host) == 0)
			return true;
	return false;
}

static const char *is_no_maintenance(struct draft *draft, const struct asked *asked)
{
	struct naming naming = { g_string_new(NULL), 0 };
	for (uint32_t i = 0; i < draft->cluster->n_hosts; i++) {
		struct spec_host *line = &draft->hosts[i];
		if (line->maintenance || !is_missing(asked->plan->observed, line->name))
			continue;
		line->maintenance = true;
		name_one(&naming, line->name);
	}
	name_rest(&naming);
	g_autofree char *names = g_string_free(naming.text, FALSE);
	return naming.n ? arena_printf(draft->arena, "the manifest does not have %s in maintenance", names) : NULL;
}

static const char *no_mitigation(struct draft *draft, const struct asked *asked)
{
	uint32_t gpu = asked_gpu(asked);
	if (gpu == NO_INDEX || draft->world->gpus[gpu].mitigation_driver == TRI_YES)
		return NULL;
	draft->world->gpus[gpu].mitigation_driver = TRI_YES;
	return "the GPU has no mitigation driver";
}

static const char *is_mitigated(struct draft *draft, const struct asked *asked)
{
	(void)asked;
	bool any = false;
	for (uint32_t i = 0; i < draft->cluster->n_gpus; i++) {
		if (!draft->groups[i].passthrough || draft->groups[i].passthrough->dismount != DISMOUNT_MITIGATED)
			continue;
		draft_passthrough(draft, &draft->groups[i])->dismount = DISMOUNT_FORCE;
		any = true;
	}
	return any ? "passthrough.dismount is Mitigated" : NULL;
}

static const char *requires_vram(struct draft *draft, const struct asked *asked)
{
	const char *text = NULL;
	for (uint32_t i = 0; i < draft->spec->n_assignments; i++) {
		struct spec_assignment *it = &draft->assignments[i];
		if (!it->requires || strcmp(it->cluster, draft->cluster->name) != 0)
			continue;
		text = arena_printf(draft->arena, "assignment '%s' requires partitions of %" G_GUINT64_FORMAT " MiB",
			it->name, it->requires->vram_bytes.value >> MIB_SHIFT);
		it->requires = NULL;
	}
	(void)asked;
	return text;
}

/* A size that is not known refuses nothing. Another count would be a matter of room, too. */
static const char *count_divides(struct draft *draft, const struct asked *asked)
{
	(void)asked;
	struct gpu_group *group = draft_partitioned(draft);
	if (!group || group->partition_count.value <= 1)
		return NULL;
	uint64_t now = group->partition_count.value, mib = draft_smallest_mib(draft, group);
	for (uint32_t g = 0; g < draft->world->n_gpus; g++)
		draft->world->gpus[g].memory = draft->world->gpus[g].partition_memory = UNKNOWN;
	return arena_printf(draft->arena,
		"partition count %" G_GUINT64_FORMAT " makes partitions of %" G_GUINT64_FORMAT " MiB", now, mib);
}

static const char *must_be_there(struct draft *draft, const struct asked *asked)
{
	struct spec_assignment *assignment = asked_assignment(asked, draft);
	if (!assignment || assignment->placement != PLACEMENT_REQUIRED)
		return NULL;
	assignment->placement = PLACEMENT_PREFERRED;
	return arena_printf(draft->arena, "placement is Required in assignment '%s'", assignment->name);
}

/* Of two facts either of which would do alone, the later one is told. */
const struct fact_row fact_rows[] = {
	{ { D_BUDGET, D_WINDOW_SHORT, D_STOP_NEVER }, they_run },
	{ { D_VM_STATE }, untouchable_state },
	{ { D_UNMANAGED, D_PINNED }, strangers },
	{ { D_UNMANAGED, D_PINNED }, unmanaged_stay },
	{ { D_CAPACITY }, they_have_partitions },
	{ { D_CAPACITY }, count_gives },
	{ { D_HOSTS_MISSING }, host_is_missing },
	{ { D_HOSTS_MISSING }, is_no_maintenance },
	{ { D_MITIGATION }, no_mitigation },
	{ { D_MITIGATION }, is_mitigated },
	{ { D_VRAM }, requires_vram },
	{ { D_VRAM }, count_divides },
	{ { D_PLACEMENT }, must_be_there },
	{ { D_BUDGET, D_WINDOW_SHORT }, goes_in_one },
	{ { D_BUDGET }, hosts_at_once },
	{ { D_BUDGET }, may_be_down },
	{ { D_WINDOW_SHORT }, windows_close },
	{ { D_STOP_NEVER }, never_stopped },
	{ { 0 }, NULL },
};
