/* SPDX-License-Identifier: Apache-2.0
 * Who may give orders over the control socket: root, the daemon's own user, and whom the
 * configuration names. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/param.h"
#include "io/local_socket.h"

struct operator
{
	char *name;
	uid_t uid;
};

struct operators {
	struct operator* users;
	size_t n_users;
	char *group; /* NULL: none */
	gid_t gid;
};

/* Looks names up, which may block. One that is not there, or that stands for everybody, goes to
 * *ret_key and *reterr, with -EINVAL; -ENOMEM. */
int operators_resolve(const struct strlist *users, const char *group, struct operators *ret,
	const char **ret_key, char **reterr);

/* Whether the peer may, and in *ret_who, the caller's, who it is: "alice (uid 1000)". -ENOMEM. */
int operators_know(
	const struct operators *o, const struct local_peer *p, bool *ret_may, char **ret_who);

void operators_clear(struct operators *o);
