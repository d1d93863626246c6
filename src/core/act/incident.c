/* SPDX-License-Identifier: Apache-2.0
 * Opens, follows and ends incidents. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/act/incident.h"

struct incident *incident_free(struct incident *i)
{
	if (!i)
		return NULL;
	free(i->cluster);
	free(i->app_id);
	free(i->app_name);
	free(i->rule);
	owner_clear(&i->owner);
	free(i->evidence);
	free(i->response.why);
	free(i->response.refusal);
	for (size_t k = 0; k < i->n_steps; k++)
		free(i->steps[k].text);
	free(i->steps);
	strlist_clear(&i->properties);
	free(i);
	return NULL;
}

void incident_list_clear(struct incident_list *l)
{
	for (size_t k = 0; k < l->n; k++)
		incident_free(l->items[k]);
	free(l->items);
	*l = (struct incident_list){0};
}

struct incident *incident_find(const struct incident_list *l, const struct app_history *a,
	const struct stage_history *stage)
{
	int64_t stage_id = stage ? stage->last.stage_id : -1;
	int64_t attempt_id = stage ? stage->last.attempt_id : -1;

	for (size_t k = l->n; k-- > 0;) {
		struct incident *i = l->items[k];

		if (i->ended == 0 && i->stage_id == stage_id && i->attempt_id == attempt_id &&
			i->app_started == a->info.started && str_equal(i->app_id, a->info.id) &&
			str_equal(i->cluster, a->cluster))
			return i;
	}
	return NULL;
}

/* Makes room before one is opened: drops the oldest closed ones where there are too many. */
static void incident_trim(struct incident_list *l)
{
	size_t closed = 0;
	size_t kept = 0;

	for (size_t k = 0; k < l->n; k++)
		closed += l->items[k]->ended > 0;
	for (size_t k = 0; k < l->n; k++) {
		if (l->items[k]->ended > 0 && closed > INCIDENTS_KEPT) {
			incident_free(l->items[k]);
			closed--;
		} else {
			l->items[kept++] = l->items[k];
		}
	}
	l->n = kept;
}

void incident_make_id(char ret[static 40], usec_t wall, const char *what)
{
	time_t t = (time_t)(wall / USEC_PER_SEC);
	struct tm tm = {0};
	char when[20] = "";

	(void)gmtime_r(&t, &tm);
	(void)strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
	(void)snprintf(ret, 40, "%s-%s", when, what);
}

static void incident_name(struct incident *i, usec_t wall)
{
	char number[24];

	(void)snprintf(number, sizeof(number), "%" PRIu64, i->number);
	incident_make_id(i->id, wall, number);
}

static int incident_append(struct incident_list *l, struct incident *i)
{
	struct incident **items;

	incident_trim(l);
	items = reallocarray(l->items, l->n + 1, sizeof(struct incident *));
	if (!items)
		return -ENOMEM;
	l->items = items;
	items[l->n++] = i;
	return 0;
}

int incident_adopt(struct incident_list *l, struct incident *i)
{
	int r = 0;

	i->response.counted = i->ended > 0;
	if (incident_by_id(l, i->id))
		incident_free(i);
	else
		r = incident_append(l, i);
	if (r < 0)
		incident_free(i);
	else if (i->number > l->next_number)
		l->next_number = i->number;
	return r;
}

static int incident_open(struct incident_list *l, const struct detector_event *ev, usec_t wall,
	struct incident **ret)
{
	_cleanup_(incident_freep) struct incident *i = calloc(1, sizeof(*i));
	int r;

	if (!i)
		return -ENOMEM;
	i->number = ++l->next_number;
	i->app_started = ev->app->info.started;
	i->stage_id = ev->stage ? ev->stage->last.stage_id : -1;
	i->attempt_id = ev->stage ? ev->stage->last.attempt_id : -1;
	i->owner.map_index = -1;
	i->opened = wall;
	incident_name(i, wall);
	r = str_replace(&i->cluster, ev->app->cluster);
	for (size_t k = 0; r >= 0 && k < ev->app->properties.n; k++)
		r = strlist_add(&i->properties, ev->app->properties.items[k]);
	if (r >= 0)
		r = str_replace(&i->app_id, ev->app->info.id);
	if (r >= 0)
		r = str_replace(&i->app_name, ev->app->info.name);
	if (r >= 0)
		r = incident_append(l, i);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(i);
	return 0;
}

static int incident_update(
	struct incident *i, const struct detector_event *ev, usec_t wall, bool *ret_reached)
{
	_cleanup_free_ char *text = NULL;
	struct strbuf b = {0};
	int r;

	verdict_describe(ev->detail, &b);
	r = strbuf_finish(&b, &text);
	if (r >= 0)
		r = str_replace(&i->rule, ev->rule->name);
	if (r >= 0 && !owner_known(&i->owner))
		r = owner_copy(&ev->app->owner, &i->owner);
	if (r < 0)
		return r;
	if (i->n_steps == 0 || i->verdict != ev->verdict)
		incident_tell(i, wall, "%s: %s", verdict_name(ev->verdict), text);
	free(i->evidence);
	i->evidence = TAKE_PTR(text);
	i->numbers = *ev->detail;
	i->hint = ev->detail->hint;
	if (i->verdict != ev->verdict)
		i->changed = wall;
	i->inherited = false;
	i->verdict = ev->verdict;
	i->action =
		ev->verdict == VERDICT_HUNG ? (enum rule_action)ev->rule->action : RULE_ACTION_NONE;
	*ret_reached = !(i->reached & (1U << ev->verdict));
	i->reached |= 1U << ev->verdict;
	return 0;
}

enum remedy_outcome incident_own_end(const struct incident *i, bool gone)
{
	bool called_for =
		i->action > RULE_ACTION_NOTIFY || i->response.decided_dry || i->response.refusal;

	if (gone)
		return OUTCOME_ENDED;
	return called_for ? OUTCOME_MOVED_AGAIN : OUTCOME_RECOVERED;
}

int incident_follow(struct incident_list *l, const struct detector_event *ev, usec_t wall,
	struct incident **ret, bool *ret_reached)
{
	struct incident *i = incident_find(l, ev->app, ev->stage);
	int r;

	*ret = i;
	*ret_reached = false;
	if (!verdict_is_trouble(ev->verdict)) {
		if (i && !i->response.under_way)
			incident_end(i, incident_own_end(i, ev->gone),
				ev->gone ? "the stage or app is gone" : "it progresses again",
				wall);
		return 0;
	}
	if (!i) {
		r = incident_open(l, ev, wall, &i);
		if (r < 0)
			return r;
	}
	*ret = i;
	return incident_update(i, ev, wall, ret_reached);
}

void incident_tell(struct incident *i, usec_t wall, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if (!i->steps)
		i->steps = calloc(INCIDENT_MAX_STEPS, sizeof(*i->steps));
	if (!i->steps) {
		free(text);
		return;
	}
	/* One that flaps for days: how it began stays, and how it went on of late. */
	if (i->n_steps == INCIDENT_MAX_STEPS) {
		size_t half = INCIDENT_MAX_STEPS / 2;

		free(i->steps[half].text);
		memmove(&i->steps[half], &i->steps[half + 1], (half - 1) * sizeof(*i->steps));
		i->n_steps--;
	}
	i->changes++;
	i->steps[i->n_steps++] = (struct incident_step){.at = wall, .text = text};
}

struct incident *incident_by_id(const struct incident_list *l, const char *id)
{
	for (size_t k = 0; k < l->n; k++) {
		assert(l->items[k]);
		if (str_equal(l->items[k]->id, id))
			return l->items[k];
	}
	return NULL;
}

void incident_settle(struct incident *i, enum remedy_outcome outcome, const char *why)
{
	i->changes++;
	i->response.outcome = outcome;
	(void)str_replace(&i->response.why, why); /* without memory: no words */
}

void incident_end(struct incident *i, enum remedy_outcome outcome, const char *why, usec_t wall)
{
	i->ended = wall;
	i->response.under_way = false;
	if (i->response.outcome == OUTCOME_OPEN)
		incident_settle(i, outcome, why);
	incident_tell(i, wall, "ended as %s%s%s", remedy_outcome_name(i->response.outcome),
		why ? ": " : "", why ? why : "");
}

static struct app_history *app_of(const struct incident *i, const struct detector *d)
{
	return detector_find(d, i->cluster, i->app_id, i->app_started);
}

/* Whether what the incident was about is no longer so, as far as was seen after the restart. */
static bool has_moved(
	const struct incident *i, const struct app_history *a, const struct stage_history *h)
{
	if (!h)
		return a->no_answer_start == 0 &&
		       (i->verdict != VERDICT_IDLE || a->idle_start == 0) &&
		       (i->verdict != VERDICT_NOT_STARTED || a->waits_start == 0);
	if (i->verdict == VERDICT_STARVED)
		return h->last.n_active > 0;
	return h->stall_start > h->first_seen || h->completed > h->first_seen;
}

void incident_sweep(
	struct incident_list *l, const struct detector *d, const char *cluster, usec_t wall)
{
	for (size_t k = 0; k < l->n; k++) {
		struct incident *i = l->items[k];
		struct app_history *a;
		const struct stage_history *h;

		if (!i->inherited || i->ended > 0 || i->response.under_way ||
			!str_equal(i->cluster, cluster))
			continue;
		a = app_of(i, d);
		h = a && i->stage_id >= 0 ? app_history_stage(a, i->stage_id, i->attempt_id) : NULL;
		if (!a || (i->stage_id >= 0 && !h))
			incident_end(i, OUTCOME_ENDED, "it was gone after a restart", wall);
		else if (has_moved(i, a, h))
			incident_end(
				i, incident_own_end(i, false), "it moved after a restart", wall);
	}
}

size_t incident_count_open(const struct incident_list *l, enum verdict v)
{
	size_t n = 0;

	for (size_t k = 0; k < l->n; k++)
		n += l->items[k]->ended == 0 && l->items[k]->verdict == v;
	return n;
}
