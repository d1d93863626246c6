/* SPDX-License-Identifier: Apache-2.0
 * A transport that passes everything on, and writes the answers of some drivers to their
 * recordings. */
#include "watch/recorder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/spares.h"
#include "base/strbuf.h"
#include "base/time.h"
#include "wire/processes.h"
#include "wire/recording.h"
#include "wire/spark_properties.h"
#include "wire/spark_rest.h"

struct transport_request {
	struct recorder *recorder;
	struct transport_request *inner;
	struct strbuf url;
	transport_done_fn done;
	void *userdata;
};

struct recording {
	struct recorder *recorder;
	struct recording *next;
	struct recording_options options;
	char *app_id;
	char *base;
	usec_t began; /* local clock; 0: no line yet */
	uint64_t size;
	bool over;
};

struct recorder {
	struct transport transport;
	struct transport *inner;
	struct recording *recordings;
	struct spares spares; /* requests, of which the room for a URL is left */
};

static void request_drop(struct transport_request *q)
{
	strbuf_clear(&q->url);
	free(q);
}

static void request_free(struct transport_request *q)
{
	if (!spares_keep(&q->recorder->spares, q))
		request_drop(q);
}

static void recording_end(struct recording *t, int error)
{
	if (t->over)
		return;
	t->over = true;
	if (t->options.over)
		t->options.over(t->options.userdata, error);
}

/* Answers leave a quarter to notes. */
static bool fits(const struct recording *t, uint64_t len, bool note)
{
	uint64_t max = t->options.max_size;

	return max == 0 || t->size + len <= (note ? max : max - max / 4);
}

static void recording_write(struct recording *t, struct recorded_answer *a, usec_t now, bool note)
{
	_cleanup_free_ char *line = NULL;
	uint64_t len;
	int r;

	if (t->over)
		return;
	if (t->began == 0)
		t->began = now;
	a->at = usec_sub(now, t->began);
	r = recording_encode(a, &line);
	len = r < 0 ? 0 : strlen(line) + 1;
	if (!fits(t, len, note))
		return;
	t->size += len;
	if (r >= 0 && (fputs(line, t->options.out) == EOF || fputc('\n', t->options.out) == EOF ||
			      fflush(t->options.out) == EOF))
		r = -errno;
	if (r < 0)
		recording_end(t, r);
}

static bool is_environment(const char *path)
{
	static const char end[] = "/environment";
	size_t n = strcspn(path, "?");

	return n >= strlen(end) && strncmp(path + n - strlen(end), end, strlen(end)) == 0;
}

/* Of an app's properties, in which secrets are, no more than is read here. */
static int copy_body(const char *path, const struct transport_answer *answer, char **ret)
{
	_cleanup_free_ char *why = NULL;
	int r;

	if (answer->error || !is_environment(path))
		return str_replace(ret, answer->error ? "" : answer->body);
	r = spark_trim_environment(answer->body, answer->len, ret, &why);
	return r == -EBADMSG ? str_replace(ret, "") : r;
}

static void recording_answer(
	struct recording *t, const char *url, const struct transport_answer *answer)
{
	struct recorded_answer a = {
		.took = answer->took,
		.status = answer->error ? 0 : answer->status,
		.date = answer->date,
	};
	const char *error = answer->error == -ECONNREFUSED ? "refused" : "no answer";

	if (str_replace(&a.path, url + strlen(t->base)) < 0 ||
		str_replace(&a.type, answer->content_type ? answer->content_type : "") < 0 ||
		copy_body(a.path, answer, &a.body) < 0 ||
		str_replace(&a.error, answer->error ? error : NULL) < 0)
		recording_end(t, -ENOMEM);
	else
		recording_write(t, &a, answer->received, false);
	recorded_answer_clear(&a);
	if (answer->error == -ECONNREFUSED)
		recording_end(t, 0);
}

/* A driver that tells who it is: the one that is to be recorded, or the first. */
static void recording_find(
	struct recording *t, const char *url, const struct transport_answer *answer)
{
	static const char path[] = "/api/v1/applications";
	_cleanup_free_ char *err = NULL;
	struct app_list apps = {0};
	size_t n = strlen(url);

	if (answer->error || answer->status != 200 || n <= strlen(path) ||
		strcmp(url + n - strlen(path), path) != 0 ||
		spark_decode_applications(answer->body, answer->len, &apps, &err) < 0)
		return;
	if (apps.n == 1 && (!t->app_id || str_equal(apps.items[0].id, t->app_id)) &&
		str_replace(&t->app_id, apps.items[0].id) >= 0 &&
		str_printf(&t->base, "%.*s", (int)(n - strlen(path)), url) >= 0)
		log_notice("Recording app %s at %s", t->app_id, t->base);
	app_list_clear(&apps);
}

static bool is_from(const char *url, const char *base)
{
	size_t n = strlen(base);

	return strncmp(url, base, n) == 0 && url[n] == '/';
}

static void on_answer(void *userdata, const struct transport_answer *answer)
{
	struct transport_request *q = userdata;

	q->inner = NULL;
	for (struct recording *t = q->recorder->recordings; t; t = t->next) {
		if (!t->base)
			recording_find(t, q->url.text, answer);
		if (t->base && is_from(q->url.text, t->base))
			recording_answer(t, q->url.text, answer);
	}
	q->done(q->userdata, answer);
	request_free(q);
}

static int recorder_send(struct transport *t, const struct transport_ask *ask,
	transport_done_fn done, void *userdata, struct transport_request **ret)
{
	struct recorder *r = (struct recorder *)t;
	struct transport_request *q = spares_take(&r->spares);
	int k;

	if (!q)
		q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	*q = (struct transport_request){
		.recorder = r, .url = q->url, .done = done, .userdata = userdata};
	k = strbuf_set(&q->url, ask->url);
	if (k >= 0)
		k = transport_send(r->inner, ask, on_answer, q, &q->inner);
	if (k < 0) {
		request_free(q);
		return k;
	}
	*ret = q;
	return 0;
}

static void recorder_cancel(struct transport_request *q)
{
	/* From within its own callback there is nothing left to cancel. */
	if (!q->inner)
		return;
	transport_cancel(q->recorder->inner, q->inner);
	request_free(q);
}

static bool recorder_waits(const struct transport_request *q)
{
	return transport_waits(q->recorder->inner, q->inner);
}

static const struct transport_ops recorder_ops = {
	.send = recorder_send,
	.cancel = recorder_cancel,
	.waits = recorder_waits,
};

int recorder_new(struct transport *inner, struct recorder **ret)
{
	struct recorder *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->transport.ops = &recorder_ops;
	r->inner = inner;
	*ret = r;
	return 0;
}

struct recorder *recorder_free(struct recorder *r)
{
	struct transport_request *q;

	while (r && (q = spares_take(&r->spares)))
		request_drop(q);
	free(r);
	return NULL;
}

struct transport *recorder_transport(struct recorder *r)
{
	return &r->transport;
}

void recorder_processes(struct recorder *r, const struct app_history *a, const char *host,
	const struct process_list *list, usec_t taken)
{
	for (struct recording *t = r->recordings; t; t = t->next) {
		struct recorded_answer line = {.status = 200};

		if (!t->base || !str_equal(t->app_id, a->info.id))
			continue;
		if (processes_json(list, &line.body) < 0 ||
			str_printf(&line.path, host ? "host/processes?host=%s" : "host/processes",
				host) < 0 ||
			str_replace(&line.type, "application/json") < 0)
			recording_end(t, -ENOMEM);
		else
			recording_write(t, &line, taken, false);
		recorded_answer_clear(&line);
	}
}

int recorder_add(
	struct recorder *r, const struct recording_options *options, struct recording **ret)
{
	struct recording *t = calloc(1, sizeof(*t));
	int k;

	if (!t)
		return -ENOMEM;
	t->options = *options;
	k = str_replace(&t->app_id, options->app_id);
	if (k >= 0)
		k = str_replace(&t->base, options->base);
	if (k < 0) {
		free(t->app_id);
		free(t);
		return k;
	}
	t->recorder = r;
	t->next = r->recordings;
	r->recordings = *ret = t;
	return 0;
}

struct recording *recorder_remove(struct recording *t)
{
	if (!t)
		return NULL;
	for (struct recording **p = &t->recorder->recordings; *p; p = &(*p)->next)
		if (*p == t) {
			*p = t->next;
			break;
		}
	free(t->app_id);
	free(t->base);
	free(t);
	return NULL;
}

void recorder_note(struct recording *t, const char *path, const char *json, usec_t now)
{
	struct recorded_answer line = {.status = 200};

	if (str_replace(&line.path, path) < 0 || str_replace(&line.type, "application/json") < 0 ||
		str_replace(&line.body, json) < 0)
		recording_end(t, -ENOMEM);
	else
		recording_write(t, &line, now, true);
	recorded_answer_clear(&line);
}
