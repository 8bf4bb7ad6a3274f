/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Histories: whatever the bytes, the lines that a scan tells of lie one behind the other from the start to the end of the
 * file. No search finds a checksum, so the input is read once more as records, a line each; one that starts with '!' is put
 * as it is, without its frame.
 */
#include "base/file.h"
#include "base/journal_parts.h"
#include "reconcile/history.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void check_lines(int fd, uint64_t size)
{
	struct scan scan;
	struct scan_line line;
	int file = scan_init(&scan, fd), result = SCAN_MORE;
	uint64_t at = scan.at;
	if (file < 0 || at > N_HEAD)
		BUG("file %d starts at %" G_GUINT64_FORMAT, file, (guint64)at);
	while (file == SCAN_JOURNAL && (result = scan_next(&scan, &line)) == SCAN_MORE) {
		if (line.record.offset != at || line.record.end <= at || line.record.end > size)
			BUG("a line from %" G_GUINT64_FORMAT " behind %" G_GUINT64_FORMAT, (guint64)line.record.offset,
				(guint64)at);
		if ((line.kind == SCAN_TORN) > (line.record.end == size))
			BUG("torn before the end");
		at = line.record.end;
	}
	if (file == SCAN_JOURNAL && (result < 0 || at != size))
		BUG("result %d at %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT, result, (guint64)at, (guint64)size);
	scan_done(&scan);
}

static void read_bytes(const char *bytes, size_t size)
{
	int fd = memfd_create("journal", MFD_CLOEXEC);
	if (fd < 0 || file_write_all(fd, bytes, size) < 0)
		BUG("no file in memory");
	check_lines(fd, size);
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	struct history_list list;
	const char *path = arena_printf(arena, "/proc/self/fd/%d", fd);
	int result = history_read(path, arena, &list, diags);
	if ((result < 0) != (diags->n_errors > 0))
		BUG("result %d with %u errors", result, diags->n_errors);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	read_bytes((const char *)bytes, size);
	g_autofree char *text = g_strndup((const char *)bytes, size);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autoptr(GString) journal = g_string_new(JOURNAL_HEAD);
	for (char **line = lines; *line; line++) {
		if (**line == '!')
			g_string_append(journal, *line + 1);
		else if (strlen(*line) <= JOURNAL_RECORD_MAX)
			line_put(journal, *line);
	}
	read_bytes(journal->str, journal->len);
	return 0;
}
