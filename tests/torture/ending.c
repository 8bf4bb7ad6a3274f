/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/ending.h"

/* Codes as a set. */
enum {
	DONE = 1 << 0,
	UNEXPECTED = 1 << 1,
	INCOMPLETE = 1 << 2,
	REFUSED = 1 << 3,
	STALE = 1 << 4,
	LOCKED = 1 << 5,
	PARTIAL = 1 << 6,
	INTERRUPTED = 1 << 7,
	BASE = 1 << 8, /* what the run would have ended with otherwise: ending_base() */
	HAMPERED = 1 << 9,
	MEDDLED = BASE | STALE | REFUSED | PARTIAL | HAMPERED,
};

static const struct {
	unsigned bit;
	enum exit_code code;
} codes[] = { { DONE, EXIT_DONE }, { UNEXPECTED, EXIT_UNEXPECTED }, { INCOMPLETE, EXIT_INCOMPLETE },
	{ REFUSED, EXIT_REFUSED }, { STALE, EXIT_STALE }, { LOCKED, EXIT_LOCKED }, { PARTIAL, EXIT_PARTIAL },
	{ INTERRUPTED, EXIT_INTERRUPTED } };

static unsigned bit_of(enum exit_code code)
{
	for (size_t i = 0; i < G_N_ELEMENTS(codes); i++)
		if (codes[i].code == code)
			return codes[i].bit;
	return 0; /* 2 and 3 are of other commands, and of wrong manifests */
}

/* ---- what befalls a run ---- */

enum sort { HARMLESS, PASSING, FAILS, GONE, INTERRUPTS, IS_STALE, UNLOCKS, FOREIGN, SORT_COUNT };
enum place { LOOK, LOCK, LOOK_AGAIN, STEP, RECORD, RELEASE, PLACE_COUNT };

/*
 * Before it has the leases a host that does not answer makes the run incomplete; one that answers and refuses its lease is unexpected.
 * Under the leases a host that is gone makes the plan stale (docs/decisions/0014-torture.md, 2), or, where something was begun,
 * stops it part-way. A step or a record that fails for good stops it part-way. A passing error of a step is tried again. An
 * interruption ends with 130, or as if it had not been where it came too late to keep anything from being done (decision 11 of
 * docs/decisions/0002-apply.md): that is why INTERRUPTS does not hamper. What somebody changes may need a way that has no way back
 * (HV715), and then nothing but debts is paid.
 */
static const unsigned allowed[SORT_COUNT][PLACE_COUNT] = {
	[HARMLESS] = { BASE, BASE, BASE, BASE, BASE, BASE },
	[PASSING] = { INCOMPLETE, INCOMPLETE, STALE | PARTIAL, BASE, PARTIAL, BASE },
	[FAILS] = { INCOMPLETE, UNEXPECTED, STALE | PARTIAL, PARTIAL, PARTIAL, BASE },
	[GONE] = { INCOMPLETE, INCOMPLETE, STALE | PARTIAL, PARTIAL, PARTIAL, BASE },
	[INTERRUPTS] = { BASE | INTERRUPTED, BASE | INTERRUPTED, BASE | INTERRUPTED, BASE | INTERRUPTED,
		BASE | INTERRUPTED, BASE | INTERRUPTED },
	[IS_STALE] = { BASE | STALE | LOCKED | PARTIAL | HAMPERED, 0, BASE | STALE | PARTIAL | HAMPERED, 0, 0, 0 },
	[UNLOCKS] = { PARTIAL, UNEXPECTED | LOCKED, PARTIAL, PARTIAL, PARTIAL, BASE },
	[FOREIGN] = { MEDDLED, MEDDLED, MEDDLED, MEDDLED, MEDDLED, MEDDLED },
};

static enum sort sort_of(enum fault_kind kind)
{
	if (fault_is_foreign(kind))
		return FOREIGN;
	if (fault_is_stale(kind))
		return IS_STALE;
	switch (kind) {
	case FAULT_ERROR_AFTER:
		return PASSING;
	case FAULT_FAIL:
	case FAULT_FAIL_AFTER:
		return FAILS;
	case FAULT_LOST:
	case FAULT_CUT:
	case FAULT_NETWORK:
	case FAULT_LATE:
		return GONE;
	case FAULT_INTERRUPT:
	case FAULT_INTERRUPT_TWICE:
		return INTERRUPTS;
	case FAULT_SOMEBODY_UNLOCKS:
		return UNLOCKS;
	default:
		return HARMLESS;
	}
}

static enum place place_of(enum request_kind at, enum ending_phase phase)
{
	if (at == REQUEST_STEP)
		return STEP;
	if (at == REQUEST_RECORD)
		return RECORD;
	if (at == REQUEST_RELEASE)
		return RELEASE;
	if (at == REQUEST_OBSERVE)
		return phase == ENDING_PLANNING ? LOOK : LOOK_AGAIN;
	return LOCK;
}

void ending_befall(
	struct ending *ending, enum fault_kind kind, enum request_kind at, enum ending_phase phase, bool is_awaited)
{
	enum sort sort = sort_of(kind);
	enum place place = place_of(at, phase);
	unsigned may = allowed[sort][place];
	/* nobody misses a host that is expected to be away; and all may have been done before one was looked at again */
	if ((place == LOOK && !is_awaited) || (place == LOOK_AGAIN && phase == ENDING_WORKING))
		may |= BASE | HAMPERED;
	ending->n_faults++;
	ending->may |= may;
	ending->has_left_base |= !(may & BASE);
	ending->is_hampered |= (may & HAMPERED) || !(may & BASE);
	ending->has_interrupt |= sort == INTERRUPTS;
}

/* ---- judging ---- */

/* What nothing but its plan makes it end with. */
static unsigned base_of(const struct ending *ending)
{
	unsigned base = ending->lacks_host ? INCOMPLETE : DONE;
	if (ending->has_refusals) /* somebody may have changed what there is to refuse */
		return ending->is_hampered && ending->has_plan_without ? base | REFUSED : REFUSED;
	return ending->is_shut ? base | REFUSED : base; /* perhaps there is nothing that needs the window */
}

static unsigned all_of(const struct ending *ending)
{
	unsigned base = base_of(ending), may = ending->may;
	if (ending->is_beside_other)
		return DONE | INCOMPLETE | REFUSED | STALE | LOCKED | PARTIAL;
	if (may & INCOMPLETE && base & REFUSED) /* "highest first where several apply": 5 comes before 4 */
		may |= REFUSED;
	if (may & INCOMPLETE && ending->has_refusals)
		may &= ~(unsigned)INCOMPLETE;
	return ending->n_faults && ending->has_left_base && !(may & BASE) ? may : may | base;
}

const char *ending_judge(struct arena *arena, const struct ending *ending)
{
	unsigned all = all_of(ending);
	if (bit_of(ending->code) & all)
		return NULL;
	g_autoptr(GString) may = g_string_new(NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(codes); i++)
		if (all & codes[i].bit)
			g_string_append_printf(may, "%s%d", may->len ? " or " : "", (int)codes[i].code);
	return arena_printf(arena, "a run ends with %d, and that ought to be %s", (int)ending->code, may->str);
}

const char *ending_judge_next(struct arena *arena, const struct ending *ending, uint32_t n_sent_by_next)
{
	bool is_promise = bit_of(ending->code) & (DONE | INCOMPLETE | REFUSED);
	if (!is_promise || ending->is_hampered || ending->is_limited || ending->is_beside_other || !n_sent_by_next)
		return NULL;
	return arena_printf(arena, "a run ends with %d, and yet the next one has %u steps to do", (int)ending->code,
		n_sent_by_next);
}
