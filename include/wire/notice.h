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

/* The message: what the incident is by now. web: the base URL at which people reach this daemon,
 * NULL: there is no url in it. wall: since 1970. */
int notice_json(const struct incident *i, enum notice_event event, const char *web, usec_t wall,
	char **ret);

/* The message about a storm (NOTICE_STORM or NOTICE_CLOSED): what is an incident's alone is null.
 */
int notice_storm_json(const struct notice_storm *storm, enum notice_event event, const char *web,
	usec_t wall, char **ret);

/* A message with each {{field}} of a template replaced: texts escaped for use within quotes,
 * numbers as digits, what is not known as nothing. -EBADMSG where the message cannot be read. */
int notice_render(const char *message, const char *template, char **ret);
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

/* STAGEWATCH_FIELD=value, for each field; what is not known is empty. */
int notice_environment(const char *message, struct strlist *ret);
