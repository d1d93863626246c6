/* SPDX-License-Identifier: Apache-2.0
 * One self-test each, and a line for a person. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "setup/session.h"
#include "source/selftest.h"
#include "watch/check_access.h"

struct checker {
	struct session session;
	FILE *out;
	size_t n_waiting;
	bool denied;
	bool silent;
};

struct permission_check {
	struct checker *checker;
	struct airflow *airflow; /* one of the two */
	struct source *source;
	struct airflow_call *call;
	struct source_test *test;
};

static void answered(struct checker *c)
{
	if (--c->n_waiting == 0)
		(void)sd_event_exit(c->session.event, 0);
}

static void on_airflow(void *userdata, const struct airflow_result *result)
{
	struct permission_check *q = userdata;
	struct checker *c = q->checker;
	const char *version = airflow_version_text(q->airflow);

	q->call = NULL;
	fprintf(c->out, "airflow %s (%s)", airflow_name(q->airflow), version ? version : "?");
	if (result->reply != REPLY_DONE) {
		c->silent = true;
		fprintf(c->out, ": no usable answer: %s\n", result->text ? result->text : "");
		answered(c);
		return;
	}
	for (int i = 0; i < AIRFLOW_RIGHT_MAX; i++) {
		enum permission state = result->access->rights[i];

		fprintf(c->out, "%s %s %s", i > 0 ? "," : ":",
			airflow_right_name((enum airflow_right)i), permission_name(state));
		c->denied = c->denied || state == PERMISSION_DENIED;
	}
	fprintf(c->out, "%s%s\n", result->text ? "; denied: " : "",
		result->text ? result->text : "");
	answered(c);
}

static void on_source(void *userdata, int r, enum permission kill, const char *text)
{
	struct permission_check *q = userdata;
	struct checker *c = q->checker;

	q->test = NULL;
	if (r < 0) {
		c->silent = true;
		fprintf(c->out, "spark %s: no usable answer: %s\n", q->source->name,
			text ? text : strerror(-r));
	} else {
		c->denied = c->denied || kill == PERMISSION_DENIED;
		fprintf(c->out, "spark %s: kill %s%s%s\n", q->source->name, permission_name(kill),
			text ? ": " : "", text ? text : "");
	}
	answered(c);
}

static int ask_airflow(struct permission_check *q)
{
	struct strlist dags = {0};
	int r = runtime_dags(q->checker->session.runtime, q->airflow, &dags);

	if (r >= 0)
		r = airflow_selftest(q->airflow, true, &dags, on_airflow, q, &q->call);
	strlist_clear(&dags);
	return r;
}

static int ask(struct permission_check *q)
{
	int r;

	if (!q->source)
		return ask_airflow(q);
	r = source_selftest(q->source,
		settings_kill_vias(q->checker->session.runtime->settings, q->source->name, true),
		on_source, q, &q->test);
	if (r != -EOPNOTSUPP)
		return r;
	fprintf(q->checker->out, "spark %s: kill is not tested for type=%s\n", q->source->name,
		q->source->ops->name);
	return 0;
}

static int ask_all(struct checker *c, struct permission_check *requests)
{
	const struct settings *s = c->session.runtime->settings;

	for (size_t i = 0; i < s->n_airflows + s->n_sources; i++) {
		struct permission_check *q = &requests[i];
		int r;

		q->checker = c;
		if (i < s->n_airflows)
			q->airflow = c->session.runtime->airflows[i];
		else
			q->source = c->session.runtime->sources[i - s->n_airflows];
		r = ask(q);
		if (r < 0)
			return r;
		c->n_waiting += q->call || q->test;
	}
	return c->n_waiting > 0 ? sd_event_loop(c->session.event) : 0;
}

int check_access_run(struct settings *settings, FILE *out)
{
	size_t n = settings->n_airflows + settings->n_sources;
	struct checker c = {.out = out};
	struct permission_check *requests = calloc(n + 1, sizeof(*requests));
	int r = -ENOMEM;

	if (requests)
		r = session_open(&c.session, settings);
	else
		settings_free(settings);
	if (r >= 0)
		r = ask_all(&c, requests);
	for (size_t i = 0; requests && i < n; i++) {
		airflow_cancel(requests[i].call);
		source_test_cancel(requests[i].test);
	}
	free(requests);
	session_close(&c.session);
	if (r < 0)
		return r;
	return c.denied ? 1 : c.silent ? 2 : 0;
}
