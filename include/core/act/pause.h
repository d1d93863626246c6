/* SPDX-License-Identifier: Apache-2.0
 * A pause: a person has said that nothing new is to be begun, why, and perhaps for how long.
 *
 * A length holds whatever the wall clock does meanwhile: while the daemon runs, and over its
 * restarts within one boot, the end is a time of the local clock (CLOCK_BOOTTIME). Over a reboot
 * only the wall clock is left; it can end a pause, and never make one longer than it was meant to
 * be. */
#pragma once

#include <stdbool.h>

#include "base/strbuf.h"
#include "base/time.h"

#define PAUSE_MAX_REASON ((size_t)200)
#define PAUSE_MAX_LENGTH ((usec_t)366 * 24 * USEC_PER_HOUR)

struct pause {
	char *reason;  /* NULL: there is no pause */
	char *who;     /* "root (uid 0)" */
	usec_t since;  /* since 1970 */
	usec_t length; /* 0: until it is ended by hand */
	usec_t until;  /* local clock; 0 as above */
};

/* What is kept of it over a restart. */
struct pause_record {
	char *reason;
	char *who;
	usec_t since;
	usec_t length;
	usec_t until_wall; /* since 1970 */
	usec_t until;      /* the local clock of the boot below */
	char *boot;        /* which boot of the machine; NULL: not known */
};

/* -EINVAL with *reterr: no reason, too long a one, or a length over PAUSE_MAX_LENGTH; -ENOMEM, and
 * *ret is untouched. The reason is made printable. *ret is replaced. */
struct pause_ask {
	const char *reason;
	const char *who;
	usec_t length; /* 0: no end */
};
int pause_set(
	struct pause *ret, const struct pause_ask *ask, usec_t now, usec_t wall, char **reterr);

bool pause_active(const struct pause *p, usec_t now);
/* When it ends by the wall clock as it is now; 0: by hand. */
usec_t pause_end(const struct pause *p, usec_t now, usec_t wall);

/* The objection: "paused by root (uid 0) since 2026-11-23T01:19:07Z: release night". */
int pause_text(const struct pause *p, char **ret);

/* What to keep. boot may be NULL. */
int pause_save(
	const struct pause *p, usec_t now, usec_t wall, const char *boot, struct pause_record *ret);
/* Back from what was kept. 1: it still holds, 0: it is over, and *ret untouched; -ENOMEM. */
int pause_restore(
	const struct pause_record *r, usec_t now, usec_t wall, const char *boot, struct pause *ret);

void pause_clear(struct pause *p);
void pause_record_clear(struct pause_record *r);
