/* SPDX-License-Identifier: Apache-2.0
 * One request, waited for: for programs that have nothing else to do meanwhile. The daemon never
 * calls it. */
#pragma once

#include "io/transport.h"

struct fetched {
	int status;
	char *type; /* NULL when absent */
	char *body; /* NUL-terminated */
	size_t len;
};

/* agent: for User-Agent. A negative errno as in struct transport_answer, with *reterr. *ret is the
 * caller's to clear. */
int fetch(const char *agent, const struct transport_ask *ask, struct fetched *ret, char **reterr);
void fetched_clear(struct fetched *f);
