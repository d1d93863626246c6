/* SPDX-License-Identifier: Apache-2.0
 * What must not stay in memory: passwords, tokens, and texts that hold them. And what others must
 * not get to see, in whatever form somebody says it again. */
#pragma once

#include <stddef.h>

#include "base/cleanup.h"

/* Overwrites n bytes so that no compiler leaves it out. NULL is allowed. */
void secret_wipe(char *s, size_t n);

/* Overwrites the whole text, then frees it. NULL is allowed; returns NULL. */
char *secret_free(char *s);

DEFINE_CLEANUP(char *, secret_free)
#define _cleanup_secret_ _cleanup_(secret_freep)

/* Secrets in the forms that they take in a text. */
struct secrets {
	char **forms; /* the longest first: one may be a part of another */
	size_t n;
};

/* Adds a secret: as it is, in base64 with whatever is before and after it (as a password in a Basic
 * authorization), and as JSON, HTML and URLs escape it. NULL and "" are none. -ENOMEM: some of its
 * forms may be there. */
int secrets_add(struct secrets *s, const char *secret);

/* Puts stars, three at most, in the place of each: text of len bytes and a NUL. Returns the length
 * that it has then. */
size_t secrets_hide(const struct secrets *s, char *text, size_t len);

/* Wipes and frees. */
void secrets_clear(struct secrets *s);

/* A copy of a URL, or of what was meant to be one, in which stars stand for all before an @: a user
 * name may come with a password. -ENOMEM. */
int secret_url_text(const char *url, char **ret);
