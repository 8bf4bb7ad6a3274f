/* SPDX-License-Identifier: Apache-2.0 */
/* Asking a host for what the doctor judges, with scripted agents: tests/lib/fake_agent.py has the modes. */
#include "tests/lib/test.h"

#include "base/interrupt.h"
#include "reconcile/examine.h"

struct fixture {
	struct arena *arena;
	struct diags *diags;
	struct examination *examination;
	const struct doctor_facts *facts;
};

static void begin(struct fixture *fixture, const char *mode, struct endpoint endpoint)
{
	interrupt_ignore_pipes();
	*fixture = (struct fixture){ .arena = arena_new() };
	fixture->diags = diags_new(fixture->arena);
	g_setenv("HVGPU_POWERSHELL", TESTS_DIR "/lib/fake_agent.py", TRUE);
	g_setenv("HVGPU_FAKE_MODE", mode, TRUE);
	fixture->examination = examine(&endpoint, fixture->diags);
	if (fixture->examination)
		fixture->facts = examination_facts(fixture->examination);
}

static void end(struct fixture *fixture)
{
	examination_free(fixture->examination);
	arena_free(fixture->arena);
}

static const struct endpoint here = { .host = "hv01", .address = "local:" };

static void host_tells_of_itself_and_its_session(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "good", here);
	const struct doctor_facts *facts = fixture.facts;
	assert_true(facts->has_agent);
	assert_int_equal(facts->error, HOST_OK);
	assert_string_equal(facts->hello->powershell, "5.1");
	assert_string_equal(facts->examined->account, "HV01\\ops");
	assert_int_equal(facts->examined->cluster, CLUSTER_ANSWERS);
	assert_int_equal(facts->examined->access, ACCESS_READ_ONLY);
	assert_int_equal(facts->examined->root, ROOT_UNKNOWN); /* a word of a later version */
	assert_string_equal(facts->examined->root_message, "why");
	assert_int_equal(facts->state->n_gpus, 1);
	assert_true(facts->asked_at > 0 && facts->answered_at >= facts->asked_at);
	assert_null(facts->end);
	end(&fixture);
}

/* A plan could not use it, and people can. */
static void what_came_of_a_failed_answer_is_shown(void **state)
{
	(void)state;
	static const char *const modes[] = { "gap", "null-gap", "miscounted" };
	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
		struct fixture fixture;
		begin(&fixture, modes[i], here);
		assert_int_not_equal(fixture.facts->error, HOST_OK);
		assert_non_null(fixture.facts->message);
		assert_non_null(fixture.facts->state);
		assert_string_equal(fixture.facts->state->host.edition, "Datacenter");
		assert_int_equal(fixture.facts->state->n_gpus, 1);
		end(&fixture);
	}
}

static void agent_that_does_not_come_up_leaves_its_end(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "not-there", here);
	assert_null(fixture.facts->hello);
	assert_null(fixture.facts->state);
	assert_int_equal(fixture.facts->error, HOST_UNREACHABLE);
	assert_int_equal(fixture.facts->end->exit, 127);
	assert_false(fixture.facts->end->bootstrapped);
	assert_non_null(strstr(fixture.facts->end->words, "command not found"));
	end(&fixture);
	begin(&fixture, "hash", here);
	assert_true(fixture.facts->end->bootstrapped);
	assert_non_null(strstr(fixture.facts->end->explanation, "SHA-256"));
	end(&fixture);
}

static void name_matters_unless_an_address_was_asked(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "other-name", here);
	assert_int_equal(fixture.facts->error, HOST_UNEXPECTED_FACTS);
	assert_string_equal(fixture.facts->hello->host, "OTHER");
	end(&fixture);
	begin(&fixture, "other-name", (struct endpoint){ .host = "hv01", .address = "local:", .any_name = true });
	assert_int_equal(fixture.facts->error, HOST_OK);
	end(&fixture);
}

static void host_that_cannot_be_opened_is_a_fact_and_a_wrong_address_a_finding(void **state)
{
	(void)state;
	struct fixture fixture;
	begin(&fixture, "good",
		(struct endpoint){ .host = "hv01", .address = "ssh://hv01", .credential = "env:HVGPU_TEST_NONE" });
	assert_non_null(strstr(fixture.facts->not_opened, "HVGPU_TEST_NONE"));
	assert_int_equal(fixture.facts->asked_at, 0);
	end(&fixture);
	begin(&fixture, "good", (struct endpoint){ .host = "hv01", .address = "ssh://" });
	assert_null(fixture.examination);
	assert_int_equal(fixture.diags->first->code, D_HOST_SCHEME);
	end(&fixture);
	begin(&fixture, "good", (struct endpoint){ .host = "hv01", .address = "snapshot:/nowhere" });
	assert_null(fixture.examination);
	assert_int_equal(fixture.diags->n_errors, 1);
	end(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(host_tells_of_itself_and_its_session),
		cmocka_unit_test(what_came_of_a_failed_answer_is_shown),
		cmocka_unit_test(agent_that_does_not_come_up_leaves_its_end),
		cmocka_unit_test(name_matters_unless_an_address_was_asked),
		cmocka_unit_test(host_that_cannot_be_opened_is_a_fact_and_a_wrong_address_a_finding),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
