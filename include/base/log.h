/* SPDX-License-Identifier: Apache-2.0
 * One log line per event: to the journal with fields when stderr is connected to it, else to stderr
 * as plain text or as JSON. Only source, action, daemon and main log above debug; lower layers
 * return errors.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/time.h"

/* What a log line is about; each field may be NULL. Journal field names in comments. */
struct log_about {
	const char *message_id; /* MESSAGE_ID=: 128-bit hex, one per kind of event */
	const char *cluster;    /* SPARK_CLUSTER= */
	const char *app_id;     /* APP_ID= */
	const char *stage_id;   /* STAGE_ID= */
	const char *rule;       /* RULE= */
	const char *verdict;    /* VERDICT= */
	const char *action;     /* ACTION= */
	const char *incident;   /* INCIDENT_ID= */
	const char *url;        /* URL= */
	bool always;            /* no field: the line is never left out */
};

/* Lines above max_level (LOG_ERR ... LOG_DEBUG) are dropped. Default LOG_INFO. */
void log_set_max_level(int level);

/* Looks whether stderr is the journal (JOURNAL_STREAM). Call once at start. */
void log_open(void);

/* From here on lines on a stderr that is not the journal are objects of JSON with the members time,
 * level and message, and those of struct log_about that are set, in lower case. wall tells the time
 * since 1970; NULL: lines are plain text again. */
void log_set_json(usec_t (*wall)(void));

/* From here on each place says LOG_LINES_OF_A_SITE lines a minute at most, and all together
 * LOG_LINES_OF_ALL; but LOG_LINES_ANYWAY each place may always say (base/log_limit.h). Lines about
 * an action (ACTION=), those that are to be said always, and those of debugging are never left out.
 * now tells a time that nobody sets; NULL: there is no limit again. */
void log_set_limit(usec_t (*now)(void));

/* Says what was left out in a minute that is over, a line for each place. To be called now and
 * then; the next line after that minute does it, too. */
void log_tell_left_out(void);

/* Lines that were left out since the start. */
uint64_t log_n_left_out(void);

void log_event(int level, const struct log_about *about, const char *fmt, ...) _printf_(3, 4);

#define log_error(...) log_event(LOG_ERR, NULL, __VA_ARGS__)
#define log_warning(...) log_event(LOG_WARNING, NULL, __VA_ARGS__)
#define log_notice(...) log_event(LOG_NOTICE, NULL, __VA_ARGS__)
#define log_info(...) log_event(LOG_INFO, NULL, __VA_ARGS__)
#define log_debug(...) log_event(LOG_DEBUG, NULL, __VA_ARGS__)
