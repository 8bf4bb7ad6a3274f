/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/carry.h"
#include "base/clock.h"
#include "base/outlet.h"
#include "cmd/options.h"
#include "cmd/output.h"
#include "reconcile/history.h"

#include <unistd.h>

const char *const carry_formats[] = { "text", "json", NULL };

struct teller {
	enum carry_format format;
	struct style style;
	struct history *history;
	struct outlet *out;
};

/* A reader that went away, or waits for something, does not stop the work: what is on its way is brought to its end. */
static void tell(const struct apply_event *event, void *user)
{
	struct teller *teller = user;
	history_event(teller->history, event, clock_now());
	g_autoptr(GString) text = g_string_new(NULL);
	if (teller->format == CARRY_JSON)
		render_apply_event_json(text, event, clock_now());
	else
		render_apply_event_text(text, event, &teller->style);
	outlet_put(teller->out, text->str, text->len);
}

static enum exit_code tell_results(struct teller *teller, const struct apply_result *results, uint32_t n_results,
	enum exit_code code, const volatile int *interrupts)
{
	g_autoptr(GString) text = g_string_new(NULL);
	for (uint32_t i = 0; i < n_results; i++) {
		if (!results[i].diags)
			continue;
		output_findings_text(results[i].diags);
		if (teller->format == CARRY_JSON)
			render_findings_json(text, results[i].diags, clock_now());
	}
	if (teller->format != CARRY_JSON)
		render_apply_results_text(text, results, n_results, &teller->style);
	outlet_put(teller->out, text->str, text->len);
	outlet_flush(teller->out, interrupts, MIN(*interrupts, 1)); /* one more signal ends waiting for a reader */
	return outlet_has_failed(teller->out) ? exit_worse(code, EXIT_UNEXPECTED) : code;
}

enum exit_code carry_out(struct run *run, struct apply_options *options, enum carry_format format, const char *command)
{
	struct teller teller = { .format = format, .style = output_style(STDOUT_FILENO) };
	struct apply_result *results = NULL;
	struct diags *diags = diags_new(run->arena);
	uint32_t n_results = 0;
	options->run = run->options;
	options->run_id = apply_run_id(run->arena, run->options.now);
	options->on_event = tell;
	options->user = &teller;
	fflush(stdout);
	teller.out = outlet_new(STDOUT_FILENO);
	teller.history = history_new(options_journal(run->arena), command, options->run_id, run);
	enum exit_code code = apply_run(run, options, &results, &n_results);
	history_end(teller.history, results, n_results, code, clock_now(), diags);
	history_free(teller.history);
	code = tell_results(&teller, results, n_results, code, options->interrupts);
	outlet_free(teller.out);
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
		if (diag->code == D_JOURNAL || diag->code == D_JOURNAL_PARTS)
			(void)!diag_add(warnings, diag->code, LOC_NONE, NULL, "%s", diag->message);
	output_findings(warnings);
}
