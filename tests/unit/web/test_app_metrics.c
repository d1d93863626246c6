/* SPDX-License-Identifier: Apache-2.0
 * However many apps there are, and whatever they are called: so many series, and a count of the
 * rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "web/app_metrics.h"

#define N_APPS 5000
#define N_STAGES 5

static void on_event(void *userdata, const struct detector_event *ev)
{
	(void)userdata;
	(void)ev;
}

static void observe(struct detector *d, unsigned n)
{
	struct app_info info = {.started = USEC_PER_HOUR + n};
	struct app_poll poll = {.now = USEC_PER_HOUR};
	struct app_history *a;

	assert_int_equal(str_printf(&info.id, "app-%u", n), 0);
	assert_int_equal(str_printf(&info.name, "%u \"\\\n", n), 0);
	poll.stages.items = calloc(N_STAGES, sizeof(*poll.stages.items));
	assert_non_null(poll.stages.items);
	poll.stages.n = N_STAGES;
	for (size_t i = 0; i < N_STAGES; i++)
		poll.stages.items[i] = (struct stage_obs){
			.stage_id = (int64_t)i, .name = strdup("x"), .n_tasks = 2, .n_active = 1};
	assert_int_equal(detector_app(d, "c", &info, USEC_PER_HOUR, &a), 0);
	assert_int_equal(detector_observe(d, a, &poll), 0);
	app_info_clear(&info);
}

static size_t count_of(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

static void test_many_apps(void **state)
{
	struct detector_sink sink = {.changed = on_event, .judged = on_event};
	struct rule_list rules = {0};
	struct rule fallback = {0};
	struct detector *d = NULL;
	struct metrics_writer w;
	_cleanup_free_ char *text = NULL;

	(void)state;
	assert_int_equal(rule_fallback(&fallback), 0);
	assert_int_equal(detector_new(&sink, &d), 0);
	detector_configure(d, &rules, &fallback, USEC_PER_SEC);
	for (unsigned i = 0; i < N_APPS; i++)
		observe(d, i);
	metrics_begin(&w, METRICS_TEXT);
	app_metrics_add(d, &w);
	assert_int_equal(metrics_end(&w, &text), 0);
	assert_int_equal(count_of(text, "\nstagewatch_app_start_timestamp_seconds{"), APPS_SHOWN);
	assert_int_equal(count_of(text, "\nstagewatch_stage_progress_ratio{"), STAGES_SHOWN);
	assert_non_null(strstr(text, "\nstagewatch_apps_not_shown 4900\n"));
	assert_non_null(strstr(text, "\"0 \\\"\\\\\\n\"}"));
	detector_free(d);
	rule_clear(&fallback);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_apps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
