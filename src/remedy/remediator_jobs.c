/* SPDX-License-Identifier: Apache-2.0
 * The list of jobs, and what is counted of them. */
#include <stdlib.h>

#include "base/log.h"
#include "remedy/job.h"
#include "remedy/remediator_parts.h"

void remediator_count_action(struct remediator *m, const struct job *j, enum action_outcome outcome)
{
	m->context.stats->actions[j->record.remedy.plan.action][outcome]++;
}

void remediator_log_action(struct remediator *m, const struct action_record *a, int64_t at)
{
	struct past_action past = {
		.at = at,
		.action = a->remedy.plan.action,
		.target = a->target,
		.owner = a->remedy.owner,
	};
	const struct log_about about = {.app_id = a->target.app_id,
		.action = rule_action_name(past.action),
		.incident = a->target.incident};

	if (action_log_add(&m->log, &past) < 0)
		log_event(LOG_ERR, &about,
			"Out of memory while counting an action: actions_per_hour may allow one "
			"more");
}

/* It sent nothing, or nothing that took: as if it had never been. */
void remediator_unlog_action(struct remediator *m, struct job *j)
{
	if (j->logged)
		action_log_drop(&m->log, &j->record.remedy.owner);
	j->logged = false;
}

static void unlink_job(struct remediator *m, struct job *j)
{
	for (struct job **k = &m->jobs; *k; k = &(*k)->next)
		if (*k == j) {
			*k = j->next;
			break;
		}
}

void remediator_drop_job(struct remediator *m, struct job *j)
{
	unlink_job(m, j);
	job_free(j);
}

/* One that is over. How it ended must not get lost: a restart would take it up again. */
void remediator_put_away(struct remediator *m, struct job *j)
{
	unlink_job(m, j);
	if (!j->unsaved) {
		job_free(j);
		return;
	}
	j->incident = NULL; /* lives no longer than its list wants */
	j->next = m->unsaved;
	m->unsaved = j;
}

void remediator_save_put_away(struct remediator *m)
{
	struct job *j;

	while ((j = m->unsaved)) {
		job_save(j);
		if (j->unsaved)
			return;
		m->unsaved = j->next;
		job_free(j);
	}
}

struct job *remediator_add_job(struct remediator *m, struct incident *i)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->context = &m->job_context;
	j->incident = i;
	j->runtime = runtime_ref(remediator_runtime(m));
	j->began = remediator_now(m);
	j->next = m->jobs;
	m->jobs = j;
	return j;
}

size_t remediator_n_pending(const struct remediator *m)
{
	size_t n = 0;

	for (const struct job *j = m->jobs; j; j = j->next)
		n++;
	return n;
}

const struct remedy *remediator_remedy(const struct remediator *m, const struct incident *i)
{
	for (const struct job *j = m->jobs; j; j = j->next)
		if (j->incident == i)
			return &j->record.remedy;
	return NULL;
}

usec_t remediator_oldest(const struct remediator *m)
{
	usec_t oldest = 0;

	for (const struct job *j = m->jobs; j; j = j->next) {
		usec_t age = usec_sub(remediator_now(m), j->began);

		if (age > oldest)
			oldest = age;
	}
	return oldest;
}

size_t remediator_n_last_hour(const struct remediator *m)
{
	return action_log_last_hour(&m->log, NULL, remediator_now(m));
}
