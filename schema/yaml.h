/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON values as YAML text that every parser, of YAML 1.1 or 1.2, reads as the same values: texts that could be taken
 * for something else are quoted, and what YAML may not hold is escaped.
 */
#pragma once
#include <glib.h>
#include <jansson.h>

/* The value in block style, each line indented by 'indent' spaces and ended. A scalar is one line. */
void yaml_write(GString *out, const json_t *value, unsigned indent);

/* One scalar on the current line, quoted where needed. */
void yaml_write_text(GString *out, const char *text);
