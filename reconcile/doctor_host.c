/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/doctor_parts.h"

#include <string.h>

enum { BUILD_SERVER_2025 = 26100 };

enum doctor_state doctor_build(
	struct arena *arena, const struct doctor_facts *facts, const char **seen, const char **remedy)
{
	(void)remedy;
	if (!facts->state || !facts->state->host.os_build.known)
		return DOCTOR_UNKNOWN;
	uint64_t build = facts->state->host.os_build.value;
	*seen = arena_printf(arena, "%" G_GUINT64_FORMAT, build);
	return build < BUILD_SERVER_2025 ? DOCTOR_WARNING : DOCTOR_OK;
}

enum doctor_state doctor_edition(
	struct arena *arena, const struct doctor_facts *facts, const char **seen, const char **remedy)
{
	(void)arena, (void)remedy;
	if (!facts->state || !facts->state->host.edition)
		return DOCTOR_UNKNOWN;
	*seen = facts->state->host.edition;
	bool is_lesser = facts->state->host.cluster_name && !strstr(facts->state->host.edition, "Datacenter");
	return is_lesser ? DOCTOR_WARNING : DOCTOR_OK;
}

static uint32_t count(const struct host_state *state, enum gpu_state of)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < state->n_gpus; i++)
		n += state->gpus[i].state == of;
	return n;
}

/* GPUs that are partitionable show that it is on, whatever the network's part of SR-IOV lacks. */
enum doctor_state doctor_sriov(
	struct arena *arena, const struct doctor_facts *facts, const char **seen, const char **remedy)
{
	(void)remedy;
	if (!facts->state || facts->state->host.sriov == TRI_UNKNOWN)
		return DOCTOR_UNKNOWN;
	if (facts->state->host.sriov == TRI_YES) {
		*seen = "on";
		return DOCTOR_OK;
	}
	const char *reasons = facts->state->host.sriov_reasons;
	*seen = arena_printf(arena, "off: %s", reasons ? reasons : "Windows gives no reason");
	return count(facts->state, GPU_PARTITIONABLE) ? DOCTOR_WARNING : DOCTOR_FAILED;
}

/* Whether the GPUs came at all: in an observation that failed they may not have. */
static bool has_gpus(const struct doctor_facts *facts)
{
	return facts->state && (facts->error == HOST_OK || facts->state->n_gpus);
}

static enum doctor_state judge_gpus(const struct host_state *state, const char **remedy)
{
	uint32_t n_useful = count(state, GPU_PARTITIONABLE) + count(state, GPU_DISMOUNTED);
	if (!state->n_gpus)
		*remedy = "see that the GPU is in its slot, enabled in the BIOS, and a display device in the device "
			  "manager";
	else if (count(state, GPU_FAILED))
		*remedy = "see the failed device in the device manager; its driver or the GPU itself has a fault";
	else if (count(state, GPU_PARAVIRTUALIZED))
		*remedy = "paravirtualized is a desktop GPU, or one whose host has SR-IOV off: turn it on in the BIOS, "
			  "and "
			  "install the vendor's vGPU host driver";
	if (!n_useful)
		return DOCTOR_FAILED;
	return n_useful < state->n_gpus ? DOCTOR_WARNING : DOCTOR_OK;
}

enum doctor_state doctor_gpus(
	struct arena *arena, const struct doctor_facts *facts, const char **seen, const char **remedy)
{
	if (!has_gpus(facts))
		return DOCTOR_UNKNOWN;
	const struct host_state *state = facts->state;
	g_autoptr(GString) text = g_string_new(state->n_gpus ? NULL : "no GPU");
	for (int of = 0; of < GPU_STATE_COUNT; of++) {
		uint32_t n = count(state, (enum gpu_state)of);
		if (n)
			g_string_append_printf(
				text, "%s%u %s", text->len ? ", " : "", n, name_of(&gpu_state_names, of));
	}
	*seen = arena_strdup(arena, text->str);
	return judge_gpus(state, remedy);
}

/* The keys as they are: demanded is Windows' default. Only a paravirtualized GPU is known not to meet them. */
enum doctor_state doctor_policy(
	struct arena *arena, const struct doctor_facts *facts, const char **seen, const char **remedy)
{
	(void)arena, (void)remedy;
	if (!facts->state)
		return DOCTOR_UNKNOWN;
	const struct host *host = &facts->state->host;
	if (host->require_secure_assignment == TRI_UNKNOWN || host->require_supported_assignment == TRI_UNKNOWN)
		return DOCTOR_UNKNOWN;
	bool secure = host->require_secure_assignment == TRI_YES,
	     supported = host->require_supported_assignment == TRI_YES;
	if (count(facts->state, GPU_PARAVIRTUALIZED) && (secure || supported)) {
		*seen = "demands what a paravirtualized GPU does not have: a VM with its partition does not start";
		return DOCTOR_WARNING;
	}
	*seen = secure && supported ? "devices must be secure and supported, as by default"
		: secure            ? "devices need not be supported"
		: supported         ? "devices need not be secure"
				    : "devices need be neither secure nor supported";
	return secure && supported ? DOCTOR_OK : DOCTOR_WARNING;
}
