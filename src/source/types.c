/* SPDX-License-Identifier: Apache-2.0
 * The table of source types, the keys of [spark NAME], and how a source is made of them. */
#include "source/types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/strbuf.h"

static const struct {
	struct source *(*alloc)(void);
	const struct source_ops *ops;
} source_table[] = {
	{source_static_list_alloc, &source_static_list_ops},
	{source_standalone_alloc, &source_standalone_ops},
	{source_yarn_alloc, &source_yarn_ops},
	{source_kubernetes_alloc, &source_kubernetes_ops},
};

/* In the order of source_table. */
static const char *const types[] = {"driver", "standalone", "yarn", "kubernetes", NULL};
_Static_assert(ELEMENTSOF(types) == ELEMENTSOF(source_table) + 1, "a name per source");

static const char *const ui_via_words[] = {"pod_ip", "service", "proxy", NULL};

static const char *const cpu_via_words[] = {"none", "kubelet", "probe", NULL};

const struct param_def source_params[] = {
	{.name = "type",
		.type = PARAM_ENUM,
		.offset = offsetof(struct source_params, type),
		.choices = types,
		.fallback = "driver",
		.help = "driver: a list of driver UIs; standalone: a Spark standalone master; "
			"yarn: a ResourceManager; kubernetes: an API server"},
	{.name = "url",
		.type = PARAM_LIST,
		.offset = offsetof(struct source_params, url),
		.help = "where to ask; may be repeated; driver: a port range as in "
			"http://host:4040-4056; standalone, yarn: the web addresses of the "
			"masters or ResourceManagers; kubernetes: the API server, unset: of the "
			"cluster that this runs in"},
	ENDPOINT_PARAMS(struct source_params, endpoint),
	{.name = "namespace",
		.type = PARAM_LIST,
		.offset = offsetof(struct source_params, namespace),
		.help = "where driver pods are looked for; may be repeated; unset: in all"},
	{.name = "label_selector",
		.type = PARAM_STRING,
		.offset = offsetof(struct source_params, label_selector),
		.fallback = "spark-role in (driver,connect-server)",
		.help = "which pods are drivers"},
	{.name = "executor_selector",
		.type = PARAM_STRING,
		.offset = offsetof(struct source_params, executor_selector),
		.fallback = "auto",
		.help = "which pods are executors, whose drivers in client mode are found by them; "
			"auto: spark-role=executor where label_selector is the default; none: "
			"drivers are found by label_selector alone"},
	{.name = "application_selector",
		.type = PARAM_STRING,
		.offset = offsetof(struct source_params, application_selector),
		.fallback = "auto",
		.help = "which SparkApplications are looked at while they have no driver; auto: "
			"all where label_selector is the default; none: none are"},
	{.name = "ui_via",
		.type = PARAM_ENUM,
		.offset = offsetof(struct source_params, ui_via),
		.choices = ui_via_words,
		.fallback = "pod_ip",
		.help = "how a driver's UI is reached; proxy: through the API server"},
	{.name = "ui_port",
		.type = PARAM_U64,
		.offset = offsetof(struct source_params, ui_port),
		.fallback = "4040",
		.min = 1,
		.max = UINT16_MAX,
		.help = "of a driver whose pod has no container port spark-ui"},
	{.name = "cpu_via",
		.type = PARAM_ENUM,
		.offset = offsetof(struct source_params, cpu_via),
		.choices = cpu_via_words,
		.fallback = "none",
		.help = "who tells CPU seconds of executors that may hang; kubelet: through the "
			"API server, of each container as a whole; probe: a stagewatchd on each "
			"node, at [probe] port"},
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

static int refuse_url(const char *url, char **reterr)
{
	_cleanup_free_ char *shown = NULL;
	int r = secret_url_text(url, &shown);

	if (r >= 0)
		r = str_printf(reterr,
			"%s: a URL begins with http:// or https://, without user name or query",
			shown);
	return r < 0 ? r : -EINVAL;
}

/* A copy of the URLs without the slashes at their ends, each checked to be one. */
static int take_urls(struct source *s, const struct strlist *from, char **reterr)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < from->n; i++) {
		const char *url = from->items[i];

		if ((strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) ||
			strpbrk(url, "@?#"))
			return refuse_url(url, reterr);
		r = strlist_add(&s->urls, url);
		if (r < 0)
			return r;
		for (size_t n = strlen(url); n > 0 && url[n - 1] == '/'; n--)
			s->urls.items[i][n - 1] = '\0';
	}
	return r;
}

static int check(struct source *s, const struct source_params *params, char **reterr)
{
	int r;

	r = endpoint_params_check(&params->endpoint, reterr);
	if (r >= 0)
		r = s->ops->check(s, params, reterr);
	if (r >= 0 && s->urls.n == 0) {
		r = str_printf(reterr, "url is missing");
		return r < 0 ? r : -EINVAL;
	}
	return r;
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
		r = endpoint_set_way(&s->bare, &params->endpoint);
	return r < 0 ? r : endpoint_set(&s->endpoint, &params->endpoint, password);
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
		r = check(s, params, reterr);
	if (r >= 0 && !s->ops->names_drivers) {
		s->asked = calloc(s->urls.n + 2, sizeof(*s->asked));
		r = s->asked ? 0 : -ENOMEM;
	}
	if (r < 0) {
		source_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

static bool is_own_key(const struct source_ops *ops, const char *key)
{
	for (const char *const *own = ops->own_keys; own && *own; own++)
		if (str_equal(*own, key))
			return true;
	return false;
}

bool source_has_key(const struct source_params *params, const char *key)
{
	bool special = false;

	for (size_t i = 0; i < ELEMENTSOF(source_table); i++)
		special = special || is_own_key(source_table[i].ops, key);
	return !special || is_own_key(source_table[params->type].ops, key);
}

const struct source_ops *source_ops_of(int type)
{
	return source_table[type].ops;
}
