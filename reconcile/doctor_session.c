/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/doctor_parts.h"

#include "base/clock.h"
#include "providers/host/hyperv_trouble.h"

#include <string.h>

enum { CLOCKS_MAY_DIFFER_S = 60, POWERSHELL_MAJOR = 5, POWERSHELL_MINOR = 1 };

static bool is_ssh(const struct doctor_facts *facts)
{
	return g_str_has_prefix(facts->address, "ssh:");
}

/* ---- how far it got ---- */

/* The last line that says something: a program's reason comes last. */
static const char *last_words(struct arena *arena, const char *words)
{
	g_auto(GStrv) lines = g_strsplit(words ? words : "", "\n", -1);
	for (guint i = g_strv_length(lines); i > 0; i--) {
		g_strstrip(lines[i - 1]);
		if (*lines[i - 1])
			return arena_strdup(arena, lines[i - 1]);
	}
	return NULL;
}

/* Why there is no agent, or NULL: there is one. */
static const struct trouble *trouble(const struct doctor_facts *facts)
{
	return facts->end && !facts->hello ? trouble_of(facts->end, is_ssh(facts)) : NULL;
}

static enum doctor_state tell_trouble(struct arena *arena, const struct doctor_facts *facts,
	const struct trouble *found, const char **seen, const char **remedy)
{
	const char *words = last_words(arena, facts->end->words);
	g_autofree char *code = facts->end->exit > 0 ? g_strdup_printf(" (exit code %d)", facts->end->exit) : NULL;
	const char *what = found->stage == TROUBLE_AGENT ? facts->end->explanation : found->what;
	*seen = arena_printf(
		arena, "%s%s%s%s", what, words ? ": " : "", words ? words : "", !words && code ? code : "");
	*remedy = found->remedy;
	return DOCTOR_FAILED;
}

/* The row of one stage: ok when a later one was reached, unknown when an earlier one failed. */
static enum doctor_state stage(struct arena *arena, const struct doctor_facts *facts, enum trouble_stage stage,
	const char *fine, const char **seen, const char **remedy)
{
	const struct trouble *found = trouble(facts);
	bool is_tried = !facts->not_opened && (found || facts->hello);
	if (!is_tried || (found && found->stage < stage)) {
		*seen = "not tried";
		*remedy = NULL;
		return DOCTOR_UNKNOWN;
	}
	if (found && found->stage == stage)
		return tell_trouble(arena, facts, found, seen, remedy);
	*seen = fine;
	return DOCTOR_OK;
}

enum doctor_state doctor_connection(
	struct arena *arena, const struct doctor_facts *facts, const char **seen, const char **remedy)
{
	if (facts->not_opened) {
		*seen = facts->not_opened;
		*remedy = NULL;
		return DOCTOR_FAILED;
	}
	return stage(arena, facts, TROUBLE_CONNECTION, is_ssh(facts) ? "ssh logs in" : "this machine", seen, remedy);
}

enum doctor_state doctor_start(
	struct arena *arena, const struct doctor_facts *facts, const char **seen, const char **remedy)
{
	return stage(arena, facts, TROUBLE_POWERSHELL, "yes", seen, remedy);
}

enum doctor_state doctor_agent(
	struct arena *arena, const struct doctor_facts *facts, const char **seen, const char **remedy)
{
	const struct hyperv_hello *hello = facts->hello;
	if (!hello && !facts->end && facts->asked_at) {
		*seen = "no answer";
		return DOCTOR_FAILED;
	}
	if (!hello)
		return stage(arena, facts, TROUBLE_AGENT, "yes", seen, remedy);
	*seen = arena_printf(
		arena, "version %s, protocol %" G_GUINT64_FORMAT, hello->agent ? hello->agent : "?", hello->protocol);
	if (facts->end && facts->error == HOST_PROTOCOL) {
		*seen = facts->message;
		return DOCTOR_FAILED;
	}
	return DOCTOR_OK;
}

enum doctor_state doctor_name(
	struct arena *arena, const struct doctor_facts *facts, const char **seen, const char **remedy)
{
	(void)remedy;
	if (!facts->hello || !facts->hello->host)
		return DOCTOR_UNKNOWN;
	bool differs = facts->error == HOST_UNEXPECTED_FACTS;
	*seen = differs ? arena_printf(arena, "calls itself '%s', not '%s'", facts->hello->host, facts->host)
			: facts->hello->host;
	return differs ? DOCTOR_FAILED : DOCTOR_OK;
}

/* ---- what the session is ---- */

enum doctor_state doctor_powershell(
	struct arena *arena, const struct doctor_facts *facts, const char **seen, const char **remedy)
{
	(void)remedy;
	const struct hyperv_hello *hello = facts->hello;
	if (!hello || !hello->powershell)
		return DOCTOR_UNKNOWN;
	g_auto(GStrv) parts = g_strsplit(hello->powershell, ".", 3);
	int64_t major = g_ascii_strtoll(parts[0], NULL, 10), minor = parts[1] ? g_ascii_strtoll(parts[1], NULL, 10) : 0;
	const char *mode = hello->language_mode;
	*seen = arena_printf(arena, "%s%s%s", hello->powershell, mode ? ", " : "", mode ? mode : "");
	bool is_old = major < POWERSHELL_MAJOR || (major == POWERSHELL_MAJOR && minor < POWERSHELL_MINOR);
	return is_old || (mode && strcmp(mode, "FullLanguage") != 0) ? DOCTOR_FAILED : DOCTOR_OK;
}

enum doctor_state doctor_elevation(
	struct arena *arena, const struct doctor_facts *facts, const char **seen, const char **remedy)
{
	(void)arena, (void)remedy;
	const struct hyperv_hello *hello = facts->hello;
	if (!hello || hello->elevated == TRI_UNKNOWN)
		return DOCTOR_UNKNOWN;
	if (hello->elevated == TRI_YES) {
		*seen = "an administrator, elevated";
		return DOCTOR_OK;
	}
	*seen = hello->hyper_v_administrator == TRI_YES ? "a Hyper-V administrator, not elevated" : "not elevated";
	return DOCTOR_FAILED;
}

static enum doctor_state module(const struct doctor_facts *facts, const char *version, const char **seen)
{
	if (!facts->hello)
		return DOCTOR_UNKNOWN;
	*seen = version ? version : "not there";
	return version ? DOCTOR_OK : DOCTOR_FAILED;
}

enum doctor_state doctor_hyper_v(
	struct arena *arena, const struct doctor_facts *facts, const char **seen, const char **remedy)
{
	(void)arena, (void)remedy;
	return module(facts, facts->hello ? facts->hello->hyper_v : NULL, seen);
}

enum doctor_state doctor_pnp_device(
	struct arena *arena, const struct doctor_facts *facts, const char **seen, const char **remedy)
{
	(void)arena, (void)remedy;
	return module(facts, facts->hello ? facts->hello->pnp_device : NULL, seen);
}

enum doctor_state doctor_cim_cmdlets(
	struct arena *arena, const struct doctor_facts *facts, const char **seen, const char **remedy)
{
	(void)arena, (void)remedy;
	return module(facts, facts->hello ? facts->hello->cim_cmdlets : NULL, seen);
}

/* A standalone host needs none. */
enum doctor_state doctor_failover_clusters(
	struct arena *arena, const struct doctor_facts *facts, const char **seen, const char **remedy)
{
	(void)arena, (void)remedy;
	enum doctor_state state = module(facts, facts->hello ? facts->hello->failover_clusters : NULL, seen);
	if (state == DOCTOR_FAILED && doctor_is_standalone(facts)) {
		*seen = "not there, and not needed on a standalone host";
		return DOCTOR_OK;
	}
	return state;
}

enum doctor_state doctor_live_moves(
	struct arena *arena, const struct doctor_facts *facts, const char **seen, const char **remedy)
{
	(void)arena, (void)remedy;
	const struct hyperv_hello *hello = facts->hello;
	if (doctor_is_standalone(facts)) {
		*seen = "none on a standalone host";
		return DOCTOR_OK;
	}
	if (!hello || hello->live_moves == TRI_UNKNOWN)
		return DOCTOR_UNKNOWN;
	if (hello->live_moves == TRI_YES) {
		*seen = "can be commanded";
		return DOCTOR_OK;
	}
	*seen = hello->network_logon == TRI_YES ? "cannot be commanded from a network logon, as sshd's are"
						: "cannot be commanded from this session";
	return DOCTOR_WARNING;
}

/* ---- what it answered ---- */

enum doctor_state doctor_observation(
	struct arena *arena, const struct doctor_facts *facts, const char **seen, const char **remedy)
{
	if (!facts->asked_at || (facts->has_agent && !facts->hello))
		return DOCTOR_UNKNOWN;
	if (facts->error != HOST_OK) {
		const char *kind = name_of(&host_error_names, facts->error);
		*seen = facts->message && *facts->message ? arena_printf(arena, "%s: %s", kind, facts->message) : kind;
		if (facts->error != HOST_FAILED)
			*remedy = host_error_rows[facts->error].help;
		return DOCTOR_FAILED;
	}
	uint32_t n_gpus = facts->state->n_gpus, n_vms = facts->state->n_vms;
	*seen = arena_printf(
		arena, "whole: %u GPU%s, %u VM%s", n_gpus, n_gpus == 1 ? "" : "s", n_vms, n_vms == 1 ? "" : "s");
	return DOCTOR_OK;
}

enum doctor_state doctor_clock(
	struct arena *arena, const struct doctor_facts *facts, const char **seen, const char **remedy)
{
	(void)remedy;
	if (!facts->state || !facts->asked_at || !facts->state->host.observed_at)
		return DOCTOR_UNKNOWN;
	if (!facts->has_agent) {
		*seen = arena_printf(arena, "written down %s", clock_print(arena, facts->state->host.observed_at));
		return DOCTOR_OK;
	}
	int64_t theirs = facts->state->host.observed_at;
	int64_t ahead = theirs > facts->answered_at ? theirs - facts->answered_at : 0;
	int64_t behind = theirs < facts->asked_at ? facts->asked_at - theirs : 0;
	if (!ahead && !behind)
		*seen = "agrees with ours";
	else
		*seen = arena_printf(arena, "%s %s ours", clock_duration(arena, ahead ? ahead : behind),
			ahead ? "ahead of" : "behind");
	return ahead + behind > CLOCKS_MAY_DIFFER_S ? DOCTOR_WARNING : DOCTOR_OK;
}
