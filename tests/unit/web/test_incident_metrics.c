/* SPDX-License-Identifier: Apache-2.0
 * One series per open incident, up to a limit, and the rest counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "web/incident_metrics.h"

#define WALL (1000000 * USEC_PER_SEC)
#define NOW (500 * USEC_PER_SEC)

static struct incident *add(struct incident_list *l, const char *cluster, enum verdict verdict)
{
	struct incident *i = calloc(1, sizeof(*i));

	assert_non_null(i);
	i->number = l->n + 1;
	(void)snprintf(i->id, sizeof(i->id), "id-%zu", l->n + 1);
	i->cluster = strdup(cluster);
	i->app_id = strdup("app-1");
	i->app_name = strdup("etl \"x\"");
	i->rule = strdup("all");
	i->stage_id = (int64_t)l->n;
	i->opened = WALL - 10 * USEC_PER_SEC;
	i->verdict = verdict;
	i->action = RULE_ACTION_RETRY;
	assert_int_equal(incident_adopt(l, i), 0);
	return i;
}

static char *page(const struct incident_list *l, enum daemon_mode mode)
{
	char one[] = "one";
	char two[] = "two";
	char all[] = "all";
	struct source_settings sources[] = {{.name = one}, {.name = two}};
	struct rule rules[] = {{.name = all, .action = RULE_ACTION_RETRY}};
	struct settings s = {.sources = sources,
		.n_sources = 2,
		.rules = {.items = rules, .n = 1},
		.daemon = {.mode = mode}};
	struct runtime runtime = {.settings = &s};
	struct web_view v = {.runtime = &runtime, .incidents = l, .now = NOW, .wall = WALL};
	struct metrics_writer w;
	char *text = NULL;

	metrics_begin(&w, METRICS_TEXT);
	incident_metrics_add(&v, &w);
	assert_int_equal(metrics_end(&w, &text), 0);
	return text;
}

static size_t count_of(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, part)); p += strlen(part))
		n++;
	return n;
}

static void all_that_is_known(void **state)
{
	struct incident_list l = {0};
	struct incident *i = add(&l, "one", VERDICT_HUNG);
	_cleanup_free_ char *act = NULL;
	_cleanup_free_ char *observe = NULL;

	(void)state;
	i->owner.dag_id = strdup("etl");
	i->owner.task_id = strdup("load");
	i->numbers.since = NOW - 60 * USEC_PER_SEC;
	act = page(&l, MODE_ACT);
	observe = page(&l, MODE_OBSERVE);
	assert_non_null(strstr(act,
		"\nstagewatch_incident_open{incident=\"id-1\",spark_cluster=\"one\",app=\"app-1\","
		"name=\"etl \\\"x\\\"\",stage=\"0.0\",verdict=\"hung\",dag=\"etl\",task=\"load\","
		"rule=\"all\",acting=\"yes\"} 1\n"));
	assert_non_null(strstr(
		act, "\nstagewatch_incident_since_timestamp_seconds{incident=\"id-1\"} 999940\n"));
	assert_non_null(strstr(observe, "rule=\"all\",acting=\"no\"} 1\n"));
	incident_list_clear(&l);
}

static void nothing_but_what_must_be(void **state)
{
	struct incident_list l = {0};
	struct incident *i = add(&l, "one", VERDICT_UNOBSERVABLE);
	_cleanup_free_ char *text = NULL;

	(void)state;
	free(i->app_name);
	i->app_name = NULL;
	i->stage_id = -1;
	i->action = RULE_ACTION_NONE;
	text = page(&l, MODE_ACT);
	assert_non_null(strstr(text,
		"app=\"app-1\",name=\"\",stage=\"\",verdict=\"unobservable\",dag=\"\",task=\"\","
		"rule=\"all\",acting=\"no\"} 1\n"));
	assert_non_null(strstr(text, "{incident=\"id-1\"} 999990\n"));
	incident_list_clear(&l);
}

/* By the clock of before a restart nothing can be told. */
static void since_a_restart(void **state)
{
	struct incident_list l = {0};
	struct incident *i = add(&l, "one", VERDICT_HUNG);
	_cleanup_free_ char *text = NULL;

	(void)state;
	i->numbers.since = NOW - 60 * USEC_PER_SEC;
	i->inherited = true;
	text = page(&l, MODE_ACT);
	assert_non_null(strstr(text, "{incident=\"id-1\"} 999990\n"));
	incident_list_clear(&l);
}

static void an_ended_one_is_gone(void **state)
{
	struct incident_list l = {0};
	_cleanup_free_ char *text = NULL;

	(void)state;
	add(&l, "one", VERDICT_HUNG)->ended = WALL;
	text = page(&l, MODE_ACT);
	assert_string_equal(text, "");
	incident_list_clear(&l);
}

static void a_name_that_a_page_cannot_hold(void **state)
{
	struct incident_list l = {0};
	struct incident *i = add(&l, "one", VERDICT_HUNG);
	_cleanup_free_ char *text = NULL;

	(void)state;
	free(i->app_name);
	i->app_name = malloc(1001);
	assert_non_null(i->app_name);
	memset(i->app_name, 'n', 1000);
	i->app_name[0] = '\n';
	i->app_name[1] = (char)0xff;
	i->app_name[1000] = '\0';
	text = page(&l, MODE_ACT);
	assert_non_null(strstr(text, "name=\"??nnn"));
	assert_true(strlen(text) < 1500);
	incident_list_clear(&l);
}

/* The critical ones are not pushed out by others, and none is lost. */
static void more_than_fit(void **state)
{
	struct incident_list l = {0};
	_cleanup_free_ char *text = NULL;

	(void)state;
	for (int i = 0; i < 70; i++)
		add(&l, "one", VERDICT_STARVED);
	for (int i = 0; i < 60; i++)
		add(&l, "two", VERDICT_HUNG);
	for (int i = 0; i < 3; i++)
		add(&l, "gone", VERDICT_IDLE);
	text = page(&l, MODE_ACT);
	assert_int_equal(count_of(text, "stage=\""), INCIDENTS_SHOWN + 2);
	assert_int_equal(count_of(text, "verdict=\"hung\""), 60);
	assert_non_null(strstr(text,
		"{incident=\"more\",spark_cluster=\"one\",app=\"\",name=\"\",stage=\"\","
		"verdict=\"starved\",dag=\"\",task=\"\",rule=\"\",acting=\"\"} 30\n"));
	assert_non_null(
		strstr(text, "{incident=\"more\",spark_cluster=\"\",app=\"\",name=\"\",stage=\"\","
			     "verdict=\"idle\",dag=\"\",task=\"\",rule=\"\",acting=\"\"} 3\n"));
	assert_int_equal(
		count_of(text, "stagewatch_incident_since_timestamp_seconds{"), INCIDENTS_SHOWN);
	incident_list_clear(&l);
}

/* As many series as there are places for, whatever happens on the clusters, and none is lost. */
static void a_hundred_thousand(void **state)
{
	struct incident_list l = {0};
	_cleanup_free_ char *text = NULL;

	(void)state;
	for (int i = 0; i < 100000; i++)
		add(&l, "one", VERDICT_STARVED);
	text = page(&l, MODE_ACT);
	assert_int_equal(count_of(text, "stage=\""), INCIDENTS_SHOWN + 1);
	assert_int_equal(
		count_of(text, "stagewatch_incident_since_timestamp_seconds{"), INCIDENTS_SHOWN);
	assert_non_null(strstr(text, "acting=\"\"} 99900\n"));
	incident_list_clear(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_is_known),
		cmocka_unit_test(nothing_but_what_must_be),
		cmocka_unit_test(since_a_restart),
		cmocka_unit_test(an_ended_one_is_gone),
		cmocka_unit_test(a_name_that_a_page_cannot_hold),
		cmocka_unit_test(more_than_fit),
		cmocka_unit_test(a_hundred_thousand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
