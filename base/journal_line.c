/* SPDX-License-Identifier: Apache-2.0 */
#include "base/journal_parts.h"

#include <string.h>

static void put_sum(const char *bytes, size_t n, char *out)
{
	g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)bytes, n);
	memcpy(out, sum, N_SUM);
}

void line_put(GString *out, const char *record)
{
	char sum[N_SUM + 1] = { 0 };
	size_t n = strlen(record);
	put_sum(record, n, sum);
	g_string_append_printf(out, "%0*zx %s %s\n", N_LENGTH, n, sum, record);
}

int64_t line_at(const char *bytes, size_t n_bytes, bool *whole_out)
{
	char digits[N_LENGTH + 1] = { 0 }, sum[N_SUM];
	guint64 n;
	if (n_bytes < N_FRAME || bytes[N_LENGTH] != ' ' || bytes[N_FRAME - 1] != ' ')
		return -1;
	memcpy(digits, bytes, N_LENGTH);
	if (!g_ascii_string_to_unsigned(digits, 16, 0, JOURNAL_RECORD_MAX, &n, NULL) || n > n_bytes - N_FRAME)
		return -1;
	put_sum(bytes + N_FRAME, n, sum);
	if (memcmp(sum, bytes + N_LENGTH + 1, N_SUM) != 0)
		return -1;
	*whole_out = n < n_bytes - N_FRAME && bytes[N_FRAME + n] == '\n';
	return (int64_t)n;
}
