/* SPDX-License-Identifier: Apache-2.0 */
/* A record has room for so much (base/journal.h); what is left out is on the hosts, and in the output of the run. */
#include "base/journal.h"
#include "reconcile/history_parts.h"

#include <string.h>

enum {
	TEXT_MAX = 2000,      /* bytes of a text, as JSON */
	LIST_MAX = 256 << 10, /* of all texts of a list */
	MORE_MAX = 100 /* of all else that a member needs: its name, quotes, what tells that something is left out */
};

/* No record of ours has more than two lists and twenty other members. */
_Static_assert(
	2 * (LIST_MAX + TEXT_MAX + MORE_MAX) + 20 * (TEXT_MAX + MORE_MAX) <= JOURNAL_RECORD_MAX, "a record has room");

static size_t json_size_of(const char *character)
{
	if ((unsigned char)*character < ' ')
		return strlen("\\u0000");
	if (*character == '"' || *character == '\\')
		return strlen("\\\"");
	return (size_t)(g_utf8_next_char(character) - character);
}

/* As much of its start as takes no more than that as JSON. '*n_out': the bytes that this is as JSON. */
static const char *end_within(const char *text, size_t n_max, size_t *n_out)
{
	*n_out = 0;
	for (; *text; text = g_utf8_next_char(text)) {
		size_t n = json_size_of(text);
		if (*n_out + n > n_max)
			break;
		*n_out += n;
	}
	return text;
}

static json_t *clip(const char *text, size_t *n_out)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	const char *end = end_within(valid, TEXT_MAX, n_out);
	g_autofree char *start = g_strdup_printf("%.*s%s", (int)(end - valid), valid, *end ? "…" : "");
	return json_string(start);
}

json_t *clip_text(const char *text)
{
	size_t n;
	return text ? clip(text, &n) : json_null();
}

void clip_list_add(struct clip_list *list, const char *text)
{
	size_t n;
	json_t *json = clip(text, &n);
	bool has_room = !list->n_left_out && json_array_size(list->json) < list->n_max &&
			list->n_bytes + n + strlen("\"\",") <= LIST_MAX;
	if (has_room)
		json_array_append(list->json, json);
	list->n_bytes += has_room ? n + strlen("\"\",") : 0;
	list->n_left_out += !has_room;
	json_decref(json);
}

json_t *clip_list_end(struct clip_list *list)
{
	g_autofree char *text = g_strdup_printf("and %u more", list->n_left_out);
	if (list->n_left_out)
		json_array_append_new(list->json, json_string(text));
	return list->json;
}
