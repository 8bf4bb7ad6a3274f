/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Once a step has failed for good, a host is lost amid the work, or somebody has interrupted the run, nothing new of that cluster is disrupted
 * (design.md section 8): no VM that runs is asked to stop or to move any more, in that run. Its way back only gives and starts
 * (docs/decisions/0016-debts.md, 9).
 */
#pragma once
#include "model/spec.h"
#include "model/step.h"
#include "tests/torture/memory.h"

struct quiet {
	const struct spec *spec;
	const struct spec_cluster *cluster; /* in which it must be quiet; NULL: none */
	bool everywhere;                    /* an interruption ends the run as a whole */
	/* Answers that came together are read one after another: what an earlier one lets begin is as good as begun. */
	uint32_t n_unread; /* since it last asked for something */
	bool is_coming;
};

/* A step on 'host' failed for good, and the run is told so now. */
void quiet_fail(struct quiet *quiet, const char *host);
/* Somebody interrupts the run. It may be amid reading answers. */
void quiet_interrupt(struct quiet *quiet);
/* The run is told of something else: by now it knows. */
void quiet_answer(struct quiet *quiet);
/* It sends 'step', or (NULL) asks for something else, in a world like 'now'. NULL, or what is wrong, in 'arena'. */
const char *quiet_judge(struct arena *arena, struct quiet *quiet, const struct view *now, const struct step *step);
