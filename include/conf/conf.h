/* SPDX-License-Identifier: Apache-2.0
 * The configuration as text: sections and keys of an INI file and its drop-ins, with where each was
 * said. What the keys mean is the daemon's to know (base/param.h). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/param.h"

struct conf_entry {
	char *key;
	char *value;
	char *file;
	unsigned line;
};

struct conf_section {
	char *kind; /* "daemon", "spark" ... */
	char *name; /* of [spark NAME]; NULL when it has none */
	char *file; /* first place */
	unsigned line;
	struct conf_entry *entries;
	size_t n_entries;
};

struct conf {
	struct conf_section *sections; /* in order of the files, drop-ins before the main file */
	size_t n_sections;
	size_t *by_name; /* places of the sections, sorted; conf.c's own */
};

/* Reads path and path.d/NAME.conf (in the order of their names; the directory may be absent). A key
 * said in a drop-in replaces what the main file, or an earlier drop-in, says for it in the same
 * section, all repeated values of it; a section keeps the place where it was first seen in the
 * order: drop-ins by name, then the main file. A key may be repeated within one file.
 *
 * Every fault is added to errors as "FILE:LINE: text" and reading goes on, so that all are reported
 * at once. Faults: lines over 199 bytes and section or key names over 49 (inih would cut them in
 * silence), lines that are neither section, "key = value" (keys of [A-Za-z0-9_.-]; no
 * ':' in the place of '=') nor comment, sections that are not [kind] or [kind name] (of [a-z_] and
 * [A-Za-z0-9_.-]; their keys are then passed over), a key before any section, an empty
 * value, leading white space before a key (inih would add the line to the value above), bytes that
 * are not UTF-8, control characters and what else a terminal should not see, a file over 64 MiB or
 * over 1000000 lines, a drop-in that cannot be read. Comments start with '#' or ';' at the start of
 * a line; inih also begins one at " ;" within a value.
 *
 * Faults of a whole file or directory are "FILE: text".
 *
 * Returns 0 when there were no faults, -EBADMSG when there were, -errno when path cannot be read
 * (with a line in errors). *ret is set only on 0. */
int conf_load(const char *path, struct conf **ret, struct strlist *errors);

/* NULL: there is none. name NULL: of one that has none. */
const struct conf_section *conf_find(const struct conf *c, const char *kind, const char *name);

/* A configuration without sections. */
int conf_new(struct conf **ret);

struct conf *conf_free(struct conf *c);

DEFINE_CLEANUP(struct conf *, conf_free)
