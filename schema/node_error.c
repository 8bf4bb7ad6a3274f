/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/node_error.h"

#include <string.h>

/* libyaml's words, and ours for a person who writes manifests. Problems that are not listed are passed on. */
static const struct wording {
	const char *problem;
	enum diag_code code;
	const char *message;
} wordings[] = {
	{ "mapping values are not allowed in this context", D_YAML_SYNTAX,
		"a ':' cannot stand here; put text that holds ': ' in quotes, or check the indentation" },
	{ "did not find expected key", D_YAML_SYNTAX,
		"expected a key here; check the indentation, and that quotes and brackets are closed" },
	{ "did not find expected '-' indicator", D_YAML_SYNTAX,
		"expected '- ' and the next item here; check the indentation" },
	{ "did not find expected <document start>", D_YAML_SYNTAX,
		"the document has ended before this line; check the indentation, or begin the next one with '---'" },
	{ "could not find expected ':'", D_YAML_SYNTAX, "expected ':' after the key" },
	{ "found unexpected end of stream", D_YAML_SYNTAX, "the text ends within quotes; close them" },
	{ "did not find expected ',' or ']'", D_YAML_SYNTAX, "expected ',' or ']' here; close the list" },
	{ "did not find expected ',' or '}'", D_YAML_SYNTAX, "expected ',' or '}' here; close the mapping" },
	{ "did not find expected node content", D_YAML_SYNTAX,
		"expected a value here; check that brackets are closed" },
	{ "did not find expected alphabetic or numeric character", D_YAML_ALIAS,
		"text that begins with '*' or '&' must be in quotes" },
	{ "found undefined tag handle", D_YAML_ALIAS, "tags are not allowed; put text that begins with '!' in quotes" },
	{ "exceeded maximum depth", D_YAML_LIMIT, "more than 64 levels of lists and mappings" },
};

/* The position of a byte; what is before it is valid UTF-8. */
static struct loc loc_of_byte(const struct source *source, size_t offset)
{
	uint32_t line = 1;
	const char *at = source->bytes, *stop = source->bytes + MIN(offset, source->n_bytes);
	for (const char *end; (end = memchr(at, '\n', (size_t)(stop - at))); at = end + 1)
		line++;
	return (struct loc){ source, line, (uint32_t)g_utf8_strlen(at, stop - at) + 1, 1 };
}

int node_error_encoding(const struct source *source, struct diags *diags)
{
	const char *end;
	if (!source->n_bytes || g_utf8_validate(source->bytes, (gssize)source->n_bytes, &end))
		return 0;
	const unsigned char *bytes = (const unsigned char *)source->bytes;
	size_t offset = (size_t)(end - source->bytes);
	if (source->n_bytes >= 2 && ((bytes[0] == 0xFF && bytes[1] == 0xFE) || (bytes[0] == 0xFE && bytes[1] == 0xFF)))
		return diag_add(diags, D_YAML_ENCODING, loc_of_byte(source, 0), NULL,
			"the file is UTF-16; save it as UTF-8, for example with iconv -f UTF-16 -t UTF-8");
	struct loc loc = loc_of_byte(source, offset);
	if (!bytes[offset])
		return diag_add(diags, D_YAML_ENCODING, loc, NULL, "NUL character at byte %zu; this is not a text file",
			offset);
	return diag_add(diags, D_YAML_ENCODING, loc, NULL,
		"byte %zu (0x%02X) is not UTF-8; convert the file, for "
		"example with iconv -t UTF-8",
		offset, bytes[offset]);
}

static bool indented_by_tab(const char *at, const char *end)
{
	for (; at < end && (*at == ' ' || *at == '\t'); at++)
		if (*at == '\t')
			return true;
	return false;
}

static const char *line_start(const struct source *source, size_t line)
{
	const char *at = source->bytes, *end = source->bytes + source->n_bytes;
	for (const char *next; line && (next = memchr(at, '\n', (size_t)(end - at))); line--)
		at = next + 1;
	return line ? end : at;
}

static struct loc mark_loc(const struct source *source, yaml_mark_t mark)
{
	return (struct loc){ source, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1, 1 };
}

static int control_character(const struct source *source, const yaml_parser_t *parser, struct diags *diags)
{
	/* The offset of reader errors counts bytes of what was given to libyaml, which had no byte order mark. */
	size_t skipped = source->n_bytes >= 3 && memcmp(source->bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
	return diag_add(diags, D_YAML_ENCODING, loc_of_byte(source, parser->problem_offset + skipped), NULL,
		"control character U+%04X; remove it, or write it as an escape in double quotes",
		(unsigned)parser->problem_value);
}

static int cannot_start(struct loc loc, char c, struct diags *diags)
{
	return diag_add(diags, D_YAML_SYNTAX, loc, NULL, "text cannot begin with '%c'; put it in quotes", c);
}

int node_error_syntax(const struct source *source, const yaml_parser_t *parser, struct diags *diags)
{
	if (parser->error == YAML_READER_ERROR)
		return control_character(source, parser, diags);
	const char *problem = parser->problem ? parser->problem : "not valid YAML";
	struct loc loc = mark_loc(source, parser->problem_mark);
	const char *line = line_start(source, parser->problem_mark.line), *end = source->bytes + source->n_bytes;
	if (indented_by_tab(line, end)) {
		loc.col = (uint32_t)(strcspn(line, "\t") + 1);
		return diag_add(diags, D_YAML_TAB, loc, NULL, "tab used for indentation; use spaces");
	}
	if (strcmp(problem, "found character that cannot start any token") == 0 && line < end) {
		const char *at = line;
		for (size_t i = 0; i < parser->problem_mark.column && at < end; i++)
			at = g_utf8_next_char(at);
		if (at < end && g_ascii_isgraph(*at))
			return cannot_start(loc, *at, diags);
	}
	enum diag_code code = D_YAML_SYNTAX;
	const char *message = problem;
	for (size_t i = 0; i < G_N_ELEMENTS(wordings); i++)
		if (strcmp(wordings[i].problem, problem) == 0)
			code = wordings[i].code, message = wordings[i].message;
	int result = diag_add(diags, code, loc, NULL, "%s", message);
	if (parser->context && parser->context_mark.line != parser->problem_mark.line)
		diag_also(diags, mark_loc(source, parser->context_mark), parser->context);
	return result;
}

void tab_finder_init(struct tab_finder *finder, const struct source *source)
{
	*finder = (struct tab_finder){ 0 };
	if (!source->n_bytes || !memchr(source->bytes, '\t', source->n_bytes))
		return;
	finder->at = source->bytes;
	finder->end = source->bytes + source->n_bytes;
}

bool tab_finder_indents(struct tab_finder *finder, size_t line, size_t column)
{
	if (!finder->at || finder->told == line + 1)
		return false;
	while (finder->line < line) {
		const char *next = memchr(finder->at, '\n', (size_t)(finder->end - finder->at));
		if (!next)
			return false;
		finder->at = next + 1;
		finder->line++;
	}
	size_t blanks = 0;
	while (finder->at + blanks < finder->end && (finder->at[blanks] == ' ' || finder->at[blanks] == '\t'))
		blanks++;
	if (column != blanks || !indented_by_tab(finder->at, finder->end))
		return false;
	finder->told = line + 1;
	return true;
}
