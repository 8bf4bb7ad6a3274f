/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hidden.h"

#include <glib.h>

static GPtrArray *names;

void hidden_add(const char *name)
{
	if (!names)
		names = g_ptr_array_new();
	if (!g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
		g_ptr_array_add(names, g_strdup(name));
}

char **hidden_remove(char **variables)
{
	for (guint i = 0; names && i < names->len; i++)
		variables = g_environ_unsetenv(variables, names->pdata[i]);
	return variables;
}
