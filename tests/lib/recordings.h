/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings beside a bench's world (tests/lib/hosts.h), and a sequence of requests that has every kind of reply. */
#pragma once
#include "providers/host/recording.h"
#include "tests/lib/hosts.h"
#include "tests/lib/test.h"
#include "tests/lib/worlds.h"

/* hv01 and hv02 with a GPU of 4 each and a VM that is off on hv01; an empty file beside them for the recording. */
static inline char *recordings_begin(struct bench *bench, const struct simulation *simulation)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct world *world = worlds_new(arena, 2, 1, 4, 1);
	worlds_vm(arena, world, 0, VM_OFF);
	bench_init(bench, world, simulation);
	return arena_printf(bench->arena, "%s/recording", bench->folder);
}

static inline void recordings_end(struct bench *bench)
{
	g_autofree char *path = g_strdup_printf("%s/recording", bench->folder);
	g_unlink(path);
	bench_done(bench);
}

static inline struct host_session *recordings_open(struct bench *bench, const char *address, const char *host)
{
	const struct endpoint endpoint = { .host = host, .address = address };
	struct host_session *session = NULL;
	if (host_open(bench->context, &endpoint, &session, bench->diags))
		return NULL;
	bench->sessions[bench->n_sessions++] = session;
	return session;
}

/* The world's own address behind 'decorator', which may be "". */
static inline const char *recordings_address(struct bench *bench, const char *decorator)
{
	return arena_printf(bench->arena, "%ssim:%s%s", decorator, bench->path, bench->options);
}

/* The reply as text, with each run of the sequence alike. */
static inline void recordings_put(GString *out, const struct reply *reply)
{
	json_auto_t *json = recording_reply("hv01", reply);
	char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	g_string_append_printf(out, "%s\n", text);
	free(text);
}

/* Observe, lease, a change, the same once more, a VM's adapter, a start; a refusal; settle; release. Every reply. */
static inline char *recordings_sequence(struct bench *bench, struct host_session *session)
{
	GString *out = g_string_new(NULL);
	const struct host_state *facts = bench_observe(bench, session);
	assert_non_null(facts);
	recordings_put(out, &bench->reply);
	const struct vm *vm = &facts->vms[0];
	const char *path = facts->gpus[0].location_path;
	const struct step steps[] = {
		{ .kind = STEP_SET_COUNT, .id = 1, .host_name = "hv01", .location_path = path, .count = 8 },
		{ .kind = STEP_SET_COUNT, .id = 1, .host_name = "hv01", .location_path = path, .count = 8 },
		{ .kind = STEP_ADD_ADAPTER, .id = 2, .host_name = "hv01", .vm_id = vm->id, .vm_name = vm->name },
		{ .kind = STEP_START_VM, .id = 3, .host_name = "hv01", .vm_id = vm->id, .vm_name = vm->name },
		{ .kind = STEP_SET_COUNT, .id = 4, .host_name = "hv01", .location_path = path, .count = 3 },
	};
	bench_lease(bench, session, 1);
	recordings_put(out, &bench->reply);
	for (uint32_t i = 0; i < G_N_ELEMENTS(steps); i++)
		recordings_put(out, bench_step(bench, session, &steps[i]));
	const struct request settle = {
		.kind = REQUEST_SETTLE, .run = bench->run, .epoch = 1, .now = 3000, .vm_id = vm->id
	};
	recordings_put(out, bench_ask(bench, session, &settle));
	const struct request release = { .kind = REQUEST_RELEASE, .run = bench->run, .now = 4000 };
	recordings_put(out, bench_ask(bench, session, &release));
	return g_string_free(out, FALSE);
}
