/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody else does to the hosts while a run is under way: a broker, the failover cluster, a person. */
#pragma once
#include "tests/torture/fault.h"

#include "model/spec.h"

struct step;

/* As 'unlock' does to a run that hangs: the leases that hosts hold end. False: there are none. */
bool meddle_unlock(void);

/* Changes the world in memory, at the VM or GPU that 'step' (or NULL) is about, else where it hurts. False: there is
 * nothing of the kind to be done. '*vm_out' is the id of the VM that it was about, or NULL; '*wrong_out' what is wrong with
 * how it went, or NULL; in the world's arena. */
bool meddle(enum fault_kind kind, const struct spec *spec, const struct step *step, const char **vm_out,
	const char **wrong_out);
