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

/* Deletes files that were last written longer ago than max_age (now: since 1970), then the oldest
 * until all together are at most max_size bytes. Only files *.jsonl of DIR/incidents. Returns how
 * many, 0 also where there is no such directory. */
int evidence_dir_prune(const char *dir, uint64_t max_size, usec_t max_age, usec_t now);
