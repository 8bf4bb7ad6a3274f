/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/host/sim_lease.h"

#include "base/lock.h"

#include <string.h>

static enum host_error refuse_held(struct sim_act *act)
{
	const struct lease *lease = act->self->host.lease;
	act->reply.lease = lease;
	return sim_refuse(act, HOST_LEASE_HELD, "the lease of '%s' is held by %s", act->self->host.name,
		lease && lease->holder ? lease->holder : "another run");
}

static void write_lease(struct sim_act *act)
{
	struct arena *arena = act->world->arena;
	const struct request *request = act->request;
	const struct lease *old = act->self->host.lease;
	if (old && !g_strcmp0(old->run, request->run) && !g_strcmp0(old->holder, request->holder))
		return;
	struct lease *lease = arena_new_of(arena, struct lease);
	lease->holder = arena_strdup(arena, request->holder ? request->holder : "unknown");
	lease->run = arena_strdup(arena, request->run ? request->run : "");
	lease->since = act->now;
	act->self->host.lease = lease;
	sim_changed(act);
}

enum host_error sim_lease_take(struct sim_act *act, struct sim_lease *mine)
{
	int result = mine->held ? 0 : sim_file_lock_lease(mine->fd, act->self->host.name);
	if (result == LOCK_HELD)
		return refuse_held(act);
	if (result < 0)
		return sim_refuse(act, HOST_DENIED, "the lock file cannot be locked: %s", g_strerror(-result));
	mine->held = true;
	write_lease(act);
	act->reply.epoch = KNOWN(act->self->host.epoch);
	return HOST_OK;
}

static bool is_mine(const struct sim_act *act, const struct sim_lease *mine, const char *run)
{
	const struct lease *lease = act->self->host.lease;
	return mine->held && lease && !g_strcmp0(lease->run, run ? run : "");
}

enum host_error sim_lease_check(struct sim_act *act, const struct sim_lease *mine)
{
	if (!is_mine(act, mine, act->request->run))
		return sim_refuse(
			act, HOST_LEASE_LOST, "this run does not hold the lease of '%s'", act->self->host.name);
	if (act->request->epoch < act->self->host.epoch)
		return sim_refuse(act, HOST_LEASE_LOST, "'%s' has seen epoch %llu, and this run is of epoch %llu",
			act->self->host.name, (unsigned long long)act->self->host.epoch,
			(unsigned long long)act->request->epoch);
	return HOST_OK;
}

enum host_error sim_lease_epoch(struct sim_act *act, const struct sim_lease *mine)
{
	enum host_error error = sim_lease_check(act, mine);
	if (error)
		return error;
	if (act->request->epoch > act->self->host.epoch) {
		act->self->host.epoch = act->request->epoch;
		sim_changed(act);
	}
	act->reply.epoch = KNOWN(act->self->host.epoch);
	return HOST_OK;
}

enum host_error sim_lease_release(struct sim_act *act, struct sim_lease *mine)
{
	if (!mine->held)
		return HOST_OK;
	if (act->self->host.lease) {
		act->self->host.lease = NULL;
		sim_changed(act);
	}
	return HOST_OK;
}

enum host_error sim_lease_end(const struct sim_file *file, struct sim_act *act, const struct sim_lease *mine)
{
	const char *host = act->self->host.name;
	const struct lease *lease = act->self->host.lease;
	if (!lease)
		return HOST_OK;
	act->reply.lease = lease;
	if (g_strcmp0(lease->run, act->request->run))
		return sim_refuse(
			act, HOST_LEASE_HELD, "the lease of '%s' is not that of run '%s'", host, act->request->run);
	if (!sim_lease_is_dead(file, mine, host))
		return sim_refuse(act, HOST_LEASE_HELD,
			"its process is alive on this machine; end that, and the lease ends with it");
	act->reply.lease = NULL;
	act->self->host.lease = NULL;
	act->reply.changed = true;
	sim_changed(act);
	return HOST_OK;
}

void sim_lease_unlock(struct sim_lease *mine, const char *host)
{
	if (mine->held)
		sim_file_unlock_lease(mine->fd, host);
	mine->held = false;
}

bool sim_lease_is_dead(const struct sim_file *file, const struct sim_lease *mine, const char *host)
{
	return !mine->held && !sim_file_lease_is_held(file, host);
}
