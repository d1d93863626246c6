/* SPDX-License-Identifier: Apache-2.0
 * Maintenance windows: their keys, and when they hold. */
#include "core/act/maintenance.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "core/facts/rule.h"

#define DAYS 7U
#define MINUTES_OF_DAY (24U * 60U)

static const char *const day_names[DAYS] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

#define GLOB(field, text_)                                                                         \
	{                                                                                          \
		.name = #field, .type = PARAM_STRING,                                              \
		.offset = offsetof(struct maintenance, field), .help = text_                       \
	}

const struct param_def maintenance_params[] = {
	{.name = "days",
		.type = PARAM_STRING,
		.offset = offsetof(struct maintenance, days),
		.fallback = "mon-sun",
		.help = "weekdays on which it begins, such as mon-fri or sat,sun"},
	{.name = "from",
		.type = PARAM_STRING,
		.offset = offsetof(struct maintenance, from),
		.help = "when it begins, HH:MM in the host's local time"},
	{.name = "to",
		.type = PARAM_STRING,
		.offset = offsetof(struct maintenance, to),
		.help = "when it ends; before from: on the next day"},
	GLOB(app, "glob on the app's name"),
	GLOB(dag, "glob on the owner's dag_id; an unknown owner matches none"),
	GLOB(cluster, "glob on the NAME of [spark NAME]"),
	{.name = "reason",
		.type = PARAM_STRING,
		.offset = offsetof(struct maintenance, reason),
		.help = "what is said where it keeps an action from being begun"},
};
const size_t n_maintenance_params = ELEMENTSOF(maintenance_params);

/* The weekday whose name s begins with; DAYS: none. */
static unsigned day_of(const char *s)
{
	unsigned i = 0;

	while (i < DAYS && strncmp(s, day_names[i], 3) != 0)
		i++;
	return i;
}

/* "mon-fri", "sat,sun", "fri-mon". */
static int parse_days(const char *s, unsigned *ret)
{
	unsigned days = 0;

	for (;;) {
		unsigned first = day_of(s);
		unsigned last = first;

		if (first == DAYS)
			return -EINVAL;
		s += 3;
		if (*s == '-') {
			last = day_of(s + 1);
			if (last == DAYS)
				return -EINVAL;
			s += 4;
		}
		for (unsigned d = first;; d = (d + 1) % DAYS) {
			days |= 1U << d;
			if (d == last)
				break;
		}
		if (*s == '\0')
			break;
		if (*s != ',')
			return -EINVAL;
		s += 1 + strspn(s + 1, " ");
	}
	*ret = days;
	return 0;
}

/* "22:00"; "24:00" is the end of the day. */
static int parse_minute(const char *s, unsigned *ret)
{
	uint64_t hours;
	uint64_t minutes;
	char text[3] = "";

	if (strlen(s) != 5 || s[2] != ':')
		return -EINVAL;
	memcpy(text, s, 2);
	if (parse_u64(text, &hours) < 0 || parse_u64(s + 3, &minutes) < 0)
		return -EINVAL;
	if (hours > 24 || minutes > 59 || (hours == 24 && minutes > 0))
		return -ERANGE;
	*ret = (unsigned)(hours * 60 + minutes);
	return 0;
}

static int refuse(char **reterr, const char **ret_key, const char *key, const char *text)
{
	int r = str_replace(reterr, text);

	*ret_key = key;
	return r < 0 ? r : -EINVAL;
}

int maintenance_finish(struct maintenance *m, const char **ret_key, char **reterr)
{
	if (!m->days || parse_days(m->days, &m->weekdays) < 0)
		return refuse(reterr, ret_key, "days", "not days such as mon-fri or sat,sun");
	if (!m->from || !m->to)
		return refuse(reterr, ret_key, NULL, "needs from and to");
	if (parse_minute(m->from, &m->begins) < 0 || m->begins == MINUTES_OF_DAY)
		return refuse(reterr, ret_key, "from", "not a time of the day such as 22:00");
	if (parse_minute(m->to, &m->ends) < 0)
		return refuse(reterr, ret_key, "to", "not a time of the day such as 06:00");
	if (m->begins == m->ends)
		return refuse(reterr, ret_key, "to",
			"the same as from: a whole day is from 00:00 to 24:00");
	return str_printf(&m->text, "in the maintenance window %s%s%s", m->name,
		m->reason ? ": " : "", m->reason ? m->reason : "");
}

bool maintenance_holds(const struct maintenance *m, const struct local_time *t)
{
	bool today = m->weekdays & (1U << t->weekday);
	bool yesterday = m->weekdays & (1U << ((t->weekday + DAYS - 1) % DAYS));

	if (m->begins < m->ends)
		return today && t->minute >= m->begins && t->minute < m->ends;
	return (today && t->minute >= m->begins) || (yesterday && t->minute < m->ends);
}

const struct maintenance *maintenance_match(const struct maintenance_list *l,
	const struct local_time *t, const char *cluster, const struct app_info *app,
	const struct owner *owner)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct maintenance *m = &l->items[i];

		if (maintenance_holds(m, t) && rule_glob_matches(m->app, app->name) &&
			rule_glob_matches(m->cluster, cluster) &&
			rule_glob_matches(m->dag, owner->dag_id))
			return m;
	}
	return NULL;
}

void maintenance_clear(struct maintenance *m)
{
	param_clear(maintenance_params, n_maintenance_params, m);
	free(m->name);
	free(m->text);
	*m = (struct maintenance){0};
}

void maintenance_list_clear(struct maintenance_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		maintenance_clear(&l->items[i]);
	free(l->items);
	*l = (struct maintenance_list){0};
}
