/* SPDX-License-Identifier: Apache-2.0 */
/* Seeded small worlds with specs (tests/lib/small.h): up to three hosts, two GPUs each, six VMs. */
#pragma once
#include "tests/lib/random_scene.h"
#include "tests/lib/small.h"

struct small random_small(struct random *random);
