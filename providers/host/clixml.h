/* SPDX-License-Identifier: Apache-2.0 */
/* CLIXML: what Windows PowerShell writes to a standard error that is no console: objects as XML, one per stream record. */
#pragma once
#include <stddef.h>

/* What a host says on standard error, as text for people: CLIXML's error and warning records decoded, its progress and other
 * records left out, all else as it is. Valid UTF-8, without control characters but line feeds, without blanks at the
 * ends; "" for nothing. To be freed. */
char *clixml_words(const char *bytes, size_t n_bytes);
