/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A large YAML source cut between documents, so that threads can read its parts. A line "---" begins a document
 * wherever it stands, in any valid file. Positions within a piece count from the piece's start: whoever finds
 * something wrong reads the source again as a whole.
 */
#pragma once
#include "base/loc.h"

enum { PIECES_MAX = 8, PIECE_MIN = 1 << 20 };

/* Cuts into at most 'n' pieces of about the same size, none much smaller than PIECE_MIN. Returns how many; 1 is the
 * source itself. JSON is never cut. */
uint32_t pieces_cut(const struct source *source, uint32_t n, struct source out[PIECES_MAX]);
