/* SPDX-License-Identifier: Apache-2.0
 * Recorded answers behind the interface of a transport. */
#include "io/replay.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

/* Of a query: more than any request of ours has. */
#define MAX_PARAMETERS 16

struct answer {
	usec_t at;
	usec_t took;
	usec_t date;
	int error;
	int status;
	char *type;
	char *body;
	size_t len;
};

/* All answers to one path. */
struct series {
	char *path;
	struct answer *answers;
	size_t n;
	size_t next; /* the first one that is later than now */
};

struct transport_request {
	struct replay *replay;
	struct transport_request *next;
	char *path;
	transport_done_fn done;
	void *userdata;
};

struct replay {
	struct transport transport;
	usec_t origin;
	usec_t now;
	usec_t length;
	struct series *series;
	size_t n_series;
	struct transport_request *waiting; /* oldest first */
};

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Only changes how much is answered. */
static bool is_amount(const char *parameter)
{
	return strncmp(parameter, "length=", 7) == 0 || strncmp(parameter, "offset=", 7) == 0;
}

/* The path with its parameters in order, less those that only change the amount. */
static int normalize(const char *path, char **ret)
{
	_cleanup_free_ char *copy = strdup(path);
	char *parameters[MAX_PARAMETERS];
	struct strbuf b = {0};
	char *rest;
	size_t n = 0;

	if (!copy)
		return -ENOMEM;
	rest = strchr(copy, '?');
	if (rest)
		*rest++ = '\0';
	for (char *p; rest && n < MAX_PARAMETERS && (p = strsep(&rest, "&"));)
		if (*p && !is_amount(p))
			parameters[n++] = p;
	qsort(parameters, n, sizeof(parameters[0]), compare_strings);
	strbuf_add(&b, copy);
	for (size_t i = 0; i < n; i++) {
		strbuf_add(&b, i == 0 ? "?" : "&");
		strbuf_add(&b, parameters[i]);
	}
	return strbuf_finish(&b, ret);
}

static struct series *find_series(const struct replay *r, const char *path)
{
	for (size_t i = 0; i < r->n_series; i++)
		if (str_equal(r->series[i].path, path))
			return &r->series[i];
	return NULL;
}

/* path is taken over on success. */
static int add_series(struct replay *r, char *path, struct series **ret)
{
	struct series *items = reallocarray(r->series, r->n_series + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	r->series = items;
	items[r->n_series] = (struct series){.path = path};
	*ret = &items[r->n_series++];
	return 0;
}

static int add_answer(struct series *s, const struct replay_answer *from)
{
	struct answer *items = reallocarray(s->answers, s->n + 1, sizeof(*items));
	struct answer a = {
		.at = from->at,
		.took = from->took,
		.date = from->date,
		.error = from->error,
		.status = from->status,
		.len = from->len,
	};

	if (!items)
		return -ENOMEM;
	s->answers = items;
	a.type = strdup(from->type ? from->type : "");
	a.body = calloc(1, from->len + 1);
	if (!a.type || !a.body) {
		free(a.type);
		free(a.body);
		return -ENOMEM;
	}
	if (from->len > 0)
		memcpy(a.body, from->body, from->len);
	items[s->n++] = a;
	return 0;
}

int replay_add(struct replay *r, const struct replay_answer *answer)
{
	_cleanup_free_ char *path = NULL;
	struct series *s;
	int k;

	if (answer->at < r->length)
		return -EINVAL;
	k = normalize(answer->path, &path);
	if (k < 0)
		return k;
	/* "host/processes" is no path of Spark's, and has no slash in front. */
	if (*path != '/') {
		_cleanup_free_ char *bare = TAKE_PTR(path);

		k = str_printf(&path, "/%s", bare);
		if (k < 0)
			return k;
	}
	s = find_series(r, path);
	if (!s) {
		k = add_series(r, path, &s);
		if (k < 0)
			return k;
		path = NULL;
	}
	k = add_answer(s, answer);
	if (k < 0)
		return k;
	r->length = answer->at;
	return 0;
}

usec_t replay_length(const struct replay *r)
{
	return r->length;
}

usec_t replay_now(const struct replay *r)
{
	return r->now;
}

void replay_set_time(struct replay *r, usec_t now)
{
	assert(now >= r->now);
	r->now = now;
	for (size_t i = 0; i < r->n_series; i++) {
		struct series *s = &r->series[i];

		while (s->next < s->n && r->origin + s->answers[s->next].at <= now)
			s->next++;
	}
}

/* What follows the host, from the slash on. */
static const char *path_of(const char *url)
{
	const char *host = strstr(url, "://");
	const char *slash = host ? strchr(host + 3, '/') : NULL;

	return slash ? slash : "/";
}

static int replay_send(struct transport *t, const struct transport_ask *ask, transport_done_fn done,
	void *userdata, struct transport_request **ret)
{
	struct replay *r = (struct replay *)t;
	struct transport_request *q;
	struct transport_request **last = &r->waiting;
	int k;

	/* A recording is never acted upon. */
	if (!str_equal(ask->method, "GET"))
		return -EINVAL;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	k = normalize(path_of(ask->url), &q->path);
	if (k < 0) {
		free(q);
		return k;
	}
	q->replay = r;
	q->done = done;
	q->userdata = userdata;
	while (*last)
		last = &(*last)->next;
	*last = *ret = q;
	return 0;
}

static void request_free(struct transport_request *q)
{
	free(q->path);
	free(q);
}

static void replay_cancel(struct transport_request *q)
{
	for (struct transport_request **p = &q->replay->waiting; *p; p = &(*p)->next)
		if (*p == q) {
			*p = q->next;
			request_free(q);
			return;
		}
}

static const struct transport_ops replay_ops = {.send = replay_send, .cancel = replay_cancel};

bool replay_deliver(struct replay *r)
{
	struct transport_request *q = r->waiting;
	struct transport_answer answer = {
		.error = -ENODATA,
		.error_text = "not in the recording",
		.body = "",
		.received = r->now,
		.taken = r->now,
	};
	const struct series *s;

	if (!q)
		return false;
	r->waiting = q->next;
	s = find_series(r, q->path);
	if (s && s->next > 0) {
		const struct answer *a = &s->answers[s->next - 1];

		answer.error = a->error;
		answer.error_text = a->error ? strerror(-a->error) : NULL;
		answer.status = a->status;
		answer.content_type = *a->type ? a->type : NULL;
		answer.body = a->body;
		answer.len = a->len;
		answer.took = a->took;
		answer.date = a->date;
		answer.taken = r->origin + a->at;
	}
	q->done(q->userdata, &answer);
	request_free(q);
	return true;
}

struct transport *replay_transport(struct replay *r)
{
	return &r->transport;
}

int replay_new(usec_t origin, struct replay **ret)
{
	struct replay *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->transport.ops = &replay_ops;
	r->origin = r->now = origin;
	*ret = r;
	return 0;
}

struct replay *replay_free(struct replay *r)
{
	if (!r)
		return NULL;
	while (r->waiting)
		replay_cancel(r->waiting);
	for (size_t i = 0; i < r->n_series; i++) {
		for (size_t k = 0; k < r->series[i].n; k++) {
			free(r->series[i].answers[k].type);
			free(r->series[i].answers[k].body);
		}
		free(r->series[i].answers);
		free(r->series[i].path);
	}
	free(r->series);
	free(r);
	return NULL;
}
