/* SPDX-License-Identifier: Apache-2.0 */
/* What the terminal, or whatever stands in its place, can show. */
#pragma once
#include "base/names.h"

#include <stdbool.h>

/* --color=auto|always|never */
#define COLOUR_CHOICES(X) X(COLOUR_AUTO, "auto") X(COLOUR_ALWAYS, "always") X(COLOUR_NEVER, "never")
enum colour_choice { COLOUR_CHOICES(NAMES_ENUM) COLOUR_CHOICE_COUNT };
extern const struct names colour_choice_names;

/* Shall 'fd' get colours? An explicit choice wins; then NO_COLOR (set and not empty: no); then CLICOLOR_FORCE and
 * FORCE_COLOR (set, not empty, not "0": yes); then whether it is a terminal that is not TERM=dumb. */
bool term_colour(enum colour_choice choice, int fd);

/* A person is there to ask. */
bool term_is_interactive(int fd);

/* Columns: COLUMNS, else the terminal's; 0 where neither is known: do not wrap. */
unsigned term_width(int fd);

/* May output use characters beyond ASCII? By the locale: LC_ALL, LC_CTYPE, LANG. */
bool term_is_utf8(void);
