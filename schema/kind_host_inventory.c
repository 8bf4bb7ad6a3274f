/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of HostInventory: where hosts are and how to reach them; never a secret. */
#include "schema/kinds.h"

static const struct field host_fields[] = {
	{ "name", F_TEXT(struct inventory_host, name), .max = 255, .flags = FIELD_REQUIRED | FIELD_NOT_EMPTY,
		.doc = "Name of the Hyper-V server, as clusters list it." },
	{ "address", F_TEXT(struct inventory_host, address), .flags = FIELD_REQUIRED | FIELD_NOT_EMPTY,
		.doc = "How to reach it, like ssh://svc-hvgpu@hv01.example.net, sim:FILE or snapshot:FILE." },
	{ "credential", F_TEXT(struct inventory_host, credential), .flags = FIELD_NOT_EMPTY,
		.doc = "Where the secret is: env:NAME, file:PATH, systemd:NAME or command:ARGV. Default: what ssh "
		       "itself finds." },
	{ 0 },
};

static const struct field inventory_fields[] = {
	{ "hosts", F_LIST(struct spec_inventory, hosts, struct inventory_host, host_fields),
		.flags = FIELD_REQUIRED | FIELD_HAS_HEAD, .merge_key = "name", .doc = "The hosts." },
	{ 0 },
};

const struct kind kind_host_inventory = {
	.name = "HostInventory",
	.fields = inventory_fields,
	.size = sizeof(struct spec_inventory),
	.manifest = true,
	.doc = "Where hosts are and how to reach them. It holds no secret, only where one is found.",
};
