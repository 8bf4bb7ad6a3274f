/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests for what hosts have now: the spec that resolves to the observed world, so that the plan from them is empty.
 * What manifests cannot express is a finding each (HV669): mixed counts, surplus and pinned adapters, a second
 * partitioned model. Pure.
 */
#pragma once
#include "base/diag.h"
#include "model/world.h"

#include <glib.h>

/* Appends a GpuCluster for each failover cluster that the hosts name and for each standalone host, and the
 * GpuAssignments of their VMs. States are sorted by host name. */
void import_write(GString *out, const struct host_state *const *states, uint32_t n_states, struct diags *diags);
