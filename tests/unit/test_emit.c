/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/decode.h"
#include "schema/kinds.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct sample {
	const char *token, *note;
	uint32_t timeout_s, start;
	struct share share;
	struct maybe_u64 size;
	uint64_t number;
	const struct location_list *paths;
	uint32_t n_paths;
};

static const struct field sample_fields[] = {
	{ "token", F_TEXT(struct sample, token), .flags = FIELD_SECRET },
	{ "note", F_TEXT(struct sample, note), .flags = FIELD_OMIT },
	{ "timeout", F_DURATION(struct sample, timeout_s) },
	{ "start", F_CLOCK(struct sample, start) },
	{ "share", F_SHARE(struct sample, share) },
	{ "size", F_SIZE(struct sample, size) },
	{ "number", F_U64(struct sample, number) },
	{ "paths", F_PATH_LISTS(struct sample, paths), .flags = FIELD_NOT_EMPTY },
	{ 0 },
};

static void assert_emitted(const struct sample *sample, const char *yaml)
{
	g_autoptr(GString) out = g_string_new(NULL);
	emit_yaml(out, sample_fields, sample, 0);
	assert_string_equal(out->str, yaml);
}

static void emit_of_unknown_values_is_null_or_absent(void **state)
{
	(void)state;
	assert_emitted(
		&(struct sample){ 0 }, "token: null\ntimeout: \"0s\"\nstart: \"00:00\"\nsize: null\nnumber: 0\n");
}

static void emit_of_values_is_what_people_write(void **state)
{
	(void)state;
	const char *const paths[] = { "A" };
	const struct location_list lists[] = { { "hv01", paths, 1 } };
	assert_emitted(&(struct sample){ .note = "n",
			       .timeout_s = 5400,
			       .start = 61,
			       .share = { true, true, 50 },
			       .size = KNOWN(1024),
			       .number = UINT64_MAX,
			       .paths = lists,
			       .n_paths = 1 },
		"token: null\nnote: \"n\"\ntimeout: \"90m\"\nstart: \"01:01\"\nshare: \"50%\"\nsize: 1024\n"
		"number: \"18446744073709551615\"\npaths:\n  hv01:\n    - A\n");
}

static void emit_of_a_secret_is_censored(void **state)
{
	(void)state;
	json_auto_t *json = emit_json(sample_fields, &(struct sample){ .token = "canary" });
	assert_string_equal(json_string_value(json_object_get(json, "token")), "(secret)");
}

static void emit_of_default_manifest_has_no_nulls_that_decoding_refuses(void **state)
{
	(void)state;
	g_autoptr(arena_auto) arena = arena_new();
	struct spec_cluster *cluster = arena_new_of(arena, struct spec_cluster);
	decode_defaults(arena, kind_gpu_cluster.fields, true, LOC_NONE, cluster);
	json_auto_t *json = emit_json(kind_gpu_cluster.fields, cluster);
	assert_null(json_object_get(json_object_get(json, "rollout"), "maxUnavailable"));
	assert_string_equal(json_string_value(json_object_get(json, "unmanaged")), "Report");
	assert_true(json_is_true(json_object_get(json, "prune")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(emit_of_unknown_values_is_null_or_absent),
		cmocka_unit_test(emit_of_values_is_what_people_write),
		cmocka_unit_test(emit_of_a_secret_is_censored),
		cmocka_unit_test(emit_of_default_manifest_has_no_nulls_that_decoding_refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
