/* SPDX-License-Identifier: Apache-2.0
 * Files with secrets, each read when it is asked for first, and again once it has changed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct secret_kept;

/* {0} is empty. */
struct secret_cache {
	struct secret_kept *items;
	size_t n;
};

/* What the file, or systemd credential, holds now; lines: it may have several. *ret is borrowed
 * until the next call. 1: it was read; 0: it is as it was read before. -errno with *reterr (the
 * caller frees it) where it cannot be read, whatever was read before; it never holds content. */
int secret_cache_get(
	struct secret_cache *s, const char *name, bool lines, const char **ret, char **reterr);

/* Wipes and frees. */
void secret_cache_clear(struct secret_cache *s);
