/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of documents, one row each; what `schema KIND`, the manual and kustomize's files are made from. */
#pragma once
#include "model/field.h"

#include <glib.h>
#include <jansson.h>

#define API_VERSION "hvgpu.dev/v1alpha1"

struct kind {
	const char *name;           /* "GpuCluster" */
	const struct field *fields; /* of its spec (HostState: of its top level "host", "gpus", "virtualMachines") */
	size_t size;                /* of the struct */
	bool manifest;              /* desired state; false: HostState, Simulation */
	const char *doc;
};
extern const struct kind *const kinds[];                                             /* ended by NULL */
extern const struct kind kind_gpu_cluster, kind_gpu_assignment, kind_host_inventory; /* schema/kind_*.c */
extern const struct kind kind_host_state, kind_simulation; /* schema/kind_host_state.c, kind_simulation.c */
const struct kind *kind_find(const char *name);            /* any case, or NULL */

json_t *jsonschema_of(const struct kind *kind);   /* JSON Schema, draft 2020-12 */
void manual_write(GString *out);                  /* docs/manifests.md: every kind and field */
json_t *kustomize_openapi(void);                  /* list merge keys for newer kustomize */
void kustomize_configuration_write(GString *out); /* nameReference configuration (YAML) */
