/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/decide.h"

#include "providers/host/sim_file.h"
#include "reconcile/settle.h"

enum { DAY_S = 86400 };

static const char *judge(struct sim_world *world, const struct vm *vm, const struct debt *was, bool is_held, int result,
	enum exit_code exit)
{
	if (is_held && (result == 0 || exit != EXIT_LOCKED))
		return arena_printf(world->arena,
			"'settle %s' while a run holds its host ends with %d, and not for the lock", vm->name,
			(int)exit);
	if (is_held && vm->debt != was)
		return arena_printf(world->arena, "'settle %s' was refused, and yet it changed what is owed", vm->name);
	if (!is_held && (result < 0 || vm->debt))
		return arena_printf(
			world->arena, "'settle %s' does not end what is owed, though nobody holds its host", vm->name);
	return NULL;
}

const char *decide_vm(struct sim_world *world, const struct host_state *host, const struct vm *vm)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	const struct settle_options options = {
		.run = { .hosts = "sim:memory",
			.now = world->simulation->clock,
			.max_age_s = DAY_S,
			.until = STAGE_OBSERVE },
		.vm = vm->id,
		.mode = SETTLE_LEAVE_OFF,
		.run_id = "settle",
		.holder = "somebody@desk",
	};
	const struct debt *was = vm->debt;
	bool is_held = host->host.lease && sim_file_lease_is_held(NULL, host->host.name);
	struct settled settled;
	int result = settle_vm(&options, &settled, diags);
	return judge(world, vm, was, is_held, result, diags->exit);
}
