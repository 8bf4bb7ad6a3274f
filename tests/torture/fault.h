/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thing that goes wrong at one external call. Calls are what a run asks of hosts: observe, lease, epoch, each step,
 * record, settle, release; numbered from 1 over all runs of a case. Written "what@call": "crash-after@17".
 */
#pragma once
#include "base/names.h"

#include <stdbool.h>
#include <stdint.h>

/* clang-format off */
#define FAULTS(X) \
	X(FAULT_NONE, "none") \
	X(FAULT_CRASH_BEFORE, "crash-before")  /* the program dies, the call reaches no host */ \
	X(FAULT_CRASH_AFTER, "crash-after")    /* the call takes effect, and so does what is under way; then it dies */ \
	X(FAULT_ERROR_AFTER, "error-after")    /* takes effect; the reply is a passing error */ \
	X(FAULT_FAIL_AFTER, "fail-after")      /* takes effect; the reply is an error that stays */ \
	X(FAULT_FAIL, "fail")                  /* this and every like call of this run is refused */ \
	X(FAULT_LOST, "lost")                  /* takes effect; the connection breaks before the reply */ \
	X(FAULT_CUT, "cut")                    /* no effect; the connection breaks */ \
	X(FAULT_NETWORK, "network")            /* no effect; all connections break, and none can be made in this run */ \
	X(FAULT_INTERRUPT, "interrupt")        /* somebody interrupts the run, once, while the call is under way */ \
	X(FAULT_INTERRUPT_TWICE, "interrupt-twice") \
	X(FAULT_TWICE, "twice")                /* reaches the host twice */ \
	X(FAULT_LATE, "late")                  /* takes effect; the reply comes after every deadline */ \
	X(FAULT_STALE_1, "stale-1")            /* an observation from before the last call that changed something */ \
	X(FAULT_STALE_2, "stale-2") X(FAULT_STALE_3, "stale-3") \
	X(FAULT_SOMEBODY_UNLOCKS, "somebody-unlocks")     /* 'unlock': the run's leases end, and it lives on */ \
	X(FAULT_SOMEBODY_STARTS, "somebody-starts")       /* a VM that we hold down */ \
	X(FAULT_SOMEBODY_STOPS, "somebody-stops")         /* a VM that runs */ \
	X(FAULT_SOMEBODY_MOVES, "somebody-moves")         /* a clustered VM fails over */ \
	X(FAULT_SOMEBODY_COUNTS, "somebody-counts")       /* a GPU without adapters gets another count */ \
	X(FAULT_SOMEBODY_GIVES, "somebody-gives")         /* a VM that is off gets an adapter */ \
	X(FAULT_SOMEBODY_TAKES, "somebody-takes")         /* a VM that is off loses one */ \
	X(FAULT_SOMEBODY_SETTLES, "somebody-settles")     /* what a VM is owed is called off */ \
	X(FAULT_SOMEBODY_DECIDES, "somebody-decides")     /* 'settle' of a VM that is owed something, if it may */ \
	X(FAULT_SOMEBODY_ADDS_VM, "somebody-adds-vm") \
	X(FAULT_SOMEBODY_DELETES_VM, "somebody-deletes-vm")
/* clang-format on */
enum fault_kind { FAULTS(NAMES_ENUM) FAULT_COUNT };
extern const struct names fault_names;

struct fault {
	enum fault_kind kind;
	uint32_t call;
};

static inline bool fault_is_crash(enum fault_kind kind)
{
	return kind == FAULT_CRASH_BEFORE || kind == FAULT_CRASH_AFTER;
}

static inline bool fault_is_stale(enum fault_kind kind)
{
	return kind >= FAULT_STALE_1 && kind <= FAULT_STALE_3;
}

static inline bool fault_is_foreign(enum fault_kind kind)
{
	return kind >= FAULT_SOMEBODY_STARTS;
}

/* The run may have to go back: a step fails for good, a host is lost to it, or somebody wants it to end. Then
 * availability comes before alike counts. */
static inline bool fault_is_failure(enum fault_kind kind)
{
	return kind == FAULT_INTERRUPT || kind == FAULT_INTERRUPT_TWICE || kind == FAULT_FAIL ||
	       kind == FAULT_FAIL_AFTER || kind == FAULT_LOST || kind == FAULT_CUT || kind == FAULT_NETWORK ||
	       kind == FAULT_LATE || kind == FAULT_SOMEBODY_UNLOCKS;
}
