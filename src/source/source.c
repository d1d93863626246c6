/* SPDX-License-Identifier: Apache-2.0
 * The table of source types, and what they share. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "source/source.h"
#include "source/types.h"

static const struct {
	struct source *(*alloc)(void);
	const struct source_ops *ops;
} source_table[] = {
	{source_driver_alloc, &source_driver_ops},
	{source_standalone_alloc, &source_standalone_ops},
};

/* In the order of source_table. */
static const char *const types[] = {"driver", "standalone", NULL};
_Static_assert(ELEMENTSOF(types) == ELEMENTSOF(source_table) + 1, "a name per source");

/* A page of a busy master lists every app it knows. */
#define MAX_BODY ((size_t)16 * 1024 * 1024)

const struct param_def source_params[] = {
	{.name = "type",
		.type = PARAM_ENUM,
		.offset = offsetof(struct source_params, type),
		.choices = types,
		.fallback = "driver",
		.help = "driver: a list of driver UIs; standalone: a Spark standalone master"},
	{.name = "url",
		.type = PARAM_LIST,
		.offset = offsetof(struct source_params, url),
		.help = "where to ask; may be repeated; driver: a port range as in "
			"http://host:4040-4056; standalone: the masters' web addresses"},
	{.name = "username",
		.type = PARAM_STRING,
		.offset = offsetof(struct source_params, username),
		.help = "basic authentication, sent to the URLs of this section only"},
	{.name = "password_file",
		.type = PARAM_STRING,
		.offset = offsetof(struct source_params, password_file),
		.help = "file, or name of a systemd credential, with the password"},
	{.name = "ca_file",
		.type = PARAM_STRING,
		.offset = offsetof(struct source_params, ca_file),
		.help = "certificates to trust for https, instead of the system's"},
	{.name = "timeout",
		.type = PARAM_DURATION,
		.offset = offsetof(struct source_params, timeout),
		.fallback = "10s",
		.min = 100 * USEC_PER_MSEC,
		.max = 10 * USEC_PER_MINUTE,
		.help = "of each request"},
};
const size_t n_source_params = ELEMENTSOF(source_params);

void target_clear(struct target *t)
{
	free(t->url);
	free(t->app_id);
	free(t->name);
	free(t->user);
	*t = (struct target){0};
}

/* A copy of the URLs without the slashes at their ends, each checked to be one. */
static int take_urls(struct source *s, char **reterr)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < s->params->url.n; i++) {
		const char *url = s->params->url.items[i];

		if ((strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) ||
			strpbrk(url, "@?#")) {
			r = str_printf(reterr,
				"%s: a URL begins with http:// or https://, without user name or "
				"query",
				url);
			return r < 0 ? r : -EINVAL;
		}
		r = strlist_add(&s->urls, url);
		if (r < 0)
			return r;
		for (size_t n = strlen(url); n > 0 && url[n - 1] == '/'; n--)
			s->urls.items[i][n - 1] = '\0';
	}
	if (s->urls.n == 0) {
		r = str_printf(reterr, "url is missing");
		return r < 0 ? r : -EINVAL;
	}
	return 0;
}

int source_new(const char *name, const struct source_params *params, const char *password,
	struct transport *transport, struct source **ret, char **reterr)
{
	struct source *s = source_table[params->type].alloc();
	int r;

	if (!s)
		return -ENOMEM;
	s->ops = source_table[params->type].ops;
	s->params = params;
	s->transport = transport;
	r = str_replace(&s->name, name);
	if (r >= 0)
		r = str_replace(&s->password, password);
	if (r >= 0)
		r = take_urls(s, reterr);
	if (r >= 0)
		r = s->ops->check(s, reterr);
	if (r < 0) {
		source_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

struct source *source_free(struct source *s)
{
	if (!s)
		return NULL;
	s->ops->cancel_list(s);
	strlist_clear(&s->urls);
	if (s->password)
		explicit_bzero(s->password, strlen(s->password));
	free(s->password);
	free(s->name);
	s->ops->free(s);
	return NULL;
}

int source_get(struct source *s, const char *url, transport_done_fn done, void *userdata,
	struct transport_request **ret)
{
	struct transport_ask ask = {
		.method = "GET",
		.url = url,
		.username = s->params->username,
		.password = s->password,
		.ca_file = s->params->ca_file,
		.timeout = s->params->timeout,
		.max_body = MAX_BODY,
	};

	return transport_send(s->transport, &ask, done, userdata, ret);
}

int source_call_new(struct source *s, const struct app_ref *ref, const char *url,
	transport_done_fn done, struct source_call **ret)
{
	struct source_call *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->source = s;
	c->pid = ref->pid;
	c->pid_started = ref->pid_started;
	r = str_replace(&c->app_id, ref->app_id);
	if (r >= 0)
		r = source_get(s, url, done, c, &c->request);
	if (r < 0) {
		source_call_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

void source_call_finish(struct source_call *call, enum app_end end, const char *text)
{
	source_looked_fn fn = call->fn;
	void *userdata = call->userdata;

	source_call_free(call);
	fn(userdata, end, text);
}

struct source_call *source_call_free(struct source_call *call)
{
	if (!call)
		return NULL;
	transport_cancel(call->source->transport, call->request);
	free(call->app_id);
	free(call);
	return NULL;
}
