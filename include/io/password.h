/* SPDX-License-Identifier: Apache-2.0
 * Whether a password is that of a hash, by crypt(3). A hash takes a good part of a second of CPU by
 * design, so a helper does it, one at a time, behind a queue. */
#pragma once

#include <systemd/sd-event.h>

#include "base/cleanup.h"

/* bcrypt looks at no more. */
#define PASSWORD_MAX ((size_t)72)
/* So many may wait. */
#define PASSWORD_MAX_CALLS 16U

struct password_check;
struct password_call;

/* 1: it is; 0: it is not; -errno: it could not be found out. The call is over. */
typedef void (*password_done_fn)(void *userdata, int result);

int password_check_new(sd_event *event, struct password_check **ret);
/* Ends the helper. No callback comes after this. NULL is allowed; returns NULL. */
struct password_check *password_check_free(struct password_check *p);

DEFINE_CLEANUP(struct password_check *, password_check_free)

/* Exactly one callback, from the event loop, unless cancelled. What is beyond PASSWORD_MAX of the
 * password is ignored, as bcrypt does; it has no NUL. -EBUSY: too many wait; -errno: no helper
 * runs. */
int password_check_ask(struct password_check *p, const char *hash, const char *password,
	password_done_fn done, void *userdata, struct password_call **ret);
/* Not from its own callback. */
void password_cancel(struct password_call *c);

/* argv[1] of the helper. */
#define PASSWORD_HELPER "--password-helper"
/* The helper: reads "HASH BASE64-OF-PASSWORD" from standard input, a line each, until its end, and
 * writes "1" or "0" for each. Returns the status to exit with. */
int password_helper_run(void);
