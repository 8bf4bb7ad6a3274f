/* SPDX-License-Identifier: Apache-2.0 */
#include "base/names.h"
#include "tests/lib/test.h"

#define COLOURS(X) X(RED, "red") X(GREEN, "green") X(DARK_BLUE, "dark-blue")
enum colour { COLOURS(NAMES_ENUM) COLOUR_COUNT };
extern const struct names colour_names;
NAMES_DEFINE(colour_names, COLOURS);

static void name_and_value_are_inverse(void **state)
{
	(void)state;
	assert_int_equal(colour_names.n, COLOUR_COUNT);
	for (int value = 0; value < COLOUR_COUNT; value++)
		assert_int_equal(name_find(&colour_names, name_of(&colour_names, value)), value);
	assert_string_equal(name_of(&colour_names, DARK_BLUE), "dark-blue");
}

static void name_out_of_range_is_a_question_mark(void **state)
{
	(void)state;
	assert_string_equal(name_of(&colour_names, -1), "?");
	assert_string_equal(name_of(&colour_names, COLOUR_COUNT), "?");
}

static void find_is_exact(void **state)
{
	(void)state;
	assert_int_equal(name_find(&colour_names, "Red"), -1);
	assert_int_equal(name_find(&colour_names, ""), -1);
	assert_int_equal(name_find(&colour_names, "dark"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_and_value_are_inverse),
		cmocka_unit_test(name_out_of_range_is_a_question_mark),
		cmocka_unit_test(find_is_exact),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
