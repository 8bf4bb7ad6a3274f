/* SPDX-License-Identifier: Apache-2.0 */
/* Findings as text that a test compares: "HV103 3:5+4 message", then "  also 1:1+4 message" for a second place. */
#pragma once
#include "tests/lib/test.h"

#include "base/diag.h"

#include <glib.h>

static inline struct source source_of(const char *name, const char *text)
{
	return (struct source){ .name = name, .bytes = text, .n_bytes = strlen(text) };
}

static inline char *findings_text(const struct diags *diags)
{
	GString *text = g_string_new(NULL);
	for (const struct diag *diag = diags->first; diag; diag = diag->next) {
		g_string_append_printf(text, "%s %u:%u+%u %s\n", diag_codes[diag->code].id, diag->loc.line,
			diag->loc.col, diag->loc.len, diag->message);
		if (diag->also_message)
			g_string_append_printf(text, "  also %u:%u+%u %s\n", diag->also.line, diag->also.col,
				diag->also.len, diag->also_message);
	}
	return g_string_free(text, false);
}

static inline void assert_findings(const struct diags *diags, const char *expected)
{
	g_autofree char *text = findings_text(diags);
	assert_string_equal(text, expected);
}
