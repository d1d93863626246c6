/* SPDX-License-Identifier: Apache-2.0
 * The table of source types, the keys of [spark NAME], and how a source is made of them. */
#include "source/types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

static const struct {
	struct source *(*alloc)(void);
	const struct source_ops *ops;
} source_table[] = {
	{source_static_list_alloc, &source_static_list_ops},
	{source_standalone_alloc, &source_standalone_ops},
	{source_yarn_alloc, &source_yarn_ops},
};

/* In the order of source_table. */
static const char *const types[] = {"driver", "standalone", "yarn", NULL};
_Static_assert(ELEMENTSOF(types) == ELEMENTSOF(source_table) + 1, "a name per source");

const struct param_def source_params[] = {
	{.name = "type",
		.type = PARAM_ENUM,
		.offset = offsetof(struct source_params, type),
		.choices = types,
		.fallback = "driver",
		.help = "driver: a list of driver UIs; standalone: a Spark standalone master; "
			"yarn: a ResourceManager"},
	{.name = "url",
		.type = PARAM_LIST,
		.offset = offsetof(struct source_params, url),
		.help = "where to ask; may be repeated; driver: a port range as in "
			"http://host:4040-4056; standalone, yarn: the web addresses of the "
			"masters or ResourceManagers"},
	{.name = "username",
		.type = PARAM_STRING,
		.offset = offsetof(struct source_params, username),
		.help = "basic authentication, sent to the URLs of this section only; without "
			"password_file: Hadoop's simple authentication, user.name="},
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
		.help = "of each request, from its beginning on the wire"},
	{.name = "max_body",
		.type = PARAM_SIZE,
		.offset = offsetof(struct source_params, max_body),
		.fallback = "16M",
		.min = (uint64_t)64 * 1024,
		.max = (uint64_t)1024 * 1024 * 1024,
		.help = "the largest answer that is read; of a thread dump three times that"},
};
const size_t n_source_params = ELEMENTSOF(source_params);

/* A copy of the URLs without the slashes at their ends, each checked to be one. */
static int take_urls(struct source *s, const struct strlist *from, char **reterr)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < from->n; i++) {
		const char *url = from->items[i];

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

static int make_endpoints(struct source *s, const char *name, const struct source_params *params,
	const char *password)
{
	int r;

	s->bare.timeout = params->timeout;
	s->bare.max_body = params->max_body;
	r = str_replace(&s->bare.cluster, name);
	if (r >= 0)
		r = endpoint_copy(&s->endpoint, &s->bare);
	if (r >= 0)
		r = str_replace(&s->endpoint.username, params->username);
	if (r >= 0)
		r = str_replace(&s->endpoint.password, password);
	if (r >= 0)
		r = str_replace(&s->endpoint.ca_file, params->ca_file);
	return r;
}

int source_new(const char *name, const struct source_params *params, const char *password,
	struct transport *transport, struct source **ret, char **reterr)
{
	struct source *s = source_table[params->type].alloc();
	int r;

	if (!s)
		return -ENOMEM;
	s->ops = source_table[params->type].ops;
	s->transport = transport;
	r = str_replace(&s->name, name);
	if (r >= 0)
		r = make_endpoints(s, name, params, password);
	if (r >= 0)
		r = take_urls(s, &params->url, reterr);
	if (r >= 0)
		s->asked = calloc(s->urls.n + 1, sizeof(*s->asked));
	if (r >= 0)
		r = s->asked ? s->ops->check(s, reterr) : -ENOMEM;
	if (r < 0) {
		source_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

const struct source_ops *source_ops_of(int type)
{
	return source_table[type].ops;
}
