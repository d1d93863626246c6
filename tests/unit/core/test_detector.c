/* SPDX-License-Identifier: Apache-2.0
 * Which apps and stages a detector knows: each is found, and no more than the limit are kept. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/detect/detector.h"

#define N 200

struct fixture {
	struct detector *d;
	struct rule_list rules;
	struct rule fallback;
	size_t n_changed;
	size_t n_ended;
};

static void on_event(void *userdata, const struct detector_event *ev)
{
	struct fixture *f = userdata;

	(void)ev;
	f->n_changed++;
}

static void on_ended(void *userdata, const struct app_history *a, usec_t now)
{
	struct fixture *f = userdata;

	(void)a;
	(void)now;
	f->n_ended++;
}

static void set_up(struct fixture *f)
{
	struct detector_sink sink = {
		.changed = on_event, .judged = on_event, .ended = on_ended, .userdata = f};

	*f = (struct fixture){0};
	assert_int_equal(rule_fallback(&f->fallback), 0);
	assert_int_equal(detector_new(&sink, &f->d), 0);
	detector_configure(f->d, &f->rules, &f->fallback, 10 * USEC_PER_SEC);
}

static void tear_down(struct fixture *f)
{
	detector_free(f->d);
	rule_clear(&f->fallback);
}

static int add(
	struct fixture *f, const char *cluster, size_t k, usec_t started, struct app_history **ret)
{
	char id[32];
	struct app_info info = {.id = id, .started = started};

	(void)snprintf(id, sizeof(id), "app-%03zu", k);
	return detector_app(f->d, cluster, &info, USEC_PER_HOUR, ret);
}

static struct app_history *find(
	const struct fixture *f, const char *cluster, size_t k, usec_t started)
{
	char id[32];

	(void)snprintf(id, sizeof(id), "app-%03zu", k);
	return detector_find(f->d, cluster, id, started);
}

/* In an order that is none, with starts that many have. */
static usec_t start_of(size_t k)
{
	return (k * 7) % 11;
}

static void each_app_is_found(void **state)
{
	struct app_history *apps[N] = {0};
	struct app_history *again;
	struct fixture f;

	(void)state;
	set_up(&f);
	for (size_t i = 0; i < N; i++) {
		size_t k = (i * 37) % N;

		assert_int_equal(add(&f, k % 2 ? "a" : "b", k, start_of(k), &apps[k]), 0);
	}
	assert_int_equal(detector_n_apps(f.d), N);
	for (size_t k = 0; k < N; k++) {
		assert_ptr_equal(find(&f, k % 2 ? "a" : "b", k, start_of(k)), apps[k]);
		assert_null(find(&f, k % 2 ? "b" : "a", k, start_of(k)));
		assert_null(find(&f, k % 2 ? "a" : "b", k, start_of(k) + 1));
		assert_int_equal(add(&f, k % 2 ? "a" : "b", k, start_of(k), &again), 0);
		assert_ptr_equal(again, apps[k]);
	}
	for (size_t i = 1; i < N; i++)
		assert_true(detector_app_at(f.d, i - 1)->info.started <=
			    detector_app_at(f.d, i)->info.started);
	for (size_t k = 0; k < N; k += 2)
		detector_app_gone(f.d, apps[k], USEC_PER_HOUR);
	for (size_t k = 0; k < N; k++)
		assert_ptr_equal(
			find(&f, k % 2 ? "a" : "b", k, start_of(k)), k % 2 ? apps[k] : NULL);
	assert_int_equal(f.n_ended, N / 2);
	tear_down(&f);
}

static void poll(
	struct fixture *f, struct app_history *a, usec_t now, const int64_t (*ids)[2], size_t n)
{
	struct app_poll p = {.now = now};

	p.stages.items = calloc(n + 1, sizeof(*p.stages.items));
	assert_non_null(p.stages.items);
	p.stages.n = n;
	for (size_t i = 0; i < n; i++) {
		p.stages.items[i].stage_id = ids[i][0];
		p.stages.items[i].attempt_id = ids[i][1];
		p.stages.items[i].n_tasks = 10;
		p.stages.items[i].n_active = 1;
	}
	assert_int_equal(detector_observe(f->d, a, &p), 0);
}

static void each_stage_is_found(void **state)
{
	static const int64_t first[][2] = {{9, 0}, {3, 1}, {3, 0}, {9, 0}};
	static const int64_t second[][2] = {{3, 1}, {1, 0}, {9, 0}, {4, 0}, {1, 0}};
	struct app_history *a = NULL;
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_int_equal(add(&f, "a", 1, 1, &a), 0);
	poll(&f, a, USEC_PER_HOUR, first, ELEMENTSOF(first));
	assert_int_equal(a->n_stages, 3);
	assert_non_null(app_history_stage(a, 3, 0));
	poll(&f, a, USEC_PER_HOUR + 10 * USEC_PER_SEC, second, ELEMENTSOF(second));
	assert_int_equal(a->n_stages, 4);
	assert_null(app_history_stage(a, 3, 0));
	assert_int_equal(app_history_stage(a, 1, 0)->first_seen, USEC_PER_HOUR + 10 * USEC_PER_SEC);
	assert_int_equal(app_history_stage(a, 3, 1)->first_seen, USEC_PER_HOUR);
	assert_int_equal(app_history_stage(a, 9, 0)->first_seen, USEC_PER_HOUR);
	assert_int_equal(app_history_stage(a, 4, 0)->last.stage_id, 4);
	tear_down(&f);
}

/* The oldest healthy one goes; one in trouble stays; an older one does not come back. */
static void beyond_the_limit(void **state)
{
	static const int64_t stage[][2] = {{1, 0}};
	struct app_history *a = NULL;
	struct fixture f;

	(void)state;
	set_up(&f);
	detector_limit(f.d, 3);
	assert_int_equal(add(&f, "a", 1, 1, &a), 0);
	for (unsigned k = 0; k < 400; k++)
		poll(&f, a, USEC_PER_HOUR + k * 10 * USEC_PER_SEC, stage, 1);
	assert_int_equal(a->stages[0].verdict, VERDICT_HUNG);
	assert_int_equal(add(&f, "a", 2, 2, &a), 0);
	assert_int_equal(add(&f, "a", 3, 3, &a), 0);
	assert_int_equal(detector_n_left_out(f.d), 0);
	f.n_changed = 0;
	assert_int_equal(add(&f, "a", 4, 4, &a), 0);
	assert_int_equal(detector_n_apps(f.d), 3);
	assert_int_equal(detector_n_left_out(f.d), 1);
	assert_non_null(find(&f, "a", 1, 1));
	assert_null(find(&f, "a", 2, 2));
	/* It is not over: nobody is told of an end. */
	assert_int_equal(f.n_changed + f.n_ended, 0);
	assert_int_equal(add(&f, "a", 2, 2, &a), -ENOSPC);
	assert_int_equal(detector_n_left_out(f.d), 2);
	assert_non_null(find(&f, "a", 3, 3));
	/* As soon as there is a place it is watched again. */
	detector_app_gone(f.d, find(&f, "a", 3, 3), USEC_PER_HOUR);
	assert_int_equal(add(&f, "a", 2, 2, &a), 0);
	assert_int_equal(detector_n_left_out(f.d), 2);
	tear_down(&f);
}

/* What the next poll asks is known when the one before is taken in. */
static void needs_follow_each_poll(void **state)
{
	struct fixture f;
	struct app_history *a;
	struct app_poll p = {.now = USEC_PER_HOUR};

	(void)state;
	set_up(&f);
	assert_int_equal(add(&f, "c", 1, 0, &a), 0);
	assert_int_equal(a->needs, NEED_JOBS | NEED_EXECUTORS);
	p.stages.items = calloc(1, sizeof(*p.stages.items));
	assert_non_null(p.stages.items);
	p.stages.items[p.stages.n++] = (struct stage_obs){.n_tasks = 1, .n_active = 1};
	assert_int_equal(detector_observe(f.d, a, &p), 0);
	assert_int_equal(a->needs, 0);
	/* Nothing runs any more, and it is the second good poll. */
	p.now = USEC_PER_HOUR + 10 * USEC_PER_SEC;
	assert_int_equal(detector_observe(f.d, a, &p), 0);
	assert_int_equal(a->needs, NEED_JOBS | NEED_EXECUTORS | NEED_MEMORY);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_app_is_found),
		cmocka_unit_test(each_stage_is_found),
		cmocka_unit_test(beyond_the_limit),
		cmocka_unit_test(needs_follow_each_poll),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
