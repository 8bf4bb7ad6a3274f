/* SPDX-License-Identifier: Apache-2.0 */
#include "base/term.h"

#include <glib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_MAX = 10000 };

NAMES_DEFINE(colour_choice_names, COLOUR_CHOICES);

static bool is_set(const char *variable)
{
	const char *value = g_getenv(variable);
	return value && *value;
}

static bool is_forced(const char *variable)
{
	return is_set(variable) && strcmp(g_getenv(variable), "0") != 0;
}

bool term_colour(enum colour_choice choice, int fd)
{
	if (choice != COLOUR_AUTO)
		return choice == COLOUR_ALWAYS;
	if (is_set("NO_COLOR"))
		return false;
	if (is_forced("CLICOLOR_FORCE") || is_forced("FORCE_COLOR"))
		return true;
	return isatty(fd) && g_strcmp0(g_getenv("TERM"), "dumb") != 0;
}

bool term_is_interactive(int fd)
{
	return isatty(fd);
}

unsigned term_width(int fd)
{
	guint64 columns;
	if (is_set("COLUMNS") && g_ascii_string_to_unsigned(g_getenv("COLUMNS"), 10, 1, WIDTH_MAX, &columns, NULL))
		return (unsigned)columns;
	struct winsize size;
	return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

bool term_is_utf8(void)
{
	static const char *const variables[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	for (size_t i = 0; i < G_N_ELEMENTS(variables); i++) {
		if (!is_set(variables[i]))
			continue;
		g_autofree char *locale = g_ascii_strup(g_getenv(variables[i]), -1);
		return strstr(locale, "UTF-8") || strstr(locale, "UTF8");
	}
	return false;
}
