/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka, with the headers that it wants before itself. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
