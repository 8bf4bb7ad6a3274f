/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/decode.h"

#include <string.h>

#define MEMBER(type, object, offset) (*(type const *)((const char *)(object) + (offset)))

static bool texts_equal(const char *const *a, const char *const *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (g_strcmp0(a[i], b[i]) != 0)
			return false;
	return true;
}

static bool path_lists_equal(const struct location_list *a, const struct location_list *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (g_strcmp0(a[i].host, b[i].host) != 0 || a[i].n_paths != b[i].n_paths ||
			!texts_equal(a[i].paths, b[i].paths, a[i].n_paths))
			return false;
	return true;
}

static bool quotas_equal(const struct maybe_u64 *a, const struct maybe_u64 *b)
{
	for (int i = 0; i < QUOTA_COUNT; i++)
		if (!maybe_equal(a[i], b[i]))
			return false;
	return true;
}

static bool shares_equal(struct share a, struct share b)
{
	return a.set == b.set && (!a.set || (a.percent == b.percent && a.value == b.value));
}

static bool many_equal(const struct field *field, const void *a, const void *b, unsigned mask)
{
	uint32_t n = MEMBER(uint32_t, a, field->n_at);
	if (n != MEMBER(uint32_t, b, field->n_at))
		return false;
	if (n == 0)
		return true;
	const char *of_a = MEMBER(const char *, a, field->at);
	const char *of_b = MEMBER(const char *, b, field->at);
	switch (field->type) {
	case FIELD_TEXTS:
		return texts_equal((const char *const *)of_a, (const char *const *)of_b, n);
	case FIELD_NUMBERS:
		return memcmp(of_a, of_b, n * sizeof(uint32_t)) == 0;
	case FIELD_PATH_LISTS:
		return path_lists_equal((const struct location_list *)of_a, (const struct location_list *)of_b, n);
	default:
		for (uint32_t i = 0; i < n; i++)
			if (!fields_equal(field->fields, of_a + i * field->size, of_b + i * field->size, mask))
				return false;
		return true;
	}
}

static bool pointers_equal(const struct field *field, const void *a, const void *b, unsigned mask)
{
	const void *of_a = MEMBER(const void *, a, field->at);
	const void *of_b = MEMBER(const void *, b, field->at);
	if (!of_a || !of_b)
		return of_a == of_b;
	return of_a == of_b || fields_equal(field->fields, of_a, of_b, mask);
}

static bool field_equal(const struct field *field, const void *a, const void *b, unsigned mask)
{
	size_t at = field->at;
	switch (field->type) {
	case FIELD_BOOL:
		return MEMBER(bool, a, at) == MEMBER(bool, b, at);
	case FIELD_TRI:
		return MEMBER(enum tristate, a, at) == MEMBER(enum tristate, b, at);
	case FIELD_ENUM:
	case FIELD_U32:
	case FIELD_DURATION:
	case FIELD_CLOCK:
		return memcmp((const char *)a + at, (const char *)b + at, sizeof(uint32_t)) == 0;
	case FIELD_U64:
	case FIELD_TIME:
		return memcmp((const char *)a + at, (const char *)b + at, sizeof(uint64_t)) == 0;
	case FIELD_MAYBE:
	case FIELD_SIZE:
	case FIELD_MAYBE_ENUM:
	case FIELD_MAYBE_TIME:
		return maybe_equal(MEMBER(struct maybe_u64, a, at), MEMBER(struct maybe_u64, b, at));
	case FIELD_TEXT:
		return g_strcmp0(MEMBER(const char *, a, at), MEMBER(const char *, b, at)) == 0;
	case FIELD_SHARE:
		return shares_equal(MEMBER(struct share, a, at), MEMBER(struct share, b, at));
	case FIELD_QUOTAS:
		return quotas_equal(&MEMBER(struct maybe_u64, a, at), &MEMBER(struct maybe_u64, b, at));
	case FIELD_OBJECT:
		return fields_equal(field->fields, (const char *)a + at, (const char *)b + at, mask);
	case FIELD_POINTER:
		return pointers_equal(field, a, b, mask);
	default:
		return many_equal(field, a, b, mask);
	}
}

bool fields_equal(const struct field *fields, const void *a, const void *b, unsigned mask)
{
	for (const struct field *field = fields; field->type != FIELD_END; field++)
		if ((mask == 0 || (field->flags & mask)) && !field_equal(field, a, b, mask))
			return false;
	return true;
}
