/* SPDX-License-Identifier: Apache-2.0
 * Events and filters; what is due when, once, in order, in vain, after a restart. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/notify/outbox.h"

#define NOTICE_FAILED notice_of_outcome(OUTCOME_FAILED)
#define NOTICE_HUNG notice_of_verdict(VERDICT_HUNG)
#define NOTICE_RECOVERED notice_of_outcome(OUTCOME_RECOVERED)
#define NOTICE_STARVED notice_of_verdict(VERDICT_STARVED)
#define NOTICE_SUSPECT notice_of_verdict(VERDICT_SUSPECT)
#define NOTICE_UNCONFIRMED notice_of_outcome(OUTCOME_UNCONFIRMED)

#define WALL (1795405025 * USEC_PER_SEC)
#define NOW (5 * USEC_PER_HOUR)

static const struct outbox_policy policy = {
	.retry_first = 4 * USEC_PER_SEC,
	.retry_max = 10 * USEC_PER_MINUTE,
	.give_up_after = 24 * USEC_PER_HOUR,
	.resend = USEC_PER_MINUTE,
};
static const struct outbox_attempt good = {.delivered = true};
static const struct outbox_attempt bad = {.delivered = false};

static struct outbox_item *put_as(struct outbox *o, const char *notify, const char *subject,
	enum notice_event event, bool alert)
{
	struct outbox_message m = {.notify = notify,
		.subject = subject,
		.incident = "i",
		.event = event,
		.text = "{}",
		.alert = alert,
		.created = WALL};
	struct outbox_item *i = NULL;
	int r = outbox_put(o, &m, NOW, &i);

	assert_return_code(r, 0);
	assert_int_equal(r == 1, i != NULL);
	return i;
}

static struct outbox_item *put(struct outbox *o, const char *subject, enum notice_event event)
{
	return put_as(o, "n", subject, event, false);
}

static enum outbox_fate attempt(
	struct outbox *o, struct outbox_item *i, const struct outbox_attempt *a, usec_t now)
{
	assert_ptr_equal(outbox_due(o, now), i);
	outbox_sending(i);
	return outbox_attempted(o, i, a, &policy, now);
}

static void test_events(void **state)
{
	unsigned on = 0;
	char *err = NULL;

	(void)state;
	for (int e = 0; e < NOTICE_EVENT_MAX; e++) {
		const char *name = notice_event_name((enum notice_event)e);

		if (!name)
			continue;
		assert_int_equal(notice_parse_events(name, &on, &err), 0);
		assert_int_equal(on, 1U << e);
	}
	/* What is no trouble is no event. */
	assert_int_equal(notice_parse_events("progressing", &on, &err), -EINVAL);
	free(err);
	assert_int_equal(notice_parse_events(" hung,recovered, \tclosed ,", &on, &err), 0);
	assert_int_equal(on, 1U << NOTICE_HUNG | 1U << NOTICE_RECOVERED | 1U << NOTICE_CLOSED);
	assert_int_equal(notice_parse_events("hung, hanged", &on, &err), -EINVAL);
	assert_string_equal(err, "no event: hanged");
	free(err);
	assert_int_equal(notice_parse_events("hung,hung", &on, &err), -EINVAL);
	free(err);
	assert_int_equal(notice_parse_events(" , ", &on, &err), -EINVAL);
	free(err);
	assert_int_equal(notice_of_verdict(VERDICT_PROGRESSING), NOTICE_EVENT_MAX);
	assert_int_equal(notice_of_verdict(VERDICT_SLOW), NOTICE_EVENT_MAX);
	assert_int_equal(notice_of_outcome(OUTCOME_OPEN), NOTICE_EVENT_MAX);
}

static char rule[] = "nightly";
static char cluster[] = "main";
static char app[] = "etl 7";
static char dag[] = "d";

static void test_filters(void **state)
{
	struct incident i = {.rule = rule, .cluster = cluster, .app_name = app};
	struct notice_filter f = {.on = 1U << NOTICE_HUNG | 1U << NOTICE_RECOVERED};

	(void)state;
	assert_true(notice_wanted(&f, &i, NOTICE_HUNG, false));
	assert_false(notice_wanted(&f, &i, NOTICE_SUSPECT, false));
	f.rule = "night*";
	f.app = "etl*";
	assert_true(notice_wanted(&f, &i, NOTICE_HUNG, false));
	f.cluster = "other";
	assert_false(notice_wanted(&f, &i, NOTICE_HUNG, false));
	f.cluster = NULL;
	f.dag = "*";
	assert_false(notice_wanted(&f, &i, NOTICE_HUNG, false)); /* its owner is not known */
	i.owner.dag_id = dag;
	assert_true(notice_wanted(&f, &i, NOTICE_HUNG, false));
	f.min_severity = SEVERITY_CRITICAL;
	f.on |= 1U << NOTICE_STARVED;
	assert_true(notice_wanted(&f, &i, NOTICE_HUNG, false));
	assert_false(notice_wanted(&f, &i, NOTICE_STARVED, false));
	/* Its end is told to who was told of it, whatever its gravity. */
	assert_false(notice_wanted(&f, &i, NOTICE_RECOVERED, false));
	assert_true(notice_wanted(&f, &i, NOTICE_RECOVERED, true));
	/* Who asks for ends alone gets those of hangs; a storm is no verdict. */
	f.on = 1U << NOTICE_RECOVERED | 1U << NOTICE_STORM;
	i.reached = 1U << VERDICT_SUSPECT | 1U << VERDICT_STARVED;
	assert_false(notice_wanted(&f, &i, NOTICE_RECOVERED, false));
	i.reached |= 1U << VERDICT_HUNG;
	assert_true(notice_wanted(&f, &i, NOTICE_RECOVERED, false));
}

/* It is of everything: who asks for a part hears of it, too. */
static void test_storm_is_told_to_all(void **state)
{
	struct notice_filter f = {.on = 1U << NOTICE_STORM | 1U << NOTICE_CLOSED,
		.min_severity = SEVERITY_CRITICAL,
		.app = "other*"};

	(void)state;
	assert_true(notice_storm_wanted(&f, NOTICE_STORM, false));
	assert_false(notice_storm_wanted(&f, NOTICE_CLOSED, false));
	assert_true(notice_storm_wanted(&f, NOTICE_CLOSED, true));
	f.on = 1U << NOTICE_HUNG;
	assert_false(notice_storm_wanted(&f, NOTICE_STORM, false));
	assert_false(notice_storm_wanted(&f, NOTICE_CLOSED, true));
	assert_true(notice_lasts(NOTICE_STORM));
}

static void test_once_per_event(void **state)
{
	struct outbox o = {0};
	struct outbox_item *hung;

	(void)state;
	assert_false(outbox_has_told(&o, "n", "s"));
	hung = put(&o, "s", NOTICE_HUNG);
	assert_non_null(hung);
	assert_true(outbox_has_told(&o, "n", "s"));
	assert_false(outbox_has_told(&o, "other", "s"));
	assert_null(put(&o, "s", NOTICE_HUNG));
	assert_non_null(put_as(&o, "other", "s", NOTICE_HUNG, false));
	assert_non_null(put(&o, "s2", NOTICE_HUNG));
	assert_int_equal(attempt(&o, hung, &good, NOW), OUTBOX_SENT);
	hung->unsaved = false;
	outbox_sweep(&o);
	assert_int_equal(o.n, 3);
	assert_null(put(&o, "s", NOTICE_HUNG));
	/* After its end the same is news. */
	outbox_close(&o, "s", NOW, WALL);
	assert_true(hung->unsaved);
	outbox_sweep(&o);
	assert_int_equal(o.n, 3);
	hung->unsaved = false;
	outbox_sweep(&o);
	assert_int_equal(o.n, 2);
	assert_non_null(put(&o, "s", NOTICE_HUNG));
	outbox_clear(&o);
}

static void test_in_order(void **state)
{
	struct outbox o = {0};
	struct outbox_item *hung = put(&o, "s", NOTICE_HUNG);
	struct outbox_item *over = put(&o, "s", NOTICE_RECOVERED);
	struct outbox_item *elsewhere = put(&o, "s2", NOTICE_HUNG);

	(void)state;
	assert_int_equal(outbox_wake(&o), NOW);
	assert_int_equal(attempt(&o, hung, &bad, NOW), OUTBOX_AGAIN);
	/* recovered waits for hung, another incident does not. */
	assert_ptr_equal(outbox_due(&o, NOW), elsewhere);
	outbox_sending(elsewhere);
	assert_null(outbox_due(&o, NOW));
	assert_int_equal(outbox_wake(&o), hung->due);
	assert_int_equal(attempt(&o, hung, &good, hung->due), OUTBOX_SENT);
	assert_ptr_equal(outbox_due(&o, NOW), over);
	outbox_sending(over);
	assert_int_equal(outbox_wake(&o), USEC_INFINITY);
	assert_int_equal(outbox_n_pending(&o, "n"), 2);
	outbox_clear(&o);
}

static void test_so_many_at_once(void **state)
{
	struct outbox o = {0};
	char subject[16];

	(void)state;
	for (int k = 0; k < 10; k++) {
		(void)snprintf(subject, sizeof(subject), "s%d", k);
		(void)put(&o, subject, NOTICE_HUNG);
	}
	(void)put_as(&o, "other", "s0", NOTICE_HUNG, false);
	for (int k = 0; k < OUTBOX_MAX_SENDING; k++)
		outbox_sending(outbox_due(&o, NOW));
	assert_string_equal(outbox_due(&o, NOW)->notify, "other");
	outbox_sending(outbox_due(&o, NOW));
	assert_null(outbox_due(&o, NOW));
	assert_int_equal(outbox_wake(&o), USEC_INFINITY);
	(void)outbox_attempted(&o, o.items[0], &good, &policy, NOW);
	assert_ptr_equal(outbox_due(&o, NOW), o.items[OUTBOX_MAX_SENDING]);
	outbox_clear(&o);
}

static void test_backoff(void **state)
{
	struct outbox o = {.chance = 7};
	struct outbox again = {.chance = 7};
	struct outbox_item *i = put(&o, "s", NOTICE_HUNG);
	struct outbox_item *twin = put(&again, "s", NOTICE_HUNG);
	usec_t expected = policy.retry_first;
	enum outbox_fate fate = OUTBOX_AGAIN;
	usec_t now = NOW;
	unsigned n = 0;

	(void)state;
	while (fate == OUTBOX_AGAIN) {
		fate = attempt(&o, i, &bad, now);
		if (fate != OUTBOX_AGAIN)
			break;
		assert_in_range(i->due - now, expected - expected / 4, expected);
		assert_int_equal(attempt(&again, twin, &bad, now), OUTBOX_AGAIN);
		assert_int_equal(twin->due, i->due); /* the same seed, the same waits */
		assert_int_equal(outbox_wake(&o), i->due);
		assert_null(outbox_due(&o, i->due - 1));
		expected = expected * 2 < policy.retry_max ? expected * 2 : policy.retry_max;
		now = i->due;
		n++;
	}
	assert_int_equal(fate, OUTBOX_FAILED);
	assert_in_range(now - NOW, policy.give_up_after - policy.retry_max, policy.give_up_after);
	assert_in_range(n, 144, 210);
	assert_int_equal(outbox_n_pending(&o, "n"), 0);
	outbox_clear(&o);
	outbox_clear(&again);
}

static void test_retry_after(void **state)
{
	struct outbox o = {0};
	struct outbox_item *i = put(&o, "s", NOTICE_HUNG);
	struct outbox_attempt a = {.retry_after = 90 * USEC_PER_SEC};

	(void)state;
	assert_int_equal(attempt(&o, i, &a, NOW), OUTBOX_AGAIN);
	assert_int_equal(i->due, NOW + a.retry_after);
	/* Not sooner than of ourselves, and not for ever. */
	a.retry_after = USEC_PER_SEC;
	assert_int_equal(attempt(&o, i, &a, i->due), OUTBOX_AGAIN);
	assert_true(i->due > NOW + 96 * USEC_PER_SEC - 3 * USEC_PER_SEC);
	a.retry_after = USEC_INFINITY;
	i->due = NOW;
	assert_int_equal(attempt(&o, i, &a, NOW), OUTBOX_AGAIN);
	assert_int_equal(i->due, NOW + OUTBOX_MAX_RETRY_AFTER);
	outbox_clear(&o);
}

static void test_bounded(void **state)
{
	struct outbox o = {0};
	struct outbox_item *first = NULL;
	char subject[16];

	(void)state;
	for (int k = 0; k <= OUTBOX_MAX_OPEN; k++) {
		struct outbox_item *i;

		(void)snprintf(subject, sizeof(subject), "s%d", k);
		i = put(&o, subject, NOTICE_HUNG);
		first = first ? first : i;
	}
	assert_ptr_equal(outbox_overflow(&o), first);
	outbox_drop(first);
	assert_int_equal(first->state, OUTBOX_DONE);
	assert_null(outbox_overflow(&o));
	assert_null(put(&o, "s0", NOTICE_HUNG)); /* dropped, but not news */
	/* What was told of incidents that never end is forgotten from the oldest on. */
	for (size_t k = 0; k < o.n; k++)
		outbox_drop(o.items[k]);
	for (int k = 0; k < OUTBOX_MAX_TOLD; k++) {
		(void)snprintf(subject, sizeof(subject), "t%d", k);
		outbox_drop(put(&o, subject, NOTICE_HUNG));
	}
	outbox_sweep(&o);
	assert_int_equal(o.n, OUTBOX_MAX_TOLD);
	assert_non_null(put(&o, "s0", NOTICE_HUNG));
	outbox_clear(&o);
}

/* More alerts that stand than may wait: none of them waits. */
static void test_many_alerts_stand(void **state)
{
	struct outbox o = {0};
	char subject[16];

	(void)state;
	for (int k = 0; k <= OUTBOX_MAX_OPEN; k++) {
		(void)snprintf(subject, sizeof(subject), "s%d", k);
		assert_int_equal(
			attempt(&o, put_as(&o, "am", subject, NOTICE_HUNG, true), &good, NOW),
			OUTBOX_SENT);
		assert_null(outbox_overflow(&o));
	}
	assert_null(outbox_overflow(&o));
	/* All of them end. */
	for (int k = 0; k <= OUTBOX_MAX_OPEN; k++) {
		(void)snprintf(subject, sizeof(subject), "s%d", k);
		outbox_close(&o, subject, NOW, WALL);
	}
	assert_int_equal(outbox_n_pending(&o, "am"), OUTBOX_MAX_OPEN + 1);
	assert_null(outbox_overflow(&o));
	outbox_clear(&o);
}

static void test_alert(void **state)
{
	struct outbox o = {0};
	struct outbox_item *i = put_as(&o, "am", "s", NOTICE_HUNG, true);
	usec_t now = NOW;

	(void)state;
	assert_int_equal(attempt(&o, i, &good, now), OUTBOX_SENT);
	for (int k = 0; k < 5; k++) {
		assert_int_equal(i->state, OUTBOX_UP);
		assert_int_equal(outbox_wake(&o), now + policy.resend);
		now += policy.resend;
		assert_int_equal(attempt(&o, i, &good, now), OUTBOX_AGAIN);
	}
	assert_int_equal(outbox_n_pending(&o, "am"), 0);
	/* However long nobody answers, it goes on while it hangs. */
	now += 10 * policy.give_up_after;
	assert_int_equal(attempt(&o, i, &bad, now), OUTBOX_AGAIN);
	outbox_close(&o, "s", now, WALL + 7);
	assert_int_equal(i->ended, WALL + 7);
	assert_int_equal(outbox_n_pending(&o, "am"), 1);
	assert_int_equal(attempt(&o, i, &bad, now), OUTBOX_AGAIN);
	assert_int_equal(outbox_oldest(&o, now + 5), 5);
	assert_int_equal(attempt(&o, i, &good, i->due), OUTBOX_AGAIN);
	assert_int_equal(i->state, OUTBOX_DONE);
	i->unsaved = false;
	outbox_sweep(&o);
	assert_int_equal(o.n, 0);
	outbox_clear(&o);
}

static void test_alert_that_ends_while_it_is_sent(void **state)
{
	struct outbox o = {0};
	struct outbox_item *i = put_as(&o, "am", "s", NOTICE_HUNG, true);

	(void)state;
	outbox_sending(outbox_due(&o, NOW));
	outbox_close(&o, "s", NOW, WALL);
	assert_int_equal(outbox_attempted(&o, i, &good, &policy, NOW), OUTBOX_SENT);
	/* What was delivered did not say so. */
	assert_int_equal(i->state, OUTBOX_UP);
	assert_int_equal(attempt(&o, i, &good, NOW), OUTBOX_AGAIN);
	assert_int_equal(i->state, OUTBOX_DONE);
	outbox_clear(&o);
}

static void test_alert_on_an_outcome(void **state)
{
	struct outbox o = {0};
	struct outbox_item *i = put_as(&o, "am", "s", NOTICE_UNCONFIRMED, true);

	(void)state;
	outbox_close(&o, "s", NOW, WALL);
	assert_int_equal(attempt(&o, i, &good, NOW), OUTBOX_SENT);
	assert_int_equal(i->state, OUTBOX_UP); /* the end of the incident does not take it back */
	outbox_expire(&o, NOW + OUTBOX_ALERT_LASTS - 1, WALL);
	assert_int_equal(i->state, OUTBOX_UP);
	outbox_expire(&o, NOW + OUTBOX_ALERT_LASTS, WALL);
	assert_int_equal(i->state, OUTBOX_DONE);
	outbox_clear(&o);
}

static struct outbox_item *restore(
	struct outbox *o, int64_t id, enum notice_event event, enum outbox_state state, bool alert)
{
	struct outbox_item i = {.id = id,
		.notify = strdup("n"),
		.subject = strdup("s"),
		.incident = strdup("i"),
		.text = state == OUTBOX_DONE ? NULL : strdup("{}"),
		.event = event,
		.alert = alert,
		.created = WALL,
		.state = state};

	assert_true(i.notify && i.subject && i.incident);
	assert_int_equal(
		outbox_restore(o, &i, NOW, WALL + USEC_PER_MINUTE, NOW + USEC_PER_HOUR), 0);
	return outbox_find(o, id);
}

static void test_restart(void **state)
{
	struct outbox o = {0};
	struct outbox_item *told = restore(&o, 3, NOTICE_SUSPECT, OUTBOX_DONE, false);
	struct outbox_item *waits = restore(&o, 5, NOTICE_HUNG, OUTBOX_WAITING, false);

	(void)state;
	assert_int_equal(outbox_oldest(&o, NOW), USEC_PER_MINUTE);
	assert_ptr_equal(outbox_due(&o, NOW), waits);
	assert_null(put(&o, "s", NOTICE_SUSPECT));
	assert_null(put(&o, "s", NOTICE_HUNG));
	assert_int_equal(put(&o, "s2", NOTICE_HUNG)->id, 6);
	assert_int_equal(outbox_claim(&o, "s", "another"), 0);
	assert_string_equal(told->incident, "another");
	outbox_expire(&o, NOW + USEC_PER_HOUR, WALL);
	assert_false(told->closed);
	outbox_clear(&o);
}

/* The ledger could not be read at first. */
static void test_restored_late(void **state)
{
	struct outbox o = {.next_id = 100};
	struct outbox_item *hung = put(&o, "s", NOTICE_HUNG);
	struct outbox_item *over = put(&o, "s", NOTICE_RECOVERED);
	struct outbox_item *twin = restore(&o, 7, NOTICE_HUNG, OUTBOX_WAITING, false);
	struct outbox_item *older = restore(&o, 9, NOTICE_SUSPECT, OUTBOX_WAITING, false);

	(void)state;
	assert_true(twin->state == OUTBOX_DONE && twin->closed && twin->unsaved);
	assert_int_equal(hung->id, 100);
	assert_int_equal(over->id, 101);
	assert_int_equal(attempt(&o, older, &good, NOW), OUTBOX_SENT);
	assert_int_equal(attempt(&o, hung, &good, NOW), OUTBOX_SENT);
	assert_ptr_equal(outbox_due(&o, NOW), over);
	outbox_clear(&o);
}

static void test_restart_without_its_incident(void **state)
{
	struct outbox o = {0};
	struct outbox_item *told = restore(&o, 1, NOTICE_SUSPECT, OUTBOX_DONE, false);
	struct outbox_item *up = restore(&o, 2, NOTICE_HUNG, OUTBOX_UP, true);
	struct outbox_item *outcome = restore(&o, 3, NOTICE_FAILED, OUTBOX_UP, true);
	usec_t then = NOW + USEC_PER_HOUR;

	(void)state;
	/* It began a minute ago. */
	outbox_expire(&o, then - USEC_PER_MINUTE - 1, WALL);
	assert_int_equal(outcome->state, OUTBOX_UP);
	outbox_expire(&o, then - USEC_PER_MINUTE, WALL);
	assert_int_equal(outcome->state, OUTBOX_DONE);
	assert_false(told->closed || told->unsaved);
	outbox_expire(&o, then, WALL + 9);
	assert_true(told->unsaved && up->unsaved);
	assert_true(told->closed);
	assert_int_equal(up->ended, WALL + 9);
	assert_ptr_equal(outbox_due(&o, then), up);
	outbox_clear(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_storm_is_told_to_all),
		cmocka_unit_test(test_once_per_event),
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_so_many_at_once),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_many_alerts_stand),
		cmocka_unit_test(test_alert),
		cmocka_unit_test(test_alert_that_ends_while_it_is_sent),
		cmocka_unit_test(test_alert_on_an_outcome),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_restored_late),
		cmocka_unit_test(test_restart_without_its_incident),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
