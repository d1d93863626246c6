/* SPDX-License-Identifier: Apache-2.0
 * After a restart: what the ledger knows of earlier actions, and those that were interrupted. */
#include <errno.h>

#include "base/log.h"
#include "remedy/job.h"
#include "remedy/remediator_parts.h"

/* A moment since 1970 as one on the local clock, negative where it was before the boot. Where the
 * wall clock was set back since, it was just now: that forbids more, not less. */
static int64_t local_time(const struct remediator *m, usec_t then)
{
	return (int64_t)remediator_now(m) - (int64_t)usec_sub(remediator_wall(m), then);
}

static int on_past_action(void *userdata, struct action_record *a)
{
	struct remediator *m = userdata;
	struct incident *i = incident_by_id(m->context.incidents, a->target.incident);
	struct job *j;

	if (a->remedy.outcome != OUTCOME_REFUSED)
		remediator_log_action(m, a, local_time(m, a->began));
	/* The crash came between its end and the incident's. */
	if (a->ended > 0 && i && i->ended == 0 && !i->response.decided &&
		a->remedy.outcome != OUTCOME_REFUSED) {
		i->response.decided = true;
		incident_settle(i, a->remedy.outcome, a->remedy.why);
	}
	if (a->ended > 0 || !i)
		return 0;
	j = remediator_add_job(m, i);
	if (!j)
		return -ENOMEM;
	j->record = TAKE_STRUCT(*a);
	j->resumed = true;
	j->recorded = true;
	j->logged = true;
	i->response.under_way = true;
	return 0;
}

/* Reads what was done before; all of it or nothing. */
static int read_past(struct remediator *m)
{
	_cleanup_free_ char *breaker = NULL;
	int r = store_get_text(m->context.store, REMEDIATOR_BREAKER_KEY, &breaker);

	if (r >= 0)
		r = store_each_action(m->context.store, on_past_action, m);
	if (r < 0) {
		while (m->jobs)
			remediator_drop_job(m, m->jobs);
		action_log_clear(&m->log);
		return r;
	}
	if (breaker)
		breaker_reopen(&m->breaker, breaker, remediator_now(m));
	return 0;
}

static int keep_action(struct remediator *m, const struct past_action *p)
{
	char why[] = "known from memory only: the ledger was made anew";
	char airflow[] = "";
	struct action_record a = {
		.target = p->target,
		.began = usec_sub(remediator_wall(m), (usec_t)((int64_t)remediator_now(m) - p->at)),
		.airflow = airflow,
		.remedy = {.plan.action = p->action,
			.owner = p->owner,
			.state = REMEDY_DONE,
			.outcome = OUTCOME_UNCONFIRMED,
			.why = why},
	};

	a.ended = a.began;
	return store_keep_action(m->context.store, &a);
}

void remediator_keep_past(struct remediator *m)
{
	struct ledger *l = store_ledger(m->context.store);
	int r = ledger_begin(l);

	for (size_t k = 0; r >= 0 && k < m->log.n; k++) {
		const struct past_action *p = &m->log.items[k];
		const struct incident *i = incident_by_id(m->context.incidents, p->target.incident);

		if (!i ||
			!i->response.under_way) /* whose job saves itself, once it is to be known */
			r = keep_action(m, p);
	}
	if (r >= 0)
		r = ledger_commit(l);
	if (r < 0)
		ledger_rollback(l); /* in trouble again, and made anew again */
}

static void tell_continued(struct remediator *m, struct job *j)
{
	const char *state = remedy_state_name(j->record.remedy.state);
	struct log_about about;
	char stage[48];

	job_about(j, &about, stage);
	log_event(LOG_NOTICE, &about,
		"Continuing the %s of %s that a restart interrupted at %s (incident %s)",
		about.action, about.app_id, state, about.incident);
	incident_tell(j->incident, remediator_wall(m), "continued after a restart, at %s", state);
}

void remediator_take_up(struct remediator *m)
{
	if (read_past(m) < 0)
		return;
	m->taken_up = true;
	for (struct job *j = m->jobs, *next; j; j = next) {
		const char *trouble;

		next = j->next;
		if (!j->resumed)
			continue;
		trouble = job_setup_again(j);
		tell_continued(m, j);
		remediator_count_action(m, j, ACTION_REQUESTED);
		j->counted_request = true;
		j->incident->response.began = j->began;
		j->record.remedy.requested = true;
		if (trouble)
			job_give_up(j, OUTCOME_UNCONFIRMED, trouble);
		else
			job_start(j);
	}
}
