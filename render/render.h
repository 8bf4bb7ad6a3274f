/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows a run: one file per format. Writes to a GString, so that tests and commands share one interface.
 */
#pragma once
#include "reconcile/apply.h"
#include "reconcile/doctor.h"
#include "reconcile/run.h"
#include "reconcile/settle.h"

#include <jansson.h>

struct style { /* how text may look; base/term.h decides */
	bool colour;
	bool unicode;
	unsigned width; /* columns, 0: do not wrap */
	bool live;      /* a terminal that can rewrite a line: progress is one line at the bottom */
};

void render_diags_text(GString *out, const struct diags *diags, const struct style *style); /* caret, source line */
json_t *render_diags_json(const struct diags *diags);

void render_plan_text(GString *out, const struct run *run, const struct style *style);
/* The same in parts, for clusters as they are planned (run_watch): the head needs the source alone. */
void render_plan_text_head(GString *out, const struct run *run, const struct style *style);
void render_plan_text_cluster(GString *out, const struct run *run, const struct plan *plan, const struct style *style);
void render_plan_text_end(GString *out, const struct run *run, const struct style *style);
void render_plan_json(GString *out, const struct run *run);
void render_plan_yaml(GString *out, const struct run *run);     /* the same keys as JSON */
void render_plan_markdown(GString *out, const struct run *run); /* for a pull request; at most 65,000 characters */

void render_drift_text(GString *out, const struct run *run, const struct style *style);
void render_apply_event_text(GString *out, const struct apply_event *event, const struct style *style);
/* The first of the JSON lines: which version speaks. */
void render_version_json(GString *out, int64_t now);
void render_apply_event_json(GString *out, const struct apply_event *event, int64_t now);
/* A line per finding, in their order: type "diagnostic", with the finding as plans have it. */
void render_findings_json(GString *out, const struct diags *diags, int64_t now);
/* One line per cluster, and the VMs that are still down; findings are render_diags_text's. */
void render_apply_results_text(GString *out, const struct apply_result *results, uint32_t n, const struct style *style);

/* One line: what became of the debt of a VM. */
void render_settled_text(GString *out, const struct settled *settled, enum settle_mode mode);

void render_doctor_text(GString *out, const struct doctor_report *report, const struct style *style);
json_t *render_doctor_json(const struct doctor_report *report);
/* All that the doctor can find, with its remedy, as rows of a Markdown table. */
void render_doctor_checks(GString *out);
