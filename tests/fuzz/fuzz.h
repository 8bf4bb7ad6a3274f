/* SPDX-License-Identifier: Apache-2.0 */
/* What libFuzzer and driver.c call: any bytes are an input, and nothing but a crash is a failure. */
#pragma once
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
