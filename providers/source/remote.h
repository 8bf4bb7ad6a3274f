/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Remote repositories, fetched into a bare one below the user's cache folder by the system's `git`: the user's
 * credential helpers, ssh configuration, proxies and known hosts just work, which libgit2 as Debian builds it knows
 * little of. Nothing asks at a terminal, and host keys and certificates are always checked.
 */
#pragma once
#include "base/diag.h"

/* The revision that the remote's own HEAD was at, after a fetch. */
#define REMOTE_HEAD "refs/hvgpu/HEAD"

/* Fetches all branches and tags of 'url'; '*path_out' is the bare repository. 0, or -1 with HV406. */
int remote_fetch(const char *url, struct arena *arena, const char **path_out, struct diags *diags);

/* The repository as it was fetched last, or NULL. */
const char *remote_cached(const char *url, struct arena *arena);
