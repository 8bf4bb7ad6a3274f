/* SPDX-License-Identifier: Apache-2.0 */
/* What a step expects to find: sent to the host, which looks again in the call that acts, and shown in plan files. */
#pragma once
#include "model/step.h"
#include "providers/host/host.h"

/* Unless the step's effect is there already. A saved plan's step is bound by key alone, so only the step is looked at. */
struct expected expects_of_step(const struct step *step);
