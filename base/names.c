/* SPDX-License-Identifier: Apache-2.0 */
#include "base/names.h"

#include <string.h>

const char *name_of(const struct names *names, int value)
{
	if (value < 0 || (size_t)value >= names->n || !names->names[value])
		return "?";
	return names->names[value];
}

int name_find(const struct names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (names->names[i] && strcmp(names->names[i], name) == 0)
			return (int)i;
	return -1;
}
