/* SPDX-License-Identifier: Apache-2.0
 * What people are told of an incident: which events there are, how grave each is, and who wants to
 * hear of it. */
#pragma once

#include <stdbool.h>

#include "core/act/incident.h"

/* Every verdict, then every outcome, then three of their own: so none can be left out. Only those
 * that have a name are told. */
enum notice_event {
	NOTICE_VERDICT,                                      /* the first */
	NOTICE_OUTCOME = VERDICT_MAX,                        /* the first */
	NOTICE_CLOSED = (int)VERDICT_MAX + (int)OUTCOME_MAX, /* the end of the incident, whatever
							     the outcome, or of a storm */
	NOTICE_MAX_RUNTIME, /* of no incident, but of an app: it runs for longer than its rule's
			       max_runtime; NOTICE_CLOSED once it has ended */
	NOTICE_STORM, /* the storm breaker opened: of no incident, and news to all who ask for it */
	NOTICE_EVENT_MAX
};

/* A verdict's and an outcome's own word, "closed", "max_runtime" or "storm". NULL: there is nothing
 * to tell of it (a verdict that is no trouble, an outcome that is open). */
const char *notice_event_name(enum notice_event e);
enum severity notice_severity(enum notice_event e);

/* NOTICE_EVENT_MAX where there is nothing to tell. */
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
	bool named;  /* the app names this receiver: globs do not keep it back */
	unsigned on; /* a bit per event */
	enum severity min_severity;
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

/* The subject of NOTICE_MAX_RUNTIME on an app. -ENOMEM. */
int notice_runtime_subject(const struct app_history *a, char **ret);

/* What an incident is about: cluster, app, its start, stage and attempt. The same for an incident
 * that is opened anew because the daemon was started anew. -ENOMEM. */
int notice_subject(const struct incident *i, char **ret);
