/* SPDX-License-Identifier: Apache-2.0 */
/* A test that needs a program, or a right, which may not be there: it is skipped loudly, and with CI=true it fails. */
#pragma once
#include <glib.h>
#include <stdio.h>

/* To be included after cmocka.h. */
static inline void test_lacks(const char *what)
{
	fprintf(stderr, "SKIPPED: this test needs %s; programs and packages come with ./dev install-deps\n", what);
	if (g_strcmp0(g_getenv("CI"), "true") == 0)
		fail_msg("%s is missing, and with CI=true nothing may be skipped", what);
	skip();
}
