/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/host/host.h"
#include "base/text.h"
#include "providers/host/fault.h"
#include "providers/host/hyperv.h"
#include "providers/host/record.h"
#include "providers/host/replay.h"
#include "providers/host/sim.h"
#include "providers/host/snapshot.h"

#include <string.h>

NAMES_DEFINE(host_error_names, HOST_ERRORS);
NAMES_DEFINE(request_kind_names, REQUESTS);

const struct host_error_row host_error_rows[HOST_ERROR_COUNT] = {
	[HOST_OK] = { false, "done" },
	[HOST_UNREACHABLE] = { true, "the host did not answer; check network, address and that the service runs" },
	[HOST_TIMEOUT] = { true, "no answer within the deadline; the step is an ensure and can be repeated" },
	[HOST_DENIED] = { false, "the account that hvgpu has on this host lacks rights: it must be in the host's "
				 "Administrators group and, in a "
				 "failover cluster, have full access to the cluster (Grant-ClusterAccess)" },
	[HOST_NOT_FOUND] = { false, "the VM, GPU, adapter or pool is not on this host any more; plan again" },
	[HOST_INVALID_STATE] = { false, "the VM or GPU must be in another state first, mostly: the VM must be Off" },
	[HOST_IN_USE] = { false, "a VM holds the GPU or partition; take it away from the VM first" },
	[HOST_INVALID_PARAMETER] = { false,
		"the host does not take this value, for example a count that the GPU does not list" },
	[HOST_NO_RESOURCES] = { false,
		"no partition with room, no free device of the pool, or too little MMIO space (error 0x800705AA)" },
	[HOST_POLICY] = { false, "RequireSecureDeviceAssignment or RequireSupportedDeviceAssignment refuse this "
				 "device; see its driver" },
	[HOST_NOT_SUPPORTED] = { false, "this build, VM generation, driver or device cannot do it" },
	[HOST_CHECKPOINT] = { false, "a VM with a partition cannot be checkpointed; turn automatic checkpoints off" },
	[HOST_UNEXPECTED_FACTS] = { false, "somebody changed the host meanwhile; plan again" },
	[HOST_LEASE_HELD] = { false, "another run is changing this host; wait until it is done" },
	[HOST_LEASE_LOST] = { false, "a newer run took over, or the lease went away; run again" },
	[HOST_READ_ONLY] = { false, "a snapshot is only looked at; give the address of the host itself" },
	[HOST_PROTOCOL] = { false, "the host's answer could not be understood; check that versions match" },
	[HOST_FAILED] = { false, "the host refused, in the words before this; mend that and run again" },
};

static const struct host_provider *const providers[] = { &sim_provider, &snapshot_provider, &hyperv_local_provider,
	&hyperv_ssh_provider, &fault_provider, &record_provider, &replay_provider, NULL };

static const struct host_provider *added; /* by a test */

void host_provider_add(const struct host_provider *provider)
{
	added = provider;
}

const struct host_provider *const *host_providers(void)
{
	return providers;
}

/* What was most likely meant by an address without one of the schemes: a file, a host, or a slip in the scheme. */
static const char *hint_for(const char *address, struct arena *arena)
{
	const char *dot = strrchr(address, '.'), *colon = strchr(address, ':');
	const char *schemes[G_N_ELEMENTS(providers)] = { NULL };
	size_t n = 0;
	if (!colon && dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml") || !strcmp(dot, ".json")))
		return arena_printf(
			arena, "; write snapshot:%s to look at it, or sim:%s to have it played", address, address);
	if (!colon)
		return arena_printf(
			arena, "; write ssh://%s%s for a Hyper-V host", strchr(address, '@') ? "" : "USER@", address);
	for (; providers[n]; n++)
		schemes[n] = providers[n]->scheme;
	return text_meant(arena, arena_printf(arena, "%.*s", (int)(colon - address), address), schemes, n);
}

const struct host_provider *host_provider_for(const char *address, struct diags *diags)
{
	const char *colon = strchr(address, ':');
	size_t len = colon ? (size_t)(colon - address) : 0;
	g_autoptr(GString) schemes = g_string_new(NULL);
	if (added && strlen(added->scheme) == len && !strncmp(address, added->scheme, len))
		return added;
	for (const struct host_provider *const *p = providers; *p; p++) {
		if (len && strlen((*p)->scheme) == len && !strncmp(address, (*p)->scheme, len))
			return *p;
		g_string_append_printf(schemes, "%s%s:", schemes->len ? ", " : "", (*p)->scheme);
	}
	diag_add(diags, D_HOST_SCHEME, LOC_NONE, NULL, "'%s' is no address of hosts; it must start with one of %s%s",
		address, schemes->str, hint_for(address, diags->arena));
	return NULL;
}

int host_open(GMainContext *context, const struct endpoint *endpoint, struct host_session **out, struct diags *diags)
{
	const struct host_provider *provider = host_provider_for(endpoint->address, diags);
	return provider ? provider->open(context, endpoint, out, diags) : -1;
}

void host_submit(
	struct host_session *session, const struct request *request, reply_fn *reply, progress_fn *progress, void *user)
{
	session->provider->submit(session, request, reply, progress, user);
}

void host_close(struct host_session *session)
{
	if (session)
		session->provider->close(session);
}
