/* SPDX-License-Identifier: Apache-2.0 */
/* Asks one host for what the doctor judges (doctor.h). Nothing is written there. */
#pragma once
#include "reconcile/doctor.h"

enum { EXAMINE_DEADLINE_S = 90 };

struct examination;

/* Asks the host at 'endpoint'. NULL with findings where its address makes no sense; a host that cannot be reached is among the
 * facts. */
struct examination *examine(const struct endpoint *endpoint, struct diags *diags);
/* What it said, for as long as the examination lives. */
const struct doctor_facts *examination_facts(const struct examination *examination);
void examination_free(struct examination *examination); /* NULL is accepted */
