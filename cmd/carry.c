/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/carry.h"
#include "base/clock.h"
#include "base/file.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "reconcile/history.h"

#include <unistd.h>

const char *const carry_formats[] = { "text", "json", NULL };

struct teller {
	enum carry_format format;
	struct style style;
	enum exit_code exit;
	struct history *history;
};

/* A reader that went away does not stop the work: what is on its way is brought to its end. */
static void tell(const struct apply_event *event, void *user)
{
	struct teller *teller = user;
	history_event(teller->history, event, clock_now());
	g_autoptr(GString) text = g_string_new(NULL);
	if (teller->format == CARRY_JSON)
		render_apply_event_json(text, event, clock_now());
	else
		render_apply_event_text(text, event, &teller->style);
	g_autoptr(arena_auto) arena = arena_new();
	if (text->len && file_put(stdout, text->str, text->len, diags_new(arena)) != 0)
		teller->exit = EXIT_UNEXPECTED;
}

static enum exit_code tell_results(
	struct teller *teller, const struct apply_result *results, uint32_t n_results, enum exit_code code)
{
	for (uint32_t i = 0; i < n_results; i++)
		if (results[i].diags)
			output_findings(results[i].diags);
	if (teller->exit)
		code = exit_worse(code, teller->exit);
	if (teller->format == CARRY_JSON)
		return code;
	g_autoptr(GString) text = g_string_new(NULL);
	render_apply_results_text(text, results, n_results, &teller->style);
	return output_text(text, code);
}

enum exit_code carry_out(struct run *run, struct apply_options *options, enum carry_format format, const char *command)
{
	struct teller teller = { .format = format, .style = output_style(STDOUT_FILENO) };
	struct apply_result *results = NULL;
	struct diags *diags = diags_new(run->arena);
	uint32_t n_results = 0;
	if (format == CARRY_JSON) {
		g_autoptr(GString) version = g_string_new(NULL);
		render_version_json(version, clock_now());
		output_text(version, EXIT_DONE);
	}
	options->run = run->options;
	options->run_id = apply_run_id(run->arena, run->options.now);
	options->on_event = tell;
	options->user = &teller;
	teller.history = history_new(options_journal(run->arena), command, options->run_id, run);
	enum exit_code code = apply_run(run, options, &results, &n_results);
	history_end(teller.history, results, n_results, code, clock_now(), diags);
	history_free(teller.history);
	code = tell_results(&teller, results, n_results, code);
	output_findings(diags); /* of the history: warnings alone */
	return code;
}

void carry_refused(const struct run *run, const char *command, enum exit_code code, const struct diags *findings)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena), *warnings = diags_new(arena);
	const char *id = apply_run_id(arena, run->options.now);
	struct history *history = history_new(options_journal(arena), command, id, run);
	diags_append(diags, findings);
	history_end(history, NULL, 0, code, clock_now(), diags);
	history_free(history);
	for (const struct diag *diag = diags->first; diag; diag = diag->next)
		if (diag->code == D_JOURNAL)
			(void)!diag_add(warnings, D_JOURNAL, LOC_NONE, NULL, "%s", diag->message);
	output_findings(warnings);
}
