/* SPDX-License-Identifier: Apache-2.0
 * io/clock at another pace: SIM_PACE seconds go by in one. All runs of a test begin to count at the
 * same moment, SIM_EPOCH (CLOCK_REALTIME) and SIM_BOOT (CLOCK_BOOTTIME), in microseconds, so that
 * time goes on over a restart. SIM_REBOOT: by how much less CLOCK_BOOTTIME shows, after a reboot.
 * The file SIM_STEP holds by how many microseconds the wall clock was set, and may change at any
 * time. */
#include "io/clock.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static usec_t real(clockid_t id)
{
	struct timespec ts = {0};

	(void)clock_gettime(id, &ts);
	return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
}

static usec_t number(const char *name)
{
	const char *text = getenv(name);

	if (!text || !*text) {
		(void)fprintf(stderr, "%s is not set\n", name);
		_exit(99);
	}
	return strtoull(text, NULL, 10);
}

static usec_t pace(void)
{
	static usec_t n;

	if (n == 0)
		n = number("SIM_PACE");
	return n;
}

static usec_t boot(void)
{
	static usec_t at;

	if (at == 0)
		at = number("SIM_BOOT");
	return at;
}

static int64_t step(void)
{
	static const volatile int64_t *by;
	const char *path = getenv("SIM_STEP");
	int fd;

	if (!by && path) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		by = mmap(NULL, sizeof(*by), PROT_READ, MAP_SHARED, fd, 0);
		(void)close(fd);
		if (by == MAP_FAILED)
			_exit(99);
	}
	return by ? *by : 0;
}

static usec_t before_reboot(void)
{
	return getenv("SIM_REBOOT") ? number("SIM_REBOOT") : 0;
}

usec_t clock_boottime(void)
{
	return boot() + (real(CLOCK_BOOTTIME) - boot()) * pace() - before_reboot();
}

usec_t clock_realtime(void)
{
	usec_t epoch = number("SIM_EPOCH");

	return epoch + (real(CLOCK_REALTIME) - epoch) * pace() + (usec_t)step();
}

usec_t clock_monotonic(void)
{
	return real(CLOCK_MONOTONIC);
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
	int r = sd_event_add_time(event, ret, CLOCK_BOOTTIME, 0, 1, fn, userdata);

	return r < 0 ? r : sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}

static int arm(sd_event_source *timer, usec_t at)
{
	int r = sd_event_source_set_time(timer, at);

	return r < 0 ? r : sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

int timer_at(sd_event_source *timer, usec_t at)
{
	usec_t left = usec_sub(at + before_reboot(), boot());

	return arm(timer, boot() + left / pace() + (left % pace() != 0));
}

int timer_in(sd_event_source *timer, usec_t length)
{
	return timer_at(timer, clock_boottime() + length);
}

void timer_off(sd_event_source *timer)
{
	(void)sd_event_source_set_enabled(timer, SD_EVENT_OFF);
}

/* The short limits, such as that of connecting, are left some real time: a busy machine needs it.
 */
unsigned long long clock_library_ms(usec_t length)
{
	unsigned long long ms = length / pace() / USEC_PER_MSEC + 1;

	return ms < 600 ? 600 : ms;
}

usec_t clock_of_library_ms(unsigned long long ms)
{
	return ms * USEC_PER_MSEC * pace();
}

int timer_in_library_ms(sd_event_source *timer, unsigned long long ms)
{
	return arm(timer, real(CLOCK_BOOTTIME) + ms * USEC_PER_MSEC);
}
