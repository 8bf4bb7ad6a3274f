/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enums with names, both made from one X-macro list:
 *
 *	#define GPU_STATES(X) X(GPU_PLAIN, "plain") X(GPU_FAILED, "failed")
 *	enum gpu_state { GPU_STATES(NAMES_ENUM) GPU_STATE_COUNT };
 *	extern const struct names gpu_state_names;          // in the header
 *	NAMES_DEFINE(gpu_state_names, GPU_STATES);          // in the .c
 */
#pragma once
#include <stddef.h>

struct names {
	size_t n;
	const char *const *names; /* index: the enum's value */
};

#define NAMES_ENUM(value, name) value,
#define NAMES_TEXT(value, name) [value] = name,
#define NAMES_DEFINE(table, LIST) \
	static const char *const table##_array[] = { LIST(NAMES_TEXT) }; \
	const struct names table = { sizeof(table##_array) / sizeof(table##_array[0]), table##_array }

/* The name of 'value'; "?" for one out of range. */
const char *name_of(const struct names *names, int value);

/* The value named 'name', or -1. Exact match. */
int name_find(const struct names *names, const char *name);
