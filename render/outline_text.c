/* SPDX-License-Identifier: Apache-2.0 */
/* The phrases of outline.h. */
#include "render/outline.h"
#include "render/print.h"

#include <string.h>

static const struct phrase {
	const char *what; /* of a change that goes from one value to another */
	const char *added, *removed;
} change_phrases[CHANGE_KIND_COUNT] = {
	[CHANGE_COUNT] = { .what = "partitions" },
	[CHANGE_GPU_STATE] = { .what = "state" },
	[CHANGE_POOL] = { .added = "is created" },
	[CHANGE_POOL_MEMBER] = { .what = "resource pool" },
	[CHANGE_ADAPTER_ADDED] = { .added = "gets a partition" },
	[CHANGE_ADAPTER_REMOVED] = { .removed = "loses its partition" },
	[CHANGE_DEVICE_ADDED] = { .added = "gets a whole GPU" },
	[CHANGE_DEVICE_REMOVED] = { .removed = "loses its whole GPU" },
	[CHANGE_HOST] = { .what = "host" },
	[CHANGE_OFFLINE_ACTION] = { .what = "cluster offline action" },
	[CHANGE_AUTOMATIC_CHECKPOINTS] = { .what = "automatic checkpoints" },
	[CHANGE_STOP_ACTION] = { .what = "automatic stop action" },
	[CHANGE_CACHE_CONTROL] = { .what = "guest-controlled cache types" },
	[CHANGE_MMIO_LOW] = { .what = "low MMIO space" },
	[CHANGE_MMIO_HIGH] = { .what = "high MMIO space" },
	[CHANGE_POWER] = { .what = "power" },
};

char outline_sign(const struct change *change)
{
	const struct phrase *phrase = &change_phrases[change->kind];
	return phrase->added ? '+' : phrase->removed ? '-' : '~';
}

static void put_value(GString *out, const struct change *change, const char *text)
{
	guint64 bytes;
	bool size = change->kind == CHANGE_MMIO_LOW || change->kind == CHANGE_MMIO_HIGH;
	if (size && text && g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, &bytes, NULL))
		print_size(out, bytes);
	else
		print_text(out, text ? text : "none");
}

void outline_change(GString *out, const struct change *change, const struct style *style)
{
	const struct phrase *phrase = &change_phrases[change->kind];
	if (phrase->added || phrase->removed) {
		const char *of = phrase->added ? change->after : change->before;
		g_string_append(out, phrase->added ? phrase->added : phrase->removed);
		if (of && (change->kind == CHANGE_DEVICE_ADDED || change->kind == CHANGE_DEVICE_REMOVED)) {
			g_string_append(out, ": ");
			print_text(out, of);
		}
		return;
	}
	g_string_append_printf(out, "%s ", phrase->what);
	put_value(out, change, change->before);
	g_string_append_printf(out, " %s ", print_arrow(style));
	put_value(out, change, change->after);
}

void outline_subject(GString *out, const struct plan *plan, const struct change *change)
{
	const struct world *world = plan->observed;
	if (change->gpu < world->n_gpus) {
		g_string_append(out, "GPU ");
		print_text(out, world->gpus[change->gpu].location_path);
		if (world->gpus[change->gpu].name) {
			g_string_append(out, " (");
			print_text(out, world->gpus[change->gpu].name);
			g_string_append_c(out, ')');
		}
	} else if (change->vm < world->n_vms) {
		g_string_append(out, "VM ");
		print_text(out, world->vms[change->vm].name);
	} else {
		g_string_append(out, "pool ");
		print_text(out, change->pool ? change->pool : change->subject);
	}
}

/* ---- steps ---- */

static const struct title {
	const char *verb, *one, *many, *tail;
} titles[STEP_KIND_COUNT] = {
	[STEP_STOP_VM] = { "stop", "VM", "VMs" },
	[STEP_START_VM] = { "start", "VM", "VMs" },
	[STEP_MOVE_VM] = { "move", "VM", "VMs" },
	[STEP_SET_OFFLINE_ACTION] = { "set the cluster offline action of", "VM", "VMs" },
	[STEP_CONFIGURE_VM] = { "change settings of", "VM", "VMs" },
	[STEP_REMOVE_ADAPTER] = { "remove the partition adapter from", "VM", "VMs" },
	[STEP_ADD_ADAPTER] = { "add a partition adapter to", "VM", "VMs" },
	[STEP_REMOVE_DEVICE] = { "remove the whole GPU from", "VM", "VMs" },
	[STEP_ADD_DEVICE] = { "add a whole GPU to", "VM", "VMs" },
	[STEP_SET_COUNT] = { "set the partitions of", "GPU", "GPUs" },
	[STEP_DISMOUNT_GPU] = { "dismount", "GPU", "GPUs" },
	[STEP_MOUNT_GPU] = { "mount", "GPU", "GPUs" },
	[STEP_CREATE_POOL] = { "create", "resource pool", "resource pools" },
	[STEP_ADD_TO_POOL] = { "add", "GPU", "GPUs", " to" },
	[STEP_REMOVE_FROM_POOL] = { "remove", "GPU", "GPUs", " from" },
};

const char *outline_target(const struct step *step)
{
	const char *target = step->kind <= STEP_ADD_DEVICE    ? step->vm_name
			     : step->kind == STEP_CREATE_POOL ? step->pool
							      : step->location_path;
	return target ? target : "?";
}

static bool same_count_before(const struct outline_group *group)
{
	for (uint32_t i = 0; i < group->n; i++)
		if (group->steps[i]->count_before != group->steps[0]->count_before ||
			group->steps[i]->count_before == 0)
			return false;
	return true;
}

static bool same_pool(const struct outline_group *group)
{
	for (uint32_t i = 1; i < group->n; i++)
		if (g_strcmp0(group->steps[i]->pool, group->steps[0]->pool) != 0)
			return false;
	return true;
}

/* A VM that is off moves too; it is a live move that people look out for. */
static void put_where(GString *out, const struct outline_group *group)
{
	const struct step *first = group->steps[0];
	bool same = true;
	for (uint32_t i = 1; i < group->n; i++)
		same &= g_strcmp0(group->steps[i]->to_host, first->to_host) == 0;
	if (first->live)
		g_string_append(out, " live");
	if (same && first->to_host) {
		g_string_append(out, " to ");
		print_text(out, first->to_host);
	}
}

void outline_group_title(GString *out, const struct outline_group *group)
{
	const struct step *first = group->steps[0];
	const struct title *title = &titles[first->kind];
	g_string_append_printf(out, "%s ", title->verb);
	print_n(out, group->n, title->one, title->many);
	if (first->kind == STEP_SET_COUNT && same_count_before(group))
		g_string_append_printf(out, " from %u to %u", first->count_before, first->count);
	else if (first->kind == STEP_SET_COUNT)
		g_string_append_printf(out, " to %u", first->count);
	else if (first->kind == STEP_MOVE_VM)
		put_where(out, group);
	if (!title->tail)
		return;
	g_string_append_printf(out, "%s ", title->tail);
	if (same_pool(group)) {
		g_string_append(out, "pool ");
		print_text(out, first->pool);
	} else {
		g_string_append(out, "their pools");
	}
}

void outline_group_ids(GString *out, const struct outline_group *group)
{
	enum { RANGES_MAX = 4 };
	uint32_t n_ranges = 0;
	for (uint32_t i = 0; i < group->n;) {
		uint32_t from = group->steps[i]->id, to = from;
		while (++i < group->n && group->steps[i]->id == to + 1)
			to++;
		if (n_ranges == RANGES_MAX) {
			g_string_append_printf(out, ",..%u", group->steps[group->n - 1]->id);
			return;
		}
		g_string_append_printf(out, "%s%u", n_ranges++ ? "," : "", from);
		if (to > from)
			g_string_append_printf(out, "-%u", to);
	}
}

const char *outline_group_why(const struct outline_group *group)
{
	static const char *const common[STEP_CAUSE_COUNT] = {
		[CAUSE_WANTED] = "the manifests ask for it",
		[CAUSE_DRAIN] = "a VM must let go of a GPU while that one changes",
		[CAUSE_RETURN] = "gives back what was taken for the change",
		[CAUSE_EXCHANGE] = "makes way for the VM's GPU of the other kind",
		[CAUSE_UNPIN] = "comes again without its pin, to a GPU that changes its role",
		[CAUSE_VM_OFF] = "the VM must be off for another change of its own",
		[CAUSE_UNMANAGED] = "it is in the way, no manifest names it, and 'unmanaged' is Remove",
		[CAUSE_PRUNE] = "we assigned it, and no manifest mentions it any more",
		[CAUSE_DEBT] = "an earlier run owes it",
		[CAUSE_PLATFORM] = "GPU-P or DDA demands it of a VM",
		[CAUSE_ROOM] = "the VM's host has no place for it",
	};
	for (uint32_t i = 1; i < group->n; i++)
		if (g_strcmp0(group->steps[i]->why, group->steps[0]->why) != 0)
			return common[group->steps[0]->cause];
	return group->steps[0]->why ? group->steps[0]->why : common[group->steps[0]->cause];
}

static void put_metric(GString *out, uint32_t cost, const uint32_t *least, const char *one, const char *many)
{
	print_n(out, cost, one, many);
	if (least && (cost || *least))
		g_string_append_printf(out, " (least possible %s%u)", cost > *least ? "at least " : "", *least);
	g_string_append(out, ", ");
}

static void put_cost(GString *out, const struct cost *cost, const struct plan_least *least)
{
	put_metric(out, cost->vms_stopped, least ? &least->vms_stopped : NULL, "restart", "restarts");
	put_metric(out, cost->vms_moved, least ? &least->vms_moved : NULL, "move", "moves");
	put_metric(out, cost->role_changes, least ? &least->role_changes : NULL, "role change", "role changes");
	print_n(out, cost->steps, "step", "steps");
	if (cost->seconds) {
		g_string_append(out, ", about ");
		print_duration(out, cost->seconds);
	}
}

void outline_cost(GString *out, const struct cost *cost)
{
	put_cost(out, cost, NULL);
}

void outline_plan_cost(GString *out, const struct plan *plan)
{
	put_cost(out, &plan->cost, plan->least.known ? &plan->least : NULL);
}

void outline_refused(GString *out, uint32_t n)
{
	if (!n)
		return;
	g_string_append(out, ", ");
	print_n(out, n, "thing refused", "things refused");
}

void outline_headline(GString *out, const struct plan *plan)
{
	if (plan->n_steps)
		outline_plan_cost(out, plan);
	else
		g_string_append(out, plan->n_refusals                       ? "nothing can be done"
				     : plan->incomplete_hosts               ? "no steps"
				     : plan->diags && plan->diags->n_errors ? "nothing can be done"
									    : "nothing to do");
	outline_refused(out, plan->n_refusals);
}

void outline_budget(GString *out, const struct plan_budget *budget)
{
	if (!budget->peak && !budget->set) {
		g_string_append(out, "maxUnavailable sets no limit");
		return;
	}
	g_string_append_printf(out, "down at once: %u of %u", budget->peak, budget->of);
	if (budget->set)
		g_string_append_printf(out, ", %u allowed", budget->allowed);
}

bool outline_mixed(GString *out, const struct plan *plan)
{
	const struct plan_mixed *mixed = &plan->mixed;
	if (!mixed->set)
		return false;
	g_string_append(out, "rolling: the hosts differ in their partition counts from ");
	print_text(out, mixed->first_host);
	g_string_append(out, " to ");
	print_text(out, mixed->last_host);
	g_string_append(out, " for about ");
	print_duration(out, mixed->seconds);
	return true;
}

bool outline_is_refusal(const struct plan *plan, const struct diag *diag)
{
	for (uint32_t i = 0; i < plan->n_refusals; i++) {
		const struct refusal *refusal = &plan->refusals[i];
		if (refusal->code == diag->code && refusal->reason && g_str_has_suffix(diag->message, refusal->reason))
			return true;
	}
	return false;
}

void outline_refusal(GString *out, const struct refusal *refusal, const struct style *style)
{
	g_string_append(out, "      ");
	print_text(out, refusal->reason);
	g_string_append_printf(out, " [%s]\n", diag_codes[refusal->code].id);
	for (uint32_t i = 0; i < refusal->n_facts; i++) {
		g_string_append(out, i ? "               " : "      because: ");
		print_text(out, refusal->facts[i]);
		g_string_append_c(out, '\n');
	}
	if (!refusal->remedy)
		return;
	print_on(out, style, COLOUR_GREEN);
	g_string_append(out, "      would do:");
	print_off(out, style);
	g_string_append_c(out, ' ');
	print_text(out, refusal->remedy);
	g_string_append_c(out, '\n');
}
