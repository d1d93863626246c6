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
/* The event's text; never NULL. */
const char *remedy_words(const struct remedy_event *ev);
/* Of a state that looks at the task instance until its deadline: true where ev shows it. Else *ret
 * is what the state returns: it has asked, waits, or has ended as unconfirmed, what is missing and
 * the event's text being why. */
bool remedy_has_task(struct remedy *r, const struct remedy_event *ev, usec_t now,
	struct remedy_step *step, const char *what, int *ret);
/* remedy_end.c: from the fresh looks to the proven end of the app. */

/* Fails the task instance, after a note where Airflow wants one apart. */
int remedy_fail_task(struct remedy *r, struct remedy_step *step);
/* When the process of the failed try has ended, too, or will be ended whatever comes; 0: it does
 * not matter (Airflow 3). */
usec_t remedy_process_gone(const struct remedy *r);

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
