/* SPDX-License-Identifier: Apache-2.0 */
#include "model/invariant_parts.h"

#include <string.h>

NAMES_DEFINE(invariant_names, INVARIANTS);

const char *const invariant_docs[INVARIANT_COUNT] = {
	[INV_EXCLUSIVE] = "No GPU is partitioned and passed through at once.",
	[INV_DRAINED] = "A partition count changes only while no VM holds an adapter that could be on that GPU.",
	[INV_HOMOGENEOUS] = "No step makes a GPU differ from one that carries a running VM with a partition.",
	[INV_ALIGNED_START] = "No VM with a partition is started on, or moved to, a host whose GPUs are not alike.",
	[INV_ONE_PARTITION] = "No VM gains more than maxPartitionsPerVM partitions, nor a partition and a whole GPU.",
	[INV_CAPACITY] = "On each host the running VMs with a partition fit its GPUs, the pinned ones their GPU.",
	[INV_VM_OFF] = "Adapters, devices, MMIO and cache settings change only on a VM that is Off.",
	[INV_FIT_TO_START] = "A VM that is started has the settings that a partition or a whole GPU demands.",
	[INV_ONCE] = "A plan stops no VM twice.",
	[INV_BUDGET] = "No more VMs are held down at once than maxUnavailable allows.",
	[INV_WINDOW] = "No VM is stopped outside of a window.",
	[INV_OWNERSHIP] = "What no manifest manages is touched only as 'unmanaged' allows.",
	[INV_RESTORED] = "At the end every VM has the power state that it had before.",
	[INV_GOAL] = "At the end the world is what the plan promises.",
};

/* ---- violations ---- */

static void add(struct findings *findings, struct violation item, const char *fmt, va_list args)
{
	g_autofree char *text = g_strdup_vprintf(fmt, args);
	item.message = arena_strdup(findings->arena, text);
	if (!findings->items)
		findings->items = g_array_new(FALSE, FALSE, sizeof(item));
	g_array_append_val(findings->items, item);
}

void findings_add(struct findings *findings, enum invariant invariant, const char *subject, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	add(findings, (struct violation){ .invariant = invariant, .subject = subject, .key = subject }, fmt, args);
	va_end(args);
}

void findings_add_of(
	struct findings *findings, enum invariant invariant, const char *key, const char *subject, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	add(findings, (struct violation){ .invariant = invariant, .subject = subject, .key = key }, fmt, args);
	va_end(args);
}

static int same_order(const struct violation *a, const struct violation *b)
{
	if (a->invariant != b->invariant)
		return a->invariant < b->invariant ? -1 : 1;
	return strcmp(a->key, b->key);
}

static int violation_order(const void *a, const void *b)
{
	const struct violation *left = a, *right = b;
	int order = same_order(left, right);

	return order ? order : strcmp(left->message, right->message);
}

struct violations findings_take(struct findings *findings)
{
	struct violations taken = { 0 };
	GArray *items = findings->items;
	guint n = 0;

	if (!items)
		return taken;
	findings->items = NULL;
	g_array_sort(items, violation_order);
	for (guint i = 0; i < items->len; i++) {
		struct violation *it = &g_array_index(items, struct violation, i);

		if (!n || same_order(&g_array_index(items, struct violation, n - 1), it))
			g_array_index(items, struct violation, n++) = *it;
	}
	g_array_set_size(items, n);
	taken.items = arena_take_array(findings->arena, items, &taken.n);
	return taken;
}

struct violations violations_added(struct arena *arena, struct violations before, struct violations now)
{
	struct violations added = { 0 };
	struct violation *items = NULL;
	uint32_t b = 0;

	for (uint32_t i = 0; i < now.n; i++) {
		while (b < before.n && same_order(&before.items[b], &now.items[i]) < 0)
			b++;
		if (b < before.n && !same_order(&before.items[b], &now.items[i]))
			continue;
		if (!items)
			items = arena_array(arena, struct violation, now.n);
		items[added.n++] = now.items[i];
	}
	added.items = items;
	return added;
}

/* ---- where adapters could be ---- */

static void load_adapter(
	const struct world *world, const struct vm *vm, const struct adapter *adapter, struct loads *loads)
{
	struct host_load *load = &loads->hosts[vm->host];
	uint64_t gpus = adapter_gpus(world, vm, adapter);

	load->all |= gpus;
	load->pinned |= adapter_pins(world, vm, adapter);
	if (vm_is_off(vm))
		return;
	load->not_off |= gpus;
	if (!vm_is_running(vm))
		return;
	load->running |= gpus;
	load->n_running++;
	if (gpus && !(gpus & (gpus - 1)))
		loads->certain[world->hosts[vm->host].first_gpu + (uint32_t)__builtin_ctzll(gpus)]++;
}

struct loads loads_of(const struct world *world)
{
	struct loads loads = {
		.hosts = g_new0(struct host_load, world->n_hosts + 1),
		.certain = g_new0(uint32_t, world->n_gpus + 1),
	};

	for (uint32_t v = 0; v < world->n_vms; v++)
		for (uint32_t i = 0; i < world->vms[v].n_adapters; i++)
			load_adapter(world, &world->vms[v], &world->vms[v].adapters[i], &loads);
	return loads;
}

void loads_clear(struct loads *loads)
{
	g_free(loads->hosts);
	g_free(loads->certain);
}

/* ---- the set D ---- */

/* What the GPUs that carry a running VM with a partition offer. */
struct carried {
	uint32_t n, n_unknown;
	uint64_t least, most; /* of the known counts */
};

static bool carries(const struct world *world, const struct loads *loads, uint32_t gpu)
{
	return loads->hosts[world->gpus[gpu].host].running & gpu_bit(world, gpu);
}

static bool differs(const struct carried *carried, struct maybe_u64 count, bool itself)
{
	if (!count.known)
		return carried->n > itself;
	if (carried->n_unknown)
		return true;
	return carried->n && (carried->least != count.value || carried->most != count.value);
}

bool *mixed_of(struct arena *arena, const struct world *world, const struct rules *rules, const struct loads *loads)
{
	bool *mixed = arena_array(arena, bool, world->n_gpus);
	struct carried carried = { .least = UINT64_MAX };

	for (uint32_t g = 0; g < world->n_gpus; g++) {
		struct maybe_u64 count = world->gpus[g].count;

		if (!carries(world, loads, g) || !rules_counts(rules, world, g))
			continue;
		carried.n++;
		carried.n_unknown += !count.known;
		if (count.known) {
			carried.least = MIN(carried.least, count.value);
			carried.most = MAX(carried.most, count.value);
		}
	}
	for (uint32_t g = 0; carried.n && g < world->n_gpus; g++)
		if (rules_counts(rules, world, g))
			mixed[g] = differs(&carried, world->gpus[g].count, carries(world, loads, g));
	return mixed;
}

bool *invariant_mixed(struct arena *arena, const struct world *world, const struct rules *rules)
{
	g_auto(loads_auto) loads = loads_of(world);

	return mixed_of(arena, world, rules, &loads);
}
