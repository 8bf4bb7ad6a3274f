/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One finding as a person reads it:
 *
 *	clusters/paris.yaml:12:23: error HV203: 'partitionCount' is 80, and 1 to 64 is allowed
 *	   12 |       partitionCount: 80
 *	      |                       ^^
 */
#pragma once
#include "render/render.h"

void finding_write(GString *out, const struct diag *diag, const struct style *style);

/* The source line with what 'loc' marks underlined, as below a finding; nothing without a position. */
void finding_write_excerpt(GString *out, struct loc loc, const struct style *style);

/* "Why, and what to do: hvgpu explain HV203 (also HV610)"; nothing when there is no finding. */
void finding_write_codes(GString *out, const struct diags *const *lists, uint32_t n_lists);
