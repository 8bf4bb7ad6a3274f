/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why no agent came up: told from how the session ended, from where ssh's own messages (which are in English
 * everywhere) and exit codes point. First row that fits. What a host says of itself is in its language and is only shown.
 */
#pragma once
#include "providers/host/hyperv.h"

enum trouble_stage {
	TROUBLE_CONNECTION, /* nobody is logged in there */
	TROUBLE_POWERSHELL, /* logged in, and no PowerShell came up */
	TROUBLE_AGENT,      /* a PowerShell, and no agent in it */
};

struct trouble {
	const char *id; /* "host-key-unknown" */
	enum trouble_stage stage;
	const char *marks[3]; /* any of these texts; none: any words */
	bool any_exit;
	int exit; /* unless 'any_exit' */
	const char *what, *remedy;
};

/* All rows, ended by one without id. */
extern const struct trouble troubles[];

/* The row for a session that ended before its agent said hello, or NULL: it did say hello. Here, without ssh, there is no
 * connection to fail. */
const struct trouble *trouble_of(const struct hyperv_end *end, bool over_ssh);
