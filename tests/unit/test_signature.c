/* SPDX-License-Identifier: Apache-2.0 */
/* What gpg and ssh-keygen may answer, by programs that stand in for them; tests/signed/ has the real ones. */
#include "providers/source/signature.h"
#include "base/interrupt.h"
#include "tests/lib/test.h"

#include <git2.h>
#include <glib/gstdio.h>
#include <unistd.h>

struct fixture {
	char *root;
	struct arena *arena;
	struct gitrepo *repo;
};

static char *path_of(const struct fixture *fixture, const char *name)
{
	return arena_printf(fixture->arena, "%s/%s", fixture->root, name);
}

static void set_in(const struct fixture *fixture, const char *file, const char *key, const char *value)
{
	git_config *config = NULL;
	assert_int_equal(git_config_open_ondisk(&config, path_of(fixture, file)), 0);
	assert_int_equal(git_config_set_string(config, key, value), 0);
	git_config_free(config);
}

/* In the user's configuration. */
static void set_config(const struct fixture *fixture, const char *key, const char *value)
{
	set_in(fixture, "global", key, value);
}

/* In the repository's own. */
static void set_own(const struct fixture *fixture, const char *key, const char *value)
{
	set_in(fixture, "config", key, value);
}

/* A program that reads its input and answers so; each of its arguments is a line of the file "asked". */
static void stand_in(const struct fixture *fixture, const char *key, const char *answer, int code)
{
	g_autofree char *script = g_strdup_printf("#!/bin/sh\ncat >/dev/null\nprintf '%%s\\n' \"$@\" >>'%s/asked'\ncat "
						  "<<'EOF'\n%s\nEOF\necho words >&2\nexit %d\n",
		fixture->root, answer, code);
	const char *path = path_of(fixture, "program");
	assert_true(g_file_set_contents(path, script, -1, NULL));
	assert_int_equal(g_chmod(path, 0700), 0);
	set_config(fixture, key, path);
}

static const char *commit_with(const struct fixture *fixture, const char *signature)
{
	static const char tree[] = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"; /* the empty one */
	g_autofree char *text = g_strdup_printf("tree %s\nauthor A <a@example.com> 1767225600 +0000\n"
						"committer A <a@example.com> 1767225600 +0000\n\nmessage\n",
		tree);
	git_repository *git = NULL;
	git_oid id;
	assert_int_equal(git_repository_open(&git, fixture->root), 0);
	git_treebuilder *builder = NULL;
	assert_int_equal(git_treebuilder_new(&builder, git, NULL), 0);
	assert_int_equal(git_treebuilder_write(&id, builder), 0);
	git_treebuilder_free(builder);
	assert_int_equal(git_commit_create_with_signature(&id, git, text, signature, NULL), 0);
	git_repository_free(git);
	return arena_strdup(fixture->arena, git_oid_tostr_s(&id));
}

static int setup(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	fixture->arena = arena_new();
	fixture->root = g_dir_make_tmp("signature-XXXXXX", NULL);
	interrupt_ignore_pipes();
	g_setenv("GIT_CONFIG_NOSYSTEM", "1", TRUE);
	g_setenv("GIT_CONFIG_GLOBAL", path_of(fixture, "global"), TRUE);
	git_libgit2_init();
	git_repository *git = NULL;
	assert_int_equal(git_repository_init(&git, fixture->root, true), 0);
	git_repository_free(git);
	struct diags *diags = diags_new(fixture->arena);
	assert_int_equal(gitrepo_open(fixture->root, 0, &fixture->repo, diags), 0);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	const char *const argv[] = { "rm", "-rf", fixture->root, NULL };
	assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
	gitrepo_free(fixture->repo);
	git_libgit2_shutdown();
	arena_free(fixture->arena);
	g_free(fixture->root);
	g_free(fixture);
	return 0;
}

#define PGP "-----BEGIN PGP SIGNATURE-----\nx\n-----END PGP SIGNATURE-----"
#define SSH "-----BEGIN SSH SIGNATURE-----\nx\n-----END SSH SIGNATURE-----"
#define GOOD "[GNUPG:] GOODSIG 1234 Ops <ops@example.com>\n"
#define VALID "[GNUPG:] VALIDSIG ABCD 2026-01-01 1767225600\n"
#define TRUSTED "[GNUPG:] TRUST_ULTIMATE 0 pgp\n"

/* NULL: refused, and '*why_out' says why. */
static const char *verify(
	const struct fixture *fixture, const char *signature, const char *allowed, const char **why_out)
{
	struct diags *diags = diags_new(fixture->arena);
	const char *signer = NULL;
	int result = signature_verify(
		fixture->repo, commit_with(fixture, signature), allowed, fixture->arena, &signer, diags);
	*why_out = diags->first ? diags->first->message : "";
	if (result == 0) {
		assert_int_equal(diags->n, 0);
		return signer;
	}
	assert_int_equal(diags->first->code, D_SIGNATURE);
	assert_null(signer);
	return NULL;
}

static void answers_of_gpg_are_judged(void **state)
{
	static const struct {
		const char *answer;
		int code;
		const char *signer, *why;
	} rows[] = {
		{ GOOD VALID TRUSTED, 0, "Ops <ops@example.com> (ABCD)", NULL },
		{ GOOD VALID "[GNUPG:] TRUST_UNDEFINED 0 pgp\n", 0, "Ops <ops@example.com> (ABCD)", NULL },
		{ GOOD VALID "[GNUPG:] TRUST_NEVER 0 pgp\n", 0, NULL, "trusts less than UNDEFINED" },
		{ GOOD VALID, 0, NULL, "trusts less than" },
		{ GOOD VALID TRUSTED, 1, NULL, "did not accept" },
		{ GOOD TRUSTED, 0, NULL, "did not accept" },
		{ GOOD VALID TRUSTED GOOD VALID, 0, NULL, "more than one signature" },
		{ GOOD VALID TRUSTED "[GNUPG:] BADSIG 99 Eve\n", 0, NULL, "more than one signature" },
		{ "[GNUPG:] BADSIG 99 Eve\n", 1, NULL, "bad signature" },
		{ "[GNUPG:] EXPSIG 99 Ops\n" VALID TRUSTED, 0, NULL, "signature that has expired" },
		{ "[GNUPG:] EXPKEYSIG 99 Ops\n" VALID TRUSTED, 0, NULL, "key that has expired" },
		{ "[GNUPG:] REVKEYSIG 99 Ops\n" VALID TRUSTED, 0, NULL, "was revoked" },
		{ "[GNUPG:] ERRSIG 99 22 8 00 1 9\n", 2, NULL, "not in the keyring" },
		{ "gpg: Good signature from Eve\n", 0, NULL, "cannot read: words" },
		{ "x [GNUPG:] GOODSIG 1 Eve\n" VALID TRUSTED, 0, NULL, "cannot read" },
		{ "", 0, NULL, "cannot read" },
	};
	struct fixture *fixture = *state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		stand_in(fixture, "gpg.program", rows[i].answer, rows[i].code);
		const char *why;
		const char *signer = verify(fixture, PGP, NULL, &why);
		if (rows[i].signer && signer)
			assert_string_equal(signer, rows[i].signer);
		else if (rows[i].signer || signer || !strstr(why, rows[i].why))
			fail_msg("row %zu: '%s', '%s'", i, signer ? signer : "-", why);
	}
}

static void least_trust_is_asked_for_as_git_has_it(void **state)
{
	struct fixture *fixture = *state;
	const char *why;
	stand_in(fixture, "gpg.openpgp.program", GOOD VALID "[GNUPG:] TRUST_MARGINAL 0 pgp\n", 0);
	set_config(fixture, "gpg.minTrustLevel", "marginal");
	assert_non_null(verify(fixture, PGP, NULL, &why));
	set_config(fixture, "gpg.minTrustLevel", "fully");
	assert_null(verify(fixture, PGP, NULL, &why));
	assert_non_null(strstr(why, "trusts less than FULLY"));
	/* Whoever asks for more gets it, and nobody gets less. */
	set_own(fixture, "gpg.minTrustLevel", "undefined");
	assert_null(verify(fixture, PGP, NULL, &why));
	set_config(fixture, "gpg.minTrustLevel", "undefined");
	assert_non_null(verify(fixture, PGP, NULL, &why));
	set_own(fixture, "gpg.minTrustLevel", "ultimate");
	assert_null(verify(fixture, PGP, NULL, &why));
	assert_non_null(strstr(why, "trusts less than ULTIMATE"));
	set_config(fixture, "gpg.minTrustLevel", "whatever");
	assert_null(verify(fixture, PGP, NULL, &why));
	assert_non_null(strstr(why, "no level of trust"));
}

static void own_configuration_chooses_no_program(void **state)
{
	static const struct {
		const char *key, *signature;
	} rows[] = { { "gpg.program", PGP }, { "gpg.openpgp.program", PGP }, { "gpg.ssh.program", SSH } };
	struct fixture *fixture = *state;
	const char *why, *signers = path_of(fixture, "signers");
	assert_true(g_file_set_contents(signers, "x", -1, NULL));
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		stand_in(fixture, rows[i].key, GOOD VALID TRUSTED, 0);
		g_remove(path_of(fixture, "global"));
		set_own(fixture, rows[i].key, path_of(fixture, "program"));
		assert_null(verify(fixture, rows[i].signature, signers, &why));
		assert_non_null(strstr(why, "repository's own configuration alone"));
		assert_non_null(strstr(why, arena_printf(fixture->arena, "git config --global %s",
						    rows[i].key[4] == 's' ? "gpg.ssh.program" : "gpg.program")));
		assert_false(g_file_test(path_of(fixture, "asked"), G_FILE_TEST_EXISTS));
		set_own(fixture, rows[i].key, "");
	}
	/* What the user chose holds, whatever the repository says. */
	stand_in(fixture, "gpg.program", GOOD VALID TRUSTED, 0);
	set_own(fixture, "gpg.openpgp.program", "/nowhere/evil");
	assert_non_null(verify(fixture, PGP, NULL, &why));
}

static void own_configuration_names_no_allowed_signers(void **state)
{
	struct fixture *fixture = *state;
	const char *why, *signers = path_of(fixture, "signers");
	assert_true(g_file_set_contents(signers, "x", -1, NULL));
	stand_in(fixture, "gpg.ssh.program", "Good \"git\" signature for ops with ED25519 key SHA256:abc", 0);
	set_own(fixture, "gpg.ssh.allowedSignersFile", signers);
	assert_null(verify(fixture, SSH, NULL, &why));
	assert_non_null(strstr(why, "repository's own configuration alone"));
	assert_non_null(strstr(why, "pass --allowed-signers FILE, or run git config --global"));
	assert_false(g_file_test(path_of(fixture, "asked"), G_FILE_TEST_EXISTS));
	assert_non_null(verify(fixture, SSH, signers, &why));
	set_config(fixture, "gpg.ssh.allowedSignersFile", signers);
	set_own(fixture, "gpg.ssh.allowedSignersFile", "/nowhere/evil");
	assert_non_null(verify(fixture, SSH, NULL, &why));
}

static void paths_that_hang_on_the_folder_are_refused(void **state)
{
	struct fixture *fixture = *state;
	const char *why, *signers = path_of(fixture, "signers");
	assert_true(g_file_set_contents(signers, "x", -1, NULL));
	set_config(fixture, "gpg.program", "bin/gpg");
	assert_null(verify(fixture, PGP, NULL, &why));
	assert_non_null(strstr(why, "'bin/gpg', which is another program in each folder"));
	stand_in(fixture, "gpg.ssh.program", "Good \"git\" signature for ops with ED25519 key SHA256:abc", 0);
	set_config(fixture, "gpg.ssh.allowedSignersFile", "signers");
	assert_null(verify(fixture, SSH, NULL, &why));
	assert_non_null(strstr(why, "'signers', which is another file in each folder"));
	set_own(fixture, "gpg.ssh.revocationFile", "revoked");
	assert_null(verify(fixture, SSH, signers, &why));
	assert_non_null(strstr(why, "'revoked', which is another file in each folder"));
}

static void every_list_of_revoked_keys_counts(void **state)
{
	struct fixture *fixture = *state;
	const char *why, *signers = path_of(fixture, "signers");
	assert_true(g_file_set_contents(signers, "x", -1, NULL));
	assert_true(g_file_set_contents(path_of(fixture, "first"), "x", -1, NULL));
	assert_true(g_file_set_contents(path_of(fixture, "second"), "x", -1, NULL));
	stand_in(fixture, "gpg.ssh.program", "Good \"git\" signature for ops with ED25519 key SHA256:abc", 0);
	set_config(fixture, "gpg.ssh.revocationFile", path_of(fixture, "first"));
	set_own(fixture, "gpg.ssh.revocationFile", path_of(fixture, "second"));
	assert_non_null(verify(fixture, SSH, signers, &why));
	g_autofree char *asked = NULL;
	assert_true(g_file_get_contents(path_of(fixture, "asked"), &asked, NULL, NULL));
	assert_non_null(strstr(asked, arena_printf(fixture->arena, "-r\n%s\n", path_of(fixture, "first"))));
	assert_non_null(strstr(asked, arena_printf(fixture->arena, "-r\n%s\n", path_of(fixture, "second"))));
	g_remove(path_of(fixture, "first"));
	assert_null(verify(fixture, SSH, signers, &why));
	assert_non_null(strstr(why, "/first' is not there"));
}

static void complaint_about_the_file_of_allowed_signers_is_told(void **state)
{
	struct fixture *fixture = *state;
	const char *why, *signers = path_of(fixture, "signers");
	assert_true(g_file_set_contents(signers, "x", -1, NULL));
	stand_in(fixture, "gpg.ssh.program", "signers:1: invalid key\r\n\tmore", 255);
	assert_null(verify(fixture, SSH, signers, &why));
	assert_non_null(strstr(why, "did not allow when the commit was made: signers:1: invalid key; more; words"));
	g_autofree char *long_line = g_strnfill(5000, 'x');
	stand_in(fixture, "gpg.ssh.program", long_line, 255);
	assert_null(verify(fixture, SSH, signers, &why));
	assert_in_range(strlen(why), 100, 1000);
}

static void what_keeps_git_from_answering_is_a_refusal(void **state)
{
	struct fixture *fixture = *state;
	const char *why;
	assert_true(g_file_set_contents(path_of(fixture, "global"), "[gpg", -1, NULL));
	assert_null(verify(fixture, PGP, NULL, &why));
	assert_non_null(strstr(why, "git's settings cannot be read"));
}

static void ssh_is_asked_as_git_asks_it(void **state)
{
	struct fixture *fixture = *state;
	const char *why, *signers = path_of(fixture, "signers");
	assert_true(g_file_set_contents(signers, "x", -1, NULL));
	/* The same answer to both questions: the whole first line is taken for a principal. */
	stand_in(fixture, "gpg.ssh.program", "Good \"git\" signature for ops with ED25519 key SHA256:abc", 0);
	g_setenv("TZ", "UTC", TRUE);
	const char *signer = verify(fixture, SSH, signers, &why);
	assert_non_null(signer);
	assert_non_null(strstr(signer, "(SHA256:abc)"));
	g_autofree char *asked = NULL;
	assert_true(g_file_get_contents(path_of(fixture, "asked"), &asked, NULL, NULL));
	assert_non_null(strstr(asked, "-Y\nfind-principals\n-f\n"));
	assert_non_null(strstr(asked, "-Y\nverify\n-n\ngit\n-f\n"));
	assert_non_null(strstr(asked, "-Overify-time=20260101000000\n"));
	stand_in(fixture, "gpg.ssh.program", "ops", 0);
	assert_null(verify(fixture, SSH, signers, &why));
	assert_non_null(strstr(why, "does not accept"));
	stand_in(fixture, "gpg.ssh.program", "ops", 255);
	assert_null(verify(fixture, SSH, signers, &why));
	assert_non_null(strstr(why, "did not allow"));
	assert_null(verify(fixture, SSH, path_of(fixture, "none"), &why));
	assert_non_null(strstr(why, "is not there"));
}

static void program_that_is_missing_is_named(void **state)
{
	struct fixture *fixture = *state;
	const char *why;
	set_config(fixture, "gpg.program", "/nowhere/gpg");
	assert_null(verify(fixture, PGP, NULL, &why));
	assert_non_null(strstr(why, "/nowhere/gpg"));
}

static void other_signatures_are_refused(void **state)
{
	struct fixture *fixture = *state;
	const char *why;
	assert_null(verify(fixture, "-----BEGIN SIGNED MESSAGE-----\nx\n-----END SIGNED MESSAGE-----", NULL, &why));
	assert_non_null(strstr(why, "neither"));
	assert_null(verify(fixture, NULL, NULL, &why));
	assert_non_null(strstr(why, "is not signed"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_of_gpg_are_judged),
		TEST(least_trust_is_asked_for_as_git_has_it),
		TEST(own_configuration_chooses_no_program),
		TEST(own_configuration_names_no_allowed_signers),
		TEST(paths_that_hang_on_the_folder_are_refused),
		TEST(every_list_of_revoked_keys_counts),
		TEST(complaint_about_the_file_of_allowed_signers_is_told),
		TEST(what_keeps_git_from_answering_is_a_refusal),
		TEST(ssh_is_asked_as_git_asks_it),
		TEST(program_that_is_missing_is_named),
		TEST(other_signatures_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
