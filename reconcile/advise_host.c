/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/advise_parts.h"

#include <string.h>

enum { BUILD_SERVER_2025 = 26100 };

static const struct host *host_of(const struct advice *advice, uint32_t host)
{
	return &advice->wants->input->observed->hosts[host];
}

static const char *old_build(const struct advice *advice, uint32_t host)
{
	const struct host *it = host_of(advice, host);
	if (!it->os_build.known || it->os_build.value >= BUILD_SERVER_2025)
		return NULL;
	return arena_printf(advice->wants->arena,
		"'%s' runs build %" G_GUINT64_FORMAT
		"; GPU partitioning needs Windows Server 2025 (build 26100) or later",
		it->name, it->os_build.value);
}

static const char *lesser_edition(const struct advice *advice, uint32_t host)
{
	const struct host *it = host_of(advice, host);
	if (!it->cluster_name || !it->edition || strstr(it->edition, "Datacenter"))
		return NULL;
	return arena_printf(advice->wants->arena,
		"'%s' runs edition '%s'; partitions in failover clusters need the Datacenter edition", it->name,
		it->edition);
}

static const char *no_sriov(const struct advice *advice, uint32_t host)
{
	const struct host *it = host_of(advice, host);
	if (it->sriov != TRI_NO)
		return NULL;
	return arena_printf(advice->wants->arena, "'%s' reports no SR-IOV (%s); enable it in the BIOS", it->name,
		it->sriov_reasons ? it->sriov_reasons : "no reason given");
}

static const char *demanding_key(const struct host *host)
{
	if (host->require_secure_assignment == TRI_YES)
		return "RequireSecureDeviceAssignment";
	return host->require_supported_assignment == TRI_YES ? "RequireSupportedDeviceAssignment" : NULL;
}

/* Only a paravirtualized GPU is known not to meet the policy. */
static const char *refusing_policy(const struct advice *advice, uint32_t host)
{
	const struct host *it = host_of(advice, host);
	const struct world *world = advice->wants->input->observed;
	for (uint32_t g = it->first_gpu; g < it->first_gpu + it->n_gpus; g++)
		if (demanding_key(it) && world->gpus[g].state == GPU_PARAVIRTUALIZED)
			return arena_printf(advice->wants->arena,
				"'%s' has the policy %s, and its GPU at %s is paravirtualized: a VM that gets a "
				"partition "
				"of it does not start",
				it->name, demanding_key(it), world->gpus[g].location_path);
	return NULL;
}

static const struct advice_rule host_rules[] = {
	{ D_PLATFORM, old_build },
	{ D_PLATFORM, lesser_edition },
	{ D_SRIOV, no_sriov },
	{ D_POLICY, refusing_policy },
};

void advise_host(const struct advice *advice, uint32_t host)
{
	advise_by(advice, host_rules, G_N_ELEMENTS(host_rules), host, LOC_NONE, subject_host);
}
