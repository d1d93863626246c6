/* SPDX-License-Identifier: Apache-2.0
 * What a job is to know before it starts: of a stage that was judged hung, or of the ledger where a
 * restart interrupted it. */
#include <errno.h>
#include <inttypes.h>

#include "core/act/claim.h"
#include "core/facts/spark_conf.h"
#include "remedy/job.h"

static int note_of(const struct incident *i, const struct action_record *a, char **ret)
{
	const struct remedy *m = &a->remedy;
	_cleanup_free_ char *head = NULL;
	int r = m->plan.claim ? claim_head(m->owner.try_number, m->plan.claim, &head)
			      : str_replace(&head, "stagewatchd");

	if (r < 0)
		return r;
	return str_printf(ret,
		"%s: Spark stage %" PRId64 " of %s was hung: %s. Rule %s, action %s, "
		"incident %s.",
		head, i->stage_id, a->target.app_id, i->evidence, i->rule,
		rule_action_name(a->remedy.plan.action), i->id);
}

/* What names an action, copied from those who know. */
static int fill_record(struct action_record *rec, const struct incident *i,
	const struct app_history *a, const struct airflow *airflow, const char *url)
{
	int r = str_replace(&rec->target.incident, i->id);

	if (r >= 0)
		r = str_replace(&rec->target.cluster, a->cluster);
	if (r >= 0)
		r = str_replace(&rec->target.app_id, a->info.id);
	if (r >= 0)
		r = str_replace(&rec->target.app_name, a->info.name);
	if (r >= 0)
		r = str_replace(&rec->target.rule, i->rule);
	if (r >= 0)
		r = str_replace(&rec->url, url);
	if (r >= 0)
		r = str_replace(&rec->airflow, airflow_name(airflow));
	return r < 0 ? r : note_of(i, rec, &rec->note);
}

/* Its incident is of this ledger alone, and the same after a restart with it. */
static int claim_of(struct job *j)
{
	const char *identity = leader_identity(j->context->leader);

	if (!identity)
		return 0;
	return str_printf(&j->claim, "replica %s, incident %s", identity, j->incident->id);
}

static bool kills_whole_app(enum kill_kind kind)
{
	return kind != KILL_JOB && kind != KILL_STAGE;
}

int job_setup(struct job *j, const struct detector_event *ev, struct airflow *airflow, bool dry)
{
	const struct job_context *c = j->context;
	const struct app_history *a = ev->app;
	struct poller *p = c->poller(c->userdata, a->cluster);
	struct action_record *rec = &j->record;
	struct kill_point point;
	struct remedy_plan plan = {
		.action = (enum rule_action)ev->rule->action,
		.retry_via = ev->rule->retry_via,
		.dry = dry,
		.needs_note = airflow_speaks(airflow) == AIRFLOW_API_V1,
		.app_started = a->info.started,
		.may_fire = ev->rule->on_failure_tasks == ON_FAILURE_TASKS_RUN,
		.process_timeout = airflow_process_timeout(airflow),
		.end_timeout = ev->rule->end_timeout,
		.retry_timeout = ev->rule->retry_timeout,
	};
	int r;

	j->source = runtime_source(j->runtime, a->cluster);
	j->airflow = airflow;
	if (!j->source || !p || !poller_url_of(p, a))
		return -ENOENT;
	r = claim_of(j);
	if (r < 0)
		return r;
	plan.claim = j->claim;
	j->ref = (struct app_ref){.app_id = a->info.id, .url = poller_url_of(p, a)};
	j->source->ops->identify(j->source, &j->ref);
	rec->mark = j->ref.mark;
	plan.can_kill_app =
		source_kill_point(j->source, &j->ref, (enum kill_via)ev->rule->kill_via, &point);
	plan.kills_app = plan.can_kill_app && kills_whole_app(point.kind);
	/* On YARN the end that the next try finds is KILLED; a master's driver may end well. */
	plan.outlives_process =
		str_equal(spark_conf_set(&a->properties, "spark.submit.deployMode"), "cluster");
	plan.pod = j->source->ops->pods;
	plan.outlives_process = plan.outlives_process || plan.pod;
	plan.cluster_mode = plan.can_kill_app && plan.outlives_process &&
			    j->source->ops->cluster_driver_ends_well;
	rec->began = clock_wall(c->clock);
	r = remedy_init(&rec->remedy, &plan, &a->owner);
	if (r >= 0)
		r = fill_record(rec, j->incident, a, airflow, poller_url_of(p, a));
	if (r < 0)
		return r;
	j->ref.app_id = rec->target.app_id;
	j->ref.url = rec->url;
	rec->pid = j->ref.pid;
	rec->pid_started = j->ref.pid_started;
	return 0;
}

const char *job_setup_again(struct job *j)
{
	const struct settings *s = j->runtime->settings;
	const struct rule *rule = runtime_rule(j->runtime, j->record.target.rule);

	j->source = runtime_source(j->runtime, j->record.target.cluster);
	for (size_t k = 0; k < s->n_airflows; k++)
		if (str_equal(airflow_name(j->runtime->airflows[k]), j->record.airflow))
			j->airflow = j->runtime->airflows[k];
	j->record.remedy.plan.dry = rule ? settings_dry(s, rule) : s->daemon.mode == MODE_OBSERVE;
	j->ref = (struct app_ref){.app_id = j->record.target.app_id,
		.url = j->record.url,
		.pid = j->record.pid,
		.pid_started = j->record.pid_started,
		.mark = j->record.mark};
	if (!j->source)
		return "a restart interrupted it, and its cluster is no longer configured";
	if (!j->airflow)
		return "a restart interrupted it, and its Airflow is no longer configured";
	j->record.remedy.plan.pod = j->source->ops->pods;
	j->record.remedy.plan.outlives_process = j->source->ops->pods;
	j->record.remedy.plan.process_timeout = airflow_process_timeout(j->airflow);
	j->record.remedy.plan.may_fire = rule && rule->on_failure_tasks == ON_FAILURE_TASKS_RUN;
	return NULL;
}
