/* SPDX-License-Identifier: Apache-2.0
 * For the targets: a decoder refuses in one line that a log may hold, and only what it refuses. */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

#define MAX_COMPLAINT 1000

static inline void must(bool holds)
{
	if (!holds)
		abort();
}

static inline int refused_well(int r, const char *err)
{
	_cleanup_free_ char *shown = NULL;

	if (r >= 0)
		return r;
	must(r == -ENOMEM || err);
	must(str_printable(err, MAX_COMPLAINT, &shown) >= 0);
	if (err && strcmp(shown, err) != 0) {
		(void)fprintf(stderr, "a complaint: %s\n", err);
		abort();
	}
	return r;
}

/* What a decoder returns, whose last argument is &err here. */
#define TRY(call)                                                                                  \
	({                                                                                         \
		_cleanup_free_ char *err = NULL;                                                   \
		int _r = (call);                                                                   \
                                                                                                   \
		refused_well(_r, err);                                                             \
	})
