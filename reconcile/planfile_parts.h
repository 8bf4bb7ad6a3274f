/* SPDX-License-Identifier: Apache-2.0 */
/* The parts that the document of planfile.h is put together from; renderers of single parts use them too. */
#pragma once
#include "reconcile/jsonio.h"
#include "reconcile/planfile.h"

/* Text of the lower-case hexadecimal SHA-256 over the canonical form (sorted keys, no white space) of 'document'
 * without its "digest". */
char *planfile_digest(json_t *document);

/* Members of the document itself: known before hosts are read, and when all is planned. */
json_t *planfile_source_to_json(const struct run *run);
json_t *planfile_result_to_json(const struct run *run);
json_t *planfile_cluster_to_json(const struct plan *plan);
json_t *planfile_finding_to_json(const struct diag *diag);
json_t *planfile_findings_to_json(const struct diags *diags);
json_t *planfile_cost_to_json(const struct cost *cost);
json_t *planfile_budget_to_json(const struct plan_budget *budget);
json_t *planfile_window_to_json(const struct plan_window *window);  /* null: the manifest has none */
json_t *planfile_windows_to_json(const struct plan_window *window); /* as the manifest has them */
void planfile_windows_from_json(struct jsonio_reader *reader, json_t *in, struct plan_window *out);

/* Where the change stands in "resource_changes": cluster.paris.host.hv01.gpu["PCIROOT(20)#PCI(0100)"]. Free it. */
char *planfile_address(const struct plan *plan, const struct change *change);

/* Terraform's view: appends the plan's changes ('only': those flagged, NULL: all), one entry per GPU, VM and pool, and
 * its checks, one per invariant. */
void planfile_resources(json_t *resources, const struct plan *plan, const bool *only);
void planfile_checks(json_t *checks, const struct plan *plan);
