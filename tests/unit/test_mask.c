/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"

#include "render/mask.h"

static void secrets_are_cut_off(void **state)
{
	(void)state;
	static const struct {
		const char *line, *shown;
	} cases[] = {
		{ "  credential: hunter2", "  credential: " },
		{ "- { name: a, credential: 'hunter2', address: x }", "- { name: a, credential: '" },
		{ "- { \"credential\" : \"hunter2\" }", "- { \"credential\" : \"" },
		{ "  credential: env:", "  credential: " },
		{ "{ credential: \"env:A\" }, { credential: hunter2 }", "{ credential: \"env:A\" }, { credential: " },
		{ "  address: ssh://ann:hunter2@hv01", "  address: ssh://ann:" },
		{ "  address: ssh://ann:hunter2@hv01, credential: hunter3", "  address: ssh://ann:" },
		{ "    -----BEGIN OPENSSH PRIVATE KEY-----", "    " },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		const char *line = cases[i].line, *end = line + strlen(line);
		g_autofree char *shown = g_strndup(line, (gsize)(mask_from(line, end) - line));
		assert_string_equal(shown, cases[i].shown);
	}
}

static void all_else_is_shown(void **state)
{
	(void)state;
	static const char *const lines[] = { "", "  credential:", "  credential: env:KEY",
		"  credential: \"file:/a b\"", "  credential: command:pass show hv", "  credentials: hunter2",
		"  address: ssh://ann@hv01:22", "  url: https://a/b:c@d" };
	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
		const char *end = lines[i] + strlen(lines[i]);
		assert_ptr_equal(mask_from(lines[i], end), end);
	}
}

/* What is behind the end of the line does not count. */
static void line_ends_where_it_ends(void **state)
{
	(void)state;
	const char *text = "  credential:\n hunter2";
	assert_ptr_equal(mask_from(text, text + 13), text + 13);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_are_cut_off),
		cmocka_unit_test(all_else_is_shown),
		cmocka_unit_test(line_ends_where_it_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
