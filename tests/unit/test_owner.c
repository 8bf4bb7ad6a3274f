/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/source/source.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void expect_owner(const char *url, const char *path, const char *owner)
{
	g_autoptr(arena_auto) arena = arena_new();
	assert_string_equal(source_owner(arena, url, path), owner);
}

static void every_way_to_write_an_origin_gives_one_owner(void **state)
{
	(void)state;
	static const char *const urls[] = { "git@Example.com:ops/gpu.git", "git@example.com:/ops/gpu.git",
		"https://example.com/ops/gpu", "https://user:secret@EXAMPLE.com:8443/ops/gpu.git/",
		"ssh://git@example.com:2222/ops/gpu.git", "ssh://example.com//ops/gpu/" };
	for (size_t i = 0; i < G_N_ELEMENTS(urls); i++)
		expect_owner(urls[i], NULL, "example.com/ops/gpu");
}

static void path_of_the_url_keeps_its_case(void **state)
{
	(void)state;
	expect_owner("https://EXAMPLE.com/Ops/GPU.git", "", "example.com/Ops/GPU");
}

static void path_in_the_repository_is_part_of_the_owner(void **state)
{
	(void)state;
	expect_owner("git@example.com:ops/gpu.git", "clusters/paris", "example.com/ops/gpu//clusters/paris");
}

static void repository_on_this_machine_keeps_its_path(void **state)
{
	(void)state;
	expect_owner("file:///srv/git/gpu.git", NULL, "/srv/git/gpu");
	expect_owner("/srv/git/gpu.git/", NULL, "/srv/git/gpu");
	expect_owner("../gpu", NULL, "../gpu");
}

static void address_in_brackets_loses_port_and_brackets(void **state)
{
	(void)state;
	expect_owner("ssh://git@[2001:DB8::1]:22/gpu.git", NULL, "2001:db8::1/gpu");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_to_write_an_origin_gives_one_owner),
		cmocka_unit_test(path_of_the_url_keeps_its_case),
		cmocka_unit_test(path_in_the_repository_is_part_of_the_owner),
		cmocka_unit_test(repository_on_this_machine_keeps_its_path),
		cmocka_unit_test(address_in_brackets_loses_port_and_brackets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
