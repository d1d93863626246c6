/* SPDX-License-Identifier: Apache-2.0
 * When certificates and tokens end, for whoever looks: as far as they were seen lately. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/time.h"

struct expiry {
	char *name;  /* "host:port", or a file */
	usec_t at;   /* since 1970 */
	usec_t seen; /* when it was last in use, by clock_boottime() */
	usec_t read; /* when at was last learned, likewise */
};

/* {0} is empty. */
struct expiry_list {
	struct expiry *items;
	size_t n;
};

/* Beyond so many no further one is noted. */
#define EXPIRY_MAX 200
/* What was not in use for so long is nobody's any more, and is forgotten when another one comes. */
#define EXPIRY_KEPT (6 * USEC_PER_HOUR)

/* Whether it is to be learned (again): it is not known, or was learned more than a minute ago. */
bool expiry_due(const struct expiry_list *l, const char *name, usec_t now);

/* It is in use now. at: 0 leaves what is known as it is. */
void expiry_note(struct expiry_list *l, const char *name, usec_t at, usec_t now);

/* It does not say any more when it ends. */
void expiry_forget(struct expiry_list *l, const char *name);

void expiry_clear(struct expiry_list *l);

/* What a file with certificates in PEM says of the first that ends, since 1970. -errno where it
 * cannot be read, -EINVAL where there is none in it. */
int expiry_of_file(const char *file, usec_t *ret);

/* "Nov 29 21:04:05 2026 GMT", as OpenSSL writes it and libcurl passes it on. 0: it is none. */
usec_t expiry_of_text(const char *text);
