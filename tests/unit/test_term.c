/* SPDX-License-Identifier: Apache-2.0 */
#include "base/term.h"
#include "tests/lib/test.h"

#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char *const variables[] = { "NO_COLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "COLUMNS", "LC_ALL", "LC_CTYPE",
	"LANG", "TERM" };

struct fixture {
	int pipe, terminal, master;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	for (size_t i = 0; i < G_N_ELEMENTS(variables); i++)
		g_unsetenv(variables[i]);
	fixture.pipe = open("/dev/null", O_RDWR | O_CLOEXEC);
	fixture.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fixture.pipe < 0 || fixture.master < 0 || grantpt(fixture.master) < 0 || unlockpt(fixture.master) < 0)
		return -1;
	fixture.terminal = open(ptsname(fixture.master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	*state = &fixture;
	return fixture.terminal < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	close(fixture->pipe);
	close(fixture->terminal);
	close(fixture->master);
	return 0;
}

static void colour_follows_the_terminal(void **state)
{
	struct fixture *fixture = *state;
	assert_true(term_colour(COLOUR_AUTO, fixture->terminal));
	assert_false(term_colour(COLOUR_AUTO, fixture->pipe));
	g_setenv("TERM", "dumb", TRUE);
	assert_false(term_colour(COLOUR_AUTO, fixture->terminal));
}

static void colour_choice_wins_over_all(void **state)
{
	struct fixture *fixture = *state;
	g_setenv("NO_COLOR", "1", TRUE);
	assert_true(term_colour(COLOUR_ALWAYS, fixture->pipe));
	g_unsetenv("NO_COLOR");
	g_setenv("FORCE_COLOR", "1", TRUE);
	assert_false(term_colour(COLOUR_NEVER, fixture->terminal));
}

static void colour_no_color_wins_over_force(void **state)
{
	struct fixture *fixture = *state;
	g_setenv("FORCE_COLOR", "1", TRUE);
	g_setenv("NO_COLOR", "0", TRUE);
	assert_false(term_colour(COLOUR_AUTO, fixture->terminal));
	g_setenv("NO_COLOR", "", TRUE);
	assert_true(term_colour(COLOUR_AUTO, fixture->pipe));
}

static void colour_force_wins_over_pipe(void **state)
{
	struct fixture *fixture = *state;
	g_setenv("CLICOLOR_FORCE", "1", TRUE);
	assert_true(term_colour(COLOUR_AUTO, fixture->pipe));
	g_setenv("CLICOLOR_FORCE", "0", TRUE);
	assert_false(term_colour(COLOUR_AUTO, fixture->pipe));
}

static void width_is_of_variable_or_terminal(void **state)
{
	struct fixture *fixture = *state;
	struct winsize size = { .ws_row = 50, .ws_col = 133 };
	assert_int_equal(ioctl(fixture->terminal, TIOCSWINSZ, &size), 0);
	assert_int_equal(term_width(fixture->terminal), 133);
	assert_int_equal(term_width(fixture->pipe), 0);
	g_setenv("COLUMNS", "72", TRUE);
	assert_int_equal(term_width(fixture->pipe), 72);
	g_setenv("COLUMNS", "wide", TRUE);
	assert_int_equal(term_width(fixture->pipe), 0);
}

static void interactive_is_a_terminal(void **state)
{
	struct fixture *fixture = *state;
	assert_true(term_is_interactive(fixture->terminal));
	assert_false(term_is_interactive(fixture->pipe));
}

static void utf8_is_of_the_first_variable_that_is_set(void **state)
{
	(void)state;
	assert_false(term_is_utf8());
	g_setenv("LANG", "en_US.UTF-8", TRUE);
	assert_true(term_is_utf8());
	g_setenv("LC_ALL", "C", TRUE);
	assert_false(term_is_utf8());
	g_setenv("LC_ALL", "", TRUE);
	g_setenv("LC_CTYPE", "de_DE.utf8", TRUE);
	assert_true(term_is_utf8());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(colour_follows_the_terminal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(colour_choice_wins_over_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(colour_no_color_wins_over_force, set_up, tear_down),
		cmocka_unit_test_setup_teardown(colour_force_wins_over_pipe, set_up, tear_down),
		cmocka_unit_test_setup_teardown(width_is_of_variable_or_terminal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(interactive_is_a_terminal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(utf8_is_of_the_first_variable_that_is_set, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
