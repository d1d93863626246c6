/* SPDX-License-Identifier: Apache-2.0
 * Inside the remedy's state machine: a function per state, and what they share. Each takes an event
 * that fits its state (its answer, a timer, a start) and says what comes next. */
#pragma once

#include "core/act/remedy.h"

/* How long Airflow may be silent in the middle of a sequence before we call it unconfirmed. */
#define VERIFY_TIMEOUT USEC_PER_MINUTE

typedef int (*remedy_state_fn)(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step);

/* remedy_steps.c: what the states share. */

/* The end. -ENOMEM: nothing changed. */
int remedy_finish(struct remedy *r, struct remedy_step *step, enum remedy_outcome outcome,
	const char *fmt, ...) _printf_(4, 5);
/* Into a state, by its effect. */
int remedy_go(struct remedy *r, struct remedy_step *step, enum remedy_state state,
	enum remedy_effect effect, usec_t deadline);
int remedy_wait(struct remedy_step *step, usec_t now);
/* Whether the state's time was over when the look began that is answered: an answer that came late
 * tells how it stood before. */
bool remedy_is_over(const struct remedy *r);
/* After a request: a look at the task instance, in this state, says whether it took. The attempts
 * count on. */
int remedy_verify(struct remedy *r, struct remedy_step *step, enum remedy_state state, usec_t now);
/* The event's text; never NULL. */
const char *remedy_words(const struct remedy_event *ev);
/* Of a state that looks at the task instance until its deadline: true where ev shows it. Else *ret
 * is what the state returns: it has asked, waits, or has ended as unconfirmed, what is missing and
 * the event's text being why. */
bool remedy_has_task(struct remedy *r, const struct remedy_event *ev, usec_t now,
	struct remedy_step *step, const char *what, int *ret);
/* Airflow 2: whether the task's process has written success over the failed that Airflow said
 * before. */
bool remedy_is_overwritten(const struct remedy *r, const struct ti_obs *t);
int remedy_finish_overwritten(struct remedy *r, struct remedy_step *step);
/* The end, where the task instance is neither as it was nor as it was told to be. */
int remedy_finish_superseded(struct remedy *r, struct remedy_step *step, const struct ti_obs *t);
/* After a kill was answered: a look follows, in this state, within one time limit for all kills. */
int remedy_kill_was_sent(struct remedy *r, const struct remedy_event *ev, usec_t now,
	enum remedy_state wait, struct remedy_step *step);
/* A kill whose answer was lost, of an app that runs, is repeated: the same app by its id, so that
 * twice does no harm. */
bool remedy_kills_again(const struct remedy *r, const struct remedy_event *ev);
/* What a look at the app says that has not ended. */
const char *remedy_end_words(const struct remedy_event *ev);

/* remedy_way.c: which way. A look at the task instance that brings its preconditions. */
int remedy_begin_way(struct remedy *r, const struct remedy_event *ev, struct remedy_step *step);
/* The same later, where the task instance still runs: app or request did not end it. */
int remedy_go_on(struct remedy *r, const struct remedy_event *ev, struct remedy_step *step);

/* remedy_end.c: from the fresh looks to the proven end of the app. */

int remedy_on_recheck_stage(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step);
int remedy_on_recheck_task(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step);
int remedy_on_wait_app_end(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step);
int remedy_on_verify_hung(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step);
int remedy_on_verify_running(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step);
int remedy_on_note(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step);
int remedy_on_fail(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step);
int remedy_on_verify_failed(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step);
int remedy_on_wait_end(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step);
int remedy_on_kill_app(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step);

/* remedy_restart.c: cleared while it runs, from there to the end of the app. */
int remedy_on_restart(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step);
int remedy_on_verify_restart(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step);
int remedy_on_wait_old_end(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step);
int remedy_on_watch_old(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step);
int remedy_on_kill_old(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step);

/* remedy_retry.c: from there to the next try. */
int remedy_on_wait_left(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step);
int remedy_on_wait_process(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step);
int remedy_on_verify_task(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step);
int remedy_on_clear(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step);
int remedy_on_wait_try(
	struct remedy *r, const struct remedy_event *ev, usec_t now, struct remedy_step *step);
