/* SPDX-License-Identifier: Apache-2.0
 * An Airflow: its parameters, its token, what is known of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "action/airflow.h"
#include "action/airflow_call.h"
#include "base/secret.h"
#include "base/strbuf.h"

const char *const airflow_reasons[] = {"unreachable", "timeout", "denied", "not_found", "invalid",
	"server_error", "malformed", "unhealthy"};
const size_t n_airflow_reasons = ELEMENTSOF(airflow_reasons);

static const char *const apis[] = {"auto", "v1", "v2", NULL};

const struct param_def airflow_params[] = {
	{.name = "url",
		.type = PARAM_STRING,
		.offset = offsetof(struct airflow_params, url),
		.help = "Airflow's base URL"},
	ENDPOINT_PARAMS(struct airflow_params, endpoint),
	{.name = "api",
		.type = PARAM_ENUM,
		.offset = offsetof(struct airflow_params, api),
		.choices = apis,
		.fallback = "auto",
		.help = "v1 (Airflow 2), v2 (Airflow 3), or auto: ask"},
	{.name = "timeout",
		.type = PARAM_DURATION,
		.offset = offsetof(struct airflow_params, timeout),
		.fallback = "15s",
		.min = 100 * USEC_PER_MSEC,
		.max = 10 * USEC_PER_MINUTE,
		.help = "of each request"},
	{.name = "process_timeout",
		.type = PARAM_DURATION,
		.offset = offsetof(struct airflow_params, process_timeout),
		.fallback = "90s",
		.min = USEC_PER_SEC,
		.max = USEC_PER_HOUR,
		.help = "how long the process of a task may go on once its app has ended or it was "
			"failed, where Airflow does not say that it has ended"},
};
const size_t n_airflow_params = ELEMENTSOF(airflow_params);

/* Logs in at Airflow as a client; not to whoever else gives out tokens. */
static bool is_client(const struct endpoint_params *p)
{
	return p->client_id && p->client_secret_file && !p->token_url;
}

const char *airflow_password_key(const struct airflow_params *params, const char **ret_file)
{
	bool client = is_client(&params->endpoint);

	*ret_file = client ? params->endpoint.client_secret_file : params->endpoint.password_file;
	return client ? "client_secret_file" : "password_file";
}

/* Such a client's id and secret stand where a user's name and password do. Borrows. */
static struct endpoint_params as_user(const struct endpoint_params *p)
{
	struct endpoint_params user = *p;

	if (is_client(p) && !p->username) {
		user.username = p->client_id;
		user.password_file = p->client_secret_file;
		user.client_id = user.client_secret_file = NULL;
	}
	return user;
}

/* Airflow has no API for everybody. What stands before it may let us in by a certificate. */
static bool is_somebody(const struct endpoint_params *p, const char *password)
{
	return (p->username && password) || p->bearer_token_file || p->token_url ||
	       p->auth == ENDPOINT_AUTH_NEGOTIATE || p->header_file.n > 0;
}

static int params_check(const struct airflow_params *p, const char *password, char **reterr)
{
	const struct endpoint_params user = as_user(&p->endpoint);
	const char *fault = NULL;
	int r;

	if (!p->url)
		fault = "url is missing";
	else if ((strncmp(p->url, "http://", 7) != 0 && strncmp(p->url, "https://", 8) != 0) ||
		 strpbrk(p->url, "@?#"))
		fault = "url: begins with http:// or https:// and holds no user name or query";
	else if (!user.username != !password || !is_somebody(&user, password))
		fault = "username and password_file are needed, or client_id and "
			"client_secret_file, or bearer_token_file, or token_url, or header_file";
	else if (is_client(&p->endpoint) && p->api == AIRFLOW_API_V1)
		fault = "client_id: without token_url of Airflow 3 alone (api)";
	if (fault) {
		r = str_printf(reterr, "%s", fault);
		return r < 0 ? r : -EINVAL;
	}
	return endpoint_params_check(&user, reterr);
}

int airflow_new(const char *name, const struct airflow_params *params, const char *password,
	struct transport *transport, struct airflow **ret, char **reterr)
{
	_cleanup_(airflow_freep) struct airflow *a = calloc(1, sizeof(*a));
	const struct endpoint_params user = as_user(&params->endpoint);
	int r;

	if (!a)
		return -ENOMEM;
	a->params = params;
	a->transport = transport;
	a->is_client = is_client(&params->endpoint);
	a->api = (enum airflow_api)params->api; /* auto is unknown */
	r = params_check(params, password, reterr);
	if (r >= 0)
		r = str_replace(&a->name, name);
	if (r >= 0)
		r = str_replace(&a->endpoint.url, params->url);
	if (r >= 0)
		r = endpoint_set(&a->endpoint, &user, password);
	if (r < 0)
		return r;
	a->endpoint.timeout = params->timeout;
	for (size_t n = strlen(a->endpoint.url); n > 0 && a->endpoint.url[n - 1] == '/'; n--)
		a->endpoint.url[n - 1] = '\0';
	*ret = TAKE_PTR(a);
	return 0;
}

struct airflow *airflow_free(struct airflow *a)
{
	if (!a)
		return NULL;
	while (a->calls)
		airflow_cancel(a->calls);
	airflow_drop_token(a);
	endpoint_clear(&a->endpoint);
	free(a->version);
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
	return a->endpoint.url;
}

enum airflow_api airflow_speaks(const struct airflow *a)
{
	return a->api;
}

usec_t airflow_process_timeout(const struct airflow *a)
{
	return a->params->process_timeout;
}

const char *airflow_version_text(const struct airflow *a)
{
	return a->version;
}
