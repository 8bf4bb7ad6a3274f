/* SPDX-License-Identifier: Apache-2.0 */
#include "render/render.h"

#include "providers/host/recording.h"

static json_t *result_json(const struct doctor_result *result)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:o}", "id", result->check->id, "title", result->check->title, "state",
		name_of(&doctor_state_names, (int)result->state), "seen", recording_text(result->seen), "remedy",
		recording_text(result->remedy));
}

json_t *render_doctor_json(const struct doctor_report *report)
{
	json_t *checks = json_array();
	for (uint32_t i = 0; i < report->n_results; i++)
		json_array_append_new(checks, result_json(&report->results[i]));
	return json_pack("{s:s, s:o, s:o, s:o, s:b, s:b, s:i, s:o}", "format_version", "1.0", "host",
		recording_text(report->host), "address", recording_text(report->address), "account",
		recording_text(report->account), "reached", report->is_reached, "manageable", report->exit == EXIT_DONE,
		"exit_code", (int)report->exit, "checks", checks);
}
