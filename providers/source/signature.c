/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/source/signature.h"
#include "base/file.h"
#include "base/proc.h"
#include "providers/source/gitconfig.h"
#include "providers/source/worktree.h"

#include <string.h>

enum { VERIFY_TIMEOUT_S = 60, COMPLAINT_SIZE = 300 };

/* Words of the programs are read, so they must not be translated. */
static const char *const settings[] = { "LC_ALL", "C", NULL };

struct verify {
	const struct gitrepo *repo;
	const char *commit;
	const char *allowed_signers;
	struct gitrepo_signature signature;
	struct gitconfig config; /* git's settings under gpg */
	const char *path;        /* of a file with the signature */
	struct arena *arena;
	struct diags *diags;
};

static int refuse(struct verify *verify, const char *why)
{
	return diag_add(verify->diags, D_SIGNATURE, LOC_NONE, NULL, "commit %.12s %s", verify->commit, why);
}

static int run(struct verify *verify, const char *const *argv, bool with_payload, struct proc_result *out)
{
	struct proc proc = { .argv = argv, .set = settings, .timeout_s = VERIFY_TIMEOUT_S };
	if (with_payload) {
		proc.input = verify->signature.payload;
		proc.n_input = verify->signature.n_payload;
	}
	if (proc_run(&proc, D_SIGNATURE, verify->arena, out, verify->diags) < 0)
		return -1;
	if (!out->timed_out)
		return 0;
	return diag_add(verify->diags, D_SIGNATURE, LOC_NONE, NULL, "'%s' did not answer within %d s", argv[0],
		VERIFY_TIMEOUT_S);
}

/* ---- settings ---- */

/* One that says whom to trust: a program that judges, or a list of keys. The repository's own configuration is not asked, for
 * who can write to a checkout, or says which repository is read, would choose. '*out': NULL when there is none. 0, or -1:
 * refused. 'instead': what else can be done, or "". */
static int find_trusted(
	struct verify *verify, const char *key, const char *synonym, const char *instead, const char **out)
{
	const char *value = gitconfig_get(&verify->config, key, synonym, true);
	const char *own = gitconfig_get(&verify->config, key, synonym, false);
	if (!value && own)
		return diag_add(verify->diags, D_SIGNATURE, LOC_NONE, NULL,
			"%s is set by the repository's own configuration alone, to '%s', and that may not say whom to "
			"trust; %srun git config --global %s VALUE",
			key, own, instead, key);
	*out = value;
	return 0;
}

/* Found in PATH, or at a place of its own: which program it is may not depend on the folder that one is in, a checkout. */
static int find_program(
	struct verify *verify, const char *key, const char *synonym, const char *usual, const char **out)
{
	const char *program = NULL;
	if (find_trusted(verify, key, synonym, "", &program) < 0)
		return -1;
	*out = program ? program : usual;
	if (!strchr(*out, '/') || g_path_is_absolute(*out))
		return 0;
	return diag_add(verify->diags, D_SIGNATURE, LOC_NONE, NULL,
		"git's setting %s is '%s', which is another program in each folder; write its path in full", key, *out);
}

static int check_list(struct verify *verify, const char *what, const char *path)
{
	if (file_kind(path, true) != FILE_MISSING)
		return 0;
	return diag_add(verify->diags, D_SIGNATURE, LOC_NONE, NULL, "the file of %s '%s' is not there", what, path);
}

/* A list of keys that a setting of git names. */
static int check_named_list(struct verify *verify, const char *what, const char *key, const char *path)
{
	if (g_path_is_absolute(path))
		return check_list(verify, what, path);
	return diag_add(verify->diags, D_SIGNATURE, LOC_NONE, NULL,
		"git's setting %s is '%s', which is another file in each folder; write its path in full", key, path);
}

/* ---- OpenPGP ---- */

/* What gpg says of a signature, of which exactly one must be there, and the first. */
static const struct {
	const char *word, *why;
} gpg_words[] = {
	{ "GOODSIG ", NULL },
	{ "BADSIG ", "has a bad signature: it was changed after it was signed, by or as" },
	{ "EXPSIG ", "has a signature that has expired, of" },
	{ "EXPKEYSIG ", "is signed with a key that has expired, of" },
	{ "REVKEYSIG ", "is signed with a key that was revoked, of" },
	{ "ERRSIG ", "is signed with a key that is not in the keyring of gpg:" },
};

struct gpg_answer {
	int word;         /* in gpg_words, -1: none */
	uint32_t n_words; /* how many signatures were told of */
	const char *who;  /* key and name */
	const char *fingerprint;
	int trust; /* in trust_levels, -1: not told */
};

/* As git orders them, but for NEVER, which is never enough here. */
static const char *const trust_levels[] = { "NEVER", "UNDEFINED", "MARGINAL", "FULLY", "ULTIMATE" };

static int find_trust(const char *text)
{
	for (size_t i = 0; text && i < G_N_ELEMENTS(trust_levels); i++)
		if (g_ascii_strncasecmp(text, trust_levels[i], strlen(trust_levels[i])) == 0)
			return (int)i;
	return -1;
}

static void read_gpg_line(struct arena *arena, const char *line, struct gpg_answer *out)
{
	static const char prefix[] = "[GNUPG:] ";
	if (!g_str_has_prefix(line, prefix))
		return;
	line += strlen(prefix);
	for (size_t i = 0; i < G_N_ELEMENTS(gpg_words); i++)
		if (g_str_has_prefix(line, gpg_words[i].word)) {
			out->word = (int)i;
			out->who = arena_strdup(arena, line + strlen(gpg_words[i].word));
			out->n_words++;
		}
	if (g_str_has_prefix(line, "VALIDSIG "))
		out->fingerprint =
			arena_strndup(arena, line + strlen("VALIDSIG "), strcspn(line + strlen("VALIDSIG "), " "));
	if (g_str_has_prefix(line, "TRUST_"))
		out->trust = find_trust(line + strlen("TRUST_"));
}

/* The highest level that any configuration asks for; -1: refused. */
static int least_trust(struct verify *verify)
{
	int least = 1;
	for (uint32_t i = 0; i < verify->config.n_values; i++) {
		const struct gitconfig_value *value = &verify->config.values[i];
		if (!gitconfig_is(value, "gpg.minTrustLevel"))
			continue;
		int level = find_trust(value->value);
		if (level < 0)
			return diag_add(verify->diags, D_SIGNATURE, LOC_NONE, NULL,
				"git's setting gpg.minTrustLevel is '%s', which is no level of trust", value->value);
		least = MAX(least, level);
	}
	return least;
}

static int judge_gpg(struct verify *verify, const struct gpg_answer *answer, const struct proc_result *result)
{
	if (answer->n_words > 1)
		return refuse(verify, "has more than one signature, and it is not clear which one counts");
	if (answer->word < 0)
		return refuse(verify, arena_printf(verify->arena, "has a signature that gpg cannot read: %s",
					      g_strstrip(arena_strdup(verify->arena, result->output))));
	const char *why = gpg_words[answer->word].why;
	if (why)
		return refuse(verify, arena_printf(verify->arena, "%s %s", why, answer->who));
	if (result->exit != 0 || !answer->fingerprint)
		return refuse(verify, "has a signature that gpg did not accept");
	int least = least_trust(verify);
	if (least < 0)
		return -1;
	if (answer->trust < least)
		return refuse(verify,
			arena_printf(verify->arena, "is signed with a key that the keyring trusts less than %s: %s",
				trust_levels[least], answer->who));
	return 0;
}

static int verify_gpg(struct verify *verify, const char **signer_out)
{
	const char *program;
	if (find_program(verify, "gpg.program", "gpg.openpgp.program", "gpg", &program) < 0)
		return -1;
	const char *const argv[] = { program, "--batch", "--no-tty", "--keyid-format=long", "--status-fd=1", "--verify",
		verify->path, "-", NULL };
	struct proc_result result;
	if (run(verify, argv, true, &result) < 0)
		return -1;
	struct gpg_answer answer = { .word = -1, .trust = -1 };
	g_auto(GStrv) lines = g_strsplit(result.answer, "\n", -1);
	for (char **line = lines; *line; line++)
		read_gpg_line(verify->arena, *line, &answer);
	if (judge_gpg(verify, &answer, &result) < 0)
		return -1;
	const char *name = strchr(answer.who, ' ');
	*signer_out = arena_printf(verify->arena, "%s (%s)", name ? name + 1 : answer.who, answer.fingerprint);
	return 0;
}

/* ---- ssh ---- */

/* A key counts if it was allowed when the commit was made; ssh-keygen takes local time. */
static const char *verify_time(const struct verify *verify)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(verify->signature.committed);
	g_autofree char *text = time ? g_date_time_format(time, "-Overify-time=%Y%m%d%H%M%S") : NULL;
	return arena_strdup(verify->arena, text ? text : "-Overify-time=19700101");
}

static int verify_with(
	struct verify *verify, const char *program, const char *principal, const char *revoked, struct proc_result *out)
{
	const char *argv[] = { program, "-Y", "verify", "-n", "git", "-f", verify->allowed_signers, "-I", principal,
		"-s", verify->path, verify_time(verify), revoked ? "-r" : NULL, revoked, NULL };
	return run(verify, argv, true, out);
}

static bool is_accepted(const struct proc_result *result)
{
	return result->exit == 0 && g_str_has_prefix(result->answer, "Good \"git\" signature for ");
}

/* Asks once for each list of revoked keys that any configuration names, for ssh-keygen takes one, and until it does not
 * accept: '*out' is its last answer. */
static int verify_as(struct verify *verify, const char *program, const char *principal, struct proc_result *out)
{
	static const char key[] = "gpg.ssh.revocationFile";
	uint32_t n_lists = 0;
	for (uint32_t i = 0; i < verify->config.n_values; i++) {
		const struct gitconfig_value *value = &verify->config.values[i];
		if (!gitconfig_is(value, key) || !*value->value)
			continue;
		if (check_named_list(verify, "revoked keys", key, value->value) < 0 ||
			verify_with(verify, program, principal, value->value, out) < 0)
			return -1;
		if (!is_accepted(out))
			return 0;
		n_lists++;
	}
	return n_lists ? 0 : verify_with(verify, program, principal, NULL, out);
}

/* "Good "git" signature for ops@example.com with ED25519 key SHA256:…" */
static const char *ssh_signer(const struct verify *verify, const char *principal, const char *answer)
{
	const char *key = strstr(answer, " key ");
	const char *start = key ? key + strlen(" key ") : "";
	return arena_printf(verify->arena, "%s (%.*s)", principal, (int)strcspn(start, "\n"), start);
}

/* A work tree of a repository that has the commit, be it another clone of it. */
static bool is_in_a_checkout(const struct verify *verify, const char *path)
{
	const char *real = file_real_path(path, verify->arena);
	const char *top = real ? worktree_top(real, verify->arena) : NULL;
	g_autoptr(gitrepo_auto) repo = NULL;
	if (gitrepo_path_within(verify->repo, path, verify->arena))
		return true;
	return top && gitrepo_open(top, GITREPO_QUIET, &repo, diags_new(verify->arena)) == 0 &&
	       gitrepo_has_commit(repo, verify->commit);
}

/* Who may push, or writes to the checkout, would say with it who may sign. */
static int check_outside(struct verify *verify)
{
	const char *path = verify->allowed_signers;
	if (!is_in_a_checkout(verify, path) && !worktree_symlink(path, verify->arena))
		return 0;
	return diag_add(verify->diags, D_SIGNATURE, LOC_NONE, NULL,
		"the file of allowed signers '%s' is part of a checkout of the commit that it is to judge, or a work "
		"tree "
		"says where it is; keep it elsewhere",
		path);
}

/* The file of allowed signers: what the user gave, else git's. */
static int find_allowed(struct verify *verify)
{
	static const char key[] = "gpg.ssh.allowedSignersFile";
	if (verify->allowed_signers)
		return check_list(verify, "allowed signers", verify->allowed_signers) < 0 ? -1 : check_outside(verify);
	if (find_trusted(verify, key, NULL, "pass --allowed-signers FILE, or ", &verify->allowed_signers) < 0)
		return -1;
	if (!verify->allowed_signers)
		return refuse(verify, "is signed with an ssh key, and nothing says whose keys are allowed; pass "
				      "--allowed-signers FILE or set git's gpg.ssh.allowedSignersFile");
	if (check_named_list(verify, "allowed signers", key, verify->allowed_signers) < 0)
		return -1;
	return check_outside(verify);
}

/* What ssh-keygen complains of, in one line: it may be the file of allowed signers and not the commit. */
static const char *complaint(const struct verify *verify, const struct proc_result *result)
{
	g_autofree char *words = g_strconcat(result->answer, result->output, NULL);
	g_auto(GStrv) lines = g_strsplit_set(words, "\r\n", -1);
	g_autoptr(GString) all = g_string_new(NULL);
	for (char **line = lines; *line; line++) {
		if (!*g_strstrip(*line))
			continue;
		if (all->len > COMPLAINT_SIZE) {
			g_string_append(all, "; …");
			break;
		}
		g_string_append_printf(all, "%s%.*s", all->len ? "; " : "", COMPLAINT_SIZE, *line);
	}
	g_autofree char *valid = g_utf8_make_valid(all->str, -1);
	return arena_strdup(verify->arena, all->len ? valid : "ssh-keygen gave no reason");
}

/* Who may have signed, by the file of allowed signers. */
static int find_principals(struct verify *verify, const char *program, char ***out)
{
	const char *const argv[] = { program, "-Y", "find-principals", "-f", verify->allowed_signers, "-s",
		verify->path, verify_time(verify), NULL };
	struct proc_result result;
	if (run(verify, argv, false, &result) < 0)
		return -1;
	g_auto(GStrv) lines = g_strsplit_set(result.exit == 0 ? result.answer : "", "\r\n", -1);
	g_autoptr(GPtrArray) principals = g_ptr_array_new();
	for (char **line = lines; *line; line++)
		if (*g_strchomp(*line))
			g_ptr_array_add(principals, arena_strdup(verify->arena, *line));
	if (!principals->len)
		return refuse(
			verify, arena_printf(verify->arena,
					"is signed with a key that '%s' did not allow when the commit was made: %s",
					verify->allowed_signers, complaint(verify, &result)));
	g_ptr_array_add(principals, NULL);
	*out = arena_copy(verify->arena, principals->pdata, principals->len * sizeof(char *));
	return 0;
}

static int verify_ssh(struct verify *verify, const char **signer_out)
{
	const char *program;
	char **principals = NULL;
	if (find_program(verify, "gpg.ssh.program", NULL, "ssh-keygen", &program) < 0 || find_allowed(verify) < 0 ||
		find_principals(verify, program, &principals) < 0)
		return -1;
	struct proc_result result = { 0 };
	for (char **principal = principals; *principal; principal++) {
		if (verify_as(verify, program, *principal, &result) < 0)
			return -1;
		if (is_accepted(&result)) {
			*signer_out = ssh_signer(verify, *principal, result.answer);
			return 0;
		}
	}
	return refuse(verify, arena_printf(verify->arena, "has a signature that ssh-keygen does not accept: %s",
				      complaint(verify, &result)));
}

/* ---- both ---- */

static int verify_any(struct verify *verify, const char **signer_out)
{
	const char *text = verify->signature.text;
	if (g_str_has_prefix(text, "-----BEGIN SSH SIGNATURE-----"))
		return verify_ssh(verify, signer_out);
	if (g_str_has_prefix(text, "-----BEGIN PGP SIGNATURE-----") ||
		g_str_has_prefix(text, "-----BEGIN PGP MESSAGE-----"))
		return verify_gpg(verify, signer_out);
	return refuse(verify, "has a signature that is neither an OpenPGP nor an ssh one");
}

int signature_verify(const struct gitrepo *repo, const char *commit, const char *allowed_signers, struct arena *arena,
	const char **signer_out, struct diags *diags)
{
	struct verify verify = { .repo = repo, .commit = commit, .allowed_signers = allowed_signers };
	verify.arena = arena;
	verify.diags = diags;
	int result = gitrepo_signature(repo, commit, arena, &verify.signature, diags);
	if (result == GITREPO_NONE)
		return refuse(&verify, "is not signed; sign it with 'git commit -S', or apply without --verify-commit");
	if (result < 0)
		return -1;
	if (gitconfig_read(gitrepo_path(repo), "gpg", D_SIGNATURE, arena, &verify.config, diags) < 0)
		return -1;
	verify.path = file_temporary(verify.signature.text, strlen(verify.signature.text), arena, diags);
	if (!verify.path)
		return -1;
	result = verify_any(&verify, signer_out);
	file_remove(verify.path);
	return result;
}
