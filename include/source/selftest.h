/* SPDX-License-Identifier: Apache-2.0
 * Whether the apps of a source could be killed at their cluster manager, without killing any. */
#pragma once

#include "core/facts/permissions.h"
#include "source/source.h"

/* text: why it is denied or not known; else NULL. r < 0: no usable answer, text says why. */
typedef void (*source_tested_fn)(void *userdata, int r, enum permission kill, const char *text);

struct source_test;

/* vias: bits 1 << KILL_VIA_*, of the rules that end apps of this source. Exactly one callback,
 * unless cancelled. -EOPNOTSUPP: this type of source has no such test, or none for these ways. */
int source_selftest(struct source *s, unsigned vias, source_tested_fn fn, void *userdata,
	struct source_test **ret);
/* No callback comes after this. NULL is allowed; returns NULL. */
struct source_test *source_test_cancel(struct source_test *t);
