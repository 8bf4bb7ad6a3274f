/* SPDX-License-Identifier: Apache-2.0 */
/* What runs did, for `hvgpu history`. */
#pragma once
#include "reconcile/history.h"
#include "render/render.h"

/* A line for each run, the newest last; nothing where there is none. */
void render_history_text(GString *out, const struct history_list *list, const struct style *style);
/* All of one run. */
void render_history_run_text(GString *out, const struct history_run *run, const struct style *style);
json_t *render_history_json(const struct history_list *list);
json_t *render_history_pruned_json(uint32_t n_forgotten);

/* The part of a run's id that tells it from others: what lists show. */
const char *history_short_id(const char *id);
