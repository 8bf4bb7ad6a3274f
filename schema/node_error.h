/* SPDX-License-Identifier: Apache-2.0 */
/* What schema/node.c says about bytes that are no YAML: encoding, tabs, and libyaml's messages in clearer words. */
#pragma once
#include "base/diag.h"

#include <yaml.h>

/* 0, or -1 with a finding where the bytes are not UTF-8 text. */
int node_error_encoding(const struct source *source, struct diags *diags);

/* Turns the parser's failure into a finding; returns -1. */
int node_error_syntax(const struct source *source, const yaml_parser_t *parser, struct diags *diags);

/* Finds tabs that indent where libyaml lets them through (inside brackets). Lines are asked for in rising order. */
struct tab_finder {
	const char *at, *end; /* start of line 'line'; NULL: the source has no tab at all */
	size_t line;
	size_t told; /* the last line that was reported, plus one */
};
void tab_finder_init(struct tab_finder *finder, const struct source *source);
/* Something begins at that place (both from 0), and only blanks with a tab among them stand before it. Once a line. */
bool tab_finder_indents(struct tab_finder *finder, size_t line, size_t column);
