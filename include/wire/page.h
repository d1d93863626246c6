/* SPDX-License-Identifier: Apache-2.0
 * Bits of Spark's HTML pages: they are cut up by fixed words, not parsed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/facts/model.h"

#define PAGE_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define PAGE_DIGITS "0123456789"

/* A piece of a page. */
struct span {
	const char *p;
	size_t n;
};

/* Cuts s after the first what. false: there is none, and s is as it was. */
bool span_skip_past(struct span *s, const char *what);
/* What stands in s before the first end; s is cut after it. */
bool span_take_until(struct span *s, const char *end, struct span *ret);
/* The first piece between two words. */
bool span_take_between(struct span *s, const char *begin, const char *end, struct span *ret);
/* A copy of s where it consists of allowed bytes only, and of 1 to max of them; else 0 with *ret as
 * it was. */
int span_copy_plain(struct span s, const char *allowed, size_t max, char **ret);

/* What stands in its title, as it stands there. false: there is none, or nothing in it. */
bool page_title(struct span page, struct span *ret);

/* The first form whose action ends with path, which kills something. *ret stays as it is where
 * there is none. */
int page_kill_form(struct span page, const char *path, struct kill_form *ret);

/* What is sent to kill, as a form's body or as a query: "id=ID&terminate=true[&csrfToken=TOKEN]".
 * The caller frees it. */
int page_kill_query(const char *id, const char *csrf_token, char **ret);
