/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a fleet: CLUSTERS failover clusters of 16 hosts with 8 GPUs and 64 VMs each. Every CHANGING-th part per
 * thousand of the clusters is to get another partition count.
 * Usage: fleet FOLDER CLUSTERS CHANGING_PERMILLE   writes FOLDER/manifests.yaml and FOLDER/world.yaml
 */
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { HOSTS = 16, GPUS = 8, VMS = 4 }; /* VMs per host */

static void write_host(FILE *out, unsigned cluster, unsigned host)
{
	fprintf(out,
		"apiVersion: hvgpu.dev/v1alpha1\nkind: HostState\nmetadata:\n  name: c%04u-h%02u\nspec:\n  host:\n"
		"    observedAt: \"2026-11-24T00:00:00Z\"\n    osBuild: 26100\n    edition: Datacenter\n    sriov: "
		"true\n"
		"    clusterName: c%04u\n    nodes:\n",
		cluster, host, cluster);
	for (unsigned n = 0; n < HOSTS; n++)
		fprintf(out, "      - name: c%04u-h%02u\n        state: Up\n", cluster, n);
	fprintf(out, "  gpus:\n");
	for (unsigned g = 0; g < GPUS; g++)
		fprintf(out,
			"    - locationPath: PCIROOT(%u)#PCI(0100)#PCI(0000)\n"
			"      instanceId: PCI\\VEN_10DE&DEV_25B6&SUBSYS_157E10DE&REV_A1\\4&%08x&0&0000\n      name: "
			"NVIDIA A2\n"
			"      state: partitionable\n      validCounts: [1, 2, 4, 8, 16]\n      count: 4\n      "
			"memory: 15945891840\n"
			"      partitionMemory: 3986472960\n      memoryUnit: bytes\n",
			(g + 1) * 16, (cluster * HOSTS + host) * GPUS + g);
	fprintf(out, "  virtualMachines:\n");
	for (unsigned v = 0; v < VMS; v++)
		fprintf(out,
			"    - id: %08x-0000-4000-8000-%04x%04x%04x\n      name: vdi-%04u-%02u-%u\n      state: "
			"Running\n"
			"      stateChange: \"2026-11-23T00:00:00Z\"\n      generation: 2\n      clustered: true\n"
			"      group: vdi-%04u-%02u-%u\n      offlineAction: ForcedShutdown\n      adapters:\n"
			"        - id: Microsoft:%04u%02u%u\n          gpus: [PCIROOT(%u)#PCI(0100)#PCI(0000)]\n"
			"      checkpointType: Disabled\n",
			cluster, cluster, host, v, cluster, host, v, cluster, host, v, cluster, host, v, (v + 1) * 16);
}

static void write_cluster(FILE *out, unsigned cluster, bool changes)
{
	fprintf(out,
		"apiVersion: hvgpu.dev/v1alpha1\nkind: GpuCluster\nmetadata: { name: c%04u }\nspec:\n  type: "
		"Failover\n  hosts:\n",
		cluster);
	for (unsigned h = 0; h < HOSTS; h++)
		fprintf(out, "    - name: c%04u-h%02u\n", cluster, h);
	fprintf(out,
		"  gpus:\n    - name: vdi\n      match: { model: NVIDIA A2 }\n      partitionCount: %u\n---\n"
		"apiVersion: hvgpu.dev/v1alpha1\nkind: GpuAssignment\nmetadata: { name: desktops-%04u }\nspec:\n  "
		"cluster: c%04u\n"
		"  gpus: vdi\n  match: { namePattern: \"vdi-*\" }\n",
		changes ? 8 : 4, cluster, cluster);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: fleet FOLDER CLUSTERS CHANGING_PERMILLE\n");
		return 3;
	}
	unsigned n = (unsigned)strtoul(argv[2], NULL, 10), permille = (unsigned)strtoul(argv[3], NULL, 10);
	g_autofree char *manifests = g_build_filename(argv[1], "manifests.yaml", NULL);
	g_autofree char *world = g_build_filename(argv[1], "world.yaml", NULL);
	FILE *out = fopen(manifests, "w"), *states = fopen(world, "w");
	if (!out || !states) {
		perror(argv[1]);
		return 1;
	}
	for (unsigned c = 0; c < n; c++) {
		/* spread evenly: the first of every 1000 / permille */
		bool changes = permille && (c * permille) % 1000 < permille;
		fprintf(out, c ? "---\n" : "");
		write_cluster(out, c, changes);
		for (unsigned h = 0; h < HOSTS; h++) {
			fprintf(states, c || h ? "---\n" : "");
			write_host(states, c, h);
		}
	}
	return fclose(out) || fclose(states) ? 1 : 0;
}
