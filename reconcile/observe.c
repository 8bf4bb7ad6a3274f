/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/observe.h"

#include "base/clock.h"
#include "model/host_copy.h"

/* One place of the few that are open at a time. */
struct opening {
	struct watch *watch;
	struct look *look; /* NULL: free */
	struct host_session *session;
	struct request request;
	GSource *timer;
	bool answered, late;
};

struct watch {
	struct arena *arena;
	const struct observe_options *options;
	struct opening openings[OBSERVE_SESSIONS_MAX];
};

static void look_all(struct watch *watch, struct look *const *looks, uint32_t n);
static uint32_t find_moving(struct arena *arena, struct look *looks, uint32_t n, struct look **again);
static void note_moving(struct arena *arena, struct look *look, const char *vm, const char *other);

void observe_looks(struct arena *arena, struct look *looks, uint32_t n, const struct observe_options *options)
{
	g_autofree struct watch *watch = g_new0(struct watch, 1);
	watch->arena = arena;
	watch->options = options;
	g_autofree struct look **again = g_new(struct look *, n + 1);
	uint32_t n_again = n;
	for (uint32_t i = 0; i < n; i++)
		again[i] = &looks[i];
	for (uint32_t round = 0; round <= OBSERVE_LOOKS_MAX && n_again; round++) {
		look_all(watch, again, n_again);
		n_again = find_moving(arena, looks, n, again);
	}
	for (uint32_t i = 0; i < n_again; i++)
		again[i]->state = NULL; /* Its code and reason were noted by find_moving(). */
}

int observe_report(const struct look *look, struct loc loc, struct diags *diags)
{
	g_autofree char *subject = g_strdup_printf("host/%s", look->endpoint.host);
	const char *host = look->endpoint.host, *meant = look->meant ? look->meant : "";
	const char *advice = "; repair that, or mark it 'maintenance: true' if it is expected to be away";
	if (look->open_diags && look->open_diags->n_errors) {
		diags_append(diags, look->open_diags);
		return -1;
	}
	switch (look->code) {
	case D_SNAPSHOT_OLD:
		return diag_add(diags, D_SNAPSHOT_OLD, loc, subject,
			"host '%s' was written down too long ago: %s; observe it again, or raise --max-age", host,
			look->reason);
	case D_VM_MOVING:
		return diag_add(diags, D_VM_MOVING, loc, subject, "host '%s' does not hold still: %s; run again later",
			host, look->reason);
	case D_HOST_NO_ADDRESS:
		return diag_add(diags, D_HOST_NO_ADDRESS, loc, subject, "host '%s' has no address: %s%s", host,
			look->reason, meant);
	default:
		return diag_add(diags, D_HOST_UNOBSERVED, loc, subject, "host '%s' could not be observed: %s%s", host,
			look->reason, *meant ? meant : advice);
	}
}

static int by_host_name(const void *a, const void *b)
{
	const struct host_state *const *x = a, *const *y = b;
	return strcmp((*x)->host.name, (*y)->host.name);
}

static int by_missing_name(const void *a, const void *b)
{
	const struct missing_host *x = a, *y = b;
	return strcmp(x->name, y->name);
}

struct observed observe_sum(struct arena *arena, const struct look *looks, uint32_t n)
{
	const struct host_state **states = arena_array(arena, const struct host_state *, n);
	struct missing_host *missing = arena_array(arena, struct missing_host, n);
	struct observed sum = { .states = states, .missing = missing };
	for (uint32_t i = 0; i < n; i++) {
		if (looks[i].state)
			states[sum.n_states++] = looks[i].state;
		else
			missing[sum.n_missing++] = (struct missing_host){ looks[i].endpoint.host, looks[i].reason };
	}
	qsort(states, sum.n_states, sizeof(*states), by_host_name);
	qsort(missing, sum.n_missing, sizeof(*missing), by_missing_name);
	return sum;
}

/* ---- one look at each host ---- */

static void fail(struct look *look, enum diag_code code, const char *reason)
{
	look->state = NULL;
	look->code = code;
	look->reason = reason;
}

static const char *reason_of(struct arena *arena, const struct reply *reply)
{
	const char *error = name_of(&host_error_names, reply->error);
	if (!reply->message || !*reply->message)
		return arena_strdup(arena, error);
	return arena_printf(arena, "%s: %s", error, reply->message);
}

static bool is_too_old(const struct opening *opening, const struct host_state *state)
{
	const struct observe_options *options = opening->watch->options;
	return !opening->session->provider->performs && options->max_age_s &&
	       options->now - state->host.observed_at > (int64_t)options->max_age_s;
}

static const struct host_state *keep_facts(struct arena *arena, const struct reply *reply)
{
	if (!reply->facts_arena)
		return host_state_copy(arena, reply->facts);
	arena_hold(arena, reply->facts_arena);
	return reply->facts;
}

static void on_reply(const struct request *request, const struct reply *reply, void *user)
{
	(void)request;
	struct opening *opening = user;
	struct arena *arena = opening->watch->arena;
	struct look *look = opening->look;
	opening->answered = true;
	look->is_unsettled = false;
	if (reply->error != HOST_OK)
		fail(look, D_HOST_UNOBSERVED, reason_of(arena, reply));
	else if (!reply->facts)
		fail(look, D_HOST_UNOBSERVED, "the answer holds no facts");
	else if (is_too_old(opening, reply->facts))
		fail(look, D_SNAPSHOT_OLD,
			arena_printf(arena, "it is %s old, the limit is %s",
				clock_duration(arena, opening->watch->options->now - reply->facts->host.observed_at),
				clock_duration(arena, opening->watch->options->max_age_s)));
	else {
		look->state = keep_facts(arena, reply);
		look->is_unsettled = !reply->late_known;
	}
}

static gboolean on_deadline(gpointer user)
{
	struct opening *opening = user;
	opening->answered = opening->late = true;
	fail(opening->look, D_HOST_UNOBSERVED, "no answer in time");
	return G_SOURCE_REMOVE;
}

static void start_timer(struct opening *opening)
{
	const struct observe_options *options = opening->watch->options;
	opening->timer = g_timeout_source_new_seconds(opening->request.deadline_s);
	g_source_set_callback(opening->timer, on_deadline, opening, NULL);
	g_source_attach(opening->timer, options->context);
}

static void start(struct watch *watch, struct opening *opening, struct look *look)
{
	const struct observe_options *options = watch->options;
	uint32_t deadline_s = options->deadline_s ? options->deadline_s : OBSERVE_DEADLINE_S;
	*opening = (struct opening){ .watch = watch, .look = look, .session = look->session };
	fail(look, D_HOST_UNOBSERVED, "it could not be opened");
	look->open_diags = NULL;
	if (!opening->session) {
		struct diags *diags = diags_new(watch->arena);
		if (host_open(options->context, &look->endpoint, &opening->session, diags) < 0) {
			look->open_diags = diags;
			opening->session = NULL;
			opening->answered = true;
			return;
		}
	}
	opening->request = (struct request){
		.kind = REQUEST_OBSERVE, .run = options->run, .now = options->now, .deadline_s = deadline_s
	};
	start_timer(opening);
	host_submit(opening->session, &opening->request, on_reply, NULL, opening);
}

/* A session that did not answer in time still has the request: only closing it takes that back. */
static void finish(struct opening *opening)
{
	if (opening->timer) {
		g_source_destroy(opening->timer);
		g_source_unref(opening->timer);
	}
	if (!opening->look->session || opening->late)
		host_close(opening->session);
	if (opening->late)
		opening->look->session = NULL;
	opening->look = NULL;
}

static bool has_answer(const struct watch *watch)
{
	for (uint32_t i = 0; i < OBSERVE_SESSIONS_MAX; i++) {
		if (watch->openings[i].look && watch->openings[i].answered)
			return true;
	}
	return false;
}

static void look_all(struct watch *watch, struct look *const *looks, uint32_t n)
{
	uint32_t next = 0, n_open = 0;
	do {
		for (uint32_t i = 0; i < OBSERVE_SESSIONS_MAX; i++) {
			struct opening *opening = &watch->openings[i];
			if (opening->look && opening->answered) {
				finish(opening);
				n_open--;
			}
			if (!opening->look && next < n) {
				start(watch, opening, looks[next++]);
				n_open++;
			}
		}
		if (n_open && !has_answer(watch))
			g_main_context_iteration(watch->options->context, TRUE);
	} while (n_open || next < n);
}

/* ---- VMs on two hosts ---- */

/* Only between nodes of one failover cluster, or between standalone hosts, does a VM move and keep its id. */
static bool can_move_between(const struct host_state *a, const struct host_state *b)
{
	return g_strcmp0(a->host.cluster_name, b->host.cluster_name) == 0;
}

static void note_moving(struct arena *arena, struct look *look, const char *vm, const char *other)
{
	look->code = D_VM_MOVING;
	look->reason = arena_printf(arena, "VM '%s' is seen on '%s' too", vm, other);
}

/* The looks that show a VM which another shows too; returns how many. */
static uint32_t find_moving(struct arena *arena, struct look *looks, uint32_t n, struct look **again)
{
	g_autoptr(GHashTable) where = g_hash_table_new(g_str_hash, g_str_equal);
	g_autofree bool *is_moving = g_new0(bool, n + 1);
	for (uint32_t i = 0; i < n; i++) {
		const struct host_state *state = looks[i].state;
		for (uint32_t k = 0; state && k < state->n_vms; k++) {
			const struct vm *vm = &state->vms[k];
			struct look *other = vm->id ? g_hash_table_lookup(where, vm->id) : NULL;
			if (vm->id && !other)
				g_hash_table_insert(where, (gpointer)vm->id, &looks[i]);
			if (!other || other == &looks[i] || !can_move_between(other->state, state))
				continue;
			note_moving(arena, &looks[i], vm->name, other->endpoint.host);
			note_moving(arena, other, vm->name, looks[i].endpoint.host);
			is_moving[i] = is_moving[other - looks] = true;
		}
	}
	uint32_t n_again = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (looks[i].state && looks[i].is_unsettled && !is_moving[i]) {
			looks[i].code = D_VM_MOVING;
			looks[i].reason = "it says that a VM is moving";
			is_moving[i] = true;
		}
		if (is_moving[i])
			again[n_again++] = &looks[i];
	}
	return n_again;
}
