/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of a cluster's manifest that can make possible what was refused. */
#include "reconcile/remedy_parts.h"

#include "reconcile/counts.h"

#include <stdlib.h>
#include <string.h>

enum {
	HALF_HOUR_S = 1800,
	HOUR_S = 3600,
	MINUTE_S = 60,
	WINDOW_MAX_S = 7 * 24 * 3600, /* the range of `duration`, schema/kind_cluster.c */
};

/* ---- rollout ---- */

static const char *edit_max_unavailable(struct draft *draft, const struct asked *asked, uint32_t nth)
{
	struct share *share = &draft->cluster->rollout.max_unavailable;
	uint32_t limit = share->percent ? 100 : asked->plan->observed->n_vms;
	if (!share->set || share->value >= limit || nth >= limit - share->value)
		return NULL;
	share->value += nth + 1;
	return arena_printf(draft->arena, "rollout.maxUnavailable: %u%s", share->value, share->percent ? "%" : "");
}

static const char *edit_strategy(struct draft *draft, const struct asked *asked, uint32_t nth)
{
	(void)asked;
	if (nth || draft->cluster->rollout.strategy == STRATEGY_ROLLING)
		return NULL;
	draft->cluster->rollout.strategy = STRATEGY_ROLLING;
	return "rollout.strategy: Rolling";
}

static const char *edit_max_hosts(struct draft *draft, const struct asked *asked, uint32_t nth)
{
	struct spec_rollout *rollout = &draft->cluster->rollout;
	uint32_t limit = asked->plan->observed->n_hosts;
	if (rollout->strategy != STRATEGY_ROLLING || rollout->max_hosts >= limit || nth >= limit - rollout->max_hosts)
		return NULL;
	rollout->max_hosts += nth + 1;
	return arena_printf(draft->arena, "rollout.maxHosts: %u", rollout->max_hosts);
}

/* The window that is the longest already becomes longer, in half hours. */
static const char *edit_window(struct draft *draft, const struct asked *asked, uint32_t nth)
{
	(void)asked;
	struct spec_rollout *rollout = &draft->cluster->rollout;
	struct spec_window *windows = arena_copy(draft->arena, rollout->windows, rollout->n_windows * sizeof(*windows));
	uint32_t longest = 0;
	for (uint32_t i = 1; i < rollout->n_windows; i++)
		if (windows[i].duration_s > windows[longest].duration_s)
			longest = i;
	uint64_t duration_s = rollout->n_windows ? windows[longest].duration_s / HALF_HOUR_S : 0;
	duration_s = (duration_s + nth + 1) * HALF_HOUR_S;
	if (!rollout->n_windows || duration_s > WINDOW_MAX_S)
		return NULL;
	windows[longest].duration_s = (uint32_t)duration_s;
	rollout->windows = windows;
	bool hours = duration_s % HOUR_S == 0;
	return arena_printf(draft->arena, "rollout.windows[%u].duration: %u%s", longest,
		(uint32_t)duration_s / (hours ? HOUR_S : MINUTE_S), hours ? "h" : "m");
}

static const char *edit_stop(struct draft *draft, const struct asked *asked, uint32_t nth)
{
	(void)asked;
	if (nth || draft->cluster->rollout.stop.method != STOP_NEVER)
		return NULL;
	draft->cluster->rollout.stop.method = STOP_SHUTDOWN;
	return "rollout.stop.method: Shutdown";
}

/* ---- what may be touched ---- */

static const char *set_unmanaged(struct draft *draft, enum unmanaged_mode mode)
{
	if (draft->cluster->unmanaged >= mode)
		return NULL;
	draft->cluster->unmanaged = mode;
	return arena_printf(draft->arena, "unmanaged: %s", name_of(&unmanaged_mode_names, mode));
}

static const char *edit_cycle(struct draft *draft, const struct asked *asked, uint32_t nth)
{
	(void)asked;
	return nth ? NULL : set_unmanaged(draft, UNMANAGED_CYCLE);
}

static const char *edit_remove(struct draft *draft, const struct asked *asked, uint32_t nth)
{
	(void)asked;
	return nth ? NULL : set_unmanaged(draft, UNMANAGED_REMOVE);
}

static const char *edit_settings(struct draft *draft, const struct asked *asked, uint32_t nth)
{
	(void)asked;
	if (nth || draft->cluster->vm_settings != VM_SETTINGS_REQUIRE)
		return NULL;
	draft->cluster->vm_settings = VM_SETTINGS_ENFORCE;
	return "vmSettings: Enforce";
}

/* ---- hosts ---- */

/* All that are missing together: the rest of the cluster waits for every one of them. */
static const char *edit_maintenance(struct draft *draft, const struct asked *asked, uint32_t nth)
{
	const struct world *world = asked->plan->observed;
	g_autoptr(GString) text = g_string_new(NULL);
	for (uint32_t i = 0; !nth && i < draft->cluster->n_hosts; i++) {
		struct spec_host *line = &draft->hosts[i];
		bool is_missing = false;
		for (uint32_t k = 0; k < world->n_missing; k++)
			is_missing |= g_ascii_strcasecmp(world->missing[k].name, line->name) == 0;
		if (!is_missing || line->maintenance || line->exclude)
			continue;
		line->maintenance = true;
		g_string_append_printf(text, "%shosts[%s].maintenance: true", text->len ? " and " : "", line->name);
	}
	return text->len ? arena_strdup(draft->arena, text->str) : NULL;
}

static const char *edit_exclude(struct draft *draft, const struct asked *asked, uint32_t nth)
{
	(void)asked;
	for (uint32_t i = 0; i < draft->cluster->n_hosts; i++) {
		if (!draft->hosts[i].exclude || nth--)
			continue;
		draft->hosts[i].exclude = NULL;
		return arena_printf(draft->arena, "hosts[%s].exclude: remove it", draft->hosts[i].name);
	}
	return NULL;
}

static const char *edit_type(struct draft *draft, const struct asked *asked, uint32_t nth)
{
	(void)asked;
	enum cluster_type type = draft->cluster->type == CLUSTER_FAILOVER ? CLUSTER_STANDALONE : CLUSTER_FAILOVER;
	if (nth)
		return NULL;
	draft->cluster->type = type;
	return arena_printf(draft->arena, "type: %s", name_of(&cluster_type_names, type));
}

static bool is_a_node(const struct world *world, const char *name)
{
	for (uint32_t i = 0; i < world->n_hosts; i++)
		for (uint32_t k = 0; k < world->hosts[i].n_nodes; k++)
			if (g_ascii_strcasecmp(world->hosts[i].nodes[k].name, name) == 0)
				return true;
	return false;
}

/* Lines that are no node of the failover cluster. */
static const char *edit_hosts(struct draft *draft, const struct asked *asked, uint32_t nth)
{
	g_autoptr(GString) text = g_string_new(NULL);
	uint32_t n = 0;
	for (uint32_t i = 0; !nth && i < draft->cluster->n_hosts; i++) {
		if (is_a_node(asked->plan->observed, draft->hosts[i].name))
			draft->hosts[n++] = draft->hosts[i];
		else
			g_string_append_printf(
				text, "%shosts[%s]: remove the line", text->len ? " and " : "", draft->hosts[i].name);
	}
	draft->cluster->n_hosts = n;
	return text->len && n ? arena_strdup(draft->arena, text->str) : NULL;
}

/* ---- groups ---- */

/* Counts that some GPU lists, nearest to the wanted one first; of two as near the larger, which serves more VMs. */
static const char *edit_count(struct draft *draft, const struct asked *asked, uint32_t nth)
{
	const struct world *world = asked->plan->observed;
	struct gpu_group *group = draft_partitioned(draft);
	bool listed[PARTITION_COUNT_MAX + 1] = { false };
	for (uint32_t g = 0; g < world->n_gpus; g++)
		for (uint32_t i = 0; i < world->gpus[g].n_valid_counts; i++)
			if (world->gpus[g].valid_counts[i] <= PARTITION_COUNT_MAX)
				listed[world->gpus[g].valid_counts[i]] = true;
	int64_t wanted = group ? (int64_t)group->partition_count.value : 0;
	for (int64_t distance = 1; group && distance <= PARTITION_COUNT_MAX; distance++)
		for (int sign = 1; sign >= -1; sign -= 2) {
			int64_t count = wanted + sign * distance;
			if (count < 1 || count > PARTITION_COUNT_MAX || !listed[count] || nth--)
				continue;
			group->partition_count = KNOWN((uint64_t)count);
			return arena_printf(draft->arena, "gpus[%s].partitionCount: %u", group->name, (uint32_t)count);
		}
	return NULL;
}

static const char *set_per_host(struct draft *draft, struct gpu_group *group, uint64_t per_host)
{
	draft_passthrough(draft, group)->per_host = KNOWN(per_host);
	return arena_printf(draft->arena, "gpus[%s].passthrough.perHost: %" G_GUINT64_FORMAT, group->name, per_host);
}

static const char *edit_per_host_lower(struct draft *draft, const struct asked *asked, uint32_t nth)
{
	(void)asked;
	for (uint32_t i = 0; i < draft->cluster->n_gpus; i++) {
		const struct spec_passthrough *passthrough = draft->groups[i].passthrough;
		uint64_t now = passthrough && passthrough->per_host.known ? passthrough->per_host.value : 1;
		if (nth + 1 < now)
			return set_per_host(draft, &draft->groups[i], now - nth - 1);
		nth -= (uint32_t)(now ? now - 1 : 0);
	}
	return NULL;
}

static const char *edit_per_host_higher(struct draft *draft, const struct asked *asked, uint32_t nth)
{
	const struct spec_assignment *assignment = asked_assignment(asked, draft);
	struct gpu_group *group = NULL;
	for (uint32_t i = 0; assignment && i < draft->cluster->n_gpus; i++)
		if (strcmp(draft->groups[i].name, assignment->gpus) == 0 && draft->groups[i].passthrough)
			group = &draft->groups[i];
	if (!group || !group->passthrough->per_host.known ||
		group->passthrough->per_host.value + nth >= GPUS_PER_HOST_MAX)
		return NULL;
	return set_per_host(draft, group, group->passthrough->per_host.value + nth + 1);
}

/* The sizes are the vendor's to say; the trial takes any. */
static const char *edit_mmio(struct draft *draft, const struct asked *asked, uint32_t nth)
{
	(void)asked;
	for (uint32_t i = 0; i < draft->cluster->n_gpus; i++) {
		if (!draft->groups[i].passthrough || nth--)
			continue;
		struct spec_mmio *mmio = arena_new_of(draft->arena, struct spec_mmio);
		*mmio = (struct spec_mmio){ .low_bytes = KNOWN((uint64_t)1 << 30),
			.high_bytes = KNOWN((uint64_t)1 << 32) };
		draft_passthrough(draft, &draft->groups[i])->mmio = mmio;
		return arena_printf(draft->arena,
			"gpus[%s].passthrough.mmio: { low: ..., high: ... }, as large as the vendor of the GPU says",
			draft->groups[i].name);
	}
	return NULL;
}

static const char *edit_force(struct draft *draft, const struct asked *asked, uint32_t nth)
{
	(void)asked;
	for (uint32_t i = 0; i < draft->cluster->n_gpus; i++) {
		if (!draft->groups[i].passthrough || draft->groups[i].passthrough->dismount == DISMOUNT_FORCE || nth--)
			continue;
		draft_passthrough(draft, &draft->groups[i])->dismount = DISMOUNT_FORCE;
		return arena_printf(draft->arena,
			"gpus[%s].passthrough.dismount: Force (a security decision: Windows no longer checks that the "
			"host is protected from the GPU)",
			draft->groups[i].name);
	}
	return NULL;
}

const struct edit_row edit_rows[] = {
	{ { D_VM_NOT_FOUND }, NULL, edit_vm_host, false },
	{ { D_VM_NOT_FOUND }, NULL, edit_vm_optional, false },
	{ { D_HOST_TYPE }, NULL, edit_type, false },
	{ { D_HOST_TYPE }, NULL, edit_hosts, false },
	{ { D_HOSTS_MISSING }, NULL, edit_maintenance, false },
	{ { D_BUDGET }, NULL, edit_max_unavailable, true },
	{ { D_BUDGET }, NULL, edit_max_hosts, true },
	{ { D_WINDOW_SHORT }, NULL, edit_window, true },
	{ { D_BUDGET, D_WINDOW_SHORT }, NULL, edit_strategy, false },
	{ { D_STOP_NEVER }, NULL, edit_stop, false },
	{ { D_VM_NOT_FIT }, NULL, edit_settings, false },
	{ { D_PLACEMENT }, "placement", edit_placement, false },
	{ { D_MMIO }, NULL, edit_mmio, false },
	{ { D_UNMANAGED, D_PINNED }, NULL, edit_cycle, false },
	{ { D_UNMANAGED, D_PINNED, D_VM_AMBIGUOUS }, NULL, edit_vm_add, false },
	{ { D_NO_GPU, D_CAPACITY }, NULL, edit_per_host_higher, false },
	{ { D_NO_GPU, D_CAPACITY }, NULL, edit_device_count, false },
	{ { D_NO_GPU, D_CAPACITY }, NULL, edit_per_host_lower, false },
	{ { D_COUNT_NOT_VALID, D_CAPACITY, D_VRAM }, NULL, edit_count, false },
	{ { D_VRAM }, NULL, edit_vram, false },
	{ { D_VM_STATE }, NULL, edit_exclude, false },
	/* what takes GPUs away from VMs, or lowers a guard, only when nothing else helps */
	{ { D_UNMANAGED, D_PINNED }, NULL, edit_remove, false },
	{ { D_MITIGATION }, NULL, edit_force, false },
	{ { 0 }, NULL, NULL, false },
};
