/* SPDX-License-Identifier: Apache-2.0 */
/* Where hosts are: what --hosts holds, or what the inventories say. Looked up by name, case aside, as in Windows. */
#pragma once
#include "model/spec.h"
#include "providers/host/host.h"

struct endpoints {
	const struct endpoint *items; /* by host name, case aside */
	uint32_t n;
	enum diag_code code; /* what a host that is not in there means: HV501 or HV502 */
	const char *reason;  /* in words: "not in world.yaml" */
};

/* 'hosts': --hosts, or NULL: the inventories of 'spec'. 0, or -1 with findings. */
int endpoints_make(
	struct arena *arena, const char *hosts, const struct spec *spec, struct endpoints *out, struct diags *diags);

/* NULL: not in there. */
const struct endpoint *endpoints_find(const struct endpoints *endpoints, const char *host);

/* For a host that is not in there: the one that was most likely meant, as text_meant() says it. 'taken': endpoints that others
 * meant already (struct endpoint *), or NULL. */
const char *endpoints_meant(
	struct arena *arena, const struct endpoints *endpoints, const char *host, GHashTable *taken);
