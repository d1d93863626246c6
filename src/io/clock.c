/* SPDX-License-Identifier: Apache-2.0
 * Clocks and timers are the kernel's. */
#include "io/clock.h"

#include <time.h>

/* sd-event's own default is a quarter of a second. */
#define ACCURACY USEC_PER_MSEC

static usec_t clock_usec(clockid_t id)
{
	struct timespec ts = {0};

	(void)clock_gettime(id, &ts);
	return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
}

usec_t clock_boottime(void)
{
	return clock_usec(CLOCK_BOOTTIME);
}

usec_t clock_realtime(void)
{
	return clock_usec(CLOCK_REALTIME);
}

usec_t clock_monotonic(void)
{
	return clock_usec(CLOCK_MONOTONIC);
}

static usec_t kernel_now(void *userdata)
{
	(void)userdata;
	return clock_boottime();
}

static usec_t kernel_wall(void *userdata)
{
	(void)userdata;
	return clock_realtime();
}

const struct clock clock_kernel = {.now = kernel_now, .wall = kernel_wall};

int timer_new(sd_event *event, sd_event_time_handler_t fn, void *userdata, sd_event_source **ret)
{
	int r = sd_event_add_time(event, ret, CLOCK_BOOTTIME, 0, ACCURACY, fn, userdata);

	return r < 0 ? r : sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}

int timer_at(sd_event_source *timer, usec_t at)
{
	int r = sd_event_source_set_time(timer, at);

	return r < 0 ? r : sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

int timer_in(sd_event_source *timer, usec_t length)
{
	return timer_at(timer, clock_boottime() + length);
}

void timer_off(sd_event_source *timer)
{
	(void)sd_event_source_set_enabled(timer, SD_EVENT_OFF);
}

unsigned long long clock_library_ms(usec_t length)
{
	return length / USEC_PER_MSEC + (length % USEC_PER_MSEC != 0);
}

usec_t clock_of_library_ms(unsigned long long ms)
{
	return ms * USEC_PER_MSEC;
}

int timer_in_library_ms(sd_event_source *timer, unsigned long long ms)
{
	return timer_in(timer, clock_of_library_ms(ms));
}
