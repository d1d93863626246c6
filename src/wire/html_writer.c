/* SPDX-License-Identifier: Apache-2.0
 * Writes HTML into a string. */
#include "wire/html_writer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const empty_elements[] = {"link", "meta", "input", "br"};

void html_doctype(struct html_writer *w)
{
	strbuf_add(&w->out, "<!DOCTYPE html>\n");
}

static void end_tag(struct html_writer *w)
{
	if (w->in_tag)
		strbuf_add_n(&w->out, ">", 1);
	w->in_tag = false;
}

void html_open(struct html_writer *w, const char *name)
{
	assert(w->depth < HTML_MAX_DEPTH);
	end_tag(w);
	strbuf_add_n(&w->out, "<", 1);
	strbuf_add(&w->out, name);
	w->open[w->depth++] = name;
	w->in_tag = true;
}

static bool is_empty_element(const char *name)
{
	for (size_t i = 0; i < ELEMENTSOF(empty_elements); i++)
		if (strcmp(name, empty_elements[i]) == 0)
			return true;
	return false;
}

void html_close(struct html_writer *w)
{
	const char *name;

	assert(w->depth > 0);
	name = w->open[--w->depth];
	end_tag(w);
	if (is_empty_element(name))
		return;
	strbuf_add_n(&w->out, "</", 2);
	strbuf_add(&w->out, name);
	strbuf_add_n(&w->out, ">", 1);
}

void html_close_to(struct html_writer *w, size_t depth)
{
	while (w->depth > depth)
		html_close(w);
}

static const char *entity_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	default:
		return "&#39;";
	}
}

/* Entities are printable, so that what is made harmless afterwards are the texts alone. */
static void add_escaped(struct html_writer *w, const char *s)
{
	size_t from = w->out.len;

	while (*s) {
		size_t n = strcspn(s, "&<>\"'");

		strbuf_add_n(&w->out, s, n);
		s += n;
		if (*s)
			strbuf_add(&w->out, entity_of(*s++));
	}
	if (!w->out.failed && w->out.len > from)
		str_sanitize(w->out.text + from);
}

void html_attribute(struct html_writer *w, const char *name, const char *value)
{
	assert(w->in_tag);
	if (!value)
		return;
	strbuf_add_n(&w->out, " ", 1);
	strbuf_add(&w->out, name);
	if (!*value)
		return;
	strbuf_add_n(&w->out, "=\"", 2);
	add_escaped(w, value);
	strbuf_add_n(&w->out, "\"", 1);
}

static char *format(struct html_writer *w, const char *fmt, va_list ap) _printf_(2, 0);

/* NULL: without memory, which the end reports. */
static char *format(struct html_writer *w, const char *fmt, va_list ap)
{
	char *text = NULL;

	if (vasprintf(&text, fmt, ap) >= 0)
		return text;
	w->out.failed = true;
	return NULL;
}

void html_attributef(struct html_writer *w, const char *name, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = format(w, fmt, ap);
	va_end(ap);
	html_attribute(w, name, text);
}

void html_text(struct html_writer *w, const char *s)
{
	end_tag(w);
	if (s)
		add_escaped(w, s);
}

void html_textf(struct html_writer *w, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = format(w, fmt, ap);
	va_end(ap);
	html_text(w, text);
}

void html_element(struct html_writer *w, const char *name, const char *class, const char *text)
{
	html_open(w, name);
	html_attribute(w, "class", class);
	html_text(w, text);
	html_close(w);
}

/* A browser takes white space and control characters out of an address before it looks at its
 * scheme: none may be there. */
static bool is_of_the_web(const char *url)
{
	if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0)
		return false;
	for (const char *c = url; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '\\')
			return false;
	return true;
}

void html_link(struct html_writer *w, const char *url, const char *text)
{
	if (!url || !is_of_the_web(url)) {
		html_text(w, text);
		return;
	}
	html_open(w, "a");
	html_attribute(w, "href", url);
	html_attribute(w, "rel", "noreferrer noopener");
	html_text(w, text);
	html_close(w);
}

int html_finish(struct html_writer *w, char **ret)
{
	html_close_to(w, 0);
	strbuf_add_n(&w->out, "\n", 1);
	return strbuf_finish(&w->out, ret);
}
