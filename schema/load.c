/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/load.h"

#include "base/zone.h"
#include "schema/decode.h"
#include "schema/envelope.h"

#include <string.h>

struct loader {
	struct arena *arena;
	GArray *clusters, *assignments, *inventories;
	uint32_t n_documents;
	GHashTable *zones; /* by name; each is read once */
};

static int take_document(const struct document *document, void *user, struct diags *diags);
static struct spec *build_spec(struct loader *loader);
static void normalise_ids(struct arena *arena, const struct spec_cluster *cluster);

int spec_load(struct arena *arena, const struct source *const *sources, uint32_t n_sources, struct spec **out,
	struct diags *diags)
{
	uint32_t n_errors = diags->n_errors;
	g_autoptr(GHashTable) zones = g_hash_table_new(g_str_hash, g_str_equal);
	struct loader loader = {
		.arena = arena,
		.zones = zones,
		.clusters = g_array_new(false, false, sizeof(struct spec_cluster)),
		.assignments = g_array_new(false, false, sizeof(struct spec_assignment)),
		.inventories = g_array_new(false, false, sizeof(struct spec_inventory)),
	};
	for (uint32_t i = 0; i < n_sources; i++)
		node_parse(sources[i], take_document, &loader, diags);
	bool nothing = !loader.n_documents && diags->n_errors == n_errors;
	*out = build_spec(&loader);
	if (nothing) {
		struct loc loc = { n_sources == 1 ? sources[0] : NULL };
		diag_add(diags, D_NO_DOCUMENTS, loc, NULL, "no manifests found");
	}
	spec_check(*out, diags);
	for (uint32_t i = 0; i < (*out)->n_clusters; i++)
		normalise_ids(arena, &(*out)->clusters[i]);
	diags_sort(diags);
	return diags->n_errors > n_errors ? -1 : 0;
}

/* Decodes the spec, or sets defaults where there is none, so that the object can be referred to. */
static int decode_spec(struct loader *loader, const struct document *document, const struct envelope *envelope,
	void *object, struct diags *diags)
{
	if (envelope->spec)
		return decode_object(
			loader->arena, document, envelope->spec, envelope->kind->fields, true, object, diags);
	decode_defaults(loader->arena, envelope->kind->fields, true, node_loc(document, document->root), object);
	return -1;
}

/* The rules of time zones are an input like the manifests: they are read here, and planning asks nobody. */
static void read_zones(struct loader *loader, struct spec_cluster *cluster)
{
	for (uint32_t i = 0; i < cluster->rollout.n_windows; i++) {
		struct spec_window *window = (struct spec_window *)&cluster->rollout.windows[i];
		if (!window->time_zone)
			continue;
		gpointer known;
		if (!g_hash_table_lookup_extended(loader->zones, window->time_zone, NULL, &known)) {
			known = (gpointer)zone_load(loader->arena, window->time_zone);
			g_hash_table_insert(loader->zones, (gpointer)window->time_zone, known);
		}
		window->zone = known;
	}
}

static int compare_host_names(const void *a, const void *b)
{
	const struct inventory_host *left = a, *right = b;
	if (!left->name || !right->name)
		return (left->name != NULL) - (right->name != NULL);
	return g_ascii_strcasecmp(left->name, right->name);
}

static int take_document(const struct document *document, void *user, struct diags *diags)
{
	struct loader *loader = user;
	struct envelope envelope;
	int result = envelope_read(loader->arena, document, &envelope, diags);
	if (result)
		return result < 0 ? -1 : 0;
	loader->n_documents++;
	if (envelope.kind == &kind_gpu_cluster) {
		struct spec_cluster cluster = { 0 };
		result = decode_spec(loader, document, &envelope, &cluster, diags);
		cluster.name = envelope.name;
		cluster.name_loc = envelope.name_loc;
		read_zones(loader, &cluster);
		g_array_append_val(loader->clusters, cluster);
	} else if (envelope.kind == &kind_gpu_assignment) {
		struct spec_assignment assignment = { 0 };
		result = decode_spec(loader, document, &envelope, &assignment, diags);
		assignment.name = envelope.name;
		assignment.name_loc = envelope.name_loc;
		g_array_append_val(loader->assignments, assignment);
	} else {
		struct spec_inventory inventory = { 0 };
		result = decode_spec(loader, document, &envelope, &inventory, diags);
		inventory.name = envelope.name;
		inventory.name_loc = envelope.name_loc;
		/* Sorted for spec_find_address(). */
		if (inventory.n_hosts)
			qsort((void *)inventory.hosts, inventory.n_hosts, sizeof(*inventory.hosts), compare_host_names);
		g_array_append_val(loader->inventories, inventory);
	}
	return result;
}

/* By name; those without one first. Of one name the earlier in the sources is first, so that "first defined here" is. */
static int compare_objects(const char *a, const struct loc *a_loc, const char *b, const struct loc *b_loc)
{
	if (!a || !b)
		return (a != NULL) - (b != NULL);
	int order = strcmp(a, b);
	if (!order)
		order = strcmp(a_loc->source->name, b_loc->source->name);
	if (!order)
		order = (a_loc->line > b_loc->line) - (a_loc->line < b_loc->line);
	return order ? order : (a_loc->col > b_loc->col) - (a_loc->col < b_loc->col);
}

static int compare_clusters(const void *a, const void *b)
{
	const struct spec_cluster *left = a, *right = b;
	return compare_objects(left->name, &left->name_loc, right->name, &right->name_loc);
}

static int compare_assignments(const void *a, const void *b)
{
	const struct spec_assignment *left = a, *right = b;
	return compare_objects(left->name, &left->name_loc, right->name, &right->name_loc);
}

static int compare_inventories(const void *a, const void *b)
{
	const struct spec_inventory *left = a, *right = b;
	return compare_objects(left->name, &left->name_loc, right->name, &right->name_loc);
}

static struct spec *build_spec(struct loader *loader)
{
	struct spec *spec = arena_new_of(loader->arena, struct spec);
	g_array_sort(loader->clusters, compare_clusters);
	g_array_sort(loader->assignments, compare_assignments);
	g_array_sort(loader->inventories, compare_inventories);
	spec->clusters = arena_take_array(loader->arena, loader->clusters, &spec->n_clusters);
	spec->assignments = arena_take_array(loader->arena, loader->assignments, &spec->n_assignments);
	spec->inventories = arena_take_array(loader->arena, loader->inventories, &spec->n_inventories);
	return spec;
}

/* PCI ids are told in upper case by hosts; the case that a person writes does not matter. After the
 * rules, whose findings quote what was written. */
static void normalise_ids(struct arena *arena, const struct spec_cluster *cluster)
{
	for (uint32_t i = 0; i < cluster->n_gpus; i++) {
		struct spec_match *match = (struct spec_match *)cluster->gpus[i].match;
		if (!match)
			continue;
		g_autofree char *device = match->device ? g_ascii_strup(match->device, -1) : NULL;
		g_autofree char *subsystem = match->subsystem ? g_ascii_strup(match->subsystem, -1) : NULL;
		match->device = arena_strdup(arena, device);
		match->subsystem = arena_strdup(arena, subsystem);
	}
}
