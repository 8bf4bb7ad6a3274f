/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two runs at the same time, of the same manifests. One goes as far as its call k, then the other as far as its call j, then
 * the first to its end, then the other: for every k and j. Each is a thread, and one of them goes at a time. Once more
 * with the first one's connections breaking while it stands, as when a machine sleeps.
 */
#include "tests/torture/session.h"

#include <stdio.h>

struct two {
	struct play *play;
	GMutex mutex;
	GCond cond;
	uint32_t turn;
	uint32_t calls[2], stands_at[2];
	bool has_stood[2], has_ended[2];
	bool cuts;
	struct process processes[2];
};

struct runner {
	struct two *two;
	uint32_t number;
};

static void wait_for_turn(struct two *two, uint32_t number)
{
	while (two->turn != number)
		g_cond_wait(&two->cond, &two->mutex);
}

static void give_turn(struct two *two, uint32_t number)
{
	if (!two->has_ended[!number])
		two->turn = !number;
	g_cond_broadcast(&two->cond);
}

/* With the mutex held, as all that the one whose turn it is does. */
static void before_call(struct process *process, void *user)
{
	struct two *two = user;
	uint32_t number = process == &two->processes[1];
	if (two->has_stood[number] || two->calls[number]++ < two->stands_at[number])
		return;
	two->has_stood[number] = true;
	if (two->cuts && number == 0) {
		stage_cut(process);
		two->play->monitor.is_lenient = true;
	}
	give_turn(two, number);
	wait_for_turn(two, number);
}

static gpointer run_one(gpointer user)
{
	struct runner *runner = user;
	struct two *two = runner->two;
	g_mutex_lock(&two->mutex);
	wait_for_turn(two, runner->number);
	play_run(two->play, &two->processes[runner->number]);
	two->has_ended[runner->number] = true;
	give_turn(two, runner->number);
	g_mutex_unlock(&two->mutex);
	return NULL;
}

static void play_two(struct two *two)
{
	struct runner runners[2] = { { two, 0 }, { two, 1 } };
	GThread *threads[2];
	two->play->before_call = before_call;
	two->play->user = two;
	for (uint32_t i = 0; i < 2; i++) {
		two->processes[i].run_id = i ? "run-b" : "run-a";
		two->processes[i].ending.is_beside_other = true;
		threads[i] = g_thread_new("run", run_one, &runners[i]);
	}
	for (uint32_t i = 0; i < 2; i++)
		g_thread_join(threads[i]);
	two->play->before_call = NULL;
	play_all(two->play);
}

static void torture_order(struct session *session, const struct ready *ready, uint32_t k, uint32_t j, bool cuts)
{
	struct play play;
	struct two two = { .play = &play, .stands_at = { k, j }, .cuts = cuts };
	session_prepare(session, ready, NULL, 0, &play);
	g_mutex_init(&two.mutex);
	g_cond_init(&two.cond);
	play_two(&two);
	if (session_judge(session, ready, &play))
		printf("  %s two --scenario=%s --order=%u,%u%s\n", session->program, ready->scenario->name, k, j,
			cuts ? " --cut" : "");
	play_end(&play);
	g_mutex_clear(&two.mutex);
	g_cond_clear(&two.cond);
}

static void torture_scenario(struct session *session, const char *name)
{
	struct ready ready;
	if (!session_ready(session, name, &ready))
		return;
	session->tells = session->has_order;
	if (session->has_order)
		torture_order(session, &ready, session->order[0], session->order[1], session->cuts);
	for (uint32_t k = 0; k <= ready.undisturbed.n_calls && !session->has_order; k++)
		for (uint32_t j = 0; j <= ready.undisturbed.n_calls; j++)
			for (int cuts = 0; cuts < 2; cuts++)
				if (!session_has_failed_enough(session) && session_takes(session))
					torture_order(session, &ready, k, j, cuts);
	session->tells = false;
	session_done(&ready);
}

void torture_two(struct session *session)
{
	for (const char *const *name = scenario_smalls; *name && !session->only; name++)
		torture_scenario(session, *name);
	if (session->only)
		torture_scenario(session, session->only);
}
