/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links steps by the table of dependency rules (order_rules) and sorts them. Every rule says in one sentence which
 * invariant it serves; a rule that is switched off must make some test fail.
 */
#pragma once
#include "reconcile/plan.h"
#include "reconcile/steps.h"
#include "reconcile/unit.h"

struct order_rule {
	const char *name;
	enum step_kind before, after;
	/* Must 'a' be done before 'b'? NULL: one step of the kind goes ahead of the others, in whichever unit comes first. */
	bool (*holds)(const struct needs *needs, const struct step *a, const struct step *b);
	const char *why;
};
extern const struct order_rule order_rules[];
extern const uint32_t n_order_rules;
/* The rule of that name (step.after_why), or NULL: a plan file's may be of another version. */
const struct order_rule *order_rule_find(const char *name);

/* Steps with what waits for what, and the units that follow from it. Done with: order_unlink(). */
struct linked {
	GArray *steps; /* struct step */
	GArray *edges; /* struct step_edge */
	struct units units;
};

/* Links the steps by the rules; consumes 'steps'. 'skip' is a rule left out, for tests (NO_INDEX: none). */
struct linked order_link(struct arena *arena, const struct needs *needs, GArray *steps, uint32_t skip);
void order_unlink(struct linked *linked);

/* Links, holds units back as the rollout's limits want, sorts and numbers the steps (from 1) and fills 'after' and 'after_why'. Consumes 'steps'. 'skip' is a rule left out,
 * for tests (NO_INDEX: none). 0, or -1 with a finding when the rules form a circle. */
int order_steps(struct arena *arena, const struct needs *needs, GArray *steps, uint32_t skip, struct step **out,
	uint32_t *n_out, struct diags *diags);

/* What the steps cost; seconds: by estimate, one step at a time on each host. */
struct cost order_cost(const struct step *steps, uint32_t n);

/* From the first changed count to the last, when these are on several hosts. Of interest with strategy Rolling. */
struct plan_mixed order_mixed(const struct step *steps, uint32_t n);
