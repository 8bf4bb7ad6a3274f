/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/host/hyperv_trouble.h"

#include <string.h>

enum { SSH_FAILED = 255, NOT_FOUND = 127, NO_EXIT = -1 };

/* clang-format off */
#define CONNECTION(name, what, remedy, ...) \
	{ name, TROUBLE_CONNECTION, { __VA_ARGS__ }, false, SSH_FAILED, what, remedy }
/* clang-format on */

const struct trouble troubles[] = {
	CONNECTION("host-key-changed", "the host shows another key than known_hosts has for it",
		"find out whether Windows or OpenSSH was installed anew there; if so, drop the old key with "
		"`ssh-keygen -R HOST` "
		"and add the new one; if not, somebody may be in between",
		"REMOTE HOST IDENTIFICATION HAS CHANGED"),
	CONNECTION("host-key-unknown", "the host's key is not in known_hosts",
		"on the host: `ssh-keygen -lf C:\\ProgramData\\ssh\\ssh_host_ed25519_key.pub`; here: `ssh-keyscan HOST "
		"| ssh-keygen -lf -`; "
		"where both are alike, `ssh-keyscan HOST >> ~/.ssh/known_hosts`",
		"Host key verification failed"),
	CONNECTION("name-unknown", "that name is not known here",
		"correct the address in the HostInventory, or the name service of this machine",
		"Could not resolve hostname"),
	CONNECTION("refused", "nothing listens on that port",
		"on the host: `Start-Service sshd; Set-Service sshd -StartupType Automatic`, and compare the port",
		"Connection refused"),
	CONNECTION("no-answer", "no answer on the network",
		"check that the host is on, the route, and its firewall: rule OpenSSH-Server-In-TCP, for the profile "
		"of its network",
		"timed out", "No route to host", "Network is unreachable"),
	CONNECTION("key-open", "ssh does not use the private key, for others may read it", "`chmod 600` the key file",
		"UNPROTECTED PRIVATE KEY FILE", "bad permissions"),
	CONNECTION("key-unreadable", "ssh cannot read the private key",
		"give a private key without a passphrase in OpenSSH's form, or leave the credential out and load the "
		"key into "
		"ssh-agent",
		"Load key", "error in libcrypto", "invalid format"),
	CONNECTION("too-many-keys", "ssh tried other keys first, until the host had enough",
		"name the key: `credential: file:PATH` in the HostInventory, or IdentitiesOnly in ~/.ssh/config",
		"Too many authentication failures"),
	CONNECTION("not-let-in", "sshd accepts neither this account with this key, nor says which of them is wrong",
		"check the account's name (DOMAIN\\user for a domain's); its public key belongs into "
		"C:\\ProgramData\\ssh\\administrators_authorized_keys for an administrator, which only SYSTEM and "
		"Administrators may "
		"write, else into its own .ssh\\authorized_keys",
		"Permission denied"),
	CONNECTION("algorithms", "ssh and sshd have no algorithm in common", "update OpenSSH on the older side",
		"Unable to negotiate"),
	CONNECTION("ssh-configuration", "ssh does not take its own configuration",
		"correct ~/.ssh/config on this machine", "Bad configuration option", "Bad owner or permissions",
		"no argument after keyword"),
	CONNECTION("closed", "sshd, or something before it, closes the connection",
		"look into the event log OpenSSH/Operational on the host, and at a gateway or jump host on the way",
		"Connection closed", "Connection reset", "kex_exchange_identification"),
	CONNECTION("ssh", "ssh failed", "run `ssh USER@HOST powershell.exe -Command whoami` by hand", NULL),
	{ "no-powershell", TROUBLE_POWERSHELL, { NULL }, false, NOT_FOUND, "there is no powershell.exe on that machine",
		"check that the address is that of a Windows host" },
	{ "language-mode", TROUBLE_POWERSHELL, { "ConstrainedLanguage" }, true, 0,
		"PowerShell runs in constrained language mode for this account",
		"let the application control policy (AppLocker, App Control) of the host trust this account's "
		"scripts" },
	{ "powershell-silent", TROUBLE_POWERSHELL, { NULL }, false, NO_EXIT, "nothing came from there",
		"run `powershell.exe -Command whoami` there by hand, over ssh as here; a login that asks or a shell "
		"that waits must go" },
	{ "powershell", TROUBLE_POWERSHELL, { NULL }, true, 0, "powershell.exe did not start",
		"run `powershell.exe -Command whoami` there by hand, over ssh as here; the default shell of sshd "
		"(HKLM\\SOFTWARE\\OpenSSH, "
		"DefaultShell) must be cmd.exe or powershell.exe" },
	{ "agent", TROUBLE_AGENT, { NULL }, true, 0, "PowerShell came up, and the agent did not",
		"see the host's own words; antivirus software or a policy may stop scripts, and something may swallow "
		"standard "
		"input" },
	{ 0 },
};

static bool has_mark(const struct trouble *row, const char *words)
{
	for (size_t i = 0; i < G_N_ELEMENTS(row->marks) && row->marks[i]; i++)
		if (words && strstr(words, row->marks[i]))
			return true;
	return !row->marks[0];
}

const struct trouble *trouble_of(const struct hyperv_end *end, bool over_ssh)
{
	if (end->greeted)
		return NULL;
	for (const struct trouble *row = troubles; row->id; row++) {
		bool fits = (row->any_exit || row->exit == end->exit) && (over_ssh || row->stage != TROUBLE_CONNECTION);
		if (fits && end->bootstrapped == (row->stage == TROUBLE_AGENT) && has_mark(row, end->words))
			return row;
	}
	return NULL;
}
