/* SPDX-License-Identifier: Apache-2.0
 * Opens, follows and ends incidents. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "base/sorted.h"
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
	for (size_t k = 0; k < INCIDENT_MARK_MAX; k++)
		free(i->marks[k]);
	free(i);
	return NULL;
}

void incident_list_clear(struct incident_list *l)
{
	for (size_t k = 0; k < l->n; k++)
		incident_free(l->items[k]);
	free(l->items);
	free(l->by_subject);
	free(l->by_id);
	*l = (struct incident_list){0};
}

/* What an incident is about. */
struct subject {
	const char *cluster;
	const char *app_id;
	usec_t app_started;
	int64_t stage_id;
	int64_t attempt_id;
};

static struct subject subject_of(const struct incident *i)
{
	return (struct subject){i->cluster, i->app_id, i->app_started, i->stage_id, i->attempt_id};
}

static int compare_subjects(const void *key, const void *item)
{
	const struct subject *a = key;
	const struct incident *b = *(struct incident *const *)item;
	int order;

	if (a->app_started != b->app_started)
		return a->app_started < b->app_started ? -1 : 1;
	if (a->stage_id != b->stage_id)
		return a->stage_id < b->stage_id ? -1 : 1;
	if (a->attempt_id != b->attempt_id)
		return a->attempt_id < b->attempt_id ? -1 : 1;
	order = strcmp(a->app_id, b->app_id);
	return order != 0 ? order : strcmp(a->cluster, b->cluster);
}

static int compare_ids(const void *key, const void *item)
{
	return strcmp(key, (*(struct incident *const *)item)->id);
}

static size_t place_by_subject(const struct incident_list *l, const struct subject *s)
{
	return sorted_place(
		s, l->by_subject, l->n_subjects, sizeof(struct incident *), compare_subjects);
}

static size_t place_by_id(const struct incident_list *l, const char *id)
{
	return sorted_place(id, l->by_id, l->n, sizeof(struct incident *), compare_ids);
}

/* The first one of this subject, open or ended; NULL behind the last. */
static struct incident **of_subject(
	const struct incident_list *l, size_t at, const struct subject *s)
{
	return at < l->n_subjects && compare_subjects(s, &l->by_subject[at]) == 0
		       ? &l->by_subject[at]
		       : NULL;
}

struct incident *incident_find(const struct incident_list *l, const struct app_history *a,
	const struct stage_history *stage)
{
	const struct subject s = {a->cluster, a->info.id, a->info.started,
		stage ? stage->last.stage_id : -1, stage ? stage->last.attempt_id : -1};
	size_t at = place_by_subject(l, &s);
	struct incident **k;

	for (; (k = of_subject(l, at, &s)); at++)
		if ((*k)->ended == 0)
			return *k;
	return NULL;
}

static void put_at(struct incident **items, size_t n, size_t at, struct incident *i)
{
	memmove(&items[at + 1], &items[at], (n - at) * sizeof(struct incident *));
	items[at] = i;
}

static void drop_at(struct incident **items, size_t n, size_t at)
{
	memmove(&items[at], &items[at + 1], (n - at - 1) * sizeof(struct incident *));
}

/* Takes the place of one that has ended: nobody looks for that by its subject any more. */
static void put_by_subject(struct incident_list *l, struct incident *i)
{
	const struct subject s = subject_of(i);
	size_t first = place_by_subject(l, &s);
	struct incident **k;

	for (size_t at = first; (k = of_subject(l, at, &s)); at++)
		if ((*k)->ended > 0) {
			*k = i;
			return;
		}
	put_at(l->by_subject, l->n_subjects++, first, i);
}

static void forget(struct incident_list *l, struct incident *i)
{
	const struct subject s = subject_of(i);
	struct incident **k;

	for (size_t at = place_by_subject(l, &s); (k = of_subject(l, at, &s)); at++)
		if (*k == i) {
			drop_at(l->by_subject, l->n_subjects--, at);
			break;
		}
	drop_at(l->by_id, l->n, place_by_id(l, i->id));
	incident_free(i);
}

/* Drops the oldest closed ones where there are too many. Not at each new one: all are looked at. */
static void incident_trim(struct incident_list *l)
{
	size_t closed = 0;
	size_t kept = 0;
	size_t n = l->n;

	if (n < l->trim_at)
		return;
	for (size_t k = 0; k < n; k++)
		closed += l->items[k]->ended > 0;
	for (size_t k = 0; k < n; k++) {
		if (l->items[k]->ended > 0 && closed > INCIDENTS_KEPT) {
			forget(l, l->items[k]);
			l->n--;
			closed--;
		} else {
			l->items[kept++] = l->items[k];
		}
	}
	l->trim_at = l->n + l->n / 4 + 1;
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

static int make_room(struct incident ***items, size_t n)
{
	struct incident **more = array_room(*items, n, sizeof(struct incident *));

	if (!more)
		return -ENOMEM;
	*items = more;
	return 0;
}

static int incident_append(struct incident_list *l, struct incident *i)
{
	incident_trim(l);
	if (make_room(&l->items, l->n) < 0 || make_room(&l->by_id, l->n) < 0 ||
		make_room(&l->by_subject, l->n_subjects) < 0)
		return -ENOMEM;
	put_by_subject(l, i);
	put_at(l->by_id, l->n, place_by_id(l, i->id), i);
	l->items[l->n++] = i;
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

static const char *const mark_words[] = {
	[INCIDENT_ACKED] = "acknowledged by",
	[INCIDENT_IGNORED] = "no hang, said",
	[INCIDENT_ABORTED] = "aborted by",
};
_Static_assert(ELEMENTSOF(mark_words) == INCIDENT_MARK_MAX, "words per mark");

int incident_mark(struct incident *i, enum incident_mark mark, const char *who, usec_t wall)
{
	int r;

	if (i->marks[mark])
		return 0;
	r = str_replace(&i->marks[mark], who);
	if (r < 0)
		return r;
	i->changes++;
	incident_tell(i, wall, "%s %s", mark_words[mark], who);
	return 1;
}

int incident_stopped(const struct incident *i, char **ret)
{
	enum incident_mark m = i->marks[INCIDENT_IGNORED] ? INCIDENT_IGNORED : INCIDENT_ABORTED;

	if (!i->marks[m]) {
		*ret = NULL;
		return 0;
	}
	return str_printf(ret, "%s %s", mark_words[m], i->marks[m]);
}

/* What was no hang is none when it comes again: the same stage of the same app. */
static int inherit_ignored(const struct incident_list *l, struct incident *i)
{
	const struct subject s = subject_of(i);
	struct incident **k = of_subject(l, place_by_subject(l, &s), &s);

	return k ? str_replace(&i->marks[INCIDENT_IGNORED], (*k)->marks[INCIDENT_IGNORED]) : 0;
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
	if (r >= 0)
		r = str_replace(&i->app_id, ev->app->info.id);
	if (r >= 0)
		r = str_replace(&i->app_name, ev->app->info.name);
	if (r >= 0)
		r = inherit_ignored(l, i);
	if (r >= 0)
		r = incident_append(l, i);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(i);
	return 0;
}

/* Those of its app, once they are known; of one from before a restart all but what asks something
 * of the rule was forgotten. */
static int take_properties(struct incident *i, const struct app_history *a)
{
	int r = 0;

	if (!a->owner_asked || (i->properties.n > 0 && !i->inherited))
		return 0;
	strlist_clear(&i->properties);
	for (size_t k = 0; r >= 0 && k < a->properties.n; k++)
		r = strlist_add(&i->properties, a->properties.items[k]);
	return r;
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
	if (r >= 0)
		r = take_properties(i, ev->app);
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
	size_t at = place_by_id(l, id);

	return at < l->n && str_equal(l->by_id[at]->id, id) ? l->by_id[at] : NULL;
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

/* Whether what the incident was about is no longer so, as far as was seen after the restart. Some
 * of a stage's tasks may hang while others move: only time tells that none does. */
static bool has_moved(const struct incident *i, const struct detector *d,
	const struct app_history *a, const struct stage_history *h)
{
	if (!h)
		return a->no_answer_start == 0 && a->missing_start == 0 &&
		       (i->verdict != VERDICT_IDLE || a->idle_start == 0) &&
		       (i->verdict != VERDICT_NOT_STARTED || a->waits_start == 0);
	if (i->verdict == VERDICT_STARVED)
		return h->last.n_active > 0;
	if (i->verdict == VERDICT_CRASH_LOOP)
		return h->completed > h->first_seen;
	return !verdict_is_trouble(h->verdict) &&
	       usec_sub(a->observed, h->first_seen) > detector_rule(d, a)->hung_after_unproven;
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
		else if (has_moved(i, d, a, h))
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
