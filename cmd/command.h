/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands: one row and one file each. Help, completion and the man page are made from the rows.
 */
#pragma once
#include "base/diag.h"
#include "render/render.h"

#include <glib.h>
#include <stdio.h>

struct command {
	const char *name;
	const char *group;           /* heading in the help */
	const char *arguments;       /* "SOURCE", "SOURCE|PLAN", "" */
	const char *doc;             /* one line */
	const char *details;         /* a paragraph for its own help, or NULL */
	const char *examples;        /* lines, or NULL */
	int min_args, max_args;      /* -1: any number */
	const GOptionEntry *options; /* its own, ended by an empty row; NULL: none */
	/* Appends the words that its first argument can be, a space before each; NULL: it is a file, or anything. */
	void (*complete)(GString *words);
	/* Returns the exit code. Called with options parsed. */
	int (*run)(int argc, char **argv);
};
extern const struct command *const commands[]; /* in help's order, ended by NULL */
