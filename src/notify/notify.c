/* SPDX-License-Identifier: Apache-2.0
 * The table of notify types, the keys of [notify NAME], and one receiver made of them. */
#include "notify/notify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "notify/notify_type.h"

static const char *const types[] = {"webhook", "command", NULL};
static const struct notify_ops *const type_table[] = {&notify_webhook, &notify_command};
_Static_assert(ELEMENTSOF(types) == ELEMENTSOF(type_table) + 1, "a name per type");

static const char *const formats[] = {[NOTIFY_JSON] = "json",
	[NOTIFY_ALERTMANAGER] = "alertmanager",
	[NOTIFY_SLACK] = "slack",
	[NOTIFY_PAGERDUTY] = "pagerduty",
	NULL};
_Static_assert(ELEMENTSOF(formats) == NOTIFY_FORMAT_MAX + 1, "a name per format");

#define TEXT(field, text)                                                                          \
	{                                                                                          \
		.name = #field, .type = PARAM_STRING,                                              \
		.offset = offsetof(struct notify_params, field), .help = text                      \
	}
#define LINES(field, text)                                                                         \
	{                                                                                          \
		.name = #field, .type = PARAM_LIST,                                                \
		.offset = offsetof(struct notify_params, field), .help = text                      \
	}
#define WORD(field, value, words, text)                                                            \
	{                                                                                          \
		.name = #field, .type = PARAM_ENUM,                                                \
		.offset = offsetof(struct notify_params, field), .fallback = value,                \
		.choices = words, .help = text                                                     \
	}
#define TIME(field, value, low, high, text)                                                        \
	{                                                                                          \
		.name = #field, .type = PARAM_DURATION,                                            \
		.offset = offsetof(struct notify_params, field), .fallback = value, .min = low,    \
		.max = high, .help = text                                                          \
	}
#define DAY (24 * USEC_PER_HOUR)

const struct param_def notify_params[] = {
	WORD(type, "webhook", types, "webhook: an HTTP request; command: a program"),
	{.name = "on",
		.type = PARAM_STRING,
		.offset = offsetof(struct notify_params, on),
		.fallback =
			"hung,unobservable,recovered,failed_again,unconfirmed,failed,max_runtime,"
			"storm",
		.help = "which verdicts and outcomes are told, and storms"},
	WORD(min_severity, "info", severity_names, "events below this are not told"),
	TEXT(rule, "glob on the NAME of [rule NAME]"),
	TEXT(cluster, "glob on the NAME of [spark NAME]"),
	TEXT(app, "glob on the app's name"),
	TEXT(dag, "glob on the owner's dag_id; an unknown owner matches none"),
	TEXT(url, "where the request goes"),
	TEXT(url_file, "the same from a file or credential, where it is a secret"),
	WORD(format, "json", formats,
		"json: of the message; alertmanager, slack, pagerduty: as their APIs want it"),
	TEXT(channel, "slack: chat.postMessage to this channel, a thread per incident"),
	LINES(template, "the body instead of the message itself, with {{field}}s"),
	LINES(header, "further headers, as in Name: value"),
	TEXT(authorization_file, "file or credential with the value of Authorization"),
	ENDPOINT_PARAMS(struct notify_params, endpoint),
	TEXT(secret_file, "file or credential: {{secret}}, or the key that signs bodies"),
	TEXT(command, "the program's absolute path"),
	LINES(argument, "its arguments, one each"),
	TIME(timeout, "15s", 100 * USEC_PER_MSEC, 10 * USEC_PER_MINUTE, "of each attempt"),
	TIME(retry_first, "5s", USEC_PER_SEC, USEC_PER_HOUR,
		"from the first failed attempt to the second"),
	TIME(retry_max, "10min", USEC_PER_SEC, DAY, "the longest time between two attempts"),
	TIME(give_up_after, "24h", USEC_PER_MINUTE, 30 * DAY,
		"what is not delivered by then is given up"),
	TIME(resend, "1min", USEC_PER_SEC, USEC_PER_HOUR,
		"how often an alert that goes on is sent again"),
};
const size_t n_notify_params = ELEMENTSOF(notify_params);

const struct notify_ops *notify_ops_of(int type)
{
	return type_table[type];
}

static bool is_among(const char *const *keys, const char *key)
{
	for (; *keys; keys++)
		if (str_equal(*keys, key))
			return true;
	return false;
}

bool notify_has_key(const struct notify_params *p, const char *key)
{
	bool special = false;

	if (endpoint_has_key(key))
		return type_table[p->type]->asks;

	for (size_t i = 0; i < ELEMENTSOF(type_table); i++)
		special = special || is_among(type_table[i]->keys, key);
	return !special || is_among(type_table[p->type]->keys, key);
}

const char *notify_type_name(const struct notify_params *p)
{
	return type_table[p->type]->name;
}

int notify_check(const struct notify_params *p, const char **ret_key, char **reterr)
{
	_cleanup_free_ char *err = NULL;
	unsigned on;
	int r;

	r = notice_parse_events(p->on, &on, &err);
	if (r == -EINVAL)
		return notify_refuse("on", err, ret_key, reterr);
	if (r < 0)
		return r;
	if (p->retry_max < p->retry_first)
		return notify_refuse(NULL, "retry_first is above retry_max", ret_key, reterr);
	return type_table[p->type]->check(p, ret_key, reterr);
}

/* An Authorization of one's own goes before username and password. */
static int fill_endpoint(struct notify *n)
{
	int r = endpoint_set(&n->endpoint, &n->params->endpoint, n->secrets.password);

	n->endpoint.timeout = n->params->timeout;
	if (r < 0 || !n->secrets.authorization)
		return r;
	(void)str_replace(&n->endpoint.username, NULL);
	n->endpoint.password = secret_free(n->endpoint.password);
	return str_replace(&n->endpoint.authorization, n->secrets.authorization);
}

static int fill(struct notify *n, const char *name, char **reterr)
{
	const struct notify_params *p = n->params;
	const char *fault;
	const char *key;
	int r;

	r = notify_check(p, &key, reterr);
	if (r < 0)
		return r;
	n->filter = (struct notice_filter){.min_severity = (enum severity)p->min_severity,
		.rule = p->rule,
		.cluster = p->cluster,
		.app = p->app,
		.dag = p->dag};
	n->policy = (struct outbox_policy){.retry_first = p->retry_first,
		.retry_max = p->retry_max,
		.give_up_after = p->give_up_after,
		.resend = p->resend};
	n->ops = type_table[p->type];
	r = notice_parse_events(p->on, &n->filter.on, reterr);
	if (r >= 0)
		r = str_replace(&n->name, name);
	if (r >= 0 && p->template.n > 0)
		r = notify_join(&p->template, "\n", &n->template);
	if (r >= 0)
		r = fill_endpoint(n);
	if (r < 0)
		return r;
	fault = n->ops->object(n);
	return fault ? notify_refuse(NULL, fault, &key, reterr) : 0;
}

int notify_new(const char *name, const struct notify_params *params, struct notify_secrets *secrets,
	const struct notify_context *context, struct notify **ret, char **reterr)
{
	_cleanup_(notify_freep) struct notify *n = calloc(1, sizeof(*n));
	int r;

	if (!n) {
		notify_secrets_clear(secrets);
		return -ENOMEM;
	}
	n->secrets = TAKE_STRUCT(*secrets);
	n->params = params;
	n->context = *context;
	r = fill(n, name, reterr);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(n);
	return 0;
}

struct notify *notify_free(struct notify *n)
{
	if (!n)
		return NULL;
	while (n->calls)
		notify_cancel(n->calls);
	notify_secrets_clear(&n->secrets);
	free(n->template);
	endpoint_clear(&n->endpoint);
	free(n->name);
	free(n);
	return NULL;
}

const char *notify_name(const struct notify *n)
{
	return n->name;
}

const struct notice_filter *notify_filter(const struct notify *n)
{
	return &n->filter;
}

const struct outbox_policy *notify_policy(const struct notify *n)
{
	return &n->policy;
}

bool notify_is_alert(const struct notify *n)
{
	return n->params->format == NOTIFY_ALERTMANAGER;
}

bool notify_waits_for_end(const struct notify *n)
{
	return n->params->format == NOTIFY_PAGERDUTY;
}

bool notify_is_for_people(const struct notify_params *p)
{
	return p->format == NOTIFY_SLACK || p->format == NOTIFY_PAGERDUTY;
}

int notify_send(struct notify *n, const struct notify_message *message, notify_done_fn done,
	void *userdata, struct notify_call **ret)
{
	struct notify_call *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->notify = n;
	c->done = done;
	c->userdata = userdata;
	r = n->ops->send(c, message);
	if (r < 0) {
		free(c);
		return r;
	}
	c->next = n->calls;
	n->calls = c;
	*ret = c;
	return 0;
}
