/* SPDX-License-Identifier: Apache-2.0
 * The web server as [web] wants it: where it listens, with TLS or without, and who comes in. */
#pragma once

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/time.h"
#include "io/http_server.h"
#include "setup/settings.h"

struct door;

/* Listens at the sockets that systemd passed on, or else at each [web] listen; says so in the log,
 * and what fails. -errno: it could not listen at one of them, or [web] config_file is of no use. */
int door_new(sd_event *event, const struct web_params *p, http_server_fn fn, void *userdata,
	struct door **ret);
/* NULL is allowed; returns NULL. */
struct door *door_free(struct door *d);

/* NULL where d is NULL. */
const struct http_server *door_server(const struct door *d);

DEFINE_CLEANUP(struct door *, door_free)

/* After a reload: what p says of config_file and operators. A config_file of no use is logged, and
 * what it said before holds, with the new operators. */
void door_configure(struct door *d, const struct web_params *p);

/* What is wrong with config_file, while an older one is in force, or with listening; NULL: nothing.
 */
const char *door_fault(const struct door *d);

/* When the first of its certificates ends, since 1970, and which file says so; 0: there is none. */
usec_t door_expiry(const struct door *d, const char **ret_file);
