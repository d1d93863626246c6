/* SPDX-License-Identifier: Apache-2.0
 * The web server as [web] wants it: where it listens. */
#pragma once

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "io/http_server.h"
#include "setup/settings.h"

struct door;

/* Listens at the sockets that systemd passed on, or else at each [web] listen; says so in the log,
 * and what fails. -errno: it could not listen at one of them. */
int door_new(sd_event *event, const struct web_params *p, http_server_fn fn, void *userdata,
	struct door **ret);
/* NULL is allowed; returns NULL. */
struct door *door_free(struct door *d);

/* NULL where d is NULL. */
const struct http_server *door_server(const struct door *d);

DEFINE_CLEANUP(struct door *, door_free)
