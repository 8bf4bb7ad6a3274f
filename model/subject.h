/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of objects of a world, as findings, violations and plans write them. */
#pragma once
#include "model/world.h"

char *subject_host(struct arena *arena, const struct world *world, uint32_t host); /* "host/hv01" */
char *subject_gpu(struct arena *arena, const struct world *world, uint32_t gpu);   /* "host/hv01/gpu/PCIROOT(0)#…" */
char *subject_vm(struct arena *arena, const struct world *world, uint32_t vm);     /* "host/hv01/vm/vdi-001" */
char *subject_pool(struct arena *arena, const struct world *world, uint32_t host, const char *pool);
