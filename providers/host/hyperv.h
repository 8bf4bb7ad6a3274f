/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real Hyper-V hosts: one PowerShell per session, which runs the agent of providers/host/hyperv/agent and is spoken to as
 * docs/agent-protocol.md says. Schemes: 'local:' for this machine, 'ssh://[USER@]HOST[:PORT]' through the system's
 * ssh, with its configuration, agent, jump hosts and known_hosts.
 *
 * A session whose connection or agent is gone stays so: its requests are answered with HOST_UNREACHABLE. What makes no
 * sense ends it too, with HOST_PROTOCOL, for nothing that comes after can be trusted. A reply that is late is answered
 * with HOST_TIMEOUT; the session goes on, and passes over what still comes for that request.
 *
 * HVGPU_POWERSHELL names the program for 'local:' in place of powershell.exe or pwsh. It gets HVGPU_HOST, the name of
 * the host that is opened.
 */
#pragma once
#include "providers/host/host.h"

extern const struct host_provider hyperv_local_provider, hyperv_ssh_provider;

struct hyperv_hello { /* what the agent says of itself and its session; texts NULL: not told */
	const char *agent, *host, *powershell, *edition, *language_mode;
	uint64_t protocol, os_build;
	const char *hyper_v, *failover_clusters, *pnp_device, *cim_cmdlets; /* versions of modules; NULL: not there */
	enum tristate elevated, hyper_v_administrator, network_logon, live_moves;
};

/* Of a session of these providers: what its agent said, which lives as long as the session. NULL: nothing yet. */
const struct hyperv_hello *hyperv_hello(const struct host_session *session);
