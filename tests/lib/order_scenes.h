/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenes each of which needs some rules of the order (reconcile/order_rules.c): together they need all that can be told from
 * a plan. For tests that switch rules off.
 */
#pragma once
#include "reconcile/order.h"
#include "tests/lib/scene.h"

struct order_scene {
	const char *name;
	struct plan *(*plan)(struct scene **out); /* '*out' is to be freed with scene_free() */
};
extern const struct order_scene order_scenes[];
extern const size_t n_order_scenes;

/* The plan's steps, ordered without that rule (an index of order_rules[]; NO_INDEX: with all of them). */
struct plan *order_scene_without(struct scene *scene, const struct plan *plan, uint32_t rule);
