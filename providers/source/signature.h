/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a commit is signed by somebody who is trusted, as `git verify-commit` finds it out: an OpenPGP signature with
 * gpg and the keys in its keyring, an ssh signature with ssh-keygen and the list of allowed signers. git's own settings
 * hold, and git is asked for them (gitconfig.h), but not every configuration may say everything:
 *
 * - gpg.program, gpg.openpgp.program, gpg.ssh.program, gpg.ssh.allowedSignersFile say whom to trust. They count from git's
 *   protected configuration alone; what only the repository's own sets is refused. Paths are written in full.
 * - gpg.ssh.revocationFile and gpg.minTrustLevel make it stricter. They count from everywhere, all of them.
 *
 * Stricter than git, too: a key that is expired now, one that the keyring says is never to be trusted, and more than one
 * signature are refused.
 */
#pragma once
#include "providers/source/gitrepo.h"

/* 'allowed_signers': the file instead of git's, or NULL. '*signer_out', in 'arena': "ops@example.com (SHA256:…)". 0, or -1
 * with HV412 (not signed, or not by anybody trusted, or that cannot be found out), HV407 or HV902. */
int signature_verify(const struct gitrepo *repo, const char *commit, const char *allowed_signers, struct arena *arena,
	const char **signer_out, struct diags *diags);
