/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/consent.h"
#include "base/term.h"

#include <string.h>
#include <unistd.h>

static int parse_limit(const char *text, struct cost *limits, struct diags *diags)
{
	g_auto(GStrv) pair = g_strsplit(text, "=", 2);
	guint64 number = 0;
	bool is_number = pair[0] && pair[1] && g_ascii_string_to_unsigned(pair[1], 10, 0, UINT32_MAX, &number, NULL);
	uint32_t *limit = NULL;
	if (g_strcmp0(pair[0], "restarts") == 0)
		limit = &limits->vms_stopped;
	else if (g_strcmp0(pair[0], "moves") == 0)
		limit = &limits->vms_moved;
	else if (g_strcmp0(pair[0], "role-changes") == 0)
		limit = &limits->role_changes;
	if (!limit || !is_number)
		return diag_add(diags, D_USAGE, LOC_NONE, NULL,
			"--allow has '%s'; write restarts=N, moves=N, role-changes=N with commas between", text);
	*limit = (uint32_t)number;
	return 0;
}

int consent_parse(const char *allow, struct consent *out, struct diags *diags)
{
	*out = (struct consent){ .has_limits = allow != NULL };
	g_auto(GStrv) limits = g_strsplit(allow ? allow : "", ",", -1);
	int result = 0;
	for (char **limit = limits; *limit; limit++)
		result |= parse_limit(*limit, &out->limits, diags);
	return result;
}

static bool is_carried_out(const struct run *run, const struct plan *plan)
{
	if (plan->mode == PLAN_RESTORE) /* what is owed is paid, whoever agrees or not */
		return false;
	return !plan->suspended && (!plan->foreign_owner || run->options.adopt);
}

struct cost consent_cost(const struct run *run)
{
	struct cost sum = { 0 };
	for (uint32_t i = 0; i < run->n_plans; i++) {
		const struct cost *cost = &run->plans[i]->cost;
		if (!is_carried_out(run, run->plans[i]))
			continue;
		sum.vms_stopped += cost->vms_stopped;
		sum.vms_moved += cost->vms_moved;
		sum.role_changes += cost->role_changes;
		sum.steps += cost->steps;
		sum.seconds = MAX(sum.seconds, cost->seconds);
	}
	return sum;
}

/* The first cluster whose VMs would stop with nobody having agreed, or NULL. */
static const struct plan *without_consent(const struct run *run)
{
	for (uint32_t i = 0; i < run->n_plans; i++) {
		const struct plan *plan = run->plans[i];
		if (is_carried_out(run, plan) && plan->cost.vms_stopped && !plan->consents)
			return plan;
	}
	return NULL;
}

int consent_covers(const struct consent *consent, const struct cost *cost, struct diags *diags)
{
	if (!consent->has_limits)
		return 0;
	const struct {
		const char *name;
		uint32_t costs, allowed;
	} rows[] = { { "restarts", cost->vms_stopped, consent->limits.vms_stopped },
		{ "moves", cost->vms_moved, consent->limits.vms_moved },
		{ "role-changes", cost->role_changes, consent->limits.role_changes } };
	int result = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rows[i].costs > rows[i].allowed)
			result =
				diag_add(diags, D_CONSENT, LOC_NONE, NULL, "the plan needs %s=%u and --allow covers %u",
					rows[i].name, rows[i].costs, rows[i].allowed);
	return result;
}

static int ask(const struct cost *cost, const volatile int *interrupts, struct diags *diags)
{
	char answer[16];
	fprintf(stderr, "\n%u step%s, VMs that go down meanwhile: %u. Apply? Only 'yes' is accepted: ", cost->steps,
		cost->steps == 1 ? "" : "s", cost->vms_stopped);
	fflush(stderr);
	bool answered = fgets(answer, sizeof(answer), stdin);
	if (answered && strcmp(answer, "yes\n") == 0)
		return 0;
	if (!answered)
		fputc('\n', stderr);
	if (*interrupts)
		return diag_add(diags, D_INTERRUPTED, LOC_NONE, NULL, "interrupted before anything was changed");
	return diag_add(diags, D_CONSENT, LOC_NONE, NULL, "not applied: the answer was not 'yes'");
}

/* What to pass to --allow for that cost. */
static char *limits_for(const struct cost *cost)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_string_append_printf(out, "restarts=%u", cost->vms_stopped);
	if (cost->vms_moved)
		g_string_append_printf(out, ",moves=%u", cost->vms_moved);
	if (cost->role_changes)
		g_string_append_printf(out, ",role-changes=%u", cost->role_changes);
	return g_string_free(g_steal_pointer(&out), FALSE);
}

int consent_get(const struct consent *consent, const struct run *run, bool auto_approve, const volatile int *interrupts,
	struct diags *diags)
{
	struct cost cost = consent_cost(run);
	if (consent_covers(consent, &cost, diags) < 0)
		return -1;
	if (term_is_interactive(STDIN_FILENO))
		return auto_approve || !cost.steps ? 0 : ask(&cost, interrupts, diags);
	const struct plan *plan = consent->has_limits ? NULL : without_consent(run);
	if (!plan)
		return 0;
	g_autofree char *limits = limits_for(&cost);
	return diag_add(diags, D_CONSENT, LOC_NONE, NULL,
		"the plan stops %u running VM%s of '%s' and nobody is here to ask; pass --allow %s",
		plan->cost.vms_stopped, plan->cost.vms_stopped == 1 ? "" : "s",
		plan->cluster ? plan->cluster : plan->observed->hosts[0].name, limits);
}
