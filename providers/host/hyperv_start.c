/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/host/hyperv_parts.h"

#include "base/secret.h"
#include "providers/host/hyperv/agent.h"

#include <string.h>

/* An ssh address taken apart; all but 'host' may be NULL. */
struct ssh_address {
	const char *user, *host, *port;
};

/* -EncodedCommand takes UTF-16. The bootstrap is ASCII. */
static char *encoded_bootstrap(void)
{
	g_auto(GStrv) parts = g_strsplit(agent_bootstrap, "@SHA256@", 2);
	g_autofree char *text = g_strjoinv(agent_sha256, parts);
	size_t n = strlen(text);
	g_autofree guchar *wide = g_new0(guchar, 2 * n);
	for (size_t i = 0; i < n; i++)
		wide[2 * i] = (guchar)text[i];
	return g_base64_encode(wide, 2 * n);
}

static const char *const powershell_options[] = { "-NoLogo", "-NoProfile", "-NonInteractive", "-InputFormat", "None",
	"-EncodedCommand" };

static const char *const *argv_of(struct arena *arena, GPtrArray *argv)
{
	g_ptr_array_add(argv, NULL);
	return arena_copy(arena, argv->pdata, sizeof(char *) * argv->len);
}

/* ---- here ---- */

static const char *local_program(struct arena *arena)
{
	static const char *const names[] = { "powershell.exe", "pwsh" };
	const char *named = g_getenv("HVGPU_POWERSHELL");
	if (named && *named)
		return arena_strdup(arena, named);
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_find_program_in_path(names[i]);
		if (path)
			return arena_strdup(arena, path);
	}
	return NULL;
}

static int local_start(
	struct arena *arena, const struct endpoint *endpoint, struct hyperv_start *out, struct diags *diags)
{
	g_autofree char *command = encoded_bootstrap();
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	const char *program = local_program(arena);
	if (!program)
		return diag_add(diags, D_HOST_UNOBSERVED, LOC_NONE, NULL,
			"host '%s' has the address '%s', and there is no powershell.exe or pwsh here; give the host's "
			"own address, as ssh://USER@HOST",
			endpoint->host, endpoint->address);
	g_ptr_array_add(argv, (char *)program);
	for (size_t i = 0; i < G_N_ELEMENTS(powershell_options); i++)
		g_ptr_array_add(argv, (char *)powershell_options[i]);
	g_ptr_array_add(argv, arena_strdup(arena, command));
	const char *const set[] = { "HVGPU_HOST", arena_strdup(arena, endpoint->host), NULL };
	out->argv = argv_of(arena, argv);
	out->set = arena_copy(arena, set, sizeof(set));
	return 0;
}

/* ---- over ssh ---- */

/* What may reach a ProxyCommand of ssh's configuration, which a shell runs. */
static bool is_harmless(const char *text)
{
	return *text && *text != '-' && !strpbrk(text, "'`\"$\\;&<>|(){}*?!~# \t\r\n");
}

/* DOMAIN\user is a user, too. */
static bool is_user(const char *text)
{
	g_autofree char *plain = g_strdelimit(g_strdup(text), "\\", '_');
	return is_harmless(plain) && text[strlen(text) - 1] != '\\';
}

static bool is_port(const char *text)
{
	guint64 port;
	return g_ascii_string_to_unsigned(text, 10, 1, 65535, &port, NULL);
}

/* [USER@]HOST[:PORT], HOST perhaps in brackets. False: it is none. */
static bool parse_authority(struct arena *arena, const char *text, struct ssh_address *out)
{
	char *rest = arena_strdup(arena, text), *at = strrchr(rest, '@');
	*out = (struct ssh_address){ 0 };
	size_t n = strlen(rest);
	if (n && rest[n - 1] == '/')
		rest[n - 1] = 0;
	if (at) {
		*at = 0;
		out->user = rest;
		rest = at + 1;
	}
	char *close = *rest == '[' ? strchr(rest, ']') : NULL, *colon = strchr(close ? close : rest, ':');
	if (colon) {
		*colon = 0;
		out->port = colon + 1;
	}
	if (close) {
		if (close[1])
			return false;
		*close = 0;
		rest++;
	}
	out->host = rest;
	return is_harmless(rest) && !strchr(rest, '/') && (!out->user || is_user(out->user)) &&
	       (!out->port || is_port(out->port));
}

static int parse_ssh(struct arena *arena, const char *address, struct ssh_address *out, struct diags *diags)
{
	static const char scheme[] = "ssh://";
	/* What was written is not repeated. */
	if (secret_in_address(address))
		return diag_add(diags, D_HOST_SCHEME, LOC_NONE, NULL,
			"an address over ssh has a password in it, which ssh does not take; write ssh://USER@HOST, "
			"change that "
			"password, and name a key with 'credential'");
	if (g_str_has_prefix(address, scheme) && parse_authority(arena, address + strlen(scheme), out))
		return 0;
	return diag_add(diags, D_HOST_SCHEME, LOC_NONE, NULL,
		"'%s' is no address over ssh; write ssh://USER@HOST, or ssh://USER@HOST:PORT", address);
}

static int ssh_start(struct arena *arena, const struct endpoint *endpoint, const char *identity,
	struct hyperv_start *out, struct diags *diags)
{
	/* Nobody is there to answer a question, and an unknown or changed host key ends it, whatever the
	 * configuration says. */
	static const char *const options[] = { "-T", "-x", "-a", "-oBatchMode=yes", "-oStrictHostKeyChecking=yes",
		"-oServerAliveInterval=15", "-oServerAliveCountMax=3", "-oClearAllForwardings=yes",
		"-oPermitLocalCommand=no", "-oRemoteCommand=none" };
	struct ssh_address address;
	g_autofree char *command = encoded_bootstrap();
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	if (parse_ssh(arena, endpoint->address, &address, diags) < 0)
		return -1;
	g_ptr_array_add(argv, "ssh");
	for (size_t i = 0; i < G_N_ELEMENTS(options); i++)
		g_ptr_array_add(argv, (char *)options[i]);
	g_ptr_array_add(argv, arena_printf(arena, "-oConnectTimeout=%d", HYPERV_CONNECT_TIMEOUT_S));
	if (identity) {
		g_ptr_array_add(argv, "-oIdentitiesOnly=yes");
		g_ptr_array_add(argv, "-i");
		g_ptr_array_add(argv, (char *)identity);
	}
	if (address.port) {
		g_ptr_array_add(argv, "-p");
		g_ptr_array_add(argv, (char *)address.port);
	}
	if (address.user) {
		g_ptr_array_add(argv, "-l");
		g_ptr_array_add(argv, (char *)address.user);
	}
	g_autofree char *words = g_strjoin(" ", powershell_options[0], powershell_options[1], powershell_options[2],
		powershell_options[3], powershell_options[4], powershell_options[5], NULL);
	const char *remote = arena_printf(arena, "powershell.exe %s %s", words, command);
	if (strlen(remote) > HYPERV_COMMAND_MAX)
		BUG("the bootstrap has %zu characters, and cmd.exe takes %d", strlen(remote), HYPERV_COMMAND_MAX);
	g_ptr_array_add(argv, "--");
	g_ptr_array_add(argv, (char *)address.host);
	g_ptr_array_add(argv, (char *)remote);
	*out = (struct hyperv_start){ .argv = argv_of(arena, argv) };
	return 0;
}

int hyperv_start_of(struct arena *arena, const struct endpoint *endpoint, const char *identity,
	struct hyperv_start *out, struct diags *diags)
{
	*out = (struct hyperv_start){ 0 };
	if (g_str_has_prefix(endpoint->address, "local:"))
		return local_start(arena, endpoint, out, diags);
	return ssh_start(arena, endpoint, identity, out, diags);
}

int hyperv_list(
	const char *address, struct arena *arena, const char *const **names_out, uint32_t *n_out, struct diags *diags)
{
	struct ssh_address ssh = { .host = g_get_host_name() };
	if (g_str_has_prefix(address, "local:")) {
		if (address[strlen("local:")])
			ssh.host = address + strlen("local:");
	} else if (parse_ssh(arena, address, &ssh, diags) < 0) {
		return -1;
	}
	const char **names = arena_array(arena, const char *, 1);
	bool is_number = strspn(ssh.host, "0123456789.") == strlen(ssh.host) || strchr(ssh.host, ':');
	names[0] = arena_strndup(arena, ssh.host, is_number ? strlen(ssh.host) : strcspn(ssh.host, "."));
	*names_out = names;
	*n_out = 1;
	return 0;
}
