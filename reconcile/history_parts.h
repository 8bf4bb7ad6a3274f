/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of reconcile/history.h share. */
#pragma once
#include "reconcile/history.h"

#include <jansson.h>

struct record {
	json_t *json;           /* owns what the texts point to */
	const char *type, *run; /* never NULL */
	int64_t time;
};

/* True: json_decref() what it gives. False: that is no record of ours; it may be of a later version. */
bool record_parse(const char *text, struct record *out);

/* Forgets by age what a run finds, now and then. 'diags' get warnings alone. */
void history_forget(const char *path, int64_t now, struct diags *diags);

/* The findings of something that a run does without: warnings, HV709, that say first what is lost. */
void history_warn(const struct diags *found, const char *lost, struct diags *diags);

/* ---- so that a record has room for everything (reconcile/history_clip.c) ---- */

/* A text of any bytes, mended to UTF-8; what is too long ends with "…". NULL is null. */
json_t *clip_text(const char *text);

struct clip_list {
	json_t *json;
	uint32_t n_max;
	uint32_t n_left_out;
	size_t n_bytes;
};
/* Until one has no room; what is left out from there on is counted. */
void clip_list_add(struct clip_list *list, const char *text);
/* The list, with "and 12 more" at its end where something was left out. */
json_t *clip_list_end(struct clip_list *list);
