/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field tables: the only definition of the language. One row per field: key, type, range, default, names, flags, doc
 * line, and where the value lies in its struct. Decoder, defaults, emitter, comparer, JSON Schema, kustomize files and
 * the manual read the same rows. A row whose member has another type does not compile (AT).
 */
#pragma once
#include "model/spec.h"
#include "model/world.h"

#include <stddef.h>

enum field_type {
	FIELD_END,        /* the row that ends a table */
	FIELD_BOOL,       /* bool */
	FIELD_TRI,        /* enum tristate: true, false, null */
	FIELD_U32,        /* uint32_t, min..max */
	FIELD_U64,        /* uint64_t */
	FIELD_MAYBE,      /* struct maybe_u64: a number or null; min..max */
	FIELD_SIZE,       /* struct maybe_u64, bytes: 1024, 16Gi, 512Mi, 3G, or null */
	FIELD_TEXT,       /* const char * */
	FIELD_ENUM,       /* any enum of 'names'; stored as int */
	FIELD_MAYBE_ENUM, /* struct maybe_u64 holding a value of 'names', or null */
	FIELD_DURATION,   /* uint32_t seconds: 30s, 5m, 4h, 7d; min..max in seconds */
	FIELD_TIME,       /* int64_t seconds since 1970: RFC 3339 in UTC */
	FIELD_MAYBE_TIME, /* struct maybe_u64: the same, or null */
	FIELD_CLOCK,      /* uint32_t minutes of the day: "HH:MM" */
	FIELD_SHARE,      /* struct share: 6 or "50%" */
	FIELD_OBJECT,     /* a struct in place; 'fields' */
	FIELD_POINTER,    /* pointer to a struct, NULL when absent; 'fields', 'size' */
	FIELD_LIST,       /* pointer + uint32_t n: list of structs; 'fields', 'size', 'merge_key' */
	FIELD_TEXTS,      /* const char *const * + n */
	FIELD_NUMBERS,    /* const uint32_t * + n */
	FIELD_QUOTAS,     /* struct maybe_u64[QUOTA_COUNT]: a mapping of quota_names to numbers or null */
	FIELD_PATH_LISTS, /* struct location_list * + n: a mapping of text to a list of texts */
};

enum field_flags {
	FIELD_REQUIRED = 1 << 0,
	FIELD_NOT_EMPTY = 1 << 1, /* a list or text with at least one element */
	FIELD_GOVERNED = 1 << 2,  /* world: diff, goal check and staleness look at it (world.md section 1) */
	FIELD_IDENTITY = 1 << 3,
	FIELD_SECRET = 1 << 4,   /* censored on output */
	FIELD_OMIT = 1 << 5,     /* emitter: leave out when it is the default, unknown or empty */
	FIELD_NAME = 1 << 6,     /* text: a DNS-like name, at most 63 characters of [a-z0-9-] */
	FIELD_HAS_HEAD = 1 << 7, /* object, pointer, list: its struct starts with a struct head */
};

struct field {
	const char *key;
	enum field_type type;
	size_t at, n_at;    /* offset of the value, of its number of elements */
	uint64_t min, max;  /* inclusive; both 0: the type's own range */
	const char *preset; /* default as it would be written; NULL: none */
	unsigned flags;
	const struct names *names;  /* FIELD_ENUM; FIELD_TEXTS: the allowed words */
	const struct field *fields; /* rows of the inner object */
	size_t size;                /* sizeof the inner struct */
	const char *merge_key;      /* list: the key that identifies an item, for kustomize; also: must be unique */
	const char *refers;         /* text: kind whose metadata.name it refers to, for kustomize */
	const char *doc;            /* one sentence */
};

/* The offset of member 'm' of struct T, which must be of type 'want'. */
#define AT(T, m, want) \
	(offsetof(T, m) + 0 * sizeof(struct { \
		_Static_assert(_Generic(((T *)0)->m, want : 1, default : 0), "member has another type"); \
		char c; \
	}))

#define F_BOOL(T, m) .type = FIELD_BOOL, .at = AT(T, m, bool)
#define F_TRI(T, m) .type = FIELD_TRI, .at = AT(T, m, enum tristate)
#define F_U32(T, m) .type = FIELD_U32, .at = AT(T, m, uint32_t)
#define F_U64(T, m) .type = FIELD_U64, .at = AT(T, m, uint64_t)
#define F_MAYBE(T, m) .type = FIELD_MAYBE, .at = AT(T, m, struct maybe_u64)
#define F_SIZE(T, m) .type = FIELD_SIZE, .at = AT(T, m, struct maybe_u64)
#define F_TEXT(T, m) .type = FIELD_TEXT, .at = AT(T, m, const char *)
#define F_ENUM(T, m, E, table) .type = FIELD_ENUM, .at = AT(T, m, E), .names = &(table)
#define F_MAYBE_ENUM(T, m, table) .type = FIELD_MAYBE_ENUM, .at = AT(T, m, struct maybe_u64), .names = &(table)
#define F_DURATION(T, m) .type = FIELD_DURATION, .at = AT(T, m, uint32_t)
#define F_TIME(T, m) .type = FIELD_TIME, .at = AT(T, m, int64_t)
#define F_MAYBE_TIME(T, m) .type = FIELD_MAYBE_TIME, .at = AT(T, m, struct maybe_u64)
#define F_CLOCK(T, m) .type = FIELD_CLOCK, .at = AT(T, m, uint32_t)
#define F_SHARE(T, m) .type = FIELD_SHARE, .at = AT(T, m, struct share)
#define F_OBJECT(T, m, I, rows) .type = FIELD_OBJECT, .at = AT(T, m, I), .fields = rows, .size = sizeof(I)
#define F_POINTER(T, m, I, rows) .type = FIELD_POINTER, .at = AT(T, m, const I *), .fields = rows, .size = sizeof(I)
#define F_LIST(T, m, I, rows) \
	.type = FIELD_LIST, .at = AT(T, m, const I *), .n_at = AT(T, n_##m, uint32_t), .fields = rows, .size = sizeof(I)
#define F_TEXTS(T, m) .type = FIELD_TEXTS, .at = AT(T, m, const char *const *), .n_at = AT(T, n_##m, uint32_t)
#define F_NUMBERS(T, m) .type = FIELD_NUMBERS, .at = AT(T, m, const uint32_t *), .n_at = AT(T, n_##m, uint32_t)
#define F_PATH_LISTS(T, m) \
	.type = FIELD_PATH_LISTS, .at = AT(T, m, const struct location_list *), .n_at = AT(T, n_##m, uint32_t)
