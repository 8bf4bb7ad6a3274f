/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/planfile.h"
#include "render/render.h"
#include "schema/yaml.h"

void render_plan_yaml(GString *out, const struct run *run)
{
	json_auto_t *json = planfile_to_json(run);
	yaml_write(out, json, 0);
}
