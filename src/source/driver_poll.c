/* SPDX-License-Identifier: Apache-2.0
 * Asks a driver's REST API step by step and hands over one observation, or why there is none. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "core/detect/evidence_wants.h"
#include "source/driver_poll.h"
#include "wire/spark_evidence.h"
#include "wire/spark_memory.h"
#include "wire/spark_owner.h"
#include "wire/spark_properties.h"
#include "wire/spark_rest.h"

/* A stage is some 4 kB; its call site can be long. */
#define MAX_BODY ((size_t)16 * 1024 * 1024)

enum step {
	STEP_APPS,
	STEP_STAGES,
	STEP_JOBS,
	STEP_EXECUTORS,
	STEP_OWNER,
	STEP_MEMORY,
	STEP_TASKS,
	STEP_END
};

struct driver_poll {
	struct transport *transport;
	struct transport_request *request;
	struct endpoint endpoint;
	char *app_id;
	unsigned needs;
	bool want_owner;
	bool want_tasks;
	struct stage_key tasks_of;
	enum step step;
	struct driver_answer answer;
	driver_done_fn done;
	void *userdata;
};

const char *const driver_reasons[] = {"timeout", "too_large", "cut", "unreachable", "protocol",
	"refused", "redirect", "http_status", "not_json", "starting", "malformed", "changed"};
const size_t n_driver_reasons = ELEMENTSOF(driver_reasons);

const char *driver_reason_of(const struct transport_answer *answer)
{
	switch (-answer->error) {
	case 0:
		return answer->status >= 300 && answer->status < 400 ? "redirect" : "http_status";
	case ECONNREFUSED:
		return "refused";
	case ETIMEDOUT:
		return "timeout";
	case EMSGSIZE:
		return "too_large";
	case ECONNRESET:
		return "cut";
	case EHOSTUNREACH:
		return "unreachable";
	default:
		return "protocol";
	}
}

struct driver_poll *driver_poll_cancel(struct driver_poll *p)
{
	if (!p)
		return NULL;
	transport_cancel(p->transport, p->request);
	app_info_clear(&p->answer.info);
	app_poll_clear(&p->answer.poll);
	owner_clear(&p->answer.owner);
	strlist_clear(&p->answer.properties);
	executor_memory_list_clear(&p->answer.memory);
	task_list_clear(&p->answer.tasks);
	free(p->answer.side_fault);
	endpoint_clear(&p->endpoint);
	free(p->app_id);
	free(p);
	return NULL;
}

static void finish(
	struct driver_poll *p, enum driver_state state, const char *reason, const char *text)
{
	p->answer.state = state;
	p->answer.reason = reason;
	p->answer.text = text;
	p->done(p->userdata, &p->answer);
	driver_poll_cancel(p);
}

static int step_path(const struct driver_poll *p, struct strbuf *b)
{
	strbuf_add(b, p->endpoint.url);
	strbuf_add(b, "/api/v1/applications");
	if (p->step == STEP_APPS)
		return 0;
	strbuf_add(b, "/");
	strbuf_add_segment(b, p->app_id);
	switch (p->step) {
	case STEP_STAGES:
		strbuf_add(b, "/stages?status=active&details=false");
		return 0;
	case STEP_JOBS:
		strbuf_add(b, "/jobs?status=running");
		return 0;
	case STEP_EXECUTORS:
		strbuf_add(b, "/executors");
		return 0;
	case STEP_OWNER:
		strbuf_add(b, "/environment");
		return 0;
	case STEP_MEMORY:
		strbuf_add(b, "/allexecutors");
		return 0;
	case STEP_TASKS:
		strbuf_addf(b,
			"/stages/%" PRId64 "/%" PRId64
			"/taskList?status=running&offset=0&length=%d",
			p->tasks_of.stage_id, p->tasks_of.attempt_id, EVIDENCE_MAX_TASKS);
		return 0;
	case STEP_APPS:
	case STEP_END:
		break;
	}
	return -EINVAL;
}

static void on_answer(void *userdata, const struct transport_answer *answer);

static int ask_step(struct driver_poll *p)
{
	_cleanup_free_ char *url = NULL;
	struct strbuf b = {0};
	struct transport_ask ask = {
		.method = "GET",
		.endpoint = &p->endpoint,
		.max_body = MAX_BODY,
	};
	int r;

	r = step_path(p, &b);
	if (r < 0)
		return r;
	r = strbuf_finish(&b, &url);
	if (r < 0)
		return r;
	ask.url = url;
	return transport_send(p->transport, &ask, on_answer, p, &p->request);
}

/* The next step that is wanted, after the one that is over. */
static void advance(struct driver_poll *p)
{
	bool none_active = p->answer.poll.stages.n == 0;

	p->step++;
	if (p->step == STEP_JOBS && !none_active && !(p->needs & NEED_JOBS))
		p->step++;
	if (p->step == STEP_EXECUTORS && !(p->needs & NEED_EXECUTORS))
		p->step++;
	if (p->step == STEP_OWNER && !p->want_owner)
		p->step++;
	if (p->step == STEP_MEMORY && !(p->needs & NEED_MEMORY))
		p->step++;
	if (p->step == STEP_TASKS && !p->want_tasks)
		p->step++;
}

static int take_app(struct driver_poll *p, const struct transport_answer *a, char **reterr)
{
	struct app_list apps = {0};
	int r;

	r = spark_decode_applications(a->body, a->len, &apps, reterr);
	if (r < 0)
		return r;
	/* A driver's UI lists itself. Many are a history server, none a driver that is about to
	 * start. */
	if (apps.n != 1) {
		r = str_printf(reterr, "lists %zu applications, a driver lists one", apps.n);
		app_list_clear(&apps);
		return r < 0 ? r : -EBADMSG;
	}
	if (p->app_id && !str_equal(p->app_id, apps.items[0].id)) {
		app_list_clear(&apps);
		r = str_printf(reterr, "another app answers on this port");
		return r < 0 ? r : -ESTALE;
	}
	r = str_replace(&p->app_id, apps.items[0].id);
	if (r >= 0)
		r = app_info_copy(&apps.items[0], &p->answer.info);
	app_list_clear(&apps);
	return r;
}

static int take_stages(struct driver_poll *p, const struct transport_answer *a, char **reterr)
{
	int r;

	r = spark_decode_stages(a->body, a->len, &p->answer.poll.stages, reterr);
	if (r < 0)
		return r;
	p->answer.poll.now = a->received;
	p->answer.poll.taken = a->taken;
	/* Jetty says the time with each answer; without it, the two clocks are held to be one. */
	p->answer.poll.driver_now = a->date ? a->date : a->wall;
	return 0;
}

static int take(struct driver_poll *p, const struct transport_answer *a, char **reterr)
{
	int r;

	switch (p->step) {
	case STEP_APPS:
		return take_app(p, a, reterr);
	case STEP_STAGES:
		return take_stages(p, a, reterr);
	case STEP_JOBS:
		r = spark_decode_jobs(a->body, a->len, &p->answer.poll.jobs, reterr);
		p->answer.poll.has_jobs = r >= 0;
		p->answer.poll.jobs_taken = a->taken;
		return r;
	case STEP_EXECUTORS:
		r = spark_decode_executor_list(a->body, a->len, &p->answer.poll.executors, reterr);
		p->answer.poll.has_executors = r >= 0;
		p->answer.poll.executors_taken = a->taken;
		return r;
	case STEP_OWNER:
		r = spark_decode_owner(a->body, a->len, &p->answer.owner, reterr);
		if (r >= 0)
			r = spark_decode_properties(a->body, a->len, &p->answer.properties, reterr);
		p->answer.has_owner = r >= 0;
		return r;
	case STEP_MEMORY:
		return spark_decode_memory(a->body, a->len, &p->answer.memory, reterr);
	case STEP_TASKS:
		r = spark_decode_tasks(a->body, a->len, &p->answer.tasks, reterr);
		p->answer.has_tasks = r >= 0;
		p->answer.tasks_taken = a->taken;
		return r;
	case STEP_END:
		break;
	}
	return -EINVAL;
}

/* No answer, or one that is not 200. */
static void finish_unanswered(struct driver_poll *p, const struct transport_answer *a)
{
	_cleanup_free_ char *text = NULL;
	const char *reason = driver_reason_of(a);

	if (a->error == -ECONNREFUSED) {
		finish(p, DRIVER_REFUSED, reason, a->error_text);
		return;
	}
	/* Who was there a moment ago is not any more. */
	if (a->error == 0 && a->status == 404 && p->step == STEP_STAGES) {
		finish(p, DRIVER_SILENT, "changed", "the app on this port is another by now");
		return;
	}
	if (a->error == 0)
		(void)str_printf(&text, "answered with status %d", a->status);
	finish(p, a->error == 0 && p->step == STEP_APPS ? DRIVER_OTHER : DRIVER_SILENT, reason,
		text ? text : a->error_text);
}

static void finish_not_json(struct driver_poll *p, enum spark_body kind)
{
	if (kind == SPARK_BODY_STARTING)
		finish(p, DRIVER_SILENT, "starting", "Spark is starting up");
	else if (kind == SPARK_BODY_MASTER)
		finish(p, p->step == STEP_APPS ? DRIVER_OTHER : DRIVER_SILENT, "not_json",
			"the page of a Spark master, not a driver");
	else
		finish(p, p->step == STEP_APPS ? DRIVER_OTHER : DRIVER_SILENT, "not_json",
			"answered 200, but not with JSON");
}

static void next_step(struct driver_poll *p)
{
	int r = 0;

	advance(p);
	if (p->step == STEP_END) {
		finish(p, DRIVER_ANSWERED, NULL, NULL);
		return;
	}
	r = ask_step(p);
	if (r < 0)
		finish(p, DRIVER_SILENT, "protocol", strerror(-r));
}

/* What comes after the stages is a help: without it the poll still holds. */
static void on_side_answer(struct driver_poll *p, const struct transport_answer *a)
{
	_cleanup_free_ char *err = NULL;

	p->answer.memory_asked = p->answer.memory_asked || p->step == STEP_MEMORY;
	if (a->error == 0 && a->status == 200 &&
		spark_body_kind(a->content_type, a->body, a->len) == SPARK_BODY_JSON) {
		if (take(p, a, &err) < 0) {
			p->answer.reason = "malformed";
			/* Properties do not change: what is wrong now will be wrong at the next
			 * poll. */
			p->answer.has_owner = p->answer.has_owner || p->step == STEP_OWNER;
			free(p->answer.side_fault);
			p->answer.side_fault = TAKE_PTR(err);
		}
	} else {
		p->answer.reason = driver_reason_of(a);
	}
	next_step(p);
}

static void on_answer(void *userdata, const struct transport_answer *a)
{
	struct driver_poll *p = userdata;
	_cleanup_free_ char *err = NULL;
	enum spark_body kind;
	int r;

	p->request = NULL;
	if (p->step > STEP_STAGES) {
		on_side_answer(p, a);
		return;
	}
	if (a->error < 0 || a->status != 200) {
		finish_unanswered(p, a);
		return;
	}
	kind = spark_body_kind(a->content_type, a->body, a->len);
	if (kind != SPARK_BODY_JSON) {
		finish_not_json(p, kind);
		return;
	}
	r = take(p, a, &err);
	if (r < 0)
		finish(p, DRIVER_SILENT, r == -ESTALE ? "changed" : "malformed",
			err ? err : strerror(-r));
	else
		next_step(p);
}

int driver_poll_start(
	const struct driver_ask *ask, driver_done_fn done, void *userdata, struct driver_poll **ret)
{
	struct driver_poll *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->transport = ask->transport;
	p->needs = ask->needs;
	p->want_owner = ask->want_owner;
	p->want_tasks = ask->tasks_of != NULL;
	if (ask->tasks_of)
		p->tasks_of = *ask->tasks_of;
	p->done = done;
	p->userdata = userdata;
	p->answer.owner.map_index = -1;
	p->step = ask->app_id && ask->app_started ? STEP_STAGES : STEP_APPS;
	r = endpoint_copy(&p->endpoint, ask->endpoint);
	if (r >= 0)
		r = str_replace(&p->app_id, ask->app_id);
	if (r >= 0)
		r = ask_step(p);
	if (r < 0) {
		driver_poll_cancel(p);
		return r;
	}
	*ret = p;
	return 0;
}
