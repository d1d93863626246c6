/* SPDX-License-Identifier: Apache-2.0
 * Markdown, line by line: blocks are gathered until they end, and then written. */
#include "wire/markdown.h"

#include <string.h>

enum block {
	BLOCK_NONE,
	BLOCK_PARAGRAPH,
	BLOCK_BULLET,
	BLOCK_STEP, /* of a list that is numbered */
	BLOCK_H1,
	BLOCK_H2,
	BLOCK_H3,
	BLOCK_MAX
};

static const struct {
	const char *list; /* around all of it; NULL: nothing is */
	const char *item;
} tags[] = {
	[BLOCK_NONE] = {NULL, NULL},
	[BLOCK_PARAGRAPH] = {NULL, "p"},
	[BLOCK_BULLET] = {"ul", "li"},
	[BLOCK_STEP] = {"ol", "li"},
	[BLOCK_H1] = {NULL, "h1"},
	[BLOCK_H2] = {NULL, "h2"},
	[BLOCK_H3] = {NULL, "h3"},
};
_Static_assert(ELEMENTSOF(tags) == BLOCK_MAX, "tags for each block");

struct writer {
	struct html_writer *html;
	struct strbuf text; /* of the block at hand */
	enum block block;
	enum block list; /* whose element is open; BLOCK_NONE: no list's */
	markdown_page_exists exists;
};

/* The end of s where the mark begins, with which it is cut off; NULL: there is none. */
static char *cut(char *s, const char *mark)
{
	char *end = strstr(s, mark);

	if (end)
		*end = '\0';
	return end;
}

/* "way/NAME.md" to "NAME"; NULL where it is none. */
static const char *name_of(char *target)
{
	char *slash = strrchr(target, '/');
	char *name = slash ? slash + 1 : target;
	size_t n = strlen(name);

	if (n <= 3 || strcmp(name + n - 3, ".md") != 0)
		return NULL;
	name[n - 3] = '\0';
	return name;
}

/* "[words](target)"; what follows it, NULL: it is none. */
static char *write_link(struct writer *w, char *s)
{
	char *middle = strstr(s, "](");
	char *end = middle ? strchr(middle, ')') : NULL;
	const char *name;

	if (!end)
		return NULL;
	*middle = *end = '\0';
	name = name_of(middle + 2);
	if (name && w->exists(name)) {
		html_open(w->html, "a");
		html_attribute(w->html, "href", name);
		html_text(w->html, s + 1);
		html_close(w->html);
	} else {
		html_text(w->html, s + 1);
	}
	return end + 1;
}

/* What stands between two marks; what follows it, NULL: the second is missing. */
static char *write_marked(struct writer *w, char *s, const char *mark, const char *tag)
{
	size_t n = strlen(mark);
	char *end = cut(s + n, mark);

	if (!end)
		return NULL;
	html_element(w->html, tag, NULL, s + n);
	return end + n;
}

static char *write_special(struct writer *w, char *s)
{
	switch (*s) {
	case '[':
		return write_link(w, s);
	case '`':
		return write_marked(w, s, "`", "code");
	case '*':
		return s[1] == '*' ? write_marked(w, s, "**", "strong") : NULL;
	default:
		return NULL;
	}
}

/* The text before a mark, up to where one may begin; a mark that is none is text. */
static char *write_plain(struct writer *w, char *s)
{
	size_t n = 1 + strcspn(s + 1, "[`*");
	char rest = s[n];

	s[n] = '\0';
	html_text(w->html, s);
	s[n] = rest;
	return s + n;
}

static void write_inline(struct writer *w, char *s)
{
	while (*s) {
		char *next = write_special(w, s);

		s = next ? next : write_plain(w, s);
	}
}

static void set_list(struct writer *w, enum block block)
{
	enum block list = tags[block].list ? block : BLOCK_NONE;

	if (w->list == list)
		return;
	if (w->list != BLOCK_NONE)
		html_close(w->html);
	if (list != BLOCK_NONE)
		html_open(w->html, tags[list].list);
	w->list = list;
}

/* Writes the block at hand. */
static void flush(struct writer *w)
{
	if (w->block == BLOCK_NONE)
		return;
	set_list(w, w->block);
	html_open(w->html, tags[w->block].item);
	if (w->text.text && !w->text.failed)
		write_inline(w, w->text.text);
	html_close(w->html);
	w->html->out.failed = w->html->out.failed || w->text.failed;
	strbuf_clear(&w->text);
	w->block = BLOCK_NONE;
}

/* What a line begins, and where its words do; BLOCK_NONE: it goes on with the block before. */
static enum block begins(const char *line, size_t n, size_t *ret_skip)
{
	size_t level = strspn(line, "#");
	size_t digits = strspn(line, "0123456789");

	*ret_skip = 0;
	if (level > 0 && level <= 3 && n > level + 1 && line[level] == ' ') {
		*ret_skip = level + 1;
		return (enum block)(BLOCK_H1 + (int)level - 1);
	}
	if (n > 2 && strncmp(line, "- ", 2) == 0) {
		*ret_skip = 2;
		return BLOCK_BULLET;
	}
	if (digits > 0 && n > digits + 2 && strncmp(line + digits, ". ", 2) == 0) {
		*ret_skip = digits + 2;
		return BLOCK_STEP;
	}
	return BLOCK_NONE;
}

static void add_line(struct writer *w, const char *line, size_t n)
{
	size_t skip;
	enum block block = begins(line, n, &skip);

	if (n == 0 || block != BLOCK_NONE)
		flush(w);
	if (n == 0)
		return;
	if (w->block == BLOCK_NONE) {
		w->block = block == BLOCK_NONE ? BLOCK_PARAGRAPH : block;
	} else {
		skip = strspn(line, " ");
		strbuf_add(&w->text, " ");
	}
	strbuf_add_n(&w->text, line + skip, n - skip);
	if (block >= BLOCK_H1) /* of one line */
		flush(w);
}

void markdown_write(struct html_writer *html, const char *text, markdown_page_exists exists)
{
	struct writer w = {.html = html, .exists = exists};

	while (*text) {
		size_t n = strcspn(text, "\n");

		add_line(&w, text, n);
		text += n + (text[n] == '\n');
	}
	flush(&w);
	set_list(&w, BLOCK_NONE);
}
