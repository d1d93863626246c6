/* SPDX-License-Identifier: Apache-2.0
 * A request waits for its gate in a suspended connection. */
#include "io/http_visit.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "base/strbuf.h"

struct http_visit {
	LIST_ENTRY(http_visit) link; /* while it waits */
	struct http_visits *visits;
	struct MHD_Connection *connection;
	enum http_gate_answer answer; /* HTTP_GATE_WAIT: it waits */
	struct http_caller caller;
	char *name;
};

struct http_visits {
	const struct http_gate *gate;
	void (*resumed)(void *userdata);
	void *userdata;
	LIST_HEAD(, http_visit) waiting;
};

int http_visits_new(void (*resumed)(void *userdata), void *userdata, struct http_visits **ret)
{
	struct http_visits *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->resumed = resumed;
	l->userdata = userdata;
	LIST_INIT(&l->waiting);
	*ret = l;
	return 0;
}

struct http_visits *http_visits_free(struct http_visits *l)
{
	free(l);
	return NULL;
}

/* Takes the caller's name as its own. */
static void settle(
	struct http_visit *v, enum http_gate_answer answer, const struct http_caller *caller)
{
	v->answer = answer;
	if (answer != HTTP_GATE_PASS)
		return;
	v->caller.role = caller->role;
	if (str_replace(&v->name, caller->name) < 0)
		v->answer = HTTP_GATE_BUSY;
	v->caller.name = v->name;
}

void http_visit_tell(
	struct http_visit *v, enum http_gate_answer answer, const struct http_caller *caller)
{
	LIST_REMOVE(v, link);
	settle(v, answer, caller);
	MHD_resume_connection(v->connection);
	v->visits->resumed(v->visits->userdata);
}

void http_visit_give_up(struct http_visit *v)
{
	if (v->answer != HTTP_GATE_WAIT)
		return;
	v->visits->gate->forget(v->visits->gate->userdata, v);
	http_visit_tell(v, HTTP_GATE_BUSY, NULL);
}

void http_visits_abandon(struct http_visits *l)
{
	while (!LIST_EMPTY(&l->waiting))
		http_visit_give_up(LIST_FIRST(&l->waiting));
}

void http_visits_set_gate(struct http_visits *l, const struct http_gate *gate)
{
	http_visits_abandon(l);
	l->gate = gate;
}

static int begin(struct http_visits *l, struct http_visit *v, const struct http_gate_ask *ask)
{
	const struct http_caller anybody = {.role = HTTP_ROLE_READ};
	struct http_gate_ask full = *ask;
	struct http_caller caller = {0};
	enum http_gate_answer answer;

	if (!l->gate) {
		settle(v, HTTP_GATE_PASS, &anybody);
		return 0;
	}
	full.visit = v;
	answer = l->gate->ask(l->gate->userdata, &full, &caller);
	if (answer != HTTP_GATE_WAIT) {
		settle(v, answer, &caller);
		return 0;
	}
	v->answer = HTTP_GATE_WAIT;
	LIST_INSERT_HEAD(&l->waiting, v, link);
	MHD_suspend_connection(v->connection);
	return 1;
}

static int status_of(enum http_gate_answer answer)
{
	switch (answer) {
	case HTTP_GATE_PASS:
		return 0;
	case HTTP_GATE_UNKNOWN:
		return MHD_HTTP_UNAUTHORIZED;
	case HTTP_GATE_TOO_MANY:
		return MHD_HTTP_TOO_MANY_REQUESTS;
	case HTTP_GATE_WAIT:
	case HTTP_GATE_BUSY:
		break;
	}
	return MHD_HTTP_SERVICE_UNAVAILABLE;
}

int http_visits_pass(struct http_visits *l, struct http_visit **visit,
	struct MHD_Connection *connection, const struct http_gate_ask *ask,
	const struct http_caller **ret)
{
	int status;

	if (!*visit) {
		*visit = calloc(1, sizeof(**visit));
		if (!*visit)
			return MHD_HTTP_SERVICE_UNAVAILABLE;
		(*visit)->visits = l;
		(*visit)->connection = connection;
		if (begin(l, *visit, ask) > 0)
			return 1;
	}
	status = status_of((*visit)->answer);
	if (status == 0)
		*ret = &(*visit)->caller;
	return status;
}

struct http_visit *http_visit_free(struct http_visit *v)
{
	if (!v)
		return NULL;
	if (v->answer == HTTP_GATE_WAIT) {
		v->visits->gate->forget(v->visits->gate->userdata, v);
		LIST_REMOVE(v, link);
	}
	free(v->name);
	free(v);
	return NULL;
}
