/* SPDX-License-Identifier: Apache-2.0
 * A fresh poll of one driver, for one stage: is it (still) hung? The answer also goes to the
 * detector. */
#pragma once

#include "core/act/remedy.h"
#include "core/detect/history.h"
#include "source/driver_poll.h"

struct driver;
struct driver_look;

typedef void (*driver_looked_fn)(void *userdata, enum remedy_look look, const char *text);

/* Exactly one callback, from the event loop, unless cancelled. a is the app that is to be there. */
int driver_look_start(struct driver *d, const struct app_history *a, const struct stage_key *key,
	driver_looked_fn fn, void *userdata, struct driver_look **ret);

/* No callback comes after this. NULL is allowed; returns NULL. */
struct driver_look *driver_look_cancel(struct driver_look *look);

/* Ends all looks at the driver by this answer. */
void driver_look_end_all(struct driver *d, enum remedy_look look, const char *text);
