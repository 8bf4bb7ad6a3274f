/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/resolve.h"

#include <string.h>

/* What Hyper-V itself needs besides the devices: 128 MB below 4 GB, 512 MB above (facts/hyperv.md section 1.5). */
#define BUFFER_LOW_BYTES ((uint64_t)128 << 20)
#define BUFFER_HIGH_BYTES ((uint64_t)512 << 20)

static bool same_text(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static struct mmio_need noted(const struct world *world, const struct gpu *gpu)
{
	const struct host *host = &world->hosts[gpu->host];
	for (uint32_t i = 0; i < host->n_noted; i++)
		if (strcmp(host->noted[i].location_path, gpu->location_path) == 0)
			return (struct mmio_need){ KNOWN(host->noted[i].low_bytes), KNOWN(host->noted[i].high_bytes) };
	return (struct mmio_need){ 0 };
}

/* One GPU's ranges: its own, those of an enabled sibling of the same subsystem, or what was noted before the dismount. */
static struct mmio_need of_gpu(const struct world *world, const struct gpu *gpu)
{
	if (gpu->mmio_low_bytes.known && gpu->mmio_high_bytes.known)
		return (struct mmio_need){ gpu->mmio_low_bytes, gpu->mmio_high_bytes };
	for (uint32_t i = 0; i < world->n_gpus; i++) {
		const struct gpu *sibling = &world->gpus[i];
		if (sibling->mmio_low_bytes.known && sibling->mmio_high_bytes.known &&
			same_text(sibling->subsystem, gpu->subsystem) && same_text(sibling->device, gpu->device))
			return (struct mmio_need){ sibling->mmio_low_bytes, sibling->mmio_high_bytes };
	}
	return noted(world, gpu);
}

struct mmio_need resolve_mmio(const struct wants *wants, const struct gpu_group *group, uint32_t vm, uint32_t n)
{
	const struct world *world = wants->input->observed;
	const struct spec_mmio *line = group->passthrough ? group->passthrough->mmio : NULL;
	struct mmio_need need = { 0 };
	if (line && line->low_bytes.known && line->high_bytes.known)
		return (struct mmio_need){ line->low_bytes, line->high_bytes };
	for (uint32_t g = 0; g < world->n_gpus && !need.low_bytes.known; g++) {
		if (wants->gpus[g].group != group || world->gpus[g].host != world->vms[vm].host)
			continue;
		struct mmio_need one = of_gpu(world, &world->gpus[g]);
		if (one.low_bytes.known)
			need = (struct mmio_need){ KNOWN(one.low_bytes.value * n + BUFFER_LOW_BYTES),
				KNOWN(one.high_bytes.value * n + BUFFER_HIGH_BYTES) };
	}
	if (line && line->low_bytes.known)
		need.low_bytes = line->low_bytes;
	if (line && line->high_bytes.known)
		need.high_bytes = line->high_bytes;
	return need;
}
