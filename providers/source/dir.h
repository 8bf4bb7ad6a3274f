/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests from the file system: a folder with all below it, one file, or standard input. */
#pragma once
#include "providers/source/collect.h"

/* Gathers what 'path' holds. Names are what a person would type from here: "examples/x/a.yaml" for "examples/x/" or
 * "./examples/x", "a.yaml" for ".". 0, or -1 with findings; goes on after a file that cannot be read, so that all of
 * them are named. */
int dir_collect(const char *path, struct collect *collect);

/* The length of the part of those names that stands for 'path' itself, with the slash. */
size_t dir_prefix_len(const char *path);
