/* SPDX-License-Identifier: Apache-2.0 */
#include "render/mask.h"

#include "base/secret.h"

#include <string.h>

static const char blank[] = " \t\"'";

/* The value of a key "credential" that is no reference, or NULL. What goes on in further lines begins with | or >. */
static const char *find_value(const char *line)
{
	static const char key[] = "credential";
	for (const char *at = strstr(line, key); at; at = strstr(at, key)) {
		at += strlen(key);
		const char *colon = at + strspn(at, blank);
		if (*colon != ':')
			continue;
		const char *value = colon + 1 + strspn(colon + 1, blank);
		if (*value && !secret_is_reference(value))
			return value;
	}
	return NULL;
}

static const char *find_password(const char *line)
{
	for (const char *at = strstr(line, "://"); at; at = strstr(at + 1, "://")) {
		const char *password = secret_in_address(at);
		if (password)
			return password;
	}
	return NULL;
}

const char *mask_from(const char *start, const char *end)
{
	enum { LINE_MAX_BYTES = 64 * 1024 }; /* of what is longer, that much is shown at most */
	g_autofree char *line = g_strndup(start, (gsize)MIN(end - start, LINE_MAX_BYTES));
	const char *found[] = { find_value(line), find_password(line), strstr(line, "-----BEGIN ") };
	const char *first = NULL;
	for (size_t i = 0; i < G_N_ELEMENTS(found); i++)
		if (found[i] && (!first || found[i] < first))
			first = found[i];
	return first ? start + (first - line) : end;
}
