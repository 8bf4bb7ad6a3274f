/* SPDX-License-Identifier: Apache-2.0 */
/* One refusal each: a count of the whole group, the role of a GPU, the wish of a VM. Said once. */
#include "reconcile/refuse.h"

#include <stdarg.h>

void refuse_count(struct wants *wants, enum diag_code code, const char *fmt, ...)
{
	if (wants->count_refused)
		return;
	va_list args;
	va_start(args, fmt);
	g_autofree char *reason = g_strdup_vprintf(fmt, args);
	va_end(args);
	wants->count_refused = true;
	const struct gpu_group *group = wants->partitioned;
	wants_refuse(wants, code, group ? head_loc(&group->head, "partitionCount") : LOC_NONE,
		arena_printf(wants->arena, "group/%s", group ? group->name : "?"),
		arena_printf(wants->arena, "partition count %" G_GUINT64_FORMAT, wants->count.value), "%s", reason);
}

void refuse_role(struct wants *wants, uint32_t gpu, enum diag_code code, const char *fmt, ...)
{
	struct gpu_want *want = &wants->gpus[gpu];
	if (want->refused)
		return;
	va_list args;
	va_start(args, fmt);
	g_autofree char *reason = g_strdup_vprintf(fmt, args);
	va_end(args);
	want->refused = true;
	wants_refuse(wants, code,
		want->group ? head_loc(&want->group->head,
				      want->role == ROLE_PASSTHROUGH ? "passthrough" : "partitionCount")
			    : LOC_NONE,
		subject_gpu(wants->arena, wants->input->observed, gpu), name_of(&gpu_role_names, want->role), "%s",
		reason);
}

void refuse_vm(struct wants *wants, uint32_t vm, enum diag_code code, const char *fmt, ...)
{
	struct vm_want *want = &wants->vms[vm];
	if (want->refused)
		return;
	va_list args;
	va_start(args, fmt);
	g_autofree char *reason = g_strdup_vprintf(fmt, args);
	va_end(args);
	want->refused = true;
	const char *what = want->ownership == VM_OURS                ? "taking its GPU back"
			   : want->group && want->group->passthrough ? "whole GPU"
								     : "partition";
	wants_refuse(wants, code, want->loc, subject_vm(wants->arena, wants->input->observed, vm), what, "%s", reason);
}

void refuse_parts(struct wants *wants, uint32_t vm, enum diag_code code, const char *reason)
{
	if (wants->vms[vm].parts_stay)
		return;
	wants->vms[vm].parts_stay = true;
	wants_refuse(wants, code, wants->vms[vm].loc, subject_vm(wants->arena, wants->input->observed, vm),
		"what it is owed", "%s", reason);
	g_array_index(wants->refusals, struct refusal, wants->refusals->len - 1).stays_owed = true;
}
