/* SPDX-License-Identifier: Apache-2.0 */
#include "render/page.h"
#include "render/print.h"

enum { TARGETS_MAX = 8, PLACE_COLUMN = 78 };

void page_heading(struct page *page, const char *text)
{
	g_string_append(page->out, "\n  ");
	print_on(page->out, page->style, COLOUR_BOLD);
	g_string_append(page->out, text);
	print_off(page->out, page->style);
	g_string_append_c(page->out, '\n');
}

static void page_dim(struct page *page, const char *text)
{
	print_on(page->out, page->style, COLOUR_DIM);
	g_string_append(page->out, text);
	print_off(page->out, page->style);
}

/* The place in a column of its own, where the line is short enough. */
void page_place(struct page *page, size_t line_start, struct loc loc, uint32_t last_line)
{
	g_autoptr(GString) place = g_string_new(NULL);
	print_place(place, loc);
	if (!place->len)
		return;
	if (last_line > loc.line)
		g_string_append_printf(place, "-%u", last_line);
	unsigned at = 0;
	bool escape = false; /* colours have no width */
	for (const char *c = page->out->str + line_start; *c; c = g_utf8_next_char(c)) {
		if (*c == '\033')
			escape = true;
		else if (escape)
			escape = *c != 'm';
		else
			at += print_char_width(g_utf8_get_char(c));
	}
	g_string_append_printf(page->out, "%*s", (int)(at < PLACE_COLUMN ? PLACE_COLUMN - at : 2), "");
	page_dim(page, place->str);
}

void page_reason(struct page *page, const char *label, const char *why)
{
	print_on(page->out, page->style, COLOUR_DIM);
	g_string_append(page->out, label);
	print_text(page->out, why);
	print_off(page->out, page->style);
	g_string_append_c(page->out, '\n');
}

/* ---- steps ---- */

static void put_targets(struct page *page, const struct outline_group *group)
{
	for (uint32_t i = 0; i < group->n;) {
		const char *host = group->steps[i]->host_name ? group->steps[i]->host_name : "?";
		uint32_t n = 0;
		const char **names = arena_array(page->arena, const char *, group->n - i);
		for (; i < group->n && g_strcmp0(group->steps[i]->host_name, host) == 0; i++)
			names[n++] = outline_target(group->steps[i]);
		g_autoptr(GString) name = g_string_new(NULL);
		print_text(name, host);
		g_string_append_printf(page->out, "             %s: ", name->str);
		print_names(page->out, names, n, TARGETS_MAX, 15 + print_width(name->str), page->style->width);
		g_string_append_c(page->out, '\n');
	}
}

static void put_after(struct page *page, const struct outline *outline, const struct outline_group *group)
{
	enum { AFTER_MAX = 3 };
	if (!group->n_after)
		return;
	g_string_append(page->out, "             ");
	print_on(page->out, page->style, COLOUR_DIM);
	for (uint32_t i = 0; i < MIN(group->n_after, (uint32_t)AFTER_MAX); i++) {
		const struct outline_after *after = &group->after[i];
		const struct outline_group *other = &outline->groups[after->group];
		g_string_append(page->out, i ? "; " : "after: ");
		if (!after->all)
			g_string_append(page->out, group->n > 1 ? "each its own of " : "its own of ");
		else if (other->n > 1)
			g_string_append(page->out, "all of ");
		outline_group_ids(page->out, other);
	}
	if (group->n_after > AFTER_MAX)
		g_string_append_printf(page->out, "; and %u others", group->n_after - AFTER_MAX);
	print_off(page->out, page->style);
	g_string_append_c(page->out, '\n');
}

/* "clusters/paris.yaml:16-18": where the steps were asked for, when that is one file. */
static void put_group_place(struct page *page, size_t line_start, const struct outline_group *group)
{
	struct loc loc = group->steps[0]->loc;
	uint32_t last = loc.line;
	for (uint32_t i = 1; i < group->n; i++) {
		if (group->steps[i]->loc.source != loc.source)
			return;
		loc.line = MIN(loc.line, group->steps[i]->loc.line);
		last = MAX(last, group->steps[i]->loc.line);
	}
	page_place(page, line_start, loc, last);
}

/* The earlier group that works on the very same VMs or GPUs, or NULL. */
static const struct outline_group *same_targets(const struct outline *outline, const struct outline_group *group)
{
	for (const struct outline_group *other = outline->groups; other < group; other++) {
		uint32_t i = 0;
		if (other->n != group->n)
			continue;
		while (i < group->n && g_strcmp0(other->steps[i]->vm_id, group->steps[i]->vm_id) == 0 &&
			g_strcmp0(other->steps[i]->host_name, group->steps[i]->host_name) == 0 &&
			g_strcmp0(other->steps[i]->location_path, group->steps[i]->location_path) == 0)
			i++;
		if (i == group->n)
			return other;
	}
	return NULL;
}

static void put_group(struct page *page, const struct outline *outline, const struct outline_group *group)
{
	g_autoptr(GString) ids = g_string_new(NULL);
	const struct outline_group *same = group->n > 1 ? same_targets(outline, group) : NULL;
	outline_group_ids(ids, group);
	size_t start = page->out->len;
	g_string_append_printf(page->out, "    %7s  ", ids->str);
	if (group->n == 1) {
		print_text(page->out, step_text(page->arena, group->steps[0]));
		if (group->steps[0]->kind <= STEP_ADD_DEVICE && group->steps[0]->kind != STEP_MOVE_VM) {
			g_string_append(page->out, " on ");
			print_text(page->out, group->steps[0]->host_name);
		}
	} else {
		outline_group_title(page->out, group);
		if (same) {
			g_string_append(page->out, ", those of ");
			outline_group_ids(page->out, same);
		}
	}
	put_group_place(page, start, group);
	g_string_append_c(page->out, '\n');
	if (group->n > 1 && !same)
		put_targets(page, group);
	put_after(page, outline, group);
	page_reason(page, "             why: ", outline_group_why(group));
}

void page_steps(struct page *page, const struct plan *plan, const struct outline *outline)
{
	if (!plan->n_steps)
		return;
	page_heading(page, "In this order (what does not wait runs side by side):");
	for (uint32_t i = 0; i < outline->n_groups; i++)
		put_group(page, outline, &outline->groups[i]);
}
