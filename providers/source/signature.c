/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/source/signature.h"
#include "base/file.h"
#include "base/proc.h"

#include <string.h>

enum { VERIFY_TIMEOUT_S = 60 };

/* Words of the programs are read, so they must not be translated. */
static const char *const settings[] = { "LC_ALL", "C", NULL };

struct verify {
	const struct gitrepo *repo;
	const char *commit;
	const char *allowed_signers;
	struct gitrepo_signature signature;
	const char *path; /* of a file with the signature */
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
	const char *wanted = gitrepo_config(verify->repo, "gpg.minTrustLevel", verify->arena);
	int least = wanted ? MAX(find_trust(wanted), 1) : 1;
	if (wanted && find_trust(wanted) < 0)
		return diag_add(verify->diags, D_SIGNATURE, LOC_NONE, NULL,
			"git's setting gpg.minTrustLevel is '%s', which is no level of trust", wanted);
	if (answer->trust < least)
		return refuse(verify,
			arena_printf(verify->arena, "is signed with a key that the keyring trusts less than %s: %s",
				trust_levels[least], answer->who));
	return 0;
}

static int verify_gpg(struct verify *verify, const char **signer_out)
{
	const char *program = gitrepo_config_path(verify->repo, "gpg.openpgp.program", verify->arena);
	if (!program)
		program = gitrepo_config_path(verify->repo, "gpg.program", verify->arena);
	const char *const argv[] = { program ? program : "gpg", "--batch", "--no-tty", "--keyid-format=long",
		"--status-fd=1", "--verify", verify->path, "-", NULL };
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

static int verify_as(
	struct verify *verify, const char *program, const char *principal, const char *revoked, struct proc_result *out)
{
	const char *argv[] = { program, "-Y", "verify", "-n", "git", "-f", verify->allowed_signers, "-I", principal,
		"-s", verify->path, verify_time(verify), revoked ? "-r" : NULL, revoked, NULL };
	return run(verify, argv, true, out);
}

/* "Good "git" signature for ops@example.com with ED25519 key SHA256:…" */
static const char *ssh_signer(const struct verify *verify, const char *principal, const char *answer)
{
	const char *key = strstr(answer, " key ");
	const char *start = key ? key + strlen(" key ") : "";
	return arena_printf(verify->arena, "%s (%.*s)", principal, (int)strcspn(start, "\n"), start);
}

static int verify_ssh(struct verify *verify, const char **signer_out)
{
	struct arena *arena = verify->arena;
	const char *program = gitrepo_config_path(verify->repo, "gpg.ssh.program", arena) ?: "ssh-keygen";
	const char *revoked = gitrepo_config_path(verify->repo, "gpg.ssh.revocationFile", arena);
	if (!verify->allowed_signers)
		verify->allowed_signers = gitrepo_config_path(verify->repo, "gpg.ssh.allowedSignersFile", arena);
	if (!verify->allowed_signers)
		return refuse(verify, "is signed with an ssh key, and nothing says whose keys are allowed; pass "
				      "--allowed-signers FILE or set git's gpg.ssh.allowedSignersFile");
	if (file_kind(verify->allowed_signers, true) == FILE_MISSING)
		return diag_add(verify->diags, D_SIGNATURE, LOC_NONE, NULL,
			"the file of allowed signers '%s' is not there", verify->allowed_signers);
	if (revoked && file_kind(revoked, true) == FILE_MISSING)
		return diag_add(verify->diags, D_SIGNATURE, LOC_NONE, NULL,
			"the file of revoked keys '%s' is not there", revoked);
	const char *const find[] = { program, "-Y", "find-principals", "-f", verify->allowed_signers, "-s",
		verify->path, verify_time(verify), NULL };
	struct proc_result result;
	if (run(verify, find, false, &result) < 0)
		return -1;
	g_auto(GStrv) principals = g_strsplit(result.exit == 0 ? result.answer : "", "\n", -1);
	bool any = false;
	for (char **principal = principals; *principal; principal++) {
		g_strchomp(*principal);
		if (!**principal)
			continue;
		any = true;
		if (verify_as(verify, program, *principal, revoked, &result) < 0)
			return -1;
		if (result.exit == 0 && g_str_has_prefix(result.answer, "Good \"git\" signature for ")) {
			*signer_out = ssh_signer(verify, *principal, result.answer);
			return 0;
		}
	}
	if (!any)
		return refuse(verify,
			arena_printf(arena, "is signed with a key that '%s' did not allow when the commit was made",
				verify->allowed_signers));
	g_autofree char *words = g_strdup_printf("%s%s", result.answer, result.output);
	return refuse(verify, arena_printf(arena, "has a signature that ssh-keygen does not accept: %s",
				      g_strdelimit(g_strstrip(words), "\r\n", ' ')));
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
	verify.path = file_temporary(verify.signature.text, strlen(verify.signature.text), arena, diags);
	if (!verify.path)
		return -1;
	result = verify_any(&verify, signer_out);
	file_remove(verify.path);
	return result;
}
