/* SPDX-License-Identifier: Apache-2.0
 * The storm breaker. */
#include "core/act/breaker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Fewer apps than these, however large their share, are no storm. */
#define MIN_APPS 3

void breaker_count(struct breaker *b, const struct app_history *a, usec_t now)
{
	struct breaker_app *slot = NULL;

	for (size_t i = 0; i < BREAKER_MAX_APPS && !slot; i++)
		if (str_equal(b->apps[i].app_id, a->info.id) &&
			str_equal(b->apps[i].cluster, a->cluster))
			slot = &b->apps[i];
	if (!slot) {
		slot = &b->apps[b->next];
		if (str_replace(&slot->cluster, a->cluster) < 0 ||
			str_replace(&slot->app_id, a->info.id) < 0) {
			slot->at = 0;
			return;
		}
		b->next = (b->next + 1) % BREAKER_MAX_APPS;
	}
	slot->at = now;
}

static uint64_t count_hung(const struct breaker *b, usec_t window, usec_t now)
{
	uint64_t n = 0;

	for (size_t i = 0; i < BREAKER_MAX_APPS; i++)
		n += b->apps[i].at > 0 && usec_sub(now, b->apps[i].at) <= window;
	return n;
}

static bool is_storm(struct breaker *b, const struct limit_params *p, const struct detector *d,
	usec_t now, char *why, size_t n_why)
{
	uint64_t n_hung = count_hung(b, p->storm_window, now);
	size_t n_apps = detector_n_apps(d);
	size_t n_still = detector_n_still(d);

	if (p->storm_threshold > 0 && n_hung >= p->storm_threshold) {
		char window[32];

		(void)snprintf(why, n_why, "%" PRIu64 " apps hung within %s", n_hung,
			format_duration(window, sizeof(window), p->storm_window));
		return true;
	}
	if (p->storm_share > 0 && detector_n_hung(d) > 0 && n_still >= MIN_APPS &&
		100 * n_still >= p->storm_share * n_apps) {
		(void)snprintf(why, n_why, "%zu of %zu apps make no progress", n_still, n_apps);
		return true;
	}
	return false;
}

bool breaker_update(
	struct breaker *b, const struct limit_params *p, const struct detector *d, usec_t now)
{
	char why[sizeof(b->why)];
	bool storm = is_storm(b, p, d, now, why, sizeof(why));

	if (storm)
		b->stormy = now;
	if (storm && !b->open) {
		b->open = true;
		(void)snprintf(b->why, sizeof(b->why), "%s", why);
		return true;
	}
	if (b->open && !storm && p->storm_reset == STORM_RESET_AUTO &&
		usec_sub(now, b->stormy) >= p->storm_window) {
		b->open = false;
		return true;
	}
	return false;
}

void breaker_reopen(struct breaker *b, const char *why, usec_t now)
{
	b->open = true;
	b->stormy = now;
	(void)snprintf(b->why, sizeof(b->why), "%s", why);
}

void breaker_close(struct breaker *b)
{
	b->open = false;
	for (size_t i = 0; i < BREAKER_MAX_APPS; i++)
		b->apps[i].at = 0;
}

void breaker_clear(struct breaker *b)
{
	for (size_t i = 0; i < BREAKER_MAX_APPS; i++) {
		free(b->apps[i].cluster);
		free(b->apps[i].app_id);
	}
	*b = (struct breaker){0};
}
