/* SPDX-License-Identifier: Apache-2.0
 * A copy of what is asked, for one who sends it later. Its guard stays borrowed. */
#pragma once

#include "base/strbuf.h"
#include "io/transport.h"

struct ask_copy {
	struct transport_ask ask; /* of what follows */
	char *method;
	struct strbuf url;
	char *body;
	char *socket;
	char **headers;           /* NULL-terminated; NULL: none */
	struct endpoint endpoint; /* without its url, which does not count */
};

/* to is zeroed, or given to ask_copy_rest(), and stays where it is: its ask points into it.
 * -ENOMEM: to holds a part, which ask_copy_clear() frees. */
int ask_copy(struct ask_copy *to, const struct transport_ask *from);

/* It is done with: wipes and frees what is secret or seldom. The rest keeps its room, and the next
 * that goes to the same cluster takes no memory. */
void ask_copy_rest(struct ask_copy *a);

/* Wipes the secrets and frees. */
void ask_copy_clear(struct ask_copy *a);
