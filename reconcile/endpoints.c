/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/endpoints.h"

#include "base/secret.h"
#include "base/text.h"

#include <string.h>

static int by_host(const void *a, const void *b)
{
	const struct endpoint *x = a, *y = b;
	return g_ascii_strcasecmp(x->host, y->host);
}

static int list_hosts(struct arena *arena, const char *address, struct endpoints *out, struct diags *diags)
{
	const struct host_provider *provider = host_provider_for(address, diags);
	if (!provider)
		return -1;
	if (!provider->list)
		return diag_add(diags, D_HOST_SCHEME, LOC_NONE, NULL,
			"'%s' is the address of one host; --hosts takes one that holds several, like sim:FILE",
			address);
	const char *const *names;
	uint32_t n;
	if (provider->list(address, arena, &names, &n, diags) < 0)
		return -1;
	struct endpoint *items = arena_array(arena, struct endpoint, n);
	for (uint32_t i = 0; i < n; i++)
		items[i] = (struct endpoint){ .host = names[i], .address = address };
	const char *file = strchr(address, ':') ? strchr(address, ':') + 1 : address;
	*out = (struct endpoints){ items, n, D_HOST_UNOBSERVED,
		arena_printf(arena, "not in %.*s", (int)strcspn(file, "?"), file) };
	qsort(items, n, sizeof(*items), by_host);
	return 0;
}

static void take_inventories(struct arena *arena, const struct spec *spec, struct endpoints *out)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < spec->n_inventories; i++)
		n += spec->inventories[i].n_hosts;
	struct endpoint *items = arena_array(arena, struct endpoint, n);
	*out = (struct endpoints){ items, 0, D_HOST_NO_ADDRESS, "no HostInventory has it, and no --hosts is given" };
	for (uint32_t i = 0; i < spec->n_inventories; i++) {
		const struct spec_inventory *inventory = &spec->inventories[i];
		for (uint32_t k = 0; k < inventory->n_hosts; k++) {
			const struct inventory_host *host = &inventory->hosts[k];
			secret_hide(host->credential); /* from the programs of every host */
			if (host->address)
				items[out->n++] = (struct endpoint){ host->name, host->address, host->credential };
		}
	}
	qsort(items, out->n, sizeof(*items), by_host);
}

int endpoints_make(
	struct arena *arena, const char *hosts, const struct spec *spec, struct endpoints *out, struct diags *diags)
{
	*out = (struct endpoints){ 0 };
	if (hosts)
		return list_hosts(arena, hosts, out, diags);
	if (!spec)
		return diag_add(diags, D_USAGE, LOC_NONE, NULL,
			"neither --hosts nor a HostInventory says where hosts are; give --hosts");
	take_inventories(arena, spec, out);
	return 0;
}

const struct endpoint *endpoints_find(const struct endpoints *endpoints, const char *host)
{
	struct endpoint key = { .host = host };
	return endpoints->n ? bsearch(&key, endpoints->items, endpoints->n, sizeof(key), by_host) : NULL;
}

const char *endpoints_meant(struct arena *arena, const struct endpoints *endpoints, const char *host, GHashTable *taken)
{
	g_autofree const char **names = g_new0(const char *, endpoints->n + 1);
	for (uint32_t i = 0; i < endpoints->n; i++)
		if (!taken || !g_hash_table_contains(taken, &endpoints->items[i]))
			names[i] = endpoints->items[i].host;
	return text_meant(arena, host, names, endpoints->n);
}
