/* SPDX-License-Identifier: Apache-2.0
 * The sentence, by what keeps an action from being begun, the last word first. */
#include "core/act/outlook.h"

int outlook_text(const struct incident *i, const struct outlook *o, char **ret)
{
	const char *action = rule_action_name(i->action);

	if (i->ended > 0)
		return str_printf(ret, "nothing: the incident ended as %s%s%s",
			remedy_outcome_name(i->response.outcome), i->response.why ? ": " : "",
			i->response.why ? i->response.why : "");
	if (i->response.under_way)
		return str_printf(ret, "%s in progress", action);
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
