/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small things that every text format needs: foreign text made harmless, widths on a terminal, colours, durations,
 * places. Names and messages come from hosts and manifests and are not trusted: nothing in them may move the cursor,
 * start a line or hide what stands beside it.
 */
#pragma once
#include "render/render.h"

/* Control characters, line ends, bidirectional overrides and bytes that are not UTF-8 as \n, \x1b, \u202e. NULL: "?". */
void print_text(GString *out, const char *text);
void print_textn(GString *out, const char *text, size_t n_bytes);

unsigned print_char_width(gunichar c); /* columns on a terminal: 0, 1 or 2 */
unsigned print_width(const char *text);

enum colour { COLOUR_NONE, COLOUR_RED, COLOUR_GREEN, COLOUR_YELLOW, COLOUR_CYAN, COLOUR_BOLD, COLOUR_DIM };
void print_on(GString *out, const struct style *style, enum colour colour);
void print_off(GString *out, const struct style *style);

const char *print_arrow(const struct style *style);    /* "->" */
const char *print_ellipsis(const struct style *style); /* "..." */

void print_duration(GString *out, uint32_t seconds); /* "45 s", "12 min", "3 h 20 min", "4 days" */
void print_size(GString *out, uint64_t bytes);       /* "128 MiB", in the largest unit that is exact */
void print_place(GString *out, struct loc loc);      /* "clusters/paris.yaml:12"; nothing without a position */
void print_commit(
	GString *out, const struct run *run); /* "commit 936fee7", "... with local changes", "these manifests" */
void print_n(GString *out, uint32_t n, const char *one, const char *many); /* "1 step", "12 steps" */

/* Names with commas, each line at most 'width' columns (0: 100) and indented by 'indent'; the first line is on its way
 * already. At most 'max' names, then "and 31 more". */
void print_names(GString *out, const char *const *names, uint32_t n, uint32_t max, unsigned indent, unsigned width);
