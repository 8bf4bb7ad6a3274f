/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output that nobody has to wait for: what a pipe or a terminal does not take at once is kept, and written when it does.
 * So a pager that waits for a key, or a log collector that hangs, does not hold up whoever tells it something.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct outlet;

struct outlet *outlet_new(int fd);
/* NULL is accepted. What is still kept is lost. */
void outlet_free(struct outlet *outlet);

/* Takes all of it, and writes what can be written now. */
void outlet_put(struct outlet *outlet, const char *bytes, size_t n);
/* Waits until all is written, or until '*interrupts' is more than 'most' (NULL: for as long as it takes). */
void outlet_flush(struct outlet *outlet, const volatile int *interrupts, int most);
/* A write failed, for the reader went away or the disk is full; nothing is written from then on. */
bool outlet_has_failed(const struct outlet *outlet);
