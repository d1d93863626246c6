/* SPDX-License-Identifier: Apache-2.0
 * The writer of both formats, and which one a client gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "web/metrics.h"

static char *write_some(enum metrics_format format)
{
	struct histogram h = {0};
	struct metrics_writer w;
	char *text = NULL;

	histogram_observe(&h, 0.003);
	histogram_observe(&h, 0.005);
	histogram_observe(&h, 7);
	histogram_observe(&h, 70);
	metrics_begin(&w, format);
	metrics_add(&w, METRIC_BUILD_INFO, METRIC_LABELS("1.0"), 1);
	metrics_add(&w, METRIC_UP, METRIC_LABELS("a\"b\\c\nd"), 1);
	metrics_add(&w, METRIC_UP, METRIC_LABELS("two"), 0);
	metrics_add_histogram(&w, METRIC_POLL_DURATION_SECONDS, METRIC_LABELS("two"), &h);
	metrics_add(&w, METRIC_ACTIONS, METRIC_LABELS("kill", "failed"), 3);
	metrics_add(&w, METRIC_ACTIONS_PENDING, NULL, 0.25);
	/* Late, and still beside its own. */
	metrics_add(&w, METRIC_UP, METRIC_LABELS("three"), 1);
	assert_int_equal(metrics_end(&w, &text), 0);
	return text;
}

static void test_text(void **state)
{
	_cleanup_free_ char *text = write_some(METRICS_TEXT);

	(void)state;
	assert_non_null(strstr(text, "# TYPE stagewatch_build_info gauge\n"));
	assert_non_null(strstr(text, "stagewatch_build_info{version=\"1.0\"} 1\n"));
	assert_non_null(strstr(text, "stagewatch_up{spark_cluster=\"a\\\"b\\\\c\\nd\"} 1\n"));
	assert_non_null(strstr(text, "# TYPE stagewatch_actions_total counter\n"));
	assert_non_null(
		strstr(text, "stagewatch_actions_total{action=\"kill\",outcome=\"failed\"} 3\n"));
	assert_non_null(strstr(text, "stagewatch_actions_pending 0.250000\n"));
	assert_null(strstr(text, "# EOF"));
	assert_null(strstr(text, "# UNIT"));
}

static void test_order_of_calls_does_not_matter(void **state)
{
	_cleanup_free_ char *text = write_some(METRICS_TEXT);
	const char *build = strstr(text, "# TYPE stagewatch_build_info ");
	const char *up = strstr(text, "# TYPE stagewatch_up ");

	(void)state;
	assert_non_null(build);
	assert_non_null(up);
	assert_true(build < up);
	assert_non_null(strstr(text, "stagewatch_up{spark_cluster=\"two\"} 0\n"
				     "stagewatch_up{spark_cluster=\"three\"} 1\n"));
	assert_null(strstr(up + 1, "# TYPE stagewatch_up "));
	/* Without samples there is no family. */
	assert_null(strstr(text, "stagewatch_paused"));
}

static void test_openmetrics(void **state)
{
	_cleanup_free_ char *text = write_some(METRICS_OPENMETRICS);

	(void)state;
	assert_non_null(strstr(text, "# TYPE stagewatch_build info\n"));
	assert_non_null(strstr(text, "stagewatch_build_info{version=\"1.0\"} 1\n"));
	assert_non_null(strstr(text, "# TYPE stagewatch_actions counter\n"));
	assert_non_null(strstr(text, "stagewatch_actions_total{"));
	assert_non_null(strstr(text, "# UNIT stagewatch_poll_duration_seconds seconds\n"));
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
}

static void test_histogram(void **state)
{
	_cleanup_free_ char *text = write_some(METRICS_TEXT);

	(void)state;
	assert_non_null(strstr(text, "_bucket{spark_cluster=\"two\",le=\"0.005\"} 2\n"));
	assert_non_null(strstr(text, "_bucket{spark_cluster=\"two\",le=\"1.0\"} 2\n"));
	assert_non_null(strstr(text, "_bucket{spark_cluster=\"two\",le=\"10.0\"} 3\n"));
	assert_non_null(strstr(text, "_bucket{spark_cluster=\"two\",le=\"+Inf\"} 4\n"));
	assert_non_null(strstr(text, "_sum{spark_cluster=\"two\"} 77.008000\n"));
	assert_non_null(strstr(text, "_count{spark_cluster=\"two\"} 4\n"));
}

static void test_negotiation(void **state)
{
	static const struct {
		const char *accept;
		enum metrics_format want;
	} cases[] = {
		{NULL, METRICS_TEXT},
		{"", METRICS_TEXT},
		{"*/*", METRICS_TEXT},
		{"text/html", METRICS_TEXT},
		{"text/plain;version=0.0.4", METRICS_TEXT},
		{"application/openmetrics-text", METRICS_OPENMETRICS},
		{"application/openmetrics-text; version=1.0.0; charset=utf-8", METRICS_OPENMETRICS},
		/* What Prometheus 2.42 sends. */
		{"application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
		 "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
			METRICS_OPENMETRICS},
		{"text/plain;q=0.9, application/openmetrics-text;q=0.2", METRICS_TEXT},
		{"text/plain, application/openmetrics-text;q=0", METRICS_TEXT},
		{"application/openmetrics-text;q=0", METRICS_TEXT},
		{"application/openmetrics-text;q=junk", METRICS_TEXT},
		{"application/openmetrics-text;q=2", METRICS_TEXT},
		{"application/openmetrics-textual", METRICS_TEXT},
		{",,;;q=,", METRICS_TEXT},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(cases); i++)
		assert_int_equal(metrics_negotiate(cases[i].accept), cases[i].want);
}

static void test_table(void **state)
{
	(void)state;
	for (int i = 0; i < METRIC_MAX; i++) {
		const struct metric_def *d = metric_def((enum metric)i);
		size_t n = d->name ? strlen(d->name) : 0;

		if (d->metric != (enum metric)i || n == 0 || !d->help)
			fail_msg("row %d of the table of metrics is of %s", i,
				n > 0 ? d->name : "nothing");
		assert_true(strncmp(d->name, "stagewatch_", 11) == 0 ||
			    strncmp(d->name, "process_", 8) == 0);
		assert_true(d->help[strlen(d->help) - 1] == '.');
		if (d->unit) {
			assert_true(n > strlen(d->unit));
			assert_string_equal(d->name + n - strlen(d->unit), d->unit);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_order_of_calls_does_not_matter),
		cmocka_unit_test(test_openmetrics),
		cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_negotiation),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
