/* SPDX-License-Identifier: Apache-2.0
 * Which worker is looked at and when; py-spy as a child process; what it said of whom. */
#include "watch/python_stacks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "io/spawn.h"
#include "wire/py_spy.h"

/* Workers that are known at once, and looked at at once. */
#define MAX_WORKERS ((size_t)512)
#define MAX_AT_ONCE ((size_t)2)
#define IDLE_FOR (30 * USEC_PER_SEC)
/* A library's helper thread that wakes up now and then is no work. */
#define IDLE_CPU (50 * USEC_PER_MSEC)
/* The same worker is not looked at again sooner. */
#define AGAIN (5 * USEC_PER_MINUTE)
/* One that nobody asked about for so long is forgotten. */
#define FORGOTTEN (10 * USEC_PER_MINUTE)
#define TIMEOUT (10 * USEC_PER_SEC)
#define MAX_OUTPUT ((size_t)512 * 1024)
#define MAX_WORDS 160

struct worker {
	struct python_stacks *stacks;
	int64_t pid;
	usec_t cpu; /* when it began to be idle */
	usec_t idle_since;
	usec_t seen;
	usec_t asked; /* 0: never */
	char *place;  /* NULL: not known, or it runs nobody's code */
	struct spawn *spawn;
};

struct python_stacks {
	sd_event *event;
	const struct clock *clock;
	char *program; /* NULL: off */
	char *trouble;
	struct worker **workers; /* in no order */
	size_t n;
};

static struct worker *worker_free(struct worker *w)
{
	if (!w)
		return NULL;
	spawn_cancel(w->spawn);
	free(w->place);
	free(w);
	return NULL;
}

static void forget_all(struct python_stacks *s)
{
	for (size_t i = 0; i < s->n; i++)
		worker_free(s->workers[i]);
	s->n = 0;
}

int python_stacks_new(sd_event *event, const struct clock *clock, struct python_stacks **ret)
{
	struct python_stacks *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->event = sd_event_ref(event);
	s->clock = clock;
	*ret = s;
	return 0;
}

struct python_stacks *python_stacks_free(struct python_stacks *s)
{
	if (!s)
		return NULL;
	forget_all(s);
	free(s->workers);
	free(s->program);
	free(s->trouble);
	(void)sd_event_unref(s->event);
	free(s);
	return NULL;
}

int python_stacks_configure(struct python_stacks *s, const char *program)
{
	int r;

	if (str_equal(s->program, program))
		return 0;
	forget_all(s);
	free(s->trouble);
	s->trouble = NULL;
	r = str_replace(&s->program, program);
	if (r < 0) {
		free(s->program);
		s->program = NULL;
	}
	return r;
}

bool python_stacks_on(const struct python_stacks *s)
{
	return s && s->program;
}

const char *python_stacks_trouble(const struct python_stacks *s)
{
	return s ? s->trouble : NULL;
}

/* Told when it begins, and when it is another. */
static void note_trouble(struct python_stacks *s, const char *trouble)
{
	if (trouble && !str_equal(s->trouble, trouble))
		log_warning("%s tells no line of Python: %s; other evidence is not affected "
			    "(python_stacks, py_spy)",
			s->program, trouble);
	else if (!trouble && s->trouble)
		log_notice("%s tells lines of Python again", s->program);
	(void)str_replace(&s->trouble, trouble);
}

/* Its JSON is a list of objects; what it says else goes before it or after it. */
static const char *find_list(const char *output, size_t *ret_len)
{
	const char *end = strrchr(output, ']');

	for (const char *p = output; (p = strchr(p, '[')); p++)
		if (p[1 + strspn(p + 1, " ")] == '{' && end > p) {
			*ret_len = (size_t)(end - p) + 1;
			return p;
		}
	return NULL;
}

static int take_output(struct worker *w, const struct spawn_end *end, char **reterr)
{
	size_t len = 0;
	const char *list = find_list(end->output, &len);
	size_t n = strlen(end->output);

	if (end->timed_out)
		return str_printf(reterr, "it did not end within 10s");
	if (end->status != 0)
		return str_printf(reterr, "it ended with status %d: %s", end->status,
			n > MAX_WORDS ? end->output + n - MAX_WORDS : end->output);
	if (end->cut || !list)
		return str_printf(reterr, end->cut ? "it said too much" : "it said nothing of use");
	free(w->place);
	w->place = NULL;
	return py_spy_decode(list, len, &w->place, reterr);
}

static void on_end(void *userdata, const struct spawn_end *end)
{
	struct worker *w = userdata;
	_cleanup_free_ char *err = NULL;

	w->spawn = NULL;
	if (take_output(w, end, &err) != -ENOMEM)
		note_trouble(w->stacks, err);
}

static void begin(struct worker *w, usec_t now)
{
	static const char *const env[] = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", NULL};
	struct python_stacks *s = w->stacks;
	_cleanup_free_ char *text = NULL;
	char pid[24];
	const char *argv[] = {s->program, "dump", "--json", "--nonblocking", "--pid", pid, NULL};
	struct spawn_ask ask = {.argv = argv,
		.env = env,
		.input = "",
		.timeout = TIMEOUT,
		.max_output = MAX_OUTPUT};
	int r;

	(void)snprintf(pid, sizeof(pid), "%lld", (long long)w->pid);
	w->asked = now;
	r = spawn_start(s->event, &ask, on_end, w, &w->spawn);
	if (r < 0 && str_printf(&text, "it cannot be run: %s", strerror(-r)) >= 0)
		note_trouble(s, text);
}

static struct worker *find(const struct python_stacks *s, int64_t pid)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->workers[i]->pid == pid)
			return s->workers[i];
	return NULL;
}

/* NULL: no memory, or there are too many. */
static struct worker *add(struct python_stacks *s, int64_t pid)
{
	struct worker **workers;
	struct worker *w;

	if (s->n >= MAX_WORKERS)
		return NULL;
	workers = reallocarray(s->workers, s->n + 1, sizeof(struct worker *));
	if (!workers)
		return NULL;
	s->workers = workers;
	w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->stacks = s;
	w->pid = pid;
	s->workers[s->n++] = w;
	return w;
}

static void forget_old(struct python_stacks *s, usec_t now)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++)
		if (usec_sub(now, s->workers[i]->seen) > FORGOTTEN)
			worker_free(s->workers[i]);
		else
			s->workers[kept++] = s->workers[i];
	s->n = kept;
}

/* A worker is a fork of pyspark.daemon, or of a worker; the daemon itself has another parent. */
static bool is_worker(const struct process_tree *t, const struct process_obs *p)
{
	for (size_t i = 0; p->daemon && i < t->n; i++)
		if (t->items[i].pid == p->ppid)
			return t->items[i].daemon;
	return false;
}

/* Less CPU than before: another process has its number. */
static void note_cpu(struct worker *w, const struct process_obs *p, usec_t now)
{
	bool works = p->cpu < w->cpu || p->cpu > w->cpu + IDLE_CPU;

	if (w->seen == 0 || works) {
		w->cpu = p->cpu;
		w->idle_since = now;
		w->asked = 0;
		free(w->place);
		w->place = NULL;
		w->spawn = spawn_cancel(w->spawn);
	}
	w->seen = now;
}

static size_t n_under_way(const struct python_stacks *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->workers[i]->spawn != NULL;
	return n;
}

static bool is_due(const struct worker *w, usec_t now)
{
	return !w->spawn && usec_sub(now, w->idle_since) >= IDLE_FOR &&
	       (w->asked == 0 || usec_sub(now, w->asked) >= AGAIN) &&
	       n_under_way(w->stacks) < MAX_AT_ONCE;
}

static int look_at(
	struct python_stacks *s, struct process_tree *t, const struct process_obs *p, usec_t now)
{
	struct worker *w = find(s, p->pid);

	if (!w)
		w = add(s, p->pid);
	if (!w)
		return 0;
	note_cpu(w, p, now);
	if (is_due(w, now))
		begin(w, now);
	return w->place && t->places.n < PYTHON_PLACES_MAX ? strlist_add(&t->places, w->place) : 0;
}

int python_stacks_look(struct python_stacks *s, struct process_list *l)
{
	usec_t now;
	int r = 0;

	if (!python_stacks_on(s))
		return 0;
	now = clock_now(s->clock);
	forget_old(s, now);
	for (size_t i = 0; i < l->n; i++)
		for (size_t k = 0; r >= 0 && k < l->items[i].n; k++)
			if (is_worker(&l->items[i], &l->items[i].items[k]))
				r = look_at(s, &l->items[i], &l->items[i].items[k], now);
	return r;
}
