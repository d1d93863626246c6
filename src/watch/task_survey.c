/* SPDX-License-Identifier: Apache-2.0
 * Each Airflow is asked about one app after the other: how its task is set, and before that which
 * one it is of, where there is but a hint. The answers go into their histories. */
#include "watch/task_survey.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"

/* What gave no answer is asked again, not soon: it is for the audit alone. */
#define RETRY_PERIOD (10 * USEC_PER_MINUTE)
/* A hint that points at nobody yet. Without an owner nothing is done about the app. */
#define FIND_PERIOD (2 * USEC_PER_MINUTE)

/* An Airflow that is slow or silent holds up its own apps only. */
struct asker {
	struct task_survey *survey;
	struct airflow *airflow;
	struct airflow_call *call;
	/* Whom the call is about; it may be gone when the answer comes. */
	char *cluster;
	char *app_id;
	usec_t app_started;
	size_t next; /* the app to be thought of next in this round */
};

struct task_survey {
	struct detector *detector;
	struct runtime *runtime;
	struct asker *askers;
	size_t n_askers;
	usec_t now; /* of the last tick */
};

int task_survey_new(struct detector *detector, struct task_survey **ret)
{
	struct task_survey *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->detector = detector;
	*ret = t;
	return 0;
}

static struct app_history *app_of(const struct asker *k)
{
	return detector_find(k->survey->detector, k->cluster, k->app_id, k->app_started);
}

void task_survey_leave(struct task_survey *t)
{
	for (size_t i = 0; i < t->n_askers; i++) {
		struct asker *k = &t->askers[i];
		struct app_history *a = k->call ? app_of(k) : NULL;

		if (a)
			a->task_asked = 0; /* it never came to an answer */
		airflow_cancel(k->call);
		free(k->cluster);
		free(k->app_id);
	}
	free(t->askers);
	*t = (struct task_survey){.detector = t->detector};
}

struct task_survey *task_survey_free(struct task_survey *t)
{
	if (!t)
		return NULL;
	task_survey_leave(t);
	free(t);
	return NULL;
}

int task_survey_enter(struct task_survey *t, struct runtime *runtime)
{
	size_t n = runtime->settings->n_airflows;

	task_survey_leave(t);
	t->askers = calloc(n + 1, sizeof(*t->askers));
	if (!t->askers)
		return -ENOMEM;
	t->runtime = runtime;
	for (; t->n_askers < n; t->n_askers++)
		t->askers[t->n_askers] =
			(struct asker){.survey = t, .airflow = runtime->airflows[t->n_askers]};
	return 0;
}

static void ask_next(struct asker *k);

static void on_settings(void *userdata, const struct airflow_result *result)
{
	struct asker *k = userdata;
	struct app_history *a = app_of(k);

	k->call = NULL;
	if (result->reply != REPLY_DONE)
		log_debug("%s: %s: the settings of its task stay unknown: %s", k->cluster,
			k->app_id, result->text ? result->text : "no answer");
	else if (a && app_history_take_task(a, result->settings) < 0)
		log_error("%s: %s: out of memory while auditing its task; it stays unaudited",
			k->cluster, k->app_id);
	ask_next(k);
}

static bool of_airflow(const struct asker *k, const struct app_history *a)
{
	const struct task_survey *t = k->survey;

	return runtime_airflow(t->runtime, detector_rule(t->detector, a)) == k->airflow;
}

/* By its owner another rule may be the app's, and that may name another Airflow. */
static void take_found(struct asker *k, struct app_history *a, const struct owner *found)
{
	if (app_history_take_owner(a, found) < 0) {
		log_error("%s: %s: out of memory while taking in its owner; asking again later",
			k->cluster, k->app_id);
		return;
	}
	if (!of_airflow(k, a)) {
		log_warning(
			"%s: %s: its %s point at %s.%s of [airflow %s], but the rule for it names "
			"another Airflow; its owner stays unknown",
			k->cluster, k->app_id, owner_via_name(found->via), found->dag_id,
			found->task_id, airflow_name(k->airflow));
		owner_clear(&a->owner);
		return;
	}
	a->task_asked = 0;
	log_info("%s: %s is of %s.%s, run %s, try %" PRId64
		 ": found by %s among what runs in [airflow %s]; owner_via of its rule says "
		 "whether that suffices for an action",
		k->cluster, k->app_id, found->dag_id, found->task_id, found->run_id,
		found->try_number, owner_via_name(found->via), airflow_name(k->airflow));
}

static void on_found(void *userdata, const struct airflow_result *result)
{
	struct asker *k = userdata;
	struct app_history *a = app_of(k);

	k->call = NULL;
	if (result->reply != REPLY_DONE)
		log_debug("%s: %s: its owner stays unknown: %s", k->cluster, k->app_id,
			result->text ? result->text : "no answer");
	else if (a && !owner_known(&a->owner))
		take_found(k, a, result->found);
	ask_next(k);
}

static int ask(struct asker *k, struct app_history *a)
{
	bool known = owner_known(&a->owner);
	struct airflow_ask settings = {.op = known ? AIRFLOW_SETTINGS : AIRFLOW_FIND,
		.owner = known ? &a->owner : NULL,
		.hint = &a->hint};
	int r;

	a->task_asked = k->survey->now;
	k->app_started = a->info.started;
	r = str_replace(&k->cluster, a->cluster);
	if (r >= 0)
		r = str_replace(&k->app_id, a->info.id);
	return r < 0 ? r
		     : airflow_do(
			       k->airflow, &settings, known ? on_settings : on_found, k, &k->call);
}

static bool due(const struct asker *k, const struct app_history *a)
{
	bool known = owner_known(&a->owner);
	usec_t period = known ? RETRY_PERIOD : FIND_PERIOD;

	if (known ? a->task_known : !owner_hint_labels(&a->hint) && !owner_hint_lineage(&a->hint))
		return false;
	if (a->task_asked > 0 && k->survey->now < a->task_asked + period)
		return false;
	return of_airflow(k, a);
}

static void ask_next(struct asker *k)
{
	const struct detector *d = k->survey->detector;

	/* Each app once a round: one that comes or goes meanwhile may shift another past its turn,
	 * which the next round has. */
	while (!k->call && k->next < detector_n_apps(d)) {
		struct app_history *a = detector_app_at(d, k->next++);

		if (due(k, a) && ask(k, a) < 0)
			log_error("%s: %s: failed to ask Airflow for its task; trying again later",
				a->cluster, a->info.id);
	}
}

void task_survey_tick(struct task_survey *t, usec_t now)
{
	t->now = now;
	for (size_t i = 0; i < t->n_askers; i++)
		if (!t->askers[i].call) {
			t->askers[i].next = 0;
			ask_next(&t->askers[i]);
		}
}
