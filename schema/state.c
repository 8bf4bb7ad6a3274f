/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/state.h"
#include "schema/decode.h"
#include "schema/kinds.h"
#include "schema/node_json.h"
#include "schema/pieces.h"
#include "schema/state_order.h"
#include "schema/yaml.h"

#include <pthread.h>
#include <string.h>

struct metadata {
	const char *name;
};

static const struct field metadata_fields[] = {
	{ "name", F_TEXT(struct metadata, name), .flags = FIELD_REQUIRED | FIELD_NOT_EMPTY, .doc = "Name." },
	{ 0 },
};

/* What every document has around its spec. */
struct envelope {
	const char *api_version, *kind;
	struct metadata metadata;
};

struct read_state {
	struct host_state *state;
	struct loc loc; /* of its name */
};

struct reader {
	struct arena *arena;
	GArray *states; /* of struct read_state */
	struct simulation *simulation;
	struct loc simulation_loc;
};

static struct loc loc_of(const struct document *document, const struct node *node)
{
	return node_loc(document, node ? node : document->root);
}

/* Decodes a whole document: its envelope, and its spec into 'spec_out' by the rows of 'kind'. */
static int decode_document(struct arena *arena, const struct document *document, const struct kind *kind,
	struct envelope *envelope, void *spec_out, struct diags *diags)
{
	char *whole = arena_alloc(arena, sizeof(*envelope) + kind->size);
	const struct field rows[] = {
		{ "apiVersion", F_TEXT(struct envelope, api_version), .flags = FIELD_REQUIRED },
		{ "kind", F_TEXT(struct envelope, kind), .flags = FIELD_REQUIRED },
		{ "metadata", F_OBJECT(struct envelope, metadata, struct metadata, metadata_fields),
			.flags = FIELD_REQUIRED },
		{ "spec", .type = FIELD_OBJECT, .at = sizeof(*envelope), .fields = kind->fields, .size = kind->size,
			.flags = FIELD_REQUIRED },
		{ 0 },
	};
	int result = decode_object(arena, document, document->root, rows, false, whole, diags);
	memcpy(envelope, whole, sizeof(*envelope));
	memcpy(spec_out, whole + sizeof(*envelope), kind->size);
	return result;
}

static int read_host_state(
	struct arena *arena, const struct document *document, struct host_state **out, struct diags *diags)
{
	struct envelope envelope;
	struct host_state *state = arena_new_of(arena, struct host_state);
	if (decode_document(arena, document, &kind_host_state, &envelope, state, diags) < 0)
		return -1;
	state->host.name = envelope.metadata.name;
	if (state_put_in_order(arena, document, state, diags) < 0)
		return -1;
	*out = state;
	return 0;
}

static int read_simulation(struct reader *reader, const struct document *document, struct diags *diags)
{
	struct envelope envelope;
	if (reader->simulation) {
		int result = diag_add(diags, D_WORLD_FILE, node_loc(document, document->root), NULL,
			"a second 'Simulation'; a file holds at most one");
		diag_also(diags, reader->simulation_loc, "the first is here");
		return result;
	}
	reader->simulation = arena_new_of(reader->arena, struct simulation);
	reader->simulation_loc = node_loc(document, document->root);
	return decode_document(reader->arena, document, &kind_simulation, &envelope, reader->simulation, diags);
}

/* The document's kind when it is one of ours: 0, or -1 with findings. */
static int check_envelope(const struct document *document, const char **kind_out, struct diags *diags)
{
	const struct node *root = document->root;
	if (root->kind != NODE_MAP)
		return diag_add(diags, D_WORLD_FILE, node_loc(document, root), NULL,
			"not a mapping; a HostState document starts with 'apiVersion: %s'", API_VERSION);
	const struct node *version = node_get(root, "apiVersion"), *kind = node_get(root, "kind");
	if (!kind || kind->kind != NODE_SCALAR)
		return diag_add(diags, D_WORLD_FILE, loc_of(document, kind), NULL,
			"no 'kind'; a world file holds documents of kind HostState");
	if (!version || version->kind != NODE_SCALAR || strcmp(version->text, API_VERSION) != 0)
		return diag_add(diags, D_KIND_UNKNOWN, loc_of(document, version), NULL,
			"'apiVersion' is not '%s'; write that", API_VERSION);
	*kind_out = kind->text;
	return 0;
}

static int read_one(struct reader *reader, const struct document *document, struct diags *diags)
{
	const char *kind = NULL;
	if (node_is_null(document->root))
		return 0; /* nothing between two "---" */
	if (check_envelope(document, &kind, diags) < 0)
		return -1;
	if (strcmp(kind, kind_simulation.name) == 0)
		return read_simulation(reader, document, diags);
	if (strcmp(kind, kind_host_state.name) != 0)
		return diag_add(diags, D_WORLD_FILE, node_loc(document, node_get(document->root, "kind")), NULL,
			"'kind' is '%s', and a world file holds HostState and Simulation; manifests belong into the "
			"source",
			kind);
	struct read_state read = { 0 };
	if (read_host_state(reader->arena, document, &read.state, diags) < 0)
		return -1;
	read.loc = node_loc(document, node_get(node_get(document->root, "metadata"), "name"));
	g_array_append_val(reader->states, read);
	return 0;
}

/* JSON has no several documents: there they are a list. */
static int read_document(const struct document *document, void *user, struct diags *diags)
{
	int result = 0;
	if (document->root->kind != NODE_LIST)
		return read_one(user, document, diags);
	for (const struct node *item = document->root->first; item; item = item->next) {
		struct document one = { .source = document->source, .root = item, .json = document->json };
		if (read_one(user, &one, diags) < 0)
			result = -1;
	}
	return result;
}

static int state_order(const void *a, const void *b)
{
	const struct read_state *left = a, *right = b;
	int order = g_ascii_strcasecmp(left->state->host.name, right->state->host.name);
	if (order == 0)
		order = left->loc.line < right->loc.line ? -1 : left->loc.line > right->loc.line;
	return order;
}

static int check_hosts_differ(const GArray *states, struct diags *diags)
{
	int result = 0;
	for (guint i = 1; i < states->len; i++) {
		const struct read_state *a = &g_array_index(states, struct read_state, i - 1);
		const struct read_state *b = &g_array_index(states, struct read_state, i);
		if (g_ascii_strcasecmp(a->state->host.name, b->state->host.name) != 0)
			continue;
		result = diag_add(diags, D_WORLD_FILE, b->loc, NULL, "a second host '%s'; remove one of the two",
			b->state->host.name);
		diag_also(diags, a->loc, "the first is here");
	}
	return result;
}

/* One thread's part of a large file. */
struct part {
	struct source source;
	struct arena *arena;
	struct reader reader;
	pthread_t thread;
	bool threaded; /* else there was no thread to be had, and it is read already */
	int result;
};

static void *read_part(void *user)
{
	struct part *part = user;
	g_autoptr(arena_auto) scratch = arena_new();
	part->result = node_parse(&part->source, read_document, &part->reader, diags_new(scratch));
	return NULL;
}

static void part_start(struct part *part)
{
	part->arena = arena_new();
	part->reader =
		(struct reader){ part->arena, g_array_new(FALSE, FALSE, sizeof(struct read_state)), NULL, LOC_NONE };
	part->threaded = pthread_create(&part->thread, NULL, read_part, part) == 0;
	if (!part->threaded)
		read_part(part);
}

/* Waits for the part and moves what it read into 'reader', or gives it up. */
static int part_join(struct part *part, struct reader *reader, bool keep)
{
	if (part->threaded)
		pthread_join(part->thread, NULL);
	GArray *states = part->reader.states;
	keep = keep && part->result == 0 && !(part->reader.simulation && reader->simulation);
	if (keep) {
		g_array_append_vals(reader->states, states->data, states->len);
		if (part->reader.simulation)
			reader->simulation = part->reader.simulation;
		arena_adopt(reader->arena, part->arena);
	} else {
		arena_free(part->arena);
	}
	g_array_unref(states);
	return keep ? 0 : -1;
}

/* Reads a large file with one thread for each of its pieces. 0, or -1 where anything is wrong in it: then the file is
 * to be read again as a whole, for findings with their right places. */
static int read_in_parts(const struct source *source, struct reader *reader)
{
	struct source pieces[PIECES_MAX];
	struct part parts[PIECES_MAX];
	uint32_t n = pieces_cut(source, g_get_num_processors(), pieces);
	bool good = true;
	if (n < 2)
		return -1;
	for (uint32_t i = 0; i < n; i++) {
		parts[i].source = pieces[i];
		part_start(&parts[i]);
	}
	for (uint32_t i = 0; i < n; i++)
		good = part_join(&parts[i], reader, good) == 0 && good;
	return good ? 0 : -1;
}

static bool has_two_of_a_name(const GArray *states)
{
	for (guint i = 1; i < states->len; i++)
		if (g_ascii_strcasecmp(g_array_index(states, struct read_state, i - 1).state->host.name,
			    g_array_index(states, struct read_state, i).state->host.name) == 0)
			return true;
	return false;
}

static void sort_states(GArray *states)
{
	if (states->len > 1)
		qsort(states->data, states->len, sizeof(struct read_state), state_order);
}

static int read_whole(const struct source *source, struct reader *reader, struct diags *diags)
{
	g_array_set_size(reader->states, 0);
	reader->simulation = NULL;
	int result = node_parse(source, read_document, reader, diags);
	sort_states(reader->states);
	if (check_hosts_differ(reader->states, diags) < 0)
		result = -1;
	if (result == 0 && reader->states->len == 0)
		result = diag_add(diags, D_WORLD_FILE, (struct loc){ source, 0, 0, 0 }, NULL,
			"'%s' holds no HostState; write one with 'hvgpu observe -o yaml'", source->name);
	return result;
}

/* A YAML file that was cut off may read well, and what it lost would not be missed: a VM that holds a GPU, say. What
 * writes text ends its last line. */
static int check_end(const struct source *source, struct diags *diags)
{
	if (!source->n_bytes || source->bytes[source->n_bytes - 1] == '\n' || node_is_json(source))
		return 0;
	return diag_add(diags, D_WORLD_FILE, (struct loc){ source, 0, 0, 0 }, NULL,
		"the last line has no end, as if the file were cut off; write it again, or end that line");
}

int state_read(struct arena *arena, const struct source *source, struct state_file *out, struct diags *diags)
{
	g_autoptr(GArray) states = g_array_new(FALSE, FALSE, sizeof(struct read_state));
	struct reader reader = { .arena = arena, .states = states };
	bool good = read_in_parts(source, &reader) == 0;
	sort_states(states);
	good = good && states->len > 0 && !has_two_of_a_name(states);
	if (!good && read_whole(source, &reader, diags) < 0)
		return -1;
	if (check_end(source, diags) < 0)
		return -1;
	const struct host_state **sorted = arena_array(arena, const struct host_state *, states->len);
	for (guint i = 0; i < states->len; i++)
		sorted[i] = g_array_index(states, struct read_state, i).state;
	*out = (struct state_file){ sorted, states->len, reader.simulation };
	return 0;
}

int state_from_json(
	struct arena *arena, json_t *json, const struct source *source, struct host_state **out, struct diags *diags)
{
	g_autoptr(arena_auto) scratch = arena_new();
	struct document document = { .source = source, .json = true };
	const char *kind = NULL;
	if (node_from_json(scratch, json, source, &document.root, diags) < 0 ||
		check_envelope(&document, &kind, diags) < 0)
		return -1;
	if (strcmp(kind, kind_host_state.name) != 0)
		return diag_add(diags, D_WORLD_FILE, node_loc(&document, document.root), NULL,
			"'kind' is '%s' where a HostState is expected", kind);
	return read_host_state(arena, &document, out, diags);
}

static json_t *document_json(const struct kind *kind, const char *name, const void *spec)
{
	return json_pack("{s:s, s:s, s:{s:o}, s:o}", "apiVersion", API_VERSION, "kind", kind->name, "metadata", "name",
		json_string(name), "spec", emit_json(kind->fields, spec));
}

/* The paths of the GPUs in each mask, for writing. */
static void fill_paths(struct arena *arena, const struct host_state *state, struct adapter *adapter)
{
	uint32_t n = 0;
	const char **paths = arena_array(arena, const char *, __builtin_popcountll(adapter->gpus));
	for (uint32_t i = 0; i < state->n_gpus && i < GPUS_PER_HOST_MAX; i++)
		if (adapter->gpus & 1ull << i)
			paths[n++] = state->gpus[i].location_path;
	adapter->gpu_paths = paths;
	adapter->n_gpu_paths = n;
}

json_t *state_to_json(const struct host_state *state)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct host_state filled = *state;
	filled.vms = arena_copy(arena, state->vms, sizeof(*state->vms) * state->n_vms);
	for (uint32_t i = 0; i < filled.n_vms; i++) {
		struct vm *vm = &filled.vms[i];
		struct adapter *adapters = arena_copy(arena, vm->adapters, sizeof(*adapters) * vm->n_adapters);
		for (uint32_t k = 0; k < vm->n_adapters; k++)
			fill_paths(arena, state, &adapters[k]);
		vm->adapters = adapters;
	}
	return document_json(&kind_host_state, state->host.name, &filled);
}

void state_write_yaml(GString *out, const struct host_state *state)
{
	json_auto_t *json = state_to_json(state);
	if (out->len > 0)
		g_string_append(out, "---\n");
	yaml_write(out, json, 0);
}

void simulation_write_yaml(GString *out, const struct simulation *simulation)
{
	json_auto_t *json = document_json(&kind_simulation, "simulation", simulation);
	if (out->len > 0)
		g_string_append(out, "---\n");
	yaml_write(out, json, 0);
}
