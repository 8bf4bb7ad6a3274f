/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/node_error.h"

#include "schema/node.h"
#include "tests/lib/findings.h"

static int take(const struct document *document, void *user, struct diags *diags)
{
	(void)document, (void)user, (void)diags;
	return 0;
}

static void check_bytes(const char *bytes, size_t n_bytes, const char *findings)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	struct source source = { .name = "a.yaml", .bytes = bytes, .n_bytes = n_bytes };
	int result = node_parse(&source, take, NULL, diags);
	assert_findings(diags, findings);
	assert_int_equal(result, *findings ? -1 : 0);
}

static void check(const char *yaml, const char *findings)
{
	check_bytes(yaml, strlen(yaml), findings);
}

static void encoding_invalid_byte_is_named(void **state)
{
	(void)state;
	check("a: é\nb: \xE9\n",
		"HV106 2:4+1 byte 9 (0xE9) is not UTF-8; convert the file, for example with iconv -t UTF-8\n");
}

static void encoding_nul_is_named(void **state)
{
	(void)state;
	check_bytes("a: \0b\n", 6, "HV106 1:4+1 NUL character at byte 3; this is not a text file\n");
	check("a: \"x\\0y\"\n", "HV106 1:4+6 text holds a NUL character; remove it\n");
}

static void encoding_utf16_is_recognised(void **state)
{
	(void)state;
	check_bytes("\xFF\xFE"
		    "a\0:\0",
		6,
		"HV106 1:1+1 the file is UTF-16; save it as UTF-8, for example with "
		"iconv -f UTF-16 -t UTF-8\n");
}

static void encoding_control_character_is_named(void **state)
{
	(void)state;
	check("a: b\nc: d\x01\n", "HV106 2:5+1 control character U+0001; remove it, or write it as an escape in double "
				  "quotes\n");
}

static void tab_is_recognised_wherever_it_indents(void **state)
{
	(void)state;
	const char *message = "tab used for indentation; use spaces";
	const struct {
		const char *yaml, *place;
	} cases[] = {
		{ "a:\n\tb: 1\n", "2:1+1" },
		{ "a:\n  \tb: 1\n", "2:3+1" },
		{ "a: b\n\tc: d\n", "2:1+1" },
		{ "a:\n  - b\n\t- c\n", "3:1+1" },
		{ "a: {\n\tb: 1}\n", "2:2+1" },
		{ "\ta: 1\n", "1:1+1" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *expected = g_strdup_printf("HV102 %s %s\n", cases[i].place, message);
		check(cases[i].yaml, expected);
	}
}

static void tab_inside_a_line_or_text_is_allowed(void **state)
{
	(void)state;
	check("a:\tb\t# c\nd: |\n  x\n  \ty\ne: [1,\t2]\n", "");
}

static void syntax_is_told_in_clear_words(void **state)
{
	(void)state;
	const struct {
		const char *yaml, *findings;
	} cases[] = {
		{ "a: b: c\n", "HV101 1:5+1 a ':' cannot stand here; put text that holds ': ' in quotes, or check the "
			       "indentation\n" },
		{ "a: 'b\n", "HV101 2:1+1 the text ends within quotes; close them\n  also 1:4+1 while scanning a "
			     "quoted scalar\n" },
		{ "a: [1, 2\nb: 3\n", "HV101 2:2+1 expected ',' or ']' here; close the list\n  also 1:4+1 while "
				      "parsing a flow sequence\n" },
		{ "a: @b\n", "HV101 1:4+1 text cannot begin with '@'; put it in quotes\n" },
		{ "a: %b\n", "HV101 1:4+1 text cannot begin with '%'; put it in quotes\n" },
		{ "a: 1\n  b: 2\n", "HV101 2:4+1 a ':' cannot stand here; put text that holds ': ' in quotes, or check "
				    "the indentation\n" },
		{ "  a: 1\n b: 2\n", "HV101 2:2+1 the document has ended before this line; check the indentation, or "
				     "begin the next one with '---'\n" },
		{ "a:\n  - b\n  c: d\n", "HV101 3:3+1 expected '- ' and the next item here; check the indentation\n"
					 "  also 2:3+1 while parsing a block collection\n" },
		{ "a:\n  b: {}\n  - c\n", "HV101 3:3+1 expected a key here; check the indentation, and that quotes and "
					  "brackets are closed\n"
					  "  also 2:3+1 while parsing a block mapping\n" },
		{ "a: 1\nb\nc: 2\n",
			"HV101 3:1+1 expected ':' after the key\n  also 2:1+1 while scanning a simple key\n" },
		{ "a: !b!c d\n", "HV104 1:4+1 tags are not allowed; put text that begins with '!' in quotes\n" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		check(cases[i].yaml, cases[i].findings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encoding_invalid_byte_is_named),
		cmocka_unit_test(encoding_nul_is_named),
		cmocka_unit_test(encoding_utf16_is_recognised),
		cmocka_unit_test(encoding_control_character_is_named),
		cmocka_unit_test(tab_is_recognised_wherever_it_indents),
		cmocka_unit_test(tab_inside_a_line_or_text_is_allowed),
		cmocka_unit_test(syntax_is_told_in_clear_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
