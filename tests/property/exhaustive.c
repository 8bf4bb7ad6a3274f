/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every small world with every spec, by symmetry classes (tests/lib/every_small.h), through planner and judge
 * (tests/lib/judge.h). Without arguments a part of them that takes a minute: all of the smaller sizes, and of the
 * larger ones each so-many-th.
 * Usage: exhaustive [--all | HOSTS GPUS VMS [STRIDE [FIRST]]]
 */
#include "tests/lib/every_small.h"
#include "tests/lib/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 2, SHOWN_MAX = 3 };

struct part {
	struct every_size size;
	uint64_t stride;        /* each so-many-th; 1: all; 0: none but with --all */
	uint64_t short_of_best; /* so many are known to fall short: docs/testing.md */
};
static const struct part parts[] = { { { 1, 1, 0 }, 1, 0 }, { { 1, 2, 0 }, 1, 0 }, { { 2, 2, 0 }, 1, 0 },
	{ { 1, 1, 1 }, 1, 0 }, { { 1, 2, 1 }, 1, 0 }, { { 2, 1, 1 }, 1, 0 }, { { 2, 2, 1 }, 7, 0 },
	{ { 1, 1, 2 }, 1, 0 }, { { 1, 2, 2 }, 23, 10 }, { { 2, 1, 2 }, 23, 10 }, { { 2, 2, 2 }, 1709, 10 },
	{ { 1, 1, 3 }, 23, 10 }, { { 1, 2, 3 }, 809, 10 }, { { 2, 1, 3 }, 809, 10 }, { { 2, 2, 3 }, 0, 0 } };

struct worker {
	struct part part;
	uint64_t first, stride, n_all;
	uint64_t n_cases, n_steps, n_ends, by_result[CASE_RESULT_COUNT];
	struct arena *arena;
	struct exact *exact;
};

static void judge_one(const struct small *small, void *user)
{
	struct worker *worker = user;
	arena_clear(worker->arena);
	struct judged judged = judge_case(worker->arena, worker->exact, small);
	worker->n_cases++;
	worker->n_steps += judged.n_steps;
	worker->n_ends += judged.n_ends;
	if (worker->by_result[judged.result]++ < SHOWN_MAX && case_fails(judged.result))
		judge_tell(worker->arena, worker->exact, small, &judged);
}

static gpointer work(gpointer data)
{
	struct worker *worker = data;
	worker->arena = arena_new();
	worker->exact = exact_new();
	worker->n_all = every_small(worker->part.size, worker->first, worker->stride, judge_one, worker);
	exact_free(worker->exact);
	arena_free(worker->arena);
	return NULL;
}

/* The number of cases that fail. */
static uint64_t run_part(struct part part, uint64_t first)
{
	struct worker workers[THREADS] = { 0 }, sum = { 0 };
	GThread *threads[THREADS];
	uint64_t failed = 0, short_of_best = 0;
	for (uint32_t i = 0; i < THREADS; i++) {
		workers[i].part = part;
		workers[i].stride = part.stride * THREADS;
		workers[i].first = first + i * part.stride;
		threads[i] = g_thread_new("worker", work, &workers[i]);
	}
	for (uint32_t i = 0; i < THREADS; i++) {
		g_thread_join(threads[i]);
		sum.n_cases += workers[i].n_cases;
		sum.n_steps += workers[i].n_steps;
		sum.n_ends += workers[i].n_ends;
		for (int r = 0; r < CASE_RESULT_COUNT; r++)
			sum.by_result[r] += workers[i].by_result[r];
	}
	printf("%u hosts, %u GPUs each, %u VMs: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
	       " worlds with specs, %" G_GUINT64_FORMAT " steps, %" G_GUINT64_FORMAT " ends\n",
		part.size.n_hosts, part.size.n_gpus, part.size.n_vms, sum.n_cases, workers[0].n_all, sum.n_steps,
		sum.n_ends);
	for (int r = 0; r < CASE_RESULT_COUNT; r++) {
		if (sum.by_result[r])
			printf("  %" G_GUINT64_FORMAT " %s\n", sum.by_result[r], name_of(&case_result_names, r));
		if (case_falls_short(r))
			short_of_best += sum.by_result[r];
		else
			failed += case_fails(r) ? sum.by_result[r] : 0;
	}
	fflush(stdout);
	return short_of_best > part.short_of_best ? failed + short_of_best : failed;
}

int main(int argc, char **argv)
{
	uint64_t failed = 0;
	bool all = argc > 1 && !strcmp(argv[1], "--all");
	if (argc > 3) {
		struct part part = { { (uint8_t)strtoul(argv[1], NULL, 10), (uint8_t)strtoul(argv[2], NULL, 10),
					     (uint8_t)strtoul(argv[3], NULL, 10) },
			argc > 4 ? strtoull(argv[4], NULL, 10) : 1, 0 };
		return run_part(part, argc > 5 ? strtoull(argv[5], NULL, 10) : 0) ? 1 : 0;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
		struct part part = parts[i];
		if (all) {
			part.short_of_best = UINT64_MAX; /* told, and compared with docs/testing.md */
			part.stride = 1;
		}
		if (part.stride)
			failed += run_part(part, 0);
	}
	return failed ? 1 : 0;
}
