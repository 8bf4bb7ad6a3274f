/* SPDX-License-Identifier: Apache-2.0 */
/* Partition counts that could be chosen instead: for refusals and findings that name the counts that would do. */
#pragma once
#include "reconcile/wants.h"

enum { PARTITION_COUNT_MAX = 64 }; /* the range of `partitionCount`, schema/kind_cluster.c */

typedef bool count_fits_fn(uint32_t count, const void *user);

/* "4, 8, 16": the counts that every GPU of the partitioned group lists (a GPU whose change is refused aside) and that
 * 'fits' accepts; "none". */
const char *counts_that(const struct wants *wants, count_fits_fn *fits, const void *user);

/* The partitions that 'host' offers in the goal; 'count' stands in for that of the partitioned group's GPUs when it is
 * not 0. '*known' becomes false when a GPU's count is not known. */
uint64_t counts_offered(
	const struct wants *wants, const struct world *goal, uint32_t host, uint64_t count, bool *known);
