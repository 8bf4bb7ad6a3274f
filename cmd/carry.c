/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/carry.h"
#include "base/clock.h"
#include "base/file.h"
#include "cmd/output.h"

#include <unistd.h>

const char *const carry_formats[] = { "text", "json", NULL };

struct teller {
	enum carry_format format;
	struct style style;
	enum exit_code exit;
};

/* A reader that went away does not stop the work: what is on its way is brought to its end. */
static void tell(const struct apply_event *event, void *user)
{
	struct teller *teller = user;
	g_autoptr(GString) text = g_string_new(NULL);
	if (teller->format == CARRY_JSON)
		render_apply_event_json(text, event, clock_now());
	else
		render_apply_event_text(text, event, &teller->style);
	g_autoptr(arena_auto) arena = arena_new();
	if (text->len && file_put(stdout, text->str, text->len, diags_new(arena)) != 0)
		teller->exit = EXIT_UNEXPECTED;
}

enum exit_code carry_out(struct run *run, struct apply_options *options, enum carry_format format)
{
	struct teller teller = { .format = format, .style = output_style(STDOUT_FILENO) };
	struct apply_result *results = NULL;
	uint32_t n_results = 0;
	if (format == CARRY_JSON) {
		g_autoptr(GString) version = g_string_new(NULL);
		render_version_json(version, clock_now());
		output_text(version, EXIT_DONE);
	}
	options->run = run->options;
	options->on_event = tell;
	options->user = &teller;
	enum exit_code code = apply_run(run, options, &results, &n_results);
	for (uint32_t i = 0; i < n_results; i++)
		if (results[i].diags)
			output_findings(results[i].diags);
	if (teller.exit)
		code = exit_worse(code, teller.exit);
	if (format == CARRY_JSON)
		return code;
	g_autoptr(GString) text = g_string_new(NULL);
	render_apply_results_text(text, results, n_results, &teller.style);
	return output_text(text, code);
}
