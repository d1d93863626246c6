/* SPDX-License-Identifier: Apache-2.0
 * What a command needs that asks others once and exits: a loop, the way to the network, and the
 * objects of the configuration. */
#pragma once

#include <systemd/sd-event.h>

#include "io/transport.h"
#include "setup/runtime.h"

struct http_client;
struct redactor;
struct credentials;

struct session {
	sd_event *event;
	struct http_client *client;
	struct redactor *redactor;
	struct credentials *credentials;
	struct runtime *runtime;
};

/* Takes settings over, also on failure. s is zeroed, and to be closed whatever comes of this. The
 * process ignores SIGPIPE from here on. -EBADMSG: a secret cannot be read, which is logged. */
int session_open(struct session *s, struct settings *settings);
/* As which all requests are sent. Borrowed. */
struct transport *session_transport(const struct session *s);
void session_close(struct session *s);
