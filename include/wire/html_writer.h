/* SPDX-License-Identifier: Apache-2.0
 * HTML of ours, written as it goes. Names of elements and of attributes are ours, and are written
 * as they are; every text and every value is escaped here, whoever it is from, and what a person
 * should not see (control characters, overrides of the writing direction, what is not UTF-8) is
 * replaced. There is no way to write markup that is not escaped. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

#define HTML_MAX_DEPTH 24

struct html_writer {
	struct strbuf out;
	const char *open[HTML_MAX_DEPTH]; /* names of the elements that are open, static */
	size_t depth;
	bool in_tag; /* attributes may follow */
};

/* The first line of a document. */
void html_doctype(struct html_writer *w);

/* name: static. One that has no content (link, meta, input) is closed as well. */
void html_open(struct html_writer *w, const char *name);
/* The element that was opened last. */
void html_close(struct html_writer *w);
/* Those that are open beyond depth. */
void html_close_to(struct html_writer *w, size_t depth);

/* Of the element that was opened just now. value NULL: the attribute is left out; "": it has no
 * value. */
void html_attribute(struct html_writer *w, const char *name, const char *value);
void html_attributef(struct html_writer *w, const char *name, const char *fmt, ...) _printf_(3, 4);

/* NULL is no text. */
void html_text(struct html_writer *w, const char *s);
void html_textf(struct html_writer *w, const char *fmt, ...) _printf_(2, 3);

/* A whole element; class may be NULL. */
void html_element(struct html_writer *w, const char *name, const char *class, const char *text);
/* An address of others as a link, where it is one of http or https; else the text alone. */
void html_link(struct html_writer *w, const char *url, const char *text);

/* Closes what is open. The caller frees *ret. -ENOMEM. */
int html_finish(struct html_writer *w, char **ret);
