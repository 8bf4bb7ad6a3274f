/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/alike.h"

#include <string.h>

/* What is alike has the same text. */
static void tell_vm(const struct alike_input *in, uint32_t index, GString *text)
{
	const struct world *world = in->input->observed;
	const struct vm *vm = &world->vms[index];
	g_string_append_printf(text, " vm %d %d %u %u %d %d", (int)vm->state, (int)vm->clustered, vm->n_adapters,
		vm->n_devices, vm->debt ? (int)vm->debt->power : -1,
		in->rules ? (int)in->rules->vm_ownership[index] : -1);
	for (uint32_t i = 0; i < vm->n_adapters; i++)
		g_string_append_printf(text, " %s", vm->adapters[i].pin ? vm->adapters[i].pin : "-");
	for (uint32_t i = 0; i < vm->n_devices; i++)
		g_string_append_printf(text, " %s", vm->devices[i].location_path ? vm->devices[i].location_path : "-");
}

static void tell_gpu(const struct alike_input *in, uint32_t index, GString *text)
{
	const struct gpu *gpu = &in->input->observed->gpus[index];
	g_string_append_printf(text, " gpu %d %d %s %s %d %" G_GUINT64_FORMAT,
		in->rules ? (int)in->rules->gpu_role[index] : -1, (int)gpu->state, gpu->device, gpu->subsystem,
		gpu->count.known, gpu->count.value);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Its GPUs, and its VMs in any order. */
static char *tell_host(const struct alike_input *in, uint32_t index)
{
	const struct world *world = in->input->observed;
	const struct host *host = &world->hosts[index];
	const struct spec_host *line = in->input->cluster ? cluster_find_host(in->input->cluster, host->name) : NULL;
	g_autoptr(GPtrArray) vms = g_ptr_array_new_with_free_func(g_free);
	GString *text = g_string_new(NULL);
	for (uint32_t i = 0; i < world->n_vms; i++) {
		g_autoptr(GString) vm = g_string_new(NULL);
		if (world->vms[i].host != index)
			continue;
		tell_vm(in, i, vm);
		g_ptr_array_add(vms, g_strdup(vm->str));
	}
	g_ptr_array_sort(vms, by_text);
	g_string_printf(text, "%d %d %d", line && line->maintenance, line && line->exclude, (int)host_node_state(host));
	for (uint32_t g = host->first_gpu; g < host->first_gpu + host->n_gpus; g++)
		tell_gpu(in, g, text);
	for (guint i = 0; i < vms->len; i++)
		g_string_append(text, vms->pdata[i]);
	return g_string_free(text, FALSE);
}

/* Per host: the first one that is like it. */
static uint32_t *alike_hosts(const struct alike_input *in)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	uint32_t *first = g_new0(uint32_t, in->input->observed->n_hosts + 1);
	for (uint32_t i = 0; i < in->input->observed->n_hosts; i++) {
		char *text = tell_host(in, i);
		gpointer value;
		first[i] = g_hash_table_lookup_extended(seen, text, NULL, &value) ? GPOINTER_TO_UINT(value) : i;
		g_hash_table_insert(seen, text, GUINT_TO_POINTER(first[i]));
	}
	return first;
}

static uint32_t steps_of_unit(const struct alike_input *in, uint32_t unit)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < in->n_steps; i++)
		n += in->steps[i].unit == unit;
	return n;
}

static char *tell_step(const struct alike_input *in, const uint32_t *alike, const struct step *step)
{
	GString *text = g_string_new(NULL);
	g_string_printf(text, "%d %u %d %u %s", (int)step->kind, alike[step->host], (int)step->cause,
		steps_of_unit(in, step->unit), step->to_host ? step->to_host : "-");
	if (step->vm != NO_INDEX)
		tell_vm(in, step->vm, text);
	if (step->gpu != NO_INDEX)
		tell_gpu(in, step->gpu, text);
	return g_string_free(text, FALSE);
}

GArray *alike_one_of_each(const struct alike_input *in)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree uint32_t *alike = alike_hosts(in);
	GArray *steps = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	for (uint32_t i = 0; i < in->n_steps; i++)
		if (g_hash_table_add(seen, tell_step(in, alike, &in->steps[i])))
			g_array_append_val(steps, i);
	return steps;
}
