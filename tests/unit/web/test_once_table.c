/* SPDX-License-Identifier: Apache-2.0
 * What --once prints and how it exits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "web/once_table.h"

struct fixture {
	struct detector *d;
	struct rule fallback;
	struct rule_list rules;
};

static void on_event(void *userdata, const struct detector_event *ev)
{
	(void)userdata;
	(void)ev;
}

static void set_up(struct fixture *f)
{
	struct detector_sink sink = {.changed = on_event, .judged = on_event, .userdata = f};

	*f = (struct fixture){0};
	assert_int_equal(rule_fallback(&f->fallback), 0);
	assert_int_equal(detector_new(&sink, &f->d), 0);
	detector_configure(f->d, &f->rules, &f->fallback, 10 * USEC_PER_SEC);
	detector_look_once(f->d);
}

static void tear_down(struct fixture *f)
{
	detector_free(f->d);
	rule_clear(&f->fallback);
}

static struct app_history *add_app(struct fixture *f, const char *id, const char *name)
{
	struct app_info info = {.started = 1};
	struct app_history *a = NULL;

	assert_int_equal(str_replace(&info.id, id), 0);
	assert_int_equal(str_replace(&info.name, name), 0);
	assert_int_equal(detector_app(f->d, "local", &info, USEC_PER_HOUR, &a), 0);
	app_info_clear(&info);
	return a;
}

static void add_stage(struct fixture *f, struct app_history *a, usec_t launched_ago)
{
	struct app_poll p = {.now = 2 * USEC_PER_HOUR, .driver_now = 5 * USEC_PER_HOUR};

	p.stages.items = calloc(1, sizeof(struct stage_obs));
	assert_non_null(p.stages.items);
	p.stages.n = 1;
	p.has_jobs = true;
	p.jobs.stage_ids = calloc(1, sizeof(int64_t));
	assert_non_null(p.jobs.stage_ids);
	p.jobs.stage_ids[0] = 103;
	p.jobs.n_stage_ids = p.jobs.n_running = 1;
	p.stages.items[0] = (struct stage_obs){.stage_id = 103,
		.n_tasks = 6,
		.n_active = 6,
		.first_launched = 5 * USEC_PER_HOUR - launched_ago};
	assert_int_equal(detector_observe(f->d, a, &p), 0);
}

/* n_silent: so many drivers answer 403. */
static int print(struct fixture *f, size_t n_silent, char **text)
{
	size_t n;
	FILE *out = open_memstream(text, &n);
	struct health health = {0};
	struct health_cluster *c = health_cluster(&health, "local");
	int status;

	assert_non_null(out);
	assert_non_null(c);
	for (size_t i = 0; i < n_silent; i++) {
		struct asked asked = {.url = "http://d:4040", .what = "/environment"};
		struct standing_fault like = {.blinds = true};
		enum fault_change change;

		fault_set(&asked.fault, "http_status", "answered 403");
		assert_int_equal(faults_note(&c->faults, &asked, "app-1", &like, &change), 0);
	}
	status = once_table_print(out, f->d, &health, 2 * USEC_PER_HOUR);
	(void)fclose(out);
	health_clear(&health);
	return status;
}

static void test_nothing(void **state)
{
	struct fixture f;
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *silent = NULL;

	(void)state;
	set_up(&f);
	assert_int_equal(print(&f, 0, &text), 0);
	assert_string_equal(text, "No running Spark application was found.\n");
	assert_int_equal(print(&f, 1, &silent), 2);
	assert_string_equal(silent, "local: http://d:4040/environment answered 403, app app-1\n"
				    "No Spark application could be looked at.\n");
	tear_down(&f);
}

static void test_healthy_and_idle(void **state)
{
	struct fixture f;
	_cleanup_free_ char *text = NULL;

	(void)state;
	set_up(&f);
	add_stage(&f, add_app(&f, "app-1", "etl"), 5 * USEC_PER_SEC);
	(void)add_app(&f, "app-22", "a name with \x1b[31mcolour");
	assert_int_equal(print(&f, 0, &text), 0);
	assert_string_equal(text,
		"CLUSTER  APP     NAME                     STAGE  PROGRESS     NO PROGRESS FOR  "
		"VERDICT\n"
		"local    app-1   etl                      103    (0 + 6) / 6  5s               "
		"progressing\n"
		"local    app-22  a name with ?[31mcolour  -      -            -                "
		"progressing\n");
	tear_down(&f);
}

static void test_hung(void **state)
{
	struct fixture f;
	_cleanup_free_ char *text = NULL;

	(void)state;
	set_up(&f);
	add_stage(&f, add_app(&f, "app-1", "etl"), 47 * USEC_PER_MINUTE);
	/* A hang counts for more than what could not be looked at. */
	assert_int_equal(print(&f, 1, &text), 1);
	assert_non_null(strstr(text, "(0 + 6) / 6  47min            hung\n"));
	tear_down(&f);
}

static void test_silent_driver(void **state)
{
	struct fixture f;
	_cleanup_free_ char *text = NULL;
	struct app_history *a;

	(void)state;
	set_up(&f);
	a = add_app(&f, "app-1", "etl");
	add_stage(&f, a, 5 * USEC_PER_SEC);
	detector_no_answer(f.d, a, 2 * USEC_PER_HOUR);
	assert_int_equal(print(&f, 1, &text), 2);
	assert_non_null(strstr(text, "no answer\n"));
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_healthy_and_idle),
		cmocka_unit_test(test_hung),
		cmocka_unit_test(test_silent_driver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
