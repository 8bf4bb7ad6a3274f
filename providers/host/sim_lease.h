/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases of simulated hosts. The lock on the host's byte is the lease; the text in the file tells people who has it. A
 * text without a lock was left by a run that died, and counts for nothing.
 */
#pragma once
#include "providers/host/sim_act.h"

struct sim_lease {
	int fd;    /* of FILE.lock; -1: not opened yet */
	bool held; /* this session holds the host's byte */
};

enum host_error sim_lease_take(struct sim_act *act, struct sim_lease *mine);
/* HOST_LEASE_LOST when the request's run does not hold it, or is not of the newest epoch. */
enum host_error sim_lease_check(struct sim_act *act, const struct sim_lease *mine);
enum host_error sim_lease_epoch(struct sim_act *act, const struct sim_lease *mine);
/* Takes out the text of a run that died. The kernel frees the locks of dead processes, so whoever holds one is alive, and
 * is told of: HOST_LEASE_HELD. */
enum host_error sim_lease_end(const struct sim_file *file, struct sim_act *act, const struct sim_lease *mine);
/* Takes the text out; the lock is freed by sim_lease_unlock() once that is saved. */
enum host_error sim_lease_release(struct sim_act *act, struct sim_lease *mine);
void sim_lease_unlock(struct sim_lease *mine, const char *host);
/* What the file says about a lease is of a run that died. */
bool sim_lease_is_dead(const struct sim_file *file, const struct sim_lease *mine, const char *host);
