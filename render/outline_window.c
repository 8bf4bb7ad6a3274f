/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/gate.h"
#include "render/outline.h"
#include "render/print.h"

static void put_needs(GString *out, const struct plan *plan)
{
	g_string_append(out, "; stopping VMs and bringing them back needs about ");
	print_duration(out, gate_needs(plan, NULL));
	if (plan->rules && plan->rules->strategy == STRATEGY_ROLLING)
		g_string_append(out, " at a time");
}

bool outline_window(GString *out, const struct plan *plan)
{
	const struct plan_window *window = &plan->window;
	if (!window->set || !plan->cost.vms_stopped || !window->opens_text)
		return false;
	g_string_append(out, window->is_open ? "window: open since " : "next window: ");
	print_text(out, window->opens_text);
	if (window->closes_at) {
		g_string_append(out, ", ");
		print_duration(out, (uint32_t)(window->closes_at - window->opens_at));
	}
	put_needs(out, plan);
	return true;
}
