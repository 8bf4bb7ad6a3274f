/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line. Each command has rows of options; most of them are shared and stand here, so that a flag is called
 * and explained alike everywhere. Each has a twin in the environment: --max-age is HVGPU_MAX_AGE (for a list with
 * commas between; for a switch 1 or 0). The command line wins.
 */
#pragma once
#include "cmd/command.h"

/* What was written, as text; NULL or FALSE where it was not. Set once, by options_parse(), before the command runs:
 * GLib's option rows hold the addresses, which must be constant. */
struct arguments {
	char *allow, *allowed_signers, *color, *hosts, *journal, *kustomize, *max_age, *out, *output, *owner, *prune,
		*run, *since, *why;
	char **clusters;
	char **words; /* the command and what is left when options are taken out */
	gboolean adopt, allow_older, auto_approve, checks, detailed_exitcode, help, leave_off, man, start,
		verify_commit, wait_for_window;
};
extern struct arguments arguments;

#define OPTION_END \
	{ \
		NULL, 0, 0, 0, NULL, NULL, NULL \
	}
#define OPTION_TEXT(name, key, target, doc, value) \
	{ \
		name, key, 0, G_OPTION_ARG_STRING, &arguments.target, doc, value \
	}
#define OPTION_SWITCH(name, target, doc) \
	{ \
		name, 0, 0, G_OPTION_ARG_NONE, &arguments.target, doc, NULL \
	}

#define OPTION_OUTPUT(formats) OPTION_TEXT("output", 'o', output, "How to write the result: " formats, "FORMAT")
#define OPTION_HOSTS \
	OPTION_TEXT("hosts", 0, hosts, \
		"Where the hosts are, instead of what a HostInventory says: sim:FILE, snapshot:FILE, replay:FILE, or " \
		"record:FILE,ADDRESS to write down what is asked and answered", \
		"ADDRESS")
#define OPTION_CLUSTER \
	{ \
		"cluster", 0, 0, G_OPTION_ARG_STRING_ARRAY, &arguments.clusters, \
			"Only this cluster; may be given several times", "NAME" \
	}
#define OPTION_ALLOW \
	OPTION_TEXT("allow", 0, allow, "How much may be disturbed where nobody is asked; what is not named is 0", \
		"restarts=N,moves=N,role-changes=N")
#define OPTION_JOURNAL \
	OPTION_TEXT("journal", 0, journal, \
		"Where runs are written down for 'history': a file, or none; by default 'journal' in the systemd " \
		"unit's " \
		"StateDirectory, else ~/.local/state/hvgpu/journal", \
		"FILE")
#define OPTION_OWNER \
	OPTION_TEXT("owner", 0, owner, "Whose manifests these are, instead of the repository's origin and path", "NAME")
#define OPTION_MAX_AGE \
	OPTION_TEXT("max-age", 0, max_age, "How old a snapshot of a host may be: 90s, 30m, 24h (default), 7d", "TIME")
#define OPTION_ADOPT OPTION_SWITCH("adopt", adopt, "Take over what is there already, and clusters of another owner")

/* Fills 'arguments' for a command from environment and command line and takes the options out of argv. 0; -1 with a
 * finding; or OPTIONS_HELP when help was asked for. Lone and double dashes are the same: -out is --out. */
enum { OPTIONS_HELP = 1 };
int options_parse(const struct command *command, int *argc, char ***argv, struct diags *diags);
void options_free(void);

/* The options that every command has, ended by an empty row. */
extern const GOptionEntry options_common[];

/* HVGPU_MAX_AGE for --max-age. */
char *options_variable(const GOptionEntry *option);

/* The one of 'formats' (ended by NULL; the first is the default) that --output names. Its index, or -1 with a
 * finding. */
int options_format(const char *const *formats, struct diags *diags);

/* The file of OPTION_JOURNAL, in 'arena'; NULL: none. */
const char *options_journal(struct arena *arena);

/* "90s", "30m", "24h", "7d". */
bool options_is_age(const char *text, uint32_t *seconds_out);
/* The same of an option. 0, or -1 with a finding. */
int options_age(const char *option, const char *text, uint32_t *seconds_out, struct diags *diags);

/* What the shared options say. 0, or -1 with findings. */
int options_run(const char *source, struct run_options *out, struct diags *diags);
