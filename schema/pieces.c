/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/pieces.h"
#include "schema/node.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

static const char mark[] = "\n---\n";

uint32_t pieces_cut(const struct source *source, uint32_t n, struct source out[PIECES_MAX])
{
	n = MIN(MIN(n, (uint32_t)PIECES_MAX), (uint32_t)(source->n_bytes / PIECE_MIN));
	out[0] = *source;
	if (n < 2 || node_is_json(source))
		return 1;
	const char *at = source->bytes, *end = at + source->n_bytes;
	uint32_t n_pieces = 0;
	while (n_pieces + 1 < n) {
		const char *from = at + (size_t)(end - at) / (n - n_pieces);
		const char *cut = memmem(from, (size_t)(end - from), mark, strlen(mark));
		if (!cut)
			break;
		cut++; /* the line break belongs to what stands before */
		out[n_pieces++] = (struct source){ source->name, at, (size_t)(cut - at) };
		at = cut;
	}
	out[n_pieces++] = (struct source){ source->name, at, (size_t)(end - at) };
	return n_pieces;
}
