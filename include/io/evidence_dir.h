/* SPDX-License-Identifier: Apache-2.0
 * A directory of files of evidence, one per incident, bounded in their sum and their age. */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/time.h"

/* Opens DIR/incidents/NAME.jsonl anew for writing, readable by its owner only; incidents/ is made
 * where it is missing, DIR is not. name is ours: no slash, not empty, no dot in front (-EINVAL).
 * -ENOENT: there is no DIR. */
int evidence_dir_create(const char *dir, const char *name, FILE **ret);

struct evidence_bounds {
	uint64_t max_size;  /* bytes of all files that are not open */
	uint64_t keep_free; /* bytes that are to stay free on their file system */
	uint64_t drop;      /* bytes that go however little there is, since a quota was reached */
	usec_t max_age;
	const char *const *open; /* NAMEs of files that stay, NULL at the end; NULL: none */
};

/* Deletes files that were last written longer ago than max_age (now: since 1970), then the oldest
 * until the rest keeps within the bounds. Only files *.jsonl of DIR/incidents. Returns how many, 0
 * also where there is no such directory. */
int evidence_dir_prune(const char *dir, const struct evidence_bounds *bounds, usec_t now);

/* Takes a file out of these bounds: DIR/incidents/NAME.jsonl is NAME.jsonl.keep from now on, also
 * where it is still written. -ENOENT: there is none. */
int evidence_dir_keep(const char *dir, const char *name);

/* Bytes that are free where DIR is. -errno. */
int evidence_dir_room(const char *dir, uint64_t *ret);
