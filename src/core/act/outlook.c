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
	[REMEDY_CLEAR] = {"clears its task instance", "retry_timeout"},
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
	/* A person may have ordered another one than the rule's. */
	action = rule_action_name(r->plan.action);
	if (r->deadline == 0)
		return str_printf(ret, "%s in progress: it %s", action, steps[r->state].words);
	return str_printf(ret, "%s in progress: it %s, at most until %s%s%s%s", action,
		steps[r->state].words,
		format_timestamp(until, sizeof(until), o->wall + usec_sub(r->deadline, o->now)),
		limit ? " (" : "", limit ? limit : "", limit ? ")" : "");
}

enum outlook_kind outlook_kind(const struct incident *i, const struct outlook *o)
{
	const struct incident_response *r = &i->response;

	if (i->ended > 0)
		return OUTLOOK_OVER;
	if (r->under_way)
		return OUTLOOK_IN_PROGRESS;
	if (r->decided && !r->decided_dry)
		return OUTLOOK_ACTED;
	if (i->marks[INCIDENT_IGNORED] || i->marks[INCIDENT_ABORTED])
		return OUTLOOK_STOPPED;
	if (i->verdict != VERDICT_HUNG)
		return OUTLOOK_NOT_HUNG;
	if (i->action <= RULE_ACTION_NOTIFY)
		return OUTLOOK_NO_ACTION;
	if (o->paused || o->window)
		return o->paused ? OUTLOOK_PAUSED : OUTLOOK_WINDOW;
	if (o->dry && r->decided_dry)
		return OUTLOOK_OBSERVED;
	return r->refusal && !r->decided_dry ? OUTLOOK_REFUSED : OUTLOOK_BEGINS;
}

static int text_of_end(const struct incident *i, char **ret)
{
	return str_printf(ret, "nothing: the incident ended as %s%s%s",
		remedy_outcome_name(i->response.outcome), i->response.why ? ": " : "",
		i->response.why ? i->response.why : "");
}

int outlook_why(const struct incident *i, const struct outlook *o, char **ret)
{
	const char *action = rule_action_name(i->action);

	switch (outlook_kind(i, o)) {
	case OUTLOOK_ACTED:
		return str_printf(ret, "this hang was already acted upon (outcome: %s)",
			remedy_outcome_name(i->response.outcome));
	case OUTLOOK_STOPPED:
		return incident_stopped(i, ret);
	case OUTLOOK_NOT_HUNG:
		return str_printf(ret, "only hung stages are acted upon, and this is %s",
			verdict_name(i->verdict));
	case OUTLOOK_NO_ACTION:
		return str_printf(ret, "its rule's action is %s", action);
	case OUTLOOK_PAUSED:
	case OUTLOOK_WINDOW:
		return str_printf(ret, "%s", o->paused ? o->paused : o->window);
	case OUTLOOK_OBSERVED:
		return str_printf(
			ret, "the mode is observe; in mode act, a %s would have begun", action);
	case OUTLOOK_REFUSED:
		return str_printf(ret, "%s", i->response.refusal);
	case OUTLOOK_OVER:
	case OUTLOOK_IN_PROGRESS:
	case OUTLOOK_BEGINS:
	case OUTLOOK_KIND_MAX:
	default:
		*ret = NULL;
		return 0;
	}
}

/* Where something keeps an action from being begun. */
static int text_of_nothing(const struct incident *i, const struct outlook *o, char **ret)
{
	const char *action = rule_action_name(i->action);
	enum outlook_kind kind = outlook_kind(i, o);
	_cleanup_free_ char *why = NULL;
	int r = outlook_why(i, o, &why);

	if (r < 0)
		return r;
	if (kind == OUTLOOK_ACTED)
		return str_printf(ret, "no further action: %s; a person must check", why);
	if (kind == OUTLOOK_PAUSED || kind == OUTLOOK_WINDOW)
		return str_printf(ret, "no %s while %s", action, why);
	if (kind == OUTLOOK_REFUSED)
		return str_printf(ret, "no %s now: %s; later polls decide again", action, why);
	return str_printf(ret, "nothing: %s", why);
}

int outlook_text(const struct incident *i, const struct outlook *o, char **ret)
{
	const char *action = rule_action_name(i->action);
	enum outlook_kind kind = outlook_kind(i, o);

	if (kind == OUTLOOK_OVER)
		return text_of_end(i, ret);
	if (kind == OUTLOOK_IN_PROGRESS)
		return text_in_progress(action, o, ret);
	if (kind == OUTLOOK_BEGINS)
		return str_printf(ret, "%s%s, at one of the next polls",
			o->dry ? "a dry run of " : "", action);
	return text_of_nothing(i, o, ret);
}

/* A row per kind; of OUTLOOK_NOT_HUNG the verdict has the words. */
static const struct {
	const char *duty;
	const char *key;
} kinds[] = {
	[OUTLOOK_OVER] = {"nothing", NULL},
	[OUTLOOK_IN_PROGRESS] = {"nothing, as long as the action is in progress", NULL},
	[OUTLOOK_ACTED] = {"look why the app still runs, and end it by hand", NULL},
	[OUTLOOK_STOPPED] = {"nothing, unless it hangs all the same: then end the app by hand",
		NULL},
	[OUTLOOK_NOT_HUNG] = {NULL, NULL},
	[OUTLOOK_NO_ACTION] = {"end the app by hand: nothing will be done about it",
		"action, in its [rule]"},
	[OUTLOOK_PAUSED] = {"resume, if actions may begin; else end the app by hand",
		"stagewatchctl resume"},
	[OUTLOOK_WINDOW] = {"end the app by hand, if it cannot wait for the end of the window",
		"from and to, in its [maintenance]"},
	[OUTLOOK_OBSERVED] = {"end the app by hand: nothing will be done about it",
		"mode, in [daemon] or in its [rule]"},
	[OUTLOOK_REFUSED] =
		{"remove what keeps the action from being begun, or end the app by hand", NULL},
	[OUTLOOK_BEGINS] = {"nothing: the action begins by itself", NULL},
};
_Static_assert(ELEMENTSOF(kinds) == OUTLOOK_KIND_MAX, "a row per kind");

static const char *const verdict_duties[] = {
	[VERDICT_PROGRESSING] = "nothing",
	[VERDICT_SUSPECT] = "nothing yet: it moves again, or it is proved to hang",
	[VERDICT_HUNG] = "nothing",
	[VERDICT_SLOW] = "nothing",
	[VERDICT_STARVED] = "look why no executor takes its tasks: capacity, queue, or allocation",
	[VERDICT_CRASH_LOOP] = "read the errors of its failed tasks, on Spark's page of the stage",
	[VERDICT_PHANTOM] = "nothing: Spark has lost events, and lists a stage that does not run",
	[VERDICT_IDLE] = "look what its driver waits for; end the app if its work is done",
	[VERDICT_UNOBSERVABLE] = "restore the way to its driver: until then nobody sees a hang",
	[VERDICT_NOT_STARTED] = "look why its cluster manager does not start it",
};
_Static_assert(ELEMENTSOF(verdict_duties) == VERDICT_MAX, "words per verdict");

const char *outlook_duty(const struct incident *i, const struct outlook *o)
{
	const char *duty = kinds[outlook_kind(i, o)].duty;

	if (duty && o->dry && outlook_kind(i, o) == OUTLOOK_BEGINS)
		return "end the app by hand: only a dry run will be done";
	return duty ? duty : verdict_duties[i->verdict];
}

const char *outlook_key(const struct incident *i, const struct outlook *o)
{
	enum outlook_kind kind = outlook_kind(i, o);

	return kind == OUTLOOK_REFUSED ? i->response.refusal_key : kinds[kind].key;
}
