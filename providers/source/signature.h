/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a commit is signed by somebody who is trusted, as `git verify-commit` finds it out: an OpenPGP signature with
 * gpg and the keys in its keyring, an ssh signature with ssh-keygen and the list of allowed signers. git's own settings
 * hold: gpg.program, gpg.openpgp.program, gpg.ssh.program, gpg.ssh.allowedSignersFile, gpg.ssh.revocationFile,
 * gpg.minTrustLevel. Stricter than git in three things: a key that is expired now, one that the keyring says is never
 * to be trusted, and more than one signature are refused.
 */
#pragma once
#include "providers/source/gitrepo.h"

/* 'allowed_signers': the file instead of git's, or NULL. '*signer_out', in 'arena': "ops@example.com (SHA256:…)". 0, or -1
 * with HV412 (not signed, or not by anybody trusted), HV407 or HV902. */
int signature_verify(const struct gitrepo *repo, const char *commit, const char *allowed_signers, struct arena *arena,
	const char **signer_out, struct diags *diags);
