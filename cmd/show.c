/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/show.h"
#include "base/file.h"
#include "cmd/output.h"
#include "reconcile/planfile.h"

#include <unistd.h>

const char *const show_formats[] = { "text", "json", "yaml", "markdown", NULL };

struct show_stream {
	enum show_format format;
	struct style style;
	struct run_watch watch;
	struct planfile_writer *json;
	GString *text;
	struct arena *arena;
	struct diags *diags;
	int result; /* of the first write that failed */
	bool has_head;
};

static int put(const char *bytes, size_t n, void *user)
{
	struct show_stream *stream = user;
	if (!stream->result)
		stream->result = file_put(stdout, bytes, n, stream->diags);
	return stream->result;
}

static void flush(struct show_stream *stream)
{
	if (stream->text->len)
		put(stream->text->str, stream->text->len, stream);
	g_string_truncate(stream->text, 0);
}

static void show_loaded(const struct run *run, void *user)
{
	struct show_stream *stream = user;
	if (stream->format == SHOW_JSON) {
		planfile_writer_begin(stream->json, run);
	} else if (stream->format == SHOW_TEXT && !stream->has_head) {
		render_plan_text_head(stream->text, run, &stream->style);
		stream->has_head = true;
		flush(stream);
	}
}

static void show_planned(const struct run *run, const struct plan *plan, void *user)
{
	struct show_stream *stream = user;
	if (stream->format != SHOW_TEXT)
		return;
	render_plan_text_cluster(stream->text, run, plan, &stream->style);
	flush(stream);
}

struct show_stream *show_begin(enum show_format format)
{
	struct show_stream *stream = g_new0(struct show_stream, 1);
	*stream = (struct show_stream){ .format = format, .style = output_style(STDOUT_FILENO) };
	stream->watch = (struct run_watch){ show_loaded, show_planned, stream };
	stream->json = planfile_writer_new(put, stream);
	stream->text = g_string_new(NULL);
	stream->arena = arena_new();
	stream->diags = diags_new(stream->arena);
	return stream;
}

const struct run_watch *show_watch(struct show_stream *stream)
{
	return &stream->watch;
}

static enum exit_code stream_done(struct show_stream *stream, enum exit_code code)
{
	flush(stream);
	if (stream->result) {
		output_findings(stream->diags);
		code = exit_worse(code, EXIT_UNEXPECTED);
	}
	planfile_writer_free(stream->json);
	g_string_free(stream->text, TRUE);
	arena_free(stream->arena);
	g_free(stream);
	return code;
}

enum exit_code show_end(struct show_stream *stream, const struct run *run, enum exit_code code)
{
	switch (stream->format) {
	case SHOW_TEXT:
		if (run->n_plans)
			render_plan_text_end(stream->text, run, &stream->style);
		else
			output_findings(run->diags);
		break;
	case SHOW_JSON:
		planfile_writer_end(stream->json, run);
		break;
	case SHOW_YAML:
		render_plan_yaml(stream->text, run);
		break;
	case SHOW_MARKDOWN:
		render_plan_markdown(stream->text, run);
		break;
	}
	return stream_done(stream, code);
}

int show_plan(const struct run *run, enum show_format format, enum exit_code code)
{
	struct show_stream *stream = show_begin(format);
	if (run->n_plans)
		show_loaded(run, stream);
	for (uint32_t i = 0; i < run->n_plans; i++)
		show_planned(run, run->plans[i], stream);
	return show_end(stream, run, code);
}

void show_findings(const struct run *run)
{
	g_autoptr(arena_auto) arena = arena_new();
	struct diags *diags = diags_new(arena);
	diags_append(diags, run->diags);
	for (uint32_t i = 0; i < run->n_plans; i++)
		diags_append(diags, run->plans[i]->diags);
	if (diags->n_errors || diags->n_warnings)
		output_findings(diags);
}

int show_save(const struct run *run, const char *path, struct diags *diags)
{
	g_autoptr(GString) out = g_string_new(NULL);
	render_plan_json(out, run);
	return file_write(path, out->str, out->len, diags);
}
