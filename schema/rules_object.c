/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/rules_object.h"

#include "base/secret.h"

#include <string.h>

/* Exactly one of two fields; 'loc' is that of the second where both are there. */
static int exactly_one(const struct head *head, const char *what, const char *a, const char *b, struct diags *diags)
{
	bool has_a = head_has(head, a), has_b = head_has(head, b);
	if (has_a && has_b) {
		int result = diag_add(
			diags, D_ONE_OF, head_loc(head, b), NULL, "%s has both '%s' and '%s'; remove one", what, a, b);
		diag_also(diags, head_loc(head, a), "the other is here");
		return result;
	}
	if (!has_a && !has_b)
		return diag_add(diags, D_ONE_OF, head->loc, NULL, "%s needs '%s' or '%s'", what, a, b);
	return 0;
}

/* ---- clusters ---- */

/* Names of Windows hosts: letters, digits, '-', '_' and, in full names, '.'. */
static int check_host_name(const char *name, struct loc loc, struct diags *diags)
{
	if (!name)
		return 0;
	for (const char *c = name; *c; c++)
		if (!g_ascii_isalnum(*c) && !strchr("-_.", *c))
			return diag_add(diags, D_FIELD_RANGE, loc, NULL,
				"'%s' is not the name of a host; use letters, digits, '-', '_' and '.'", name);
	return 0;
}

/* "10DE:25B6" */
static int check_pci_id(const struct spec_match *match, const char *field, const char *id, struct diags *diags)
{
	if (!id)
		return 0;
	bool good = strlen(id) == 9 && id[4] == ':';
	for (int i = 0; good && i < 9; i++)
		good = i == 4 || g_ascii_isxdigit(id[i]);
	if (good)
		return 0;
	return diag_add(diags, D_FIELD_RANGE, head_loc(&match->head, field), NULL,
		"'%s' is '%s'; write vendor and device as hexadecimal digits, like \"10DE:25B6\"", field, id);
}

static int check_match(const struct spec_match *match, struct diags *diags)
{
	int result = 0;
	if (!head_has(&match->head, "model") && !head_has(&match->head, "device") &&
		!head_has(&match->head, "subsystem"))
		result = diag_add(diags, D_ONE_OF, match->head.loc, NULL,
			"'match' needs at least one of 'model', 'device' and 'subsystem'");
	if (check_pci_id(match, "device", match->device, diags) < 0)
		result = -1;
	if (check_pci_id(match, "subsystem", match->subsystem, diags) < 0)
		result = -1;
	return result;
}

static int check_group(const struct gpu_group *group, struct diags *diags)
{
	int result = exactly_one(&group->head, "a GPU group", "partitionCount", "passthrough", diags);
	if (group->match && check_match(group->match, diags) < 0)
		result = -1;
	if (group->passthrough &&
		exactly_one(&group->passthrough->head, "'passthrough'", "perHost", "locationPaths", diags) < 0)
		result = -1;
	return result;
}

/* The decoder has said something about that value, so that it is not what was written. */
static bool is_reported(const struct diags *diags, struct loc loc)
{
	for (const struct diag *diag = diags->first; diag; diag = diag->next)
		if (diag->loc.source == loc.source && diag->loc.line == loc.line && diag->loc.col == loc.col)
			return true;
	return false;
}

static int check_window(const struct spec_window *window, struct diags *diags)
{
	const struct head *head = &window->head;
	int result = 0;
	if (head_has(head, "days") && !window->n_days && !is_reported(diags, head_loc(head, "days")))
		result = diag_add(diags, D_WINDOW_NEVER, head_loc(head, "days"), NULL,
			"the window has no days; list some, or remove 'days' for all");
	if (head_has(head, "duration") && !window->duration_s && !is_reported(diags, head_loc(head, "duration")))
		result = diag_add(diags, D_WINDOW_NEVER, head_loc(head, "duration"), NULL,
			"the window has no length; write how long it stays open, like 4h");
	if (window->time_zone && !window->zone)
		result = diag_add(diags, D_WINDOW_NEVER, head_loc(head, "timeZone"), NULL,
			"time zone '%s' does not exist; write an IANA name like Europe/Paris", window->time_zone);
	return result;
}

int rules_cluster(const struct spec_cluster *cluster, struct diags *diags)
{
	int result = 0;
	for (uint32_t i = 0; i < cluster->n_hosts; i++)
		result |= check_host_name(cluster->hosts[i].name, head_loc(&cluster->hosts[i].head, "name"), diags);
	for (uint32_t i = 0; i < cluster->n_gpus; i++)
		result |= check_group(&cluster->gpus[i], diags);
	for (uint32_t i = 0; i < cluster->rollout.n_windows; i++)
		result |= check_window(&cluster->rollout.windows[i], diags);
	return result;
}

/* ---- assignments ---- */

int rules_assignment(const struct spec_assignment *assignment, struct diags *diags)
{
	if (head_has(&assignment->head, "virtualMachines") || head_has(&assignment->head, "match"))
		return 0;
	return diag_add(diags, D_ONE_OF, assignment->head.loc, NULL,
		"a GpuAssignment needs 'virtualMachines', 'match' or both");
}

/* ---- inventories ---- */

int rules_inventory(const struct spec_inventory *inventory, struct diags *diags)
{
	int result = 0;
	for (uint32_t i = 0; i < inventory->n_hosts; i++) {
		const struct inventory_host *host = &inventory->hosts[i];
		result |= check_host_name(host->name, head_loc(&host->head, "name"), diags);
		/* What was written is not repeated: it may be a secret. */
		if (host->credential && !secret_is_reference(host->credential))
			result = diag_add(diags, D_FIELD_RANGE, head_loc(&host->head, "credential"), NULL,
				"'credential' says where a secret is, never what it is; write env:NAME, file:PATH, "
				"systemd:NAME or command:ARGV");
		if (host->address && secret_in_address(host->address))
			result = diag_add(diags, D_FIELD_RANGE, head_loc(&host->head, "address"), NULL,
				"'address' has a password in it, which is in git from now on: change it, write "
				"ssh://USER@HOST, and "
				"name a key with 'credential'");
	}
	return result;
}
