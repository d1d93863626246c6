/* SPDX-License-Identifier: Apache-2.0
 * The sentence, by what keeps an action from being begun, the last word first. */
#include "core/act/outlook.h"

int outlook_text(const struct incident *i, const struct outlook *o, char **ret)
{
	const char *action = rule_action_name(i->action);

	if (i->ended > 0)
		return str_printf(ret, "nothing: it has ended as %s%s%s",
			remedy_outcome_name(i->response.outcome), i->response.why ? ": " : "",
			i->response.why ? i->response.why : "");
	if (i->response.under_way)
		return str_printf(ret, "%s is under way", action);
	if (i->response.decided && !i->response.decided_dry)
		return str_printf(ret,
			"nothing more: a hang is acted upon once, and it came out "
			"as %s; somebody must look",
			remedy_outcome_name(i->response.outcome));
	if (i->verdict != VERDICT_HUNG)
		return str_printf(ret, "nothing: only what is hung is acted upon, and it is %s",
			verdict_name(i->verdict));
	if (i->action <= RULE_ACTION_NOTIFY)
		return str_printf(ret, "nothing: its rule's action is %s", action);
	if (o->paused || o->window)
		return str_printf(ret, "no %s as long as it is %s", action,
			o->paused ? o->paused : o->window);
	if (o->dry && i->response.decided_dry)
		return str_printf(ret,
			"nothing: the mode is observe; in mode act, %s would have been begun",
			action);
	if (i->response.refusal && !i->response.decided_dry)
		return str_printf(ret,
			"no %s at present: %s; it is considered again at later polls", action,
			i->response.refusal);
	return str_printf(
		ret, "%s%s, at one of the next polls", o->dry ? "a dry run of " : "", action);
}
