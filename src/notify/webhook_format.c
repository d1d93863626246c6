/* SPDX-License-Identifier: Apache-2.0
 * The table of format=: what a webhook sends, and where to. */
#include <errno.h>

#include "base/strbuf.h"
#include "notify/notify_type.h"

static int json_body(const struct notify *n, const struct notify_message *m, char **ret)
{
	return n->template ? notice_render(m->text, n->template, n->secrets.secret, ret)
			   : str_replace(ret, m->text);
}

static int alertmanager_body(const struct notify *n, const struct notify_message *m, char **ret)
{
	(void)n;
	return notice_alert(m->text, &m->span, ret);
}

/* An incoming webhook has its channel in its URL, and that is a secret. */
static const char *slack_url(const struct notify_params *p)
{
	return p->channel ? "https://slack.com/api/chat.postMessage" : NULL;
}

static int slack_body(const struct notify *n, const struct notify_message *m, char **ret)
{
	return notice_slack(m->text, n->params->channel, m->thread, ret);
}

static const char *pagerduty_url(const struct notify_params *p)
{
	(void)p;
	return "https://events.pagerduty.com/v2/enqueue";
}

static int pagerduty_body(const struct notify *n, const struct notify_message *m, char **ret)
{
	return notice_pagerduty(m->text, n->secrets.secret, ret);
}

static const struct webhook_format formats[] = {
	[NOTIFY_JSON] = {.template = true, .body = json_body},
	[NOTIFY_ALERTMANAGER] = {.path = "/api/v2/alerts", .body = alertmanager_body},
	[NOTIFY_SLACK] = {.url = slack_url, .channel = true, .body = slack_body},
	[NOTIFY_PAGERDUTY] = {.url = pagerduty_url, .takes_secret = true, .body = pagerduty_body},
};
_Static_assert(ELEMENTSOF(formats) == NOTIFY_FORMAT_MAX, "a row per format");

const struct webhook_format *webhook_format_of(const struct notify_params *p)
{
	return &formats[p->format];
}

static bool has_secret(const struct strlist *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		if (notice_has_secret(lines->items[i]))
			return true;
	return false;
}

bool webhook_sends_secret(const struct notify_params *p)
{
	return formats[p->format].takes_secret || has_secret(&p->template) ||
	       has_secret(&p->header);
}
