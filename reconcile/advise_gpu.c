/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/advise_parts.h"

#include <string.h>

/* PCI ids of the models that Microsoft supports for partitions. A2 and A16 share one. */
static const char *const supported_devices[] = {
	"10DE:25B6", /* A2, A16 */
	"10DE:2235", /* A40 */
	"10DE:2236", /* A10 */
	"10DE:26B5", /* L40 */
	"10DE:26B9", /* L40S */
	"10DE:27B6", /* L2 */
	"10DE:27B8", /* L4 */
};

static const struct gpu *gpu_of(const struct advice *advice, uint32_t gpu)
{
	return &advice->wants->input->observed->gpus[gpu];
}

static bool is_partitioned(const struct advice *advice, uint32_t gpu)
{
	return advice->wants->gpus[gpu].role == ROLE_PARTITIONED && !advice->wants->gpus[gpu].excluded;
}

/* Where a finding stands is the group, so the message names the GPU. */
static const char *name_of_gpu(const struct advice *advice, uint32_t gpu)
{
	return subject_gpu(advice->wants->arena, advice->wants->input->observed, gpu);
}

static const char *failed(const struct advice *advice, uint32_t gpu)
{
	if (!advice->wants->gpus[gpu].group || gpu_of(advice, gpu)->state != GPU_FAILED)
		return NULL;
	return arena_printf(advice->wants->arena, "%s has failed and is in no rule; repair or replace it",
		name_of_gpu(advice, gpu));
}

static const char *left_dismounted(const struct advice *advice, uint32_t gpu)
{
	const struct gpu_want *want = &advice->wants->gpus[gpu];
	const struct gpu *it = gpu_of(advice, gpu);
	return !want->group && !want->excluded && it->state == GPU_DISMOUNTED && it->name
		       ? "the GPU is dismounted and no group selects it; it stays so"
		       : NULL;
}

static const char *unsupported_model(const struct advice *advice, uint32_t gpu)
{
	const struct gpu *it = gpu_of(advice, gpu);
	if (!is_partitioned(advice, gpu) || !it->device)
		return NULL;
	for (size_t i = 0; i < G_N_ELEMENTS(supported_devices); i++)
		if (g_ascii_strcasecmp(it->device, supported_devices[i]) == 0)
			return NULL;
	return arena_printf(advice->wants->arena,
		"%s (%s, device %s) is not one that Microsoft supports for partitions: NVIDIA A2, A10, A16, A40, L2, "
		"L4, L40, L40S",
		name_of_gpu(advice, gpu), it->name ? it->name : "no name", it->device);
}

static const char *differing_text(struct arena *arena, const char *what, const char *a, const char *b)
{
	return a && b && g_ascii_strcasecmp(a, b) != 0 ? arena_printf(arena, "%s %s and not %s", what, a, b) : NULL;
}

static const char *difference(struct arena *arena, const struct gpu *a, const struct gpu *b)
{
	const char *text = differing_text(arena, "device", a->device, b->device);
	if (!text)
		text = differing_text(arena, "subsystem", a->subsystem, b->subsystem);
	bool comparable = a->memory.known && b->memory.known && a->memory_unit == b->memory_unit;
	if (!text && comparable && a->memory.value != b->memory.value)
		text = arena_printf(arena, "%" G_GUINT64_FORMAT " bytes of memory and not %" G_GUINT64_FORMAT,
			a->memory.value, b->memory.value);
	return text;
}

/* The first GPU of the group is what the others are compared with. */
static const char *unlike_its_siblings(const struct advice *advice, uint32_t gpu)
{
	uint32_t first = 0;
	while (first < gpu && !is_partitioned(advice, first))
		first++;
	if (first >= gpu || !is_partitioned(advice, gpu))
		return NULL;
	const char *text = difference(advice->wants->arena, gpu_of(advice, gpu), gpu_of(advice, first));
	if (!text)
		return NULL;
	return arena_printf(advice->wants->arena,
		"%s has %s, as %s has; GPUs of a partitioned group must be of one make, model and size",
		name_of_gpu(advice, gpu), text, name_of_gpu(advice, first));
}

static const struct advice_rule gpu_rules[] = {
	{ D_GPU_FAILED, failed },
	{ D_GROUP_LEFT, left_dismounted },
	{ D_GPU_MODEL, unsupported_model },
	{ D_GPU_UNLIKE, unlike_its_siblings },
};

void advise_gpu(const struct advice *advice, uint32_t gpu)
{
	const struct gpu_group *group = advice->wants->gpus[gpu].group;
	advise_by(advice, gpu_rules, G_N_ELEMENTS(gpu_rules), gpu, group ? group->head.loc : LOC_NONE, subject_gpu);
}
