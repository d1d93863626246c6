/* SPDX-License-Identifier: Apache-2.0
 * The sentence, by what keeps an action from being begun, the last word first. */
#include "core/act/outlook.h"

/* What an action does or waits for, and the key of its time limit. */
static const struct {
	const char *words;
	const char *limit; /* NULL: none has a key */
} steps[] = {
	[REMEDY_RECHECK_STAGE] = {"looks whether the stage still hangs", NULL},
	[REMEDY_RECHECK_TASK] = {"looks whether its task instance still runs", NULL},
	[REMEDY_END_APP] = {"kills the app at its cluster manager", NULL},
	[REMEDY_WAIT_APP_END] = {"waits for the end of the app", "end_timeout"},
	[REMEDY_VERIFY_HUNG] = {"looks whether the stage still hangs", NULL},
	[REMEDY_WAIT_LEFT] = {"waits until Airflow has seen the end of the task",
		"process_timeout"},
	[REMEDY_VERIFY_RUNNING] = {"looks whether its task instance still runs", NULL},
	[REMEDY_NOTE] = {"writes a note to its task instance", NULL},
	[REMEDY_FAIL] = {"fails its task instance", NULL},
	[REMEDY_VERIFY_FAILED] = {"looks whether its task instance has failed", NULL},
	[REMEDY_WAIT_END] = {"waits for the end of the app", "end_timeout"},
	[REMEDY_KILL_APP] = {"kills the app", NULL},
	[REMEDY_WAIT_KILLED] = {"waits for the end of the app, which was killed", "end_timeout"},
	[REMEDY_WAIT_PROCESS] = {"waits for the end of the task's process", "process_timeout"},
	[REMEDY_VERIFY_TASK] = {"looks whether its task instance is still failed", NULL},
	[REMEDY_CLEAR] = {"clears its task instance", "end_timeout"},
	[REMEDY_RESTART] = {"clears its task instance before it has ended", NULL},
	[REMEDY_VERIFY_RESTART] = {"looks whether its task instance was cleared", NULL},
	[REMEDY_WAIT_OLD_END] = {"waits for the end of the old try's app", "end_timeout"},
	[REMEDY_WATCH_OLD] = {"waits for the end of the old try's app", "end_timeout"},
	[REMEDY_KILL_OLD] = {"kills the old try's app", NULL},
	[REMEDY_WAIT_OLD_KILLED] = {"waits for the end of the app, which was killed",
		"end_timeout"},
	[REMEDY_WAIT_TRY] = {"waits for the next try", "retry_timeout"},
	[REMEDY_DONE] = {"is over", NULL},
};
_Static_assert(ELEMENTSOF(steps) == REMEDY_STATE_MAX, "words for every state");

static int text_in_progress(const char *action, const struct outlook *o, char **ret)
{
	const struct remedy *r = o->remedy;
	const char *limit = r ? steps[r->state].limit : NULL;
	char until[32];

	if (!r)
		return str_printf(ret, "%s in progress", action);
	if (r->deadline == 0)
		return str_printf(ret, "%s in progress: it %s", action, steps[r->state].words);
	return str_printf(ret, "%s in progress: it %s, at most until %s%s%s%s", action,
		steps[r->state].words,
		format_timestamp(until, sizeof(until), o->wall + usec_sub(r->deadline, o->now)),
		limit ? " (" : "", limit ? limit : "", limit ? ")" : "");
}

int outlook_text(const struct incident *i, const struct outlook *o, char **ret)
{
	const char *action = rule_action_name(i->action);

	if (i->ended > 0)
		return str_printf(ret, "nothing: the incident ended as %s%s%s",
			remedy_outcome_name(i->response.outcome), i->response.why ? ": " : "",
			i->response.why ? i->response.why : "");
	if (i->response.under_way)
		return text_in_progress(action, o, ret);
	if (i->response.decided && !i->response.decided_dry)
		return str_printf(ret,
			"no further action: this hang was already acted upon (outcome: %s); a "
			"person must "
			"check",
			remedy_outcome_name(i->response.outcome));
	if (i->verdict != VERDICT_HUNG)
		return str_printf(ret, "nothing: only hung stages are acted upon, and this is %s",
			verdict_name(i->verdict));
	if (i->action <= RULE_ACTION_NOTIFY)
		return str_printf(ret, "nothing: its rule's action is %s", action);
	if (o->paused || o->window)
		return str_printf(ret, "no %s while %s", action, o->paused ? o->paused : o->window);
	if (o->dry && i->response.decided_dry)
		return str_printf(ret,
			"nothing: the mode is observe; in mode act, a %s would have begun", action);
	if (i->response.refusal && !i->response.decided_dry)
		return str_printf(ret, "no %s now: %s; later polls decide again", action,
			i->response.refusal);
	return str_printf(
		ret, "%s%s, at one of the next polls", o->dry ? "a dry run of " : "", action);
}
