/* SPDX-License-Identifier: Apache-2.0 */
/* Compares a text with tests/expected/NAME. With UPDATE_EXPECTED set the file is written instead: read its diff. */
#pragma once
#include <glib.h>
#include <stdlib.h>

static inline void expected_is(const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(TESTS_DIR, "expected", name, NULL);
	g_autofree char *wanted = NULL;
	if (getenv("UPDATE_EXPECTED"))
		g_file_set_contents(path, text, -1, NULL);
	if (!g_file_get_contents(path, &wanted, NULL, NULL))
		wanted = g_strdup("");
	assert_string_equal(text, wanted);
}
