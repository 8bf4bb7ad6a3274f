/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"
#include "render/finding.h"
#include "render/render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct style plain = { 0 };

/* The text of one finding at 'line', 'col' of 'bytes', without the line of codes. */
static char *render_at(const char *bytes, uint32_t line, uint32_t col, uint32_t len)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct source source = { "a.yaml", bytes, strlen(bytes) };
	struct diags *diags = diags_new(arena);
	(void)!diag_add(diags, D_FIELD_RANGE, (struct loc){ &source, line, col, len }, NULL, "no");
	g_autoptr(GString) out = g_string_new(NULL);
	render_diags_text(out, diags, &plain);
	return g_strndup(out->str, strstr(out->str, "1 error.") - out->str);
}

static void check(const char *bytes, uint32_t line, uint32_t col, uint32_t len, const char *excerpt)
{
	g_autofree char *text = render_at(bytes, line, col, len);
	g_autofree char *wanted = g_strdup_printf("a.yaml:%u:%u: error HV203: no\n%s", line, col, excerpt);
	assert_string_equal(text, wanted);
}

static void caret_stands_under_the_value(void **state)
{
	(void)state;
	check("a: 1\nbb: 80\nc: 3\n", 2, 5, 2, "    2 | bb: 80\n      |     ^^\n");
	check("a: 1\r\nb", 1, 4, 1, "    1 | a: 1\n      |    ^\n");
	check("x", 1, 1, 9, "    1 | x\n      | ^\n");
	check("x", 1, 5, 1, "    1 | x\n      |  ^\n");
}

static void caret_counts_columns_of_wide_characters_and_tabs(void **state)
{
	(void)state;
	check("h\xc3\xa9llo: x", 1, 8, 1, "    1 | h\xc3\xa9llo: x\n      |        ^\n");
	check("\xe6\xbc\xa2\xe5\xad\x97: x", 1, 5, 1, "    1 | \xe6\xbc\xa2\xe5\xad\x97: x\n      |       ^\n");
	check("\ta\tb", 1, 4, 1, "    1 | \ta\tb\n      | \t \t^\n");
	check("e\xcc\x81: x", 1, 5, 1, "    1 | e\xcc\x81: x\n      |    ^\n");
}

static void control_characters_are_escaped_and_counted(void **state)
{
	(void)state;
	check("a\033[2Jb: x", 1, 6, 1, "    1 | a\\x1b[2Jb: x\n      |         ^\n");
	check("\xff: x", 1, 4, 1, "    1 | \\xff: x\n      |       ^\n");
}

static void long_line_is_cut_around_the_caret(void **state)
{
	(void)state;
	g_autofree char *filler = g_strnfill(400, 'y');
	g_autofree char *line = g_strdup_printf("%sX%s", filler, filler);
	g_autofree char *text = render_at(line, 1, 401, 1);
	char *source = strstr(text, "    1 | ") + 8, *caret = strstr(source, "      | ") + 8;
	assert_int_equal(source[strcspn(caret, "^")], 'X');
	assert_true(strcspn(source, "\n") <= 116);
	assert_true(g_str_has_prefix(source, "...yyy"));
}

/* A line of many megabytes, as a hostile manifest may have it, and as many findings as are printed of one. */
static void huge_line_is_cut_around_every_caret(void **state)
{
	(void)state;
	enum { LINE = 4 << 20, FINDINGS = 64 };
	g_autoptr(arena_auto) arena = arena_new();
	char *bytes = arena_alloc(arena, LINE);
	for (uint32_t i = 0; i < LINE; i += 2)
		memcpy(bytes + i, "? ", 2);
	struct source source = { "a.yaml", bytes, LINE };
	struct diags *diags = diags_new(arena);
	for (uint32_t i = 0; i < FINDINGS; i++)
		(void)!diag_add(diags, D_FIELD_RANGE, (struct loc){ &source, 1, LINE - 2 * i - 1, 1 }, NULL, "no");
	g_autoptr(GString) out = g_string_new(NULL);
	render_diags_text(out, diags, &plain);
	g_auto(GStrv) lines = g_strsplit(out->str, "\n", -1);
	assert_int_equal(g_strv_length(lines), 3 * FINDINGS + 2);
	for (uint32_t i = 0; i < FINDINGS; i++) {
		const char *shown = lines[3 * i + 1], *carets = lines[3 * i + 2];
		assert_true(strlen(shown) <= 8 + 110 + 6);
		assert_true(g_str_has_prefix(shown, "    1 | ...? ? "));
		assert_int_equal(strcspn(carets, "^"), 8 + 3 + 50);
		assert_int_equal(shown[8 + 3 + 50], '?');
	}
}

static void characters_without_width_are_cut_too(void **state)
{
	(void)state;
	g_autoptr(GString) line = g_string_new("x");
	for (uint32_t i = 0; i < 100000; i++)
		g_string_append(line, "\xcc\x81");
	g_autofree char *text = render_at(line->str, 1, 90001, 9000);
	assert_true(strlen(text) < 2000);
	assert_non_null(strchr(text, '^'));
}

static void caret_of_a_long_value_ends_with_the_excerpt(void **state)
{
	(void)state;
	g_autofree char *line = g_strnfill(5000, 'y');
	g_autofree char *text = render_at(line, 1, 1001, 4000);
	assert_int_equal(strspn(strchr(text, '^'), "^"), 60);
}

static void line_that_is_not_there_has_no_excerpt(void **state)
{
	(void)state;
	check("a", 3, 1, 1, "");
	check("", 1, 1, 1, "");
}

static void second_place_is_shown(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct source source = { "a.yaml", "- vm\n- vm\n", 10 };
	struct diags *diags = diags_new(arena);
	(void)!diag_add(diags, D_VM_TWICE, (struct loc){ &source, 2, 3, 2 }, NULL, "VM 'vm' is assigned twice");
	diag_also(diags, (struct loc){ &source, 1, 3, 2 }, "first assigned here");
	(void)!diag_add(diags, D_HOST_UNOBSERVED, LOC_NONE, "host/hv\n03", "no answer");
	g_autoptr(GString) out = g_string_new(NULL);
	render_diags_text(out, diags, &plain);
	assert_string_equal(out->str, "a.yaml:2:3: error HV302: VM 'vm' is assigned twice\n"
				      "    2 | - vm\n"
				      "      |   ^^\n"
				      "a.yaml:1:3: note: first assigned here\n"
				      "    1 | - vm\n"
				      "      |   ^^\n"
				      "host/hv\\n03: error HV501: no answer\n"
				      "2 errors. Why, and what to do: hvgpu explain HV302 (also HV501)\n");
}

static void no_finding_is_no_text(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	g_autoptr(GString) out = g_string_new(NULL);
	render_diags_text(out, diags_new(arena), &plain);
	assert_string_equal(out->str, "");
}

static void json_has_code_message_and_position(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct source source = { "a.yaml", "x", 1 };
	struct diags *diags = diags_new(arena);
	(void)!diag_add(diags, D_FIELD_RANGE, (struct loc){ &source, 1, 1, 1 }, "x", "no \xff");
	json_auto_t *json = render_diags_json(diags);
	json_t *first = json_array_get(json, 0);
	assert_string_equal(json_string_value(json_object_get(first, "code")), "HV203");
	assert_string_equal(json_string_value(json_object_get(first, "severity")), "error");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(first, "position"), "line")), 1);
}

static void codes_beyond_the_first_are_not_dropped_in_silence(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	for (enum diag_code code = D_YAML_SYNTAX; code <= D_YAML_ENCODING; code++)
		(void)!diag_add(diags, code, LOC_NONE, NULL, "x");
	g_autoptr(GString) six = g_string_new(NULL), seven = g_string_new(NULL);
	finding_write_codes(six, (const struct diags *const[]){ diags }, 1);
	(void)!diag_add(diags, D_FIELD_UNKNOWN, LOC_NONE, NULL, "x");
	finding_write_codes(seven, (const struct diags *const[]){ diags }, 1);
	assert_string_equal(
		six->str, "Why, and what to do: hvgpu explain HV101 (also HV102, HV103, HV104, HV105, HV106)\n");
	assert_string_equal(
		seven->str, "Why, and what to do: hvgpu explain HV101 (also HV102, HV103, HV104, HV105, HV106, ...)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_beyond_the_first_are_not_dropped_in_silence),
		cmocka_unit_test(caret_stands_under_the_value),
		cmocka_unit_test(caret_counts_columns_of_wide_characters_and_tabs),
		cmocka_unit_test(control_characters_are_escaped_and_counted),
		cmocka_unit_test(long_line_is_cut_around_the_caret),
		cmocka_unit_test(huge_line_is_cut_around_every_caret),
		cmocka_unit_test(characters_without_width_are_cut_too),
		cmocka_unit_test(caret_of_a_long_value_ends_with_the_excerpt),
		cmocka_unit_test(line_that_is_not_there_has_no_excerpt),
		cmocka_unit_test(second_place_is_shown),
		cmocka_unit_test(no_finding_is_no_text),
		cmocka_unit_test(json_has_code_message_and_position),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
