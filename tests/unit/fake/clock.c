/* SPDX-License-Identifier: Apache-2.0
 * io/clock in a time of the test's. A timer is a source that the loop dispatches when told to. */
#include "../fake_clock.h"

#include <errno.h>
#include <stdlib.h>

struct fake_timer {
	sd_event_source *source;
	sd_event_time_handler_t fn;
	void *userdata;
	usec_t at; /* USEC_INFINITY: off */
	struct fake_timer *next;
};

static const usec_t start = FAKE_START;
static const usec_t start_wall = FAKE_WALL;
static const usec_t *time_now = &start;
static const usec_t *time_wall = &start_wall;
static struct fake_timer *timers; /* oldest last */

void fake_time_use(const usec_t *now, const usec_t *wall)
{
	time_now = now ? now : &start;
	time_wall = wall ? wall : &start_wall;
}

usec_t clock_boottime(void)
{
	return *time_now;
}

usec_t clock_realtime(void)
{
	return *time_wall;
}

usec_t clock_monotonic(void)
{
	return *time_now;
}

static usec_t kernel_now(void *userdata)
{
	(void)userdata;
	return *time_now;
}

static usec_t kernel_wall(void *userdata)
{
	(void)userdata;
	return *time_wall;
}

const struct clock clock_kernel = {.now = kernel_now, .wall = kernel_wall};

static void forget(void *userdata)
{
	struct fake_timer *t = userdata;

	for (struct fake_timer **p = &timers; *p; p = &(*p)->next)
		if (*p == t) {
			*p = t->next;
			break;
		}
	free(t);
}

static int dispatch(sd_event_source *source, void *userdata)
{
	struct fake_timer *t = userdata;

	return t->fn(source, *time_now, t->userdata);
}

int timer_new(sd_event *event, sd_event_time_handler_t fn, void *userdata, sd_event_source **ret)
{
	struct fake_timer *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	*t = (struct fake_timer){.fn = fn, .userdata = userdata, .at = USEC_INFINITY};
	r = sd_event_add_defer(event, &t->source, dispatch, t);
	if (r < 0) {
		free(t);
		return r;
	}
	t->next = timers;
	timers = t;
	(void)sd_event_source_set_destroy_callback(t->source, forget);
	*ret = t->source;
	return sd_event_source_set_enabled(t->source, SD_EVENT_OFF);
}

int timer_at(sd_event_source *timer, usec_t at)
{
	struct fake_timer *t = sd_event_source_get_userdata(timer);

	t->at = at;
	return sd_event_source_set_enabled(timer, SD_EVENT_OFF);
}

int timer_in(sd_event_source *timer, usec_t length)
{
	return timer_at(timer, *time_now + length);
}

void timer_off(sd_event_source *timer)
{
	(void)timer_at(timer, USEC_INFINITY);
}

unsigned long long clock_library_ms(usec_t length)
{
	return length / USEC_PER_MSEC + 1;
}

usec_t clock_of_library_ms(unsigned long long ms)
{
	return ms * USEC_PER_MSEC;
}

int timer_in_library_ms(sd_event_source *timer, unsigned long long ms)
{
	return timer_in(timer, clock_of_library_ms(ms));
}

static struct fake_timer *next(void)
{
	struct fake_timer *first = NULL;

	for (struct fake_timer *t = timers; t; t = t->next)
		if (t->at != USEC_INFINITY && (!first || t->at <= first->at))
			first = t;
	return first;
}

usec_t fake_timer_next(void)
{
	const struct fake_timer *t = next();

	return t ? t->at : USEC_INFINITY;
}

void fake_timer_fire(void)
{
	struct fake_timer *t = next();

	if (!t)
		return;
	t->at = USEC_INFINITY;
	(void)sd_event_source_set_enabled(t->source, SD_EVENT_ONESHOT);
}
