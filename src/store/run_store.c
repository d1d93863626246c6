/* SPDX-License-Identifier: Apache-2.0
 * Rows of the table runs. */
#include "store/run_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* That wait for a ledger: a cluster may end all at once. */
#define MAX_WAITING 1000

#define COLUMNS                                                                                    \
	"cluster, app_name, app_id, started, ended, driver_heap_limit, driver_heap_peak,"          \
	" driver_tree_peak, executor_heap_limit, executor_heap_peak, executor_tree_peak,"          \
	" executors, task_time, gc_time"
#define N_COLUMNS 14

struct run_store {
	struct ledger *ledger;
	struct app_run_list waiting;
	bool complained;
};

int run_store_new(struct ledger *ledger, struct run_store **ret)
{
	struct run_store *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->waiting.items = calloc(MAX_WAITING, sizeof(*s->waiting.items));
	if (!s->waiting.items) {
		free(s);
		return -ENOMEM;
	}
	s->ledger = ledger;
	*ret = s;
	return 0;
}

void run_store_add(struct run_store *s, const struct app_history *a, usec_t wall)
{
	struct app_run_list *w = &s->waiting;

	if (w->n == MAX_WAITING) {
		app_run_clear(&w->items[0]);
		memmove(&w->items[0], &w->items[1], (MAX_WAITING - 1) * sizeof(*w->items));
		w->n--;
	}
	if (app_run_of(a, wall, &w->items[w->n]) >= 0)
		w->n++;
}

static int write_run(struct ledger *l, const struct app_run *r)
{
	const struct ledger_value values[N_COLUMNS] = {
		LEDGER_S(r->cluster),
		LEDGER_S(r->app_name),
		LEDGER_S(r->app_id),
		LEDGER_I(r->started),
		LEDGER_I(r->ended),
		LEDGER_I(r->driver.heap_limit),
		LEDGER_I(r->driver.heap_peak),
		LEDGER_I(r->driver.tree_peak),
		LEDGER_I(r->executor.heap_limit),
		LEDGER_I(r->executor.heap_peak),
		LEDGER_I(r->executor.tree_peak),
		LEDGER_I(r->executors),
		LEDGER_I(r->task_time),
		LEDGER_I(r->gc_time),
	};
	const struct ledger_value name[] = {
		LEDGER_S(r->cluster), LEDGER_S(r->app_name), LEDGER_I(RUNS_KEPT)};
	int ret;

	ret = ledger_run(l,
		"INSERT OR REPLACE INTO runs (" COLUMNS
		") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
		values, N_COLUMNS);
	if (ret < 0)
		return ret;
	return ledger_run(l,
		"DELETE FROM runs WHERE cluster = ?1 AND app_name = ?2 AND id NOT IN (SELECT id "
		"FROM runs WHERE cluster = ?1 AND app_name = ?2 ORDER BY ended DESC LIMIT ?3)",
		name, ELEMENTSOF(name));
}

static int write_all(struct run_store *s, usec_t wall)
{
	const struct ledger_value oldest[] = {LEDGER_I(usec_sub(wall, RUNS_MAX_AGE))};
	const struct ledger_value most[] = {LEDGER_I(RUNS_KEPT_ALL)};
	int r;

	r = ledger_begin(s->ledger);
	if (r < 0)
		return r;
	for (size_t i = 0; r >= 0 && i < s->waiting.n; i++)
		r = write_run(s->ledger, &s->waiting.items[i]);
	if (r >= 0)
		r = ledger_run(s->ledger, "DELETE FROM runs WHERE ended < ?1", oldest, 1);
	if (r >= 0)
		r = ledger_run(s->ledger,
			"DELETE FROM runs WHERE id IN (SELECT id FROM runs ORDER BY ended DESC "
			"LIMIT -1 OFFSET ?1)",
			most, 1);
	if (r < 0) {
		ledger_rollback(s->ledger);
		return r;
	}
	return ledger_commit(s->ledger);
}

void run_store_tick(struct run_store *s, usec_t wall)
{
	int r;

	if (s->waiting.n == 0 || !ledger_usable(s->ledger))
		return;
	r = write_all(s, wall);
	if (r < 0) {
		if (!s->complained)
			log_warning(
				"Failed to write %zu finished runs to the ledger: %s; trying again",
				s->waiting.n, strerror(-r));
		s->complained = true;
		return;
	}
	s->complained = false;
	for (size_t i = 0; i < s->waiting.n; i++)
		app_run_clear(&s->waiting.items[i]);
	s->waiting.n = 0;
}

struct run_store *run_store_free(struct run_store *s)
{
	if (!s)
		return NULL;
	if (s->waiting.n > 0 && ledger_usable(s->ledger))
		(void)write_all(s, s->waiting.items[s->waiting.n - 1].ended);
	app_run_list_clear(&s->waiting);
	free(s);
	return NULL;
}

static int add_row(void *userdata, const struct ledger_value *row, size_t n)
{
	struct app_run_list *l = userdata;
	struct app_run *r = &l->items[l->n];
	char **texts[] = {&r->cluster, &r->app_name, &r->app_id};
	uint64_t *numbers[] = {&r->started, &r->ended, &r->driver.heap_limit, &r->driver.heap_peak,
		&r->driver.tree_peak, &r->executor.heap_limit, &r->executor.heap_peak,
		&r->executor.tree_peak, &r->executors, &r->task_time, &r->gc_time};

	if (n != N_COLUMNS || l->n >= RUNS_SHOWN)
		return -EINVAL;
	l->n++;
	for (size_t i = 0; i < ELEMENTSOF(texts); i++)
		if (str_replace(texts[i], row[i].s ? row[i].s : "") < 0)
			return -ENOMEM;
	for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
		*numbers[i] = row[ELEMENTSOF(texts) + i].i > 0
				      ? (uint64_t)row[ELEMENTSOF(texts) + i].i
				      : 0;
	return 0;
}

int run_store_list(struct run_store *s, const char *app_name, struct app_run_list *ret)
{
	_cleanup_(app_run_list_clear) struct app_run_list l = {0};
	const struct ledger_value args[] = {
		LEDGER_S(app_name && *app_name ? app_name : NULL), LEDGER_I(RUNS_SHOWN)};
	int r;

	if (!ledger_usable(s->ledger))
		return -ENOTCONN;
	l.items = calloc(RUNS_SHOWN, sizeof(*l.items));
	if (!l.items)
		return -ENOMEM;
	r = ledger_query(s->ledger,
		"SELECT " COLUMNS " FROM (SELECT * FROM runs WHERE ?1 IS NULL OR app_name = ?1"
		" ORDER BY ended DESC LIMIT ?2) ORDER BY cluster, app_name, ended DESC",
		args, ELEMENTSOF(args), add_row, &l);
	if (r < 0)
		return r;
	*ret = TAKE_STRUCT(l);
	return 0;
}

/* Durations of runs. */
struct durations {
	uint64_t items[RUNS_COMPARED];
	size_t n;
};

static int add_duration(void *userdata, const struct ledger_value *row, size_t n)
{
	struct durations *d = userdata;

	if (n != 1 || d->n >= RUNS_COMPARED)
		return -EINVAL;
	d->items[d->n++] = row[0].i > 0 ? (uint64_t)row[0].i : 0;
	return 0;
}

usec_t run_store_usual(
	struct run_store *s, const char *cluster, const char *app_name, size_t *ret_n)
{
	const struct ledger_value args[] = {
		LEDGER_S(cluster), LEDGER_S(app_name ? app_name : ""), LEDGER_I(RUNS_COMPARED)};
	struct durations d = {0};

	*ret_n = 0;
	if (!s || !ledger_usable(s->ledger) ||
		ledger_query(s->ledger,
			"SELECT ended - started FROM runs WHERE cluster = ?1 AND app_name = ?2"
			" ORDER BY ended DESC LIMIT ?3",
			args, ELEMENTSOF(args), add_duration, &d) < 0)
		return 0;
	*ret_n = d.n;
	return app_run_middle(d.items, d.n);
}
