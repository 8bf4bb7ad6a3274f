/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/unlock.h"
#include "base/clock.h"
#include "base/interrupt.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/output.h"

static const GOptionEntry options[] = {
	OPTION_TEXT("run", 0, run,
		"End the leases of this run, which 'unlock' without it names; the beginning of its id is enough",
		"RUN"),
	OPTION_HOSTS,
	OPTION_JOURNAL,
	OPTION_END,
};

static void tell(GString *text, const struct unlock_held *held, struct arena *arena)
{
	const struct lease *lease = held->lease;
	g_string_append_printf(text, "%s: %s run '%s' of %s, since %s\n", held->host,
		held->ended ? "ended: the lease of" : "held by", lease->run ? lease->run : "?",
		lease->holder ? lease->holder : "?", clock_print(arena, lease->since));
}

static int unlock_run(int argc, char **argv)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	struct run_options run_options;
	if (options_run(argc > 1 ? argv[1] : NULL, &run_options, diags) < 0)
		return output_findings(diags);
	if (argc < 2 && !run_options.hosts)
		diag_add(diags, D_USAGE, LOC_NONE, NULL, "'unlock' needs --hosts, or a SOURCE with a HostInventory");
	if (diags->n_errors)
		return output_findings(diags);
	const struct unlock_options unlock_options = {
		.run = run_options,
		.cluster = argv[0],
		.run_id = arguments.run,
		.journal = options_journal(arena),
		.count_interrupts = interrupt_count,
	};
	const struct unlock_held *held = NULL;
	uint32_t n_held = 0;
	int result = unlock_cluster(&unlock_options, &held, &n_held, diags);
	g_autoptr(GString) text = g_string_new(NULL);
	bool is_held = false;
	for (uint32_t i = 0; i < n_held; i++) {
		tell(text, &held[i], arena);
		is_held |= !held[i].ended;
	}
	if (result == 0 && !n_held)
		g_string_printf(text, "nobody holds the hosts of cluster '%s'\n", argv[0]);
	return output_text(text, exit_worse(output_findings(diags), is_held ? EXIT_LOCKED : EXIT_DONE));
}

const struct command command_unlock = {
	.name = "unlock",
	.group = "Plan and apply",
	.arguments = "CLUSTER [SOURCE]",
	.doc = "End the lease of a run that hangs, or say who holds the hosts",
	.details = "The leases of a run that died end by themselves, at the latest five minutes after its connection "
		   "was lost. "
		   "This is for one that hangs. Without --run it tells who holds which host since when, and changes "
		   "nothing. "
		   "Make sure first that nobody waits for that run: what it holds down is brought back by the next "
		   "apply or "
		   "restore, not by this.",
	.examples = "  hvgpu unlock paris clusters/\n"
		    "  hvgpu unlock paris clusters/ --run 2026-01-15T12:00:00Z-1f2e3d4c\n",
	.min_args = 1,
	.max_args = 2,
	.options = options,
	.run = unlock_run,
};
