/* SPDX-License-Identifier: Apache-2.0
 * A transport that answers what a test says, and a clock that stands until the test moves it. So a
 * minute of polls takes no time, and an answer comes when the test wants it.
 *
 *	struct fake f;
 *
 *	fake_init(&f);
 *	fake_json(&f, "GET *" "/api/v1/applications", "[...]");
 *	fake_set(&f, "GET *" "/jobs?*", (struct fake_answer){.status = 403, .body = "no"});
 *	fake_set(&f, "GET http://slow*", (struct fake_answer){.hangs = true});
 *	context.transport = &f.transport;
 *	context.clock = &f.clock;
 *	... the code under test sends ...
 *	fake_run(&f);                     answers all that can be answered now
 *	fake_advance(&f, USEC_PER_SEC);   lets time go by, answers and time limits come on time
 *	fake_loop(&f, event, USEC_PER_SEC);   the same, with the timers and all else of a loop
 *	assert_int_equal(fake_n_asked(&f, "GET *" "/jobs?*"), 1);
 *	fake_clear(&f);
 *
 * A pattern is one of fnmatch(3), held against "METHOD URL" and "METHOD URL BODY". The one that was
 * set last wins; what no pattern fits is up to fake.otherwise, or fails the test. */
#pragma once

#include <errno.h>
#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "fake_clock.h"
#include "io/transport.h"

#define FAKE_TIMEOUT (10 * USEC_PER_SEC)

/* What comes back. Texts are borrowed until the pattern is set anew, or the fake is cleared. */
struct fake_answer {
	int error; /* 0: there is an answer; else as in struct transport_answer */
	const char *error_text;
	int status;
	const char *type; /* NULL: none */
	const char *body; /* NULL: an empty one */
	size_t len;       /* 0: strlen(body) */
	usec_t date;
	usec_t retry_after;
	usec_t after;   /* so long after it was asked; 0: at the next fake_run() */
	bool hangs;     /* nothing until the request's time limit */
	unsigned times; /* used so often, then the pattern is gone; 0: for ever */
};

struct fake_rule {
	char *pattern;
	struct fake_answer answer;
	struct fake_rule *next;
};

/* What was asked, oldest first; also what was cancelled. */
struct fake_asked {
	char *what;         /* "METHOD URL" */
	char *body;         /* NULL: none */
	char *with_body;    /* "METHOD URL BODY"; NULL: there is none */
	char *headers;      /* a line each */
	struct endpoint as; /* copied */
	enum transport_places places;
	usec_t at;
};

struct transport_request {
	struct fake *fake;
	struct transport_request *next;
	char *what;
	char *with_body;      /* what, and the body; NULL: there is none */
	char *headers;        /* a line each; NULL: none */
	const char *username; /* of its endpoint; NULL: none; borrowed of what was asked */
	const struct guard *guard;
	usec_t sent;
	usec_t limit; /* when it times out */
	transport_done_fn done;
	void *userdata;
};

/* What is answered to "METHOD URL" where no pattern fits. Texts are borrowed until the next call.
 */
typedef void (*fake_otherwise_fn)(
	void *userdata, const struct transport_request *request, struct fake_answer *ret);

struct fake {
	struct transport transport; /* first */
	struct clock clock;
	usec_t now;
	usec_t wall;
	struct fake_rule *rules;           /* newest first */
	struct transport_request *waiting; /* oldest first */
	struct fake_asked *asked;
	size_t n_asked;
	usec_t latency;              /* that each answer takes at least */
	bool kept;                   /* answers come over the connections of earlier requests */
	bool in_line;                /* what waits has not been sent yet */
	fake_otherwise_fn otherwise; /* NULL: fails the test */
	void *userdata;
};

static inline usec_t fake_clock_now(void *userdata)
{
	return ((struct fake *)userdata)->now;
}

static inline usec_t fake_clock_wall(void *userdata)
{
	return ((struct fake *)userdata)->wall;
}

static inline void fake_request_free(struct transport_request *r)
{
	free(r->what);
	free(r->with_body);
	free(r->headers);
	free(r);
}

static inline void fake_unlink(struct transport_request *r)
{
	for (struct transport_request **p = &r->fake->waiting; *p; p = &(*p)->next)
		if (*p == r) {
			*p = r->next;
			return;
		}
}

static inline void fake_cancel(struct transport_request *r)
{
	if (!r->done)
		return; /* its callback runs */
	fake_unlink(r);
	fake_request_free(r);
}

static inline void fake_note(struct fake *f, const struct transport_ask *ask, const char *what)
{
	struct strbuf headers = {0};
	struct fake_asked *a;

	f->asked = reallocarray(f->asked, f->n_asked + 1, sizeof(*f->asked));
	assert_non_null(f->asked);
	a = &f->asked[f->n_asked++];
	*a = (struct fake_asked){.places = ask->places, .at = f->now};
	assert_true(str_replace(&a->what, what) >= 0);
	assert_true(str_replace(&a->body, ask->body) >= 0);
	if (ask->body)
		assert_true(str_printf(&a->with_body, "%s %s", what, ask->body) >= 0);
	assert_int_equal(endpoint_copy(&a->as, transport_endpoint(ask)), 0);
	for (size_t i = 0; ask->headers && ask->headers[i]; i++)
		strbuf_addf(&headers, "%s\n", ask->headers[i]);
	if (headers.len > 0)
		assert_int_equal(strbuf_finish(&headers, &a->headers), 0);
}

static inline int fake_send(struct transport *t, const struct transport_ask *ask,
	transport_done_fn done, void *userdata, struct transport_request **ret)
{
	struct fake *f = (struct fake *)t;
	struct transport_request **last = &f->waiting;
	struct transport_request *r = calloc(1, sizeof(*r));
	usec_t timeout = transport_endpoint(ask)->timeout;

	assert_non_null(r);
	assert_true(str_printf(&r->what, "%s %s", ask->method, ask->url) >= 0);
	fake_note(f, ask, r->what);
	assert_true(str_replace(&r->with_body, f->asked[f->n_asked - 1].with_body) >= 0);
	r->username = f->asked[f->n_asked - 1].as.username;
	assert_true(str_replace(&r->headers, f->asked[f->n_asked - 1].headers) >= 0);
	r->guard = ask->guard;
	r->fake = f;
	r->sent = f->now;
	r->limit = f->now + (timeout ? timeout : FAKE_TIMEOUT);
	r->done = done;
	r->userdata = userdata;
	while (*last)
		last = &(*last)->next;
	*last = *ret = r;
	return 0;
}

static inline bool fake_waits(const struct transport_request *r)
{
	return r->fake->in_line;
}

static inline void fake_init(struct fake *f)
{
	static const struct transport_ops ops = {
		.send = fake_send, .cancel = fake_cancel, .waits = fake_waits};

	*f = (struct fake){.transport.ops = &ops,
		.clock = {.now = fake_clock_now, .wall = fake_clock_wall, .userdata = f},
		.now = FAKE_START,
		.wall = FAKE_WALL};
	fake_time_use(&f->now, &f->wall);
}

static inline void fake_unset(struct fake *f, const char *pattern)
{
	for (struct fake_rule **p = &f->rules; *p; p = &(*p)->next)
		if (str_equal((*p)->pattern, pattern)) {
			struct fake_rule *rule = *p;

			*p = rule->next;
			free(rule->pattern);
			free(rule);
			return;
		}
}

static inline void fake_set(struct fake *f, const char *pattern, struct fake_answer answer)
{
	struct fake_rule *rule = calloc(1, sizeof(*rule));

	assert_non_null(rule);
	if (answer.times == 0)
		fake_unset(f, pattern);
	assert_true(str_replace(&rule->pattern, pattern) >= 0);
	rule->answer = answer;
	rule->next = f->rules;
	f->rules = rule;
}

static inline void fake_json(struct fake *f, const char *pattern, const char *body)
{
	fake_set(f, pattern,
		(struct fake_answer){.status = 200, .type = "application/json", .body = body});
}

/* What was asked is gone; nothing may wait for an answer. */
static inline void fake_forget(struct fake *f)
{
	for (size_t i = 0; i < f->n_asked; i++) {
		free(f->asked[i].what);
		free(f->asked[i].body);
		free(f->asked[i].with_body);
		free(f->asked[i].headers);
		endpoint_clear(&f->asked[i].as);
	}
	free(f->asked);
	f->asked = NULL;
	f->n_asked = 0;
}

static inline void fake_clear(struct fake *f)
{
	while (f->waiting)
		fake_cancel(f->waiting);
	while (f->rules)
		fake_unset(f, f->rules->pattern);
	fake_forget(f);
	*f = (struct fake){0};
	fake_time_use(NULL, NULL);
	fake_log_clear();
}

static inline bool fake_fits(const char *pattern, const char *what)
{
	return what && fnmatch(pattern, what, 0) == 0;
}

/* How often something that fits the pattern was asked. */
static inline size_t fake_n_asked(const struct fake *f, const char *pattern)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_asked; i++)
		n += fake_fits(pattern, f->asked[i].what) ||
		     fake_fits(pattern, f->asked[i].with_body);
	return n;
}

/* The place in what was asked of the first that fits; fails the test where none does. */
static inline size_t fake_first_asked(const struct fake *f, const char *pattern)
{
	for (size_t i = 0; i < f->n_asked; i++)
		if (fake_fits(pattern, f->asked[i].what) ||
			fake_fits(pattern, f->asked[i].with_body))
			return i;
	fail_msg("\"%s\" was never asked", pattern);
	return 0;
}

/* How many requests wait for their answer. */
static inline size_t fake_n_waiting(const struct fake *f)
{
	size_t n = 0;

	for (const struct transport_request *r = f->waiting; r; r = r->next)
		n++;
	return n;
}

/* NULL: it is up to otherwise. */
static inline struct fake_rule *fake_rule_of(const struct transport_request *r)
{
	for (struct fake_rule *rule = r->fake->rules; rule; rule = rule->next)
		if (fake_fits(rule->pattern, r->what) || fake_fits(rule->pattern, r->with_body))
			return rule;
	if (!r->fake->otherwise) {
		print_error("nothing answers \"%s\"\n", r->what);
		fail();
	}
	return NULL;
}

/* When the request gets its answer. */
static inline usec_t fake_due(const struct transport_request *r)
{
	const struct fake_rule *rule = fake_rule_of(r);
	const struct fake_answer a = rule ? rule->answer : (struct fake_answer){0};
	usec_t after = a.after > r->fake->latency ? a.after : r->fake->latency;
	usec_t at = a.hangs ? USEC_INFINITY : r->sent + after;

	return at < r->limit ? at : r->limit;
}

/* The answer is read anew at the moment it is given: a test may change its mind. */
static inline void fake_deliver(struct transport_request *r)
{
	struct fake *f = r->fake;
	struct fake_rule *rule = fake_rule_of(r);
	struct fake_answer from = rule ? rule->answer : (struct fake_answer){0};
	struct transport_answer a = {.body = "", .received = f->now, .taken = f->now};
	transport_done_fn done = r->done;

	a.took = f->now - r->sent;
	/* What hangs was sent. */
	if (!from.hangs && !guard_open(r->guard))
		from = (struct fake_answer){.error = -ECANCELED, .error_text = "not sent"};
	else if (!rule)
		f->otherwise(f->userdata, r, &from);
	if (from.hangs || from.after > r->limit - r->sent) {
		a.error = -ETIMEDOUT;
		a.error_text = "timed out";
	} else if (from.error < 0) {
		a.error = from.error;
		a.error_text = from.error_text ? from.error_text : strerror(-from.error);
	} else {
		a.status = from.status;
		a.content_type = from.type;
		a.body = from.body ? from.body : "";
		a.len = from.len ? from.len : strlen(a.body);
		a.date = from.date;
		a.retry_after = from.retry_after;
		a.wall = f->wall;
		a.kept = f->kept;
	}
	if (from.times == 1)
		fake_unset(f, rule->pattern);
	else if (from.times > 1)
		rule->answer.times--;
	fake_unlink(r);
	r->done = NULL;
	done(r->userdata, &a);
	fake_request_free(r);
}

/* The request that is answered next, and when; NULL: none waits. */
static inline struct transport_request *fake_next(const struct fake *f, usec_t *ret_due)
{
	struct transport_request *next = NULL;

	*ret_due = USEC_INFINITY;
	for (struct transport_request *r = f->waiting; r; r = r->next) {
		usec_t due = fake_due(r);

		if (!next || due < *ret_due) {
			next = r;
			*ret_due = due;
		}
	}
	return next;
}

/* Answers in order of time, until nothing is left that is due by then. */
static inline void fake_run_until(struct fake *f, usec_t end)
{
	struct transport_request *r;
	usec_t due;

	while ((r = fake_next(f, &due)) && due <= end) {
		if (due > f->now) {
			f->wall += due - f->now;
			f->now = due;
		}
		fake_deliver(r);
	}
	f->wall += end - f->now;
	f->now = end;
}

static inline void fake_run(struct fake *f)
{
	fake_run_until(f, f->now);
}

static inline void fake_advance(struct fake *f, usec_t length)
{
	fake_run_until(f, f->now + length);
}

/* The loop does all that it can do now, answers included. */
static inline void fake_settle(struct fake *f, sd_event *event)
{
	struct transport_request *r;
	usec_t due;
	bool more;

	do {
		more = false;
		while (sd_event_get_state(event) != SD_EVENT_FINISHED && sd_event_run(event, 0) > 0)
			more = true;
		r = fake_next(f, &due);
		if (r && due <= f->now) {
			fake_deliver(r);
			more = true;
		}
	} while (more);
}

/* Lets time go by for a loop: timers fire and answers come on time, and nothing is waited for. */
static inline void fake_loop(struct fake *f, sd_event *event, usec_t length)
{
	usec_t end = f->now + length;

	for (;;) {
		usec_t at;

		fake_settle(f, event);
		(void)fake_next(f, &at);
		if (fake_timer_next() < at)
			at = fake_timer_next();
		if (at > end)
			break;
		if (at > f->now) {
			f->wall += at - f->now;
			f->now = at;
		}
		if (fake_timer_next() <= at)
			fake_timer_fire();
	}
	f->wall += end - f->now;
	f->now = end;
}
