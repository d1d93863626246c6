/* SPDX-License-Identifier: Apache-2.0
 * Whether the settings ask for something to be done, or for looking on. */
#include "setup/settings.h"

bool settings_dry(const struct settings *s, const struct rule *rule)
{
	return rule->mode == RULE_MODE_OBSERVE ||
	       (rule->mode == RULE_MODE_INHERIT && s->daemon.mode == MODE_OBSERVE);
}

bool settings_act(const struct settings *s)
{
	for (size_t i = 0; i < s->rules.n; i++)
		if (s->rules.items[i].action > RULE_ACTION_NOTIFY &&
			!settings_dry(s, &s->rules.items[i]))
			return true;
	return false;
}
