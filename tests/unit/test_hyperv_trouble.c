/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"

#include "providers/host/hyperv_trouble.h"

static const struct {
	const char *id;
	int exit;
	bool bootstrapped;
	const char *words;
} cases[] = {
	{ "host-key-changed", 255, false,
		"@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.\n" },
	{ "host-key-unknown", 255, false,
		"No ED25519 host key is known for hv01 and you have requested strict checking.\nHost key verification "
		"failed.\n" },
	{ "name-unknown", 255, false, "ssh: Could not resolve hostname hv01: Name or service not known" },
	{ "refused", 255, false, "ssh: connect to host 127.0.0.1 port 22: Connection refused" },
	{ "no-answer", 255, false, "ssh: connect to host 192.0.2.1 port 22: Connection timed out" },
	{ "no-answer", 255, false, "ssh: connect to host 192.0.2.1 port 22: No route to host" },
	{ "key-open", 255, false,
		"@ WARNING: UNPROTECTED PRIVATE KEY FILE! @\nops@hv01: Permission denied (publickey)." },
	{ "key-unreadable", 255, false,
		"Load key \"/k\": error in libcrypto\nops@hv01: Permission denied (publickey)." },
	{ "too-many-keys", 255, false,
		"Received disconnect from 192.0.2.1 port 22:2: Too many authentication failures" },
	{ "not-let-in", 255, false, "ops@hv01: Permission denied (publickey,password)." },
	{ "algorithms", 255, false, "Unable to negotiate with 192.0.2.1 port 22: no matching host key type found." },
	{ "ssh-configuration", 255, false, "/home/u/.ssh/config: line 3: Bad configuration option: nosuch" },
	{ "closed", 255, false, "kex_exchange_identification: Connection closed by remote host" },
	{ "ssh", 255, false, "" },
	{ "no-powershell", 127, false, "bash: line 1: powershell.exe: command not found" },
	{ "language-mode", 1, false, "CannotCreateTypeConstrainedLanguage" },
	{ "powershell-silent", -1, false, "" },
	{ "powershell", 1, false,
		"Der Befehl \"powershell.exe\" ist entweder falsch geschrieben oder konnte nicht gefunden werden." },
	{ "agent", 1, true, "Zugriff verweigert" },
	{ "agent", -1, true, "" },
};

static void each_end_has_its_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		const struct hyperv_end end = {
			.bootstrapped = cases[i].bootstrapped, .exit = cases[i].exit, .words = cases[i].words
		};
		const struct trouble *found = trouble_of(&end, true);
		assert_non_null(found);
		assert_string_equal(found->id, cases[i].id);
	}
}

/* So that no row is there for nothing, or hidden behind another. */
static void each_row_has_its_end(void **state)
{
	(void)state;
	for (const struct trouble *row = troubles; row->id; row++) {
		bool found = false;
		for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
			found = found || strcmp(cases[i].id, row->id) == 0;
		if (!found)
			fail_msg("no case for %s", row->id);
		assert_true(row->what && row->remedy);
	}
}

static void agent_that_spoke_is_none(void **state)
{
	(void)state;
	const struct hyperv_end end = {
		.bootstrapped = true, .greeted = true, .exit = 255, .words = "Connection reset"
	};
	assert_null(trouble_of(&end, true));
}

static void without_ssh_there_is_no_connection(void **state)
{
	(void)state;
	const struct hyperv_end end = { .exit = 255, .words = "Connection refused" };
	assert_string_equal(trouble_of(&end, false)->id, "powershell");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_end_has_its_row),
		cmocka_unit_test(each_row_has_its_end),
		cmocka_unit_test(agent_that_spoke_is_none),
		cmocka_unit_test(without_ssh_there_is_no_connection),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
