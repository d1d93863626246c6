/* SPDX-License-Identifier: Apache-2.0
 * For settings.c: faults by the place where they were said, and checks beyond a single value. */
#pragma once

#include "conf/conf.h"
#include "setup/settings.h"

/* Adds "FILE:LINE: text". */
int settings_fault(struct strlist *errors, const char *file, unsigned line, const char *text);
/* The section; one of no place where the configuration lacks it. */
const struct conf_section *settings_section(
	const struct conf *c, const char *kind, const char *name);
/* Where the section says the key, with its name. key is NULL: where it says the key that the text
 * begins with; else where the section begins. */
int settings_fault_at(const struct conf_section *section, const char *key, const char *text,
	struct strlist *errors);

/* What only shows when all sections are known. Looks up those who may give orders, too. */
int settings_check(struct settings *s, const struct conf *c, struct strlist *errors);
