/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of a saved plan: one JSON object each; both directions stand in one file, so that they stay alike. */
#pragma once
#include "model/step.h"
#include "reconcile/jsonio.h"

json_t *planfile_step_to_json(const struct step *step);
/* Unbound: indices are NO_INDEX. 'id' is what the step's id must be. Failure: reader->failed. */
void planfile_step_from_json(struct jsonio_reader *reader, json_t *json, uint32_t id, struct step *out);

json_t *planfile_adapter_to_json(const struct adapter *adapter);
struct adapter planfile_adapter_from_json(struct jsonio_reader *reader, json_t *in, const char *key);
json_t *planfile_device_to_json(const struct device *device);
struct device planfile_device_from_json(struct jsonio_reader *reader, json_t *in, const char *key);
