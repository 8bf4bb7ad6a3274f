/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units in a row, and a window that slides over them: before the i-th begins, all before the window are over. Whatever
 * else the plan's order leaves open, only units within one window can be under way together.
 */
#include "reconcile/unit.h"

static const struct step *step_at(const GArray *steps, uint32_t i)
{
	return &g_array_index(steps, struct step, i);
}

struct row { /* the units [over, i] may be under way when the i-th begins */
	const struct units *units;
	const GArray *steps;
	const struct limits *limits;
	uint32_t over;      /* units before this one are over */
	uint32_t n_stops;   /* of units in the window */
	uint32_t n_debts;   /* of units that are not over, later ones too: they are down from the start */
	uint32_t *changing; /* per host: units in the window that change it */
	uint32_t *left;     /* per host: units not over that change it */
};

/* A VM that is down and moves ends a change of one host and begins one of another. */
static bool begins_a_change(const struct step *step)
{
	return step->kind == STEP_STOP_VM || step->kind == STEP_MOVE_VM || step->kind == STEP_SET_COUNT ||
	       step->kind == STEP_MOUNT_GPU || step->kind == STEP_DISMOUNT_GPU;
}

static bool ends_a_change(const struct step *step)
{
	return step->kind == STEP_START_VM || step->kind == STEP_MOVE_VM || step->kind == STEP_SET_COUNT ||
	       step->kind == STEP_MOUNT_GPU || step->kind == STEP_DISMOUNT_GPU;
}

/* Adds 'by' for every host that the unit changes. */
static void count_hosts(const struct row *row, uint32_t unit, uint32_t *counts, uint32_t by)
{
	const struct unit *it = &row->units->items[unit];
	g_autofree bool *seen = g_new0(bool, row->limits->n_hosts + 1);
	for (uint32_t i = 0; i < it->n_steps; i++) {
		const struct step *step = step_at(row->steps, it->steps[i]);
		if ((!begins_a_change(step) && !ends_a_change(step)) || seen[step->host])
			continue;
		seen[step->host] = true;
		counts[step->host] += by;
	}
}

static bool vms_fit(const struct row *row)
{
	const struct limits *limits = row->limits;
	return !limits->by_vms || limits->held + row->n_debts + row->n_stops <= limits->allowed;
}

static bool hosts_fit(const struct row *row)
{
	uint32_t n = 0;
	for (uint32_t h = 0; row->limits->by_hosts && h < row->limits->n_hosts; h++)
		n += row->changing[h] || (row->limits->host_is_changing[h] && row->left[h]);
	return !row->limits->by_hosts || n <= row->limits->max_hosts;
}

static void take_in(struct row *row, uint32_t unit)
{
	row->n_stops += row->units->items[unit].n_stops;
	if (row->limits->by_hosts)
		count_hosts(row, unit, row->changing, 1);
}

static void put_over(struct row *row)
{
	const struct unit *unit = &row->units->items[row->over];
	row->n_stops -= unit->n_stops;
	row->n_debts -= unit->n_debts;
	if (row->limits->by_hosts) {
		count_hosts(row, row->over, row->changing, (uint32_t)-1);
		count_hosts(row, row->over, row->left, (uint32_t)-1);
	}
	row->over++;
}

static void row_init(struct row *row)
{
	row->changing = g_new0(uint32_t, row->limits->n_hosts + 1);
	row->left = g_new0(uint32_t, row->limits->n_hosts + 1);
	for (uint32_t u = 0; u < row->units->n; u++) {
		row->n_debts += row->units->items[u].n_debts;
		if (row->limits->by_hosts)
			count_hosts(row, u, row->left, 1);
	}
}

static void row_clear(struct row *row)
{
	g_free(row->changing);
	g_free(row->left);
}

static bool is_limited(const struct limits *limits, const struct unit *unit)
{
	return (limits->by_vms && unit->n_stops) || (limits->by_hosts && unit->changes_hosts);
}

static void wait_for(const struct row *row, uint32_t sooner, uint32_t later, GArray *edges)
{
	const struct unit *a = &row->units->items[sooner], *b = &row->units->items[later];
	for (uint32_t i = 0; i < a->n_steps; i++)
		for (uint32_t j = 0; j < b->n_steps && ends_a_change(step_at(row->steps, a->steps[i])); j++) {
			struct step_edge edge = { a->steps[i], b->steps[j], UNIT_LIMIT_RULE };
			if (begins_a_change(step_at(row->steps, b->steps[j])))
				g_array_append_val(edges, edge);
		}
}

void units_limit(const struct units *units, const GArray *steps, const struct limits *limits, GArray *edges)
{
	if (!limits->by_vms && !limits->by_hosts)
		return;
	struct row row = { .units = units, .steps = steps, .limits = limits };
	row_init(&row);
	g_autofree uint32_t *over = g_new0(uint32_t, units->n + 1); /* per unit: those before are over when it begins */
	uint32_t last = NO_INDEX;                                   /* the last limited unit before row.over */
	for (uint32_t u = 0; u < units->n; u++) {
		take_in(&row, u);
		if (!is_limited(limits, &units->items[u])) {
			over[u] = NO_INDEX;
			continue;
		}
		while (row.over < u && (!vms_fit(&row) || !hosts_fit(&row))) {
			if (over[row.over] != NO_INDEX)
				last = row.over;
			put_over(&row);
		}
		over[u] = row.over;
		/* what is before the window of 'last' is waited for through 'last' */
		for (uint32_t sooner = last == NO_INDEX ? 0 : over[last]; sooner < row.over; sooner++)
			wait_for(&row, sooner, u, edges);
	}
	row_clear(&row);
}

uint32_t units_too_large(const struct units *units, const struct limits *limits, uint32_t *n_out)
{
	uint32_t n_debts = 0, largest = NO_INDEX;
	*n_out = limits->allowed;
	for (uint32_t u = units->n; limits->by_vms && u-- > 0;)
		n_debts += units->items[u].n_debts;
	for (uint32_t u = 0; limits->by_vms && u < units->n; u++) {
		const struct unit *unit = &units->items[u];
		uint32_t down = limits->held + n_debts + unit->n_stops;
		if (unit->n_stops && down > *n_out) {
			*n_out = down;
			largest = u;
		}
		n_debts -= unit->n_debts;
	}
	return largest;
}

/* Changes a host that was not being changed at the start. */
static bool enters_a_host(const struct row *row, uint32_t unit)
{
	const struct unit *it = &row->units->items[unit];
	for (uint32_t i = 0; i < it->n_steps; i++) {
		const struct step *step = step_at(row->steps, it->steps[i]);
		if (begins_a_change(step) && !row->limits->host_is_changing[step->host])
			return true;
	}
	return false;
}

/* One VM that goes from host to host, and nothing else: the one host is being changed first, then the other. The row is
 * at this unit, and nothing before it is under way. */
static bool fits_host_by_host(const struct row *row, uint32_t unit)
{
	const struct unit *it = &row->units->items[unit];
	uint32_t vm = NO_INDEX, n = 1;
	for (uint32_t i = 0; i < it->n_steps; i++) {
		const struct step *step = step_at(row->steps, it->steps[i]);
		if (!begins_a_change(step) && !ends_a_change(step))
			continue;
		if (step->vm == NO_INDEX || (vm != NO_INDEX && step->vm != vm))
			return false;
		vm = step->vm;
	}
	for (uint32_t h = 0; h < row->limits->n_hosts; h++)
		n += row->limits->host_is_changing[h] && row->left[h] > row->changing[h];
	return n <= row->limits->max_hosts;
}

uint32_t units_beyond_hosts(const struct units *units, const GArray *steps, const struct limits *limits)
{
	struct row row = { .units = units, .steps = steps, .limits = limits };
	uint32_t found = NO_INDEX;
	if (!limits->by_hosts)
		return NO_INDEX;
	row_init(&row);
	for (uint32_t u = 0; u < units->n && found == NO_INDEX; u++) {
		take_in(&row, u);
		if (units->items[u].changes_hosts && enters_a_host(&row, u) && !hosts_fit(&row) &&
			!fits_host_by_host(&row, u))
			found = u;
		put_over(&row);
	}
	row_clear(&row);
	return found;
}
