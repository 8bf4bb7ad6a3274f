/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_yaml(const char *json, const char *yaml)
{
	json_auto_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
	assert_non_null(value);
	g_autoptr(GString) out = g_string_new(NULL);
	yaml_write(out, value, 0);
	assert_string_equal(out->str, yaml);
}

static void yaml_of_nested_values_is_in_blocks(void **state)
{
	(void)state;
	assert_yaml("{\"a\": [{\"b\": 1, \"c\": {\"d\": null}}, [\"x\", {}], []], \"e\": [1, 2], \"f\": {}}",
		"a:\n  - b: 1\n    c:\n      d: null\n  - - x\n    - {}\n  - []\ne: [1, 2]\nf: {}\n");
}

static void yaml_of_scalars_is_one_line(void **state)
{
	(void)state;
	assert_yaml("true", "true\n");
	assert_yaml("[]", "[]\n");
	assert_yaml("[1, 2]", "[1, 2]\n");
	assert_yaml("1.5", "1.5\n");
}

static void yaml_of_texts_that_mislead_is_quoted(void **state)
{
	(void)state;
	assert_yaml("\"Off\"", "\"Off\"\n");
	assert_yaml("\"010\"", "\"010\"\n");
	assert_yaml("\"a: b\"", "\"a: b\"\n");
	assert_yaml("\"a #b\"", "\"a #b\"\n");
	assert_yaml("\"\"", "\"\"\n");
	assert_yaml("\"a\\u0001\\u2028\\n\"", "\"a\\x01\\u2028\\n\"\n");
	assert_yaml("\"PCIROOT(20)#PCI(0300)\"", "PCIROOT(20)#PCI(0300)\n");
	assert_yaml("\"PCI\\\\VEN_10DE&DEV_25B6\"", "PCI\\VEN_10DE&DEV_25B6\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(yaml_of_nested_values_is_in_blocks),
		cmocka_unit_test(yaml_of_scalars_is_one_line),
		cmocka_unit_test(yaml_of_texts_that_mislead_is_quoted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
