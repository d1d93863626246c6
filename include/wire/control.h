/* SPDX-License-Identifier: Apache-2.0
 * What a person asks the daemon to do, over its control socket. */
#pragma once

#include <stddef.h>

#include "base/time.h"

/* The body of POST /api/v1/pause: {"reason": "...", "seconds": 7200}; without seconds, no end. */
struct control_pause {
	char *reason;
	usec_t length; /* 0: no end */
};

/* An order about one thing: {"incident": "..."}, {"app": "..."} or {"notify": "..."}. The caller
 * frees *ret. Errors as below. */
int control_name_decode(const char *text, size_t len, const char *field, char **ret, char **reterr);
int control_name_encode(const char *field, const char *name, char **ret);

/* -EBADMSG with *reterr where it is anything else, -ENOMEM. */
int control_pause_decode(const char *text, size_t len, struct control_pause *ret, char **reterr);
int control_pause_encode(const struct control_pause *p, char **ret);
void control_pause_clear(struct control_pause *p);
