/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document of planfile.h written piece by piece, so that of a thousand clusters never more than one is in memory as
 * JSON. The bytes are those of planfile_to_json() with an indent of two. The digest is over the keys in sorted order,
 * so the lists are written in that order, and members of the head are digested in between.
 */
#include "reconcile/drift.h"
#include "reconcile/planfile_parts.h"

#include <string.h>

enum { INDENT = 2, FLUSH_BYTES = 1 << 16 };

struct planfile_writer {
	planfile_sink *sink;
	void *user;
	int result; /* of the sink: not 0 ends the writing */
	GString *buffer;
	GChecksum *digest;
	json_t *head;
	bool begun;
	const char *digested; /* the last key that is in the digest */
	uint32_t n_digested;
};

struct planfile_writer *planfile_writer_new(planfile_sink *sink, void *user)
{
	struct planfile_writer *writer = g_new0(struct planfile_writer, 1);
	writer->sink = sink;
	writer->user = user;
	writer->buffer = g_string_new(NULL);
	writer->digest = g_checksum_new(G_CHECKSUM_SHA256);
	writer->head = json_object();
	writer->digested = "";
	return writer;
}

void planfile_writer_free(struct planfile_writer *writer)
{
	if (!writer)
		return;
	g_string_free(writer->buffer, TRUE);
	g_checksum_free(writer->digest);
	json_decref(writer->head);
	g_free(writer);
}

static void flush(struct planfile_writer *writer)
{
	if (writer->buffer->len && !writer->result)
		writer->result = writer->sink(writer->buffer->str, writer->buffer->len, writer->user);
	g_string_truncate(writer->buffer, 0);
}

/* ---- text ---- */

struct indented {
	struct planfile_writer *writer;
	unsigned columns;
};

/* A line end within JSON text is always one of its layout, for in strings they are escaped. */
static int put_indented(const char *bytes, size_t n, void *user)
{
	const struct indented *to = user;
	GString *out = to->writer->buffer;
	for (const char *end = bytes + n; bytes < end;) {
		const char *line = memchr(bytes, '\n', end - bytes), *stop = line ? line + 1 : end;
		g_string_append_len(out, bytes, stop - bytes);
		if (line)
			g_string_append_printf(out, "%*s", (int)to->columns, "");
		bytes = stop;
	}
	if (out->len > FLUSH_BYTES)
		flush(to->writer);
	return to->writer->result ? -1 : 0;
}

static void put_value(struct planfile_writer *writer, json_t *value, unsigned columns)
{
	struct indented to = { writer, columns };
	(void)!json_dump_callback(value, put_indented, &to, JSON_INDENT(INDENT) | JSON_ENCODE_ANY);
}

static void put_member(struct planfile_writer *writer, const char *key, json_t *value)
{
	g_string_append_printf(writer->buffer, "%s\n  \"%s\": ", writer->begun ? "," : "{", key);
	writer->begun = true;
	if (value)
		put_value(writer, value, INDENT);
}

static void put_head(struct planfile_writer *writer, const char *key, json_t *value)
{
	put_member(writer, key, value);
	json_object_set_new(writer->head, key, value);
}

/* ---- the digest ---- */

static void digest_text(struct planfile_writer *writer, const char *text)
{
	g_checksum_update(writer->digest, (const guchar *)text, -1);
}

static void digest_value(struct planfile_writer *writer, json_t *value)
{
	char *bytes = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	digest_text(writer, bytes ? bytes : "");
	free(bytes);
}

static void digest_key(struct planfile_writer *writer, const char *key)
{
	digest_text(writer, writer->n_digested++ ? ",\"" : "{\"");
	digest_text(writer, key);
	digest_text(writer, "\":");
	writer->digested = key;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The members of the head whose keys sort behind what is digested and before 'before' (NULL: all the rest). */
static void digest_head(struct planfile_writer *writer, const char *before)
{
	g_autoptr(GPtrArray) keys = g_ptr_array_new();
	const char *key;
	json_t *value;
	json_object_foreach(writer->head, key, value)
	{
		if (strcmp(key, writer->digested) > 0 && (!before || strcmp(key, before) < 0))
			g_ptr_array_add(keys, (gpointer)key);
	}
	g_ptr_array_sort(keys, compare_keys);
	for (guint i = 0; i < keys->len; i++) {
		digest_key(writer, keys->pdata[i]);
		digest_value(writer, json_object_get(writer->head, keys->pdata[i]));
	}
}

/* ---- lists, in the order of their keys ---- */

struct list {
	struct planfile_writer *writer;
	uint32_t n;
};

static struct list list_begin(struct planfile_writer *writer, const char *key)
{
	digest_head(writer, key);
	digest_key(writer, key);
	digest_text(writer, "[");
	put_member(writer, key, NULL);
	g_string_append_c(writer->buffer, '[');
	return (struct list){ writer, 0 };
}

/* Takes the reference. */
static void list_add(struct list *list, json_t *item)
{
	struct planfile_writer *writer = list->writer;
	g_string_append(writer->buffer, list->n ? ",\n    " : "\n    ");
	put_value(writer, item, 2 * INDENT);
	digest_text(writer, list->n++ ? "," : "");
	digest_value(writer, item);
	json_decref(item);
}

static void list_add_all(struct list *list, json_t *items)
{
	size_t i;
	json_t *item;
	json_array_foreach(items, i, item) list_add(list, json_incref(item));
	json_decref(items);
}

static void list_end(struct list *list)
{
	digest_text(list->writer, "]");
	g_string_append(list->writer->buffer, list->n ? "\n  ]" : "]");
}

static void put_lists(struct planfile_writer *writer, const struct run *run)
{
	struct list list = list_begin(writer, "checks");
	for (uint32_t i = 0; i < run->n_plans && !writer->result; i++) {
		json_t *items = json_array();
		planfile_checks(items, run->plans[i]);
		list_add_all(&list, items);
	}
	list_end(&list);
	list = list_begin(writer, "clusters");
	for (uint32_t i = 0; i < run->n_plans && !writer->result; i++)
		list_add(&list, planfile_cluster_to_json(run->plans[i]));
	list_end(&list);
	list = list_begin(writer, "findings");
	list_add_all(&list, planfile_findings_to_json(run->diags));
	list_end(&list);
}

static void put_resources(struct planfile_writer *writer, const struct run *run, const char *key, bool drift)
{
	struct list list = list_begin(writer, key);
	for (uint32_t i = 0; i < run->n_plans && (!drift || run->drift) && !writer->result; i++) {
		json_t *items = json_array();
		planfile_resources(items, run->plans[i], drift ? run->drift->clusters[i].is_drift : NULL);
		list_add_all(&list, items);
	}
	list_end(&list);
}

/* ---- the document ---- */

static void put_head_of(struct planfile_writer *writer, json_t *head)
{
	const char *key;
	json_t *value;
	json_object_foreach(head, key, value) put_head(writer, key, json_incref(value));
	json_decref(head);
}

void planfile_writer_begin(struct planfile_writer *writer, const struct run *run)
{
	if (writer->begun)
		return;
	put_head_of(writer, planfile_source_to_json(run));
	flush(writer);
}

int planfile_writer_end(struct planfile_writer *writer, const struct run *run)
{
	planfile_writer_begin(writer, run);
	put_head_of(writer, planfile_result_to_json(run));
	put_lists(writer, run);
	put_resources(writer, run, "resource_changes", false);
	put_resources(writer, run, "resource_drift", true);
	digest_head(writer, NULL);
	digest_text(writer, "}");
	json_auto_t *digest = json_string(g_checksum_get_string(writer->digest));
	put_member(writer, "digest", digest);
	g_string_append(writer->buffer, "\n}\n");
	flush(writer);
	return writer->result;
}
