/* SPDX-License-Identifier: Apache-2.0
 * What an app may ask of its rule: each key, its bounds, and what becomes of everything else. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../row.h"
#include "core/facts/app_wish.h"

struct sample {
	struct rule_list rules;
	struct rule rule;
	struct strlist properties;
	struct app_wishes wishes;
};

static int set_up(void **state)
{
	struct sample *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	assert_int_equal(param_defaults(rule_params, n_rule_params, &s->rule), 0);
	assert_int_equal(strlist_add(&s->rules.receivers, "team"), 0);
	assert_int_equal(strlist_add(&s->rules.receivers, "pager"), 0);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct sample *s = *state;
	int r = row_tell(state);

	rule_clear(&s->rule);
	rule_list_clear(&s->rules);
	strlist_clear(&s->properties);
	free(s);
	return r;
}

static void set(struct sample *s, const char *key, const char *value)
{
	_cleanup_free_ char *err = NULL;

	assert_int_equal(
		param_set(param_find(rule_params, n_rule_params, key), &s->rule, value, &err), 0);
}

/* By a rule that acts, and allows so much. */
static const struct rule *ask(struct sample *s, const char *owner_may, const char *property)
{
	_cleanup_free_ char *err = NULL;

	strlist_clear(&s->properties);
	set(s, "app", "*");
	set(s, "owner_may", owner_may);
	assert_int_equal(rule_finish(&s->rule, &err), 0);
	assert_int_equal(strlist_add(&s->properties, "spark.master=yarn"), 0);
	assert_int_equal(strlist_add(&s->properties, property), 0);
	return app_wishes_apply(&s->properties, &s->rule, &s->rules, &s->wishes);
}

static const struct app_wish *asked(const struct sample *s)
{
	int k = 0;

	while (k < WISH_OTHER && !s->wishes.items[k].property)
		k++;
	assert_non_null(s->wishes.items[k].property);
	return &s->wishes.items[k];
}

/* why NULL: it holds. The rule acts by retry, hung_after=10min. */
static void each_key_within_its_bounds(void **state)
{
	static const struct {
		const char *may;
		const char *property;
		const char *why;
	} rows[] = {
		{"hung_after", "spark.stagewatch.hung_after=10min", NULL},
		{"hung_after", "spark.stagewatch.hung_after=1h 30min", NULL},
		{"hung_after", "spark.stagewatch.hung_after=24h", NULL},
		{"hung_after", "spark.stagewatch.hung_after=9min", "not from 10min to 1d"},
		{"hung_after", "spark.stagewatch.hung_after=00min0", "not from 10min to 1d"},
		{"hung_after", "spark.stagewatch.hung_after=25h", "not from 10min to 1d"},
		{"hung_after", "spark.stagewatch.hung_after=1200", "not a duration"},
		{"hung_after", "spark.stagewatch.hung_after=", "not a duration"},
		{"hung_after", "spark.stagewatch.hung_after=soon", "not a duration"},
		{"action,notify,ignore", "spark.stagewatch.hung_after=1h",
			"does not name hung_after"},
		{"", "spark.stagewatch.action=none", "does not name action"},
		{"action", "spark.stagewatch.action=none", NULL},
		{"action", "spark.stagewatch.action=observe", NULL},
		{"action", "spark.stagewatch.action=notify", NULL},
		{"action", "spark.stagewatch.action=kill", NULL},
		{"action", "spark.stagewatch.action=retry", NULL},
		{"action", "spark.stagewatch.action=Kill", "not one of none"},
		{"action", "spark.stagewatch.action=kill;reboot", "not one of none"},
		{"hung_after notify", "spark.stagewatch.notify=team", NULL},
		{"notify", "spark.stagewatch.notify=team, pager", NULL},
		{"notify", "spark.stagewatch.notify=team,nobody", "no [notify nobody]"},
		{"notify", "spark.stagewatch.notify=tea", "no [notify tea]"},
		{"ignore", "spark.stagewatch.ignore=true", NULL},
		{"ignore", "spark.stagewatch.ignore=maybe", "neither yes nor no"},
		{"action", "spark.stagewatch.ignore=true", "does not name ignore"},
		{"hung_after action notify ignore", "spark.stagewatch.hungafter=1h", "no such key"},
		{"hung_after action notify ignore", "spark.stagewatch.=1h", "no such key"},
		{"hung_after action notify ignore", "spark.stagewatch.mode=act", "no such key"},
	};
	struct sample *s = *state;

	set(s, "action", "retry");
	each_row(i, rows)
	{
		(void)ask(s, rows[i].may, rows[i].property);
		assert_int_equal(asked(s)->holds, rows[i].why == NULL);
		if (rows[i].why && !strstr(asked(s)->why, rows[i].why))
			fail_msg("%s", asked(s)->why);
	}
}

static void never_more_than_the_rule(void **state)
{
	static const char *const words[] = {"none", "notify", "kill", "retry"};
	char property[64];
	struct sample *s = *state;

	for (int has = 0; has < RULE_ACTION_MAX; has++)
		for (int wants = 0; wants < RULE_ACTION_MAX; wants++) {
			const struct rule *r;

			row_at = words[wants];
			set(s, "action", words[has]);
			(void)snprintf(property, sizeof(property), "spark.stagewatch.action=%s",
				words[wants]);
			r = ask(s, "action", property);
			assert_int_equal(asked(s)->holds, wants <= has);
			assert_int_equal(r->action, wants <= has ? wants : has);
		}
	row_at = NULL;
}

static void what_holds_is_in_the_rule(void **state)
{
	struct sample *s = *state;
	const struct rule *r;

	set(s, "hung_after", "10min");
	set(s, "hung_after_unproven", "20min");
	r = ask(s, "hung_after", "spark.stagewatch.hung_after=1h");
	assert_true(r->hung_after == USEC_PER_HOUR);
	assert_true(r->hung_after_unproven == 2 * USEC_PER_HOUR);
	assert_true(s->rule.hung_after == 10 * USEC_PER_MINUTE);
	set(s, "mode", "act");
	assert_int_equal(
		ask(s, "action", "spark.stagewatch.action=observe")->mode, RULE_MODE_OBSERVE);
	assert_false(ask(s, "ignore", "spark.stagewatch.ignore=no")->ignored);
	assert_true(ask(s, "ignore", "spark.stagewatch.ignore=yes")->ignored);
	r = ask(s, "notify", "spark.stagewatch.notify=team");
	assert_true(app_wishes_tell(r, "team"));
	assert_false(app_wishes_tell(r, "pager"));
	assert_false(app_wishes_tell(&s->rule, "team"));
}

static void the_operators_bounds(void **state)
{
	struct sample *s = *state;

	set(s, "owner_hung_after_min", "2min");
	set(s, "owner_hung_after_max", "20min");
	(void)ask(s, "hung_after", "spark.stagewatch.hung_after=2min");
	assert_true(asked(s)->holds);
	(void)ask(s, "hung_after", "spark.stagewatch.hung_after=1min");
	assert_false(asked(s)->holds);
	(void)ask(s, "hung_after", "spark.stagewatch.hung_after=21min");
	assert_false(asked(s)->holds);
	set(s, "owner_notify", "t*");
	(void)ask(s, "notify", "spark.stagewatch.notify=team");
	assert_true(asked(s)->holds);
	(void)ask(s, "notify", "spark.stagewatch.notify=team pager");
	assert_string_equal(asked(s)->why, "owner_notify does not match pager");
	assert_null(s->wishes.rule.told);
}

static void rules_that_are_wrong(void **state)
{
	static const struct {
		const char *key;
		const char *value;
		const char *says;
	} rows[] = {
		{"owner_may", "hung_after kill", "owner_may: its words are"},
		{"owner_may", "hung_afte", "owner_may: its words are"},
		{"owner_hung_after_max", "1min",
			"owner_hung_after_max is below owner_hung_after_min"},
	};
	struct sample *s = *state;

	set(s, "app", "*");
	each_row(i, rows)
	{
		_cleanup_free_ char *err = NULL;

		set(s, rows[i].key, rows[i].value);
		assert_int_equal(rule_finish(&s->rule, &err), -EINVAL);
		assert_int_equal(strncmp(err, rows[i].says, strlen(rows[i].says)), 0);
		set(s, "owner_may", "");
	}
}

/* Of a key that comes twice the first counts, and nothing else of the app's is looked at. */
static void hostile_lists(void **state)
{
	struct sample *s = *state;

	(void)ask(s, "ignore", "spark.stagewatch.ignore=no");
	assert_int_equal(strlist_add(&s->properties, "spark.stagewatch.ignore=yes"), 0);
	assert_int_equal(strlist_add(&s->properties, "spark.stagewatch"), 0);
	assert_false(app_wishes_apply(&s->properties, &s->rule, &s->rules, &s->wishes)->ignored);
	strlist_clear(&s->properties);
	assert_int_equal(strlist_add(&s->properties, "my.spark.stagewatch.ignore=yes"), 0);
	assert_false(app_wishes_any(&s->properties));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_key_within_its_bounds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(never_more_than_the_rule, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_holds_is_in_the_rule, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_operators_bounds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rules_that_are_wrong, set_up, tear_down),
		cmocka_unit_test_setup_teardown(hostile_lists, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
