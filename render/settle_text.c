/* SPDX-License-Identifier: Apache-2.0 */
/* What a person's word about a debt came to: what the next run does, or what is forgotten. */
#include "reconcile/settle.h"
#include "render/print.h"

static void put_name(GString *out, const struct settled *settled)
{
	g_string_append_c(out, '\'');
	print_text(out, settled->vm->name);
	g_string_append_c(out, '\'');
}

static uint32_t n_parts(const struct debt *debt)
{
	return debt->n_adapters + debt->n_devices;
}

/* "partition", "2 partitions and whole GPU" */
static void put_parts(GString *out, const struct debt *debt)
{
	if (debt->n_adapters == 1)
		g_string_append(out, "partition");
	else if (debt->n_adapters)
		print_n(out, debt->n_adapters, "partition", "partitions");
	if (debt->n_adapters && debt->n_devices)
		g_string_append(out, " and ");
	if (debt->n_devices == 1)
		g_string_append(out, "whole GPU");
	else if (debt->n_devices)
		print_n(out, debt->n_devices, "whole GPU", "whole GPUs");
}

/* ---- --start ---- */

static void put_runs(GString *out, const struct settled *settled)
{
	put_name(out, settled);
	if (settled->vm->state == VM_RUNNING)
		g_string_append(out, " runs");
	else
		g_string_append_printf(out, " is %s", name_of(&vm_state_names, (int)settled->vm->state));
}

/* What is owed does not come beside what the VM has from somebody else (reconcile/resolve.c). */
static bool has_some_already(const struct settled *settled)
{
	return (settled->debt->n_adapters && settled->vm->n_adapters) ||
	       (settled->debt->n_devices && settled->vm->n_devices);
}

static void put_given_back(GString *out, const struct settled *settled)
{
	bool stops = settled->vm->state == VM_RUNNING;
	if (!stops && !vm_is_off(settled->vm)) { /* which is never touched */
		g_string_append(out, "what it is owed, its ");
		put_parts(out, settled->debt);
		g_string_append(out, ", is given back by the first apply that finds it off or running, or restore that "
				     "finds it off");
		return;
	}
	/* restore asks nobody, so it stops nobody */
	g_string_append(out, stops ? "the next apply stops it, gives " : "the next apply or restore gives ");
	if (stops)
		g_string_append(out, "it");
	else
		put_name(out, settled);
	g_string_append(out, " its ");
	put_parts(out, settled->debt);
	g_string_append_printf(out, " back%s",
		stops            ? ", and starts it again; 'hvgpu restore' does when it is off"
		: settled->start ? " and starts it"
				 : "");
}

static void put_still_owed(GString *out, const struct settled *settled)
{
	if (vm_is_off(settled->vm))
		put_name(out, settled);
	else
		g_string_append(out, "it");
	g_string_append(out, " is still owed its ");
	put_parts(out, settled->debt);
	g_string_append_printf(out, " and has one already, and 'hvgpu restore' says what becomes of that%s",
		settled->start ? "; the next apply or restore starts it" : "");
}

static void put_renewed(GString *out, const struct settled *settled)
{
	bool parts = n_parts(settled->debt) > 0;
	if (!vm_is_off(settled->vm)) {
		put_runs(out, settled);
		g_string_append(out, parts ? " and is owed no start; " : "; nothing is owed to it");
	}
	if (parts && has_some_already(settled)) {
		put_still_owed(out, settled);
	} else if (parts) {
		put_given_back(out, settled);
	} else if (settled->start) {
		g_string_append(out, "the next apply or restore starts ");
		put_name(out, settled);
	}
}

/* ---- --leave-off ---- */

/* Who forgets quotas and pins is told them, for nobody else knows them any more. */
static void put_adapter(GString *out, const struct adapter *adapter)
{
	const char *before = " (with ";
	for (int i = 0; i < QUOTA_COUNT; i++) {
		if (!adapter->quotas[i].known)
			continue;
		g_string_append_printf(
			out, "%s%s %" G_GUINT64_FORMAT, before, name_of(&quota_names, i), adapter->quotas[i].value);
		before = ", ";
	}
	if (adapter->pin) {
		g_string_append_printf(out, "%spinned to ", *before == ' ' ? " (" : ", ");
		print_text(out, adapter->pin);
		before = ", ";
	}
	if (*before == ',')
		g_string_append_c(out, ')');
}

static void put_left(GString *out, const struct settled *settled)
{
	const struct debt *debt = settled->debt;
	bool many = n_parts(debt) > 1;
	if (vm_is_off(settled->vm))
		put_name(out, settled);
	else
		put_runs(out, settled);
	g_string_append_printf(out, "%s stays as it is", vm_is_off(settled->vm) ? "" : " and");
	if (!n_parts(debt))
		return;
	g_string_append(out, "; the ");
	put_parts(out, debt);
	for (uint32_t i = 0; i < debt->n_adapters; i++)
		put_adapter(out, &debt->adapters[i]);
	g_string_append_printf(out, " that %s taken from it %s not given back unless a manifest asks for %s",
		many ? "were" : "was", many ? "are" : "is", many ? "them" : "it");
}

void render_settled_text(GString *out, const struct settled *settled, enum settle_mode mode)
{
	if (!settled->debt) {
		g_string_append(out, "nothing is owed to ");
		put_name(out, settled);
	} else if (mode == SETTLE_RENEW) {
		put_renewed(out, settled);
	} else {
		put_left(out, settled);
	}
	g_string_append_c(out, '\n');
}
