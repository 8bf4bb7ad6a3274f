/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of git, as git itself finds them: `git config` is run, so that includes, GIT_CONFIG_GLOBAL, GIT_CONFIG_COUNT and
 * the rest of git's rules hold, of which libgit2 knows but a part.
 *
 * Each value comes with whose word it is. git calls the configuration of the system, of the user and of the command line
 * "protected": the repository does not write it. A repository's own (.git/config, config.worktree and what they include) is
 * the word of whoever can write to it.
 */
#pragma once
#include "base/diag.h"

struct gitconfig_value {
	const char *key;   /* as git prints it: "gpg.ssh.allowedsignersfile" */
	const char *value; /* with "~" written out */
	bool is_protected;
};

struct gitconfig {
	const struct gitconfig_value *values; /* what comes later wins */
	uint32_t n_values;
};

/* All settings of a section ("gpg") and its subsections, as the repository with that git directory sees them. 0, or -1 with
 * a finding of 'code' that says why git cannot tell. */
int gitconfig_read(const char *git_dir, const char *section, enum diag_code code, struct arena *arena,
	struct gitconfig *out, struct diags *diags);

/* Is 'key' ("gpg.ssh.program", case aside but for a subsection) that of the value? */
bool gitconfig_is(const struct gitconfig_value *value, const char *key);

/* The value of 'key' that wins, of the protected configuration or of the repository's own alone; NULL when there is none or
 * it is empty. 'synonym': another key for the same, or NULL. */
const char *gitconfig_get(const struct gitconfig *config, const char *key, const char *synonym, bool is_protected);

/* For programs that are to work on a repository that they are given: variables that name another one, as a git hook has
 * them set, or another file to read settings from. Ended by NULL. */
extern const char *const gitconfig_unset[];
