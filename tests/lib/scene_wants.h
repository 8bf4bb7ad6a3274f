/* SPDX-License-Identifier: Apache-2.0 */
/* The wants of a scene, for tests of what is made from them. */
#pragma once
#include "reconcile/wants.h"
#include "tests/lib/scene.h"

/* Lays the manifests over the scene as 'given' says; wants_done() is due. Findings are in wants->diags. */
static inline struct wants *scene_wants(struct scene *scene, const char *manifests, struct plan_input given)
{
	scene_plan_as(scene, manifests, given); /* loads the manifests and assembles the world */
	struct plan_input *input = arena_copy(scene->arena, &given, sizeof(given));
	input->spec = scene->spec;
	input->cluster = scene->spec->clusters;
	input->observed = scene->world;
	input->now = SCENE_NOW;
	return wants_make(scene->arena, input, diags_new(scene->arena));
}
