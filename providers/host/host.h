/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where hosts come from. A provider is a vtable of four functions; all work is asynchronous and single-threaded: a
 * request is submitted, and progress and exactly one reply arrive later through the GMainContext given to open().
 * Never from within submit() itself, so that callers need not be re-entrant.
 *
 * One session is one host. Providers: sim (sim.h), snapshot (snapshot.h, observes only), replay (replay.h), and for real hosts
 * local and ssh (hyperv.h); decorators
 * over the same vtable are fault (fault.h) and record (record.h).
 *
 * The facts behind a reply's error class are facts/errors.tsv; which class may be retried is host_error_rows[].
 */
#pragma once
#include "base/diag.h"
#include "model/step.h"
#include "model/world.h"

#include <glib.h>

/* Closed list of what can go wrong on a host. */
/* clang-format off */
#define HOST_ERRORS(X) \
	X(HOST_OK, "ok") \
	X(HOST_UNREACHABLE, "unreachable")            /* no answer, or the connection went away */ \
	X(HOST_TIMEOUT, "timeout")                    /* deadline passed; the effect is not known */ \
	X(HOST_DENIED, "access-denied") \
	X(HOST_NOT_FOUND, "not-found")                /* no such VM, GPU, adapter, pool */ \
	X(HOST_INVALID_STATE, "invalid-state")        /* e.g. the VM is not Off */ \
	X(HOST_IN_USE, "in-use")                      /* GPU or partition held by a VM; count change with adapters */ \
	X(HOST_INVALID_PARAMETER, "invalid-parameter") /* e.g. a count that the GPU does not list */ \
	X(HOST_NO_RESOURCES, "insufficient-resources") /* start: no partition with room, MMIO too small, no pool member */ \
	X(HOST_POLICY, "policy")                      /* security policy keys refuse the device */ \
	X(HOST_NOT_SUPPORTED, "not-supported")        /* clustered VM on an old build, unmitigated dismount, no cmdlet */ \
	X(HOST_CHECKPOINT, "checkpoint")              /* checkpoints refused for a VM with a partition */ \
	X(HOST_UNEXPECTED_FACTS, "unexpected-facts")  /* what the step expected to find is not so: plan again */ \
	X(HOST_LEASE_HELD, "lease-held")              /* another run holds this host */ \
	X(HOST_LEASE_LOST, "lease-lost")              /* ours is gone, or the epoch is not the newest */ \
	X(HOST_READ_ONLY, "read-only")                /* a provider that only observes */ \
	X(HOST_PROTOCOL, "protocol")                  /* the reply made no sense */ \
	X(HOST_FAILED, "failed")                      /* anything else that the host refused */
/* clang-format on */
enum host_error { HOST_ERRORS(NAMES_ENUM) HOST_ERROR_COUNT };
extern const struct names host_error_names;

struct host_error_row {
	bool transient; /* a retry can help */
	const char *help;
};
extern const struct host_error_row host_error_rows[HOST_ERROR_COUNT];

/* clang-format off */
#define REQUESTS(X) \
	X(REQUEST_OBSERVE, "observe") \
	X(REQUEST_LEASE, "lease")     /* take the lease for 'run'; reply.epoch = highest seen, reply.lease = holder on refusal */ \
	X(REQUEST_EPOCH, "epoch")     /* note 'epoch' as the highest seen; needs the lease */ \
	X(REQUEST_RELEASE, "release") \
	X(REQUEST_STEP, "step")       /* perform 'step'; needs the lease and the newest epoch */ \
	X(REQUEST_RECORD, "record")   /* write cluster record and/or a VM's record; needs the lease */ \
	X(REQUEST_SETTLE, "settle")   /* decide a VM's debt: clear it, or date it anew; needs the lease */ \
	X(REQUEST_END_LEASE, "end-lease") /* end the lease of 'run', another one's, whose process is stuck; LEASE_HELD with
	                                   * reply.lease: it is not that run's, or cannot be ended from here */
/* clang-format on */
enum request_kind { REQUESTS(NAMES_ENUM) REQUEST_KIND_COUNT };
extern const struct names request_kind_names;

enum settle_mode {
	SETTLE_LEAVE_OFF, /* nothing is owed any more, neither a start nor parts */
	SETTLE_RENEW,     /* dated now, so that the next run pays it; a VM that is not Off is owed no start */
};

/* What a step expects to find, re-checked by the host in the same call that acts; each part only when set. */
struct expected {
	bool has_vm_state, has_count;
	enum vm_state vm_state; /* of the step's VM */
	struct maybe_u64 count; /* of the step's GPU */
};

struct request {
	enum request_kind kind;
	const char *run;    /* id of the run, unique */
	const char *holder; /* REQUEST_LEASE: user@machine */
	uint64_t epoch;
	int64_t now; /* seconds since 1970: what debts and leases are dated with */
	const struct step *step;
	struct expected expected;
	uint32_t deadline_s; /* 0: none */
	/* Records, written in the same call as the step (design.md section 8). NULL: leave alone. */
	const struct cluster_record *cluster_record;
	const struct vm_record *vm_record; /* STEP add-*: written; remove-* of the last part clears it by itself */
	const char *vm_id;                 /* REQUEST_RECORD, REQUEST_SETTLE */
	enum settle_mode settle;
	/* remove-*: note the part as owed (step_cause_owes()); false: it is not to come back (prune, wanted). An add-* of one kind of GPU ends what
	 * is owed of the other. */
	bool owes_parts;
	/* remove-partition-adapter: and owe it without the pin that it has */
	bool owes_unpinned;
	/* stop-vm: note the start as owed. Always true but in tests. */
	bool owes_power;
	/* OBSERVE: also look whether the session may do here what a run has to do, where a provider can tell
	 * (hyperv_examined()). A reply with an error may have facts then, as far as they came: for people, not for plans. */
	bool examine;
};

struct reply {
	enum host_error error; /* HOST_OK */
	const char *message;   /* the host's own words, untrusted text */
	bool changed;          /* REQUEST_STEP: false when everything was so already */
	struct maybe_u64 epoch;
	const struct lease *lease;      /* LEASE_HELD: who */
	const struct host_state *facts; /* OBSERVE: the host, whole */
	struct arena *facts_arena;      /* OBSERVE: where the facts live and are not changed any more: to be held, in
	                                 * place of a copy (arena_hold()). NULL: copy */
	const struct vm *vm_after;      /* STEP: the VM, as read again; vm->host is 0 */
	const struct gpu *gpu_after;    /* STEP: the GPU, as read again; gpu->host is 0 */
	bool late_known;                /* OBSERVE: false while a VM is moving; look again */
};

/* 'arena' holds the reply's contents and is freed after the call returns: copy what must last. */
typedef void reply_fn(const struct request *request, const struct reply *reply, void *user);
/* A waiting step says how far it is: 0..1000, and a phrase. */
typedef void progress_fn(const struct request *request, uint32_t permille, const char *what, void *user);

struct endpoint {            /* one host to open */
	const char *host;    /* name in the manifests */
	const char *address; /* "sim:world.yaml", "snapshot:world.yaml", "ssh://…" */
	const char *credential;
	bool any_name; /* whoever answers there is meant, whatever it calls itself */
};

struct host_session;

struct host_provider {
	const char *scheme; /* "sim" */
	const char *doc;    /* one line for help */
	bool performs;      /* false: observes only */
	/* Opens one host. 0, or -1 with a finding. Connecting itself may go on asynchronously: then the first request
	 * fails with HOST_UNREACHABLE. */
	int (*open)(
		GMainContext *context, const struct endpoint *endpoint, struct host_session **out, struct diags *diags);
	/* Starts a request. The request and what it points to stay valid until its reply. One request at a time per
	 * session. 'progress' may be NULL. */
	void (*submit)(struct host_session *session, const struct request *request, reply_fn *reply,
		progress_fn *progress, void *user);
	/* Ends the session: no reply comes any more; a lease it holds is released. NULL is accepted. */
	void (*close)(struct host_session *session);
	/* Names of all hosts behind an address that holds several (sim, snapshot), in 'arena'. NULL: not that kind. */
	int (*list)(const char *address, struct arena *arena, const char *const **names_out, uint32_t *n_out,
		struct diags *diags);
};

struct host_session { /* a provider's own session starts with this */
	const struct host_provider *provider;
	const char *host;
};

/* ---- registry ---- */

/* The provider for an address, or NULL with a finding that lists the schemes. */
const struct host_provider *host_provider_for(const char *address, struct diags *diags);
/* All registered providers, ended by NULL. */
const struct host_provider *const *host_providers(void);
/* For tests: one more, that is in no list. NULL takes it away again. */
void host_provider_add(const struct host_provider *provider);

int host_open(GMainContext *context, const struct endpoint *endpoint, struct host_session **out, struct diags *diags);
void host_submit(struct host_session *session, const struct request *request, reply_fn *reply, progress_fn *progress,
	void *user);
void host_close(struct host_session *session);
