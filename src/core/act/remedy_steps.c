/* SPDX-License-Identifier: Apache-2.0
 * What the states of the remedy share: the ways into another state, and to the end. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/act/remedy_states.h"

int remedy_finish(struct remedy *r, struct remedy_step *step, enum remedy_outcome outcome,
	const char *fmt, ...)
{
	char *why = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&why, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	/* A note alone leaves nothing to be confirmed. */
	if (outcome == OUTCOME_UNCONFIRMED && !r->requested)
		outcome = OUTCOME_REFUSED;
	free(r->why);
	r->why = why;
	r->state = REMEDY_DONE;
	r->outcome = outcome;
	step->effect = EFFECT_DONE;
	return 0;
}

int remedy_go(struct remedy *r, struct remedy_step *step, enum remedy_state state,
	enum remedy_effect effect, usec_t deadline)
{
	r->state = state;
	r->attempts = 0;
	r->deadline = deadline;
	if (effect == EFFECT_FAIL_TASK || effect == EFFECT_KILL_APP ||
		effect == EFFECT_RESTART_TASK)
		r->requested = true;
	step->effect = effect;
	return 0;
}

int remedy_wait(struct remedy_step *step, usec_t now)
{
	step->effect = EFFECT_WAIT;
	step->wake_at = now + REMEDY_LOOK_PERIOD;
	return 0;
}

bool remedy_is_over(const struct remedy *r)
{
	return r->look_began >= r->deadline;
}

int remedy_verify(struct remedy *r, struct remedy_step *step, enum remedy_state state, usec_t now)
{
	unsigned attempts = r->attempts;

	(void)remedy_go(r, step, state, EFFECT_LOOK_TASK, now + VERIFY_TIMEOUT);
	r->attempts = attempts;
	return 0;
}

const char *remedy_words(const struct remedy_event *ev)
{
	return ev->text ? ev->text : "no answer";
}

int remedy_finish_superseded(struct remedy *r, struct remedy_step *step, const struct ti_obs *t)
{
	return remedy_finish(r, step, OUTCOME_SUPERSEDED,
		"somebody else acted: the task instance is %s, try %lld", ti_state_name(t->state),
		(long long)t->try_number);
}

bool remedy_has_task(struct remedy *r, const struct remedy_event *ev, usec_t now,
	struct remedy_step *step, const char *what, int *ret)
{
	*ret = 0;
	if (ev->type != REMEDY_EVENT_TASK)
		step->effect = EFFECT_LOOK_TASK;
	else if (ev->reply == REPLY_UNCERTAIN && !remedy_is_over(r))
		*ret = remedy_wait(step, now);
	else if (ev->reply != REPLY_DONE)
		*ret = remedy_finish(
			r, step, OUTCOME_UNCONFIRMED, "%s: %s", what, remedy_words(ev));
	else
		return true;
	return false;
}
