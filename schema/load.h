/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes to a typed, checked spec; pure. All findings at once, sorted by position. Documents of other kinds
 * (HostState, or of another apiVersion's group, like a ConfigMap) are a finding, each by its own rule.
 */
#pragma once
#include "base/diag.h"
#include "model/spec.h"

/* 'sources' must outlive the spec: positions and source lines are taken from them. 0, or -1 with findings; even then
 * '*out' is what could be understood, so that rules across objects still speak. */
int spec_load(struct arena *arena, const struct source *const *sources, uint32_t n_sources, struct spec **out,
	struct diags *diags);

/* The rules across objects (schema/rules.c): duplicates, references, double assignments, windows that never open. */
int spec_check(const struct spec *spec, struct diags *diags);
