/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of a saved plan: one JSON object each; both directions stand in one file, so that they stay alike. */
#pragma once
#include "model/step.h"
#include "reconcile/jsonio.h"
#include "reconcile/reasons.h"

json_t *planfile_step_to_json(const struct plan *plan, const struct reasons *reasons, const struct step *step);
/* Unbound: indices are NO_INDEX. 'id' is what the step's id must be. Failure: reader->failed. */
void planfile_step_from_json(struct jsonio_reader *reader, json_t *json, uint32_t id, struct step *out);

/* planfile_why.c: what it serves, waits for, is permitted by and counts on. 'parameters': what the step's kind has. */
void planfile_why_to_json(const struct plan *plan, const struct reasons *reasons, const struct step *step,
	json_t *parameters, json_t *json);
void planfile_waits_from_json(struct jsonio_reader *reader, json_t *in, struct step *step);

json_t *planfile_adapter_to_json(const struct adapter *adapter);
struct adapter planfile_adapter_from_json(struct jsonio_reader *reader, json_t *in, const char *key);
json_t *planfile_device_to_json(const struct device *device);
struct device planfile_device_from_json(struct jsonio_reader *reader, json_t *in, const char *key);
