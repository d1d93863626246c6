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

/* What a poll keeps the room of for the next one. */
struct texts {
	struct strbuf base;
	struct strbuf app_id;
	struct strbuf url; /* of the step */
};

struct driver_poll {
	struct spares *spares; /* NULL: it is freed when it is over */
	struct transport *transport;
	struct transport_request *request;
	struct endpoint endpoint; /* its url is texts.base, the rest is borrowed */
	struct texts texts;
	unsigned needs;
	bool begun; /* an answer is there */
	bool any_app;
	bool verify;
	bool want_owner;
	bool want_tasks;
	struct stage_key tasks_of;
	struct digest known_stages;
	struct shard shard;
	enum step step;
	struct driver_answer answer;
	driver_done_fn done;
	void *userdata;
};

/* What is asked at each step, after the app. */
static const char *const step_names[] = {
	[STEP_APPS] = "/applications",
	[STEP_STAGES] = "/stages",
	[STEP_JOBS] = "/jobs",
	[STEP_EXECUTORS] = "/executors",
	[STEP_OWNER] = "/environment",
	[STEP_MEMORY] = "/allexecutors",
	[STEP_TASKS] = "/taskList",
};
_Static_assert(ELEMENTSOF(step_names) == STEP_END, "a name per step");
_Static_assert(DRIVER_MAX_ASKED == STEP_END, "room for each step");

const struct asked *driver_answer_fault(const struct driver_answer *answer, const char *what)
{
	for (size_t i = 0; i < answer->n_asked; i++)
		if (answer->asked[i].fault.reason && str_equal(answer->asked[i].what, what))
			return &answer->asked[i];
	return NULL;
}

static void poll_free(struct driver_poll *p)
{
	strbuf_clear(&p->texts.base);
	strbuf_clear(&p->texts.app_id);
	strbuf_clear(&p->texts.url);
	free(p);
}

void driver_polls_clear(struct spares *spares)
{
	struct driver_poll *p;

	while ((p = spares_take(spares)))
		poll_free(p);
}

/* All zero but the room for its texts. */
static struct driver_poll *poll_new(struct spares *spares)
{
	struct driver_poll *p = spares ? spares_take(spares) : NULL;
	struct texts kept = {0};

	if (p)
		kept = p->texts;
	else
		p = malloc(sizeof(*p));
	if (p)
		*p = (struct driver_poll){.texts = kept};
	return p;
}

struct driver_poll *driver_poll_cancel(struct driver_poll *p)
{
	if (!p)
		return NULL;
	transport_cancel(p->transport, p->request);
	app_info_clear(&p->answer.info);
	app_poll_clear(&p->answer.poll);
	owner_clear(&p->answer.owner);
	owner_hint_clear(&p->answer.hint);
	strlist_clear(&p->answer.properties);
	executor_memory_list_clear(&p->answer.memory);
	task_list_clear(&p->answer.tasks);
	if (!p->spares || !spares_keep(p->spares, p))
		poll_free(p);
	return NULL;
}

bool driver_poll_waits(const struct driver_poll *p)
{
	return transport_waits(p->transport, p->request);
}

static void finish(struct driver_poll *p, enum driver_state state, const struct fault *fault)
{
	p->answer.state = state;
	p->answer.fault = fault;
	p->done(p->userdata, &p->answer);
	driver_poll_cancel(p);
}

static int step_path(const struct driver_poll *p, struct strbuf *b)
{
	strbuf_empty(b);
	strbuf_add(b, p->texts.base.text);
	strbuf_add(b, "/api/v1/applications");
	if (p->step == STEP_APPS)
		return 0;
	strbuf_add(b, "/");
	strbuf_add_segment(b, p->texts.app_id.text);
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
	struct transport_ask ask = {
		.method = "GET",
		.endpoint = &p->endpoint,
	};
	int r;

	r = step_path(p, &p->texts.url);
	if (r < 0)
		return r;
	if (p->texts.url.failed)
		return -ENOMEM;
	ask.url = p->texts.url.text;
	return transport_send(p->transport, &ask, on_answer, p, &p->request);
}

/* The next step that is wanted, after the one that is over. */
static void advance(struct driver_poll *p)
{
	bool none_active = !p->answer.poll.same_stages && p->answer.poll.stages.n == 0;

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

static int take_app(struct driver_poll *p, const struct transport_answer *a, struct fault *fault)
{
	_cleanup_(app_list_clear) struct app_list apps = {0};
	_cleanup_free_ char *err = NULL;
	int r;

	r = spark_decode_applications(a->body, a->len, &apps, &err);
	if (r < 0 || (apps.n == 0 && apps.left_out.n > 0))
		return answer_decoded(
			r < 0 ? r : -EBADMSG, r < 0 ? err : apps.left_out.why, NULL, fault);
	/* A driver's UI lists itself. Many are a history server, none a driver that is about to
	 * start. */
	if (apps.n != 1) {
		fault_set(fault, "malformed", "lists %zu applications, a driver lists one", apps.n);
		return -EBADMSG;
	}
	if (!p->any_app && !str_equal(p->texts.app_id.text, apps.items[0].id)) {
		fault_set(fault, "changed", "is answered for another app by now");
		return -ESTALE;
	}
	r = strbuf_set(&p->texts.app_id, apps.items[0].id);
	if (r >= 0)
		r = app_info_copy(&apps.items[0], &p->answer.info);
	return answer_decoded(r, NULL, &apps.left_out, fault);
}

static int take_stages(struct driver_poll *p, const struct transport_answer *a, struct fault *fault)
{
	struct app_poll *poll = &p->answer.poll;
	_cleanup_free_ char *err = NULL;
	int r = 0;

	poll->stages_digest = digest_of(a->body, a->len);
	poll->same_stages = digest_same(&poll->stages_digest, &p->known_stages);
	if (!poll->same_stages)
		r = spark_decode_stages(a->body, a->len, &poll->stages, &err);
	poll->now = a->received;
	poll->taken = a->taken;
	/* Jetty says the time with each answer; without it, the two clocks are held to be one. */
	poll->driver_now = a->date ? a->date : a->wall;
	return answer_decoded(r, err, &poll->stages.left_out, fault);
}

/* The driver is among its executors from its start to its end. */
static int take_executors(
	struct driver_poll *p, const struct transport_answer *a, struct fault *fault)
{
	struct executor_list *l = &p->answer.poll.executors;
	_cleanup_free_ char *err = NULL;
	int r;

	r = spark_decode_executor_list(a->body, a->len, l, &err);
	answer_decoded(r, err, &l->left_out, fault);
	if (r >= 0 && l->n + l->left_out.n == 0) {
		fault_set(fault, "contradiction", "lists nobody, not even the driver");
		r = -EBADMSG;
	}
	p->answer.poll.has_executors = r >= 0;
	p->answer.poll.executors_taken = a->taken;
	return r;
}

/* Properties count without an owner that can be used, not the other way round. */
static int take_environment(
	struct driver_poll *p, const struct transport_answer *a, struct fault *fault)
{
	_cleanup_free_ char *err = NULL;
	int r;

	r = spark_decode_properties(a->body, a->len, &p->answer.properties, &err);
	if (r >= 0)
		r = spark_decode_owner(a->body, a->len, &p->answer.owner, &err);
	if (r >= 0)
		r = spark_decode_lineage(a->body, a->len, &p->answer.hint, &err);
	p->answer.has_owner = r >= 0;
	return answer_decoded(r, err, NULL, fault);
}

/* A list of running tasks that is empty while the stage has some says nothing. */
static int take_tasks(struct driver_poll *p, const struct transport_answer *a, struct fault *fault)
{
	struct task_list *l = &p->answer.tasks;
	const struct stage_list *stages = &p->answer.poll.stages;
	_cleanup_free_ char *err = NULL;
	int r;

	r = spark_decode_tasks(a->body, a->len, l, &err);
	answer_decoded(r, err, &l->left_out, fault);
	for (size_t i = 0; r >= 0 && l->n + l->left_out.n == 0 && i < stages->n; i++)
		if (stages->items[i].stage_id == p->tasks_of.stage_id &&
			stages->items[i].attempt_id == p->tasks_of.attempt_id &&
			stages->items[i].n_active > 0) {
			fault_set(fault, "contradiction",
				"lists no running task, while the stage has %" PRId64,
				stages->items[i].n_active);
			r = -EBADMSG;
		}
	p->answer.has_tasks = r >= 0;
	p->answer.tasks_taken = a->taken;
	return r;
}

static int take(struct driver_poll *p, const struct transport_answer *a, struct fault *fault)
{
	struct app_poll *poll = &p->answer.poll;
	_cleanup_free_ char *err = NULL;
	int r;

	switch (p->step) {
	case STEP_APPS:
		return take_app(p, a, fault);
	case STEP_STAGES:
		return take_stages(p, a, fault);
	case STEP_JOBS:
		r = spark_decode_jobs(a->body, a->len, &poll->jobs, &err);
		poll->has_jobs = r >= 0;
		poll->jobs_taken = a->taken;
		return answer_decoded(r, err, &poll->jobs.left_out, fault);
	case STEP_EXECUTORS:
		return take_executors(p, a, fault);
	case STEP_OWNER:
		return take_environment(p, a, fault);
	case STEP_MEMORY:
		r = spark_decode_memory(a->body, a->len, &p->answer.memory, &err);
		return answer_decoded(r, err, &p->answer.memory.left_out, fault);
	case STEP_TASKS:
		return take_tasks(p, a, fault);
	case STEP_END:
		break;
	}
	return -EINVAL;
}

/* Without apps or stages there is no observation. */
static void finish_unanswered(
	struct driver_poll *p, const struct transport_answer *a, struct fault *fault)
{
	bool other = !fault_is_silence(fault) && p->step == STEP_APPS;

	/* Who was there a moment ago may not be any more; Spark says so in plain text. */
	p->answer.moved =
		a->error == 0 && (a->status == 404 || str_equal(fault->reason, "changed"));
	if (p->answer.moved && p->step == STEP_STAGES && str_equal(a->content_type, "text/plain"))
		fault_set(fault, "changed", "answered 404: the app on this port is another by now");
	if (a->error == -ECONNREFUSED)
		finish(p, DRIVER_REFUSED, fault);
	else
		finish(p, other ? DRIVER_OTHER : DRIVER_SILENT, fault);
}

static int64_t active_tasks(const struct executor_list *l)
{
	int64_t sum = 0;

	for (size_t i = 0; i < l->n; i++)
		sum += l->items[i].active_tasks;
	return sum;
}

/* No running job, while a stage under suspicion has tasks, and the executors do not say that they
 * run none. One stage may end between the lists: only on suspicion both are asked. */
static void note_contradiction(struct driver_poll *p)
{
	const struct app_poll *poll = &p->answer.poll;
	bool active = false;

	for (size_t i = 0; i < poll->stages.n; i++)
		active = active || poll->stages.items[i].n_active > 0;
	if (!active || !(p->needs & NEED_EXECUTORS) || !poll->has_jobs ||
		poll->jobs.n_running + poll->jobs.left_out.n > 0)
		return;
	if (poll->has_executors && active_tasks(&poll->executors) == 0)
		return;
	for (size_t i = 0; i < p->answer.n_asked; i++)
		if (str_equal(p->answer.asked[i].what, step_names[STEP_JOBS]))
			fault_set(&p->answer.asked[i].fault, "contradiction",
				"lists no running job, while tasks of a stage run");
}

static void next_step(struct driver_poll *p)
{
	struct fault fault = {0};
	int r = 0;

	advance(p);
	if (p->step == STEP_END) {
		note_contradiction(p);
		finish(p, DRIVER_ANSWERED, NULL);
		return;
	}
	r = ask_step(p);
	if (r < 0) {
		fault_set(&fault, "protocol", "could not be asked: %s", strerror(-r));
		finish(p, DRIVER_SILENT, &fault);
	}
}

/* The stages of an app that may be another one by now, which are asked first: they count only if it
 * is the same. */
static bool begin_anew(struct driver_poll *p, const struct transport_answer *a)
{
	bool first = p->verify;

	p->verify = false;
	if (!first || a->error != 0 || (a->kept && a->status != 404))
		return false;
	p->known_stages = (struct digest){0};
	p->step = STEP_APPS;
	return ask_step(p) >= 0;
}

/* What comes after the stages is a help: without it the poll still holds. */
static void on_answer(void *userdata, const struct transport_answer *a)
{
	struct driver_poll *p = userdata;
	struct asked *asked;
	int r = -EIO;

	p->request = NULL;
	p->answer.kept = p->begun ? p->answer.kept : a->kept;
	p->begun = true;
	if (begin_anew(p, a))
		return;
	asked = &p->answer.asked[p->answer.n_asked++];
	p->answer.memory_asked = p->answer.memory_asked || p->step == STEP_MEMORY;
	*asked = (struct asked){.url = p->texts.base.text, .what = step_names[p->step]};
	if (answer_check(a, ANSWER_JSON, &asked->fault))
		r = take(p, a, &asked->fault);
	if (r < 0 && p->step <= STEP_STAGES) {
		finish_unanswered(p, a, &asked->fault);
		return;
	}
	if (answer_not_recorded(a))
		p->answer.n_asked--;
	if (p->step == STEP_APPS && !shard_has(&p->shard, p->texts.app_id.text))
		finish(p, DRIVER_OF_OTHER_SHARD, NULL);
	else
		next_step(p);
}

int driver_poll_start(
	const struct driver_ask *ask, driver_done_fn done, void *userdata, struct driver_poll **ret)
{
	const char *id = ask->last_id ? ask->last_id : ask->app_id;
	struct driver_poll *p = poll_new(ask->spares);
	int r;

	if (!p)
		return -ENOMEM;
	p->spares = ask->spares;
	p->transport = ask->transport;
	p->needs = ask->needs;
	p->want_owner = ask->want_owner;
	p->shard = ask->shard;
	p->want_tasks = ask->tasks_of != NULL;
	if (ask->tasks_of)
		p->tasks_of = *ask->tasks_of;
	/* Stages that other answers of this poll are held against are read anew. */
	if (!p->want_tasks && !(p->needs & (NEED_JOBS | NEED_EXECUTORS)))
		p->known_stages = ask->known_stages;
	p->done = done;
	p->userdata = userdata;
	p->answer.owner.map_index = -1;
	p->any_app = !ask->app_id;
	p->step = ask->last_id ? STEP_STAGES : STEP_APPS;
	p->verify = ask->verify && p->step == STEP_STAGES;
	p->endpoint = *ask->endpoint;
	r = strbuf_set(&p->texts.base, ask->endpoint->url);
	p->endpoint.url = p->texts.base.text;
	if (r >= 0)
		r = strbuf_set(&p->texts.app_id, id ? id : "");
	if (r >= 0)
		r = ask_step(p);
	if (r < 0) {
		driver_poll_cancel(p);
		return r;
	}
	*ret = p;
	return 0;
}
