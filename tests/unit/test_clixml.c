/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/test.h"

#include "providers/host/clixml.h"

#include <glib.h>

static void check(const char *bytes, const char *expected)
{
	g_autofree char *words = clixml_words(bytes, strlen(bytes));
	assert_string_equal(words, expected);
}

static void plain_words_stay_as_they_are(void **state)
{
	(void)state;
	check("", "");
	check("ssh: connect to host hv01 port 22: Connection refused\r\n",
		"ssh: connect to host hv01 port 22: Connection refused");
	check("a < b & c_x000A_\n", "a < b & c_x000A_");
}

static void progress_is_no_error(void **state)
{
	(void)state;
	check("#< CLIXML\r\n<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\"><Obj "
	      "S=\"progress\" RefId=\"0\"><TN "
	      "RefId=\"0\"><T>System.Management.Automation.PSCustomObject</T></TN><MS><I64 "
	      "N=\"SourceId\">1</I64><PR N=\"Record\"><AV>Preparing modules for first use.</AV></PR></MS></Obj></Objs>",
		"");
}

static void errors_and_warnings_are_decoded(void **state)
{
	(void)state;
	check("Warning: known hosts\n#< CLIXML\r\n<Objs><S S=\"Error\">Zugriff verweigert "
	      "&lt;HV01&gt;_x000D__x000A_</S><S "
	      "S=\"Error\">_xD83D__xDE00_ &amp;amp;_x000D__x000A_</S><S S=\"warning\">w</S><S "
	      "S=\"verbose\">v</S></Objs>after",
		"Warning: known hosts\nZugriff verweigert <HV01>\n\xF0\x9F\x98\x80 &amp;\nwafter");
}

static void damaged_records_do_no_harm(void **state)
{
	(void)state;
	check("#< CLIXML", "");
	check("#< CLIXML\n<Objs><S S=\"Error\">cut of", "cut of");
	check("#< CLIXML\n<Objs><S S=\"Error\">a_xD83D_b_x00G0_c_x0000_</S>", "a\xEF\xBF\xBD"
									      "b_x00G0_c\xEF\xBF\xBD");
	check("#< CLIXML\n<Objs><S S=\"Error\">a</S>#< CLIXML<S S=\"Error\">b</S></Objs>", "ab");
	check("#< CLIXML\n<Objs><S S=\"Error\">_x001B_[31mred_x0007_</S></Objs>\x1B[0m\xFF",
		"?[31mred??[0m\xEF\xBF\xBD");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_words_stay_as_they_are),
		cmocka_unit_test(progress_is_no_error),
		cmocka_unit_test(errors_and_warnings_are_decoded),
		cmocka_unit_test(damaged_records_do_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
