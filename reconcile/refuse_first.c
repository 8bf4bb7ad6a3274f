/* SPDX-License-Identifier: Apache-2.0 */
/* What can be seen without a goal. */
#include "reconcile/refuse.h"

static const char *counts_text(struct wants *wants, const struct gpu *gpu)
{
	g_autoptr(GString) text = g_string_new(NULL);
	for (uint32_t i = 0; i < gpu->n_valid_counts; i++)
		g_string_append_printf(text, "%s%u", i ? ", " : "", gpu->valid_counts[i]);
	return arena_strdup(wants->arena, text->str);
}

static bool is_maintained(const struct wants *wants, const char *host)
{
	const struct spec_host *line = cluster_find_host(wants->input->cluster, host);
	return line && (line->maintenance || line->exclude);
}

static const char *missing_host(const struct wants *wants)
{
	const struct world *world = wants->input->observed;
	for (uint32_t i = 0; i < world->n_missing; i++)
		if (!is_maintained(wants, world->missing[i].name))
			return world->missing[i].name;
	return NULL;
}

static bool wants_role_change(const struct wants *wants, uint32_t gpu)
{
	enum gpu_state state = wants->input->observed->gpus[gpu].state;
	if (wants->gpus[gpu].excluded || state == GPU_FAILED)
		return false;
	return (wants->gpus[gpu].role == ROLE_PASSTHROUGH && state != GPU_DISMOUNTED) ||
	       (wants->gpus[gpu].role == ROLE_PARTITIONED && state == GPU_DISMOUNTED);
}

static bool wants_count_change(const struct wants *wants, uint32_t gpu)
{
	const struct gpu *it = &wants->input->observed->gpus[gpu];
	return wants->gpus[gpu].role == ROLE_PARTITIONED && !wants->gpus[gpu].excluded && wants->count.known &&
	       (it->state == GPU_PARTITIONABLE || it->state == GPU_DISMOUNTED) &&
	       !maybe_is(it->count, wants->count.value);
}

static void refuse_state(struct wants *wants, uint32_t gpu)
{
	const struct gpu *it = &wants->input->observed->gpus[gpu];
	enum gpu_role role = wants->gpus[gpu].role;
	if (role != ROLE_PARTITIONED || wants->gpus[gpu].excluded)
		return;
	if (it->state == GPU_PARAVIRTUALIZED)
		refuse_role(wants, gpu, D_GPU_STATE,
			"the host lists the GPU as paravirtualized; enable SR-IOV in its BIOS and install the vGPU "
			"host driver");
	else if (it->state == GPU_PLAIN || it->state == GPU_DISABLED)
		refuse_role(wants, gpu, D_GPU_STATE,
			"the GPU is %s; enable it and install the vendor's vGPU host driver, which no cmdlet can do",
			it->state == GPU_PLAIN ? "not partitionable with the driver it has" : "disabled");
}

static void refuse_mitigation(struct wants *wants, uint32_t gpu)
{
	const struct gpu *it = &wants->input->observed->gpus[gpu];
	const struct gpu_want *want = &wants->gpus[gpu];
	if (want->role != ROLE_PASSTHROUGH || !wants_role_change(wants, gpu) ||
		want->group->passthrough->dismount == DISMOUNT_FORCE)
		return;
	if (it->mitigation_driver == TRI_NO)
		refuse_role(wants, gpu, D_MITIGATION,
			"the GPU has no mitigation driver; install it, or allow 'passthrough.dismount: Force'");
	else if (it->mitigation_driver == TRI_UNKNOWN)
		diag_add(wants->diags, D_MITIGATION_UNKNOWN, head_loc(&want->group->head, "passthrough"),
			subject_gpu(wants->arena, wants->input->observed, gpu),
			"the host cannot tell whether a mitigation driver is there; without one the dismount is "
			"refused");
}

static void refuse_missing(struct wants *wants)
{
	const char *missing = missing_host(wants);
	if (!missing)
		return;
	for (uint32_t g = 0; g < wants->input->observed->n_gpus; g++) {
		if (wants_count_change(wants, g))
			refuse_count(wants, D_HOSTS_MISSING,
				"host '%s' was not observed, and all GPUs of a cluster change together; bring it back "
				"or mark it "
				"'maintenance: true'",
				missing);
		if (wants_role_change(wants, g))
			refuse_role(wants, g, D_HOSTS_MISSING,
				"host '%s' was not observed; bring it back or mark it 'maintenance: true'", missing);
	}
}

static void refuse_invalid_count(struct wants *wants, uint32_t gpu)
{
	const struct world *world = wants->input->observed;
	if (wants->gpus[gpu].role != ROLE_PARTITIONED || wants->gpus[gpu].excluded || wants->gpus[gpu].refused ||
		world->gpus[gpu].state == GPU_FAILED || !wants->count.known)
		return;
	const struct gpu *lists = resolve_counts_from(world, gpu);
	if (lists && !gpu_lists_count(lists, (uint32_t)wants->count.value))
		refuse_count(wants, D_COUNT_NOT_VALID, "%s lists %s; choose one of these",
			subject_gpu(wants->arena, world, gpu), counts_text(wants, lists));
}

void refuse_first(struct wants *wants)
{
	if (!wants->input->cluster || wants->input->mode != PLAN_APPLY)
		return;
	for (uint32_t g = 0; g < wants->input->observed->n_gpus; g++) {
		refuse_state(wants, g);
		refuse_mitigation(wants, g);
		refuse_invalid_count(wants, g);
	}
	refuse_missing(wants);
}
