/* SPDX-License-Identifier: Apache-2.0
 * A message about an incident or a storm, as stalled JSON. That text is what is kept until it is
 * delivered; what is sent is made of it: itself, a template of the configuration, an alert for
 * Alertmanager, or variables of an environment. */
#pragma once

#include "base/param.h"
#include "core/notify/notice.h"

/* Texts in a message are cut to so many bytes, and printable. */
#define NOTICE_MAX_TEXT 1000
/* Values of an alert's labels. */
#define NOTICE_MAX_LABEL 200

/* The fields of a message, in its order: names for templates and for the man page. */
extern const char *const notice_fields[];
extern const size_t n_notice_fields;

/* What a message says beside its incident or storm. Borrowed. */
struct notice_about {
	const char *web;  /* the base URL at which people reach this daemon; NULL: no url */
	const char *page; /* to read on, below it; NULL: that of the incident */
	const char *mode; /* that holds for the rule: "act" or "observe"; NULL: not known */
	const char *next; /* what will be done, one sentence; NULL: not known */
	usec_t wall;      /* now, since 1970 */
};

/* The message: what the incident is by now. */
int notice_json(const struct incident *i, enum notice_event event, const struct notice_about *about,
	char **ret);

/* The message about a storm (NOTICE_STORM or NOTICE_CLOSED): what is an incident's alone is null.
 */
int notice_storm_json(const struct notice_storm *storm, enum notice_event event,
	const struct notice_about *about, char **ret);

/* The message that a person asked for to see that it arrives: the event is "test", and what is an
 * incident's is null. id: as of an incident. */
int notice_test_json(
	const char *id, const char *line, const struct notice_about *about, char **ret);

/* What a template and a header line may hold beside fields, as {{secret}}. */
#define NOTICE_SECRET "secret"

/* A message with each {{field}} of a template replaced: texts escaped for use within quotes,
 * numbers as digits, what is not known as nothing. secret: of {{secret}}; NULL: there is none. The
 * caller wipes what holds one. -EBADMSG where the message cannot be read. */
int notice_render(const char *message, const char *template, const char *secret, char **ret);
/* Whether a template or header line asks for the secret. */
bool notice_has_secret(const char *text);
/* A header line with {{secret}} replaced, as it is; all other brackets stay. -ENOMEM. */
int notice_fill_secret(const char *text, const char *secret, char **ret);
/* -EINVAL with *reterr (caller frees) for a template that names a field there is not, leaves
 * brackets open, or does not make JSON, whatever the fields hold. */
int notice_check_template(const char *template, char **reterr);

/* When an alert began and (will have) ended, since 1970. */
struct notice_span {
	usec_t from;
	usec_t to;
};
/* The body of a POST to /api/v2/alerts of Alertmanager. The labels depend on the message alone, so
 * that what ends an alert fits what began it. */
int notice_alert(const char *message, const struct notice_span *span, char **ret);

/* Slack's. channel: the message goes to chat.postMessage, which takes a thread; NULL: to an
 * incoming webhook, which takes none. thread: what notice_slack_decode_answer() gave for the first
 * message of the incident; NULL: this is the first one. */
int notice_slack(const char *message, const char *channel, const char *thread, char **ret);
/* What chat.postMessage answered: 0 with the thread's id in *ret_thread (NULL: it names none), or
 * -EBADMSG with *reterr, Slack's word for why not. The caller frees both. */
int notice_slack_decode_answer(const char *body, size_t len, char **ret_thread, char **reterr);

/* PagerDuty's, of its Events API v2. An incident is one alert there: it is resolved once it has
 * ended, but where an action failed, which a person is to see first. */
int notice_pagerduty(const char *message, const char *routing_key, char **ret);

/* STAGEWATCH_FIELD=value, for each field; what is not known is empty. */
int notice_environment(const char *message, struct strlist *ret);
