/* SPDX-License-Identifier: Apache-2.0
 * What may be done: the mode of the daemon, and of each rule. */
#include "base/strbuf.h"
#include "setup/settings.h"

const char *const mode_names[] = {[MODE_OBSERVE] = "observe", [MODE_ACT] = "act", NULL};

const char *mode_name(enum daemon_mode m)
{
	return mode_names[m];
}

bool settings_dry(const struct settings *s, const struct rule *rule)
{
	return rule->mode == RULE_MODE_OBSERVE ||
	       (rule->mode == RULE_MODE_INHERIT && s->daemon.mode == MODE_OBSERVE);
}

unsigned settings_kill_vias(const struct settings *s, const char *cluster, bool dry_too)
{
	unsigned vias = 0;

	for (size_t i = 0; i < s->rules.n; i++) {
		const struct rule *rule = &s->rules.items[i];

		if (rule->action > RULE_ACTION_NOTIFY && (dry_too || !settings_dry(s, rule)) &&
			rule_glob_matches(rule->cluster, cluster))
			vias |= 1U << rule->kill_via;
	}
	return vias;
}

/* Rules that ask for something to be done, and are, or are not, to do it. */
static size_t count_rules(const struct settings *s, bool dry)
{
	size_t n = 0;

	for (size_t i = 0; i < s->rules.n; i++)
		n += s->rules.items[i].action > RULE_ACTION_NOTIFY &&
		     settings_dry(s, &s->rules.items[i]) == dry;
	return n;
}

bool settings_act(const struct settings *s)
{
	return count_rules(s, false) > 0;
}

enum daemon_mode settings_mode(const struct settings *s)
{
	if (settings_act(s))
		return MODE_ACT;
	return count_rules(s, true) > 0 ? MODE_OBSERVE : (enum daemon_mode)s->daemon.mode;
}

int settings_mode_text(const struct settings *s, char **ret)
{
	enum daemon_mode mode = settings_mode(s);
	struct strbuf b = {0};
	const char *glue = " in rule ";

	strbuf_add(&b, mode_name(mode));
	if (mode == MODE_ACT && (count_rules(s, true) > 0 || s->daemon.mode == MODE_OBSERVE)) {
		for (size_t i = 0; i < s->rules.n; i++) {
			const struct rule *r = &s->rules.items[i];

			if (r->action <= RULE_ACTION_NOTIFY || settings_dry(s, r))
				continue;
			strbuf_addf(&b, "%s%s (%s)", glue, r->name,
				rule_action_name((enum rule_action)r->action));
			glue = ", ";
		}
		strbuf_add(&b, ", else observe");
	}
	return strbuf_finish(&b, ret);
}
