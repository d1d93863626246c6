/* SPDX-License-Identifier: Apache-2.0
 * Looks at one app: which rule is its own, and how long its stages took. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "daemon/suggest_parts.h"
#include "wire/spark_history.h"
#include "wire/spark_owner.h"

/* For all rules together. */
#define TASKS_TIME (5 * USEC_PER_MINUTE)

struct environment {
	struct owner owner;
	struct owner_hint hint;
};

static int take_environment(void *userdata, const struct transport_answer *a, struct fault *fault)
{
	struct environment *e = userdata;
	_cleanup_free_ char *err = NULL;
	int r;

	r = spark_decode_owner(a->body, a->len, &e->owner, &err);
	if (r >= 0)
		r = spark_decode_lineage(a->body, a->len, &e->hint, &err);
	return answer_decoded(r, err, NULL, fault);
}

static int take_stages(void *userdata, const struct transport_answer *a, struct fault *fault)
{
	struct finished_stage_list *l = userdata;
	_cleanup_free_ char *err = NULL;
	int r = spark_decode_finished_stages(a->body, a->len, l, &err);

	return answer_decoded(r, err, &l->left_out, fault);
}

static int take_task(void *userdata, const struct transport_answer *a, struct fault *fault)
{
	_cleanup_free_ char *err = NULL;
	int r = spark_decode_longest_task(a->body, a->len, userdata, &err);

	return answer_decoded(r, err, NULL, fault);
}

/* Asks for what is below the URL of an app, and notes what is wrong with the answer. -EIO: there is
 * none of use. -ENOMEM. */
static int ask_below(struct suggest *s, const char *url, size_t via, const char *path,
	const struct suggest_question *as)
{
	struct suggest_question q = *as;
	struct fault fault;
	int r;
	int k = 0;

	q.endpoint = s->endpoints[via];
	r = str_printf(&q.url, "%s%s", url, path);
	if (r < 0)
		return r;
	r = suggest_ask(&s->asker, &q, &fault);
	if (fault.reason)
		k = suggest_note(&s->asker, "%s %s", q.url, fault.text);
	free(q.url);
	return k < 0 || r == -ENOMEM ? -ENOMEM : r < 0 ? -EIO : 0;
}

/* Its rule depends on its owner: that is asked for. */
static int ask_for_rule(struct suggest *s, const struct suggest_app *app, const struct rule **ret)
{
	struct environment e = {.owner.map_index = -1};
	const struct suggest_question q = {.take = take_environment, .userdata = &e};
	int r;

	r = ask_below(s, app->url, app->via, "/environment", &q);
	if (r >= 0 && !owner_known(&e.owner) && (app->hinted || owner_hint_lineage(&e.hint))) {
		r = suggest_note(&s->asker,
			"%s: app %s is left out: its rule depends on its owner, whom only Airflow "
			"knows",
			app->cluster, app->info->id);
		r = r < 0 ? r : -EIO;
	}
	if (r >= 0)
		*ret = rule_match(s->rules, s->fallback, app->cluster, app->info, &e.owner);
	owner_clear(&e.owner);
	owner_hint_clear(&e.hint);
	return r;
}

static int find_rule(struct suggest *s, const struct suggest_app *app, const struct rule **ret)
{
	bool known = app->owner && owner_known(app->owner);

	*ret = rule_match(
		s->rules, s->fallback, app->cluster, app->info, known ? app->owner : NULL);
	return *ret ? 0 : ask_for_rule(s, app, ret);
}

struct suggestion *suggest_of_rule(struct suggest *s, const struct rule *rule)
{
	for (size_t i = 0; i < s->n_items; i++)
		if (s->items[i].rule == rule)
			return &s->items[i];
	return NULL;
}

static int add_all(struct suggestion *to, const struct suggest_app *app,
	const struct finished_stage_list *stages)
{
	const struct suggest_place place = {.app = app->info, .url = app->url, .via = app->via};
	int r = 0;

	suggest_add_app(to, app->info->started, app->until);
	if (app->finished)
		r = suggest_add_run(to, app->info->id, app->info->name,
			usec_sub(app->until, app->info->started));
	for (size_t i = 0; r >= 0 && i < stages->n; i++)
		r = suggest_add_stage(to, &place, &stages->items[i]);
	return r < 0 ? r : 1;
}

/* The same app may be seen at two places; another attempt of it began at another time. */
static int first_seen(struct suggest *s, const struct app_info *info)
{
	_cleanup_free_ char *key = NULL;
	int r;

	r = str_printf(&key, "%s %" PRIu64, info->id, info->started);
	if (r >= 0 && strlist_has(&s->seen, key))
		return 0;
	if (r >= 0)
		r = strlist_add(&s->seen, key);
	return r < 0 ? r : 1;
}

int suggest_look_at_app(struct suggest *s, const struct suggest_app *app)
{
	struct finished_stage_list stages = {0};
	const struct suggest_question q = {.take = take_stages, .userdata = &stages};
	const struct rule *rule = NULL;
	struct suggestion *to;
	int r;

	r = first_seen(s, app->info);
	if (r <= 0)
		return r;
	r = find_rule(s, app, &rule);
	if (r >= 0)
		r = ask_below(s, app->url, app->via, "/stages?status=complete&details=false", &q);
	to = suggest_of_rule(s, rule);
	if (r >= 0 && to)
		r = add_all(to, app, &stages);
	finished_stage_list_clear(&stages);
	return r == -ENOMEM || r > 0 ? r : 0;
}

int suggest_tell(struct suggest *s, const char *whom, size_t n, const char *what, const char *more)
{
	_cleanup_free_ char *line = NULL;
	int r;

	suggest_show_progress(&s->asker, "", 0, 0);
	r = str_printf(&line, "%.100s: %zu %s%s%s", whom, n, what, n == 1 ? "" : "s", more);
	return r < 0 ? r : strlist_add(&s->looked_at, line);
}

int suggest_note_late(struct suggest *s, const char *whom, size_t rest)
{
	return suggest_note(&s->asker, "%s: no time was left for %zu of its apps", whom, rest);
}

static int ask_for_task(struct suggest *s, struct suggestion *of, const struct suggest_stage *stage)
{
	usec_t task = 0;
	const struct suggest_question q = {.take = take_task, .userdata = &task};
	char path[96];
	int r = 0;

	(void)snprintf(path, sizeof(path),
		"/stages/%" PRId64 "/%" PRId64 "/taskSummary?quantiles=1.0", stage->stage_id,
		stage->attempt_id);
	if (suggest_is_late(&s->asker))
		r = suggest_note(&s->asker, "%s%s: there was no time left to ask for it",
			stage->app_url, path);
	else
		r = ask_below(s, stage->app_url, stage->via, path, &q);
	suggest_answer(of, task);
	return r == -ENOMEM ? r : 0;
}

int suggest_ask_for_tasks(struct suggest *s)
{
	int r = 0;

	suggest_ask_within(&s->asker, TASKS_TIME);
	for (size_t i = 0; i < s->n_items; i++) {
		const struct suggest_stage *stage;

		suggest_sort(&s->items[i]);
		if (s->items[i].n_stages < SUGGEST_STAGES_NEEDED)
			continue;
		while (r >= 0 && (stage = suggest_next(&s->items[i])))
			r = ask_for_task(s, &s->items[i], stage);
	}
	return r;
}
