/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/torture/monitor.h"

#include <string.h>

enum { DAY_S = 86400 };

static void say(struct monitor *monitor, const char *invariant, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Only the first: others follow from it. */
static void say(struct monitor *monitor, const char *invariant, const char *format, ...)
{
	if (monitor->broken)
		return;
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	monitor->broken = arena_printf(monitor->arena, "'%s' is broken: %s", invariant, text);
}

/* ---- looking things up ---- */

const struct vm *view_vm(const struct view *view, const char *id, uint32_t *host_out)
{
	for (uint32_t h = 0; h < view->n_states; h++)
		for (uint32_t v = 0; v < view->states[h].n_vms; v++)
			if (strcmp(view->states[h].vms[v].id, id) == 0) {
				*host_out = h;
				return &view->states[h].vms[v];
			}
	return NULL;
}

static bool is_up(const struct vm *vm)
{
	return vm->state != VM_OFF && vm->state != VM_SAVED;
}

bool match_selects(const struct spec_match *match, const struct gpu *gpu)
{
	return match && (!match->model || (gpu->name && g_ascii_strcasecmp(match->model, gpu->name) == 0)) &&
	       (!match->device || (gpu->device && g_ascii_strcasecmp(match->device, gpu->device) == 0)) &&
	       (!match->subsystem || (gpu->subsystem && g_ascii_strcasecmp(match->subsystem, gpu->subsystem) == 0));
}

static const struct spec_cluster *cluster_of(const struct monitor *monitor, const char *host)
{
	for (uint32_t c = 0; c < monitor->spec->n_clusters; c++)
		for (uint32_t h = 0; h < monitor->spec->clusters[c].n_hosts; h++)
			if (g_ascii_strcasecmp(monitor->spec->clusters[c].hosts[h].name, host) == 0)
				return &monitor->spec->clusters[c];
	return NULL;
}

static const struct spec_host *host_of(const struct spec_cluster *cluster, const char *host)
{
	for (uint32_t h = 0; cluster && h < cluster->n_hosts; h++)
		if (g_ascii_strcasecmp(cluster->hosts[h].name, host) == 0)
			return &cluster->hosts[h];
	return NULL;
}

static const struct gpu_group *partitioned(const struct spec_cluster *cluster)
{
	for (uint32_t g = 0; cluster && g < cluster->n_gpus; g++)
		if (cluster->gpus[g].partition_count.known)
			return &cluster->gpus[g];
	return NULL;
}

static bool is_selected(const struct spec_cluster *cluster, const struct gpu *gpu)
{
	bool is = false;
	for (uint32_t g = 0; cluster && g < cluster->n_gpus; g++)
		is |= match_selects(cluster->gpus[g].match, gpu);
	if (is || !cluster)
		return is;
	for (uint32_t g = 0; g < cluster->n_gpus; g++) { /* by location path */
		const struct spec_passthrough *whole = cluster->gpus[g].passthrough;
		for (uint32_t l = 0; whole && l < whole->n_location_paths; l++)
			for (uint32_t p = 0; p < whole->location_paths[l].n_paths; p++)
				is |= strcmp(whole->location_paths[l].paths[p], gpu->location_path) == 0;
	}
	return is;
}

static bool is_observed(const struct monitor *monitor, const char *host)
{
	for (uint32_t i = 0; i < monitor->simulation->n_unreachable; i++)
		if (g_ascii_strcasecmp(monitor->simulation->unreachable[i], host) == 0)
			return false;
	return !monitor->lost || strcmp(monitor->lost, host) != 0;
}

bool spec_manages(const struct spec *spec, const char *vm)
{
	for (uint32_t a = 0; a < spec->n_assignments; a++) {
		const struct spec_assignment *it = &spec->assignments[a];
		for (uint32_t v = 0; v < it->n_vms; v++)
			if (g_ascii_strcasecmp(it->vms[v].name, vm) == 0)
				return true;
		g_autofree char *name = g_ascii_strdown(vm, -1);
		g_autofree char *pattern = it->match ? g_ascii_strdown(it->match->name_pattern, -1) : NULL;
		if (pattern && g_pattern_match_simple(pattern, name))
			return true;
	}
	return false;
}

static bool is_ours(const struct monitor *monitor, const struct spec_cluster *cluster, const struct vm *vm)
{
	return cluster->prune && vm->record && g_strcmp0(vm->record->owner, monitor->owner) == 0 &&
	       g_strcmp0(vm->record->cluster, cluster->name) == 0;
}

/* ---- where partitions are ---- */

static uint32_t gpu_at(const struct host_state *host, const char *location_path)
{
	for (uint32_t g = 0; g < host->n_gpus; g++)
		if (strcmp(host->gpus[g].location_path, location_path) == 0)
			return g;
	return NO_INDEX;
}

static bool lists_partitions(const struct gpu *gpu)
{
	return gpu->state == GPU_PARTITIONABLE || gpu->state == GPU_PARAVIRTUALIZED;
}

static bool could_be_on(const struct host_state *host, const struct vm *vm, const struct adapter *adapter, uint32_t gpu)
{
	if (adapter->pin)
		return strcmp(adapter->pin, host->gpus[gpu].location_path) == 0;
	if (vm->state != VM_OFF && adapter->gpus)
		return adapter->gpus >> gpu & 1;
	return lists_partitions(&host->gpus[gpu]);
}

static bool has_adapter_on(const struct host_state *host, const struct vm *vm, uint32_t gpu)
{
	for (uint32_t a = 0; a < vm->n_adapters; a++)
		if (could_be_on(host, vm, &vm->adapters[a], gpu))
			return true;
	return false;
}

static bool is_pinned_to(const struct host_state *host, const struct vm *vm, uint32_t gpu)
{
	for (uint32_t a = 0; a < vm->n_adapters; a++)
		if (vm->adapters[a].pin && could_be_on(host, vm, &vm->adapters[a], gpu))
			return true;
	return false;
}

static bool carries_a_running_vm(const struct host_state *host, uint32_t gpu)
{
	for (uint32_t v = 0; v < host->n_vms; v++)
		if (is_up(&host->vms[v]) && has_adapter_on(host, &host->vms[v], gpu))
			return true;
	return false;
}

static const struct pool *pool_with(const struct host_state *host, const char *location_path)
{
	for (uint32_t p = 0; p < host->host.n_pools; p++)
		for (uint32_t m = 0; m < host->host.pools[p].n_members; m++)
			if (strcmp(host->host.pools[p].members[m], location_path) == 0)
				return &host->host.pools[p];
	return NULL;
}

static bool has_device(const struct vm *vm, const char *location_path)
{
	for (uint32_t d = 0; d < vm->n_devices; d++)
		if (g_strcmp0(vm->devices[d].location_path, location_path) == 0)
			return true;
	return false;
}

static uint32_t devices_of_pool(const struct vm *vm, const char *pool)
{
	uint32_t n = 0;
	for (uint32_t d = 0; d < vm->n_devices; d++)
		n += vm->devices[d].pool && g_ascii_strcasecmp(vm->devices[d].pool, pool) == 0;
	return n;
}

/* ---- homogeneous, aligned-start ---- */

/* 'what it came to' without disturbance tells which role a GPU has, and whether its change is refused. */
static const struct gpu *in_the_end(const struct monitor *monitor, const char *host, const char *location_path)
{
	const struct view *end = monitor->reference_end;
	for (uint32_t h = 0; end && h < end->n_states; h++) {
		uint32_t at =
			strcmp(end->states[h].host.name, host) ? NO_INDEX : gpu_at(&end->states[h], location_path);
		if (at != NO_INDEX)
			return &end->states[h].gpus[at];
	}
	return NULL;
}

static uint32_t n_dismounted(const struct host_state *host)
{
	uint32_t n = 0;
	for (uint32_t g = 0; g < host->n_gpus; g++)
		n += host->gpus[g].state == GPU_DISMOUNTED;
	return n;
}

/* It is, or could still become, the one that is passed through, in place of the one that was it without disturbance. */
static bool is_role_open(const struct monitor *monitor, const struct host_state *host, uint32_t gpu)
{
	const struct spec_cluster *cluster = cluster_of(monitor, host->host.name);
	bool is_candidate = false;
	uint32_t n_end = 0;
	for (uint32_t g = 0; g < cluster->n_gpus; g++)
		is_candidate |= cluster->gpus[g].passthrough && match_selects(cluster->gpus[g].match, &host->gpus[gpu]);
	for (uint32_t h = 0; h < monitor->reference_end->n_states; h++)
		if (strcmp(monitor->reference_end->states[h].host.name, host->host.name) == 0)
			n_end = n_dismounted(&monitor->reference_end->states[h]);
	uint32_t n_others = n_dismounted(host) - (host->gpus[gpu].state == GPU_DISMOUNTED);
	return is_candidate && n_others < n_end;
}

static bool is_in_play(const struct monitor *monitor, const struct host_state *host, uint32_t gpu)
{
	const struct gpu *it = &host->gpus[gpu];
	const struct spec_cluster *cluster = cluster_of(monitor, host->host.name);
	const struct gpu_group *group = partitioned(cluster);
	const struct spec_host *wanted = host_of(cluster, host->host.name);
	const struct gpu *end = in_the_end(monitor, host->host.name, it->location_path);
	return group && wanted && !wanted->exclude && end && is_observed(monitor, host->host.name) &&
	       match_selects(group->match, it) && end->state == GPU_PARTITIONABLE &&
	       (it->state == GPU_PARTITIONABLE || it->state == GPU_DISMOUNTED) && !is_role_open(monitor, host, gpu);
}

static bool lacks_host(const struct monitor *monitor, const struct spec_cluster *cluster)
{
	const struct spec_host *lost = monitor->is_unobserved ? host_of(cluster, monitor->lost) : NULL;
	return lost && !lost->maintenance && !lost->exclude;
}

static bool is_count_refused(const struct monitor *monitor, const struct gpu_group *group)
{
	g_autofree char *subject = g_strdup_printf("group/%s", group->name);
	return g_hash_table_contains(monitor->refused, subject);
}

static bool is_refused(const struct monitor *monitor, const struct host_state *host, uint32_t gpu)
{
	const struct spec_cluster *cluster = cluster_of(monitor, host->host.name);
	const struct gpu_group *group = partitioned(cluster);
	const struct gpu *end = in_the_end(monitor, host->host.name, host->gpus[gpu].location_path);
	bool stays = group && (lacks_host(monitor, cluster) || is_count_refused(monitor, group));
	const struct gpu *count_of = stays ? &host->gpus[gpu] : end;
	return !end || !group || !maybe_is(count_of->count, group->partition_count.value);
}

static bool differ(struct maybe_u64 a, struct maybe_u64 b)
{
	return !a.known || !b.known || a.value != b.value;
}

/* The set D, as "host/GPU". */
static GHashTable *mixed_of(const struct monitor *monitor, const struct view *view)
{
	GHashTable *mixed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (uint32_t h = 0; h < view->n_states; h++)
		for (uint32_t g = 0; g < view->states[h].n_gpus; g++) {
			const struct host_state *carrier = &view->states[h];
			if (!is_in_play(monitor, carrier, g) || is_refused(monitor, carrier, g) ||
				!carries_a_running_vm(carrier, g))
				continue;
			const char *cluster = cluster_of(monitor, carrier->host.name)->name;
			for (uint32_t i = 0; i < view->n_states; i++)
				for (uint32_t k = 0; k < view->states[i].n_gpus; k++) {
					const struct host_state *other = &view->states[i];
					if (&other->gpus[k] == &carrier->gpus[g] || !is_in_play(monitor, other, k) ||
						is_refused(monitor, other, k) ||
						strcmp(cluster_of(monitor, other->host.name)->name, cluster) ||
						!differ(other->gpus[k].count, carrier->gpus[g].count))
						continue;
					g_hash_table_add(mixed, g_strdup_printf("%s/%s", other->host.name,
									other->gpus[k].location_path));
				}
		}
	return mixed;
}

static bool is_rolling(const struct monitor *monitor, const char *host)
{
	const struct spec_cluster *cluster = cluster_of(monitor, host);
	return cluster && cluster->rollout.strategy == STRATEGY_ROLLING;
}

static bool differs_within(const struct monitor *monitor, const struct host_state *host)
{
	const struct gpu *first = NULL;
	for (uint32_t g = 0; g < host->n_gpus; g++) {
		bool is_waiting = host->gpus[g].state == GPU_DISMOUNTED; /* for its turn to be mounted */
		if (is_waiting || !is_in_play(monitor, host, g) || is_refused(monitor, host, g))
			continue;
		if (first && differ(first->count, host->gpus[g].count))
			return true;
		first = &host->gpus[g];
	}
	return false;
}

static void look_at_mixture(struct monitor *monitor, const struct view *before, const struct view *after)
{
	g_autoptr(GHashTable) was = mixed_of(monitor, before);
	g_autoptr(GHashTable) is = mixed_of(monitor, after);
	GHashTableIter iter;
	gpointer key;
	g_hash_table_iter_init(&iter, is);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		g_autofree char *host = g_strndup(key, strcspn(key, "/"));
		if (!g_hash_table_contains(was, key) && !is_rolling(monitor, host))
			say(monitor, "homogeneous", "GPU %s now differs from one that carries a running VM",
				(const char *)key);
	}
}

/* We hold the VM down, and it waits for this host: one that moves counts for neither (decision 8 of
 * docs/decisions/0009-rollout.md), and one whose start is refused waits for a person. */
static bool waits_for(const struct monitor *monitor, const struct host_state *host, const struct vm *vm)
{
	g_autofree char *subject = g_strdup_printf("host/%s/vm/%s", host->host.name, vm->name);
	return g_hash_table_contains(monitor->held, vm->id) && !g_hash_table_contains(monitor->moved, vm->id) &&
	       !g_hash_table_contains(monitor->refused, subject);
}

/* A VM of it is held down, or its own GPUs are not all alike. */
static bool is_being_changed(const struct monitor *monitor, const struct host_state *host)
{
	bool is = differs_within(monitor, host);
	for (uint32_t v = 0; v < host->n_vms; v++)
		is |= waits_for(monitor, host, &host->vms[v]);
	return is;
}

/* Hosts that were so from the beginning wait for their turn. */
static void look_at_hosts(struct monitor *monitor, const struct view *after)
{
	for (uint32_t c = 0; c < monitor->spec->n_clusters; c++) {
		const struct spec_cluster *cluster = &monitor->spec->clusters[c];
		uint32_t n = 0, n_new = 0;
		for (uint32_t h = 0; h < after->n_states && cluster->rollout.strategy == STRATEGY_ROLLING; h++) {
			const char *name = after->states[h].host.name;
			bool is = host_of(cluster, name) && is_observed(monitor, name) &&
				  is_being_changed(monitor, &after->states[h]);
			n += is;
			n_new += is && !g_hash_table_contains(monitor->mixed_hosts, name);
		}
		if (n_new && n > cluster->rollout.max_hosts)
			say(monitor, "homogeneous", "%u hosts are being changed, and maxHosts is %u", n,
				cluster->rollout.max_hosts);
	}
}

static void look_at_arrival(
	struct monitor *monitor, const struct view *after, const struct vm *was, const struct vm *vm, uint32_t host)
{
	const struct host_state *on = &after->states[host];
	bool is_owed = was->debt && was->debt->power != DEBT_POWER_NONE;
	bool is_going_back = monitor->is_on_way_back || monitor->is_restoring;
	monitor->is_availability |= monitor->is_lenient && is_going_back && is_owed;
	if (!vm->n_adapters || monitor->is_meddled || monitor->is_availability)
		return;
	g_autoptr(GHashTable) mixed = mixed_of(monitor, after);
	bool is_barred = is_rolling(monitor, on->host.name) && differs_within(monitor, on);
	for (uint32_t g = 0; g < on->n_gpus && !is_rolling(monitor, on->host.name); g++) {
		g_autofree char *key = g_strdup_printf("%s/%s", on->host.name, on->gpus[g].location_path);
		is_barred |= g_hash_table_contains(mixed, key);
	}
	if (is_barred)
		say(monitor, "aligned-start", "VM '%s' comes to %s, whose GPUs are not aligned", vm->name,
			on->host.name);
}

/* ---- GPUs ---- */

static void look_at_count(
	struct monitor *monitor, const struct view *before, const struct host_state *host, uint32_t gpu, uint64_t count)
{
	for (uint32_t v = 0; v < host->n_vms; v++)
		if (has_adapter_on(host, &host->vms[v], gpu))
			say(monitor, "drained",
				"the count of %s/%s changes, and VM '%s' has an adapter that could be on it",
				host->host.name, host->gpus[gpu].location_path, host->vms[v].name);
	if (is_rolling(monitor, host->host.name) || monitor->is_meddled || !is_in_play(monitor, host, gpu))
		return;
	for (uint32_t h = 0; h < before->n_states; h++)
		for (uint32_t g = 0; g < before->states[h].n_gpus; g++) {
			const struct host_state *other = &before->states[h];
			bool same = &other->gpus[g] == &host->gpus[gpu];
			if (!same && is_in_play(monitor, other, g) && !is_refused(monitor, other, g) &&
				carries_a_running_vm(other, g) &&
				cluster_of(monitor, other->host.name) == cluster_of(monitor, host->host.name) &&
				!maybe_is(other->gpus[g].count, count))
				say(monitor, "homogeneous",
					"%s/%s goes to %u, and %s/%s carries a VM with another count", host->host.name,
					host->gpus[gpu].location_path, (uint32_t)count, other->host.name,
					other->gpus[g].location_path);
		}
}

static void look_at_dismount(struct monitor *monitor, const struct host_state *host, uint32_t gpu)
{
	for (uint32_t v = 0; v < host->n_vms; v++) {
		const struct vm *vm = &host->vms[v];
		if ((vm->state != VM_OFF && has_adapter_on(host, vm, gpu)) || is_pinned_to(host, vm, gpu))
			say(monitor, "exclusive", "%s/%s is dismounted, and an adapter of VM '%s' could be on it",
				host->host.name, host->gpus[gpu].location_path, vm->name);
	}
}

/* It is mounted, or leaves its pool. */
static void look_at_release(struct monitor *monitor, const struct host_state *host, uint32_t gpu)
{
	const char *path = host->gpus[gpu].location_path;
	const struct pool *pool = pool_with(host, path);
	uint32_t n = 0;
	for (uint32_t v = 0; v < host->n_vms; v++) {
		const struct vm *vm = &host->vms[v];
		uint32_t of_pool = pool ? devices_of_pool(vm, pool->name) : 0;
		n += of_pool;
		if (has_device(vm, path) || (vm->state != VM_OFF && of_pool))
			say(monitor, "exclusive", "%s/%s is given up, and VM '%s' has it or could have it",
				host->host.name, path, vm->name);
	}
	if (pool && n > pool->n_members - 1)
		say(monitor, "exclusive", "%s/%s leaves pool '%s', which covers its %u devices no more",
			host->host.name, path, pool->name, n);
}

static void look_at_gpu(
	struct monitor *monitor, const struct view *before, uint32_t h, uint32_t g, const struct host_state *after)
{
	const struct host_state *host = &before->states[h];
	const struct gpu *was = &host->gpus[g], *is = &after->gpus[g];
	bool was_member = pool_with(host, was->location_path), is_member = pool_with(after, is->location_path);
	bool is_same_count = was->count.known == is->count.known && was->count.value == is->count.value;
	if (was->state == is->state && is_same_count && was_member == is_member)
		return;
	const struct spec_cluster *cluster = cluster_of(monitor, host->host.name);
	const struct spec_host *wanted = host_of(cluster, host->host.name);
	if (!is_selected(cluster, was) || !wanted || wanted->exclude)
		say(monitor, "ownership", "%s/%s is changed, and no manifest selects it", host->host.name,
			was->location_path);
	monitor->n_role_changes += was->state != is->state;
	if (was->state == is->state && !is_same_count)
		look_at_count(monitor, before, host, g, is->count.value);
	if (was->state != is->state && is->state == GPU_DISMOUNTED)
		look_at_dismount(monitor, host, g);
	else if (was->state != is->state || (was_member && !is_member))
		look_at_release(monitor, host, g);
}

/* ---- VMs ---- */

static bool same_adapters(const struct vm *a, const struct vm *b)
{
	if (a->n_adapters != b->n_adapters || a->n_devices != b->n_devices)
		return false;
	for (uint32_t i = 0; i < a->n_adapters; i++)
		if (g_strcmp0(a->adapters[i].id, b->adapters[i].id) ||
			g_strcmp0(a->adapters[i].pin, b->adapters[i].pin))
			return false;
	for (uint32_t i = 0; i < a->n_devices; i++)
		if (g_strcmp0(a->devices[i].pool, b->devices[i].pool) ||
			g_strcmp0(a->devices[i].location_path, b->devices[i].location_path))
			return false;
	return true;
}

static bool same_settings_that_need_off(const struct vm *a, const struct vm *b)
{
	return a->cache_control == b->cache_control && maybe_equal(a->mmio_low_bytes, b->mmio_low_bytes) &&
	       maybe_equal(a->mmio_high_bytes, b->mmio_high_bytes);
}

static bool same_live_settings(const struct vm *a, const struct vm *b)
{
	return a->automatic_checkpoints == b->automatic_checkpoints && a->stop_action == b->stop_action &&
	       maybe_equal(a->offline_action, b->offline_action);
}

static void look_at_owner(struct monitor *monitor, const struct vm *was, const char *host)
{
	const struct spec_cluster *cluster = cluster_of(monitor, host);
	const struct spec_host *wanted = host_of(cluster, host);
	if (was->debt || monitor->is_meddled ||
		g_hash_table_contains(monitor->held, was->id)) /* who was taken down may be brought back */
		return;
	if (!wanted || wanted->exclude)
		say(monitor, "ownership", "VM '%s' is on %s, which is left alone", was->name, host);
	else if (!spec_manages(monitor->spec, was->name) && !is_ours(monitor, cluster, was) &&
		 (cluster->unmanaged == UNMANAGED_REPORT || (!was->n_adapters && !was->n_devices)))
		say(monitor, "ownership", "VM '%s' is touched, and no manifest manages it", was->name);
}

static void look_at_gain(struct monitor *monitor, const struct vm *was, const struct vm *is, const char *host)
{
	const struct spec_cluster *cluster = cluster_of(monitor, host);
	if (!cluster || monitor->is_meddled || !spec_manages(monitor->spec, was->name))
		return;
	if (is->n_adapters > was->n_adapters && is->n_adapters > cluster->max_partitions_per_vm && !was->debt)
		say(monitor, "one-partition", "VM '%s' comes to have %u partitions", is->name, is->n_adapters);
	if ((is->n_adapters > was->n_adapters || is->n_devices > was->n_devices) && is->n_adapters && is->n_devices)
		say(monitor, "one-partition", "VM '%s' comes to have a partition and a whole GPU", is->name);
}

/* VMs of the cluster that a percentage is of: design.md section 6, 'budget'. */
static uint32_t allowed_down(const struct monitor *monitor, const struct spec_cluster *cluster)
{
	uint32_t n = 0;
	const struct share *share = &cluster->rollout.max_unavailable;
	if (!share->set)
		return UINT32_MAX;
	for (uint32_t h = 0; h < monitor->start.n_states; h++) {
		const struct host_state *host = &monitor->start.states[h];
		for (uint32_t v = 0; v < host->n_vms && host_of(cluster, host->host.name); v++) {
			const struct vm *vm = &host->vms[v];
			bool is_subject = spec_manages(monitor->spec, vm->name) || is_ours(monitor, cluster, vm) ||
					  (cluster->unmanaged != UNMANAGED_REPORT && (vm->n_adapters || vm->n_devices));
			bool was_owed = vm->debt && vm->debt->power == DEBT_POWER_STOPPED;
			n += (is_subject && is_up(vm)) || was_owed;
		}
	}
	if (!share->percent)
		return share->value;
	uint32_t allowed = n * share->value / 100;
	return share->value && !allowed ? 1 : allowed;
}

static uint32_t n_held_of(const struct monitor *monitor, const struct view *view, const struct spec_cluster *cluster)
{
	uint32_t n = 0;
	for (uint32_t h = 0; h < view->n_states; h++)
		for (uint32_t v = 0; v < view->states[h].n_vms && host_of(cluster, view->states[h].host.name) &&
				     is_observed(monitor, view->states[h].host.name);
			v++)
			n += g_hash_table_contains(monitor->held, view->states[h].vms[v].id);
	return n;
}

static void look_at_stop(
	struct monitor *monitor, const struct view *after, const struct vm *vm, const char *host, const char *run)
{
	const struct spec_cluster *cluster = cluster_of(monitor, host);
	g_autofree char *key = g_strdup_printf("%s %s", run ? run : "", vm->id);
	monitor->n_stops++;
	g_hash_table_add(monitor->held, arena_strdup(monitor->arena, vm->id));
	if (g_hash_table_contains(monitor->stops, key) && !(monitor->is_lenient && monitor->is_disturbed))
		say(monitor, "once", "VM '%s' is stopped twice in one run", vm->name);
	g_hash_table_add(monitor->stops, g_steal_pointer(&key));
	if (monitor->window_is_shut)
		say(monitor, "window", "VM '%s' is stopped outside of all windows", vm->name);
	uint32_t allowed = cluster ? allowed_down(monitor, cluster) : 0;
	if (cluster && n_held_of(monitor, after, cluster) > allowed)
		say(monitor, "budget", "VM '%s' is stopped as number %u, and %u may be down", vm->name,
			n_held_of(monitor, after, cluster), allowed);
}

static void look_at_vm(struct monitor *monitor, const struct view *before, const struct view *after,
	const struct vm *was, uint32_t host, const char *run)
{
	uint32_t to, at = (uint32_t)(was - before->states[host].vms);
	if (at < after->states[host].n_vms && memcmp(was, &after->states[host].vms[at], sizeof(*was)) == 0)
		return;
	const struct vm *is = view_vm(after, was->id, &to);
	const char *name = before->states[host].host.name;
	if (!is) {
		say(monitor, "ownership", "VM '%s' is gone", was->name);
		return;
	}
	bool stays_off = was->state == VM_OFF && is->state == VM_OFF;
	if (was->state == is->state && same_adapters(was, is) && same_settings_that_need_off(was, is) &&
		same_live_settings(was, is) && to == host)
		return;
	look_at_owner(monitor, was, name);
	monitor->n_moves += to != host;
	if (to != host && !is_up(was))
		g_hash_table_add(monitor->moved, arena_strdup(monitor->arena, was->id));
	monitor->n_removed += is->n_adapters < was->n_adapters || is->n_devices < was->n_devices;
	if ((!same_adapters(was, is) || !same_settings_that_need_off(was, is)) && !stays_off)
		say(monitor, "vm-off", "VM '%s' is changed while it is %s", was->name,
			name_of(&vm_state_names, was->state));
	look_at_gain(monitor, was, is, name);
	if (is_up(was) && !is_up(is))
		look_at_stop(monitor, after, is, name, run);
	if (!is_up(was) && is_up(is)) {
		monitor->n_starts++;
		g_hash_table_remove(monitor->held, is->id);
		g_hash_table_remove(monitor->moved, is->id);
	}
	if ((!is_up(was) && is_up(is)) || to != host)
		look_at_arrival(monitor, after, was, is, to);
}

/* ---- capacity, and exclusive as a state ---- */

static void look_at_load(struct monitor *monitor, const struct host_state *host, const struct host_state *was)
{
	for (uint32_t g = 0; g < host->n_gpus; g++) {
		const struct gpu *gpu = &host->gpus[g];
		uint32_t n = 0, n_before = 0;
		for (uint32_t v = 0; v < host->n_vms; v++)
			for (uint32_t a = 0; a < host->vms[v].n_adapters && is_up(&host->vms[v]); a++)
				n += host->vms[v].adapters[a].gpus == (uint64_t)1 << g;
		for (uint32_t v = 0; v < was->n_vms; v++)
			for (uint32_t a = 0; a < was->vms[v].n_adapters && is_up(&was->vms[v]); a++)
				n_before += was->vms[v].adapters[a].gpus == (uint64_t)1 << g;
		if (n && gpu->state == GPU_DISMOUNTED && was->gpus[g].state != GPU_DISMOUNTED)
			say(monitor, "exclusive", "%s/%s is dismounted and carries a VM", host->host.name,
				gpu->location_path);
		if (gpu->count.known && n > gpu->count.value &&
			(n > n_before || gpu->count.value < was->gpus[g].count.value))
			say(monitor, "capacity", "%s/%s has %u partitions and carries %u", host->host.name,
				gpu->location_path, (uint32_t)gpu->count.value, n);
	}
}

static void look_at_pools(struct monitor *monitor, const struct host_state *host, const struct host_state *was)
{
	for (uint32_t p = 0; p < host->host.n_pools; p++) {
		const struct pool *pool = &host->host.pools[p];
		uint32_t n = 0, n_before = 0;
		for (uint32_t v = 0; v < host->n_vms; v++)
			n += is_up(&host->vms[v]) ? devices_of_pool(&host->vms[v], pool->name) : 0;
		for (uint32_t v = 0; v < was->n_vms; v++)
			n_before += is_up(&was->vms[v]) ? devices_of_pool(&was->vms[v], pool->name) : 0;
		if (n > pool->n_members && n > n_before)
			say(monitor, "capacity", "pool '%s' of %s has %u members, and running VMs have %u", pool->name,
				host->host.name, pool->n_members, n);
	}
}

/* ---- a call ---- */

void monitor_begin(struct monitor *monitor)
{
	monitor->held = g_hash_table_new(g_str_hash, g_str_equal);
	monitor->moved = g_hash_table_new(g_str_hash, g_str_equal);
	monitor->stops = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (uint32_t h = 0; h < monitor->start.n_states; h++)
		for (uint32_t v = 0; v < monitor->start.states[h].n_vms; v++) {
			const struct vm *vm = &monitor->start.states[h].vms[v];
			const struct debt *debt = vm->debt;
			if (debt && debt->power == DEBT_POWER_STOPPED && !is_up(vm) &&
				maybe_equal(debt->state_change, vm->state_change))
				g_hash_table_add(monitor->held, (gpointer)vm->id);
		}
	monitor->mixed_hosts = g_hash_table_new(g_str_hash, g_str_equal);
	monitor_run_begins(monitor);
}

void monitor_run_begins(struct monitor *monitor)
{
	monitor->is_meddled = monitor->is_on_way_back = monitor->is_restoring = monitor->is_disturbed = false;
	monitor->is_unobserved = monitor->is_lenient = false;
	monitor->lost = NULL;
}

void monitor_run_acts(struct monitor *monitor, const struct view *now)
{
	g_hash_table_remove_all(monitor->mixed_hosts);
	for (uint32_t h = 0; h < now->n_states; h++)
		if (is_being_changed(monitor, &now->states[h]))
			g_hash_table_add(monitor->mixed_hosts, (gpointer)now->states[h].host.name);
}

void monitor_end(struct monitor *monitor)
{
	g_hash_table_unref(monitor->held);
	g_hash_table_unref(monitor->moved);
	g_hash_table_unref(monitor->stops);
	g_hash_table_unref(monitor->mixed_hosts);
}

static bool is_as_before(const struct view *before, const struct view *after)
{
	for (uint32_t h = 0; h < before->n_states; h++) {
		const struct host_state *a = &before->states[h], *b = &after->states[h];
		if (a->n_vms != b->n_vms || memcmp(a->vms, b->vms, a->n_vms * sizeof(*a->vms)) ||
			memcmp(a->gpus, b->gpus, a->n_gpus * sizeof(*a->gpus)) || a->host.pools != b->host.pools)
			return false;
	}
	return true;
}

void monitor_see(struct monitor *monitor, const struct view *before, const struct view *after, const char *run)
{
	if (is_as_before(before, after))
		return;
	monitor->is_availability = false;
	for (uint32_t h = 0; h < before->n_states; h++) {
		for (uint32_t g = 0; g < before->states[h].n_gpus; g++)
			look_at_gpu(monitor, before, h, g, &after->states[h]);
		for (uint32_t v = 0; v < before->states[h].n_vms; v++)
			look_at_vm(monitor, before, after, &before->states[h].vms[v], h, run);
		look_at_load(monitor, &after->states[h], &before->states[h]);
		look_at_pools(monitor, &after->states[h], &before->states[h]);
	}
	if (!monitor->is_meddled && !monitor->is_availability)
		look_at_mixture(monitor, before, after);
	if (!monitor->is_meddled && !monitor->is_on_way_back)
		look_at_hosts(monitor, after);
}

/* Who was started by somebody else, or is owed nothing any more, is not held by us. */
void monitor_see_others(struct monitor *monitor, const struct view *after)
{
	for (uint32_t h = 0; h < after->n_states; h++)
		for (uint32_t v = 0; v < after->states[h].n_vms; v++)
			if (is_up(&after->states[h].vms[v]) || !after->states[h].vms[v].debt)
				g_hash_table_remove(monitor->held, after->states[h].vms[v].id);
}
