/* SPDX-License-Identifier: Apache-2.0
 * Tasks, executors and their CPU in virtual time. */
#include "evidence.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"

/* CPU seconds: a wake-up of a wait with a timeout, and what work uses from one wait to the next. */
#define TICK 0.000055
#define WORK 0.0005

int evidence_sim_init(struct evidence_sim *e)
{
	*e = (struct evidence_sim){0};
	e->tasks = calloc(EVIDENCE_TASKS_MAX, sizeof(*e->tasks));
	if (!e->tasks)
		return -ENOMEM;
	return param_defaults(evidence_params, n_evidence_params, &e->params);
}

void evidence_sim_clear(struct evidence_sim *e)
{
	free(e->tasks);
}

bool evidence_sim_any(const struct evidence_sim *e)
{
	return e->n_executors > 0;
}

static struct executor_sim *executor(struct evidence_sim *e, const char *id)
{
	for (size_t i = 0; i < e->n_executors; i++)
		if (str_equal(e->executors[i].id, id))
			return &e->executors[i];
	if (e->n_executors == EVIDENCE_EXECUTORS_MAX)
		return NULL;
	e->executors[e->n_executors] = (struct executor_sim){.jvm = 0.003};
	(void)snprintf(e->executors[e->n_executors].id, sizeof(e->executors[0].id), "%s", id);
	return &e->executors[e->n_executors++];
}

static void run(struct worker_sim *w, double dt)
{
	w->used += w->rate * dt;
	w->waits += w->wait > 0 ? w->rate * dt / w->wait : 0;
}

/* What was used at the rates so far. */
static void count_cpu(struct executor_sim *x, usec_t now)
{
	double dt = x->counted > 0 ? (double)usec_sub(now, x->counted) / USEC_PER_SEC : 0;

	x->jvm_used += x->jvm * dt;
	x->reaped += x->churn * dt;
	for (size_t i = 0; i < x->n_workers; i++)
		run(&x->workers[i], dt);
	for (size_t i = 0; i < x->n_threads; i++)
		run(&x->threads[i], dt);
	for (size_t i = 0; i < x->n_feeders; i++)
		run(&x->feeders[i], dt);
	x->counted = now;
}

/* What was used so far stays. */
static size_t set_workers(struct worker_sim *w, char *list)
{
	char *save = NULL;
	size_t n = 0;

	for (char *p = strtok_r(list, ",", &save); p && n < EVIDENCE_WORKERS_MAX;
		p = strtok_r(NULL, ",", &save), n++) {
		bool ticks = str_equal(p, "tick");

		w[n].by_helper = str_equal(p, "helper");
		w[n].wait = ticks || w[n].by_helper ? TICK : WORK;
		w[n].rate = ticks || w[n].by_helper ? TICK : strtod(p, NULL);
	}
	return n;
}

static int set_executor(struct executor_sim *x, char *word)
{
	char *value = strchr(word, '=');

	if (value)
		*value++ = '\0';
	if (!value && (str_equal(word, "lost") || str_equal(word, "listed")))
		x->lost = str_equal(word, "lost");
	else if (value && str_equal(word, "dumps"))
		x->silent = str_equal(value, "silent"), x->no_dumps = str_equal(value, "none");
	else if (value && str_equal(word, "cpu"))
		x->no_cpu = str_equal(value, "none"), x->container = str_equal(value, "container");
	else if (value && str_equal(word, "busy"))
		(void)snprintf(x->busy, sizeof(x->busy), "%s", str_equal(value, "no") ? "" : value);
	else if (value && str_equal(word, "jvm"))
		x->jvm = strtod(value, NULL);
	else if (value && str_equal(word, "churn"))
		x->churn = strtod(value, NULL);
	else if (value && str_equal(word, "counts"))
		x->no_counts = str_equal(value, "none");
	else if (value && str_equal(word, "workers"))
		x->n_workers = set_workers(x->workers, value);
	else if (value && str_equal(word, "threads"))
		x->n_threads = set_workers(x->threads, value);
	else if (value && str_equal(word, "feeders"))
		x->n_feeders = set_workers(x->feeders, value);
	else
		return -EINVAL;
	return 0;
}

static int apply_executor(struct evidence_sim *e, char **words, size_t n, usec_t now)
{
	struct executor_sim *x = n > 1 ? executor(e, words[1]) : NULL;

	if (!x)
		return -EINVAL;
	count_cpu(x, now);
	for (size_t i = 2; i < n; i++)
		if (set_executor(x, words[i]) < 0)
			return -EINVAL;
	return 1;
}

static int set_task(struct evidence_sim *e, struct task_sim *t, const char *key, const char *value,
	int (*counter)(const char *name))
{
	usec_t ago;

	if (str_equal(key, "stage")) {
		const char *dot = strchr(value, '.');

		t->stage_id = atoll(value);
		t->attempt_id = dot ? atoll(dot + 1) : 0;
	} else if (str_equal(key, "exec")) {
		(void)snprintf(t->executor, sizeof(t->executor), "%s", value);
		return executor(e, value) ? 0 : -EINVAL;
	} else if (str_equal(key, "copy_of")) {
		t->copy_of = atoll(value);
	} else if (str_equal(key, "frames")) {
		(void)snprintf(t->frames, sizeof(t->frames), "%s", value);
	} else if (str_equal(key, "barrier")) {
		(void)snprintf(t->barrier, sizeof(t->barrier), "%s", value);
	} else if (str_equal(key, "moving")) {
		t->moving = counter(value);
	} else if (str_equal(key, "moved")) {
		t->moved = (uint64_t)atoll(value);
		t->moving = t->moving < 0 ? PROGRESS_INPUT_RECORDS : t->moving;
	} else if (str_equal(key, "launched_ago")) {
		if (parse_duration(value, &ago) < 0)
			return -EINVAL;
		t->launched -= ago;
	} else {
		return -EINVAL;
	}
	return 0;
}

static struct task_sim *task(struct evidence_sim *e, int64_t id, usec_t driver_now)
{
	for (size_t i = 0; i < e->n_tasks; i++)
		if (e->tasks[i].id == id)
			return &e->tasks[i];
	if (e->n_tasks == EVIDENCE_TASKS_MAX)
		return NULL;
	e->tasks[e->n_tasks] = (struct task_sim){.id = id,
		.copy_of = -1,
		.launched = driver_now,
		.moving = -1,
		.executor = "1",
		.frames = "here"};
	return &e->tasks[e->n_tasks++];
}

static void drop_task(struct evidence_sim *e, int64_t id)
{
	for (size_t i = 0; i < e->n_tasks; i++)
		if (e->tasks[i].id == id) {
			executor(e, e->tasks[i].executor)->n_ended++;
			e->tasks[i] = e->tasks[--e->n_tasks];
			return;
		}
}

static int apply_tasks(struct evidence_sim *e, char **words, size_t n, usec_t driver_now,
	int (*counter)(const char *name))
{
	long long first;
	long long last;

	if (n < 3 || sscanf(words[1], "%lld-%lld", &first, &last) < 1) /* NOLINT(cert-err34-c) */
		return -EINVAL;
	if (!strchr(words[1], '-'))
		last = first;
	for (long long id = first; id <= last; id++) {
		struct task_sim *t = task(e, id, driver_now);

		if (!t)
			return -EINVAL;
		for (size_t i = 2; i < n; i++) {
			char copy[64];
			char *value;

			(void)snprintf(copy, sizeof(copy), "%s", words[i]);
			value = strchr(copy, '=');
			if (str_equal(copy, "gone")) {
				drop_task(e, id);
				break;
			}
			if (str_equal(copy, "python")) {
				t->python = true;
				continue;
			}
			if (!value)
				return -EINVAL;
			*value++ = '\0';
			if (set_task(e, t, copy, value, counter) < 0)
				return -EINVAL;
		}
	}
	return 1;
}

static uint64_t batches(const struct evidence_sim *e, usec_t driver_now)
{
	usec_t since = driver_now - e->batches_from;

	return e->batches +
	       (e->no_batches || e->batch_interval == 0 ? 0 : since / e->batch_interval);
}

static int apply_batches(struct evidence_sim *e, const char *value, usec_t driver_now)
{
	e->batches = batches(e, driver_now);
	e->batches_from = driver_now;
	e->no_batches = str_equal(value, "stopped");
	return e->no_batches || parse_duration(value, &e->batch_interval) >= 0 ? 1 : -EINVAL;
}

int evidence_sim_apply(struct evidence_sim *e, char **words, size_t n, usec_t driver_now,
	const char **wrong, int (*counter)(const char *name))
{
	int r = 0;

	if (str_equal(words[0], "executor"))
		r = apply_executor(e, words, n, driver_now);
	else if (str_equal(words[0], "task") || str_equal(words[0], "tasks"))
		r = apply_tasks(e, words, n, driver_now, counter);
	else if (strncmp(words[0], "dropped=", 8) == 0 && n == 1)
		e->dropped = (uint64_t)atoll(words[0] + 8), r = 1;
	else if (strncmp(words[0], "batches=", 8) == 0 && n == 1)
		r = apply_batches(e, words[0] + 8, driver_now);
	else if (str_equal(words[0], "tasks=none") && n == 1)
		e->no_tasks = true, r = 1;
	if (r < 0)
		*wrong = "unknown words about tasks or executors";
	return r;
}

static void answer_batches(
	const struct evidence_sim *e, struct app_history *a, usec_t now, usec_t driver_now)
{
	struct batches_obs b = {.completed = batches(e, driver_now), .interval = e->batch_interval};

	if (e->batch_interval > 0)
		evidence_take_batches(a, &b, now);
}

static int64_t tasks_on(const struct evidence_sim *e, const char *id)
{
	int64_t n = 0;

	for (size_t i = 0; i < e->n_tasks; i++)
		n += str_equal(e->tasks[i].executor, id);
	return n;
}

static char *copy(const char *s)
{
	char *c = strdup(s);

	if (!c)
		abort();
	return c;
}

static void *items(size_t n, size_t size)
{
	void *p = calloc(n + 1, size);

	if (!p)
		abort();
	return p;
}

void evidence_sim_executors(const struct evidence_sim *e, struct executor_list *ret)
{
	ret->items = items(e->n_executors, sizeof(*ret->items));
	for (size_t i = 0; i < e->n_executors; i++) {
		if (e->executors[i].lost)
			continue;
		ret->items[ret->n].id = copy(e->executors[i].id);
		ret->items[ret->n].total_tasks =
			tasks_on(e, e->executors[i].id) + e->executors[i].n_ended;
		ret->items[ret->n++].active_tasks = tasks_on(e, e->executors[i].id);
	}
}

static void answer_tasks(struct evidence_sim *e, struct app_history *a,
	const struct evidence_want *w, usec_t now, usec_t driver_now)
{
	struct stage_history *h = app_history_stage(a, w->stage_id, w->attempt_id);
	struct task_list l = {.items = items(e->n_tasks, sizeof(*l.items))};

	for (size_t i = 0; h && i < e->n_tasks && l.n < w->length; i++) {
		struct task_sim *t = &e->tasks[i];
		struct task_obs *o = &l.items[l.n];

		if (t->stage_id != w->stage_id || t->attempt_id != w->attempt_id)
			continue;
		o->task_id = t->id;
		o->index = t->copy_of >= 0 ? t->copy_of : t->id;
		o->speculative = t->copy_of >= 0;
		o->executor_id = copy(t->executor);
		o->launched = t->launched;
		o->has_metrics = true;
		if (t->moving >= 0)
			o->counters[t->moving] = t->moved;
		l.n++;
	}
	if (h && evidence_take_tasks(a, h, &l, driver_now, now) < 0)
		abort();
	task_list_clear(&l);
}

static void add_thread(struct thread_list *l, const char *name, const char *frame)
{
	struct thread_obs *t = &l->items[l->n++];

	t->id = (int64_t)l->n;
	t->task_id = t->blocked_by = -1;
	t->name = copy(name);
	t->frames = items(1, sizeof(char *));
	t->frames[t->n_frames++] = copy(frame);
}

/* It serves the Python worker of a task of a barrier stage. */
static void add_barrier_thread(struct thread_list *l, const struct task_sim *t)
{
	add_thread(l, "accept-connections",
		str_equal(t->barrier, "wait")
			? "org.apache.spark.BarrierTaskContext.runBarrier(B.scala:102)"
			: "org.apache.spark.api.python.BasePythonRunner$Writer.run(P.scala:881)");
}

static void answer_threads(
	struct evidence_sim *e, struct app_history *a, const char *id, usec_t now)
{
	const struct executor_sim *x = executor(e, id);
	struct thread_list l = {.items = items(2 * e->n_tasks + 1, sizeof(*l.items))};

	e->n_dumps++;
	for (size_t i = 0; i < e->n_tasks; i++) {
		const struct task_sim *t = &e->tasks[i];
		struct thread_obs *o = &l.items[l.n];
		char frame[64];

		if (!str_equal(t->executor, id) || str_equal(t->frames, "absent"))
			continue;
		(void)snprintf(frame, sizeof(frame), "job.%s(%" PRIu64 ")", t->frames,
			str_equal(t->frames, "changing") ? now : 0);
		o->task_id = t->id;
		o->blocked_by = -1;
		o->name = copy("task");
		o->frames = items(3, sizeof(char *));
		if (t->python)
			o->frames[o->n_frames++] = copy("sun.nio.ch.EPoll.wait(Native Method)");
		if (t->python)
			o->frames[o->n_frames++] =
				copy("org.apache.spark.api.python.PythonRunner.read(P.scala:1)");
		o->frames[o->n_frames++] = copy(frame);
		l.n++;
		if (t->barrier[0])
			add_barrier_thread(&l, t);
	}
	l.of_executor = true;
	if (x && x->silent ? evidence_no_threads(a, id, now) < 0
			   : !(x && x->no_dumps) && evidence_take_threads(a, id, &l, now) < 0)
		abort();
	thread_list_clear(&l);
}

static void answer_driver_threads(struct evidence_sim *e, struct app_history *a, usec_t now)
{
	static const char at_rest[] = "java.util.concurrent.LinkedBlockingDeque.take(L.java:673)";
	const struct executor_sim *x = executor(e, "driver");
	struct thread_list l = {.items = items(2, sizeof(*l.items))};

	add_thread(&l, "dag-scheduler-event-loop", at_rest);
	if (x->busy[0])
		add_thread(&l, x->busy, "java.util.HashSet.iterator(HashSet.java:174)");
	if (!x->no_dumps && !x->silent)
		evidence_take_driver_threads(a, &l, now);
	thread_list_clear(&l);
}

static bool has_driver(const struct evidence_sim *e)
{
	for (size_t i = 0; i < e->n_executors; i++)
		if (str_equal(e->executors[i].id, "driver"))
			return true;
	return false;
}

static struct sched_count count(const struct worker_sim *w)
{
	uint64_t n = 1 + (uint64_t)w->waits;

	return (struct sched_count){
		.known = true,
		.timed = true,
		.run_ns = 1000000 + (uint64_t)(w->used * 1e9),
		.slices = n,
		.waits = n,
	};
}

static struct process_obs worker(const struct executor_sim *x, const struct worker_sim *w)
{
	struct process_obs p = {.cpu = (usec_t)(w->used * USEC_PER_SEC)};

	p.cpu -= p.cpu % (USEC_PER_SEC / 100);
	if (x->no_counts)
		return p;
	p.n_threads = w->by_helper ? 2 : 1;
	p.all = p.main = count(w);
	if (w->by_helper)
		p.main = count(&(struct worker_sim){0});
	return p;
}

/* It wakes up once a second. */
static struct process_obs daemon_of(const struct executor_sim *x, usec_t now)
{
	double life = (double)now / USEC_PER_SEC;
	struct process_obs p = worker(x, &(struct worker_sim){.used = life * TICK, .waits = life});

	p.daemon = true;
	return p;
}

static void add_threads(const struct executor_sim *x, struct process_tree *t)
{
	t->knows_threads = t->tasks.known = t->tasks.timed = x->n_threads > 0;
	t->threads = items(x->n_threads + x->n_feeders, sizeof(*t->threads));
	for (size_t i = 0; i < x->n_threads; i++) {
		struct sched_thread *k = &t->threads[t->n_threads++];

		*k = (struct sched_thread){
			.tid = t->pid + 60 + (int64_t)i, .count = count(&x->threads[i])};
		t->n_tasks++;
		t->tasks.run_ns += k->count.run_ns;
		t->tasks.slices += k->count.slices;
		t->tasks.waits += k->count.waits;
	}
	for (size_t i = 0; i < x->n_feeders && t->knows_threads; i++)
		t->threads[t->n_threads++] = (struct sched_thread){.feeds = true,
			.tid = t->pid + 80 + (int64_t)i,
			.count = count(&x->feeders[i])};
}

static usec_t in_all(const struct executor_sim *x)
{
	double sum = x->jvm_used + x->reaped;

	for (size_t i = 0; i < x->n_workers; i++)
		sum += x->workers[i].used;
	return (usec_t)(sum * USEC_PER_SEC);
}

static void answer_processes(struct evidence_sim *e, struct app_history *a,
	const struct evidence_want *w, usec_t now, usec_t driver_now)
{
	struct process_list l = {.items = items(e->n_executors, sizeof(*l.items))};

	for (size_t i = 0; i < e->n_executors; i++) {
		struct executor_sim *x = &e->executors[i];
		struct process_tree *t = &l.items[l.n];

		if (x->no_cpu || x->lost ||
			(str_equal(x->id, "driver") && tasks_on(e, x->id) == 0 && !w->with_driver))
			continue;
		count_cpu(x, driver_now);
		l.n++;
		t->executor_id = copy(x->id);
		if (x->container) {
			t->cpu = in_all(x);
			continue;
		}
		t->pid = (int64_t)(i + 1) * 100;
		t->items = items(x->n_workers + 2, sizeof(*t->items));
		t->items[t->n++] = (struct process_obs){.pid = t->pid,
			.cpu = (usec_t)(x->jvm_used * USEC_PER_SEC),
			.reaped = 1 + (usec_t)(x->reaped * USEC_PER_SEC)};
		add_threads(x, t);
		for (size_t k = 0; k <= x->n_workers && x->n_workers > 0; k++) {
			struct process_obs *p = &t->items[t->n++];

			*p = k == 0 ? daemon_of(x, driver_now) : worker(x, &x->workers[k - 1]);
			p->pid = t->pid + 1 + (int64_t)k;
			p->ppid = k == 0 ? t->pid : t->pid + 1;
		}
	}
	if (evidence_take_processes(a, &l, now) < 0)
		abort();
	process_list_clear(&l);
}

void evidence_sim_answer(struct evidence_sim *e, struct app_history *a, const struct rule *rule,
	usec_t now, usec_t driver_now)
{
	struct evidence_want wants[128];
	size_t n;

	if (!evidence_sim_any(e))
		return;
	for (size_t i = 0; i < e->n_tasks; i++)
		e->tasks[i].moved += e->tasks[i].moving >= 0 && e->tasks[i].moved < UINT32_MAX;
	n = evidence_wants(a, rule, &e->params, now, wants, ELEMENTSOF(wants));
	for (size_t i = 0; i < n; i++) {
		const struct evidence_want *w = &wants[i];

		e->n_lists += w->kind == WANT_TASKS;
		if (w->kind == WANT_TASKS && !e->no_tasks)
			answer_tasks(e, a, w, now, driver_now);
		else if (w->kind == WANT_THREADS)
			answer_threads(e, a, w->executor_id, now);
		else if (w->kind == WANT_DRIVER_THREADS && has_driver(e))
			answer_driver_threads(e, a, now);
		else if (w->kind == WANT_BATCHES)
			answer_batches(e, a, now, driver_now);
		else if (w->kind == WANT_DROPPED)
			evidence_take_dropped(a, e->dropped, now);
	}
	for (size_t i = 0; i < n; i++)
		if (wants[i].kind == WANT_PROCESSES)
			answer_processes(e, a, &wants[i], now, driver_now);
}
