/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must not be shown of a line of a manifest, though a finding points there: a secret that somebody wrote where a
 * reference belongs. Looked for in the text itself, for what is wrong may be that it is no YAML.
 */
#pragma once
#include <glib.h>

/* Where in the line from 'start' to 'end' the first one begins; 'end' where there is none. */
const char *mask_from(const char *start, const char *end);
