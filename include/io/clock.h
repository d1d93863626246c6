/* SPDX-License-Identifier: Apache-2.0
 * The clocks, and timers on them. Nothing else here asks what time it is or sets a timer, so that a
 * test which is linked with a clock.o of its own runs at a pace of its own. */
#pragma once

#include <systemd/sd-event.h>

#include "base/time.h"

/* CLOCK_BOOTTIME: never steps, and counts the time that the machine slept. */
usec_t clock_boottime(void);
/* CLOCK_REALTIME, since 1970. */
usec_t clock_realtime(void);
/* CLOCK_MONOTONIC, for systemd only. */
usec_t clock_monotonic(void);

/* What asks for the time of its world is given one of these. */
struct clock {
	usec_t (*now)(void *userdata);  /* CLOCK_BOOTTIME, or virtual */
	usec_t (*wall)(void *userdata); /* since 1970, or virtual */
	void *userdata;
};

/* clock_boottime() and clock_realtime(). */
extern const struct clock clock_kernel;

static inline usec_t clock_now(const struct clock *c)
{
	return c->now(c->userdata);
}

static inline usec_t clock_wall(const struct clock *c)
{
	return c->wall(c->userdata);
}

/* A timer on clock_boottime(), off until it is set. It fires once, never early, up to a millisecond
 * late. The time that fn is given is the kernel's: clock_boottime() tells ours. To be freed by
 * sd_event_source_disable_unref(). */
int timer_new(sd_event *event, sd_event_time_handler_t fn, void *userdata, sd_event_source **ret);
int timer_at(sd_event_source *timer, usec_t at);
int timer_in(sd_event_source *timer, usec_t length);
void timer_off(sd_event_source *timer);

/* libcurl and libmicrohttpd have clocks of their own. A length as they count it, in milliseconds,
 * rounded up; a length that they gave as we count it; and a timer for one. */
unsigned long long clock_library_ms(usec_t length);
usec_t clock_of_library_ms(unsigned long long ms);
int timer_in_library_ms(sd_event_source *timer, unsigned long long ms);
