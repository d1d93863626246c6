/* SPDX-License-Identifier: Apache-2.0
 * Health and self-tests, at their own pace. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "io/clock.h"
#include "setup/messages.h"
#include "source/selftest.h"
#include "watch/airflow_health.h"

/* Airflow's health is asked so often; sooner while it was never heard of. */
#define HEALTH_PERIOD USEC_PER_MINUTE
#define HEALTH_PERIOD_UNKNOWN (10 * USEC_PER_SEC)
/* A test without a usable answer is repeated. What only shows while an app runs is a page of the
 * master, which can be large. */
#define TEST_PERIOD (10 * USEC_PER_SEC)
#define KILL_TEST_PERIOD (5 * USEC_PER_MINUTE)

struct airflow_watch {
	struct airflow_health *access;
	struct airflow *airflow;
	struct airflow_call *health;
	usec_t next_health;
	const char *complaint;
	struct airflow_call *test;
	usec_t next_test;
	bool tested;
};

struct source_watch {
	struct airflow_health *access;
	struct source *source;
	struct source_test *test;
	usec_t next_test;
	bool tested;
};

struct airflow_health {
	struct health *state;
	struct stats *stats;
	struct runtime *runtime;
	struct airflow_watch *airflows;
	size_t n_airflows;
	struct source_watch *sources;
	size_t n_sources;
};

int airflow_health_new(struct health *health, struct stats *stats, struct airflow_health **ret)
{
	struct airflow_health *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->state = health;
	w->stats = stats;
	*ret = w;
	return 0;
}

struct airflow_health *airflow_health_free(struct airflow_health *w)
{
	if (!w)
		return NULL;
	airflow_health_deactivate(w);
	free(w);
	return NULL;
}

void airflow_health_deactivate(struct airflow_health *w)
{
	for (size_t i = 0; i < w->n_airflows; i++) {
		airflow_cancel(w->airflows[i].health);
		airflow_cancel(w->airflows[i].test);
	}
	for (size_t i = 0; i < w->n_sources; i++)
		source_test_cancel(w->sources[i].test);
	free(w->airflows);
	free(w->sources);
	*w = (struct airflow_health){.state = w->state, .stats = w->stats};
}

int airflow_health_activate(struct airflow_health *w, struct runtime *runtime)
{
	const struct settings *s = runtime->settings;

	airflow_health_deactivate(w);
	w->airflows = calloc(s->n_airflows + 1, sizeof(*w->airflows));
	w->sources = calloc(s->n_sources + 1, sizeof(*w->sources));
	if (!w->airflows || !w->sources)
		return -ENOMEM;
	w->runtime = runtime;
	for (size_t i = 0; i < s->n_airflows; i++)
		w->airflows[w->n_airflows++] =
			(struct airflow_watch){.access = w, .airflow = runtime->airflows[i]};
	for (size_t i = 0; i < s->n_sources; i++)
		w->sources[w->n_sources++] =
			(struct source_watch){.access = w, .source = runtime->sources[i]};
	return 0;
}

bool airflow_health_acts(const struct runtime *runtime, const struct airflow *airflow)
{
	const struct settings *s = runtime->settings;

	for (size_t i = 0; i < s->rules.n; i++) {
		const struct rule *rule = &s->rules.items[i];

		if (!settings_dry(s, rule) && rule->action > RULE_ACTION_NOTIFY &&
			runtime_airflow(runtime, rule) == airflow)
			return true;
	}
	return false;
}

static struct health_airflow *airflow_row(const struct airflow_watch *w)
{
	return health_airflow(w->access->state, airflow_name(w->airflow));
}

static void note_health(struct health_airflow *s, const struct airflow_result *result)
{
	s->up = result->reply == REPLY_DONE;
	if (s->up)
		s->answered = clock_realtime();
	else if (result->text)
		last_error_set(&s->error, clock_realtime(), "%s", result->text);
}

static void on_health(void *userdata, const struct airflow_result *result)
{
	struct airflow_watch *w = userdata;
	struct health_airflow *s = airflow_row(w);
	struct airflow_stats *counters = stats_airflow(w->access->stats, airflow_name(w->airflow));
	struct log_about about = {.url = airflow_url(w->airflow)};

	w->health = NULL;
	if (counters)
		stats_count_reason(
			counters->errors, airflow_reasons, n_airflow_reasons, result->reason);
	if (s)
		note_health(s, result);
	if (s && airflow_version_text(w->airflow))
		(void)str_replace(&s->version, airflow_version_text(w->airflow));
	if (result->reason && w->complaint != result->reason)
		log_event(LOG_WARNING, &about,
			"Airflow %s: %s; no action begins until it is healthy",
			airflow_name(w->airflow), result->text);
	if (!result->reason && w->complaint)
		log_event(LOG_NOTICE, &about, "Airflow %s is healthy again; actions may begin",
			airflow_name(w->airflow));
	w->complaint = result->reason;
}

static void ask_health(struct airflow_watch *w, usec_t now)
{
	if (w->health || now < w->next_health)
		return;
	if (airflow_check(w->airflow, on_health, w, &w->health) < 0)
		log_error(
			"Airflow %s: failed to request its health; trying again at the next check",
			airflow_name(w->airflow));
	w->next_health =
		now + (airflow_speaks(w->airflow) == AIRFLOW_API_UNKNOWN ? HEALTH_PERIOD_UNKNOWN
									 : HEALTH_PERIOD);
}

/* In act mode a right that is missing is an error, now and not at night. */
static void on_tested(void *userdata, const struct airflow_result *result)
{
	struct airflow_watch *w = userdata;
	struct health_airflow *s = airflow_row(w);
	struct log_about about = {.message_id = MESSAGE_ACCESS, .url = airflow_url(w->airflow)};
	bool acts = airflow_health_acts(w->access->runtime, w->airflow);

	w->test = NULL;
	if (result->reply != REPLY_DONE)
		return; /* its health has said why, and the test comes again */
	w->tested = true;
	for (int i = 0; s && i < AIRFLOW_RIGHT_MAX; i++)
		s->access[i] = result->access->rights[i];
	if (result->text)
		log_event(acts ? LOG_ERR : LOG_WARNING, &about,
			"Airflow %s: its user lacks permissions: %s; actions there would fail",
			airflow_name(w->airflow), result->text);
	else
		log_event(LOG_INFO, &about, "Airflow %s: version %s, its user may %s",
			airflow_name(w->airflow), airflow_version_text(w->airflow),
			acts ? "read, fail and clear" : "read");
}

static void test_airflow(struct airflow_watch *w, usec_t now)
{
	const struct runtime *runtime = w->access->runtime;
	struct strlist dags = {0};
	int r;

	if (w->tested || w->test || now < w->next_test)
		return;
	w->next_test = now + TEST_PERIOD;
	r = runtime_dags(runtime, w->airflow, &dags);
	/* Observing sends nothing but GETs and the login. */
	if (r >= 0)
		r = airflow_selftest(w->airflow, airflow_health_acts(runtime, w->airflow), &dags,
			on_tested, w, &w->test);
	strlist_clear(&dags);
	if (r < 0)
		log_error("Airflow %s: failed to test its permissions; trying again later",
			airflow_name(w->airflow));
}

static void on_source_tested(void *userdata, int r, enum permission kill, const char *text)
{
	struct source_watch *w = userdata;
	struct health_cluster *s = health_cluster(w->access->state, w->source->name);
	struct log_about about = {.message_id = MESSAGE_ACCESS, .cluster = w->source->name};

	w->test = NULL;
	if (r < 0)
		return; /* polling says what is wrong */
	if (s)
		s->kill = kill;
	w->tested = kill != PERMISSION_UNKNOWN;
	if (kill == PERMISSION_DENIED)
		log_event(LOG_WARNING, &about,
			"%s: the cluster manager refuses kills: %s; apps that outlive their task "
			"stay alive",
			w->source->name, text ? text : "denied");
}

static void test_source(struct source_watch *w, usec_t now)
{
	int r;

	if (w->tested || w->test || now < w->next_test)
		return;
	w->next_test = now + KILL_TEST_PERIOD;
	r = source_selftest(w->source,
		settings_kill_vias(w->access->runtime->settings, w->source->name, false),
		on_source_tested, w, &w->test);
	if (r == -EOPNOTSUPP)
		w->tested = true;
	else if (r < 0)
		log_error("%s: failed to test whether its apps can be killed; trying again later",
			w->source->name);
}

void airflow_health_tick(struct airflow_health *w)
{
	usec_t now = clock_boottime();

	for (size_t i = 0; i < w->n_airflows; i++) {
		ask_health(&w->airflows[i], now);
		test_airflow(&w->airflows[i], now);
	}
	for (size_t i = 0; i < w->n_sources; i++)
		test_source(&w->sources[i], now);
}
