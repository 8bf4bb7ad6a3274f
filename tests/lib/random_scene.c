/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/random_scene.h"

/* A seed's neighbours give other numbers. */
struct random random_from(uint64_t seed)
{
	return (struct random){ seed * 0x9E3779B97F4A7C15u + 1 };
}

/* xorshift64*: the same numbers on every machine. */
uint32_t random_below(struct random *random, uint32_t n)
{
	random->state ^= random->state >> 12;
	random->state ^= random->state << 25;
	random->state ^= random->state >> 27;
	return (uint32_t)((random->state * 2685821657736338717u) >> 33) % n;
}

bool random_chance(struct random *random, uint32_t percent)
{
	return random_below(random, 100) < percent;
}

static void dismount(struct gpu *gpu)
{
	gpu->state = GPU_DISMOUNTED;
	gpu->count = UNKNOWN;
	gpu->n_valid_counts = 0;
	gpu->mmio_low_bytes = gpu->mmio_high_bytes = UNKNOWN;
}

static void put_in_pool(struct scene *scene, uint32_t host, uint32_t gpu)
{
	struct pool *pool = arena_new_of(scene->arena, struct pool);
	const char **members = arena_array(scene->arena, const char *, 1);
	members[0] = scene_path(gpu);
	*pool = (struct pool){ "p", members, 1 };
	scene->hosts[host].host.pools = pool;
	scene->hosts[host].host.n_pools = 1;
}

static void random_vm(struct scene *scene, struct random *random, uint32_t host, uint32_t n, uint32_t *room)
{
	static const char *const prefixes[] = { "vm", "vm", "vm", "ai", "other" };
	g_autofree char *name = g_strdup_printf("%s-%02u-%02u", prefixes[random_below(random, 5)], host, n);
	enum vm_state state = random_chance(random, 60) ? VM_RUNNING : random_chance(random, 85) ? VM_OFF : VM_SAVED;
	uint32_t gpu = random_below(random, scene->hosts[host].n_gpus);
	bool has = random_chance(random, 50) && scene_gpu(scene, host, gpu)->state == GPU_PARTITIONABLE &&
		   (state != VM_RUNNING || room[gpu] > 0);
	struct vm *vm = scene_vm(scene, name, host, state, has ? (int)gpu : -1);
	if (has && state == VM_RUNNING)
		room[gpu]--;
	struct adapter *adapter = (struct adapter *)vm->adapters;
	if (has && !scene->clustered && random_chance(random, 15)) {
		adapter->pin = scene_path(gpu);
		adapter->pinned = TRI_YES;
	}
	if (has && state != VM_OFF && random_chance(random, 10))
		adapter->gpus = 0; /* the host could not tell */
	if (has && random_chance(random, 40)) {
		struct vm_record *record = arena_new_of(scene->arena, struct vm_record);
		*record = (struct vm_record){ "example.com/ops/gpu", "c", "vdi" };
		vm->record = record;
	}
	if (scene->clustered && random_chance(random, 20))
		vm->offline_action = KNOWN(OFFLINE_SAVE);
	vm->automatic_checkpoints = !has && random_chance(random, 15);
	if (random_chance(random, 10)) {
		vm->dynamic_memory = true;
		vm->memory_startup_bytes = KNOWN(1u << 30);
		vm->memory_minimum_bytes = KNOWN(random_chance(random, 50) ? 1u << 30 : 1u << 29);
	}
	if (state == VM_OFF && random_chance(random, 15)) {
		struct debt *debt = arena_new_of(scene->arena, struct debt);
		*debt = (struct debt){ .run = "dead",
			.at = SCENE_NOW - 60,
			.power = DEBT_POWER_STOPPED,
			.state_change = vm->state_change };
		if (has && room[gpu] > 0)
			room[gpu]--;
		else if (has)
			return;
		vm->debt = debt;
	}
}

/* What moves need: in half of the clustered scenes VMs may move live, and now and then a node is not Up. A source of its
 * own, so that the rest of a seed's scene is the same whatever is decided here. */
static void random_moves(struct scene *scene, struct random own)
{
	static const enum tristate answers[] = { TRI_YES, TRI_YES, TRI_YES, TRI_NO, TRI_UNKNOWN };
	struct cluster_node *nodes = (struct cluster_node *)scene->hosts[0].host.nodes;
	bool live = random_chance(&own, 50);
	for (uint32_t h = 0; h < scene->n_hosts && scene->clustered; h++) {
		struct host_state *state = &scene->hosts[h];
		if (random_chance(&own, 6))
			nodes[h].state = random_chance(&own, 50) ? NODE_PAUSED : NODE_DRAINING;
		state->host.can_command_moves = live ? answers[random_below(&own, 4)] : TRI_UNKNOWN;
		if (random_chance(&own, 85))
			state->host.memory_free_bytes = KNOWN((uint64_t)random_below(&own, 24) << 30);
		for (uint32_t g = 0; g < state->n_gpus; g++)
			state->gpus[g].incoming_live_migration = live ? answers[random_below(&own, 5)] : TRI_UNKNOWN;
		for (uint32_t v = 0; v < state->n_vms; v++) {
			if (vm_is_running(&state->vms[v]) && random_chance(&own, 90))
				state->vms[v].memory_bytes = KNOWN((uint64_t)4 << 30);
			for (uint32_t a = 0; a < state->vms[v].n_adapters; a++)
				((struct adapter *)state->vms[v].adapters)[a].outgoing_live_migration =
					live ? answers[random_below(&own, 5)] : TRI_UNKNOWN;
		}
	}
}

struct scene *random_scene(struct random *random)
{
	bool clustered = random_chance(random, 60);
	uint32_t n_gpus = 1 + random_below(random, 3);
	uint32_t count = random_counts[random_below(random, 4)];
	struct scene *scene = scene_new(clustered, 1 + random_below(random, 3), n_gpus, count);
	for (uint32_t h = 0; h < scene->n_hosts; h++) {
		uint32_t room[SCENE_GPUS] = { 0 };
		for (uint32_t g = 0; g < n_gpus; g++) {
			struct gpu *gpu = scene_gpu(scene, h, g);
			if (random_chance(random, 10))
				gpu->count = KNOWN(random_counts[random_below(random, 4)]);
			room[g] = (uint32_t)gpu->count.value;
			if (random_chance(random, 5)) {
				gpu->state = GPU_FAILED;
				gpu->count = UNKNOWN;
			} else if (random_chance(random, 12)) {
				dismount(gpu);
				if (clustered && random_chance(random, 50))
					put_in_pool(scene, h, g);
			}
		}
		uint32_t n = random_below(random, 8);
		for (uint32_t i = 0; i < n; i++)
			random_vm(scene, random, h, i, room);
	}
	if (random_chance(random, 8) && scene->n_hosts > 1)
		scene->missing = scene->hosts[0].host.name;
	random_moves(scene, random_from(random->state));
	return scene;
}

static void random_rollout(GString *cluster, struct random *random)
{
	static const char *const budgets[] = { "1", "2", "3", "50%", "75%", "100%" };
	static const char *const unmanaged[] = { "Report", "Cycle", "Remove" };
	g_string_append_printf(cluster, "  unmanaged: %s\n", unmanaged[random_below(random, 3)]);
	g_string_append(cluster, "  rollout: { ");
	if (random_chance(random, 40))
		g_string_append_printf(cluster, "maxUnavailable: %s, ", budgets[random_below(random, 6)]);
	if (random_chance(random, 40))
		g_string_append_printf(cluster, "strategy: Rolling, maxHosts: %u, ", 1 + random_below(random, 2));
	g_string_append(cluster, "}\n");
}

/* Some VMs by name, with a host: "{ name: vm-00-01, host: hv02 }, ..."; of those that the pattern of the group matches. */
static char *random_hosts(struct scene *scene, struct random *own, const char *prefix)
{
	g_autoptr(GString) lines = g_string_new(NULL);
	for (uint32_t h = 0; h < scene->n_hosts; h++)
		for (uint32_t v = 0; v < scene->hosts[h].n_vms; v++) {
			const char *name = scene->hosts[h].vms[v].name;
			if (!g_str_has_prefix(name, prefix) ||
				g_strcmp0(scene->missing, scene->hosts[h].host.name) == 0 || !random_chance(own, 35))
				continue;
			g_string_append_printf(lines, "%s{ name: %s, host: hv%02u }", lines->len ? ", " : "", name,
				1 + random_below(own, scene->n_hosts));
		}
	return g_string_free(g_steal_pointer(&lines), FALSE);
}

/* An assignment that says where some VMs of the group are to be, or nothing. */
static char *random_placement(struct scene *scene, struct random *own, const char *group, const char *prefix)
{
	g_autofree char *lines = scene->clustered && random_chance(own, 60) ? random_hosts(scene, own, prefix) : NULL;
	if (!lines || !*lines)
		return g_strdup("");
	return g_strdup_printf("---\napiVersion: hvgpu.dev/v1alpha1\nkind: GpuAssignment\nmetadata: { name: at-%s }\n"
			       "spec: { cluster: c, gpus: %s, placement: %s, virtualMachines: [%s] }\n",
		group, group, random_chance(own, 60) ? "Required" : "Preferred", lines);
}

char *random_manifests(struct scene *scene, struct random *random, char **other_order)
{
	g_autoptr(GString) cluster = g_string_new(NULL);
	bool whole = random_chance(random, 40), vdi = !whole || random_chance(random, 85);
	g_string_append_printf(cluster,
		"apiVersion: hvgpu.dev/v1alpha1\nkind: GpuCluster\nmetadata: { name: c }\nspec:\n  type: %s\n",
		scene->clustered ? "Failover" : "Standalone");
	if (random_chance(random, 15))
		g_string_append(cluster, "  prune: false\n");
	if (random_chance(random, 10))
		g_string_append(cluster, "  vmSettings: Require\n");
	random_rollout(cluster, random);
	g_string_append(cluster, "  hosts:\n");
	for (uint32_t h = 0; h < scene->n_hosts; h++)
		g_string_append_printf(cluster, "    - { name: hv%02u%s }\n", h + 1,
			random_chance(random, 10) ? ", maintenance: true" : "");
	g_string_append(cluster, "  gpus:\n");
	if (vdi)
		g_string_append_printf(cluster,
			"    - { name: vdi, match: { model: NVIDIA A2 }, partitionCount: %u }\n",
			random_counts[random_below(random, 4)]);
	if (whole)
		g_string_append_printf(cluster,
			"    - { name: whole, match: { model: NVIDIA A2 }, passthrough: { perHost: 1, pool: p%s } }\n",
			random_chance(random, 50) ? ", mmio: { low: 3Gi, high: 34Gi }" : "");
	const char *assignment =
		"apiVersion: hvgpu.dev/v1alpha1\nkind: GpuAssignment\nmetadata: { name: %s }\nspec: { cluster: c, "
		"gpus: %s, match: { namePattern: \"%s\" } }\n";
	g_autofree char *vms = vdi && random_chance(random, 85) ? g_strdup_printf(assignment, "desktops", "vdi", "vm-*")
								: g_strdup("");
	g_autofree char *ais = whole && random_chance(random, 70)
				       ? g_strdup_printf(assignment, "inference", "whole", "ai-*")
				       : g_strdup("");
	struct random own = random_from(random->state);
	g_autofree char *at_vdi = *vms ? random_placement(scene, &own, "vdi", "vm-") : g_strdup("");
	g_autofree char *at_whole = *ais ? random_placement(scene, &own, "whole", "ai-") : g_strdup("");
	*other_order = arena_printf(scene->arena, "%s%s---\n%s---\n%s%s", ais, at_vdi, vms, cluster->str, at_whole);
	return arena_printf(scene->arena, "%s---\n%s---\n%s%s%s", cluster->str, vms, ais, at_whole, at_vdi);
}
