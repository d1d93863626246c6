/* SPDX-License-Identifier: Apache-2.0
 * What people are told of an incident: which events there are, how grave each is, and who wants to
 * hear of it. */
#pragma once

#include <stdbool.h>

#include "core/act/incident.h"

/* The verdicts that open an incident, then what becomes of it. */
enum notice_event {
	NOTICE_SUSPECT,
	NOTICE_HUNG,
	NOTICE_STARVED,
	NOTICE_CRASH_LOOP,
	NOTICE_PHANTOM,
	NOTICE_IDLE,
	NOTICE_UNOBSERVABLE,
	NOTICE_DRY_RUN,
	NOTICE_REFUSED,
	NOTICE_RECOVERED,
	NOTICE_FAILED_AGAIN,
	NOTICE_ENDED,
	NOTICE_SUPERSEDED,
	NOTICE_UNCONFIRMED,
	NOTICE_FAILED,
	NOTICE_CLOSED, /* the end of the incident, whatever the outcome, or of a storm */
	NOTICE_STORM, /* the storm breaker opened: of no incident, and news to all who ask for it */
	NOTICE_EVENT_MAX
};

enum notice_severity {
	SEVERITY_INFO,
	SEVERITY_WARNING,
	SEVERITY_CRITICAL,
	SEVERITY_MAX
};

extern const char *const notice_severities[SEVERITY_MAX + 1]; /* words, NULL-terminated */

/* A verdict's and an outcome's own word, "closed" or "storm". */
const char *notice_event_name(enum notice_event e);
enum notice_severity notice_severity(enum notice_event e);

/* NOTICE_EVENT_MAX where there is nothing to tell (progressing, slow; an outcome that is open). */
enum notice_event notice_of_verdict(enum verdict v);
enum notice_event notice_of_outcome(enum remedy_outcome o);

/* Whether it holds until the incident ends (verdicts) or the storm does, rather than happens once
 * (outcomes). */
bool notice_lasts(enum notice_event e);
/* Whether it says that nobody need do anything (any more): an alert has nothing to say then. */
bool notice_is_relief(enum notice_event e);

/* "hung, crash_loop" as a bit per event. -EINVAL with *reterr (caller frees) for a word that is no
 * event, said twice, or none at all. */
int notice_parse_events(const char *text, unsigned *ret, char **reterr);

/* Who wants to hear. Globs; NULL: any. Borrowed. */
struct notice_filter {
	unsigned on; /* a bit per event */
	enum notice_severity min_severity;
	const char *rule;
	const char *cluster;
	const char *app;
	const char *dag; /* an app whose owner is not known matches none */
};

/* Whether this event of this incident is to be told. told: whether this receiver was told anything
 * of it before. The end of an incident (recovered, ended, superseded, closed) is told to those
 * alone who were: one that only was suspect and moved again is no news to who asked for hung. Who
 * asks for no verdict gets the ends of what was hung. */
bool notice_wanted(const struct notice_filter *f, const struct incident *i, enum notice_event event,
	bool told);
/* The same of a storm (NOTICE_STORM, NOTICE_CLOSED), which is of all clusters, apps and rules:
 * globs do not keep it back. */
bool notice_storm_wanted(const struct notice_filter *f, enum notice_event event, bool told);

/* What is told of a storm. Borrowed. */
struct notice_storm {
	const char *id; /* as of an incident */
	const char *why;
	usec_t opened; /* since 1970 */
	usec_t ended;  /* 0: it goes on */
};
/* The subject of a storm, which is no incident's. */
#define NOTICE_STORM_SUBJECT "storm"

/* What an incident is about: cluster, app, its start, stage and attempt. The same for an incident
 * that is opened anew because the daemon was started anew. -ENOMEM. */
int notice_subject(const struct incident *i, char **ret);
