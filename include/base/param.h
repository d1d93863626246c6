/* SPDX-License-Identifier: Apache-2.0
 * Typed parameters: a table says which keys a section of the configuration may hold, where each
 * goes in a struct, its default and its bounds. Sources, actions, rules and the daemon each declare
 * one, so that parsing, --print-config and the check of the man pages come from the same table. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "base/time.h"

enum param_type {
	PARAM_STRING,   /* char *, owned */
	PARAM_LIST,     /* struct strlist: the key may be repeated */
	PARAM_BOOL,     /* bool */
	PARAM_U64,      /* uint64_t */
	PARAM_SIZE,     /* uint64_t, bytes with K M G */
	PARAM_DURATION, /* usec_t */
	PARAM_ENUM,     /* int: index into choices */
	PARAM_TYPE_MAX
};

struct strlist {
	char **items;
	size_t n;
};

struct param_def {
	const char *name;
	enum param_type type;
	size_t offset;
	const char *fallback;       /* default as text; NULL: unset (NULL, 0, empty) */
	uint64_t min;               /* of numbers and durations (microseconds) */
	uint64_t max;               /* 0: unbounded */
	const char *const *choices; /* PARAM_ENUM: NULL-terminated */
	const char *help;           /* one line */
};

int strlist_add(struct strlist *l, const char *s);
/* Whether s is one of them. */
bool strlist_has(const struct strlist *l, const char *s);
bool strlist_equal(const struct strlist *a, const struct strlist *b);
void strlist_clear(struct strlist *l);

const struct param_def *param_find(const struct param_def *defs, size_t n, const char *name);

/* Sets all of target's parameters to their defaults. target must be zeroed or param_clear()ed. */
int param_defaults(const struct param_def *defs, size_t n, void *target);

/* Sets one parameter from text. An empty text unsets a string and empties a list; any other text is
 * added to a list. -EINVAL or -ERANGE with *reterr ("not a duration", ...; caller frees)
 * where the text is wrong, -ENOMEM. */
int param_set(const struct param_def *def, void *target, const char *text, char **reterr);

/* Frees what target's parameters own and zeroes them. */
void param_clear(const struct param_def *defs, size_t n, void *target);

/* Of a line of the configuration: what Debian's inih is built for. Longer ones are cut by it. */
#define PARAM_LINE_BYTES ((size_t)199)

/* Adds "name = value" lines, one per value; unset strings and empty lists as comments. A line that
 * would be over PARAM_LINE_BYTES has no blanks: such a value was read from "name=value". */
void param_print(const struct param_def *defs, size_t n, const void *target, struct strbuf *out);
