/* SPDX-License-Identifier: Apache-2.0
 * The parts of --suggest: who asks, who looks at an app, who prints. */
#pragma once

#include "core/detect/suggestion.h"
#include "daemon/suggest.h"
#include "setup/session.h"

/* One after the other, bounded in time. */
struct suggest_asker {
	sd_event *event;
	struct transport *transport;
	usec_t deadline;       /* CLOCK_BOOTTIME: nothing is asked after it */
	struct strlist faults; /* what could not be read, for people */
	size_t n_faults;       /* more than are in the list, maybe */
	bool progress;         /* somebody looks on: standard error is a terminal */
};

/* What an answer says, at the decoder's. 0, or a negative errno with *fault; a fault with 0: some
 * of it is lacking. */
typedef int (*suggest_take_fn)(
	void *userdata, const struct transport_answer *answer, struct fault *fault);

struct suggest_question {
	char *url; /* owned by who asks */
	const struct endpoint *endpoint;
	suggest_take_fn take;
	void *userdata;
};

/* Asks, and waits for the answer. 0, also with *fault where some of it is lacking; a negative errno
 * with *fault. */
int suggest_ask(struct suggest_asker *a, const struct suggest_question *q, struct fault *fault);
/* From now on there is so much time. */
void suggest_ask_within(struct suggest_asker *a, usec_t length);
bool suggest_is_late(const struct suggest_asker *a);
/* Something could not be read. -ENOMEM. */
int suggest_note(struct suggest_asker *a, const char *fmt, ...) _printf_(2, 3);
/* "main: 3 of 10 apps", in place of the line before; n 0: the line goes. */
void suggest_show_progress(const struct suggest_asker *a, const char *whom, size_t i, size_t n);

struct suggest {
	struct suggest_asker asker;
	const struct rule_list *rules;
	const struct rule *fallback;
	usec_t poll_interval;
	struct suggestion *items; /* by rule, and at last those of none */
	size_t n_items;
	const struct endpoint **endpoints; /* by the number in suggest_place.via */
	struct strlist looked_at;          /* what was, for people */
	struct strlist seen;               /* "ID" of each app that was looked at */
};

/* An app, where it can be asked. All is borrowed. */
struct suggest_app {
	const char *cluster;
	const struct app_info *info;
	const struct owner *owner; /* as far as it is known */
	bool hinted;               /* Airflow may know its owner */
	const char *url;           /* of the app: http://.../api/v1/applications/ID */
	size_t via;
	usec_t until; /* since 1970: its end, or now */
	bool finished;
};

/* Looks at its completed stages. What cannot be read is noted. 1: it was looked at; 0: it was
 * not, or was before; -ENOMEM. */
int suggest_look_at_app(struct suggest *s, const struct suggest_app *app);
/* NULL: the rule is none of these. */
struct suggestion *suggest_of_rule(struct suggest *s, const struct rule *rule);
/* Asks the longest stages of each rule for their longest task. -ENOMEM. */
int suggest_ask_for_tasks(struct suggest *s);

/* What was looked at, for people: "main: 3 running apps". -ENOMEM. */
int suggest_tell(struct suggest *s, const char *whom, size_t n, const char *what, const char *more);
/* Notes that the rest was not looked at. -ENOMEM. */
int suggest_note_late(struct suggest *s, const char *whom, size_t rest);

#define SUGGEST_APPS "/api/v1/applications"
/* For a cluster, and for a History Server. */
#define SUGGEST_PLACE_TIME (10 * USEC_PER_MINUTE)

/* Looks at the apps that run. vias: the number of its endpoint without credentials; the one with
 * them is the next. -ENOMEM. */
int suggest_look_at_cluster(struct suggest *s, struct source *source, size_t vias);

struct suggest_history {
	const char *cluster; /* whose apps it has; borrowed of the runtime */
	struct endpoint endpoint;
};

/* Of "NAME=URL": the apps of [spark NAME], asked with the credentials of that section. Of "URL":
 * those of the only cluster, asked without. -EBADMSG: neither, which is logged. -ENOMEM. */
int suggest_history_make(
	const struct runtime *runtime, const char *text, struct suggest_history *ret);
/* Looks at the newest apps that have ended. -ENOMEM. */
int suggest_look_at_history(struct suggest *s, const struct suggest_history *h, size_t via);

/* Lines for a configuration, with the numbers behind them as comments, and what could not be read
 * at the end. Returns the exit status, or -ENOMEM. */
int suggest_print(const struct suggest *s, FILE *out);
