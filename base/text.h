/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions about text: what it looks like, what was meant, how names are compared. All text is valid UTF-8 and ends
 * with a NUL. Nothing here allocates what the caller has to free.
 */
#pragma once
#include "base/arena.h"
#include "base/names.h"

#include <stdbool.h>
#include <stddef.h>

/* As one word of a shell command: quoted in 'arena' where it has blanks, quotes and the like. */
const char *text_shell_word(struct arena *arena, const char *word);

/* The one of 'words' that a person who wrote 'word' most likely meant, for "did you mean": case does not count, and one
 * edit (insert, delete, replace, swap of neighbours) is forgiven, and one more for every four characters. NULL: none is
 * near. Of equals the first wins. */
const char *text_nearest(const char *word, const char *const *words, size_t n_words);
const char *text_nearest_name(const char *word, const struct names *names);
/* The same for names of things, as the end of a message in 'arena': "; did you mean 'vdi-001'?". "": none is near. Names that
 * differ in the value of a number alone are brothers, like hv01 and hv02, and no slips. */
const char *text_meant(struct arena *arena, const char *word, const char *const *words, size_t n_words);

/* Edits between two texts, case aside; 'limit' + 1 where there are more than 'limit'. Of long texts (over 64
 * characters) only equality is seen. */
unsigned text_distance(const char *a, const char *b, unsigned limit);

/* Does the whole text match the glob? '*' is any text, '?' one character. '_fold': case aside, as Hyper-V compares
 * names of VMs and hosts. */
bool text_glob(const char *pattern, const char *text);
bool text_glob_fold(const char *pattern, const char *text);

/* Equal, case aside. */
bool text_equal_fold(const char *a, const char *b);

/* Order for people: case aside and numbers by value, so that hv2 < HV10; equal only for the same bytes. */
int text_compare(const char *a, const char *b);

/* Columns on a terminal: wide characters take two, combining ones none. '_n': of the first 'size' bytes. */
unsigned text_width(const char *text);
unsigned text_width_n(const char *text, size_t size);

/* A name as manifests have them: 1 to 63 of [a-z0-9-], neither first nor last a '-'. */
bool text_is_name(const char *text);
