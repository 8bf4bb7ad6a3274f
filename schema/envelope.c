/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/envelope.h"

#include "base/text.h"
#include "schema/decode_value.h"

#include <string.h>

static struct loc loc_of(const struct document *document, const struct node *node)
{
	return node_loc(document, node ? node : document->root);
}

static const char *scalar_text(const struct node *node)
{
	return node && node->kind == NODE_SCALAR && !node_is_null(node) ? node->text : NULL;
}

/* kustomize reads such a file without `kind`, too. */
static bool is_kustomization(const struct document *document, const char *version, const char *kind)
{
	if (version && g_str_has_prefix(version, "kustomize.config.k8s.io/"))
		return true;
	if (kind)
		return strcmp(kind, "Kustomization") == 0 && !version;
	g_autofree char *file = g_path_get_basename(document->source->name);
	return strcmp(file, "kustomization.yaml") == 0 || strcmp(file, "kustomization.yml") == 0 ||
	       strcmp(file, "Kustomization") == 0;
}

static int check_version(const struct document *document, const char *version, const char *kind, struct diags *diags)
{
	const struct node *node = node_get(document->root, "apiVersion");
	if (!version && node_get(document->root, "format_version") && node_get(document->root, "clusters"))
		return diag_add(diags, D_KIND_UNKNOWN, loc_of(document, node), NULL,
			"this is a saved plan and no manifest; 'hvgpu apply FILE' and 'hvgpu check FILE' take it, from "
			"a file "
			"of its own");
	if (!version)
		return diag_add(diags, D_KIND_UNKNOWN, loc_of(document, node), NULL,
			"the document has no 'apiVersion'; write 'apiVersion: %s'", API_VERSION);
	if (strcmp(version, API_VERSION) == 0)
		return 0;
	static const char *const versions[] = { API_VERSION };
	if (g_str_has_prefix(version, "hvgpu.dev/") || text_nearest(version, versions, 1) || (kind && kind_find(kind)))
		return diag_add(diags, D_KIND_UNKNOWN, loc_of(document, node), NULL,
			"apiVersion '%s' is not known; write '%s'", version, API_VERSION);
	return diag_add(diags, D_KIND_UNKNOWN, loc_of(document, node), NULL,
		"apiVersion '%s' is not one of ours (%s); keep such documents in another folder", version, API_VERSION);
}

static int unknown_kind(struct loc loc, const char *name, struct diags *diags)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	for (const struct kind *const *kind = kinds; *kind; kind++)
		if ((*kind)->manifest)
			g_ptr_array_add(names, (void *)(*kind)->name);
	const char *near = text_nearest(name, (const char *const *)names->pdata, names->len);
	g_ptr_array_add(names, NULL);
	g_autofree char *all = g_strjoinv(", ", (char **)names->pdata);
	if (near)
		return diag_add(diags, D_KIND_UNKNOWN, loc, NULL, "unknown kind '%s'; did you mean '%s'?", name, near);
	return diag_add(diags, D_KIND_UNKNOWN, loc, NULL, "unknown kind '%s'; the kinds are %s", name, all);
}

static int read_kind(const struct document *document, const struct kind **out, struct diags *diags)
{
	const struct node *node = node_get(document->root, "kind");
	const char *name = scalar_text(node);
	struct loc loc = loc_of(document, node);
	if (!name)
		return diag_add(
			diags, D_KIND_UNKNOWN, loc, NULL, "the document has no 'kind', for example 'kind: GpuCluster'");
	const struct kind *kind = kind_find(name);
	if (!kind || strcmp(kind->name, name) != 0)
		return unknown_kind(loc, name, diags);
	if (kind == &kind_host_state)
		return diag_add(diags, D_KIND_UNKNOWN, loc, NULL,
			"a HostState describes a host and is no manifest; give it with --hosts snapshot:FILE");
	if (!kind->manifest)
		return diag_add(
			diags, D_KIND_UNKNOWN, loc, NULL, "a %s is no manifest; give it with --hosts sim:FILE", name);
	*out = kind;
	return 0;
}

/* Keys that are not among 'known'. */
static void refuse_others(const struct document *document, const struct node *map, const char *where,
	const char *const *known, struct diags *diags)
{
	size_t n_known = g_strv_length((char **)known);
	for (const struct node *value = map->first; value; value = value->next) {
		const char *key = value->key->text;
		if (value->key->broken || g_strv_contains(known, key))
			continue;
		const char *near = text_nearest(key, known, n_known);
		diag_add(diags, D_FIELD_UNKNOWN, node_key_loc(document, value), NULL, "unknown field '%s' in %s%s%s%s",
			key, where, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
}

static void read_metadata(
	struct arena *arena, const struct document *document, struct envelope *out, struct diags *diags)
{
	/* kustomize adds the last three; they mean nothing here. */
	static const char *const known[] = { "name", "namespace", "labels", "annotations", NULL };
	static const struct field name_row = {
		.key = "name", .type = FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_NAME
	};
	const struct node *metadata = node_get(document->root, "metadata");
	out->name_loc = loc_of(document, metadata);
	if (metadata && metadata->broken)
		return;
	struct place place = { .key = "metadata" };
	struct decoder decoder = { .arena = arena, .document = document, .diags = diags, .place = &place };
	if (metadata && metadata->kind != NODE_MAP) {
		decode_wrong_type(&decoder, &(struct field){ .key = "metadata" }, metadata, "a mapping");
		return;
	}
	if (metadata)
		refuse_others(document, metadata, "'metadata'", known, diags);
	const struct node *name = node_get(metadata, "name");
	if (!name) {
		diag_add(diags, D_FIELD_MISSING, out->name_loc, NULL, "'metadata.name' is missing");
		return;
	}
	out->name_loc = node_loc(document, name);
	if (!name->broken)
		decode_text(&decoder, &name_row, name, &out->name);
}

int envelope_read(struct arena *arena, const struct document *document, struct envelope *out, struct diags *diags)
{
	static const char *const known[] = { "apiVersion", "kind", "metadata", "spec", NULL };
	const struct node *root = document->root;
	if (root->broken)
		return -1;
	if (root->kind != NODE_MAP)
		return diag_add(diags, D_FIELD_TYPE, node_loc(document, root), NULL,
			"a document must be a mapping with 'apiVersion', 'kind', 'metadata' and 'spec'");
	const char *version = scalar_text(node_get(root, "apiVersion")), *kind = scalar_text(node_get(root, "kind"));
	if (is_kustomization(document, version, kind))
		return ENVELOPE_SKIP;
	struct envelope envelope = { 0 };
	if (check_version(document, version, kind, diags) < 0 || read_kind(document, &envelope.kind, diags) < 0)
		return -1;
	refuse_others(document, root, "the document", known, diags);
	read_metadata(arena, document, &envelope, diags);
	envelope.spec = node_get(root, "spec");
	if (!envelope.spec)
		diag_add(diags, D_FIELD_MISSING, node_loc(document, root), NULL, "'spec' is missing");
	*out = envelope;
	return 0;
}
