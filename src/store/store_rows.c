/* SPDX-License-Identifier: Apache-2.0
 * SQL of incidents and actions. A row that this version cannot read is left out, not guessed. */
#include "store/store_rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INCIDENT_COLUMNS                                                                           \
	"id, number, opened, changed, ended, cluster, app_id, app_name, app_started, stage_id, "   \
	"attempt_id, rule, dag_id, run_id, task_id, map_index, try_number, verdict, reached, "     \
	"evidence, cause, because, action, outcome, outcome_why, decided, decided_dry, refusal, "  \
	"kept, acked_by, ignored_by, aborted_by, wishes, owner_via"
#define N_INCIDENT_COLUMNS 34

#define ACTION_COLUMNS                                                                             \
	"incident, began, ended, cluster, app_id, app_name, app_started, rule, url, pid, "         \
	"pid_started, airflow, note, action, retry_via, needs_note, can_kill_app, cluster_mode, "  \
	"end_timeout, retry_timeout, dag_id, run_id, task_id, map_index, try_number, ti_id, "      \
	"ti_try, ti_started, ti_pid, ti_host, state, failed, kill_sent, outcome, why, mark, "      \
	"owner_via"
#define N_ACTION_COLUMNS 37

void action_record_clear(struct action_record *a)
{
	action_target_clear(&a->target);
	free(a->url);
	free(a->airflow);
	free(a->note);
	free(a->mark);
	remedy_clear(&a->remedy);
	*a = (struct action_record){0};
}

/* "INSERT OR REPLACE INTO table (columns) VALUES (?, ?, ...)". REPLACE would delete the steps of an
 * incident along with it, so an incident is updated in place; with conflict NULL what is there
 * stays. */
static int put(struct ledger *l, const char *table, const char *columns, const char *conflict,
	const struct ledger_value *values, size_t n)
{
	_cleanup_free_ char *sql = NULL;
	struct strbuf b = {0};
	int r;

	strbuf_addf(&b, "INSERT INTO %s (%s) VALUES (", table, columns);
	for (size_t k = 0; k < n; k++)
		strbuf_add(&b, k > 0 ? ", ?" : "?");
	if (conflict)
		strbuf_addf(&b, ") ON CONFLICT (%s) DO UPDATE SET ", conflict);
	else
		strbuf_add(&b, ") ON CONFLICT DO NOTHING");
	/* Each column takes the value that was to be inserted. */
	for (const char *c = conflict ? columns : ""; *c;) {
		size_t len = strcspn(c, ",");

		strbuf_addf(&b, "%s%.*s = excluded.%.*s", c == columns ? "" : ", ", (int)len, c,
			(int)len, c);
		c += len;
		c += strspn(c, ", ");
	}
	r = strbuf_finish(&b, &sql);
	return r < 0 ? r : ledger_run(l, sql, values, n);
}

/* Of its properties those that ask something of the rule, one a line; *ret is NULL where none does.
 * Their values are printable, so no line is broken. */
static int wishes_text(const struct incident *i, char **ret)
{
	struct strbuf b = {0};

	if (!app_wishes_any(&i->properties))
		return 0;
	for (size_t k = 0; k < i->properties.n; k++)
		if (app_wish_is(i->properties.items[k]))
			strbuf_addf(&b, "%s\n", i->properties.items[k]);
	return strbuf_finish(&b, ret);
}

static int put_incident(struct ledger *l, const struct incident *i, const char *wishes)
{
	const struct ledger_value values[] = {LEDGER_S(i->id), LEDGER_I(i->number),
		LEDGER_I(i->opened), LEDGER_I(i->changed), LEDGER_I(i->ended), LEDGER_S(i->cluster),
		LEDGER_S(i->app_id), LEDGER_S(i->app_name), LEDGER_I(i->app_started),
		LEDGER_I(i->stage_id), LEDGER_I(i->attempt_id), LEDGER_S(i->rule),
		LEDGER_S(i->owner.dag_id), LEDGER_S(i->owner.run_id), LEDGER_S(i->owner.task_id),
		LEDGER_I(i->owner.map_index), LEDGER_I(i->owner.try_number),
		LEDGER_S(verdict_name(i->verdict)), LEDGER_I(i->reached), LEDGER_S(i->evidence),
		LEDGER_S(cause_name(i->hint.cause)), LEDGER_S(i->hint.because),
		LEDGER_S(rule_action_name(i->action)),
		LEDGER_S(remedy_outcome_name(i->response.outcome)), LEDGER_S(i->response.why),
		LEDGER_I(i->response.decided), LEDGER_I(i->response.decided_dry),
		LEDGER_S(i->response.refusal), LEDGER_I(i->kept),
		LEDGER_S(i->marks[INCIDENT_ACKED]), LEDGER_S(i->marks[INCIDENT_IGNORED]),
		LEDGER_S(i->marks[INCIDENT_ABORTED]), LEDGER_S(wishes),
		LEDGER_S(owner_via_name(i->owner.via))};

	_Static_assert(ELEMENTSOF(values) == N_INCIDENT_COLUMNS, "a value per column");
	return put(l, "incidents", INCIDENT_COLUMNS, "id", values, ELEMENTSOF(values));
}

int rows_put_incident(struct ledger *l, const struct incident *i)
{
	_cleanup_free_ char *wishes = NULL;
	int r = wishes_text(i, &wishes);

	return r < 0 ? r : put_incident(l, i, wishes);
}

int rows_put_step(struct ledger *l, const struct incident *i, size_t k)
{
	const struct ledger_value values[] = {
		LEDGER_S(i->id), LEDGER_I(k), LEDGER_I(i->steps[k].at), LEDGER_S(i->steps[k].text)};

	return put(
		l, "steps", "incident, seq, at, text", "incident, seq", values, ELEMENTSOF(values));
}

int rows_put_action(struct ledger *l, const struct action_record *a, bool update)
{
	const struct remedy *m = &a->remedy;
	const struct ledger_value values[] = {LEDGER_S(a->target.incident), LEDGER_I(a->began),
		LEDGER_I(a->ended), LEDGER_S(a->target.cluster), LEDGER_S(a->target.app_id),
		LEDGER_S(a->target.app_name), LEDGER_I(m->plan.app_started),
		LEDGER_S(a->target.rule), LEDGER_S(a->url), LEDGER_I(a->pid),
		LEDGER_I(a->pid_started), LEDGER_S(a->airflow), LEDGER_S(a->note),
		LEDGER_S(rule_action_name(m->plan.action)), LEDGER_I(m->plan.retry_via),
		LEDGER_I(m->plan.needs_note), LEDGER_I(m->plan.can_kill_app),
		LEDGER_I(m->plan.cluster_mode), LEDGER_I(m->plan.end_timeout),
		LEDGER_I(m->plan.retry_timeout), LEDGER_S(m->owner.dag_id),
		LEDGER_S(m->owner.run_id), LEDGER_S(m->owner.task_id), LEDGER_I(m->owner.map_index),
		LEDGER_I(m->owner.try_number), LEDGER_S(m->task.id), LEDGER_I(m->task.try_number),
		LEDGER_I(m->task.started), LEDGER_I(m->task.pid), LEDGER_S(m->task.hostname),
		LEDGER_S(remedy_state_name(m->state)), LEDGER_I(m->failed_at > 0),
		LEDGER_I(m->kill_sent), LEDGER_S(remedy_outcome_name(m->outcome)), LEDGER_S(m->why),
		LEDGER_S(a->mark), LEDGER_S(owner_via_name(m->owner.via))};

	_Static_assert(ELEMENTSOF(values) == N_ACTION_COLUMNS, "a value per column");
	return put(l, "actions", ACTION_COLUMNS, update ? "incident" : NULL, values,
		ELEMENTSOF(values));
}

/* The columns of a row, one after the other. */
struct reader {
	const struct ledger_value *next;
	int r; /* the first failure */
};

static int64_t take_i(struct reader *d)
{
	return d->next++->i;
}

static usec_t take_time(struct reader *d)
{
	int64_t t = take_i(d);

	return t > 0 ? (usec_t)t : 0;
}

static void take_s(struct reader *d, char **target)
{
	const char *s = d->next++->s;

	if (d->r >= 0)
		d->r = str_replace(target, s);
}

static const char *take_word(struct reader *d)
{
	const char *s = d->next++->s;

	return s ? s : "";
}

static void take_owner(struct reader *d, struct owner *o)
{
	take_s(d, &o->dag_id);
	take_s(d, &o->run_id);
	take_s(d, &o->task_id);
	o->map_index = take_i(d);
	o->try_number = take_i(d);
}

static int fail_word(struct reader *d, int r)
{
	if (r < 0 && d->r >= 0)
		d->r = r;
	return r;
}

static void take_hint(struct reader *d, struct cause_hint *hint)
{
	const char *cause = take_word(d);
	const char *because = take_word(d);

	for (int c = 0; c < CAUSE_MAX; c++)
		if (str_equal(cause_name((enum cause)c), cause))
			hint->cause = (enum cause)c;
	(void)snprintf(hint->because, sizeof(hint->because), "%s", because);
}

static void take_wishes(struct reader *d, struct strlist *properties)
{
	_cleanup_free_ char *text = strdup(take_word(d));
	char *save = NULL;

	if (!text)
		d->r = d->r < 0 ? d->r : -ENOMEM;
	for (char *p = text ? strtok_r(text, "\n", &save) : NULL; p && d->r >= 0;
		p = strtok_r(NULL, "\n", &save))
		d->r = strlist_add(properties, p);
}

static void take_incident(struct reader *d, struct incident *i)
{
	(void)snprintf(i->id, sizeof(i->id), "%s", take_word(d));
	i->number = (uint64_t)take_i(d);
	i->opened = take_time(d);
	i->changed = take_time(d);
	i->ended = take_time(d);
	take_s(d, &i->cluster);
	take_s(d, &i->app_id);
	take_s(d, &i->app_name);
	i->app_started = take_time(d);
	i->stage_id = take_i(d);
	i->attempt_id = take_i(d);
	take_s(d, &i->rule);
	take_owner(d, &i->owner);
	(void)fail_word(d, verdict_from_name(take_word(d), &i->verdict));
	i->reached = (unsigned)take_i(d);
	take_s(d, &i->evidence);
	take_hint(d, &i->hint);
	(void)fail_word(d, rule_action_from_name(take_word(d), &i->action));
	(void)fail_word(d, remedy_outcome_from_name(take_word(d), &i->response.outcome));
	take_s(d, &i->response.why);
	i->response.decided = take_i(d) != 0;
	i->response.decided_dry = take_i(d) != 0;
	take_s(d, &i->response.refusal);
	i->kept = take_i(d) != 0;
	for (size_t k = 0; k < INCIDENT_MARK_MAX; k++)
		take_s(d, &i->marks[k]);
	take_wishes(d, &i->properties);
	i->owner.via = owner_via_from_name(take_word(d));
}

struct incident_query {
	struct ledger *ledger;
	rows_incident_fn fn;
	void *userdata;
};

static int on_step(void *userdata, const struct ledger_value *row, size_t n)
{
	struct incident *i = userdata;

	if (n == 2 && row[1].s)
		incident_tell(i, (usec_t)row[0].i, "%s", row[1].s);
	return 0;
}

static int on_incident(void *userdata, const struct ledger_value *row, size_t n)
{
	_cleanup_(incident_freep) struct incident *i = calloc(1, sizeof(*i));
	const struct incident_query *q = userdata;
	struct reader d = {.next = row};
	struct ledger_value id = row[0];
	int r;

	if (!i)
		return -ENOMEM;
	if (n != N_INCIDENT_COLUMNS)
		return -EINVAL;
	take_incident(&d, i);
	if (d.r < 0)
		return d.r == -ENOMEM ? d.r : 0;
	r = ledger_query(q->ledger,
		"SELECT at, text FROM steps WHERE incident = ?1 ORDER BY seq LIMIT 64", &id, 1,
		on_step, i);
	i->saved = i->changes;
	return r < 0 ? r : q->fn(q->userdata, TAKE_PTR(i));
}

int rows_each_incident(struct ledger *l, size_t n_ended, rows_incident_fn fn, void *userdata)
{
	struct incident_query q = {.ledger = l, .fn = fn, .userdata = userdata};
	struct ledger_value arg = LEDGER_I(n_ended);

	return ledger_query(l,
		"SELECT " INCIDENT_COLUMNS " FROM incidents WHERE ended = 0 OR id IN "
		"(SELECT id FROM incidents WHERE ended > 0 ORDER BY ended DESC LIMIT ?1) "
		"ORDER BY number",
		&arg, 1, on_incident, &q);
}

static void take_plan(struct reader *d, struct remedy_plan *p)
{
	(void)fail_word(d, rule_action_from_name(take_word(d), &p->action));
	p->retry_via = (int)take_i(d);
	if (p->retry_via < 0 || p->retry_via >= RETRY_VIA_MAX)
		(void)fail_word(d, -EINVAL);
	p->needs_note = take_i(d) != 0;
	p->can_kill_app = take_i(d) != 0;
	p->cluster_mode = take_i(d) != 0;
	p->end_timeout = take_time(d);
	p->retry_timeout = take_time(d);
}

static void take_action(struct reader *d, struct action_record *a)
{
	struct remedy *m = &a->remedy;

	take_s(d, &a->target.incident);
	a->began = take_time(d);
	a->ended = take_time(d);
	take_s(d, &a->target.cluster);
	take_s(d, &a->target.app_id);
	take_s(d, &a->target.app_name);
	m->plan.app_started = take_time(d);
	take_s(d, &a->target.rule);
	take_s(d, &a->url);
	a->pid = (pid_t)take_i(d);
	a->pid_started = (uint64_t)take_i(d);
	take_s(d, &a->airflow);
	take_s(d, &a->note);
	take_plan(d, &m->plan);
	take_owner(d, &m->owner);
	take_s(d, &m->task.id);
	m->task.try_number = take_i(d);
	m->task.started = take_time(d);
	m->task.pid = take_i(d);
	take_s(d, &m->task.hostname);
	(void)fail_word(d, remedy_state_from_name(take_word(d), &m->state));
	m->failed_at = take_time(d);
	m->kill_sent = take_i(d) != 0;
	(void)fail_word(d, remedy_outcome_from_name(take_word(d), &m->outcome));
	take_s(d, &m->why);
	take_s(d, &a->mark);
	m->owner.via = owner_via_from_name(take_word(d));
}

struct action_query {
	store_action_fn fn;
	void *userdata;
};

static int on_action(void *userdata, const struct ledger_value *row, size_t n)
{
	const struct action_query *q = userdata;
	struct action_record a = {0};
	struct reader d = {.next = row};
	int r = 0;

	if (n != N_ACTION_COLUMNS)
		return -EINVAL;
	take_action(&d, &a);
	if (d.r >= 0)
		r = q->fn(q->userdata, &a);
	else if (d.r == -ENOMEM)
		r = d.r;
	action_record_clear(&a);
	return r;
}

int rows_each_action(struct ledger *l, store_action_fn fn, void *userdata)
{
	struct action_query q = {.fn = fn, .userdata = userdata};

	return ledger_query(
		l, "SELECT " ACTION_COLUMNS " FROM actions ORDER BY began", NULL, 0, on_action, &q);
}

int rows_prune(struct ledger *l, usec_t before)
{
	struct ledger_value arg = LEDGER_I(before);
	int r;

	r = ledger_run(l, "DELETE FROM actions WHERE ended > 0 AND ended < ?1", &arg, 1);
	if (r >= 0)
		r = ledger_run(l, "DELETE FROM incidents WHERE ended > 0 AND ended < ?1", &arg, 1);
	return r;
}
