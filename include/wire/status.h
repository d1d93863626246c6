/* SPDX-License-Identifier: Apache-2.0
 * What /api/v1/stages and /api/v1/incidents answer: the detector's and the incidents' state as
 * JSON. Times are ISO 8601 in UTC, durations seconds. */
#pragma once

#include "core/act/incident.h"
#include "core/act/observed.h"
#include "core/facts/permissions.h"

/* now: the detector's clock, wall: since 1970, of the same moment. */
int status_stages_json(const struct detector *d, usec_t now, usec_t wall, char **ret);
/* What /api/v1/audit answers: the findings of each app, warnings first. app_id: of that one only;
 * NULL or "": of all. */
int status_audit_json(const struct detector *d, const char *app_id, char **ret);
/* The newest first. */
int status_incidents_json(const struct incident_list *l, char **ret);

struct status_outlook {
	const char *mode;                /* that holds for its rule; NULL: the rule is no more */
	const char *next;                /* what will be done */
	const struct app_wishes *wishes; /* what its app asks of the rule */
};

/* One, with its story, its numbers and the properties of its app: what /api/v1/incidents/ID
 * answers. outlook NULL: without what is to come. */
int status_incident_json(
	const struct incident *i, const struct status_outlook *outlook, char **ret);

/* Sorts within o. trouble: why there may be more; NULL: there is not. */
int status_observed_json(struct observed *o, const char *trouble, char **ret);

/* What keeps anything new from being begun. */
struct status_pause {
	const char *reason; /* NULL: there is no pause */
	const char *who;
	usec_t since; /* since 1970 */
	usec_t until; /* likewise; 0: until it is ended by hand */
	bool durable; /* it, or that there is none, outlives the daemon */
};

struct status_window {
	const char *name;
	const char *reason; /* may be NULL */
	bool open;
};

/* What the orders of the control socket answer. */
int status_pause_json(const struct status_pause *p, char **ret);

/* What could not be had. */
struct status_fault {
	const char *url;
	const char *app_id;   /* NULL: of no app in particular */
	const char *question; /* "/environment" */
	const char *state;    /* silent, unusable */
	const char *reason;
	const char *text;
	usec_t since; /* since 1970 */
};

/* Which of several replicas acts. */
struct status_leader {
	const char *lease; /* NULL: there is no [leader] */
	const char *identity;
	bool leads;
	const char *other; /* who leads; NULL: this one, or nobody that is known */
	const char *why;   /* this one may not act; NULL: it may */
	uint64_t transitions;
};

struct status_cluster {
	const char *name;
	bool up;
	size_t n_ok; /* drivers and masters in each state */
	size_t n_silent;
	size_t n_unusable;
	const struct status_fault *faults;
	size_t n_faults; /* of them all, however many are shown */
	size_t n_shown;
	usec_t last_poll; /* since 1970; 0: never */
	size_t n_apps;
	enum permission kill; /* of its apps at its cluster manager */
};

struct status_airflow {
	const char *name;
	bool up;
	const char *version;           /* NULL: not known */
	const enum permission *access; /* by enum airflow_right */
};

struct status_notify {
	const char *name;
	size_t n_pending;
	uint64_t n_sent;
	uint64_t n_failed; /* given up */
	uint64_t n_dropped;
	const char *complaint; /* why the last attempt failed; NULL: it did not */
	const char *test;      /* how the last test went; NULL: there was none */
};

struct status_rule {
	const char *name;
	const char *action;
	const char *mode;      /* that holds for it */
	const char *owner_may; /* NULL: nothing */
};

/* While the storm breaker is open. */
struct status_storm {
	const char *id; /* in what people are told; "" until the next poll */
	const char *why;
	usec_t since; /* since 1970; 0 until the next poll */
	usec_t until; /* the earliest; 0: until somebody closes it */
};

struct status_summary {
	const char *version;
	const char *mode;
	const char *mode_text; /* the same, with the rules that act where others do not */
	const struct status_rule *rules;
	size_t n_rules;
	usec_t wall;
	usec_t started;
	bool ready;
	bool healthy;
	bool reload_ok;
	const char *reload_fault;  /* NULL: none */
	const char *needs_restart; /* keys; NULL: none */
	usec_t reloaded;
	size_t n_pending_actions;
	size_t n_hung; /* stages */
	size_t n_incidents_open;
	size_t n_actions_last_hour;
	uint64_t actions_per_hour;
	struct status_leader leader;
	struct status_pause pause;
	struct status_storm storm; /* why is NULL: the breaker is closed */
	const char *ledger;        /* what is wrong with the ledger; NULL: nothing */
	const struct status_window *windows;
	size_t n_windows;
	const struct status_cluster *clusters;
	size_t n_clusters;
	const struct status_airflow *airflows;
	size_t n_airflows;
	const struct status_notify *notifies;
	size_t n_notifies;
	bool notices_durable; /* messages outlive a crash */
};

/* What /api/v1/incidents/ID answers for the id of the storm that is on. */
int status_storm_json(const struct status_storm *s, char **ret);

/* What /api/v1/status answers. */
int status_summary_json(const struct status_summary *s, char **ret);

/* One line of a replay: a change of a verdict. origin: the clock when the recording began. */
int status_event_json(const struct detector_event *ev, usec_t origin, char **ret);
