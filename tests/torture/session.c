/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/session.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TRIES_ENOUGH = 50 }; /* of each kind: the rarest can be had at one call of ten */

void session_begin(struct session *session)
{
	const char *tmp = g_access("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir();
	session->folder = g_mkdtemp(g_build_filename(tmp, "hvgpu-torture-XXXXXX", NULL));
	session->manifests = g_build_filename(session->folder, "manifests.yaml", NULL);
	memory_begin();
	host_provider_add(&stage_provider);
}

/* A kind that can no longer be had tests nothing, and nobody would notice. */
static void look_for_unplayed(struct session *session)
{
	uint64_t n_kinds = (uint64_t)__builtin_popcountll(session->kinds);
	bool is_enough = n_kinds && session->n_next / session->n_shares / n_kinds >= TRIES_ENOUGH;
	bool has_played_all = is_enough && !session->only && !session_has_failed_enough(session);
	for (enum fault_kind kind = FAULT_NONE + 1; kind < FAULT_COUNT && has_played_all; kind++)
		if (session->kinds >> kind & 1 && !session->n_played[kind]) {
			printf("fault kind %s never played\n", name_of(&fault_names, (int)kind));
			session->n_failed++;
		}
}

int session_end(struct session *session)
{
	look_for_unplayed(session);
	printf("%" G_GUINT64_FORMAT " scenarios, %" G_GUINT64_FORMAT " cases, %" G_GUINT64_FORMAT
	       " calls, at most %u.%u times those of the undisturbed run; %" G_GUINT64_FORMAT
	       " with a stop more, as allowed; %" G_GUINT64_FORMAT " failed\n",
		session->n_scenarios, session->n_cases, session->n_calls, session->most_calls_permille / 1000,
		session->most_calls_permille % 1000 / 100, session->n_dearer, session->n_failed);
	host_provider_add(NULL);
	memory_end();
	g_unlink(session->manifests);
	g_rmdir(session->folder);
	g_free(session->manifests);
	g_free(session->folder);
	return session->n_failed ? 1 : 0;
}

/* By a number that has nothing to do with the loops: a share that falls in step with them would play few faults only. */
bool session_takes(struct session *session)
{
	uint64_t n = session->n_next++;
	return (n * UINT64_C(0x9E3779B97F4A7C15) >> 32) % session->n_shares == session->share - 1;
}

bool session_has_failed_enough(const struct session *session)
{
	return session->n_failed >= (session->keeps_going ? UINT64_MAX : FAILURES_MAX);
}

/* ---- scenarios ---- */

bool session_ready(struct session *session, const char *name, struct ready *out)
{
	*out = (struct ready){ .arena = arena_new() };
	out->scenario = scenario_new(out->arena, name);
	if (!out->scenario) {
		printf("%s: there is no such scenario\n", name);
		session->n_failed++;
		arena_free(out->arena);
		return false;
	}
	session_write(session, out->scenario);
	struct play first, second;
	session_play(session, out, NULL, 0, &first);
	play_keep_end(&first);
	out->undisturbed = first;
	session_play(session, out, NULL, 0, &second);
	play_keep_end(&second);
	bool is_idle = !second.n_steps; /* also where nothing may be done, for want of a majority */
	const char *what = is_idle ? NULL : oracle_judge_reference(&second);
	play_end(&first);
	out->undisturbed = second;
	if (what) {
		printf("%s, undisturbed: %s\n  %s --scenario=%s\n", name, what, session->program, name);
		session->n_failed++;
	}
	if (is_idle && !out->scenario->may_rest) {
		printf("%s has nothing to do\n", name);
		session->n_failed++;
	}
	if (what || is_idle)
		session_done(out);
	else
		session->n_scenarios++;
	return !what && !is_idle;
}

void session_done(struct ready *ready)
{
	play_end(&ready->undisturbed);
	arena_free(ready->arena);
}

/* ---- cases ---- */

void session_write(struct session *session, const struct scenario *scenario)
{
	if (!g_file_set_contents(session->manifests, scenario->manifests, -1, NULL))
		g_error("'%s' cannot be written", session->manifests);
}

void session_prepare(
	struct session *session, const struct ready *ready, const struct fault *faults, uint32_t n, struct play *out)
{
	*out = (struct play){
		.scenario = ready->scenario,
		.manifests = session->manifests,
		.faults = faults,
		.n_faults = n,
		.reference = ready->undisturbed.scenario ? &ready->undisturbed : NULL,
		.tells = session->tells,
	};
	play_begin(out);
}

void session_play(
	struct session *session, const struct ready *ready, const struct fault *faults, uint32_t n, struct play *out)
{
	session_prepare(session, ready, faults, n, out);
	play_all(out);
}

static void count(struct session *session, const struct play *play, uint32_t of_calls)
{
	session->n_cases++;
	session->n_calls += play->n_calls;
	for (enum fault_kind kind = FAULT_NONE; kind < FAULT_COUNT; kind++)
		session->n_played[kind] += play->kinds_done >> kind & 1;
	session->most_calls_permille = MAX(session->most_calls_permille, play->n_calls * 1000 / of_calls);
}

bool session_judge(struct session *session, const struct ready *ready, struct play *play)
{
	const char *what = oracle_judge(play, &ready->undisturbed);
	count(session, play, ready->undisturbed.n_calls);
	session->n_dearer += !what && play->has_cost_more;
	if (!what)
		return false;
	session->n_failed++;
	printf("%s: %s\n  %s --scenario=%s", ready->scenario->name, what, session->program, ready->scenario->name);
	for (uint32_t i = 0; i < play->n_faults; i++)
		printf(" --fault=%s@%u", name_of(&fault_names, (int)play->faults[i].kind), play->faults[i].call);
	printf("\n");
	return true;
}

bool session_judge_path(struct session *session, struct play *play, const struct ready *to, const struct ready *a,
	const struct ready *b, uint32_t step)
{
	const char *what = oracle_judge_path(play, &to->undisturbed);
	count(session, play, a->undisturbed.n_calls + b->undisturbed.n_calls);
	if (!what)
		return false;
	session->n_failed++;
	printf("%s, then %s: %s\n  %s paths --scenario=path/%s,%s", a->scenario->name, b->scenario->name, what,
		session->program, strchr(a->scenario->name, '/') + 1, strchr(b->scenario->name, '/') + 1);
	if (step)
		printf(",%u", step);
	printf("\n");
	return true;
}

static void tell_vm(const struct vm *vm)
{
	printf("  %-10s %s", vm->name, name_of(&vm_state_names, (int)vm->state));
	for (uint32_t a = 0; a < vm->n_adapters; a++)
		printf(" adapter(%s%#" G_GINT64_MODIFIER "x)", vm->adapters[a].pin ? "pinned " : "",
			vm->adapters[a].gpus);
	for (uint32_t d = 0; d < vm->n_devices; d++)
		printf(" device(%s)", vm->devices[d].pool ? vm->devices[d].pool : vm->devices[d].location_path);
	printf("%s%s\n", vm->debt ? " owed" : "", vm->record ? " ours" : "");
}

static void tell_hosts(const struct view *view)
{
	for (uint32_t h = 0; h < view->n_states; h++) {
		const struct host_state *host = &view->states[h];
		printf("%s\n", host->host.name);
		for (uint32_t g = 0; g < host->n_gpus; g++)
			printf("  GPU %s %s %d\n", host->gpus[g].location_path,
				name_of(&gpu_state_names, (int)host->gpus[g].state),
				host->gpus[g].count.known ? (int)host->gpus[g].count.value : -1);
		for (uint32_t v = 0; v < host->n_vms; v++)
			tell_vm(&host->vms[v]);
	}
}

static void tell_scenario(const struct scenario *scenario)
{
	printf("%s\n", scenario->manifests);
	for (uint32_t h = 0; h < scenario->n_states; h++)
		tell_hosts(&(struct view){ .states = scenario->states[h], .n_states = 1 });
	if (scenario->simulation.n_unreachable)
		printf("%s does not answer\n", scenario->simulation.unreachable[0]);
}

void torture_one(struct session *session)
{
	struct ready ready;
	struct play play;
	g_autoptr(arena_auto) arena = arena_new();
	const struct scenario *scenario = scenario_new(arena, session->only);
	if (scenario)
		tell_scenario(scenario);
	session->tells = !session->n_faults;
	if (!session_ready(session, session->only, &ready))
		return;
	session->tells = true;
	session_play(session, &ready, session->faults, session->n_faults, &play);
	printf("in the end:\n");
	tell_hosts(&play.views[0]);
	session_judge(session, &ready, &play);
	play_end(&play);
	session_done(&ready);
}
