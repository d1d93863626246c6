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
#include "source/kube_cpu.h"
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
	bool node;   /* that host is a node: its executors are told by their pods */
};

struct evidence_collector {
	struct evidence_collector_context context;
	struct evidence_request *requests; /* oldest first */
	size_t n_requests;
	size_t n_dumps; /* under way */
	struct proctree_list host;
	usec_t host_taken; /* 0: never looked */
	bool host_hidden;  /* from us, by /proc */
	struct kube_places *places;
	struct kube_cpu *kubelets;
	struct evidence_counts stats;
};

static void on_places(void *userdata, const struct kube_app_key *app, const struct asked *asked);
static void on_usage(void *userdata, struct kube_cpu_answer *answer);

int evidence_collector_new(
	const struct evidence_collector_context *context, struct evidence_collector **ret)
{
	_cleanup_(evidence_collector_freep) struct evidence_collector *q = calloc(1, sizeof(*q));
	int r;

	if (!q)
		return -ENOMEM;
	q->context = *context;
	r = kube_places_new(context->transport, on_places, q, &q->places);
	if (r >= 0)
		r = kube_cpu_new(context->transport, q->places, on_usage, q, &q->kubelets);
	if (r >= 0)
		*ret = TAKE_PTR(q);
	return r;
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
	kube_cpu_free(q->kubelets);
	kube_places_free(q->places);
	proctree_list_clear(&q->host);
	free(q);
	return NULL;
}

void evidence_collector_configure(struct evidence_collector *q,
	const struct evidence_params *params, const struct evidence_probe *probe)
{
	q->context.params = params;
	q->context.probe = *probe;
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

/* What a recording has of an executor is asked by its own host, which is its pod. */
static int take_pods(struct evidence_collector *q, struct app_history *a, struct process_list *list,
	usec_t taken)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < list->n; i++) {
		struct process_list one = {.items = &list->items[i], .n = 1};
		const struct executor_track *x =
			evidence_executor(&a->evidence, one.items[0].executor_id);

		if (x)
			r = take_processes(q, a, x->host, &one, taken);
	}
	return r;
}

/* Who runs on a node can name himself as he likes; his pod he cannot choose. */
static void drop_others(const struct evidence_request *k, struct process_list *list, usec_t now)
{
	const struct kube_app_key app = {k->cluster, k->app_id, k->started};

	for (size_t i = list->n; i-- > 0;) {
		struct process_tree *t = &list->items[i];
		const struct kube_executor *e =
			kube_places_find(k->evidence_collector->places, &app, t->executor_id, now);

		if (e && str_equal(e->uid, t->pod))
			continue;
		process_tree_clear(t);
		*t = list->items[--list->n];
	}
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
		if (answer->processes.n == 1 && answer->processes.items[0].rate)
			sum_up(a, &answer->processes.items[0], answer->taken);
		if (k->node) {
			drop_others(k, &answer->processes, answer->taken);
			return take_pods(
				k->evidence_collector, a, &answer->processes, answer->taken);
		}
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

static void note_asked(
	struct evidence_collector *q, const struct kube_app_key *app, const struct asked *asked)
{
	const struct answers_about about = {.cluster = app->cluster,
		.app_id = app->app_id,
		.evidence = true,
		.wall = clock_wall(q->context.clock)};

	if (asked->fault.reason)
		q->stats.failed[WANT_PROCESSES]++;
	answers_note(q->context.stats, q->context.health, &about, asked);
}

static void on_places(void *userdata, const struct kube_app_key *app, const struct asked *asked)
{
	struct evidence_collector *q = userdata;

	if (detector_find(q->context.detector, app->cluster, app->app_id, app->started))
		note_asked(q, app, asked);
}

static void on_usage(void *userdata, struct kube_cpu_answer *answer)
{
	struct evidence_collector *q = userdata;
	const struct kube_app_key *app = &answer->app;
	struct app_history *a =
		detector_find(q->context.detector, app->cluster, app->app_id, app->started);

	if (!a)
		return;
	note_asked(q, app, &answer->asked);
	if (take_pods(q, a, &answer->list, answer->taken) < 0)
		log_error("%s: %s: out of memory while storing CPU seconds of its executors; this "
			  "answer is dropped",
			app->cluster, app->app_id);
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
	bool node, const struct executor_track *nodemanager)
{
	/* A recording holds what was told of each host; port 0 there. */
	struct evidence_call_host at = {.name = host,
		.port = q->context.probe.port,
		.tls = q->context.probe.tls,
		.endpoint = &q->context.probe.endpoint,
		.cluster = a->cluster};
	struct evidence_call_container container = {.cluster = a->cluster};
	struct evidence_request *k;
	int r;

	r = request_new(q, a, WANT_PROCESSES, host, &k);
	if (r < 0)
		return r;
	k->node = node;
	q->stats.asked[WANT_PROCESSES]++;
	if (nodemanager) {
		container.log_url = nodemanager->log_url;
		container.executor_id = nodemanager->id;
		r = evidence_call_nodemanager(
			q->context.transport, &container, on_answer, k, &k->call);
	} else {
		r = evidence_call_probe(q->context.transport, host ? &at : NULL, a->info.id,
			on_answer, k, &k->call);
	}
	if (r < 0)
		request_free(k);
	return r;
}

static int look_at_host(struct evidence_collector *q, const struct proctree_list **ret)
{
	usec_t now = clock_now(q->context.clock);
	int r;

	if (q->host_taken == 0 || usec_sub(now, q->host_taken) >= HOST_LOOK_AGE) {
		proctree_list_clear(&q->host);
		r = proctree_executors(&q->host);
		q->host_hidden = r == -EACCES;
		if (r < 0 && !q->host_hidden)
			return r;
		q->host_taken = now;
	}
	*ret = &q->host;
	return 0;
}

/* What is told to other hosts, and by them: executors alone. A number of a driver's process would
 * be taken for one of their own. */
static void drop_driver(struct process_list *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++)
		if (str_equal(l->items[i].executor_id, "driver"))
			process_tree_clear(&l->items[i]);
		else
			l->items[kept++] = l->items[i];
	l->n = kept;
}

int evidence_collector_probe(
	struct evidence_collector *q, const char *app_id, struct process_list *ret)
{
	const struct proctree_list *host;
	int r;

	r = look_at_host(q, &host);
	if (r >= 0 && q->host_hidden)
		r = -EACCES;
	if (r >= 0)
		r = evidence_call_from_host(host, app_id, ret);
	if (r < 0)
		return r;
	drop_driver(ret);
	return python_stacks_look(q->context.python_stacks, ret);
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
		if (nodemanagers && x->log_url && begin_remote(q, a, NULL, false, x) >= 0)
			continue;
		for (size_t k = 0; k < n; k++)
			known = known || str_equal(hosts[k], x->host);
		if (known || !is_asked_by_host(x) ||
			(q->context.probe.port == 0 && !q->context.recorded))
			continue;
		hosts[n++] = x->host;
		(void)begin_remote(q, a, x->host, false, NULL); /* without it: no CPU evidence */
	}
}

/* Each node once, and of it the executors that are known by their pods. */
static void ask_probes(struct evidence_collector *q, struct app_history *a,
	const struct kube_app_key *app, const struct strlist *executors, usec_t now)
{
	struct strlist nodes = {0};

	for (size_t i = 0; i < executors->n && nodes.n < MAX_HOSTS; i++) {
		const struct kube_executor *e =
			kube_places_find(q->places, app, executors->items[i], now);

		if (!e || !e->host_ip || strlist_has(&nodes, e->host_ip))
			continue;
		if (strlist_add(&nodes, e->host_ip) >= 0)
			(void)begin_remote(q, a, e->host_ip, true, NULL);
	}
	strlist_clear(&nodes);
}

/* Executors whose tasks are of interest, and those of them whose pods are not known yet. */
static int list_executors(struct evidence_collector *q, const struct app_history *a,
	const struct process_list *local, const struct kube_app_key *app, struct strlist *ret,
	struct strlist *ret_unknown)
{
	usec_t now = clock_now(q->context.clock);
	int r = 0;

	for (size_t i = 0; r >= 0 && i < a->evidence.n_executors; i++) {
		const struct executor_track *x = &a->evidence.executors[i];

		if (!is_wanted(x, false) || on_this_host(local, x->id) ||
			str_equal(x->id, "driver"))
			continue;
		r = strlist_add(ret, x->id);
		if (r >= 0 && !kube_places_find(q->places, app, x->id, now))
			r = strlist_add(ret_unknown, x->id);
	}
	return r;
}

static int ask_pods(struct evidence_collector *q, struct app_history *a,
	const struct process_list *local, const struct cpu_point *point)
{
	const struct kube_app_key app = {a->cluster, a->info.id, a->info.started};
	usec_t now = clock_now(q->context.clock);
	struct strlist executors = {0};
	struct strlist unknown = {0};
	int r = list_executors(q, a, local, &app, &executors, &unknown);

	if (r >= 0 && unknown.n > 0)
		(void)kube_places_ask(q->places, point, &app, &unknown, now);
	if (r >= 0 && point->probe)
		ask_probes(q, a, &app, &executors, now);
	else if (r >= 0)
		r = kube_cpu_want(q->kubelets, point, &app, &executors, now);
	strlist_clear(&executors);
	strlist_clear(&unknown);
	return r;
}

static int ask_elsewhere(struct evidence_collector *q, struct app_history *a,
	const struct process_list *local, const struct endpoint *driver,
	const struct source *source, bool with_driver)
{
	const struct app_ref ref = {.app_id = a->info.id, .url = driver->url};
	struct cpu_point point;

	if (source && source->ops->cpu_point && source->ops->cpu_point(source, &ref, &point))
		return ask_pods(q, a, local, &point);
	ask_hosts(q, a, local, source && source->ops->nodemanagers, with_driver);
	return 0;
}

/* This host's executors first: they cost no request. */
static int look_at_processes(struct evidence_collector *q, struct app_history *a,
	const struct endpoint *driver, const struct source *source, bool with_driver)
{
	const struct proctree_list *host;
	struct process_list local = {0};
	int r;

	r = look_at_host(q, &host);
	if (r < 0)
		return r;
	q->stats.asked[WANT_PROCESSES]++;
	add_driver(q, a, driver, with_driver);
	r = evidence_call_from_host(host, a->info.id, &local);
	if (r >= 0)
		r = python_stacks_look(q->context.python_stacks, &local);
	if (r >= 0) {
		r = ask_elsewhere(q, a, &local, driver, source, with_driver);
		if (take_processes(q, a, NULL, &local, q->host_taken) < 0)
			r = -ENOMEM;
	}
	process_list_clear(&local);
	return r;
}

static int look_at_recorded(struct evidence_collector *q, struct app_history *a)
{
	const struct process_list none = {0};

	ask_hosts(q, a, &none, false, false);
	return begin_remote(q, a, NULL, false, NULL);
}

int evidence_collector_look(struct evidence_collector *q, struct app_history *a,
	const struct endpoint *driver, const struct source *source)
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
			int r = look_at_processes(q, a, driver, source, wants[i].with_driver);

			if (r < 0)
				error = r;
		}
	return error;
}
