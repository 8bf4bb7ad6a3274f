/* SPDX-License-Identifier: Apache-2.0 */
/* Rules within one object that a row of a table cannot say: exactly one of several fields, ids, windows, credentials. */
#pragma once
#include "base/diag.h"
#include "model/spec.h"

/* Each 0, or -1 with findings. */
int rules_cluster(const struct spec_cluster *cluster, struct diags *diags);
int rules_assignment(const struct spec_assignment *assignment, struct diags *diags);
int rules_inventory(const struct spec_inventory *inventory, struct diags *diags);
