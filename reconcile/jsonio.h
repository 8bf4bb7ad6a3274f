/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single values into and out of a plan's JSON. Writing: NULL and unknown become null, a number above INT64_MAX becomes
 * text, a text that is not UTF-8 is mended. Reading trusts nothing: whatever is missing, of the wrong type or too
 * large is a finding (HV409), remembered in the reader; the value is then 0, NULL or LOC_NONE, and the caller looks
 * at 'failed' once, at the end.
 */
#pragma once
#include "base/diag.h"
#include "model/world.h"

#include <jansson.h>

json_t *jsonio_text(const char *text);
json_t *jsonio_u64(uint64_t value);
json_t *jsonio_maybe(struct maybe_u64 value);
json_t *jsonio_time(int64_t seconds); /* RFC 3339 in UTC */
json_t *jsonio_loc(struct loc loc);   /* {file, line, col, len}, or null */

struct jsonio_reader {
	struct arena *arena;
	const struct source *source; /* the plan file: what findings refer to */
	struct diags *diags;
	GHashTable *files; /* name -> struct source: positions of one file share one */
	bool failed;
};

/* Notes a finding; only the first one is kept, for the others follow from it. */
void jsonio_fail(struct jsonio_reader *reader, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

json_t *jsonio_get_object(struct jsonio_reader *reader, json_t *in, const char *key); /* borrowed, or NULL */
json_t *jsonio_get_array(struct jsonio_reader *reader, json_t *in, const char *key);
const char *jsonio_get_text(struct jsonio_reader *reader, json_t *in, const char *key); /* never NULL but on failure */
const char *jsonio_get_optional(struct jsonio_reader *reader, json_t *in, const char *key); /* NULL: null or absent */
uint32_t jsonio_get_u32(struct jsonio_reader *reader, json_t *in, const char *key);
uint64_t jsonio_get_u64(struct jsonio_reader *reader, json_t *in, const char *key);
struct maybe_u64 jsonio_get_maybe(struct jsonio_reader *reader, json_t *in, const char *key);
bool jsonio_get_bool(struct jsonio_reader *reader, json_t *in, const char *key);
int64_t jsonio_get_time(struct jsonio_reader *reader, json_t *in, const char *key);
int jsonio_get_enum(struct jsonio_reader *reader, json_t *in, const char *key, const struct names *names);
struct loc jsonio_get_loc(struct jsonio_reader *reader, json_t *in, const char *key);
