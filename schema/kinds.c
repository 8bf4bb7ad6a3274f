/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/kinds.h"

const struct kind *const kinds[] = {
	&kind_gpu_cluster,
	&kind_gpu_assignment,
	&kind_host_inventory,
	&kind_host_state,
	&kind_simulation,
	NULL,
};

const struct kind *kind_find(const char *name)
{
	for (const struct kind *const *kind = kinds; *kind; kind++)
		if (g_ascii_strcasecmp((*kind)->name, name) == 0)
			return *kind;
	return NULL;
}
