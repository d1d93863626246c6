/* SPDX-License-Identifier: Apache-2.0
 * Asks one question beyond the counters and decodes its answer. */
#include "source/evidence_call.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "wire/processes.h"
#include "wire/spark_evidence.h"
#include "wire/spark_rest.h"

/* A running task is some 1.8 kB, a thread 4 kB: dumps of tens of MB have been seen. */
#define DUMP_FACTOR 3
#define MAX_PROBE_BODY ((size_t)4 * 1024 * 1024)
#define PROBE_TIMEOUT (5 * USEC_PER_SEC)
#define MAX_HOST 255

struct evidence_call {
	struct transport *transport;
	struct transport_request *request;
	enum evidence_kind kind;
	char *container;   /* of a NodeManager; NULL: another question */
	char *executor_id; /* its executor */
	char *url;         /* whom it asks */
	const char *what;  /* for what; static */
	evidence_call_done_fn done;
	void *userdata;
};

struct evidence_call *evidence_call_cancel(struct evidence_call *c)
{
	if (!c)
		return NULL;
	transport_cancel(c->transport, c->request);
	free(c->container);
	free(c->executor_id);
	free(c->url);
	free(c);
	return NULL;
}

static int build_url(const struct evidence_call_ask *ask, char **ret)
{
	struct strbuf b = {0};

	strbuf_add(&b, ask->endpoint->url);
	if (ask->want.kind == WANT_DROPPED) {
		strbuf_add(&b, "/metrics/json/");
		return strbuf_finish(&b, ret);
	}
	strbuf_add(&b, "/api/v1/applications/");
	strbuf_add_segment(&b, ask->app_id);
	switch (ask->want.kind) {
	case WANT_TASKS:
		strbuf_addf(&b,
			"/stages/%" PRId64 "/%" PRId64
			"/taskList?status=running&offset=0&length=%zu",
			ask->want.stage_id, ask->want.attempt_id, ask->want.length);
		break;
	case WANT_THREADS:
		strbuf_add(&b, "/executors/");
		strbuf_add_segment(&b, ask->want.executor_id);
		strbuf_add(&b, "/threads");
		break;
	case WANT_DRIVER_THREADS:
		strbuf_add(&b, "/executors/driver/threads");
		break;
	case WANT_QUERY:
		/* They come oldest first, and nothing says how many there are. */
		strbuf_addf(&b, "/sql?details=false&planDescription=false&offset=0&length=%d",
			SPARK_MAX_QUERIES);
		break;
	case WANT_BATCHES:
		strbuf_add(&b, "/streaming/statistics");
		break;
	case WANT_PROCESSES:
	case WANT_DROPPED:
	case WANT_MAX:
		strbuf_clear(&b);
		return -EINVAL;
	}
	return strbuf_finish(&b, ret);
}

static void mark_tasks(struct thread_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		l->items[i].task_id = spark_thread_task(l->items[i].name);
}

/* A NodeManager tells a rate, as an average over some seconds. */
static int take_nodemanager(struct evidence_call *c, const struct transport_answer *a,
	struct evidence_call_answer *out, char **reterr)
{
	struct process_tree tree = {.rate = true};
	double rate = 0;
	int r;

	r = nodemanager_decode_cpu(a->body, a->len, c->container, &rate, reterr);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	tree.executor_id = strdup(c->executor_id);
	tree.cpu = (usec_t)(rate * USEC_PER_SEC);
	out->processes.items = calloc(1, sizeof(tree));
	if (!tree.executor_id || !out->processes.items) {
		free(tree.executor_id);
		return -ENOMEM;
	}
	out->processes.items[0] = tree;
	out->processes.n = 1;
	return 0;
}

static int take(struct evidence_call *c, const struct transport_answer *a,
	struct evidence_call_answer *out, char **reterr)
{
	struct fault *fault = &out->asked.fault;
	const struct left_out *rows = NULL;
	int r = -EINVAL;

	switch (c->kind) {
	case WANT_TASKS:
		r = spark_decode_tasks(a->body, a->len, &out->tasks, reterr);
		rows = &out->tasks.left_out;
		break;
	case WANT_THREADS:
	case WANT_DRIVER_THREADS:
		r = spark_decode_threads(a->body, a->len,
			c->kind == WANT_THREADS ? THREADS_OF_TASKS : THREADS_OF_DRIVER,
			&out->threads, reterr);
		rows = &out->threads.left_out;
		if (r >= 0)
			mark_tasks(&out->threads);
		break;
	case WANT_PROCESSES:
		r = c->container ? take_nodemanager(c, a, out, reterr)
				 : processes_decode(a->body, a->len, &out->processes, reterr);
		break;
	case WANT_QUERY:
		r = spark_decode_newest_query(a->body, a->len, &out->query, reterr);
		rows = &out->query.left_out;
		break;
	case WANT_BATCHES:
		r = spark_decode_batches(a->body, a->len, &out->batches, reterr);
		break;
	case WANT_DROPPED:
		r = spark_decode_dropped_events(a->body, a->len, &out->dropped, reterr);
		r = r == 0 ? -ENOENT : r;
		break;
	case WANT_MAX:
		break;
	}
	return r == -ENOENT ? r : answer_decoded(r, *reterr, rows, fault);
}

/* Spark says by itself that it knows no such executor or stage, in plain text; a page is somebody
 * else's. Where there is no such path, there is none. */
static bool is_absent(const struct evidence_call *c, const struct transport_answer *a)
{
	bool spark = a->content_type && strcmp(a->content_type, "text/plain") == 0;

	if (a->error < 0 || (a->status != 404 && a->status != 400))
		return false;
	return spark || c->container || c->kind == WANT_QUERY || c->kind == WANT_BATCHES ||
	       c->kind == WANT_DROPPED;
}

static void on_answer(void *userdata, const struct transport_answer *a)
{
	struct evidence_call *c = userdata;
	_cleanup_free_ char *err = NULL;
	struct evidence_call_answer out = {
		.kind = c->kind,
		.error = a->error,
		.asked = {.url = c->url, .what = c->what},
		.taken = a->taken,
		.driver_now = a->date ? a->date : a->wall,
	};

	c->request = NULL;
	if (answer_not_recorded(a) || is_absent(c, a)) {
		out.error = -ENOENT;
	} else if (answer_check(a, ANSWER_JSON, &out.asked.fault)) {
		int r = take(c, a, &out, &err);

		out.error = r < 0 ? r : 0;
	} else if (a->error == 0) {
		out.error = a->status == 200 ? -EBADMSG : -EPROTO;
	}
	c->done(c->userdata, &out);
	task_list_clear(&out.tasks);
	thread_list_clear(&out.threads);
	process_list_clear(&out.processes);
	query_obs_clear(&out.query);
	evidence_call_cancel(c);
}

/* base: whom it asks, for logs. */
static int call_start(struct transport *transport, const struct transport_ask *ask,
	const char *base, struct evidence_call *c, struct evidence_call **ret)
{
	int r;

	c->transport = transport;
	r = str_replace(&c->url, base);
	if (r >= 0)
		r = transport_send(transport, ask, on_answer, c, &c->request);
	if (r < 0) {
		evidence_call_cancel(c);
		return r;
	}
	*ret = c;
	return 0;
}

static struct evidence_call *call_new(
	enum evidence_kind kind, const char *what, evidence_call_done_fn done, void *userdata)
{
	struct evidence_call *c = calloc(1, sizeof(*c));

	if (c) {
		c->kind = kind;
		c->what = what;
		c->done = done;
		c->userdata = userdata;
	}
	return c;
}

/* What a driver is asked for. */
static const char *const paths[] = {
	[WANT_TASKS] = "/taskList",
	[WANT_THREADS] = "/executors/ID/threads",
	[WANT_PROCESSES] = "",
	[WANT_DRIVER_THREADS] = "/executors/driver/threads",
	[WANT_QUERY] = "/sql",
	[WANT_BATCHES] = "/streaming/statistics",
	[WANT_DROPPED] = "/metrics/json/",
};
_Static_assert(ELEMENTSOF(paths) == WANT_MAX, "a path per kind");

static bool is_dump(enum evidence_kind k)
{
	return k == WANT_THREADS || k == WANT_DRIVER_THREADS;
}

int evidence_call_start(const struct evidence_call_ask *ask, evidence_call_done_fn done,
	void *userdata, struct evidence_call **ret)
{
	_cleanup_free_ char *url = NULL;
	struct transport_ask request = {
		.method = "GET",
		.endpoint = ask->endpoint,
		.places = is_dump(ask->want.kind) ? PLACES_LASTING : PLACES_SHARED,
		.max_body = (is_dump(ask->want.kind) ? DUMP_FACTOR : 1) * ask->endpoint->max_body,
	};
	struct evidence_call *c;
	int r;

	r = build_url(ask, &url);
	if (r < 0)
		return r;
	request.url = url;
	c = call_new(ask->want.kind, paths[ask->want.kind], done, userdata);
	if (!c)
		return -ENOMEM;
	return call_start(ask->transport, &request, ask->endpoint->url, c, ret);
}

/* Spark tells the name, and an app can make it tell any: a name or an address, nothing else. */
static bool is_host(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > MAX_HOST)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("-._:", s[i]))
			return false;
	return true;
}

/* Another host is asked as nobody in particular. Borrows. */
static struct endpoint probed(char *cluster, const struct endpoint *by)
{
	struct endpoint as = by ? *by : (struct endpoint){0};

	as.timeout = PROBE_TIMEOUT;
	as.cluster = cluster;
	return as;
}

static int probe_url(const struct evidence_call_host *at, const char *app_id, char **ret)
{
	struct strbuf b = {0};

	if (!at) {
		strbuf_add(&b, "http://recording/host/processes");
		return strbuf_finish(&b, ret);
	}
	if (!is_host(at->name))
		return -EINVAL;
	if (at->port == 0) {
		strbuf_addf(&b, "http://recording/host/processes?host=%s", at->name);
		return strbuf_finish(&b, ret);
	}
	strbuf_addf(&b, strchr(at->name, ':') ? "%s://[%s]:%u" : "%s://%s:%u",
		at->tls ? "https" : "http", at->name, at->port);
	strbuf_add(&b, "/api/v1/probe?app=");
	strbuf_add_segment(&b, app_id);
	return strbuf_finish(&b, ret);
}

int evidence_call_probe(struct transport *transport, const struct evidence_call_host *at,
	const char *app_id, evidence_call_done_fn done, void *userdata, struct evidence_call **ret)
{
	_cleanup_free_ char *url = NULL;
	struct endpoint as = probed(at ? at->cluster : NULL, at ? at->endpoint : NULL);
	struct transport_ask request = {
		.method = "GET", .endpoint = &as, .max_body = MAX_PROBE_BODY};
	struct evidence_call *c;
	int r;

	r = probe_url(at, app_id, &url);
	if (r < 0)
		return r;
	request.url = url;
	c = call_new(WANT_PROCESSES, "/api/v1/probe", done, userdata);
	if (!c)
		return -ENOMEM;
	return call_start(transport, &request, at ? at->name : "recording", c, ret);
}

int evidence_call_nodemanager(struct transport *transport, const struct evidence_call_container *at,
	evidence_call_done_fn done, void *userdata, struct evidence_call **ret)
{
	struct endpoint as = probed(at->cluster, NULL);
	_cleanup_free_ char *base = NULL;
	_cleanup_free_ char *container = NULL;
	_cleanup_free_ char *url = NULL;
	struct transport_ask request = {
		.method = "GET", .endpoint = &as, .max_body = MAX_PROBE_BODY};
	struct evidence_call *c;
	int r;

	r = nodemanager_parse_link(at->log_url, &base, &container);
	if (r >= 0)
		r = str_printf(&url,
			"%s/jmx?qry=Hadoop:service=NodeManager,name=ContainerResource_%s", base,
			container);
	if (r < 0)
		return r;
	request.url = url;
	c = call_new(WANT_PROCESSES, "/jmx", done, userdata);
	if (!c)
		return -ENOMEM;
	c->container = TAKE_PTR(container);
	c->executor_id = strdup(at->executor_id);
	if (!c->executor_id) {
		evidence_call_cancel(c);
		return -ENOMEM;
	}
	return call_start(transport, &request, base, c, ret);
}

static void copy_threads(const struct proctree *from, struct process_tree *to)
{
	to->knows_threads = to->tasks.known = to->tasks.timed = from->knows_threads;
	for (size_t i = 0; i < from->n_threads; i++) {
		const struct sched_thread *t = &from->threads[i];

		to->threads[to->n_threads++] = *t;
		if (t->feeds)
			continue;
		to->n_tasks++;
		to->tasks.timed = to->tasks.timed && t->count.timed;
		to->tasks.run_ns += t->count.run_ns;
		to->tasks.slices += t->count.slices;
		to->tasks.waits += t->count.waits;
	}
}

static int copy_tree(const struct proctree *from, struct process_tree *to)
{
	to->pid = from->pid;
	to->cpu = from->cpu;
	if (*from->pod && str_replace(&to->pod, from->pod) < 0)
		return -ENOMEM;
	to->app_id = strdup(from->app_id);
	to->executor_id = strdup(from->executor_id);
	to->items = calloc(from->n + 1, sizeof(*to->items));
	to->threads = calloc(from->n_threads + 1, sizeof(*to->threads));
	if (!to->app_id || !to->executor_id || !to->items || !to->threads)
		return -ENOMEM;
	copy_threads(from, to);
	for (size_t i = 0; i < from->n; i++) {
		struct process_obs *p = &to->items[to->n++];

		p->pid = from->items[i].pid;
		p->ppid = from->items[i].ppid;
		p->daemon = from->items[i].daemon;
		p->n_threads = (int64_t)from->items[i].n_threads;
		p->main = from->items[i].main;
		p->all = from->items[i].all;
		p->cpu = from->items[i].cpu;
		p->reaped = from->items[i].reaped;
		memcpy(p->name, from->items[i].name, sizeof(p->name));
	}
	return 0;
}

int evidence_call_from_host(
	const struct proctree_list *host, const char *app_id, struct process_list *ret)
{
	struct process_list list = {.items = calloc(host->n + 1, sizeof(*list.items))};

	if (!list.items)
		return -ENOMEM;
	for (size_t i = 0; i < host->n; i++) {
		if (app_id && !str_equal(host->items[i].app_id, app_id))
			continue;
		if (copy_tree(&host->items[i], &list.items[list.n++]) < 0) {
			process_list_clear(&list);
			return -ENOMEM;
		}
	}
	*ret = list;
	return 0;
}
