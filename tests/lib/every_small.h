/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All small worlds of a size with all specs, one of each symmetry class: worlds that differ in the names of hosts, of
 * the GPUs of a host, or of like VMs alone are one. 'unmanaged' matters only where there is such a VM.
 */
#pragma once
#include "tests/lib/small.h"

struct every_size {
	uint8_t n_hosts, n_gpus, n_vms;
};

typedef void every_small_fn(const struct small *small, void *user);

/* Calls 'each' for number 'first', first + 'stride', ... of them. Returns how many there are in all. */
uint64_t every_small(struct every_size size, uint64_t first, uint64_t stride, every_small_fn *each, void *user);
