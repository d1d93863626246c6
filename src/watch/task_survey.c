/* SPDX-License-Identifier: Apache-2.0
 * Each Airflow is asked about one app after the other; the answers go into their histories. */
#include "watch/task_survey.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"

/* What gave no answer is asked again, not soon: it is for the audit alone. */
#define RETRY_PERIOD (10 * USEC_PER_MINUTE)

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

static int ask(struct asker *k, struct app_history *a)
{
	struct airflow_ask settings = {.op = AIRFLOW_SETTINGS, .owner = &a->owner};
	int r;

	a->task_asked = k->survey->now;
	k->app_started = a->info.started;
	r = str_replace(&k->cluster, a->cluster);
	if (r >= 0)
		r = str_replace(&k->app_id, a->info.id);
	return r < 0 ? r : airflow_do(k->airflow, &settings, on_settings, k, &k->call);
}

static bool due(const struct asker *k, const struct app_history *a)
{
	const struct task_survey *t = k->survey;

	if (a->task_known || !owner_known(&a->owner))
		return false;
	if (a->task_asked > 0 && t->now < a->task_asked + RETRY_PERIOD)
		return false;
	return runtime_airflow(t->runtime, detector_rule(t->detector, a)) == k->airflow;
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
