/* SPDX-License-Identifier: Apache-2.0 */
#include "model/delta.h"

#include <glib.h>

/* A new entry for the object; the caller copies it in. */
static struct delta_entry *entry_new(struct delta *delta, enum delta_kind kind, uint32_t index)
{
	struct delta_entry *entry = &delta->entries[delta->n];

	for (uint32_t i = 0; i < delta->n; i++)
		if (delta->entries[i].kind == kind && delta->entries[i].index == index)
			g_error("object %u of kind %d is in a delta twice", index, kind);
	if (delta->n == DELTA_ENTRIES_MAX)
		g_error("a delta changes more than %d objects", DELTA_ENTRIES_MAX);
	delta->n++;
	entry->kind = kind;
	entry->index = index;
	return entry;
}

struct host *delta_host(struct delta *delta, const struct world *world, uint32_t index)
{
	struct delta_entry *entry = entry_new(delta, DELTA_HOST, index);

	entry->before.host = entry->after.host = world->hosts[index];
	return &entry->after.host;
}

struct gpu *delta_gpu(struct delta *delta, const struct world *world, uint32_t index)
{
	struct delta_entry *entry = entry_new(delta, DELTA_GPU, index);

	entry->before.gpu = entry->after.gpu = world->gpus[index];
	return &entry->after.gpu;
}

struct vm *delta_vm(struct delta *delta, const struct world *world, uint32_t index)
{
	struct delta_entry *entry = entry_new(delta, DELTA_VM, index);

	entry->before.vm = entry->after.vm = world->vms[index];
	return &entry->after.vm;
}

void delta_apply(struct world *world, const struct delta *delta)
{
	for (uint32_t i = 0; i < delta->n; i++) {
		const struct delta_entry *entry = &delta->entries[i];

		switch (entry->kind) {
		case DELTA_HOST:
			world->hosts[entry->index] = entry->after.host;
			break;
		case DELTA_GPU:
			world->gpus[entry->index] = entry->after.gpu;
			break;
		case DELTA_VM:
			world->vms[entry->index] = entry->after.vm;
			break;
		}
	}
}

void delta_undo(struct world *world, const struct delta *delta)
{
	for (uint32_t i = 0; i < delta->n; i++) {
		const struct delta_entry *entry = &delta->entries[i];

		switch (entry->kind) {
		case DELTA_HOST:
			world->hosts[entry->index] = entry->before.host;
			break;
		case DELTA_GPU:
			world->gpus[entry->index] = entry->before.gpu;
			break;
		case DELTA_VM:
			world->vms[entry->index] = entry->before.vm;
			break;
		}
	}
}
