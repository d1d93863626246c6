/* SPDX-License-Identifier: Apache-2.0
 * Objections to acting, and incidents from their first verdict to their end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/act/incident.h"
#include "core/act/policy.h"

#define WALL (1795405025 * USEC_PER_SEC) /* 2026-11-23T03:37:05Z */

struct fixture {
	struct detector *d;
	struct rule rule;
	struct rule fallback;
	struct rule_list rules;
	struct incident_list incidents;
	struct limit_params limits;
	struct action_log log;
	struct breaker breaker;
	usec_t now;
	struct incident *last;
	unsigned reached;
};

static void on_changed(void *userdata, const struct detector_event *ev)
{
	struct fixture *f = userdata;
	bool reached;

	assert_int_equal(incident_follow(&f->incidents, ev, WALL + f->now, &f->last, &reached), 0);
	f->reached += reached;
}

static void on_judged(void *userdata, const struct detector_event *ev)
{
	(void)userdata;
	(void)ev;
}

static void set_up(struct fixture *f, enum rule_action action)
{
	struct detector_sink sink = {.changed = on_changed, .judged = on_judged, .userdata = f};

	*f = (struct fixture){.now = USEC_PER_HOUR};
	assert_int_equal(rule_fallback(&f->fallback), 0);
	assert_int_equal(rule_fallback(&f->rule), 0);
	assert_int_equal(str_replace(&f->rule.app, "*"), 0);
	f->rule.action = action;
	assert_int_equal(param_defaults(limit_params, n_limit_params, &f->limits), 0);
	f->rules = (struct rule_list){.items = &f->rule, .n = 1};
	assert_int_equal(detector_new(&sink, &f->d), 0);
	detector_configure(f->d, &f->rules, &f->fallback, 10 * USEC_PER_SEC);
}

static void tear_down(struct fixture *f)
{
	detector_free(f->d);
	rule_clear(&f->rule);
	rule_clear(&f->fallback);
	incident_list_clear(&f->incidents);
	action_log_clear(&f->log);
	breaker_clear(&f->breaker);
}

static struct app_history *add_app(struct fixture *f, const char *id, const char *task)
{
	struct app_info info = {.started = 5};
	struct app_history *a = NULL;

	assert_int_equal(str_replace(&info.id, id), 0);
	assert_int_equal(str_replace(&info.name, "etl"), 0);
	assert_int_equal(detector_app(f->d, "main", &info, f->now, &a), 0);
	app_info_clear(&info);
	if (task) {
		assert_int_equal(str_replace(&a->owner.dag_id, "d"), 0);
		assert_int_equal(str_replace(&a->owner.run_id, "r"), 0);
		assert_int_equal(str_replace(&a->owner.task_id, task), 0);
		a->owner.try_number = 1;
	}
	return a;
}

/* One poll with one stage; n_active 0 and n_tasks 0: no stage. */
static void poll(struct fixture *f, struct app_history *a, int64_t n_active, int64_t n_tasks)
{
	struct app_poll p = {.now = f->now};

	if (n_tasks > 0) {
		p.stages.items = calloc(1, sizeof(struct stage_obs));
		assert_non_null(p.stages.items);
		p.stages.items[0].n_active = n_active;
		p.stages.items[0].n_tasks = n_tasks;
		p.stages.n = 1;
	}
	assert_int_equal(detector_observe(f->d, a, &p), 0);
}

static void poll_until_hung(struct fixture *f, struct app_history *a)
{
	for (int i = 0; i < 400; i++) {
		f->now += 10 * USEC_PER_SEC;
		poll(f, a, 6, 6);
	}
	assert_int_equal(a->stages[0].verdict, VERDICT_HUNG);
}

static struct policy_question question(struct fixture *f, struct app_history *a)
{
	a->observed = f->now;
	return (struct policy_question){.now = f->now,
		.rule = &f->rule,
		.app = a,
		.detector = f->d,
		.limits = &f->limits,
		.log = &f->log,
		.breaker = &f->breaker,
		.poll_interval = 10 * USEC_PER_SEC,
		.has_airflow = true,
		.airflow_known = true,
		.airflow_up = true,
		.cluster_up = true};
}

static void assert_no_objection(const struct policy_question *q)
{
	struct policy_answer a;

	policy_ask(q, &a);
	assert_null(a.objection);
}

static void test_no_objection(void **state)
{
	struct fixture f;
	struct policy_question q;

	(void)state;
	set_up(&f, RULE_ACTION_RETRY);
	q = question(&f, add_app(&f, "app-1", "t"));
	assert_no_objection(&q);
	tear_down(&f);
}

static void assert_objects(const struct policy_question *q, const char *word)
{
	struct policy_answer a;

	policy_ask(q, &a);
	assert_non_null(a.objection);
	assert_non_null(strstr(a.objection, word));
	assert_non_null(policy_reason_name(a.reason));
}

static void test_objections(void **state)
{
	struct fixture f;
	struct policy_question q;
	struct app_history *a;

	(void)state;
	set_up(&f, RULE_ACTION_RETRY);
	a = add_app(&f, "app-1", "t");

	assert_int_equal(str_replace(&a->info.name, "Spark Connect server"), 0);
	q = question(&f, a);
	assert_objects(&q, "end_shared = no");
	f.rule.end_shared = true;
	assert_no_objection(&q);
	f.rule.end_shared = false;
	assert_int_equal(str_replace(&a->info.name, "etl"), 0);

	q = question(&f, a);
	q.has_airflow = false;
	assert_objects(&q, "no [airflow]");
	q.window = "in the maintenance window night";
	assert_objects(&q, "window night");
	q.paused = "paused by root (uid 0): release";
	assert_objects(&q, "paused by root");
	q = question(&f, a);
	q.airflow_known = false;
	assert_objects(&q, "not answered");
	q = question(&f, a);
	q.airflow_up = false;
	assert_objects(&q, "scheduler is not healthy");
	q = question(&f, a);
	q.cluster_up = false;
	assert_objects(&q, "cluster manager does not answer");
	q = question(&f, a);
	q.app_busy = true;
	assert_objects(&q, "in progress");
	q = question(&f, a);
	q.ledger = "the disk is full";
	assert_objects(&q, "the disk is full");
	q = question(&f, a);
	a->no_answer_start = 1;
	assert_objects(&q, "does not answer");
	a->no_answer_start = 0;
	a->owner.try_number = 0;
	assert_objects(&q, "which try");
	a->owner.try_number = 1;
	q = question(&f, add_app(&f, "app-2", NULL));
	assert_objects(&q, "owner");
	tear_down(&f);
}

/* Who was found by a hint is acted upon where the rule says that it suffices. */
static void test_owner_via(void **state)
{
	static const struct {
		enum owner_via via;
		enum rule_owner_via rule;
		const char *objection; /* NULL: none */
	} rows[] = {
		{OWNER_VIA_PROPERTIES, RULE_OWNER_STATED, NULL},
		{OWNER_VIA_ANNOTATIONS, RULE_OWNER_STATED, NULL},
		{OWNER_VIA_LABELS, RULE_OWNER_STATED,
			"found by its pod's labels, and owner_via = stated"},
		{OWNER_VIA_LABELS, RULE_OWNER_OPENLINEAGE,
			"found by its pod's labels, and owner_via = openlineage"},
		{OWNER_VIA_LABELS, RULE_OWNER_LABELS, NULL},
		{OWNER_VIA_LABELS, RULE_OWNER_ALL, NULL},
		{OWNER_VIA_OPENLINEAGE, RULE_OWNER_STATED,
			"found by OpenLineage's parentRunId, and owner_via = stated"},
		{OWNER_VIA_OPENLINEAGE, RULE_OWNER_LABELS, "found by OpenLineage's parentRunId"},
		{OWNER_VIA_OPENLINEAGE, RULE_OWNER_OPENLINEAGE, NULL},
		{OWNER_VIA_OPENLINEAGE, RULE_OWNER_ALL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		struct fixture f;
		struct app_history *a;
		struct policy_question q;

		set_up(&f, RULE_ACTION_KILL);
		a = add_app(&f, "app-1", "t");
		a->owner.via = rows[i].via;
		f.rule.owner_via = rows[i].rule;
		q = question(&f, a);
		if (rows[i].objection)
			assert_objects(&q, rows[i].objection);
		else
			assert_no_objection(&q);
		tear_down(&f);
	}
}

static void test_old_evidence(void **state)
{
	struct fixture f;
	struct policy_question q;
	struct app_history *a;

	(void)state;
	set_up(&f, RULE_ACTION_RETRY);
	a = add_app(&f, "app-1", "t");
	q = question(&f, a);
	a->observed = f.now - 20 * USEC_PER_SEC;
	assert_no_objection(&q);
	a->observed--;
	assert_objects(&q, "older than two polls");
	tear_down(&f);
}

static void test_settles(void **state)
{
	struct fixture f;
	struct policy_question q;
	struct app_history *a;

	(void)state;
	set_up(&f, RULE_ACTION_RETRY);
	a = add_app(&f, "app-1", "t");
	q = question(&f, a);
	q.started = f.now - 5 * USEC_PER_MINUTE;
	assert_no_objection(&q);
	q.started++;
	assert_objects(&q, "settling: ");
	q.started = 0;
	a->gap_end = f.now - USEC_PER_MINUTE;
	assert_objects(&q, "settling: ");
	f.limits.settle = USEC_PER_MINUTE;
	assert_no_objection(&q);
	tear_down(&f);
}

static void act(struct fixture *f, struct app_history *a, enum rule_action action, int64_t at)
{
	struct past_action past = {.at = at,
		.action = action,
		.target = {.rule = f->rule.name, .cluster = a->cluster, .app_name = a->info.name},
		.owner = a->owner};

	assert_int_equal(action_log_add(&f->log, &past), 0);
}

static void test_a_try_is_acted_upon_once(void **state)
{
	struct fixture f;
	struct policy_question q;
	struct app_history *a;

	(void)state;
	set_up(&f, RULE_ACTION_RETRY);
	a = add_app(&f, "app-1", "t");
	act(&f, a, RULE_ACTION_KILL, f.now - USEC_PER_HOUR);
	q = question(&f, a);
	assert_objects(&q, "acted upon already");
	a->owner.try_number = 2;
	assert_no_objection(&q);
	a->owner.try_number = 1;
	/* What changed nothing does not count. */
	action_log_drop(&f.log, &a->owner);
	assert_no_objection(&q);
	/* Nor what is older than retention. */
	act(&f, a, RULE_ACTION_KILL, f.now - 3 * USEC_PER_HOUR);
	act(&f, a, RULE_ACTION_KILL, f.now - 2 * USEC_PER_HOUR);
	action_log_prune(&f.log, (int64_t)(f.now - 2 * USEC_PER_HOUR));
	assert_int_equal(f.log.n, 1);
	assert_objects(&q, "acted upon already");
	action_log_prune(&f.log, (int64_t)f.now);
	assert_int_equal(f.log.n, 0);
	assert_no_objection(&q);
	tear_down(&f);
}

static void test_cooldown(void **state)
{
	struct fixture f;
	struct policy_question q;
	struct app_history *a;

	(void)state;
	set_up(&f, RULE_ACTION_RETRY);
	a = add_app(&f, "app-1", "t");
	act(&f, a, RULE_ACTION_RETRY, f.now - 10 * USEC_PER_MINUTE + 1);
	a->owner.try_number = 2;
	q = question(&f, a);
	assert_objects(&q, "cooldown");
	f.rule.cooldown--;
	assert_no_objection(&q);
	f.rule.cooldown++;
	/* Another task, the same app name. */
	a = add_app(&f, "app-2", "other");
	q = question(&f, a);
	assert_objects(&q, "cooldown");
	assert_int_equal(str_replace(&a->info.name, "another"), 0);
	assert_no_objection(&q);
	tear_down(&f);
}

static void test_actions_per_hour(void **state)
{
	struct fixture f;
	struct policy_question q;
	struct app_history *a;

	(void)state;
	set_up(&f, RULE_ACTION_KILL);
	f.rule.cooldown = 0;
	for (int i = 0; i < 6; i++) {
		char id[32];

		(void)snprintf(id, sizeof(id), "app-%d", i);
		a = add_app(&f, id, id);
		q = question(&f, a);
		assert_no_objection(&q);
		act(&f, a, RULE_ACTION_KILL, f.now - USEC_PER_HOUR + (usec_t)i + 1);
	}
	q = question(&f, add_app(&f, "app-last", "last"));
	assert_objects(&q, "actions_per_hour of [limits]");
	q.now++;
	assert_no_objection(&q);
	f.rule.actions_per_hour = 5;
	assert_objects(&q, "of its rule");
	tear_down(&f);
}

/* A minute after the boot, what was done before it is as old as ever. */
static void test_over_a_reboot(void **state)
{
	struct fixture f;
	struct policy_question q;
	struct app_history *a;

	(void)state;
	set_up(&f, RULE_ACTION_RETRY);
	f.now = USEC_PER_MINUTE;
	f.limits.settle = 0;
	a = add_app(&f, "app-1", "t");
	act(&f, a, RULE_ACTION_RETRY, (int64_t)f.now - (int64_t)f.rule.cooldown + 1);
	a->owner.try_number = 2;
	q = question(&f, a);
	assert_objects(&q, "cooldown");
	f.rule.cooldown--;
	assert_no_objection(&q);
	f.limits.actions_per_hour = 2;
	act(&f, a, RULE_ACTION_KILL, (int64_t)f.now - (int64_t)USEC_PER_HOUR + 1);
	q = question(&f, add_app(&f, "app-2", "other"));
	assert_int_equal(str_replace(&f.log.items[0].target.app_name, "another"), 0);
	assert_objects(&q, "actions_per_hour of [limits]");
	q.now++;
	assert_no_objection(&q);
	tear_down(&f);
}

static void test_storm(void **state)
{
	struct fixture f;
	struct policy_question q;

	(void)state;
	set_up(&f, RULE_ACTION_RETRY);
	q = question(&f, add_app(&f, "app-1", "t"));
	for (int i = 0; i < 5; i++) {
		char id[32];

		assert_false(breaker_update(&f.breaker, &f.limits, f.d, f.now));
		assert_no_objection(&q);
		(void)snprintf(id, sizeof(id), "hung-%d", i);
		breaker_count(&f.breaker, add_app(&f, id, id), f.now);
		/* The same app again is no other app. */
		breaker_count(&f.breaker, detector_find(f.d, "main", id, 5), f.now);
	}
	assert_true(breaker_update(&f.breaker, &f.limits, f.d, f.now));
	assert_objects(&q, "5 apps hung within 15min");
	/* It closes when the storm has been over for storm_window, not before. */
	f.now += f.limits.storm_window;
	assert_false(breaker_update(&f.breaker, &f.limits, f.d, f.now));
	f.now++;
	assert_false(breaker_update(&f.breaker, &f.limits, f.d, f.now));
	f.now += f.limits.storm_window;
	assert_true(breaker_update(&f.breaker, &f.limits, f.d, f.now));
	assert_false(f.breaker.open);
	tear_down(&f);
}

static void test_storm_by_hand(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, RULE_ACTION_RETRY);
	f.limits.storm_reset = STORM_RESET_MANUAL;
	f.limits.storm_threshold = 1;
	breaker_count(&f.breaker, add_app(&f, "app-1", "t"), f.now);
	assert_true(breaker_update(&f.breaker, &f.limits, f.d, f.now));
	f.now += 24 * USEC_PER_HOUR;
	assert_false(breaker_update(&f.breaker, &f.limits, f.d, f.now));
	assert_true(f.breaker.open);
	breaker_close(&f.breaker);
	assert_false(breaker_update(&f.breaker, &f.limits, f.d, f.now));
	assert_false(f.breaker.open);
	f.limits.storm_threshold = 0;
	breaker_count(&f.breaker, add_app(&f, "app-2", "u"), f.now);
	assert_false(breaker_update(&f.breaker, &f.limits, f.d, f.now));
	tear_down(&f);
}

/* Half of all apps make no progress, and one of them is hung. */
static void test_storm_by_share(void **state)
{
	struct fixture f;
	struct app_history *still[3];

	(void)state;
	set_up(&f, RULE_ACTION_RETRY);
	for (int i = 0; i < 3; i++) {
		char id[32];

		(void)snprintf(id, sizeof(id), "app-%d", i);
		still[i] = add_app(&f, id, id);
	}
	poll_until_hung(&f, still[0]);
	assert_false(breaker_update(&f.breaker, &f.limits, f.d, f.now));
	poll_until_hung(&f, still[1]);
	poll_until_hung(&f, still[2]);
	assert_true(breaker_update(&f.breaker, &f.limits, f.d, f.now));
	assert_string_equal(f.breaker.why, "3 of 3 apps make no progress");
	tear_down(&f);
}

static void test_healthy_sibling(void **state)
{
	struct fixture f;
	struct policy_question q;
	struct app_history *a;
	struct app_history *other;
	struct app_history *alone;

	(void)state;
	set_up(&f, RULE_ACTION_KILL);
	a = add_app(&f, "app-1", "t");
	other = add_app(&f, "app-2", "t");
	q = question(&f, a);
	assert_objects(&q, "another live app");
	/* Once that one hangs as well, the task is to be ended. */
	poll_until_hung(&f, other);
	q = question(&f, a);
	assert_no_objection(&q);
	/* But not to be cleared beside it. */
	assert_ptr_equal(policy_other_app(f.d, &a->owner, a->cluster, "app-1"), other);
	other->owner.try_number = 2;
	assert_ptr_equal(policy_other_app(f.d, &a->owner, a->cluster, "app-1"), other);
	/* Another task's app says nothing about ours. */
	alone = add_app(&f, "app-3", "u");
	assert_no_objection(&q);
	assert_ptr_equal(policy_other_app(f.d, &other->owner, a->cluster, "app-2"), a);
	assert_null(policy_other_app(f.d, &alone->owner, a->cluster, "app-3"));
	tear_down(&f);
}

/* Before its first request, what can have changed is asked again; what it counts for itself is not.
 */
static void test_asked_again(void **state)
{
	struct fixture f;
	struct policy_question q;
	struct policy_answer answer;
	struct app_history *a;

	(void)state;
	set_up(&f, RULE_ACTION_RETRY);
	a = add_app(&f, "app-1", "t");
	act(&f, a, RULE_ACTION_RETRY, 1);
	q = question(&f, a);
	assert_objects(&q, "acted upon already");
	policy_ask_again(&q, &answer);
	assert_null(answer.objection);
	f.breaker.open = true;
	policy_ask_again(&q, &answer);
	assert_int_equal(answer.reason, POLICY_STORM);
	a->no_answer_start = 1;
	policy_ask_again(&q, &answer);
	assert_int_equal(answer.reason, POLICY_EVIDENCE);
	q.paused = "paused";
	policy_ask_again(&q, &answer);
	assert_int_equal(answer.reason, POLICY_PAUSED);
	tear_down(&f);
}

static void test_max_retries(void **state)
{
	struct fixture f;
	struct policy_question q;
	struct app_history *a;

	(void)state;
	set_up(&f, RULE_ACTION_RETRY);
	f.rule.max_retries = 2;
	f.rule.cooldown = 0;
	a = add_app(&f, "app-1", "t");
	act(&f, a, RULE_ACTION_RETRY, 1);
	a->owner.try_number = 2;
	q = question(&f, a);
	assert_no_objection(&q);
	/* Another try of the same task instance. */
	act(&f, a, RULE_ACTION_RETRY, 2);
	a->owner.try_number = 3;
	assert_objects(&q, "max_retries");
	/* A kill is no retry, another map index another task instance. */
	f.rule.action = RULE_ACTION_KILL;
	assert_no_objection(&q);
	f.rule.action = RULE_ACTION_RETRY;
	a->owner.map_index = 3;
	assert_no_objection(&q);
	tear_down(&f);
}

static void test_incident_life(void **state)
{
	struct fixture f;
	struct app_history *a;
	struct incident *i;

	(void)state;
	set_up(&f, RULE_ACTION_RETRY);
	a = add_app(&f, "app-1", "t");
	poll_until_hung(&f, a);
	assert_int_equal(f.incidents.n, 1);
	assert_int_equal(f.reached, 2); /* suspect, hung */
	i = incident_find(&f.incidents, a, &a->stages[0]);
	assert_non_null(i);
	assert_ptr_equal(i, f.last);
	assert_string_equal(i->rule, "none");
	assert_int_equal(i->verdict, VERDICT_HUNG);
	assert_int_equal(i->action, RULE_ACTION_RETRY);
	assert_non_null(strstr(i->evidence, "(0 + 6) / 6 without progress for 30min"));
	assert_non_null(
		strstr(i->evidence, "without per-task counters, two thread dumps, CPU seconds"));
	assert_int_equal(incident_count_open(&f.incidents, VERDICT_HUNG), 1);
	assert_true(strncmp(i->id, "20261123T", 9) == 0);

	f.now += 10 * USEC_PER_SEC;
	poll(&f, a, 0, 0);
	assert_null(incident_find(&f.incidents, a, NULL));
	assert_int_equal(f.incidents.items[0]->response.outcome, OUTCOME_ENDED);
	assert_true(f.incidents.items[0]->ended > 0);
	assert_int_equal(incident_count_open(&f.incidents, VERDICT_HUNG), 0);
	tear_down(&f);
}

/* While a remedy is under way, the incident is the remedy's to end. */
static void test_incident_waits_for_remedy(void **state)
{
	struct fixture f;
	struct app_history *a;

	(void)state;
	set_up(&f, RULE_ACTION_RETRY);
	a = add_app(&f, "app-1", "t");
	poll_until_hung(&f, a);
	f.incidents.items[0]->response.under_way = true;
	detector_app_gone(f.d, a, f.now);
	assert_int_equal(f.incidents.items[0]->ended, 0);
	incident_end(f.incidents.items[0], OUTCOME_RECOVERED, "try 2 is running", WALL + f.now);
	assert_string_equal(f.incidents.items[0]->response.why, "try 2 is running");
	tear_down(&f);
}

static void test_incidents_are_bounded(void **state)
{
	struct fixture f;
	struct app_history *a;
	struct incident *last;

	(void)state;
	set_up(&f, RULE_ACTION_NOTIFY);
	a = add_app(&f, "app-1", NULL);
	for (int i = 0; i < INCIDENTS_KEPT + 3 * 50; i++) {
		f.now += 10 * USEC_PER_SEC;
		poll(&f, a, -1, 6); /* a phantom at once */
		f.now += 10 * USEC_PER_SEC;
		poll(&f, a, 0, 0);
	}
	assert_in_range(f.incidents.n, INCIDENTS_KEPT, INCIDENTS_KEPT + INCIDENTS_KEPT / 4 + 1);
	last = f.incidents.items[f.incidents.n - 1];
	assert_int_equal(last->number, INCIDENTS_KEPT + 3 * 50);
	for (size_t k = 0; k < f.incidents.n; k++) {
		struct incident *i = f.incidents.items[k];

		assert_int_equal(i->number, last->number - (f.incidents.n - 1 - k));
		assert_ptr_equal(incident_by_id(&f.incidents, i->id), i);
	}
	assert_null(incident_by_id(&f.incidents, "20261123T000000Z-1"));
	assert_null(incident_find(&f.incidents, a, NULL));
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_objection),
		cmocka_unit_test(test_objections),
		cmocka_unit_test(test_owner_via),
		cmocka_unit_test(test_old_evidence),
		cmocka_unit_test(test_settles),
		cmocka_unit_test(test_a_try_is_acted_upon_once),
		cmocka_unit_test(test_cooldown),
		cmocka_unit_test(test_actions_per_hour),
		cmocka_unit_test(test_over_a_reboot),
		cmocka_unit_test(test_storm),
		cmocka_unit_test(test_storm_by_hand),
		cmocka_unit_test(test_storm_by_share),
		cmocka_unit_test(test_healthy_sibling),
		cmocka_unit_test(test_asked_again),
		cmocka_unit_test(test_max_retries),
		cmocka_unit_test(test_incident_life),
		cmocka_unit_test(test_incident_waits_for_remedy),
		cmocka_unit_test(test_incidents_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
