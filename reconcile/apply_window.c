/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/apply_parts.h"

#include "base/clock.h"
#include "base/zone.h"
#include "model/window.h"

enum { TICK_MS = 200 };

/* The window that a held plan can hope for: the next one, also while one is open that is too short by now. */
static struct window_state next_window(const struct plan *plan, int64_t now)
{
	const struct plan_window *window = &plan->window;
	struct window_state state = window_at(window->windows, window->n_windows, now);
	return state.is_open ? window_at(window->windows, window->n_windows, state.closes_at) : state;
}

/* "opens Sat 2026-11-28 01:00 Europe/Paris for 4h" */
static const char *opening_text(struct arena *arena, const struct window_state *state)
{
	return arena_printf(arena, "opens %s for %s", zone_print(arena, state->zone, state->opens_at),
		clock_duration(arena, state->closes_at - state->opens_at));
}

bool window_waits(const struct apply *apply)
{
	/* what is left of a saved plan that is done in part can only be planned again */
	return apply->options->wait_for_window && !(apply->run->from_file && apply->performed);
}

void window_hold(struct apply *apply, const struct plan *plan, bool was_shut)
{
	struct arena *arena = apply->arena;
	int64_t now = apply_now(apply);
	const struct plan_window *window = &plan->window;
	struct window_state at = window_at(window->windows, window->n_windows, now);
	struct window_state next = next_window(plan, now);
	apply->held_by = plan;
	apply->opens_at = next.opens_at;
	if (window_waits(apply))
		return;
	const char *opens = opening_text(arena, &next);
	const char *done = apply->performed ? "; the rest is still to do" : "; nothing was done";
	struct loc loc = plan->spec ? head_loc(&plan->spec->rollout.head, "windows") : LOC_NONE;
	const char *what = apply->run->from_file && apply->performed ? "make the plan again then"
								     : "apply again then, or pass --wait-for-window";
	if (was_shut)
		diag_add(apply->diags, D_WINDOW, loc, NULL,
			"the window of '%s' closed before all was stopped that had to be; what was down is brought "
			"back%s; the next one %s: %s",
			apply->name, done, opens, what);
	else if (at.is_open)
		diag_add(apply->diags, D_WINDOW, loc, NULL,
			"the window of '%s' closes in %s, and what would be begun next needs about %s%s; the next one "
			"%s: %s",
			apply->name, clock_duration(arena, at.closes_at - now),
			clock_duration(arena, gate_needs(plan, NULL)), done, opens, what);
	else
		diag_add(apply->diags, D_WINDOW, loc, NULL,
			"running VMs of '%s' are stopped only in its windows, and none is open now%s; the next one "
			"%s: %s",
			apply->name, done, opens, what);
}

static gboolean on_tick(gpointer user)
{
	(void)user;
	return G_SOURCE_CONTINUE; /* Only wakes the loop, so that an interruption is seen. */
}

/* The clock that counts milliseconds may stand while the machine sleeps: the time of day decides. */
static void wait_until(struct apply *apply, int64_t time)
{
	GSource *tick = g_timeout_source_new(TICK_MS);
	g_source_set_callback(tick, on_tick, NULL, NULL);
	g_source_attach(tick, apply->context);
	while (!apply_interrupts(apply) && MAX(clock_now(), apply_now(apply)) < time)
		g_main_context_iteration(apply->context, TRUE);
	g_source_destroy(tick);
	g_source_unref(tick);
}

int window_wait(struct apply *apply)
{
	struct arena *arena = apply->arena;
	const struct plan *plan = apply->held_by;
	struct window_state next = next_window(plan, apply_now(apply));
	apply->held_by = NULL;
	int64_t opens_at = MAX(apply->opens_at, apply_now(apply));
	apply_tell(apply, (struct apply_event){ .kind = APPLY_WAITING,
				  .plan = plan,
				  .message = arena_printf(arena, "the next window %s", opening_text(arena, &next)) });
	if (!apply->options->clock_stands)
		wait_until(apply, opens_at);
	if (apply_interrupts(apply))
		return -1;
	/* where the clock stands, waiting moves it */
	int64_t now = apply->options->clock_stands ? opens_at : clock_now();
	apply->waited_s += MAX(now - apply_now(apply), 0);
	return 0;
}
