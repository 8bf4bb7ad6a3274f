/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An apply as it goes: on a terminal finished steps scroll by above one live line, elsewhere each event is a plain line
 * that says which host and step it is about, for lines of several hosts mingle.
 */
#include "reconcile/jsonio.h"
#include "reconcile/planfile_parts.h"
#include "render/outline.h"
#include "render/print.h"

#include <string.h>

/* ---- text ---- */

static void put_count(GString *out, const struct apply_event *event)
{
	unsigned digits = 1;
	for (uint32_t n = event->total; n >= 10; n /= 10)
		digits++;
	g_string_append_printf(out, "[%*u/%u] ", (int)digits, event->done, event->total);
}

/* "hv01: stop vdi-001" */
static void put_step(GString *out, const struct apply_event *event)
{
	g_autoptr(arena_auto) scratch = arena_new();
	print_text(out, event->step->host_name);
	g_string_append(out, ": ");
	print_text(out, step_text(scratch, event->step));
}

static void put_outcome(GString *out, const struct apply_event *event, const struct style *style)
{
	print_on(out, style,
		event->kind == APPLY_STEP_FAILED    ? COLOUR_RED
		: event->kind == APPLY_STEP_RETRY   ? COLOUR_YELLOW
		: event->outcome == OUTCOME_CHANGED ? COLOUR_GREEN
						    : COLOUR_NONE);
	if (event->kind == APPLY_STEP_FAILED)
		g_string_append(out, "failed");
	else if (event->kind == APPLY_STEP_RETRY)
		g_string_append(out, "will be tried again");
	else
		g_string_append(out, name_of(&step_outcome_names, event->outcome));
	print_off(out, style);
}

static void put_message(GString *out, const struct apply_event *event)
{
	if (!event->message)
		return;
	g_string_append(out, ": ");
	print_text(out, event->message);
}

static void put_step_line(GString *out, const struct apply_event *event, const struct style *style)
{
	put_step(out, event);
	switch (event->kind) {
	case APPLY_STEP_START:
		g_string_append_printf(out, " %s", print_ellipsis(style));
		break;
	case APPLY_STEP_PROGRESS:
		g_string_append_printf(out, " %s %u %%", print_ellipsis(style), event->permille / 10);
		break;
	default:
		g_string_append_c(out, ' ');
		put_outcome(out, event, style);
		break;
	}
	put_message(out, event);
}

static void put_cluster_event(GString *out, const struct apply_event *event, const struct style *style)
{
	const char *cluster = event->plan && event->plan->cluster ? event->plan->cluster : "all hosts";
	bool bad = event->kind == APPLY_WAY_BACK || event->kind == APPLY_INTERRUPTED;
	print_on(out, style, bad ? COLOUR_YELLOW : COLOUR_BOLD);
	print_text(out, cluster);
	g_string_append(out, ": ");
	switch (event->kind) {
	case APPLY_CLUSTER_START:
		if (event->total)
			print_n(out, event->total, "step", "steps");
		else
			g_string_append(
				out, event->plan && plan_exit(event->plan) != EXIT_DONE ? "no steps" : "nothing to do");
		break;
	case APPLY_WAY_BACK:
		g_string_append(out, "on the way back to safety, ");
		print_n(out, event->total, "step", "steps");
		break;
	case APPLY_INTERRUPTED:
		print_text(out, event->message ? event->message : "interrupted");
		break;
	case APPLY_ADOPTED:
		g_string_append(out, "taken over: ");
		print_text(out, event->message);
		break;
	case APPLY_WAITING:
		g_string_append(out, "waiting");
		break;
	case APPLY_REPLAN:
		print_text(out, event->message ? event->message : "planned again");
		g_string_append(out, ": ");
		print_n(out, event->total, "step", "steps");
		break;
	default:
		g_string_append(out, event->message || event->done < event->total ? "ended" : "done");
		if (event->total)
			g_string_append_printf(out, ", %u of %u steps", event->done, event->total);
		break;
	}
	print_off(out, style);
	if (event->kind != APPLY_REPLAN && event->kind != APPLY_INTERRUPTED && event->kind != APPLY_ADOPTED)
		put_message(out, event);
}

/* Cuts what would wrap: a live line that takes two rows cannot be rewritten. Escapes have no width. */
static void cut_line(GString *line, unsigned width)
{
	unsigned at = 0;
	bool escape = false;
	for (const char *c = line->str; width && *c; c = g_utf8_next_char(c)) {
		if (*c == '\033')
			escape = true;
		else if (escape)
			escape = *c != 'm';
		else
			at += print_char_width(g_utf8_get_char(c));
		if (at < width)
			continue;
		g_string_truncate(line, c - line->str);
		return;
	}
}

static bool is_passing(const struct apply_event *event)
{
	return event->kind == APPLY_STEP_START || event->kind == APPLY_STEP_PROGRESS;
}

void render_apply_event_text(GString *out, const struct apply_event *event, const struct style *style)
{
	g_autoptr(GString) line = g_string_new(NULL);
	/* Elsewhere than on a terminal a line for every percent would be noise. */
	if (event->kind == APPLY_STEP_PROGRESS && !style->live)
		return;
	/* A cluster without steps is told of once, by the line with the result; what was refused is not "done". */
	bool is_edge = event->kind == APPLY_CLUSTER_START || event->kind == APPLY_CLUSTER_DONE;
	if (is_edge && !event->total) {
		g_string_append(out, style->live ? "\r\033[K" : "");
		return;
	}
	if (event->step) {
		put_count(line, event);
		put_step_line(line, event, style);
	} else
		put_cluster_event(line, event, style);
	if (style->live) {
		g_string_append(out, "\r\033[K");
		if (is_passing(event)) {
			cut_line(line, style->width);
			g_string_append(out, line->str);
			if (style->colour)
				g_string_append(out, "\033[0m");
			return;
		}
	}
	g_string_append(out, line->str);
	g_string_append_c(out, '\n');
}

/* ---- JSON lines ---- */

static void put_line(GString *out, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);
	g_string_append(out, text ? text : "{}");
	g_string_append_c(out, '\n');
	free(text);
	json_decref(json);
}

static json_t *line_new(const char *type, const char *level, const char *message, int64_t now)
{
	json_t *json = json_object();
	json_object_set_new(json, "@level", jsonio_text(level));
	json_object_set_new(json, "@message", jsonio_text(message));
	json_object_set_new(json, "@module", jsonio_text("hvgpu.apply"));
	json_object_set_new(json, "@timestamp", jsonio_time(now));
	json_object_set_new(json, "type", jsonio_text(type));
	return json;
}

void render_version_json(GString *out, int64_t now)
{
	json_t *json = line_new("version", "info", "hvgpu " HVGPU_VERSION, now);
	json_object_set_new(json, "hvgpu", jsonio_text(HVGPU_VERSION));
	json_object_set_new(json, "ui", jsonio_text("1.0"));
	put_line(out, json);
}

void render_findings_json(GString *out, const struct diags *diags, int64_t now)
{
	static const char *const levels[] = { [DIAG_ERROR] = "error", [DIAG_WARNING] = "warn", [DIAG_NOTE] = "info" };
	for (const struct diag *diag = diags->first; diag; diag = diag->next) {
		const struct diag_row *row = &diag_codes[diag->code];
		g_autofree char *message = g_strdup_printf("%s: %s", row->id, diag->message);
		json_t *json = line_new("diagnostic", levels[row->severity], message, now);
		json_object_set_new(json, "diagnostic", planfile_finding_to_json(diag));
		put_line(out, json);
	}
}

static json_t *hook_of(const struct apply_event *event)
{
	const struct step *step = event->step;
	json_t *hook = json_object();
	json_object_set_new(hook, "id", json_integer(step->id));
	json_object_set_new(hook, "kind", jsonio_text(name_of(&step_kind_names, step->kind)));
	json_object_set_new(hook, "host", jsonio_text(step->host_name));
	if (step->vm_id) {
		json_object_set_new(hook, "vm", jsonio_text(step->vm_name));
		json_object_set_new(hook, "vm_id", jsonio_text(step->vm_id));
	}
	if (step->location_path)
		json_object_set_new(hook, "gpu", jsonio_text(step->location_path));
	json_object_set_new(hook, "outcome", jsonio_text(name_of(&step_outcome_names, event->outcome)));
	if (event->kind == APPLY_STEP_PROGRESS)
		json_object_set_new(hook, "permille", json_integer(event->permille));
	if (event->message)
		json_object_set_new(hook, "reason", jsonio_text(event->message));
	return hook;
}

static const char *level_of(const struct apply_event *event)
{
	switch (event->kind) {
	case APPLY_STEP_FAILED:
		return "error";
	case APPLY_STEP_RETRY:
	case APPLY_WAY_BACK:
	case APPLY_INTERRUPTED:
		return "warn";
	default:
		return "info";
	}
}

static void set_result(json_t *json, const struct apply_result *result)
{
	json_t *down = json_array();
	for (uint32_t i = 0; i < result->n_still_owed; i++)
		json_array_append_new(down, jsonio_text(result->still_owed[i]));
	json_object_set_new(json, "exit_code", json_integer((int)result->exit));
	json_object_set_new(json, "changed", json_integer(result->n_changed));
	json_object_set_new(json, "unchanged", json_integer(result->n_unchanged));
	json_object_set_new(json, "failed", json_integer(result->n_failed));
	json_object_set_new(json, "skipped", json_integer(result->n_skipped));
	json_object_set_new(json, "still_down", down);
}

void render_apply_event_json(GString *out, const struct apply_event *event, int64_t now)
{
	static const struct style plain = { 0 };
	g_autoptr(GString) message = g_string_new(NULL);
	if (event->step)
		put_step_line(message, event, &plain);
	else
		put_cluster_event(message, event, &plain);
	json_t *json = line_new(name_of(&apply_event_names, event->kind), level_of(event), message->str, now);
	json_object_set_new(json, "cluster", jsonio_text(event->plan ? event->plan->cluster : NULL));
	json_object_set_new(json, "done", json_integer(event->done));
	json_object_set_new(json, "total", json_integer(event->total));
	if (event->step)
		json_object_set_new(json, "hook", hook_of(event));
	if (event->result)
		set_result(json, event->result);
	put_line(out, json);
}

/* ---- results ---- */

static void put_owed(GString *out, const struct apply_result *result, const struct style *style)
{
	enum { OWED_MAX = 100 };
	if (!result->n_still_owed)
		return;
	g_string_append(out, "  ");
	print_on(out, style, COLOUR_RED);
	if (result->is_owed_unsure)
		print_n(out, result->n_still_owed, "VM is down, or may be: ", "VMs are down, or may be: ");
	else
		print_n(out, result->n_still_owed, "VM is still down: ", "VMs are still down: ");
	print_off(out, style);
	print_names(out, result->still_owed, result->n_still_owed, OWED_MAX, 4, style->width);
	g_string_append(out, "\n  `hvgpu restore` tries again.\n");
}

static void put_result(GString *out, const struct apply_result *result, const struct style *style)
{
	bool good = result->exit == EXIT_DONE;
	print_on(out, style, good ? COLOUR_GREEN : COLOUR_RED);
	print_text(out, result->cluster ? result->cluster : "all hosts");
	print_off(out, style);
	bool any = result->n_changed || result->n_unchanged || result->n_failed || result->n_skipped ||
		   result->n_under_way;
	if (!any && result->n_adopted)
		g_string_append(out, ": nothing else to do");
	else if (!any)
		g_string_append(out, good ? ": nothing to do" : ": nothing was done");
	else
		g_string_append_printf(out, ": %u changed, %u unchanged", result->n_changed, result->n_unchanged);
	if (result->n_failed)
		g_string_append_printf(out, ", %u failed", result->n_failed);
	if (result->n_skipped)
		g_string_append_printf(out, ", %u skipped", result->n_skipped);
	if (result->n_under_way)
		g_string_append_printf(out, ", %u under way", result->n_under_way);
	g_string_append_c(out, '\n');
	put_owed(out, result, style);
}

void render_apply_results_text(GString *out, const struct apply_result *results, uint32_t n, const struct style *style)
{
	for (uint32_t i = 0; i < n; i++)
		put_result(out, &results[i], style);
}
