/* SPDX-License-Identifier: Apache-2.0
 * Who comes in at the web server, and what they may: users with passwords, names in verified client
 * certificates, and operators among both. */
#pragma once

#include <systemd/sd-event.h>

#include "base/param.h"
#include "base/time.h"
#include "io/http_gate.h"

struct web_users;

struct web_user {
	const char *name;
	const char *hash; /* of crypt(3) */
};

struct web_users_params {
	const struct web_user *users; /* none: nobody is asked for a password */
	size_t n;
	usec_t rate_interval; /* one request in that time, and rate_burst at once; 0: no limit */
	uint64_t rate_burst;
};

int web_users_new(sd_event *event, struct web_users **ret);
/* After the server whose gate it is. NULL is allowed; returns NULL. */
struct web_users *web_users_free(struct web_users *u);

DEFINE_CLEANUP(struct web_users *, web_users_free)

/* From now on. All is copied. Nobody may wait at the gate: http_server_set_gate() ends that.
 * -errno: what was before holds. */
int web_users_configure(struct web_users *u, const struct web_users_params *p);

/* Who may give orders, from now on; the others read. All is copied. -ENOMEM: those of before may.
 */
int web_users_set_operators(struct web_users *u, const struct strlist *operators);

/* Valid as long as u. */
const struct http_gate *web_users_gate(const struct web_users *u);

/* Paths that need no user: they say one fixed sentence, and a prober has no password. */
bool web_users_open_path(const char *path);
