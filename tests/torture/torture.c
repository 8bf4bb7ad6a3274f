/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pulls the plug at every moment: see docs/testing.md, and `torture --help`.
 */
#include "tests/torture/session.h"

#include "providers/source/gitrepo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name, *doc;
	void (*run)(struct session *session);
} modes[] = {
	{ "examples", "one fault at every call, for every example and every small scenario", torture_examples },
	{ "seeded", "one fault at every call, for seeded scenarios", torture_seeded },
	{ "pairs", "two faults, for every small scenario", torture_pairs },
	{ "two", "two runs at a time, for every small scenario", torture_two },
	{ "paths", "manifests A, then B: as B alone; A, a failing B, A: as A alone", torture_paths },
};

static int help(FILE *out, int code)
{
	fprintf(out,
		"usage: torture MODE [--share=N/M] [--all] [--keep-going] [--scenario=NAME]\n"
		"       torture --scenario=NAME --fault=WHAT@CALL [--fault=WHAT@CALL]   plays one case, and tells\n");
	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++)
		fprintf(out, "  %-10s %s\n", modes[i].name, modes[i].doc);
	return code;
}

static bool parse_fault(const char *text, struct fault *out)
{
	g_auto(GStrv) parts = g_strsplit(text, "@", 2);
	int kind = parts[0] ? name_find(&fault_names, parts[0]) : -1;
	if (kind < 0 || !parts[1])
		return false;
	*out = (struct fault){ (enum fault_kind)kind, (uint32_t)strtoul(parts[1], NULL, 10) };
	return true;
}

static bool parse_option(struct session *session, const char *arg)
{
	if (g_str_has_prefix(arg, "--scenario="))
		session->only = strchr(arg, '=') + 1;
	else if (g_str_has_prefix(arg, "--fault=") && session->n_faults < FAULTS_PER_CASE)
		return parse_fault(strchr(arg, '=') + 1, &session->faults[session->n_faults++]);
	else if (strcmp(arg, "--all") == 0)
		session->all = true;
	else if (strcmp(arg, "--cut") == 0)
		session->cuts = true;
	else if (g_str_has_prefix(arg, "--order="))
		return session->has_order =
			       sscanf(strchr(arg, '=') + 1, "%u,%u", &session->order[0], &session->order[1]) == 2;
	else if (strcmp(arg, "--keep-going") == 0)
		session->keeps_going = true;
	else if (g_str_has_prefix(arg, "--share="))
		return sscanf(strchr(arg, '=') + 1, "%u/%u", &session->share, &session->n_shares) == 2 &&
		       session->share >= 1 && session->share <= session->n_shares;
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	struct session session = { .program = argv[0], .share = 1, .n_shares = 1 };
	void (*run)(struct session *) = NULL;
	for (int i = 1; i < argc; i++) {
		bool is_known = false;
		for (size_t m = 0; m < G_N_ELEMENTS(modes); m++)
			if (strcmp(argv[i], modes[m].name) == 0) {
				run = modes[m].run;
				is_known = true;
			}
		if (!is_known && !parse_option(&session, argv[i]))
			return help(strcmp(argv[i], "--help") ? stderr : stdout, strcmp(argv[i], "--help") ? 3 : 0);
	}
	if (!run && session.only)
		run = torture_one;
	if (!run)
		return help(stderr, 3);
	g_autoptr(arena_auto) arena = arena_new();
	g_autoptr(gitrepo_auto) held = NULL; /* libgit2 reads all certificates whenever it begins: it begins once */
	gitrepo_open(TESTS_DIR, GITREPO_SEARCH | GITREPO_QUIET, &held, diags_new(arena));
	session_begin(&session);
	run(&session);
	return session_end(&session);
}
