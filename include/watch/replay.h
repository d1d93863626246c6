/* SPDX-License-Identifier: Apache-2.0
 * --replay: the same source, decoder and detector over a recording, in virtual time, without
 * network, waiting or action. */
#pragma once

#include <stdio.h>

#include "setup/settings.h"

/* Reads a recording and prints one JSON object a line for each change of a verdict. Faults go to
 * stderr, as "NAME:LINE: text". 0, or a negative errno (-EBADMSG: the recording is wrong). */
int replay_run(const struct settings *settings, FILE *in, const char *name, FILE *out);
