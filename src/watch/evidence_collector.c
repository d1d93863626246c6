/* SPDX-License-Identifier: Apache-2.0
 * Questions beyond the counters: begun after a poll, bounded in number, answered to the detector.
 */
#include "watch/evidence_collector.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "core/detect/evidence.h"
#include "io/proctree.h"
#include "source/evidence_call.h"
#include "source/source.h"
#include "watch/answers.h"

/* Over all apps at once. */
#define MAX_DUMPS_AT_ONCE 4
/* Frozen executors hold their places for long: these must not take the questions of others. */
#define MAX_DUMPS_WAITING 64
/* Under way or waiting for their turn; what finds no place is asked when it is due again. */
#define MAX_QUESTIONS 256
/* Of one app, after one poll. */
#define MAX_WANTS 128
#define MAX_HOSTS 64
/* A look at /proc serves all apps that want one at about that time. */
#define HOST_LOOK_AGE USEC_PER_SEC

struct evidence_request {
	struct evidence_collector *evidence_collector;
	struct evidence_request *next;
	struct evidence_call *call; /* NULL: waits for its turn */
	enum evidence_kind kind;
	struct endpoint driver; /* empty where another host is asked */
	char *cluster;
	char *app_id;
	usec_t started;
	int64_t stage_id;
	int64_t attempt_id;
	char *about; /* an executor's id, or a host */
};

struct evidence_collector {
	struct evidence_collector_context context;
	struct evidence_request *requests; /* oldest first */
	size_t n_requests;
	size_t n_dumps; /* under way */
	struct proctree_list host;
	usec_t host_taken; /* 0: never looked */
	struct evidence_counts stats;
};

int evidence_collector_new(
	const struct evidence_collector_context *context, struct evidence_collector **ret)
{
	struct evidence_collector *q = calloc(1, sizeof(*q));

	if (!q)
		return -ENOMEM;
	q->context = *context;
	*ret = q;
	return 0;
}

static bool is_dump(enum evidence_kind k)
{
	return k == WANT_THREADS || k == WANT_DRIVER_THREADS;
}

static void request_free(struct evidence_request *k)
{
	struct evidence_collector *q = k->evidence_collector;

	for (struct evidence_request **p = &q->requests; *p; p = &(*p)->next)
		if (*p == k) {
			*p = k->next;
			q->n_requests--;
			break;
		}
	q->n_dumps -= k->call && is_dump(k->kind);
	evidence_call_cancel(k->call);
	endpoint_clear(&k->driver);
	free(k->cluster);
	free(k->app_id);
	free(k->about);
	free(k);
}

struct evidence_collector *evidence_collector_free(struct evidence_collector *q)
{
	if (!q)
		return NULL;
	while (q->requests)
		request_free(q->requests);
	proctree_list_clear(&q->host);
	free(q);
	return NULL;
}

void evidence_collector_configure(
	struct evidence_collector *q, const struct evidence_params *params, uint16_t probe_port)
{
	q->context.params = params;
	q->context.probe_port = probe_port;
}

const struct evidence_counts *evidence_counts(const struct evidence_collector *q)
{
	return &q->stats;
}

static int request_new(struct evidence_collector *q, const struct app_history *a,
	enum evidence_kind kind, const char *about, struct evidence_request **ret)
{
	struct evidence_request **last = &q->requests;
	struct evidence_request *k;
	int r;

	if (q->n_requests >= MAX_QUESTIONS)
		return -EAGAIN;
	k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->evidence_collector = q;
	k->kind = kind;
	k->started = a->info.started;
	while (*last)
		last = &(*last)->next;
	*last = k;
	q->n_requests++;
	r = str_replace(&k->cluster, a->cluster);
	if (r >= 0)
		r = str_replace(&k->app_id, a->info.id);
	if (r >= 0)
		r = str_replace(&k->about, about);
	if (r < 0) {
		request_free(k);
		return r;
	}
	*ret = k;
	return 0;
}

/* A NodeManager tells a rate; a series holds sums. */
static void sum_up(const struct app_history *a, struct process_tree *t, usec_t taken)
{
	const struct executor_track *x = evidence_executor(&a->evidence, t->executor_id);
	const struct cpu_sample *last = x && x->cpu.n > 0 ? &x->cpu.samples[x->cpu.n - 1] : NULL;

	if (last)
		t->cpu = last->total + (usec_t)((double)t->cpu / USEC_PER_SEC *
						(double)usec_sub(taken, last->taken));
}

static int take_processes(struct evidence_collector *q, struct app_history *a, const char *host,
	struct process_list *list, usec_t taken)
{
	if (q->context.processes && list->n > 0)
		q->context.processes(q->context.userdata, a, host, list, taken);
	return evidence_take_processes(a, list, taken);
}

static int take(
	struct evidence_request *k, struct app_history *a, struct evidence_call_answer *answer)
{
	struct stage_history *h;

	switch (k->kind) {
	case WANT_TASKS:
		h = app_history_stage(a, k->stage_id, k->attempt_id);
		return h ? evidence_take_tasks(
				   a, h, &answer->tasks, answer->driver_now, answer->taken)
			 : 0;
	case WANT_THREADS:
		return evidence_take_threads(a, k->about, &answer->threads, answer->taken);
	case WANT_PROCESSES:
		if (answer->processes.n == 1 && answer->processes.items[0].pid == 0)
			sum_up(a, &answer->processes.items[0], answer->taken);
		return take_processes(
			k->evidence_collector, a, k->about, &answer->processes, answer->taken);
	case WANT_DRIVER_THREADS:
		evidence_take_driver_threads(a, &answer->threads, answer->taken);
		return 0;
	case WANT_QUERY:
		evidence_take_query(a, &answer->query, answer->taken);
		return 0;
	case WANT_BATCHES:
		evidence_take_batches(a, &answer->batches, answer->taken);
		return 0;
	case WANT_DROPPED:
		evidence_take_dropped(a, answer->dropped, answer->taken);
		return 0;
	case WANT_MAX:
		break;
	}
	return -EINVAL;
}

static void begin_waiting(struct evidence_collector *q);

/* No running task, while the stage has some: one of the two is not so. */
static void note_contradiction(const struct evidence_request *k, struct app_history *a,
	struct evidence_call_answer *answer)
{
	const struct stage_history *h = a && k->kind == WANT_TASKS && answer->error == 0
						? app_history_stage(a, k->stage_id, k->attempt_id)
						: NULL;

	if (!h || h->last.n_active <= 0 || answer->tasks.n + answer->tasks.left_out.n > 0)
		return;
	fault_set(&answer->asked.fault, "contradiction",
		"lists no running task, while the stage has %" PRId64, h->last.n_active);
	answer->error = -EBADMSG;
}

static void on_answer(void *userdata, struct evidence_call_answer *answer)
{
	struct evidence_request *k = userdata;
	struct evidence_collector *q = k->evidence_collector;
	struct app_history *a =
		detector_find(q->context.detector, k->cluster, k->app_id, k->started);
	const struct answers_about about = {.cluster = k->cluster,
		.app_id = k->app_id,
		.evidence = true,
		.wall = clock_wall(q->context.clock)};
	int r = 0;

	note_contradiction(k, a, answer);
	if (answer->error < 0) {
		q->stats.failed[k->kind]++;
		log_debug("%s: %s: no evidence of kind %s: %s", k->cluster, k->app_id,
			evidence_kind_name(k->kind),
			answer->asked.fault.reason ? answer->asked.fault.text
						   : strerror(-answer->error));
	}
	if (a)
		answers_note(q->context.stats, q->context.health, &about, &answer->asked);
	if (a && answer->error == 0)
		r = take(k, a, answer);
	else if (a && answer->error == -ETIMEDOUT && k->kind == WANT_THREADS)
		r = evidence_no_threads(a, k->about, answer->taken);
	if (r < 0)
		log_error("%s: %s: out of memory while storing evidence of kind %s; this answer is "
			  "dropped",
			k->cluster, k->app_id, evidence_kind_name(k->kind));
	q->n_dumps -= is_dump(k->kind);
	k->call = NULL; /* it ends by itself after this */
	request_free(k);
	begin_waiting(q);
}

static int ask(struct evidence_request *k)
{
	const struct evidence_collector *q = k->evidence_collector;
	struct endpoint driver = k->driver;
	struct evidence_call_ask ask = {
		.transport = q->context.transport,
		.endpoint = &driver,
		.app_id = k->app_id,
		.want = {.kind = k->kind,
			.stage_id = k->stage_id,
			.attempt_id = k->attempt_id,
			.length = EVIDENCE_MAX_TASKS,
			.executor_id = k->about},
	};
	int r;

	if (is_dump(k->kind))
		driver.timeout = q->context.params->dump_timeout;
	r = evidence_call_start(&ask, on_answer, k, &k->call);
	if (r >= 0) {
		k->evidence_collector->stats.asked[k->kind]++;
		k->evidence_collector->n_dumps += is_dump(k->kind);
	}
	return r;
}

/* The dumps that wait for a place, oldest first. */
static void begin_waiting(struct evidence_collector *q)
{
	for (struct evidence_request *k = q->requests, *next; k; k = next) {
		next = k->next;
		if (k->call || !is_dump(k->kind))
			continue;
		if (q->n_dumps >= MAX_DUMPS_AT_ONCE)
			return;
		if (ask(k) < 0)
			request_free(k);
	}
}

static bool is_of(const struct evidence_request *k, const struct app_history *a)
{
	return k->started == a->info.started && str_equal(k->app_id, a->info.id) &&
	       str_equal(k->cluster, a->cluster);
}

/* None that waits or is under way is asked for twice. */
static bool has_place(const struct evidence_collector *q, const struct app_history *a,
	const struct evidence_want *want)
{
	size_t n_waiting = 0;

	for (const struct evidence_request *k = q->requests; k && is_dump(want->kind);
		k = k->next) {
		if (k->kind == want->kind && is_of(k, a) && str_equal(k->about, want->executor_id))
			return false;
		n_waiting += is_dump(k->kind) && !k->call;
	}
	return n_waiting < MAX_DUMPS_WAITING;
}

static int begin(struct evidence_collector *q, const struct app_history *a,
	const struct evidence_want *want, const struct endpoint *driver)
{
	struct evidence_request *k;
	int r;

	if (!has_place(q, a, want))
		return -EAGAIN;
	r = request_new(q, a, want->kind, want->executor_id, &k);
	if (r < 0)
		return r;
	k->stage_id = want->stage_id;
	k->attempt_id = want->attempt_id;
	r = endpoint_copy(&k->driver, driver);
	if (r >= 0 && !is_dump(want->kind))
		r = ask(k);
	if (r < 0)
		request_free(k);
	else
		begin_waiting(q);
	return r;
}

/* What could be asked of another host is one more question. */
static int begin_remote(struct evidence_collector *q, struct app_history *a, const char *host,
	const struct executor_track *nodemanager)
{
	/* A recording holds what was told of each host; port 0 there. */
	struct evidence_call_host at = {.name = host, .port = q->context.probe_port};
	struct evidence_request *k;
	int r;

	r = request_new(q, a, WANT_PROCESSES, host, &k);
	if (r < 0)
		return r;
	q->stats.asked[WANT_PROCESSES]++;
	if (nodemanager)
		r = evidence_call_nodemanager(q->context.transport, nodemanager->log_url,
			nodemanager->id, on_answer, k, &k->call);
	else
		r = evidence_call_probe(q->context.transport, host ? &at : NULL, a->info.id,
			on_answer, k, &k->call);
	if (r < 0)
		request_free(k);
	return r;
}

int evidence_collector_host(struct evidence_collector *q, const struct proctree_list **ret)
{
	usec_t now = clock_now(q->context.clock);
	int r;

	if (q->host_taken == 0 || usec_sub(now, q->host_taken) >= HOST_LOOK_AGE) {
		proctree_list_clear(&q->host);
		r = proctree_executors(&q->host);
		if (r < 0)
			return r;
		q->host_taken = now;
	}
	*ret = &q->host;
	return 0;
}

/* No command line names it an executor. In local mode it runs the tasks; else its JVM alone is of
 * interest, which may hold what no executor runs. While the app answers, it is the same process. */
static void add_driver(struct evidence_collector *q, const struct app_history *a,
	const struct endpoint *driver, bool wanted)
{
	const struct executor_track *x = evidence_executor(&a->evidence, "driver");
	struct app_ref ref = {.url = driver->url};
	bool local = x && x->active_tasks > 0;

	if (!local && !wanted)
		return;
	if (x && x->cpu.n > 0)
		ref.pid = (pid_t)x->cpu.samples[x->cpu.n - 1].pid;
	if (ref.pid <= 0)
		source_identify_local(&ref);
	if (ref.pid <= 0)
		return;
	if (local)
		(void)proctree_of(ref.pid, a->info.id, "driver", &q->host);
	else
		(void)proctree_jvm(ref.pid, a->info.id, "driver", &q->host);
}

/* Whether its CPU is to be asked for elsewhere. Of an executor that none of its tasks is on, nobody
 * wants to know. */
static bool is_wanted(const struct executor_track *x, bool with_driver)
{
	return x->listed && (x->active_tasks > 0 || (with_driver && str_equal(x->id, "driver")));
}

static bool on_this_host(const struct process_list *l, const char *executor_id)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_equal(l->items[i].executor_id, executor_id))
			return true;
	return false;
}

/* What answers for a host names executors alone. */
static bool is_asked_by_host(const struct executor_track *x)
{
	return x->host && x->active_tasks > 0;
}

/* Each host once. */
static void ask_hosts(struct evidence_collector *q, struct app_history *a,
	const struct process_list *local, bool nodemanagers, bool with_driver)
{
	const char *hosts[MAX_HOSTS];
	size_t n = 0;

	for (size_t i = 0; i < a->evidence.n_executors && n < MAX_HOSTS; i++) {
		const struct executor_track *x = &a->evidence.executors[i];
		bool known = false;

		if (!is_wanted(x, with_driver) || on_this_host(local, x->id))
			continue;
		if (nodemanagers && x->log_url && begin_remote(q, a, NULL, x) >= 0)
			continue;
		for (size_t k = 0; k < n; k++)
			known = known || str_equal(hosts[k], x->host);
		if (known || !is_asked_by_host(x) ||
			(q->context.probe_port == 0 && !q->context.recorded))
			continue;
		hosts[n++] = x->host;
		(void)begin_remote(q, a, x->host, NULL); /* without it: no CPU evidence */
	}
}

/* This host's executors first: they cost no request. */
static int look_at_processes(struct evidence_collector *q, struct app_history *a,
	const struct endpoint *driver, bool nodemanagers, bool with_driver)
{
	const struct proctree_list *host;
	struct process_list local = {0};
	int r;

	r = evidence_collector_host(q, &host);
	if (r < 0)
		return r;
	q->stats.asked[WANT_PROCESSES]++;
	add_driver(q, a, driver, with_driver);
	r = evidence_call_from_host(host, a->info.id, &local);
	if (r >= 0) {
		ask_hosts(q, a, &local, nodemanagers, with_driver);
		r = take_processes(q, a, NULL, &local, q->host_taken);
	}
	process_list_clear(&local);
	return r;
}

static int look_at_recorded(struct evidence_collector *q, struct app_history *a)
{
	const struct process_list none = {0};

	ask_hosts(q, a, &none, false, false);
	return begin_remote(q, a, NULL, NULL);
}

int evidence_collector_look(struct evidence_collector *q, struct app_history *a,
	const struct endpoint *driver, bool nodemanagers)
{
	const struct rule *rule = detector_rule(q->context.detector, a);
	struct evidence_want wants[MAX_WANTS];
	int error = 0;
	size_t n;

	n = evidence_wants(
		a, rule, q->context.params, clock_now(q->context.clock), wants, MAX_WANTS);
	for (size_t i = 0; i < n; i++) {
		int r;

		if (wants[i].kind != WANT_PROCESSES)
			r = begin(q, a, &wants[i], driver);
		else if (q->context.recorded)
			r = look_at_recorded(q, a);
		else
			continue; /* last: it takes something in, and what is wanted is borrowed */
		if (r < 0 && r != -EAGAIN)
			error = r;
	}
	for (size_t i = 0; i < n; i++)
		if (wants[i].kind == WANT_PROCESSES && !q->context.recorded) {
			int r = look_at_processes(q, a, driver, nodemanagers, wants[i].with_driver);

			if (r < 0)
				error = r;
		}
	return error;
}
