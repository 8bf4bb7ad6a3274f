/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds files to a fuzz target, without a fuzzer: each argument is a file, or a folder with all that is below it. */
#include "tests/fuzz/fuzz.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned feed_file(const char *path)
{
	g_autofree char *bytes = NULL;
	gsize size;
	if (!g_file_get_contents(path, &bytes, &size, NULL))
		return 0;
	/* A copy of just that size, so that a sanitizer sees the first byte read behind it. */
	uint8_t *exact = g_malloc(MAX(size, 1));
	memcpy(exact, bytes, size);
	LLVMFuzzerTestOneInput(exact, size);
	g_free(exact);
	return 1;
}

static unsigned feed(const char *path)
{
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	if (!folder)
		return feed_file(path);
	unsigned n = 0;
	for (const char *name; (name = g_dir_read_name(folder));) {
		g_autofree char *below = g_build_filename(path, name, NULL);
		n += feed(below);
	}
	return n;
}

int main(int argc, char **argv)
{
	unsigned n = 0;
	for (int i = 1; i < argc; i++)
		n += feed(argv[i]);
	printf("%u inputs\n", n);
	return n ? EXIT_SUCCESS : EXIT_FAILURE;
}
