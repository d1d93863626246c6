/* SPDX-License-Identifier: Apache-2.0
 * --suggest: which hung_after fits the apps of each rule, by what their stages took. */
#pragma once

#include <stdio.h>

#include "setup/settings.h"

/* Looks at the apps that run in each cluster, at those that the ledger knows, and at those of the
 * Spark History Servers histories, each a "URL" or the "NAME=URL" of a [spark NAME], with whose
 * credentials it is asked. Prints what it found and proposes, and changes nothing. Takes settings
 * over. Returns the exit status: 0 there is a proposal for each rule, 1 there is not, 2 something
 * could not be read; or a negative errno, -EBADMSG where it has said what is wrong. */
int suggest_run(struct settings *settings, const struct strlist *histories, FILE *out);
