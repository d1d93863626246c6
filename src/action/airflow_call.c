/* SPDX-License-Identifier: Apache-2.0
 * Carries calls to an Airflow: version probe, login, one request after the other, each once more
 * after a stale token. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "action/airflow_call.h"
#include "base/secret.h"
#include "base/strbuf.h"
#include "io/clock.h"

#define MAX_BODY ((size_t)1024 * 1024)
/* What a clear names are whole rows, of all that is downstream. */
#define MAX_LARGE_BODY ((size_t)16 * 1024 * 1024)
/* A token is renewed when so little of its life is left. */
#define TOKEN_MARGIN USEC_PER_MINUTE
/* How long a token is used that does not say when it ends: shorter than any sensible setting. */
#define TOKEN_LIFE_UNKNOWN (10 * USEC_PER_MINUTE)
/* A token of that age which may do nothing may have ended before its time: that of Airflow's auth
 * manager for Keycloak lasts a day, and holds one of Keycloak's that lasts five minutes. */
#define TOKEN_DOUBT USEC_PER_MINUTE

void airflow_drop_token(struct airflow *a)
{
	a->token = secret_free(a->token);
}

static void detach(struct airflow_call *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		c->airflow->calls = c->next;
	if (c->next)
		c->next->prev = c->prev;
}

static void destroy(struct airflow_call *c)
{
	owner_clear(&c->owner);
	owner_hint_clear(&c->hint);
	owner_clear(&c->found[0]);
	owner_clear(&c->found[1]);
	preconditions_clear(&c->preconditions);
	ti_obs_clear(&c->ti);
	task_scope_clear(&c->scope);
	task_graph_clear(&c->graph);
	task_settings_clear(&c->settings);
	free(c->access.dag_id);
	strlist_clear(&c->dags);
	free(c->note);
	free(c);
}

struct airflow_call *airflow_cancel(struct airflow_call *c)
{
	if (!c)
		return NULL;
	transport_cancel(c->airflow->transport, c->request);
	detach(c);
	destroy(c);
	return NULL;
}

void airflow_call_finish(struct airflow_call *c, const struct airflow_result *result)
{
	detach(c);
	c->done(c->userdata, result);
	destroy(c);
}

void airflow_call_end(struct airflow_call *c, enum remedy_reply reply, const char *text)
{
	struct airflow_result result = {.reply = reply, .text = text};

	airflow_call_finish(c, &result);
}

static void finish_error(struct airflow_call *c, int error)
{
	struct airflow_result result = {
		.reply = REPLY_UNCERTAIN,
		.text = strerror(-error),
		.reason = "unreachable",
	};

	airflow_call_finish(c, &result);
}

static void on_answer(void *userdata, const struct transport_answer *answer);

static int build(const struct airflow_call *c, struct airflow_request *ret)
{
	const struct airflow *a = c->airflow;

	switch (c->phase) {
	case PHASE_PROBE_V2:
		return airflow_request_version(AIRFLOW_API_V2, ret);
	case PHASE_PROBE_V1:
		return airflow_request_version(AIRFLOW_API_V1, ret);
	case PHASE_LOGIN:
		return a->is_client ? airflow_request_client_login(
					      a->endpoint.username, a->endpoint.password, ret)
				    : airflow_request_login(
					      a->endpoint.username, a->endpoint.password, ret);
	case PHASE_STEP:
		break;
	}
	return c->step->build(c, ret);
}

static int send_request(struct airflow_call *c, const struct airflow_request *rq)
{
	struct airflow *a = c->airflow;
	_cleanup_free_ char *url = NULL;
	/* Borrowed but for a token of Airflow's own. What lets us in without a login goes along
	 * with each request: something before Airflow may want it, too. */
	struct endpoint endpoint = a->endpoint;
	const char *headers[3] = {"Accept: application/json"};
	bool step = c->phase == PHASE_STEP;
	bool credentials = step && !c->step->open;
	struct transport_ask ask = {
		.method = rq->method,
		.headers = headers,
		.body = rq->body,
		.endpoint = &endpoint,
		.max_body = step && c->step->large ? MAX_LARGE_BODY : MAX_BODY,
		.guard = c->guard,
		.secret = c->phase == PHASE_LOGIN,
	};
	bool own = credentials && a->api == AIRFLOW_API_V2 && a->endpoint.username;
	int r;

	if (!credentials || own)
		endpoint.username = endpoint.password = NULL;
	if (rq->body)
		headers[1] = "Content-Type: application/json";
	if (own) {
		c->token_since = a->token_since;
		r = str_printf(&endpoint.authorization, "Bearer %s", a->token);
		if (r < 0)
			return r;
	}
	r = str_printf(&url, "%s%s", a->endpoint.url, rq->path);
	if (r >= 0) {
		ask.url = url;
		r = transport_send(a->transport, &ask, on_answer, c, &c->request);
	}
	secret_free(endpoint.authorization);
	return r;
}

static int send_phase(struct airflow_call *c)
{
	struct airflow_request rq = {0};
	int r;

	r = build(c, &rq);
	if (r >= 0)
		r = send_request(c, &rq);
	airflow_request_clear(&rq);
	return r;
}

/* Whether the version has to be asked: a check always does, Airflows are upgraded; and where it
 * decides what is safe. */
static bool needs_version(const struct airflow_call *c)
{
	const struct airflow *a = c->airflow;

	return a->api == AIRFLOW_API_UNKNOWN ||
	       (!a->version && (c->task == AIRFLOW_PREPARE || c->task == AIRFLOW_SELFTEST));
}

/* With api= there is one place to ask; else the newer API first. */
static enum airflow_phase probe(const struct airflow *a)
{
	return a->params->api == AIRFLOW_API_V1 ? PHASE_PROBE_V1 : PHASE_PROBE_V2;
}

/* What is missing before a step can be asked: a token, or nothing. */
static enum airflow_phase step_phase(const struct airflow_call *c)
{
	const struct airflow *a = c->airflow;

	if (!c->step->open && a->api == AIRFLOW_API_V2 && a->endpoint.username &&
		(!a->token || clock_realtime() + TOKEN_MARGIN >= a->token_expires))
		return PHASE_LOGIN;
	return PHASE_STEP;
}

static void send_or_finish(struct airflow_call *c, enum airflow_phase phase)
{
	int r;

	c->phase = phase;
	r = send_phase(c);
	if (r < 0)
		finish_error(c, r);
}

/* Once it is known which API it speaks: some steps are of one only. */
static void skip_unwanted(struct airflow_call *c)
{
	while (c->step->wanted && !c->step->wanted(c))
		c->step++;
}

static void next_step(struct airflow_call *c)
{
	c->step++;
	skip_unwanted(c);
	send_or_finish(c, step_phase(c));
}

static const char *reason_of(const struct transport_answer *a)
{
	if (a->error == -ETIMEDOUT)
		return "timeout";
	if (a->error == -EKEYREJECTED)
		return "denied";
	if (a->error < 0)
		return "unreachable";
	if (a->status == 401 || a->status == 403)
		return "denied";
	if (a->status == 404)
		return "not_found";
	if (a->status >= 500 || a->status < 300)
		return a->status >= 500 ? "server_error" : "malformed";
	return "invalid";
}

static enum remedy_reply reply_of(const struct transport_answer *a)
{
	if (a->error < 0 || a->status >= 500 || a->status == 429)
		return REPLY_UNCERTAIN;
	switch (a->status) {
	case 404:
		return REPLY_GONE;
	case 409:
		return REPLY_CONFLICT;
	default:
		return REPLY_REFUSED;
	}
}

/* What a person should know beside the words of the answer. */
static const char *remark(const struct airflow_call *c, const struct transport_answer *a)
{
	if (c->phase == PHASE_LOGIN)
		return " to the login";
	if (c->phase != PHASE_STEP && a->status == 404)
		return " (no API of Airflow there: url is to hold its base path, as in "
		       "http://host:8080/airflow)";
	/* What is between slashes is decoded before it is looked up. */
	if (a->status == 404 && c->owner.run_id && strchr(c->owner.run_id, '/'))
		return " (its API cannot address a run id with a slash)";
	/* FAB lets anonymous through to the check of rights, and refuses there. */
	if (c->phase == PHASE_STEP && c->airflow->api == AIRFLOW_API_V1 && a->status == 403)
		return " (a wrong password or a missing right: Airflow 2 does not tell which)";
	return "";
}

/* In one line, with whose it is and no secret. */
void airflow_call_bad(struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *detail = NULL;
	_cleanup_free_ char *text = NULL;
	struct airflow_result result = {
		.reply = reply_of(a), .reason = reason_of(a), .not_sent = a->error == -ECANCELED};

	if (a->error < 0) {
		(void)str_printf(&text, "%s: %s", c->airflow->endpoint.url, a->error_text);
	} else {
		/* Who echoes a login back would put the password into the log. */
		if (c->phase != PHASE_LOGIN)
			(void)airflow_error_text(a->body, a->len, &detail);
		(void)str_printf(&text, "%s answered %d%s%s%s", c->airflow->endpoint.url, a->status,
			remark(c, a), detail && *detail ? ": " : "", detail ? detail : "");
	}
	if (result.reply == REPLY_CONFLICT || result.not_sent)
		result.reason = NULL; /* no fault of Airflow's */
	result.text = text;
	airflow_call_finish(c, &result);
}

void airflow_call_malformed(struct airflow_call *c, const char *err)
{
	_cleanup_free_ char *text = NULL;
	struct airflow_result result = {.reply = REPLY_UNCERTAIN, .reason = "malformed"};

	(void)str_printf(&text, "%s: not an answer of Airflow: %s", c->airflow->endpoint.url,
		err ? err : "no JSON");
	result.text = text;
	airflow_call_finish(c, &result);
}

static void on_version(struct airflow_call *c, const struct transport_answer *a)
{
	struct airflow *af = c->airflow;
	_cleanup_free_ char *version = NULL;
	_cleanup_free_ char *err = NULL;

	if (a->error == 0 && a->status == 404 && af->params->api == AIRFLOW_API_UNKNOWN) {
		if (c->phase == PHASE_PROBE_V2) {
			send_or_finish(c, PHASE_PROBE_V1);
			return;
		}
		af->api = AIRFLOW_API_UNKNOWN; /* a proxy, or an upgrade in the middle */
	}
	if (a->error < 0 || a->status != 200) {
		airflow_call_bad(c, a);
		return;
	}
	if (airflow_decode_version(a->body, a->len, &version, &err) < 0) {
		airflow_call_malformed(c, err);
		return;
	}
	af->api = c->phase == PHASE_PROBE_V2 ? AIRFLOW_API_V2 : AIRFLOW_API_V1;
	free(af->version);
	af->version = TAKE_PTR(version);
	skip_unwanted(c);
	send_or_finish(c, step_phase(c));
}

static void on_login(struct airflow_call *c, const struct transport_answer *a)
{
	struct airflow *af = c->airflow;
	_cleanup_free_ char *err = NULL;
	char *token = NULL;
	usec_t expires = 0;

	if (c->login_refused && a->error == 0 && (a->status == 401 || a->status == 403)) {
		c->login_refused(c, a);
		return;
	}
	if (a->error < 0 || (a->status != 200 && a->status != 201)) {
		airflow_call_bad(c, a);
		return;
	}
	if (airflow_decode_token(a->body, a->len, &token, &expires, &err) < 0) {
		airflow_call_malformed(c, err);
		return;
	}
	airflow_drop_token(af);
	af->token = token;
	af->token_since = clock_boottime();
	af->token_expires = expires ? expires : clock_realtime() + TOKEN_LIFE_UNKNOWN;
	/* Even a token that is over by our clock is tried once: the clocks may differ. */
	c->relogged = true;
	send_or_finish(c, PHASE_STEP);
}

/* Whether another login may help. A 403 of a young token is a missing right. */
static bool is_stale(const struct airflow_call *c, const struct transport_answer *answer)
{
	const struct airflow *a = c->airflow;

	if (a->api != AIRFLOW_API_V2 || !a->endpoint.username || c->step->open || c->relogged ||
		answer->error < 0)
		return false;
	if (answer->status == 403 && (c->token_since != a->token_since ||
					     clock_boottime() >= a->token_since + TOKEN_DOUBT))
		return true;
	return airflow_token_stale(answer->status, answer->body, answer->len);
}

static void on_step(struct airflow_call *c, const struct transport_answer *answer)
{
	struct airflow *a = c->airflow;

	if (is_stale(c, answer)) {
		/* Another call may have another one already. */
		if (c->token_since == a->token_since)
			airflow_drop_token(a);
		else
			c->relogged = true;
		send_or_finish(c, step_phase(c));
		return;
	}
	if (!c->step->optional &&
		(answer->error < 0 || (answer->status != 200 && !c->step->any_status)))
		airflow_call_bad(c, answer);
	else if (c->step->take(c, answer))
		next_step(c);
}

static void on_answer(void *userdata, const struct transport_answer *answer)
{
	struct airflow_call *c = userdata;

	c->request = NULL;
	switch (c->phase) {
	case PHASE_PROBE_V2:
	case PHASE_PROBE_V1:
		on_version(c, answer);
		return;
	case PHASE_LOGIN:
		on_login(c, answer);
		return;
	case PHASE_STEP:
		on_step(c, answer);
		return;
	}
}

int airflow_call_new(struct airflow *a, int task, const struct airflow_step *steps,
	airflow_done_fn done, struct airflow_call **ret)
{
	struct airflow_call *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->airflow = a;
	c->task = task;
	c->step = steps;
	c->done = done;
	c->owner.map_index = -1;
	c->next = a->calls;
	if (a->calls)
		a->calls->prev = c;
	a->calls = c;
	*ret = c;
	return 0;
}

int airflow_call_start(struct airflow_call *c, struct airflow_call **ret)
{
	int r;

	if (c->task == AIRFLOW_CHECK || needs_version(c)) {
		c->phase = probe(c->airflow);
	} else {
		skip_unwanted(c);
		c->phase = step_phase(c);
	}
	r = send_phase(c);
	if (r < 0)
		airflow_cancel(c);
	else
		*ret = c;
	return r;
}
