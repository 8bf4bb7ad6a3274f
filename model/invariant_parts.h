/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of model/invariant*.c share: collecting violations, and where adapters could be, counted once. */
#pragma once
#include "model/invariant.h"

#include <glib.h>

/* Violations being collected; ended by findings_take. */
struct findings {
	struct arena *arena;
	GArray *items; /* struct violation, or NULL while there are none: the usual case costs nothing */
};
void findings_add(struct findings *findings, enum invariant invariant, const char *subject, const char *fmt, ...)
	G_GNUC_PRINTF(4, 5);
/* Of a VM that may move: 'key' is the same wherever it is. */
void findings_add_of(struct findings *findings, enum invariant invariant, const char *key, const char *subject,
	const char *fmt, ...) G_GNUC_PRINTF(5, 6);
struct violations findings_take(struct findings *findings); /* sorted, no duplicates; 'findings' is empty after it */

/* Where the adapters of VMs could be, as sets of GPUs per host. */
struct host_load {
	uint64_t running;   /* of running VMs */
	uint64_t not_off;   /* of VMs that are not Off: Saved ones too */
	uint64_t all;       /* of any VM */
	uint64_t pinned;    /* to which an adapter of any VM is, or could be, pinned */
	uint32_t n_running; /* adapters of running VMs */
};
struct loads {
	struct host_load *hosts;
	uint32_t *certain; /* per GPU: adapters of running VMs that can be on no other */
};
/* Scratch, freed with loads_clear. */
struct loads loads_of(const struct world *world);
typedef struct loads loads_auto; /* for g_auto alone */
void loads_clear(struct loads *loads);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(loads_auto, loads_clear)

static inline bool rules_refuses(const struct rules *rules, uint32_t gpu)
{
	return rules->gpu_refused && rules->gpu_refused[gpu];
}

/* In play and its change not refused: the GPUs that must be alike. */
static inline bool rules_counts(const struct rules *rules, const struct world *world, uint32_t gpu)
{
	return rules_in_play(rules, world, gpu) && !rules_refuses(rules, gpu);
}

/* invariant_mixed with loads at hand. */
bool *mixed_of(struct arena *arena, const struct world *world, const struct rules *rules, const struct loads *loads);
/* Adds what invariant_fit returns. */
void fit_check(struct findings *findings, const struct world *world, const struct rules *rules, uint32_t vm);
