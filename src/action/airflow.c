/* SPDX-License-Identifier: Apache-2.0
 * Requests to Airflow: version probe, login, the request itself, once more after a stale token. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "action/airflow.h"
#include "base/strbuf.h"
#include "io/service.h"

#define MAX_BODY ((size_t)1024 * 1024)
/* A token is renewed when so little of its life is left. */
#define TOKEN_MARGIN USEC_PER_MINUTE
/* How long a token is used that does not say when it ends: shorter than any sensible setting. */
#define TOKEN_LIFE_UNKNOWN (10 * USEC_PER_MINUTE)

struct airflow {
	char *name;
	const struct airflow_params *params; /* borrowed: the settings outlive it */
	char *url;                           /* without a slash at the end */
	char *password;
	struct transport *transport;
	enum airflow_api api;
	char *token;
	usec_t token_expires; /* since 1970 */
	struct airflow_call *calls;
};

enum phase {
	PHASE_PROBE_V2,
	PHASE_PROBE_V1,
	PHASE_LOGIN,
	PHASE_REQUEST
};

struct airflow_call {
	struct airflow *airflow;
	struct airflow_call *prev;
	struct airflow_call *next;
	struct transport_request *request;
	enum phase phase;
	bool check; /* health, not op */
	bool relogged;
	enum airflow_op op;
	struct owner owner;
	char *note;
	airflow_done_fn done;
	void *userdata;
};

const char *const airflow_reasons[] = {"unreachable", "timeout", "denied", "not_found", "invalid",
	"server_error", "malformed", "unhealthy"};
const size_t n_airflow_reasons = ELEMENTSOF(airflow_reasons);

static const char *const apis[] = {"auto", "v1", "v2", NULL};

const struct param_def airflow_params[] = {
	{.name = "url",
		.type = PARAM_STRING,
		.offset = offsetof(struct airflow_params, url),
		.help = "Airflow's base URL"},
	{.name = "username",
		.type = PARAM_STRING,
		.offset = offsetof(struct airflow_params, username),
		.help = "a user that may edit DAG runs and task instances"},
	{.name = "password_file",
		.type = PARAM_STRING,
		.offset = offsetof(struct airflow_params, password_file),
		.help = "file, or name of a systemd credential, with the password"},
	{.name = "api",
		.type = PARAM_ENUM,
		.offset = offsetof(struct airflow_params, api),
		.choices = apis,
		.fallback = "auto",
		.help = "v1 (Airflow 2), v2 (Airflow 3), or auto: ask"},
	{.name = "ca_file",
		.type = PARAM_STRING,
		.offset = offsetof(struct airflow_params, ca_file),
		.help = "certificates to trust for https, instead of the system's"},
	{.name = "timeout",
		.type = PARAM_DURATION,
		.offset = offsetof(struct airflow_params, timeout),
		.fallback = "15s",
		.min = 100 * USEC_PER_MSEC,
		.max = 10 * USEC_PER_MINUTE,
		.help = "of each request"},
};
const size_t n_airflow_params = ELEMENTSOF(airflow_params);

static void secret_free(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

static int params_check(const struct airflow_params *p, const char *password, char **reterr)
{
	const char *fault = NULL;
	int r;

	if (!p->url)
		fault = "url is missing";
	else if ((strncmp(p->url, "http://", 7) != 0 && strncmp(p->url, "https://", 8) != 0) ||
		 strpbrk(p->url, "@?#"))
		fault = "url: begins with http:// or https:// and holds no user name or query";
	else if (!p->username || !password)
		fault = "username and password_file are needed";
	if (fault) {
		r = str_printf(reterr, "%s", fault);
		return r < 0 ? r : -EINVAL;
	}
	return 0;
}

int airflow_new(const char *name, const struct airflow_params *params, const char *password,
	struct transport *transport, struct airflow **ret, char **reterr)
{
	_cleanup_(airflow_freep) struct airflow *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	a->params = params;
	a->transport = transport;
	a->api = (enum airflow_api)params->api; /* auto is unknown */
	r = params_check(params, password, reterr);
	if (r >= 0)
		r = str_replace(&a->name, name);
	if (r >= 0)
		r = str_replace(&a->url, params->url);
	if (r >= 0)
		r = str_replace(&a->password, password);
	if (r < 0)
		return r;
	for (size_t n = strlen(a->url); n > 0 && a->url[n - 1] == '/'; n--)
		a->url[n - 1] = '\0';
	*ret = TAKE_PTR(a);
	return 0;
}

struct airflow *airflow_free(struct airflow *a)
{
	if (!a)
		return NULL;
	while (a->calls)
		airflow_cancel(a->calls);
	free(a->url);
	secret_free(a->password);
	secret_free(a->token);
	free(a->name);
	free(a);
	return NULL;
}

const char *airflow_name(const struct airflow *a)
{
	return a->name;
}

const char *airflow_url(const struct airflow *a)
{
	return a->url;
}

enum airflow_api airflow_speaks(const struct airflow *a)
{
	return a->api;
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

/* The callback may end the last user of this Airflow, and with it the Airflow. */
static void finish(struct airflow_call *c, const struct airflow_result *result)
{
	detach(c);
	c->done(c->userdata, result);
	destroy(c);
}

static void finish_error(struct airflow_call *c, int error)
{
	struct airflow_result result = {
		.reply = REPLY_UNCERTAIN,
		.text = strerror(-error),
		.reason = "unreachable",
	};

	finish(c, &result);
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
		return airflow_request_login(a->params->username, a->password, ret);
	case PHASE_REQUEST:
		break;
	}
	if (c->check)
		return airflow_request_health(a->api, ret);
	switch (c->op) {
	case AIRFLOW_LOOK:
		return airflow_request_get(a->api, &c->owner, ret);
	case AIRFLOW_NOTE:
		return airflow_request_set_note(&c->owner, c->note, ret);
	case AIRFLOW_FAIL:
		return airflow_request_fail(a->api, &c->owner, c->note, ret);
	case AIRFLOW_CLEAR:
		return airflow_request_clear_task(a->api, &c->owner, ret);
	}
	return -EINVAL;
}

static int send_request(struct airflow_call *c, const struct airflow_request *rq)
{
	struct airflow *a = c->airflow;
	_cleanup_free_ char *url = NULL;
	char *bearer = NULL;
	const char *headers[4] = {"Accept: application/json"};
	size_t n = 1;
	struct transport_ask ask = {
		.method = rq->method,
		.headers = headers,
		.body = rq->body,
		.ca_file = a->params->ca_file,
		.timeout = a->params->timeout,
		.max_body = MAX_BODY,
	};
	bool credentials = c->phase == PHASE_REQUEST && !c->check;
	int r;

	if (rq->body)
		headers[n++] = "Content-Type: application/json";
	if (credentials && a->api == AIRFLOW_API_V2) {
		r = str_printf(&bearer, "Authorization: Bearer %s", a->token);
		if (r < 0)
			return r;
		headers[n++] = bearer;
	} else if (credentials) {
		ask.username = a->params->username;
		ask.password = a->password;
	}
	r = str_printf(&url, "%s%s", a->url, rq->path);
	if (r >= 0) {
		ask.url = url;
		r = transport_send(a->transport, &ask, on_answer, c, &c->request);
	}
	secret_free(bearer);
	return r;
}

static int send_phase(struct airflow_call *c)
{
	struct airflow_request rq = {0};
	int r;

	r = build(c, &rq);
	if (r >= 0)
		r = send_request(c, &rq);
	if (rq.body && c->phase == PHASE_LOGIN)
		explicit_bzero(rq.body, strlen(rq.body));
	airflow_request_clear(&rq);
	return r;
}

/* The first thing that is missing: the API, then a token, then nothing. */
static enum phase first_phase(const struct airflow_call *c)
{
	const struct airflow *a = c->airflow;

	if (a->api == AIRFLOW_API_UNKNOWN)
		return PHASE_PROBE_V2;
	if (!c->check && a->api == AIRFLOW_API_V2 &&
		(!a->token || clock_realtime() + TOKEN_MARGIN >= a->token_expires))
		return PHASE_LOGIN;
	return PHASE_REQUEST;
}

static void proceed(struct airflow_call *c)
{
	int r;

	c->phase = first_phase(c);
	r = send_phase(c);
	if (r < 0)
		finish_error(c, r);
}

static const char *reason_of(const struct transport_answer *a)
{
	if (a->error == -ETIMEDOUT)
		return "timeout";
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

/* An answer that is not the one hoped for, in one line, with whose it is and no secret. */
static void finish_bad(struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *detail = NULL;
	_cleanup_free_ char *text = NULL;
	struct airflow_result result = {.reply = reply_of(a), .reason = reason_of(a)};

	if (a->error < 0) {
		(void)str_printf(&text, "%s: %s", c->airflow->url, a->error_text);
	} else {
		/* Who echoes a login back would put the password into the log. */
		if (c->phase != PHASE_LOGIN)
			(void)airflow_error_text(a->body, a->len, &detail);
		(void)str_printf(&text, "%s answered %d%s%s%s", c->airflow->url, a->status,
			c->phase == PHASE_LOGIN ? " to the login" : "",
			detail && *detail ? ": " : "", detail ? detail : "");
	}
	if (result.reply == REPLY_CONFLICT)
		result.reason = NULL;
	result.text = text;
	finish(c, &result);
}

static void finish_malformed(struct airflow_call *c, const char *err)
{
	_cleanup_free_ char *text = NULL;
	struct airflow_result result = {.reply = REPLY_UNCERTAIN, .reason = "malformed"};

	(void)str_printf(
		&text, "%s: not an answer of Airflow: %s", c->airflow->url, err ? err : "no JSON");
	result.text = text;
	finish(c, &result);
}

static void on_version(struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *version = NULL;
	_cleanup_free_ char *err = NULL;

	if (a->error == 0 && a->status == 404 && c->phase == PHASE_PROBE_V2) {
		int r;

		c->phase = PHASE_PROBE_V1;
		r = send_phase(c);
		if (r < 0)
			finish_error(c, r);
		return;
	}
	if (a->error < 0 || a->status != 200) {
		finish_bad(c, a);
		return;
	}
	if (airflow_decode_version(a->body, a->len, &version, &err) < 0) {
		finish_malformed(c, err);
		return;
	}
	c->airflow->api = c->phase == PHASE_PROBE_V2 ? AIRFLOW_API_V2 : AIRFLOW_API_V1;
	proceed(c);
}

static void on_login(struct airflow_call *c, const struct transport_answer *a)
{
	struct airflow *af = c->airflow;
	_cleanup_free_ char *err = NULL;
	char *token = NULL;
	usec_t expires = 0;

	if (a->error < 0 || (a->status != 200 && a->status != 201)) {
		finish_bad(c, a);
		return;
	}
	if (airflow_decode_token(a->body, a->len, &token, &expires, &err) < 0) {
		finish_malformed(c, err);
		return;
	}
	secret_free(af->token);
	af->token = token;
	af->token_expires = expires ? expires : clock_realtime() + TOKEN_LIFE_UNKNOWN;
	/* Even a token that is over by our clock is tried once: the clocks may differ. */
	c->relogged = true;
	c->phase = PHASE_REQUEST;
	if (send_phase(c) < 0)
		finish_error(c, -ENOMEM);
}

static void on_health(struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *err = NULL;
	struct airflow_result result = {.reply = REPLY_DONE};
	bool healthy = false;

	if (airflow_decode_health(a->body, a->len, &healthy, &err) < 0) {
		finish_malformed(c, err);
		return;
	}
	if (!healthy) {
		result.reply = REPLY_UNCERTAIN;
		result.reason = "unhealthy";
		result.text = "Airflow says that its scheduler is not healthy";
	}
	finish(c, &result);
}

static void on_task(struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *err = NULL;
	struct ti_obs task = {0};
	struct airflow_result result = {.reply = REPLY_DONE, .task = &task};

	if (airflow_decode_ti(a->body, a->len, &c->owner, &task, &err) < 0) {
		finish_malformed(c, err);
		return;
	}
	finish(c, &result);
	ti_obs_clear(&task);
}

static void on_cleared(struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *err = NULL;
	struct airflow_result result = {.reply = REPLY_DONE};
	size_t n = 0;
	bool ours = false;

	if (airflow_decode_cleared(a->body, a->len, &c->owner, &n, &ours, &err) < 0) {
		finish_malformed(c, err);
		return;
	}
	if (!ours) {
		result.reply = REPLY_NOTHING;
		result.text = "the clear named no task instance of ours";
	}
	finish(c, &result);
}

static void on_accepted(struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *err = NULL;
	struct airflow_result result = {.reply = REPLY_DONE};

	if (airflow_decode_accepted(a->body, a->len, &err) < 0)
		finish_malformed(c, err);
	else
		finish(c, &result);
}

static void on_good(struct airflow_call *c, const struct transport_answer *a)
{
	if (c->check)
		on_health(c, a);
	else if (c->op == AIRFLOW_LOOK)
		on_task(c, a);
	else if (c->op == AIRFLOW_CLEAR)
		on_cleared(c, a);
	else
		on_accepted(c, a);
}

static void on_answer(void *userdata, const struct transport_answer *answer)
{
	struct airflow_call *c = userdata;
	struct airflow *a = c->airflow;

	c->request = NULL;
	switch (c->phase) {
	case PHASE_PROBE_V2:
	case PHASE_PROBE_V1:
		on_version(c, answer);
		return;
	case PHASE_LOGIN:
		on_login(c, answer);
		return;
	case PHASE_REQUEST:
		break;
	}
	if (answer->error == 0 && answer->status == 200) {
		on_good(c, answer);
		return;
	}
	/* A proxy or an upgrade: Airflow may speak another API by now. */
	if (answer->error == 0 && answer->status == 404 && a->params->api == 0 && c->check)
		a->api = AIRFLOW_API_UNKNOWN;
	if (a->api == AIRFLOW_API_V2 && !c->check && !c->relogged && answer->error == 0 &&
		airflow_token_stale(answer->status, answer->body, answer->len)) {
		secret_free(a->token);
		a->token = NULL;
		proceed(c);
		return;
	}
	finish_bad(c, answer);
}

static int call_new(
	struct airflow *a, airflow_done_fn done, void *userdata, struct airflow_call **ret)
{
	struct airflow_call *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->airflow = a;
	c->done = done;
	c->userdata = userdata;
	c->owner.map_index = -1;
	c->next = a->calls;
	if (a->calls)
		a->calls->prev = c;
	a->calls = c;
	*ret = c;
	return 0;
}

static int call_start(struct airflow_call *c)
{
	c->phase = first_phase(c);
	return send_phase(c);
}

int airflow_do(struct airflow *a, const struct airflow_ask *ask, airflow_done_fn done,
	void *userdata, struct airflow_call **ret)
{
	struct airflow_call *c = NULL;
	int r;

	r = call_new(a, done, userdata, &c);
	if (r < 0)
		return r;
	c->op = ask->op;
	r = owner_copy(ask->owner, &c->owner);
	if (r >= 0)
		r = str_replace(&c->note, ask->note);
	if (r >= 0)
		r = call_start(c);
	if (r < 0) {
		airflow_cancel(c);
		return r;
	}
	*ret = c;
	return 0;
}

int airflow_check(
	struct airflow *a, airflow_done_fn done, void *userdata, struct airflow_call **ret)
{
	struct airflow_call *c = NULL;
	int r;

	r = call_new(a, done, userdata, &c);
	if (r < 0)
		return r;
	c->check = true;
	r = call_start(c);
	if (r < 0) {
		airflow_cancel(c);
		return r;
	}
	*ret = c;
	return 0;
}
