/* SPDX-License-Identifier: Apache-2.0
 * What limits of a rule fit its apps: collects how long their stages, tasks and runs took, and
 * proposes hung_after and max_runtime. */
#pragma once

#include "core/detect/app_run.h"
#include "core/facts/finished.h"
#include "core/facts/rule.h"

/* Fewer stages say too little of the next one. */
#define SUGGEST_STAGES_NEEDED 20
/* So many stages, the longest ones, are asked for the longest of their tasks. */
#define SUGGEST_ASKED 20
/* Durations that are kept of one rule's stages, at most: 8 MB. */
#define SUGGEST_MAX_STAGES 1000000
/* Spark itself waits for an executor that is lost for 120 s (spark.network.timeout), without a
 * change of any counter, and more than once: no proposal is below this. */
#define SUGGEST_MIN (5 * USEC_PER_MINUTE)
/* No proposal is below so many polls, as little can be seen within. */
#define SUGGEST_MIN_POLLS 10

/* Fewer runs say too little of the next one, and no max_runtime is proposed below this. */
#define SUGGEST_RUNS_NEEDED 5
#define SUGGEST_MIN_RUNTIME (30 * USEC_PER_MINUTE)

/* Where a stage belongs. All is borrowed, and copied where it is kept. */
struct suggest_place {
	const struct app_info *app;
	const char *url; /* of the app, below which its stages are asked */
	size_t via;      /* for the caller: whom that asks */
};

/* One of the longest stages. */
struct suggest_stage {
	usec_t duration;
	int64_t stage_id;
	int64_t attempt_id;
	char *app_id;
	char *app_name; /* may be NULL */
	char *app_url;
	size_t via;
};

/* Of the apps of one rule. */
struct suggestion {
	const struct rule *rule; /* borrowed */
	size_t n_apps;
	usec_t first; /* since 1970: when the first of them began; 0: there is none */
	usec_t last;  /* when the last of them ended, or was looked at */
	usec_t *durations;
	size_t n_stages;                                 /* in durations */
	size_t n_more;                                   /* stages that there was no room for */
	struct suggest_stage longest[SUGGEST_ASKED + 1]; /* the longest first */
	size_t n_longest;
	size_t n_asked; /* of these, for their tasks */
	usec_t task;    /* no task of any stage took longer */
	size_t task_of; /* which of longest says so */
	bool exact;     /* that is a task's time, and not the whole time of its stage */
	size_t n_runs;  /* of apps that have ended */
	usec_t run;     /* the longest */
	char *run_id;
	char *run_name; /* may be NULL */
};

/* An app that was looked at, running or not. */
void suggest_add_app(struct suggestion *s, usec_t began, usec_t until);
/* A run that has ended. name may be NULL. -ENOMEM. */
int suggest_add_run(struct suggestion *s, const char *app_id, const char *name, usec_t duration);
/* A stage that has completed. -ENOMEM. */
int suggest_add_stage(struct suggestion *s, const struct suggest_place *place,
	const struct finished_stage *stage);
/* Once all stages are there, before what follows. */
void suggest_sort(struct suggestion *s);
/* So many per cent of the stages took no longer. 0 without stages. */
usec_t suggest_percentile(const struct suggestion *s, unsigned percent);

/* The stage whose longest task is to be asked for next, or NULL: a task that is known took longer
 * than any further stage, or SUGGEST_ASKED were asked. Then the next stage's whole time is the
 * bound. Borrowed. */
const struct suggest_stage *suggest_next(struct suggestion *s);
/* The answer for that stage. 0: it is not known, and its whole time is the bound. */
void suggest_answer(struct suggestion *s, usec_t longest_task);

/* Twice the longest task, rounded up to what people write, and at least the minimum; 0: there are
 * too few stages. */
usec_t suggest_hung_after(const struct suggestion *s, usec_t poll_interval);
/* What it is at least, with that poll interval. */
usec_t suggest_min(usec_t poll_interval);

/* Twice the longest run, rounded up, and at least the minimum; 0: there are too few runs. */
usec_t suggest_max_runtime(const struct suggestion *s);

/* The rule of a run in the ledger, where neither its user nor its owner is known. NULL: these
 * decide. */
const struct rule *suggest_rule_of_run(
	const struct rule_list *rules, const struct rule *fallback, const struct app_run *run);

void suggestion_clear(struct suggestion *s);
