/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/check_parts.h"

struct reach *reach_new(const struct step *steps, uint32_t n)
{
	struct reach *reach = g_new0(struct reach, 1);
	uint32_t words = n / 64 + 1;
	reach->n = n;
	reach->words = words;
	reach->before = g_new0(uint64_t, (size_t)words * (n + 1));
	reach->after = g_new0(uint64_t, (size_t)words * (n + 1));
	for (uint32_t i = 0; i < n; i++) { /* what a step waits for has a smaller number, so its row is full by then */
		uint64_t *row = &reach->before[(size_t)i * words];
		for (uint32_t k = 0; k < steps[i].n_after; k++) {
			uint32_t sooner = steps[i].after[k] - 1;
			const uint64_t *of = &reach->before[(size_t)sooner * words];
			for (uint32_t w = 0; w <= sooner / 64; w++)
				row[w] |= of[w];
			row[sooner / 64] |= (uint64_t)1 << sooner % 64;
		}
		for (uint32_t w = 0; w < words; w++)
			for (uint64_t bits = row[w]; bits; bits &= bits - 1) {
				size_t sooner = (size_t)w * 64 + (uint32_t)__builtin_ctzll(bits);
				reach->after[sooner * words + i / 64] |= (uint64_t)1 << i % 64;
			}
	}
	return reach;
}

void reach_free(struct reach *reach)
{
	if (!reach)
		return;
	g_free(reach->before);
	g_free(reach->after);
	g_free(reach);
}
