/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units: the parts of a plan that hang together. All VMs of a unit are down at the same moment at some time, whatever
 * the order; two units never need to be. So a unit is the least that a budget must allow, and what a rollout can be
 * cut into.
 *
 * The steps of one VM are taken as one node of the graph of dependencies, for it is down from its stop to its start;
 * the strongly connected parts of that graph are the units. Two VMs that must both be off for one count are in a
 * circle: the stop of each comes before the count, and the count before the start of each. With strategy Rolling the
 * counts of one host are one node too, for it is being changed from the first to the last.
 */
#pragma once
#include "model/step.h"

#include <glib.h>

struct step_edge { /* indices into the steps */
	uint32_t before, after;
	const char *why; /* name of the order rule */
};
#define UNIT_LIMIT_RULE "within the rollout's limits" /* of the edges that units_limit() adds */

struct unit {
	const uint32_t *steps; /* indices, ascending */
	uint32_t n_steps;
	uint32_t n_stops;   /* VMs that run and are stopped */
	uint32_t n_debts;   /* VMs that are down already, and are started */
	uint32_t first;     /* host of the first of its steps; among equals the first step comes first */
	bool changes_hosts; /* begins a change of a host, as the rule of 'maxHosts' counts them */
	bool goes_on;       /* on a host that is being changed already */
};

struct units {
	const struct unit
		*items; /* each after those that its steps wait for; among others: debts first, then by host */
	uint32_t n;
	const uint32_t *of; /* per step: index of its unit */
};

/* 'steps' are struct step, 'edges' struct step_edge; 'changing' per host, with strategy Rolling: it is being
 * changed at the start; else NULL.
 * The result lives in 'arena'. */
struct units units_of(struct arena *arena, const GArray *steps, const GArray *edges, const bool *changing);

/* What holds back units, design.md section 6 'budget' and world.md decision 15. */
struct limits {
	bool by_vms;
	uint32_t allowed; /* VMs down at once */
	uint32_t held;    /* of these, taken by VMs that earlier runs hold down and this plan does not start */
	bool by_hosts;
	uint32_t max_hosts; /* hosts being changed at once */
	const bool
		*host_is_changing; /* per host, at the start: its own GPUs are not alike, or we hold down a VM of it */
	uint32_t n_hosts;
};

/* Makes units wait for earlier ones by edges between their steps, so that no order of the plan exceeds the limits. */
void units_limit(const struct units *units, const GArray *steps, const struct limits *limits, GArray *edges);

/* The first unit that must come while hosts are being changed that it does not go on with, and so exceeds the limit of
 * hosts whatever waits for whatever: a VM of such a host waits for it, to move there. NO_INDEX: none. */
uint32_t units_beyond_hosts(const struct units *units, const GArray *steps, const struct limits *limits);

/* Of the units that the limits do not allow even alone the one with most VMs down, the first of several; or NO_INDEX.
 * '*n_out' is how many would be down. */
uint32_t units_too_large(const struct units *units, const struct limits *limits, uint32_t *n_out);
