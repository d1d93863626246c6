/* SPDX-License-Identifier: Apache-2.0
 * JSON of ours, written as it goes: for answers with thousands of rows. Names are ours, and are
 * written as they are; texts are escaped. Without memory the end says so. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "base/time.h"

struct json_writer {
	struct strbuf out;
	bool begun;    /* the object or array at hand has a member */
	usec_t day;    /* whose date is known, since 1970; many times are of one day */
	char date[16]; /* "": of none yet */
};

/* open: '{' or '['. name: NULL in an array, and for the whole. */
void json_open(struct json_writer *w, const char *name, char open);
void json_close(struct json_writer *w, char close);

/* NULL, and the time 0, are null. t: since 1970. */
void json_text(struct json_writer *w, const char *name, const char *s);
void json_time(struct json_writer *w, const char *name, usec_t t);
void json_seconds(struct json_writer *w, const char *name, usec_t t);
void json_integer(struct json_writer *w, const char *name, int64_t n);
/* To three places. */
void json_rate(struct json_writer *w, const char *name, double n);
void json_bool(struct json_writer *w, const char *name, bool yes);

/* The caller frees *ret. -ENOMEM. */
int json_finish(struct json_writer *w, char **ret);
