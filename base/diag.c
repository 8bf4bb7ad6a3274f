/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"

#include <stdarg.h>
#include <string.h>

#define SEVERITIES(X) X(DIAG_ERROR, "error") X(DIAG_WARNING, "warning") X(DIAG_NOTE, "note")
NAMES_DEFINE(diag_severity_names, SEVERITIES);

const struct diag_row diag_codes[DIAG_CODE_COUNT] = {
#define CODE(symbol, id, severity, exit, title, help) [symbol] = { id, severity, exit, title, help },
#include "base/codes.def"
#undef CODE
};

const char *const diag_sources[DIAG_CODE_COUNT] = {
#define SOURCE(symbol, document) [symbol] = (document),
#include "base/sources.def"
#undef SOURCE
};

int diag_code_find(const char *id)
{
	for (int code = 0; code < DIAG_CODE_COUNT; code++)
		if (g_ascii_strcasecmp(diag_codes[code].id, id) == 0)
			return code;
	return -1;
}

enum exit_code exit_worse(enum exit_code a, enum exit_code b)
{
	static const enum exit_code order[] = {
		EXIT_INTERRUPTED,
		EXIT_PARTIAL,
		EXIT_UNEXPECTED,
		EXIT_BAD_INPUT,
		EXIT_STALE,
		EXIT_LOCKED,
		EXIT_REFUSED,
		EXIT_INCOMPLETE,
		EXIT_CHANGES,
		EXIT_DONE,
	};
	for (size_t i = 0; i < G_N_ELEMENTS(order); i++)
		if (order[i] == a || order[i] == b)
			return order[i];
	return EXIT_UNEXPECTED;
}

struct diags *diags_new(struct arena *arena)
{
	struct diags *diags = arena_new_of(arena, struct diags);
	diags->arena = arena;
	return diags;
}

/* Counts a finding of that code; false: there is no room to keep it. */
static bool count(struct diags *diags, enum diag_code code)
{
	const struct diag_row *row = &diag_codes[code];
	diags->n_errors += row->severity == DIAG_ERROR;
	diags->n_warnings += row->severity == DIAG_WARNING;
	if (row->severity == DIAG_ERROR)
		diags->exit = exit_worse(diags->exit, row->exit);
	if (diags->n < DIAGS_MAX)
		return true;
	diags->n_dropped++;
	return false;
}

static void link_last(struct diags *diags, struct diag *diag)
{
	diag->next = NULL;
	if (diags->last)
		diags->last->next = diag;
	else
		diags->first = diag;
	diags->last = diag;
}

int diag_add(struct diags *diags, enum diag_code code, struct loc loc, const char *subject, const char *fmt, ...)
{
	int result = diag_codes[code].severity == DIAG_ERROR ? -1 : 0;
	if (!count(diags, code))
		return result;
	va_list args;
	va_start(args, fmt);
	g_autofree char *message = g_strdup_vprintf(fmt, args);
	va_end(args);
	struct diag *diag = arena_new_of(diags->arena, struct diag);
	diag->code = code;
	diag->loc = loc;
	diag->subject = arena_strdup(diags->arena, subject);
	diag->message = arena_strdup(diags->arena, message);
	link_last(diags, diag);
	diags->n++;
	return result;
}

void diag_also(struct diags *diags, struct loc loc, const char *message)
{
	if (!diags->last || diags->n_dropped)
		return;
	diags->last->also = loc;
	diags->last->also_message = arena_strdup(diags->arena, message);
}

bool diags_have(const struct diags *diags, const struct diag *diag)
{
	for (const struct diag *other = diags->first; other; other = other->next)
		if (other->code == diag->code && g_strcmp0(other->message, diag->message) == 0)
			return true;
	return false;
}

void diags_append(struct diags *into, const struct diags *from)
{
	for (const struct diag *diag = from->first; diag; diag = diag->next) {
		if (!count(into, diag->code))
			continue;
		struct diag *copy = arena_copy(into->arena, diag, sizeof(*diag));
		copy->subject = arena_strdup(into->arena, diag->subject);
		copy->message = arena_strdup(into->arena, diag->message);
		copy->also_message = arena_strdup(into->arena, diag->also_message);
		link_last(into, copy);
		into->n++;
	}
	into->n_dropped += from->n_dropped;
}

void diags_keep(struct diags *diags, const struct source *source)
{
	struct source *copy = NULL;
	for (struct diag *diag = diags->first; diag; diag = diag->next) {
		if (diag->loc.source != source && diag->also.source != source)
			continue;
		if (!copy) {
			copy = arena_copy(diags->arena, source, sizeof(*source));
			copy->name = arena_strdup(diags->arena, source->name);
			copy->bytes = arena_copy(diags->arena, source->bytes, source->n_bytes);
		}
		if (diag->loc.source == source)
			diag->loc.source = copy;
		if (diag->also.source == source)
			diag->also.source = copy;
	}
}

static int compare(const void *a_at, const void *b_at)
{
	const struct loc *a = &(*(struct diag *const *)a_at)->loc, *b = &(*(struct diag *const *)b_at)->loc;
	if (!a->source || !b->source)
		return (a->source == NULL) - (b->source == NULL);
	int order = strcmp(a->source->name, b->source->name);
	if (order)
		return order;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return (a->col > b->col) - (a->col < b->col);
}

void diags_sort(struct diags *diags)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new();
	for (struct diag *diag = diags->first; diag; diag = diag->next)
		g_ptr_array_add(list, diag);
	g_ptr_array_sort(list, compare); /* GLib's sort is stable */
	diags->first = diags->last = NULL;
	for (guint i = 0; i < list->len; i++) {
		struct diag *diag = g_ptr_array_index(list, i);
		link_last(diags, diag);
	}
}
