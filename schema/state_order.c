/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/state_order.h"

#include <string.h>

static int text_order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int number_order(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	return left < right ? -1 : left > right;
}

static int pool_order(const void *a, const void *b)
{
	return strcmp(((const struct pool *)a)->name, ((const struct pool *)b)->name);
}

static int gpu_order(const void *a, const void *b)
{
	return strcmp(((const struct gpu *)a)->location_path, ((const struct gpu *)b)->location_path);
}

/* What was just decoded is ours alone, so its arrays may still be changed in place. */
static void sort(const void *items, size_t n, size_t size, int (*order)(const void *, const void *))
{
	for (size_t i = 1; i < n; i++)
		if (order((const char *)items + (i - 1) * size, (const char *)items + i * size) > 0) {
			qsort((void *)items, n, size, order);
			return;
		}
}

static struct loc loc_under(const struct document *document, const struct node *node, const char *key)
{
	const struct node *value = node ? node_get(node, key) : NULL;
	return node_loc(document, value ? value : node ? node : document->root);
}

/* ---- GPUs ---- */

/* Four hexadecimal digits behind 'mark', as a text in upper case, or false. */
static bool hex4_after(const char *text, const char *mark, size_t skip, char out[5])
{
	size_t len = strlen(mark);
	for (; *text; text++) {
		if (g_ascii_strncasecmp(text, mark, len) != 0)
			continue;
		for (size_t i = 0; i < len + skip + 4; i++)
			if (!text[i] || (i >= len && !g_ascii_isxdigit(text[i])))
				return false;
		for (size_t i = 0; i < 4; i++)
			out[i] = g_ascii_toupper(text[len + skip + i]);
		out[4] = 0;
		return true;
	}
	return false;
}

/* "PCI\VEN_10DE&DEV_25B6&SUBSYS_157E10DE&REV_A1\…", or the same with '#': the device is 10DE:25B6 and the subsystem,
 * whose vendor stands last, 10DE:157E. */
static void derive_ids(struct arena *arena, const struct node *node, struct gpu *gpu)
{
	char vendor[5], device[5];
	if (!gpu->instance_id)
		return;
	if (!gpu->device && !node_get(node, "device") && hex4_after(gpu->instance_id, "VEN_", 0, vendor) &&
		hex4_after(gpu->instance_id, "DEV_", 0, device))
		gpu->device = arena_printf(arena, "%s:%s", vendor, device);
	if (!gpu->subsystem && !node_get(node, "subsystem") && hex4_after(gpu->instance_id, "SUBSYS_", 4, vendor) &&
		hex4_after(gpu->instance_id, "SUBSYS_", 0, device))
		gpu->subsystem = arena_printf(arena, "%s:%s", vendor, device);
}

static void order_counts(struct gpu *gpu)
{
	uint32_t *counts = (uint32_t *)gpu->valid_counts, n = 0;
	sort(counts, gpu->n_valid_counts, sizeof(*counts), number_order);
	for (uint32_t i = 0; i < gpu->n_valid_counts; i++)
		if (n == 0 || counts[n - 1] != counts[i])
			counts[n++] = counts[i];
	gpu->n_valid_counts = n;
}

static int order_gpus(struct arena *arena, const struct document *document, const struct node *list,
	struct host_state *state, struct diags *diags)
{
	int result = 0;
	const struct node *node = list ? list->first : NULL;
	for (uint32_t i = 0; i < state->n_gpus && node; i++, node = node->next) {
		if (!state->gpus[i].device || !state->gpus[i].subsystem)
			derive_ids(arena, node, &state->gpus[i]);
		order_counts(&state->gpus[i]);
	}
	sort(state->gpus, state->n_gpus, sizeof(*state->gpus), gpu_order);
	if (state->n_gpus > GPUS_PER_HOST_MAX)
		result = diag_add(diags, D_WORLD_FILE, node_loc(document, list), NULL,
			"host '%s' has %u GPUs, and at most %d can be managed", state->host.name, state->n_gpus,
			GPUS_PER_HOST_MAX);
	for (uint32_t i = 1; i < state->n_gpus; i++)
		if (gpu_order(&state->gpus[i - 1], &state->gpus[i]) == 0)
			result = diag_add(diags, D_WORLD_FILE, node_loc(document, list), NULL,
				"host '%s' has two GPUs at '%s'; a location path stands for one", state->host.name,
				state->gpus[i].location_path);
	return result;
}

/* ---- VMs ---- */

/* Hand-written files may leave the id out. One that is made from host and VM name stays the same from run to run. */
static const char *made_id(struct arena *arena, const char *host, const char *name)
{
	g_autofree char *both = g_strdup_printf("%s\n%s", host, name);
	g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, both, -1);
	return arena_printf(arena, "%.8s-%.4s-%.4s-%.4s-%.12s", hash, hash + 8, hash + 12, hash + 16, hash + 20);
}

static void derive_pins(const struct node *list, const struct adapter *adapters, uint32_t n)
{
	const struct node *node = list ? list->first : NULL;
	for (uint32_t i = 0; i < n && node; i++, node = node->next) {
		struct adapter *adapter = (struct adapter *)&adapters[i];
		if (adapter->pinned == TRI_UNKNOWN && !node_get(node, "pinned"))
			adapter->pinned = adapter->pin ? TRI_YES : TRI_NO;
	}
}

static int find_gpus(const struct document *document, const struct node *node, const struct host_state *state,
	struct adapter *adapter, struct diags *diags)
{
	int result = 0;
	for (uint32_t i = 0; i < adapter->n_gpu_paths; i++) {
		struct gpu key = { .location_path = adapter->gpu_paths[i] };
		const struct gpu *gpu =
			state->n_gpus ? bsearch(&key, state->gpus, state->n_gpus, sizeof(key), gpu_order) : NULL;
		if (gpu && gpu - state->gpus < GPUS_PER_HOST_MAX)
			adapter->gpus |= 1ull << (gpu - state->gpus);
		else
			result = diag_add(diags, D_WORLD_FILE, loc_under(document, node, "gpus"), NULL,
				"host '%s' has no GPU '%s'; list it under gpus, or correct the location path",
				state->host.name, adapter->gpu_paths[i]);
	}
	adapter->gpu_paths = NULL; /* the mask tells it from here on */
	adapter->n_gpu_paths = 0;
	return result;
}

static int order_adapters(struct arena *arena, const struct document *document, const struct node *vm_node,
	const struct host_state *state, struct vm *vm, struct diags *diags)
{
	int result = 0;
	const struct node *list = node_get(vm_node, "adapters");
	const struct node *node = list ? list->first : NULL;
	derive_pins(list, vm->adapters, vm->n_adapters);
	for (uint32_t i = 0; i < vm->n_adapters && node; i++, node = node->next) {
		struct adapter *adapter = (struct adapter *)&vm->adapters[i];
		/* Without an id it would be one that is yet to be added. */
		if (!adapter->id && !node_get(node, "id"))
			adapter->id = arena_printf(arena, "Microsoft:%s\\%u", vm->id, i);
		if (find_gpus(document, node, state, adapter, diags) < 0)
			result = -1;
	}
	return result;
}

static int check_devices(const struct document *document, const struct node *list, const struct device *devices,
	uint32_t n, struct diags *diags)
{
	int result = 0;
	const struct node *node = list ? list->first : NULL;
	for (uint32_t i = 0; i < n && node; i++, node = node->next)
		if (!devices[i].location_path == !devices[i].pool)
			result = diag_add(diags, D_ONE_OF, node_loc(document, node), NULL,
				"a device has exactly one of 'locationPath' and 'pool'");
	return result;
}

static int order_debt(
	const struct document *document, const struct node *vm_node, const struct debt *debt, struct diags *diags)
{
	const struct node *node = node_get(vm_node, "debt");
	derive_pins(node_get(node, "adapters"), debt->adapters, debt->n_adapters);
	for (uint32_t i = 0; i < debt->n_adapters; i++) {
		struct adapter *adapter = (struct adapter *)&debt->adapters[i];
		adapter->gpu_paths = NULL; /* what was taken away is on no GPU */
		adapter->n_gpu_paths = 0;
	}
	return check_devices(document, node_get(node, "devices"), debt->devices, debt->n_devices, diags);
}

static int order_vm(struct arena *arena, const struct document *document, const struct node *node,
	const struct host_state *state, struct vm *vm, struct diags *diags)
{
	int result = 0;
	if (!vm->id)
		vm->id = made_id(arena, state->host.name, vm->name);
	if (vm->clustered == TRI_UNKNOWN && !state->host.cluster_name && !node_get(node, "clustered"))
		vm->clustered = TRI_NO;
	if (vm->n_adapters && order_adapters(arena, document, node, state, vm, diags) < 0)
		result = -1;
	if (vm->n_devices && check_devices(document, node_get(node, "devices"), vm->devices, vm->n_devices, diags) < 0)
		result = -1;
	if (vm->debt && order_debt(document, node, vm->debt, diags) < 0)
		result = -1;
	return result;
}

static int check_ids(
	const struct document *document, const struct node *list, const struct host_state *state, struct diags *diags)
{
	int result = 0;
	g_autofree const char **ids = g_new(const char *, state->n_vms + 1);
	for (uint32_t i = 0; i < state->n_vms; i++)
		ids[i] = state->vms[i].id;
	sort(ids, state->n_vms, sizeof(*ids), text_order);
	for (uint32_t i = 1; i < state->n_vms; i++)
		if (strcmp(ids[i - 1], ids[i]) == 0)
			result = diag_add(diags, D_WORLD_FILE, node_loc(document, list), NULL,
				"host '%s' has two VMs of id '%s'; give VMs of one name an id each", state->host.name,
				ids[i]);
	return result;
}

/* ---- the host ---- */

static int order_pools(const struct document *document, struct host_state *state, struct diags *diags)
{
	int result = 0;
	sort(state->host.pools, state->host.n_pools, sizeof(struct pool), pool_order);
	for (uint32_t i = 0; i < state->host.n_pools; i++) {
		const struct pool *pool = &state->host.pools[i];
		sort(pool->members, pool->n_members, sizeof(*pool->members), text_order);
		if (i > 0 && pool_order(pool - 1, pool) == 0)
			result = diag_add(diags, D_WORLD_FILE, node_loc(document, document->root), NULL,
				"host '%s' has two pools '%s'", state->host.name, pool->name);
	}
	return result;
}

int state_put_in_order(
	struct arena *arena, const struct document *document, struct host_state *state, struct diags *diags)
{
	const struct node *spec = node_get(document->root, "spec");
	const struct node *gpus = node_get(spec, "gpus"), *vms = node_get(spec, "virtualMachines");
	int result = order_pools(document, state, diags);
	if (order_gpus(arena, document, gpus, state, diags) < 0)
		result = -1;
	const struct node *node = vms ? vms->first : NULL;
	for (uint32_t i = 0; i < state->n_vms && node; i++, node = node->next)
		if (order_vm(arena, document, node, state, &state->vms[i], diags) < 0)
			result = -1;
	if (state->n_vms > 1 && check_ids(document, vms, state, diags) < 0)
		result = -1;
	return result;
}
