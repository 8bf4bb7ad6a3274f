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

/* clang-format off */
#define CLUSTER_ANSWERS(X) \
	X(CLUSTER_UNKNOWN, "unknown") \
	X(CLUSTER_NONE, "none")       /* a standalone host */ \
	X(CLUSTER_ANSWERS, "answers") \
	X(CLUSTER_SILENT, "silent")   /* a node whose cluster cannot be asked */
#define CLUSTER_ACCESSES(X) /* what the cluster's own list gives the account */ \
	X(ACCESS_UNKNOWN, "unknown") X(ACCESS_NONE, "None") X(ACCESS_READ_ONLY, "ReadOnly") X(ACCESS_FULL, "Full")
#define ROOT_STATES(X) /* of our folder on the host */ \
	X(ROOT_UNKNOWN, "unknown") \
	X(ROOT_ABSENT, "absent")   /* the first lease makes it */ \
	X(ROOT_USABLE, "usable") \
	X(ROOT_HELD, "held")       /* a run has its lock open */ \
	X(ROOT_DENIED, "denied")   /* may not be written */ \
	X(ROOT_FOREIGN, "foreign") /* somebody else made it, or it is no folder */
/* clang-format on */
enum cluster_answer { CLUSTER_ANSWERS(NAMES_ENUM) CLUSTER_ANSWER_COUNT };
enum cluster_access { CLUSTER_ACCESSES(NAMES_ENUM) CLUSTER_ACCESS_COUNT };
enum root_state { ROOT_STATES(NAMES_ENUM) ROOT_STATE_COUNT };
extern const struct names cluster_answer_names, cluster_access_names, root_state_names;

struct hyperv_examined { /* what a request with 'examine' told besides; texts NULL: not told */
	const char *account;
	enum cluster_answer cluster;
	enum cluster_access access;
	const char *cluster_message; /* the host's own words */
	enum root_state root;
	const char *root_path, *root_message;
};

struct hyperv_end {              /* how a session came to its end by itself */
	bool bootstrapped;       /* a PowerShell came up */
	bool greeted;            /* the agent said hello */
	int exit;                /* of powershell.exe or ssh; -1: not known */
	const char *words;       /* what it wrote to standard error, as text */
	const char *explanation; /* of us */
};

/* Of a session of these providers: what its agent said, which lives as long as the session. NULL: nothing yet. */
const struct hyperv_hello *hyperv_hello(const struct host_session *session);
/* NULL: not asked, or the agent does not tell. */
const struct hyperv_examined *hyperv_examined(const struct host_session *session);
/* NULL: it goes on, or is none of these. */
const struct hyperv_end *hyperv_end(const struct host_session *session);
