/* SPDX-License-Identifier: Apache-2.0
 * The apps that a Spark History Server knows. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "daemon/suggest_parts.h"
#include "io/http_url.h"
#include "wire/spark_history.h"

/* Of the apps that it has, the newest. To tell of one it reads a file of events, which takes
 * seconds. */
#define HISTORY_APPS 100
#define HISTORY_TIMEOUT (2 * USEC_PER_MINUTE)
#define HISTORY_MAX_BODY ((size_t)64 * 1024 * 1024)

/* NAME before a "=" that is not the URL's own. */
static const char *url_of(const char *history)
{
	const char *equals = history + strcspn(history, "=:/");

	return *equals == '=' ? equals + 1 : history;
}

static const struct source *source_named(
	const struct runtime *runtime, const char *name, size_t len)
{
	for (size_t i = 0; i < runtime->settings->n_sources; i++)
		if (strlen(runtime->sources[i]->name) == len &&
			memcmp(runtime->sources[i]->name, name, len) == 0)
			return runtime->sources[i];
	return NULL;
}

int suggest_history_make(
	const struct runtime *runtime, const char *text, struct suggest_history *ret)
{
	const char *url = url_of(text);
	bool named = url != text;
	const struct source *source = NULL;
	size_t len;
	int r;

	if (named)
		source = source_named(runtime, text, (size_t)(url - 1 - text));
	else if (runtime->settings->n_sources == 1)
		source = runtime->sources[0];
	if (!source || http_url_fault(url)) {
		/* The URL may hold a password. */
		log_error(
			"--history: %s", source  ? http_url_fault(url)
					 : named ? "there is no such [spark NAME]"
						 : "there are several [spark NAME], say NAME=URL");
		return -EBADMSG;
	}
	ret->cluster = source->name;
	r = endpoint_copy(&ret->endpoint, source_endpoint(source, named));
	if (r >= 0)
		r = str_replace(&ret->endpoint.url, url);
	if (r < 0)
		return r;
	for (len = strlen(url); len > 0 && url[len - 1] == '/'; len--)
		ret->endpoint.url[len - 1] = '\0';
	ret->endpoint.timeout = usec_max(ret->endpoint.timeout, HISTORY_TIMEOUT);
	ret->endpoint.max_body = HISTORY_MAX_BODY;
	return 0;
}

static int take_history(void *userdata, const struct transport_answer *a, struct fault *fault)
{
	struct finished_app_list *l = userdata;
	_cleanup_free_ char *err = NULL;
	int r = spark_decode_finished_apps(a->body, a->len, l, &err);

	return answer_decoded(r, err, &l->left_out, fault);
}

static int look_at_finished(struct suggest *s, const struct suggest_history *h,
	const struct finished_app *from, size_t via)
{
	struct suggest_app app = {
		.cluster = h->cluster,
		.info = &from->info,
		.via = via,
		.until = from->ended,
		.finished = true,
	};
	_cleanup_free_ char *url = NULL;
	struct strbuf b = {0};
	int r;

	strbuf_add(&b, h->endpoint.url);
	strbuf_add(&b, SUGGEST_APPS "/");
	strbuf_add_segment(&b, from->info.id);
	if (from->attempt_id) {
		strbuf_add(&b, "/");
		strbuf_add_segment(&b, from->attempt_id);
	}
	r = strbuf_finish(&b, &url);
	app.url = url;
	return r < 0 ? r : suggest_look_at_app(s, &app);
}

static int look_at_all_finished(struct suggest *s, const struct suggest_history *h,
	const struct finished_app_list *l, size_t via)
{
	size_t most = l->n < HISTORY_APPS ? l->n : HISTORY_APPS;
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < most; i++) {
		if (suggest_is_late(&s->asker)) {
			r = suggest_note_late(s, h->endpoint.url, most - i);
			break;
		}
		suggest_show_progress(&s->asker, h->endpoint.url, i, most);
		r = look_at_finished(s, h, &l->items[i], via);
		n += r > 0;
	}
	return r < 0 ? r
		     : suggest_tell(s, h->endpoint.url, n, "finished app",
			       l->n >= HISTORY_APPS ? ", the newest that it lists" : "");
}

int suggest_look_at_history(struct suggest *s, const struct suggest_history *h, size_t via)
{
	struct finished_app_list apps = {0};
	struct suggest_question q = {
		.endpoint = &h->endpoint, .take = take_history, .userdata = &apps};
	struct fault fault;
	bool listed;
	int r;

	suggest_ask_within(&s->asker, SUGGEST_PLACE_TIME);
	r = str_printf(&q.url, "%s" SUGGEST_APPS "?status=completed&limit=%d", h->endpoint.url,
		HISTORY_APPS);
	if (r < 0)
		return r;
	r = suggest_ask(&s->asker, &q, &fault);
	listed = r >= 0;
	if (r != -ENOMEM && fault.reason)
		r = suggest_note(&s->asker, "%s %s", q.url, fault.text);
	free(q.url);
	if (r >= 0 && listed)
		r = look_at_all_finished(s, h, &apps, via);
	finished_app_list_clear(&apps);
	return r;
}
