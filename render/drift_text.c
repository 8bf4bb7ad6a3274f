/* SPDX-License-Identifier: Apache-2.0 */
/* The world against the manifests: what is not as it was applied, apart from what merely waits for an apply. */
#include "reconcile/drift.h"
#include "render/finding.h"
#include "render/outline.h"
#include "render/print.h"

#include <string.h>

static void put_change(GString *out, const struct plan *plan, const struct change *change, const struct style *style)
{
	char sign = outline_sign(change);
	g_string_append(out, "    ");
	print_on(out, style, sign == '+' ? COLOUR_GREEN : sign == '-' ? COLOUR_RED : COLOUR_YELLOW);
	g_string_append_printf(out, "%c ", sign);
	print_off(out, style);
	if (change->host < plan->observed->n_hosts) {
		print_text(out, plan->observed->hosts[change->host].name);
		g_string_append_c(out, ' ');
	}
	outline_subject(out, plan, change);
	g_string_append(out, sign == '~' ? ": " : " ");
	outline_change(out, change, style);
	if (change->loc.source) {
		g_string_append(out, "  ");
		print_on(out, style, COLOUR_DIM);
		print_place(out, change->loc);
		print_off(out, style);
	}
	g_string_append_c(out, '\n');
}

/* The changes whose flag is 'drift'; without flags all are. */
static void put_changes(GString *out, const struct plan *plan, const bool *is_drift, bool drift, const char *title,
	const struct style *style)
{
	bool any = false;
	for (uint32_t i = 0; i < plan->changes.n; i++) {
		if (is_drift ? is_drift[i] != drift : !drift)
			continue;
		if (!any)
			g_string_append_printf(out, "  %s, found %s wanted:\n", title, print_arrow(style));
		any = true;
		put_change(out, plan, &plan->changes.items[i], style);
	}
}

static void put_basis(GString *out, const struct drift_cluster *cluster)
{
	enum { SHORT = 7 };
	switch (cluster->basis) {
	case DRIFT_NEVER_APPLIED:
		g_string_append(out, "  The hosts have no record of an apply, so all of this is pending.\n");
		break;
	case DRIFT_NO_COMMIT:
		g_string_append(out,
			"  The last apply was of a source without a commit, so what was changed on the hosts "
			"cannot be told from what waits: all of this counts as pending.\n");
		break;
	case DRIFT_COMMIT_UNREADABLE:
		g_string_append(
			out, "  The commit applied last cannot be read here, so all of this counts as drift.\n");
		break;
	case DRIFT_COMPARED:
	case DRIFT_BASIS_COUNT:
		if (!cluster->commit)
			break;
		g_string_append(out, "  Applied last: commit ");
		print_textn(out, cluster->commit, strnlen(cluster->commit, SHORT));
		g_string_append_c(out, '\n');
		break;
	}
}

static void put_cluster(
	GString *out, const struct plan *plan, const struct drift_cluster *cluster, const struct style *style)
{
	const bool *is_drift = cluster ? cluster->is_drift : NULL;
	if (out->len)
		g_string_append_c(out, '\n');
	print_on(out, style, COLOUR_BOLD);
	g_string_append(out, "Cluster ");
	print_text(out, plan->cluster);
	g_string_append(out, ": ");
	if (cluster)
		g_string_append_printf(out, "%u drifted, %u pending", cluster->n_drift, cluster->n_pending);
	else
		print_n(out, plan->changes.n, "difference", "differences");
	print_off(out, style);
	g_string_append_c(out, '\n');
	if (plan->incomplete_hosts)
		g_string_append(out, "  This is incomplete, not clean: a host was not observed.\n");
	if (cluster && plan->changes.n)
		put_basis(out, cluster);
	put_changes(out, plan, is_drift, true, cluster ? "Not as applied last" : "Differences", style);
	if (is_drift)
		put_changes(out, plan, is_drift, false, "Waiting for an apply", style);
	for (const struct diag *diag = plan->diags ? plan->diags->first : NULL; diag; diag = diag->next)
		finding_write(out, diag, style);
}

void render_drift_text(GString *out, const struct run *run, const struct style *style)
{
	uint32_t n_shown = 0;
	for (uint32_t i = 0; i < run->n_plans; i++) {
		const struct plan *plan = run->plans[i];
		bool found = plan->diags && (plan->diags->n_errors || plan->diags->n_warnings);
		if (!plan->changes.n && !plan->incomplete_hosts && !found)
			continue;
		put_cluster(out, plan, run->drift ? &run->drift->clusters[i] : NULL, style);
		n_shown++;
	}
	for (const struct diag *diag = run->diags ? run->diags->first : NULL; diag; diag = diag->next)
		finding_write(out, diag, style);
	if (n_shown || (run->diags && run->diags->n_errors))
		return;
	print_on(out, style, COLOUR_GREEN);
	g_string_append(out, "No drift");
	print_off(out, style);
	g_string_append(out, ". The hosts are as ");
	print_commit(out, run);
	g_string_append(out, run->tree.commit ? " says.\n" : " say.\n");
}
