/* SPDX-License-Identifier: Apache-2.0
 * The apps that run in a cluster, by the list of its source. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "daemon/suggest_parts.h"
#include "io/clock.h"
#include "wire/spark_rest.h"

/* A list of a source, copied. */
struct listing {
	struct suggest *suggest;
	const struct source *source;
	struct target *targets;
	size_t n;
	int r;
	bool done;
};

static int copy_target(const struct target *from, struct target *to)
{
	int r;

	r = str_replace(&to->url, from->url);
	if (r >= 0)
		r = str_replace(&to->app_id, from->app_id);
	if (r >= 0)
		r = owner_copy(&from->owner, &to->owner);
	if (r >= 0)
		r = owner_hint_copy(&from->hint, &to->hint);
	to->configured = from->configured;
	to->may_lack = from->may_lack;
	to->waits = from->waits;
	return r;
}

static int note_list(struct listing *l, const struct target_list *list)
{
	struct suggest_asker *a = &l->suggest->asker;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < list->n_asked; i++)
		if (list->asked[i].fault.reason)
			r = suggest_note(a, "%s: %s%s %s", l->source->name, list->asked[i].url,
				list->asked[i].what, list->asked[i].fault.text);
	if (r >= 0 && list->r < 0 && list->n_asked == 0)
		r = suggest_note(a, "%s: its apps cannot be listed", l->source->name);
	return r;
}

static void on_listed(void *userdata, const struct target_list *list)
{
	struct listing *l = userdata;

	l->done = true;
	l->r = note_list(l, list);
	if (l->r < 0 || list->r < 0)
		return;
	l->targets = calloc(list->n + 1, sizeof(*l->targets));
	if (!l->targets)
		l->r = -ENOMEM;
	for (; l->r >= 0 && l->n < list->n; l->n++) {
		l->targets[l->n].owner.map_index = -1;
		l->r = copy_target(&list->items[l->n], &l->targets[l->n]);
	}
}

static void listing_clear(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		target_clear(&l->targets[i]);
	free(l->targets);
}

static int list_targets(struct suggest *s, struct source *source, struct listing *l)
{
	int r;

	r = source->ops->list(source, on_listed, l);
	while (r >= 0 && !l->done)
		r = sd_event_run(s->asker.event, UINT64_MAX);
	if (r < 0 && r != -ENOMEM)
		r = suggest_note(
			&s->asker, "%s: its apps cannot be listed: %s", source->name, strerror(-r));
	return r < 0 ? r : l->r;
}

static int take_apps(void *userdata, const struct transport_answer *a, struct fault *fault)
{
	struct app_list *l = userdata;
	_cleanup_free_ char *err = NULL;
	int r = spark_decode_applications(a->body, a->len, l, &err);

	if (r >= 0 && l->n != 1 && l->left_out.n == 0) {
		fault_set(fault, "malformed", "lists %zu applications, a driver lists one", l->n);
		return -EBADMSG;
	}
	return answer_decoded(r, err, &l->left_out, fault);
}

/* Whoever answers there. */
static int look_at_answer(struct suggest *s, const struct source *source,
	const struct target *target, const struct app_info *info, size_t via)
{
	struct suggest_app app = {
		.cluster = source->name,
		.info = info,
		.owner = &target->owner,
		.hinted = owner_hint_labels(&target->hint) || owner_hint_lineage(&target->hint),
		.via = via,
		.until = clock_realtime(),
	};
	_cleanup_free_ char *url = NULL;
	struct strbuf b = {0};
	int r;

	if (target->app_id && !str_equal(target->app_id, info->id))
		return suggest_note(&s->asker, "%s: %s is answered for another app by now",
			source->name, target->url);
	strbuf_add(&b, target->url);
	strbuf_add(&b, SUGGEST_APPS "/");
	strbuf_add_segment(&b, info->id);
	r = strbuf_finish(&b, &url);
	app.url = url;
	return r < 0 ? r : suggest_look_at_app(s, &app);
}

static int look_at_target(
	struct suggest *s, const struct source *source, const struct target *target, size_t via)
{
	struct app_list apps = {0};
	struct suggest_question q = {
		.endpoint = s->endpoints[via], .take = take_apps, .userdata = &apps};
	struct fault fault;
	int r;

	if (target->waits)
		return 0;
	if (!target->url)
		return suggest_note(&s->asker, "%s: app %s: its driver's address is not known",
			source->name, target->app_id ? target->app_id : "");
	r = str_printf(&q.url, "%s" SUGGEST_APPS, target->url);
	if (r < 0)
		return r;
	r = suggest_ask(&s->asker, &q, &fault);
	free(q.url);
	if (r >= 0 && apps.n == 1)
		r = look_at_answer(s, source, target, &apps.items[0], via);
	else if (r != -ENOMEM)
		r = target->may_lack && str_equal(fault.reason, "refused")
			    ? 0
			    : suggest_note(&s->asker, "%s: %s" SUGGEST_APPS " %s", source->name,
				      target->url, fault.text);
	app_list_clear(&apps);
	return r;
}

static int look_at_targets(
	struct suggest *s, const struct source *source, const struct listing *l, size_t vias)
{
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < l->n; i++) {
		if (suggest_is_late(&s->asker)) {
			r = suggest_note_late(s, source->name, l->n - i);
			break;
		}
		suggest_show_progress(&s->asker, source->name, i, l->n);
		r = look_at_target(
			s, source, &l->targets[i], vias + (l->targets[i].configured ? 1 : 0));
		n += r > 0;
	}
	return r < 0 ? r : suggest_tell(s, source->name, n, "running app", "");
}

int suggest_look_at_cluster(struct suggest *s, struct source *source, size_t vias)
{
	struct listing l = {.suggest = s, .source = source};
	int r;

	suggest_ask_within(&s->asker, SUGGEST_PLACE_TIME);
	r = list_targets(s, source, &l);
	if (r >= 0 && l.targets)
		r = look_at_targets(s, source, &l, vias);
	listing_clear(&l);
	return r;
}
