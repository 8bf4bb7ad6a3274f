/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of a plan on a terminal share (plan_text.c, page.c). */
#pragma once
#include "render/outline.h"

struct page {
	GString *out;
	const struct style *style;
	const struct run *run;
	struct arena *arena;
};

void page_heading(struct page *page, const char *text);

/* Where it was asked for, in a column of its own where the line since 'line_start' is short enough. 'last_line' above
 * the position's makes it a range. */
void page_place(struct page *page, size_t line_start, struct loc loc, uint32_t last_line);

void page_reason(struct page *page, const char *label, const char *why);

/* The steps, a group at a time: what, on what, after what, why. */
void page_steps(struct page *page, const struct plan *plan, const struct outline *outline);
