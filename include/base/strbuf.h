/* SPDX-License-Identifier: Apache-2.0
 * A growing string. A failed allocation is remembered: later writes do nothing, and strbuf_finish()
 * reports it, so that a long series of writes needs one check at its end. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct strbuf {
	char *text; /* NUL-terminated where not NULL */
	size_t len;
	size_t size;
	bool failed;
	bool secret; /* set at first: no copy of the text stays behind when it grows, or is cleared
		      */
};

void strbuf_clear(struct strbuf *b);
void strbuf_add(struct strbuf *b, const char *s);
void strbuf_add_n(struct strbuf *b, const char *s, size_t n);
void strbuf_addf(struct strbuf *b, const char *fmt, ...) _printf_(2, 3);
/* As by "%" PRId64, in a fraction of the time. */
void strbuf_add_integer(struct strbuf *b, int64_t n);

/* Adds s with every byte outside of RFC 3986's unreserved set as %XX: a path segment of a URL. */
void strbuf_add_segment(struct strbuf *b, const char *s);

/* Adds s as a string of JSON, with its quotes. s is UTF-8. */
void strbuf_add_json(struct strbuf *b, const char *s);

/* Empty again, with the room that it has. */
void strbuf_empty(struct strbuf *b);

/* Holds a copy of s and nothing else, in the room that it has where that suffices. -ENOMEM. */
int strbuf_set(struct strbuf *b, const char *s);

/* Hands the text to the caller, who frees it; the buffer is empty afterwards. -ENOMEM if any write
 * failed, *ret then untouched. An empty buffer gives "". */
int strbuf_finish(struct strbuf *b, char **ret);

/* asprintf() that returns -ENOMEM or 0, and leaves no copy behind: it may be a secret. */
int str_printf(char **ret, const char *fmt, ...) _printf_(2, 3);

/* Replaces *target by a copy of s (NULL allowed), unless they are equal. -ENOMEM: *target
 * untouched. */
int str_replace(char **target, const char *s);

/* strcmp() == 0 that accepts NULL; two NULLs are equal. */
bool str_equal(const char *a, const char *b);

/* The length of the UTF-8 character that text starts with, and its code point; 0 where there is
 * none.
 */
size_t utf8_decode(const char *text, uint32_t *ret);

/* Replaces in place what a log or a terminal should not see, byte by byte, by '?': control
 * characters (C0, DEL, C1), line and paragraph separators, what is not seen, overrides of the
 * writing direction, and whatever is not UTF-8. */
void str_sanitize(char *s);

/* The length of s cut to at most max bytes on a character's border. */
size_t str_cut(const char *s, size_t max);

/* A copy fit for logs and terminals: str_sanitize()d, cut to max bytes on a character's border.
 * Text of others (app names, error bodies) goes through it before a person sees it. s may be NULL:
 * "". */
int str_printable(const char *s, size_t max, char **ret);
