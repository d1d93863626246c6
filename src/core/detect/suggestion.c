/* SPDX-License-Identifier: Apache-2.0
 * Collects durations by rule, and makes a limit of them. */
#include "core/detect/suggestion.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A limit is given in steps that grow with it. */
static const struct {
	usec_t below;
	usec_t step;
} steps[] = {
	{20 * USEC_PER_MINUTE, USEC_PER_MINUTE},
	{2 * USEC_PER_HOUR, 5 * USEC_PER_MINUTE},
	{6 * USEC_PER_HOUR, 15 * USEC_PER_MINUTE},
	{USEC_INFINITY, USEC_PER_HOUR},
};

void suggest_add_app(struct suggestion *s, usec_t began, usec_t until)
{
	s->n_apps++;
	if (began > 0 && (s->first == 0 || began < s->first))
		s->first = began;
	s->last = usec_max(s->last, until);
}

int suggest_add_run(struct suggestion *s, const char *app_id, const char *name, usec_t duration)
{
	int r;

	s->n_runs++;
	if (s->run_id && duration <= s->run)
		return 0;
	r = str_replace(&s->run_id, app_id);
	if (r >= 0)
		r = str_replace(&s->run_name, name);
	if (r >= 0)
		s->run = duration;
	return r;
}

static void stage_clear(struct suggest_stage *stage)
{
	free(stage->app_id);
	free(stage->app_name);
	free(stage->app_url);
	*stage = (struct suggest_stage){0};
}

static int stage_make(const struct suggest_place *place, const struct finished_stage *from,
	struct suggest_stage *ret)
{
	struct suggest_stage stage = {
		.duration = from->duration,
		.stage_id = from->stage_id,
		.attempt_id = from->attempt_id,
		.via = place->via,
	};
	int r;

	r = str_replace(&stage.app_id, place->app->id);
	if (r >= 0)
		r = str_replace(&stage.app_name, place->app->name);
	if (r >= 0)
		r = str_replace(&stage.app_url, place->url);
	if (r < 0) {
		stage_clear(&stage);
		return r;
	}
	*ret = stage;
	return 0;
}

/* Into the longest ones, if it is one of them; of two that are as long, the first stays. */
static int keep_longest(
	struct suggestion *s, const struct suggest_place *place, const struct finished_stage *from)
{
	struct suggest_stage stage;
	size_t at = s->n_longest;
	int r;

	while (at > 0 && s->longest[at - 1].duration < from->duration)
		at--;
	if (at == ELEMENTSOF(s->longest))
		return 0;
	r = stage_make(place, from, &stage);
	if (r < 0)
		return r;
	if (s->n_longest == ELEMENTSOF(s->longest))
		stage_clear(&s->longest[--s->n_longest]);
	memmove(&s->longest[at + 1], &s->longest[at], (s->n_longest - at) * sizeof(*s->longest));
	s->longest[at] = stage;
	s->n_longest++;
	return 0;
}

/* Room is there for as many as the next power of two. */
static int keep_duration(struct suggestion *s, usec_t duration)
{
	bool full = s->n_stages == 0 || (s->n_stages & (s->n_stages - 1)) == 0;
	usec_t *items = s->durations;

	if (full)
		items = reallocarray(
			items, s->n_stages > 0 ? 2 * s->n_stages : 1, sizeof(*s->durations));
	if (!items)
		return -ENOMEM;
	s->durations = items;
	items[s->n_stages++] = duration;
	return 0;
}

int suggest_add_stage(
	struct suggestion *s, const struct suggest_place *place, const struct finished_stage *stage)
{
	int r;

	r = keep_longest(s, place, stage);
	if (r < 0)
		return r;
	if (s->n_stages < SUGGEST_MAX_STAGES)
		return keep_duration(s, stage->duration);
	s->n_more++;
	return 0;
}

static int compare(const void *a, const void *b)
{
	usec_t x = *(const usec_t *)a;
	usec_t y = *(const usec_t *)b;

	return x < y ? -1 : x > y;
}

void suggest_sort(struct suggestion *s)
{
	if (s->n_stages > 0)
		qsort(s->durations, s->n_stages, sizeof(*s->durations), compare);
}

usec_t suggest_percentile(const struct suggestion *s, unsigned percent)
{
	size_t rank = (s->n_stages * percent + 99) / 100;

	if (s->n_stages == 0)
		return 0;
	return s->durations[(rank > 0 ? rank : 1) - 1];
}

static void set_bound(struct suggestion *s, usec_t t, bool exact)
{
	s->task = t;
	s->task_of = s->n_asked;
	s->exact = exact;
}

const struct suggest_stage *suggest_next(struct suggestion *s)
{
	const struct suggest_stage *next = &s->longest[s->n_asked];

	if (s->n_asked >= s->n_longest || next->duration <= s->task)
		return NULL;
	if (s->n_asked < SUGGEST_ASKED)
		return next;
	set_bound(s, next->duration, false);
	return NULL;
}

void suggest_answer(struct suggestion *s, usec_t longest_task)
{
	const struct suggest_stage *stage = &s->longest[s->n_asked];

	/* A task is part of its stage; where the clocks say otherwise, the stage's holds. */
	if (longest_task == 0 || longest_task >= stage->duration)
		set_bound(s, stage->duration, longest_task > 0);
	else if (longest_task > s->task)
		set_bound(s, longest_task, true);
	s->n_asked++;
}

static usec_t round_up(usec_t t)
{
	size_t i = 0;

	while (t >= steps[i].below)
		i++;
	return (t + steps[i].step - 1) / steps[i].step * steps[i].step;
}

usec_t suggest_min(usec_t poll_interval)
{
	return round_up(usec_max(SUGGEST_MIN, SUGGEST_MIN_POLLS * poll_interval));
}

static usec_t twice(usec_t t, usec_t least)
{
	if (t >= RULE_LIMIT_MAX / 2)
		return RULE_LIMIT_MAX;
	return usec_max(round_up(2 * t), least);
}

usec_t suggest_hung_after(const struct suggestion *s, usec_t poll_interval)
{
	return s->n_stages < SUGGEST_STAGES_NEEDED ? 0 : twice(s->task, suggest_min(poll_interval));
}

usec_t suggest_max_runtime(const struct suggestion *s)
{
	return s->n_runs < SUGGEST_RUNS_NEEDED ? 0 : twice(s->run, SUGGEST_MIN_RUNTIME);
}

const struct rule *suggest_rule_of_run(
	const struct rule_list *rules, const struct rule *fallback, const struct app_run *run)
{
	const struct app_info app = {.id = run->app_id, .name = run->app_name};
	const struct rule *found = rule_match(rules, fallback, run->cluster, &app, NULL);

	for (size_t i = 0; found && i < rules->n && &rules->items[i] != found; i++) {
		const struct rule *r = &rules->items[i];

		if (r->user && rule_glob_matches(r->app, run->app_name) &&
			rule_glob_matches(r->cluster, run->cluster))
			return NULL;
	}
	return found;
}

void suggestion_clear(struct suggestion *s)
{
	for (size_t i = 0; i < s->n_longest; i++)
		stage_clear(&s->longest[i]);
	free(s->durations);
	free(s->run_id);
	free(s->run_name);
	*s = (struct suggestion){0};
}
