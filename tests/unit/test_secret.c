/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"

#include "base/interrupt.h"
#include "base/secret.h"

#include <glib/gstdio.h>
#include <unistd.h>

#define CANARY "canary-c6f1"

struct fixture {
	struct arena *arena;
	struct diags *diags;
	struct secret *secret;
};

static void begin(struct fixture *fixture)
{
	interrupt_ignore_pipes();
	*fixture = (struct fixture){ .arena = arena_new() };
	fixture->diags = diags_new(fixture->arena);
}

static void end(struct fixture *fixture)
{
	secret_close(fixture->secret);
	arena_free(fixture->arena);
}

static int open_it(struct fixture *fixture, const char *reference)
{
	secret_close(g_steal_pointer(&fixture->secret));
	return secret_open(reference, D_HOST_CREDENTIAL, "host/hv01", &fixture->secret, fixture->diags);
}

/* It is refused with words that hold 'wanted', and without the secret. */
static void check_refused(const char *reference, const char *wanted)
{
	struct fixture fixture;
	begin(&fixture);
	assert_int_equal(open_it(&fixture, reference), -1);
	assert_int_equal(fixture.diags->first->code, D_HOST_CREDENTIAL);
	if (!strstr(fixture.diags->first->message, wanted))
		fail_msg("%s", fixture.diags->first->message);
	assert_null(strstr(fixture.diags->first->message, CANARY));
	end(&fixture);
}

static void check_holds(const struct secret *secret, const char *expected)
{
	g_autofree char *text = NULL;
	assert_true(g_file_get_contents(secret_path(secret), &text, NULL, NULL));
	assert_string_equal(text, expected);
}

static void variable_is_a_file_in_memory_that_is_gone_when_closed(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture);
	g_setenv("HVGPU_TEST_KEY", CANARY, TRUE);
	assert_int_equal(open_it(&fixture, "env:HVGPU_TEST_KEY"), 0);
	check_holds(fixture.secret, CANARY "\n");
	GStatBuf info;
	g_autofree char *path = g_strdup(secret_path(fixture.secret));
	assert_int_equal(g_stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	secret_close(g_steal_pointer(&fixture.secret));
	assert_int_equal(g_access(path, F_OK), -1);
	end(&fixture);
}

static void file_and_credential_are_where_they_are(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture);
	g_autofree char *folder = g_dir_make_tmp("hvgpu-test-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "key", NULL);
	g_autofree char *reference = g_strconcat("file:", path, NULL);
	assert_true(g_file_set_contents(path, CANARY, -1, NULL));
	assert_int_equal(open_it(&fixture, reference), 0);
	assert_string_equal(secret_path(fixture.secret), path);
	g_setenv("CREDENTIALS_DIRECTORY", folder, TRUE);
	assert_int_equal(open_it(&fixture, "systemd:key"), 0);
	check_holds(fixture.secret, CANARY);
	g_setenv("HOME", folder, TRUE);
	assert_int_equal(open_it(&fixture, "file:~/key"), 0);
	check_refused("systemd:../key", "no credential of this process");
	check_refused("systemd:other", "No such file");
	g_unsetenv("CREDENTIALS_DIRECTORY");
	check_refused("systemd:key", "no credential of this process");
	end(&fixture);
	g_unlink(path);
	g_rmdir(folder);
}

static void command_prints_it_without_a_shell(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture);
	assert_int_equal(open_it(&fixture, "command:printf '%s\\n%s' " CANARY " '$HOME;`x`'"), 0);
	check_holds(fixture.secret, CANARY "\n$HOME;`x`\n");
	end(&fixture);
}

static void what_does_not_do_is_a_finding_without_the_secret(void **state)
{
	(void)state;
	g_unsetenv("HVGPU_TEST_KEY");
	check_refused("env:HVGPU_TEST_KEY", "is not set");
	g_setenv("HVGPU_TEST_KEY", "", TRUE);
	check_refused("env:HVGPU_TEST_KEY", "is empty");
	check_refused("file:/nowhere/key", "No such file");
	check_refused("command:/nowhere/program", "cannot be run");
	check_refused("command:'open", "quote that is not closed");
	check_refused("command:sh -c 'echo " CANARY " >&2; echo " CANARY "; exit 3'", "failed (exit code 3)");
	check_refused("command:head -c 200000 /dev/zero", "failed");
	check_refused("command:true", "is empty");
	check_refused(CANARY, "does not say where the secret is");
	check_refused("env:", "does not say where the secret is");
}

static void variables_that_hold_one_are_not_inherited(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture);
	g_setenv("HVGPU_TEST_KEY", CANARY, TRUE);
	g_setenv("HVGPU_TEST_OTHER", CANARY, TRUE);
	secret_hide("env:HVGPU_TEST_OTHER");
	secret_hide("file:/nowhere");
	secret_hide(NULL);
	assert_int_equal(open_it(&fixture, "env:HVGPU_TEST_KEY"), 0);
	assert_int_equal(open_it(&fixture, "command:sh -c 'env | grep -c -e HVGPU_TEST -e " CANARY " || :'"), 0);
	check_holds(fixture.secret, "0\n");
	assert_int_equal(open_it(&fixture, "env:HVGPU_TEST_KEY"), 0); /* and is still there for us */
	end(&fixture);
}

static void passwords_in_addresses_are_seen(void **state)
{
	(void)state;
	assert_string_equal(secret_in_address("ssh://ann:" CANARY "@hv01:22"), CANARY "@hv01:22");
	static const char *const plain[] = { "ssh://ann@hv01:22", "ssh://hv01:22", "local:", "sim:a:b@c",
		"ssh://[::1]:22", "record:a,ssh://ann@hv01" };
	for (size_t i = 0; i < G_N_ELEMENTS(plain); i++)
		assert_null(secret_in_address(plain[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variable_is_a_file_in_memory_that_is_gone_when_closed),
		cmocka_unit_test(file_and_credential_are_where_they_are),
		cmocka_unit_test(command_prints_it_without_a_shell),
		cmocka_unit_test(variables_that_hold_one_are_not_inherited),
		cmocka_unit_test(passwords_in_addresses_are_seen),
		cmocka_unit_test(what_does_not_do_is_a_finding_without_the_secret),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
