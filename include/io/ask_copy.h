/* SPDX-License-Identifier: Apache-2.0
 * A copy of what is asked, for one who sends it later. Its guard stays borrowed. */
#pragma once

#include "io/transport.h"

struct ask_copy {
	struct transport_ask ask; /* of what follows */
	char *method;
	char *url;
	char *body;
	char *socket;
	char **headers; /* NULL-terminated; NULL: none */
	struct endpoint endpoint;
};

/* to is zeroed, and stays where it is: its ask points into it. -ENOMEM: to holds a part, which
 * ask_copy_clear() frees. */
int ask_copy(struct ask_copy *to, const struct transport_ask *from);

/* Wipes the secrets and frees. */
void ask_copy_clear(struct ask_copy *a);
