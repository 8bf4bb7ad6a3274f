/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/kinds.h"
#include "schema/yaml.h"

#include <string.h>

#define GROUP "hvgpu.dev"
#define VERSION "v1alpha1"

static json_t *object_openapi(const struct field *fields);

/* Only structure and merge keys matter to kustomize; values are checked by us. */
static json_t *field_openapi(const struct field *field)
{
	if (field->type == FIELD_OBJECT || field->type == FIELD_POINTER)
		return object_openapi(field->fields);
	if (field->type == FIELD_PATH_LISTS || field->type == FIELD_QUOTAS)
		return json_pack("{s:s}", "type", "object");
	if (field->type == FIELD_TEXTS || field->type == FIELD_NUMBERS)
		return json_pack("{s:s, s:{s:s}}", "type", "array", "items", "type",
			field->type == FIELD_TEXTS ? "string" : "integer");
	if (field->type != FIELD_LIST)
		return json_object();
	json_t *list = json_pack("{s:s, s:o}", "type", "array", "items", object_openapi(field->fields));
	if (field->merge_key) {
		json_object_set_new(list, "x-kubernetes-patch-merge-key", json_string(field->merge_key));
		json_object_set_new(list, "x-kubernetes-patch-strategy", json_string("merge"));
	}
	return list;
}

static json_t *object_openapi(const struct field *fields)
{
	json_t *properties = json_object();
	for (const struct field *field = fields; field->type != FIELD_END; field++)
		json_object_set_new(properties, field->key, field_openapi(field));
	return json_pack("{s:s, s:o}", "type", "object", "properties", properties);
}

static json_t *kind_openapi(const struct kind *kind)
{
	return json_pack("{s:s, s:s, s:{s:{s:s}, s:{s:s}, s:{s:s, s:{s:{s:s}}}, s:o}, s:[{s:s, s:s, s:s}]}", "type",
		"object", "description", kind->doc, "properties", "apiVersion", "type", "string", "kind", "type",
		"string", "metadata", "type", "object", "properties", "name", "type", "string", "spec",
		object_openapi(kind->fields), "x-kubernetes-group-version-kind", "group", GROUP, "version", VERSION,
		"kind", kind->name);
}

json_t *kustomize_openapi(void)
{
	json_t *definitions = json_object();
	for (const struct kind *const *kind = kinds; *kind; kind++) {
		if (!(*kind)->manifest)
			continue;
		g_autofree char *name = g_strdup_printf("dev.hvgpu." VERSION ".%s", (*kind)->name);
		json_object_set_new(definitions, name, kind_openapi(*kind));
	}
	return json_pack("{s:o}", "definitions", definitions);
}

/* Adds every field under 'fields' that refers to 'target' to 'specs'. */
static void add_references(
	json_t *specs, const char *target, const struct kind *kind, const struct field *fields, const char *path)
{
	for (const struct field *field = fields; field->type != FIELD_END; field++) {
		g_autofree char *here = g_strdup_printf("%s/%s", path, field->key);
		if (field->refers && strcmp(field->refers, target) == 0)
			json_array_append_new(
				specs, json_pack("{s:s, s:s, s:s}", "path", here, "kind", kind->name, "group", GROUP));
		if (field->fields)
			add_references(specs, target, kind, field->fields, here);
	}
}

void kustomize_configuration_write(GString *out)
{
	json_auto_t *references = json_array();
	for (const struct kind *const *target = kinds; *target; target++) {
		json_t *specs = json_array();
		for (const struct kind *const *kind = kinds; *kind; kind++)
			if ((*kind)->manifest)
				add_references(specs, (*target)->name, *kind, (*kind)->fields, "spec");
		if (json_array_size(specs) > 0)
			json_array_append_new(
				references, json_pack("{s:s, s:s, s:s, s:O}", "kind", (*target)->name, "group", GROUP,
						    "version", VERSION, "fieldSpecs", specs));
		json_decref(specs);
	}
	json_auto_t *configuration = json_pack("{s:O}", "nameReference", references);
	g_string_append(
		out, "# Which fields refer to an object by its name, so that they follow when kustomize changes it.\n");
	yaml_write(out, configuration, 0);
}
