/* SPDX-License-Identifier: Apache-2.0
 * What is well-formed and yet hardly what was meant: a rule that never holds, quotes within a
 * value, a regular expression where a glob is read. The daemon starts with it and logs it;
 * --check-config calls it a fault. */
#pragma once

#include "conf/conf.h"
#include "setup/settings.h"

/* Why a value is hardly what was meant, whatever its key; NULL: nothing. Static. */
const char *settings_lint_text(const char *value);

/* Adds a line for each doubtful value, glob and rule. -ENOMEM. */
int settings_lint(const struct settings *s, const struct conf *c, struct strlist *warnings);

/* Reads each secret and certificate that the configuration names. faults: what is wrong with a
 * secret. notes: certificates that cannot be read now, and credentials of systemd that only the
 * unit has. -ENOMEM. */
int settings_lint_files(const struct conf *c, struct strlist *faults, struct strlist *notes);
