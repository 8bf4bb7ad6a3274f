/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/kinds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MANUAL TESTS_DIR "/../docs/manifests.md"

/* UPDATE_DOCS=1 writes the file anew. */
static void manual_file_is_up_to_date(void **state)
{
	(void)state;
	g_autoptr(GString) made = g_string_new(NULL);
	manual_write(made);
	if (g_getenv("UPDATE_DOCS"))
		assert_true(g_file_set_contents(MANUAL, made->str, (gssize)made->len, NULL));
	g_autofree char *written = NULL;
	assert_true(g_file_get_contents(MANUAL, &written, NULL, NULL));
	assert_string_equal(written, made->str);
}

static uint32_t check_rows(const struct field *fields)
{
	uint32_t n = 0;
	for (const struct field *field = fields; field->type != FIELD_END; field++, n++) {
		if (!field->doc || !*field->doc || field->doc[strlen(field->doc) - 1] != '.')
			fail_msg("field '%s' has no doc line, or it is no sentence", field->key);
		if (field->fields)
			n += check_rows(field->fields);
	}
	return n;
}

static void manual_every_field_has_a_doc_line(void **state)
{
	(void)state;
	for (const struct kind *const *kind = kinds; *kind; kind++) {
		assert_non_null((*kind)->doc);
		assert_true(check_rows((*kind)->fields) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manual_file_is_up_to_date),
		cmocka_unit_test(manual_every_field_has_a_doc_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
