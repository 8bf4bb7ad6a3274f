/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan arranged for people: changes by host, the VMs that go down by host, and steps put together into groups that
 * can run side by side, so that 54 steps are five lines. Text and Markdown are written from this.
 */
#pragma once
#include "render/render.h"

struct outline_host {
	const char *name;
	const struct change *const *changes;
	uint32_t n_changes;
	const struct step *const *stops; /* one per VM that goes down */
	uint32_t n_stops;
};

struct outline_after { /* what a group waits for */
	uint32_t group;
	bool all; /* each of its steps waits for all of that group's; false: for its own ones */
};

struct outline_group { /* steps of one kind and cause, at the same distance from the start */
	const struct step *const *steps;
	uint32_t n;
	const struct outline_after *after; /* the direct ones; what these wait for in turn is left out */
	uint32_t n_after;
};

struct outline {
	const struct outline_host *hosts; /* those with changes or stops, by name */
	uint32_t n_hosts;
	uint32_t n_down;                    /* VMs, each once */
	const struct outline_group *groups; /* in an order in which they could run */
	uint32_t n_groups;
};

struct outline *outline_of(struct arena *arena, const struct plan *plan);

/* "partitions 4 -> 8", "gets a partition"; without the subject. */
void outline_change(GString *out, const struct change *change, const struct style *style);
/* "GPU PCIROOT(20)#PCI(0100) (NVIDIA A2)", "VM vdi-001", "pool p". */
void outline_subject(GString *out, const struct plan *plan, const struct change *change);
char outline_sign(const struct change *change); /* '+', '-' or '~' */

/* "stop 12 VMs", or what a single step does. */
void outline_group_title(GString *out, const struct outline_group *group);
/* "1-12, 15" */
void outline_group_ids(GString *out, const struct outline_group *group);
/* The reason that all of its steps have, else what is common to their cause. */
const char *outline_group_why(const struct outline_group *group);
/* What a step works on, without its host: "vdi-001", "PCIROOT(20)#PCI(0100)". */
const char *outline_target(const struct step *step);

/* "12 restarts, 0 moves, 0 role changes, 54 steps, about 25 min" */
void outline_cost(GString *out, const struct cost *cost);
/* The same with the least that is possible: "12 restarts (least possible at least 11), 0 moves, ..." */
void outline_plan_cost(GString *out, const struct plan *plan);
/* ", 2 things refused"; nothing where none is. */
void outline_refused(GString *out, uint32_t n);
/* What a plan comes to, in one line: its cost, or why it has none, and how much of it is refused. */
void outline_headline(GString *out, const struct plan *plan);
/* "down at once: 4 of 12, 6 allowed" */
void outline_budget(GString *out, const struct plan_budget *budget);
/* "rolling: the hosts differ from hv01 to hv03 for about 12 min". False: they do not. */
bool outline_mixed(GString *out, const struct plan *plan);
/* The finding is one of the plan's refusals said again, which are shown by themselves. */
bool outline_is_refusal(const struct plan *plan, const struct diag *diag);
/* Why something is refused, in lines of their own: the reason with its code, the facts, what would do. */
void outline_refusal(GString *out, const struct refusal *refusal, const struct style *style);
/* No step, no refusal, no error or warning, and everything was seen. */
bool outline_is_clean(const struct plan *plan);
/* "next window: Sat 2026-11-28 01:00 Europe/Paris, 4 h", and how long the plan needs. False: nothing depends on one. */
bool outline_window(GString *out, const struct plan *plan);
