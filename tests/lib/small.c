/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/small.h"

#include "schema/load.h"

#include <stdio.h>
#include <string.h>

#define SMALL_NOW ((int64_t)1790000000)
#define SMALL_OWNER "example.com/ops/gpu"
static const char owner_letters[] = "pwou", power_letters[] = "ORS", gpu_letters[] = "124dqx";
static const uint32_t small_counts[] = { 1, 2, 4 };

/* ---- what can be ---- */

static bool offers(const struct small *small, uint32_t host, uint32_t gpu)
{
	return small->gpus[host][gpu] <= SMALL_4;
}

static bool is_dismounted(const struct small *small, uint32_t host, uint32_t gpu)
{
	return small->gpus[host][gpu] == SMALL_DISMOUNTED || small->gpus[host][gpu] == SMALL_POOLED;
}

static bool part_is_real(const struct small *small, const struct small_vm *vm)
{
	bool any = false;
	switch (vm->part) {
	case SMALL_NONE:
		return vm->gpu == 0 && (vm->owner == SMALL_PARTITION || vm->owner == SMALL_WHOLE);
	case SMALL_FREE:
		if (vm->power == SMALL_OFF)
			return vm->gpu == 0;
		if (vm->gpu != SMALL_EITHER)
			return vm->gpu < small->n_gpus && offers(small, vm->host, vm->gpu);
		return small->n_gpus == 2 && offers(small, vm->host, 0) && offers(small, vm->host, 1);
	case SMALL_PINNED:
		return vm->gpu < small->n_gpus && offers(small, vm->host, vm->gpu);
	default:
		if (!small->failover)
			return vm->gpu < small->n_gpus && is_dismounted(small, vm->host, vm->gpu);
		for (uint32_t g = 0; g < small->n_gpus; g++)
			any |= small->gpus[vm->host][g] == SMALL_POOLED;
		return vm->gpu == 0 && any;
	}
}

static bool has_room(const struct small *small, uint32_t host)
{
	uint32_t room = 0, taken = 0, pool = 0, from_pool = 0;
	for (uint32_t g = 0; g < small->n_gpus; g++) {
		uint32_t on_it = 0;
		for (uint32_t i = 0; i < small->n_vms; i++) {
			const struct small_vm *vm = &small->vms[i];
			bool here = vm->host == host && vm->power == SMALL_RUNNING && vm->gpu == g;
			on_it += here && (vm->part == SMALL_FREE || vm->part == SMALL_PINNED);
		}
		if (offers(small, host, g) && on_it > small_counts[small->gpus[host][g]])
			return false;
		room += offers(small, host, g) ? small_counts[small->gpus[host][g]] : 0;
		pool += small->gpus[host][g] == SMALL_POOLED;
	}
	for (uint32_t i = 0; i < small->n_vms; i++) {
		const struct small_vm *vm = &small->vms[i];
		taken += vm->host == host && vm->power == SMALL_RUNNING &&
			 (vm->part == SMALL_FREE || vm->part == SMALL_PINNED);
		from_pool += vm->host == host && vm->power != SMALL_OFF && vm->part == SMALL_DEVICE;
	}
	return taken <= room && (!small->failover || from_pool <= pool);
}

static bool is_owned_twice(const struct small *small, uint32_t index)
{
	const struct small_vm *vm = &small->vms[index];
	for (uint32_t i = 0; i < index; i++)
		if (vm->part == SMALL_DEVICE && small->vms[i].part == SMALL_DEVICE && small->vms[i].host == vm->host &&
			small->vms[i].gpu == vm->gpu)
			return true;
	return false;
}

bool small_is_real(const struct small *small)
{
	for (uint32_t h = 0; h < small->n_hosts; h++)
		for (uint32_t g = 0; g < small->n_gpus; g++)
			if (small->gpus[h][g] == SMALL_POOLED && (!small->failover || !small->per_host))
				return false;
	for (uint32_t i = 0; i < small->n_vms; i++) {
		const struct small_vm *vm = &small->vms[i];
		if (vm->host >= small->n_hosts || !part_is_real(small, vm) ||
			(vm->owner == SMALL_WHOLE && !small->per_host) || (vm->owed && vm->power != SMALL_OFF) ||
			(!small->failover && is_owned_twice(small, i)))
			return false;
	}
	for (uint32_t h = 0; h < small->n_hosts; h++)
		if (!has_room(small, h))
			return false;
	return true;
}

/* ---- as a world ---- */

static const char *path_of(uint32_t gpu)
{
	return gpu ? "PCIROOT(20)#PCI(0100)" : "PCIROOT(10)#PCI(0100)";
}

static struct gpu make_gpu(const struct small *small, uint32_t host, uint32_t index)
{
	static const uint32_t valid[] = { 1, 2, 4 };
	enum small_gpu is = small->gpus[host][index];
	struct gpu gpu = {
		.location_path = path_of(index),
		.instance_id = "PCI\\VEN_10DE&DEV_25B6&SUBSYS_157E10DE&REV_A1\\4",
		.name = "NVIDIA A2",
		.pnp_status = "OK",
		.device = "10DE:25B6",
		.subsystem = "10DE:157E",
		.state = is == SMALL_FAILED ? GPU_FAILED
			 : is <= SMALL_4    ? GPU_PARTITIONABLE
					    : GPU_DISMOUNTED,
		.mitigation_driver = TRI_YES,
	};
	if (is > SMALL_4)
		return gpu;
	gpu.valid_counts = valid;
	gpu.n_valid_counts = G_N_ELEMENTS(valid);
	gpu.count = KNOWN(small_counts[is]);
	gpu.memory = KNOWN(16000000000u);
	gpu.partition_memory = KNOWN(16000000000u / small_counts[is]);
	gpu.mmio_low_bytes = KNOWN(16u << 20);
	gpu.mmio_high_bytes = KNOWN((uint64_t)17 << 30);
	return gpu;
}

static void give_adapter(struct arena *arena, struct vm *vm, const struct small *small, uint32_t index)
{
	const struct small_vm *from = &small->vms[index];
	struct adapter *adapter = arena_new_of(arena, struct adapter);
	adapter->id = arena_printf(arena, "adapter-%u", index);
	adapter->pin = from->part == SMALL_PINNED ? path_of(from->gpu) : NULL;
	adapter->pinned = adapter->pin ? TRI_YES : TRI_NO;
	if (from->power != SMALL_OFF)
		adapter->gpus = from->gpu == SMALL_EITHER ? 3 : (uint64_t)1 << from->gpu;
	vm->adapters = adapter;
	vm->n_adapters = 1;
}

static void give_device(struct arena *arena, struct vm *vm, const struct small *small, uint32_t index)
{
	struct device *device = arena_new_of(arena, struct device);
	if (small->failover)
		device->pool = "p";
	else
		device->location_path = path_of(small->vms[index].gpu);
	vm->devices = device;
	vm->n_devices = 1;
}

static void owe(struct arena *arena, struct vm *vm)
{
	struct debt *debt = arena_new_of(arena, struct debt);
	*debt = (struct debt){
		.run = "dead", .at = SMALL_NOW - 60, .power = DEBT_POWER_STOPPED, .state_change = vm->state_change
	};
	vm->debt = debt;
}

static struct vm make_vm(struct arena *arena, const struct small *small, uint32_t index)
{
	static const enum vm_state states[] = { VM_OFF, VM_RUNNING, VM_SAVED };
	static const struct vm_record ours = { SMALL_OWNER, "c", "vdi" };
	const struct small_vm *from = &small->vms[index];
	struct vm vm = {
		.id = arena_printf(arena, "%u", index),
		.name = arena_printf(arena, "%c-%u", owner_letters[from->owner], index),
		.state = states[from->power],
		.state_change = KNOWN(1780000000),
		.generation = 2,
		.clustered = small->failover ? TRI_YES : TRI_NO,
		.offline_action = small->failover ? KNOWN(OFFLINE_FORCED) : UNKNOWN,
		.has_checkpoints = TRI_NO,
		.stop_action = STOP_ACTION_SHUTDOWN,
		.cache_control = true,
		.mmio_low_bytes = KNOWN((uint64_t)2 << 30),
		.mmio_high_bytes = KNOWN((uint64_t)64 << 30),
		.shutdown_answers = TRI_YES,
	};
	vm.group = small->failover ? vm.name : NULL;
	if (from->owner == SMALL_OURS)
		vm.record = &ours;
	if (from->part == SMALL_FREE || from->part == SMALL_PINNED)
		give_adapter(arena, &vm, small, index);
	if (from->part == SMALL_DEVICE)
		give_device(arena, &vm, small, index);
	if (from->owed)
		owe(arena, &vm);
	return vm;
}

static const char *const host_names[SMALL_HOSTS] = { "hv01", "hv02", "hv03" };

static void make_pool(struct arena *arena, struct host_state *state, const struct small *small, uint32_t host)
{
	const char **members = arena_array(arena, const char *, SMALL_GPUS);
	struct pool *pool = arena_new_of(arena, struct pool);
	*pool = (struct pool){ "p", members, 0 };
	for (uint32_t g = 0; g < small->n_gpus; g++)
		if (small->gpus[host][g] == SMALL_POOLED)
			members[pool->n_members++] = path_of(g);
	if (!pool->n_members)
		return;
	state->host.pools = pool;
	state->host.n_pools = 1;
}

static struct host_state *make_host(struct arena *arena, const struct small *small, uint32_t host)
{
	static const struct cluster_node nodes[SMALL_HOSTS] = { { "hv01", NODE_UP }, { "hv02", NODE_UP },
		{ "hv03", NODE_UP } };
	struct host_state *state = arena_new_of(arena, struct host_state);
	state->host = (struct host){
		.name = host_names[host],
		.observed_at = SMALL_NOW,
		.os_build = KNOWN(26100),
		.edition = "Datacenter",
		.sriov = TRI_YES,
		.cluster_name = small->failover ? "c" : NULL,
		.nodes = small->failover ? nodes : NULL,
		.n_nodes = small->failover ? small->n_hosts : 0,
	};
	make_pool(arena, state, small, host);
	state->gpus = arena_array(arena, struct gpu, small->n_gpus);
	state->vms = arena_array(arena, struct vm, SMALL_VMS);
	for (; state->n_gpus < small->n_gpus; state->n_gpus++)
		state->gpus[state->n_gpus] = make_gpu(small, host, state->n_gpus);
	for (uint32_t i = 0; i < small->n_vms; i++)
		if (small->vms[i].host == host)
			state->vms[state->n_vms++] = make_vm(arena, small, i);
	return state;
}

struct world *small_world(struct arena *arena, const struct small *small)
{
	const struct host_state *states[SMALL_HOSTS];
	for (uint32_t h = 0; h < small->n_hosts; h++)
		states[h] = make_host(arena, small, h);
	return world_assemble(arena, states, small->n_hosts);
}

/* ---- as a spec ---- */

static void write_rollout(GString *text, const struct small *small)
{
	g_string_append_printf(text, "  unmanaged: %s\n", name_of(&unmanaged_mode_names, small->unmanaged));
	g_string_append_printf(text, "  rollout: { strategy: %s", name_of(&strategy_names, small->strategy));
	if (small->max_unavailable)
		g_string_append_printf(text, ", maxUnavailable: %u", small->max_unavailable);
	g_string_append(text, " }\n");
}

static char *write_manifests(struct arena *arena, const struct small *small)
{
	static const char assignment[] = "---\napiVersion: hvgpu.dev/v1alpha1\nkind: GpuAssignment\n"
					 "metadata: { name: %s }\n"
					 "spec: { cluster: c, gpus: %s, match: { namePattern: \"%c-*\" } }\n";
	g_autoptr(GString) text =
		g_string_new("apiVersion: hvgpu.dev/v1alpha1\nkind: GpuCluster\nmetadata: { name: c }\nspec:\n");
	g_string_append_printf(text, "  type: %s\n  hosts: [", small->failover ? "Failover" : "Standalone");
	for (uint32_t h = 0; h < small->n_hosts; h++)
		g_string_append_printf(text, "%s{ name: %s }", h ? ", " : "", host_names[h]);
	g_string_append(text, "]\n");
	write_rollout(text, small);
	g_string_append_printf(
		text, "  gpus:\n    - { name: vdi, match: { model: NVIDIA A2 }, partitionCount: %u }\n", small->count);
	if (small->per_host)
		g_string_append_printf(text,
			"    - { name: whole, match: { model: NVIDIA A2 }, passthrough: { perHost: %u%s, mmio: { low: "
			"1Gi, high: 32Gi } } }\n",
			small->per_host, small->failover ? ", pool: p" : "");
	g_string_append_printf(text, assignment, "desktops", "vdi", 'p');
	if (small->per_host)
		g_string_append_printf(text, assignment, "models", "whole", 'w');
	return arena_strdup(arena, text->str);
}

/* Specs are few and used by many worlds: each is loaded once and stays. */
static const struct spec *spec_of(const struct small *small)
{
	static GMutex mutex;
	static GHashTable *specs;
	struct spec *spec = NULL;
	g_autofree char *key = g_strdup_printf("%d %u %u %u %u %u %u", small->failover, small->n_hosts, small->count,
		small->per_host, small->unmanaged, small->strategy, small->max_unavailable);
	g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mutex);
	(void)locker;
	if (!specs)
		specs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	spec = g_hash_table_lookup(specs, key);
	if (spec)
		return spec;
	static GSList *arenas; /* live as long as the test */
	struct arena *arena = arena_new();
	arenas = g_slist_prepend(arenas, arena);
	struct diags *diags = diags_new(arena);
	struct source *source = arena_new_of(arena, struct source);
	char *text = write_manifests(arena, small);
	*source = (struct source){ "manifests.yaml", text, strlen(text) };
	const struct source *sources[] = { source };
	if (spec_load(arena, sources, 1, &spec, diags) < 0 || !spec->n_clusters) {
		for (const struct diag *d = diags->first; d; d = d->next)
			fprintf(stderr, "%u:%u: %s\n", d->loc.line, d->loc.col, d->message);
		g_error("the manifests of a small world do not load:\n%s", text);
	}
	g_hash_table_insert(specs, g_steal_pointer(&key), spec);
	return spec;
}

struct plan_input small_input(struct arena *arena, const struct small *small)
{
	const struct spec *spec = spec_of(small);
	return (struct plan_input){
		.spec = spec,
		.cluster = spec->clusters,
		.observed = small_world(arena, small),
		.owner = SMALL_OWNER,
		.now = SMALL_NOW,
	};
}

/* ---- as text ---- */

static void write_vm(GString *text, const struct small *small, const struct small_vm *vm)
{
	static const char marks[] = "-*!=";
	g_string_append_printf(text, " %c%c", owner_letters[vm->owner], power_letters[vm->power]);
	if (vm->part != SMALL_FREE || vm->power == SMALL_OFF || vm->gpu == SMALL_EITHER)
		g_string_append_c(text, marks[vm->part]);
	if (vm->part == SMALL_PINNED || (vm->part == SMALL_DEVICE && !small->failover) ||
		(vm->part == SMALL_FREE && vm->power != SMALL_OFF && vm->gpu != SMALL_EITHER))
		g_string_append_printf(text, "%u", vm->gpu);
	g_string_append_printf(text, "@%u%s", vm->host, vm->owed ? "$" : "");
}

char *small_text(struct arena *arena, const struct small *small)
{
	g_autoptr(GString) text = g_string_new(small->failover ? "failover" : "standalone");
	g_string_append_printf(text, " count %u per-host %u %s %s", small->count, small->per_host,
		name_of(&unmanaged_mode_names, small->unmanaged), name_of(&strategy_names, small->strategy));
	if (small->max_unavailable)
		g_string_append_printf(text, " down %u", small->max_unavailable);
	for (uint32_t h = 0; h < small->n_hosts; h++) {
		g_string_append(text, " |");
		for (uint32_t g = 0; g < small->n_gpus; g++)
			g_string_append_printf(text, " %c", gpu_letters[small->gpus[h][g]]);
	}
	g_string_append(text, " |");
	for (uint32_t i = 0; i < small->n_vms; i++)
		write_vm(text, small, &small->vms[i]);
	return arena_strdup(arena, text->str);
}

static bool index_in(const char *letters, char letter, uint8_t *out)
{
	const char *at = letter ? strchr(letters, letter) : NULL;
	*out = at ? (uint8_t)(at - letters) : 0;
	return at != NULL;
}

static bool parse_vm(const char *word, struct small_vm *vm)
{
	*vm = (struct small_vm){ 0 };
	if (!index_in(owner_letters, word[0], &vm->owner) || !index_in(power_letters, word[1], &vm->power))
		return false;
	word += 2;
	if (!index_in("-*!=", *word, &vm->part))
		vm->part = SMALL_FREE;
	else
		word++;
	if (g_ascii_isdigit(*word))
		vm->gpu = (uint8_t)(*word++ - '0');
	else if (vm->part == SMALL_FREE && vm->power != SMALL_OFF)
		vm->gpu = SMALL_EITHER;
	if (word[0] != '@' || !g_ascii_isdigit(word[1]))
		return false;
	vm->host = (uint8_t)(word[1] - '0');
	vm->owed = word[2] == '$';
	return !word[2 + vm->owed];
}

static bool parse_spec(const char *text, struct small *small)
{
	char type[16], unmanaged[16], strategy[16];
	unsigned count = 0, per_host = 0, down = 0;
	if (sscanf(text, "%15s count %u per-host %u %15s %15s down %u", type, &count, &per_host, unmanaged, strategy,
		    &down) < 5)
		return false;
	int mode = name_find(&unmanaged_mode_names, unmanaged), kind = name_find(&strategy_names, strategy);
	*small = (struct small){
		.failover = strcmp(type, "failover") == 0,
		.count = (uint8_t)count,
		.per_host = (uint8_t)per_host,
		.unmanaged = (uint8_t)mode,
		.strategy = (uint8_t)kind,
		.max_unavailable = (uint8_t)down,
	};
	return mode >= 0 && kind >= 0;
}

static bool parse_host(const char *text, struct small *small)
{
	uint8_t n = 0;
	if (small->n_hosts == SMALL_HOSTS)
		return false;
	for (; *text; text++) {
		if (*text == ' ')
			continue;
		if (n == SMALL_GPUS || !index_in(gpu_letters, *text, &small->gpus[small->n_hosts][n]))
			return false;
		n++;
	}
	small->n_hosts++;
	small->n_gpus = n;
	return n > 0;
}

bool small_parse(const char *text, struct small *small)
{
	g_auto(GStrv) parts = g_strsplit(text, "|", -1);
	guint n = g_strv_length(parts);
	if (n < 3 || !parse_spec(parts[0], small))
		return false;
	for (guint i = 1; i + 1 < n; i++)
		if (!parse_host(parts[i], small))
			return false;
	g_auto(GStrv) words = g_strsplit_set(parts[n - 1], " \n", -1);
	for (char **word = words; *word; word++) {
		if (!**word)
			continue;
		if (small->n_vms == SMALL_VMS || !parse_vm(*word, &small->vms[small->n_vms++]))
			return false;
	}
	return true;
}
