/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which differences between the world and the manifests are drift, for the commit applied last does not have them either:
 * somebody changed the hosts since, or the run that applied it did not get so far. The others are pending: new in the
 * manifests, or owed by an earlier run, they wait for an apply.
 */
#pragma once
#include "reconcile/run.h"

/* What the last apply of a cluster says about its changes. */
#define DRIFT_BASES(X) \
	X(DRIFT_NEVER_APPLIED, "never-applied")         /* no record of an apply: all is pending */ \
	X(DRIFT_NO_COMMIT, "no-commit")                 /* the last apply was of no commit: all is pending */ \
	X(DRIFT_COMPARED, "compared")                   /* each change was looked for in the plan of that commit */ \
	X(DRIFT_COMMIT_UNREADABLE, "commit-unreadable") /* it cannot be told apart: all counts as drift */
enum drift_basis { DRIFT_BASES(NAMES_ENUM) DRIFT_BASIS_COUNT };
extern const struct names drift_basis_names;

struct drift_cluster { /* one per plan of the run, in its order */
	enum drift_basis basis;
	const char *commit;   /* the recorded one, or NULL */
	const bool *is_drift; /* one per change of the plan */
	uint32_t n_drift, n_pending;
};

struct drift {
	const struct drift_cluster *clusters;
	uint32_t n_drift, n_pending; /* of all clusters */
};

/* Fills run->drift for a planned run: reads the recorded commits from the source's repository and plans the same
 * world by them. */
void drift_find(struct run *run);
