/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"

#include "providers/host/host.h"

static void address_finds_its_provider_by_scheme(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	assert_string_equal(host_provider_for("sim:a.yaml", diags)->scheme, "sim");
	assert_string_equal(host_provider_for("snapshot:a.yaml", diags)->scheme, "snapshot");
	assert_int_equal(diags->n, 0);
}

static void unknown_scheme_is_a_finding_that_lists_the_known_ones(void **state)
{
	(void)state;
	static const char *const addresses[] = { "", "world.yaml", "simulation:a", "si:a", ":a", "https://a" };
	for (uint32_t i = 0; i < G_N_ELEMENTS(addresses); i++) {
		g_autoptr(arena_auto) arena = arena_new();
		struct diags *diags = diags_new(arena);
		assert_null(host_provider_for(addresses[i], diags));
		assert_int_equal(diags->first->code, D_HOST_SCHEME);
		assert_non_null(strstr(diags->first->message, "sim:, snapshot:, local:, ssh:"));
	}
}

static void every_error_has_help_and_only_lost_answers_are_transient(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < HOST_ERROR_COUNT; i++) {
		assert_non_null(host_error_rows[i].help);
		assert_int_equal(host_error_rows[i].transient, i == HOST_UNREACHABLE || i == HOST_TIMEOUT);
	}
}

static void every_provider_has_a_doc_line(void **state)
{
	(void)state;
	for (const struct host_provider *const *p = host_providers(); *p; p++)
		assert_true((*p)->scheme && (*p)->doc && (*p)->open && (*p)->submit && (*p)->close);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_finds_its_provider_by_scheme),
		cmocka_unit_test(unknown_scheme_is_a_finding_that_lists_the_known_ones),
		cmocka_unit_test(every_error_has_help_and_only_lost_answers_are_transient),
		cmocka_unit_test(every_provider_has_a_doc_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
