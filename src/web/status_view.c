/* SPDX-License-Identifier: Apache-2.0
 * State, held against the configuration and the clocks of the moment. */
#include "web/status_view.h"

#include <errno.h>
#include <stdlib.h>

#include "notifier/notifier.h"
#include "store/observed_store.h"
#include "store/store.h"
#include "web/incident_view.h"
#include "web/notifier_view.h"
#include "web/tally.h"
#include "wire/status.h"

/* Of one cluster: the rest is counted. */
#define MAX_FAULTS_SHOWN ((size_t)100)

int state_incident_json(const struct web_view *v, const struct incident *i, char **ret)
{
	struct incident_view view;
	_cleanup_free_ char *next = NULL;
	struct status_outlook outlook = {0};
	int r;

	incident_view_of(v, i, &view);
	if (view.rule) {
		outlook.mode = mode_name(view.outlook.dry ? MODE_OBSERVE : MODE_ACT);
		outlook.wishes = &view.wishes;
	}
	r = outlook_text(i, &view.outlook, &next);
	if (r < 0)
		return r;
	outlook.next = next;
	return status_incident_json(i, &outlook, ret);
}

int state_observed_json(const struct web_view *v, char **ret)
{
	struct observed o = {0};
	const char *trouble = NULL;
	int r = observed_add_incidents(&o, v->incidents);

	if (r >= 0)
		r = observed_store_read(store_ledger(v->store), v->incidents, &o);
	if (r < 0 && r != -ENOMEM) {
		trouble = "the ledger is not usable";
		r = 0;
	}
	if (r >= 0)
		r = status_observed_json(&o, trouble, ret);
	observed_clear(&o);
	return r;
}

static size_t count_open(const struct web_view *v)
{
	size_t n = 0;

	for (int k = 0; k < VERDICT_MAX; k++)
		n += incident_count_open(v->incidents, (enum verdict)k);
	return n;
}

/* The parts of a summary that are lists. */
struct lists {
	struct status_rule *rules;
	struct status_window *windows;
	struct status_cluster *clusters;
	struct status_fault *faults; /* of all clusters, one after the other */
	struct status_airflow *airflows;
	struct status_notify *notifies;
};

static void lists_clear(struct lists *l)
{
	free(l->rules);
	free(l->windows);
	free(l->clusters);
	free(l->faults);
	free(l->airflows);
	free(l->notifies);
}

static void fill_rules(const struct web_view *v, struct lists *l, struct status_summary *sum)
{
	const struct settings *s = v->runtime->settings;

	for (size_t i = 0; i < s->rules.n; i++) {
		const struct rule *r = &s->rules.items[i];

		l->rules[i] = (struct status_rule){.name = r->name,
			.action = rule_action_name((enum rule_action)r->action),
			.mode = mode_name(settings_dry(s, r) ? MODE_OBSERVE : MODE_ACT),
			.owner_may = r->owner_may};
	}
	sum->rules = l->rules;
	sum->n_rules = s->rules.n;
}

static void fill_windows(const struct web_view *v, struct lists *l, struct status_summary *sum)
{
	const struct maintenance_list *all = &v->runtime->settings->maintenance;

	for (size_t i = 0; i < all->n; i++)
		l->windows[i] = (struct status_window){.name = all->items[i].name,
			.reason = all->items[i].reason,
			.open = holds_open(v->holds, &all->items[i])};
	sum->windows = l->windows;
	sum->n_windows = all->n;
}

static void fill_fault(const struct standing_fault *f, struct status_fault *ret)
{
	*ret = (struct status_fault){
		.url = f->url,
		.app_id = f->app_id,
		.question = f->what,
		.state = target_state_name(f->silent ? TARGET_SILENT : TARGET_UNUSABLE),
		.reason = f->fault.reason,
		.text = f->fault.text,
		.since = f->since,
	};
}

static void fill_cluster(const struct tally *t, const struct health_cluster *s,
	struct status_fault *faults, struct status_cluster *ret)
{
	*ret = (struct status_cluster){
		.name = s->name,
		.up = s->up,
		.n_ok = s->targets[TARGET_OK],
		.n_silent = s->targets[TARGET_SILENT],
		.n_unusable = s->targets[TARGET_UNUSABLE],
		.faults = faults,
		.n_faults = s->faults.n,
		.n_shown = s->faults.n < MAX_FAULTS_SHOWN ? s->faults.n : MAX_FAULTS_SHOWN,
		.last_poll = s->last_poll,
		.n_apps = tally_cluster(t, s->name).n_apps,
		.kill = s->kill,
	};
	for (size_t i = 0; i < ret->n_shown; i++)
		fill_fault(s->faults.items[i], &faults[i]);
}

static int fill_clusters(const struct web_view *v, struct lists *l, struct status_summary *sum)
{
	const struct health *s = v->health;
	struct tally t = {0};
	int r = tally_of(v->detector, &t);

	for (size_t i = 0; i < s->n_clusters; i++)
		if (s->clusters[i].present)
			fill_cluster(&t, &s->clusters[i], &l->faults[i * MAX_FAULTS_SHOWN],
				&l->clusters[sum->n_clusters++]);
	for (size_t i = 0; i < s->n_airflows; i++)
		if (s->airflows[i].present)
			l->airflows[sum->n_airflows++] = (struct status_airflow){
				.name = s->airflows[i].name,
				.up = s->airflows[i].up,
				.version = s->airflows[i].version,
				.access = s->airflows[i].access,
			};
	sum->clusters = l->clusters;
	sum->airflows = l->airflows;
	tally_clear(&t);
	return r;
}

/* It closes when the storm was over for storm_window; while that goes on, the end moves. */
static struct status_storm storm_of(const struct web_view *v)
{
	const struct breaker *b = remediator_breaker(v->remediator);
	const struct limit_params *p = &v->runtime->settings->limits;
	struct status_storm s = {.id = notifier_storm_id(v->notifier)};

	if (!b->open)
		return s;
	s.why = b->why;
	s.since = notifier_storm_opened(v->notifier);
	if (p->storm_reset == STORM_RESET_AUTO)
		s.until = v->wall + usec_sub(b->stormy + p->storm_window, v->now);
	return s;
}

static struct status_leader leader_of(const struct web_view *v)
{
	struct leader_status s;

	if (!v->leader)
		return (struct status_leader){0};
	leader_status(v->leader, &s);
	return (struct status_leader){.lease = s.lease,
		.identity = s.identity,
		.leads = s.leads,
		.other = s.other,
		.why = leader_objection(v->leader),
		.transitions = s.transitions};
}

int state_storm_json(const struct web_view *v, const char *id, char **ret)
{
	struct status_storm s = storm_of(v);

	return s.why && str_equal(s.id, id) ? status_storm_json(&s, ret) : -ENOENT;
}

int state_summary_json(const struct web_view *v, char **ret)
{
	const struct settings *s = v->runtime->settings;
	struct status_summary sum = {
		.version = STAGEWATCHD_VERSION,
		.mode = mode_name(settings_mode(s)),
		.wall = v->wall,
		.started = v->started,
		.ready = v->ready,
		.healthy = v->healthy,
		.reload_ok = v->reload_ok,
		.reload_fault = v->reload_fault,
		.needs_restart = v->needs_restart,
		.reloaded = v->reloaded,
		.n_pending_actions = remediator_n_pending(v->remediator),
		.n_hung = detector_n_hung(v->detector),
		.n_incidents_open = count_open(v),
		.n_actions_last_hour = remediator_n_last_hour(v->remediator),
		.actions_per_hour = s->limits.actions_per_hour,
		.ledger = store_trouble(v->store),
	};
	_cleanup_free_ char *mode_text = NULL;
	struct lists l = {
		.rules = calloc(s->rules.n + 1, sizeof(*l.rules)),
		.windows = calloc(s->maintenance.n + 1, sizeof(*l.windows)),
		.clusters = calloc(v->health->n_clusters + 1, sizeof(*l.clusters)),
		.faults = calloc(v->health->n_clusters + 1, MAX_FAULTS_SHOWN * sizeof(*l.faults)),
		.airflows = calloc(v->health->n_airflows + 1, sizeof(*l.airflows)),
		.notifies = calloc(v->health->n_notifies + 1, sizeof(*l.notifies)),
	};
	int r = -ENOMEM;

	if (l.rules && l.windows && l.clusters && l.faults && l.airflows && l.notifies &&
		settings_mode_text(s, &mode_text) >= 0) {
		sum.mode_text = mode_text;
		fill_rules(v, &l, &sum);
		holds_status(v->holds, &sum.pause);
		sum.leader = leader_of(v);
		sum.storm = storm_of(v);
		fill_windows(v, &l, &sum);
		r = fill_clusters(v, &l, &sum);
		sum.notifies = l.notifies;
		sum.n_notifies = notifier_view_list(v->notifier, v->health, v->stats, l.notifies);
		sum.notices_durable = notifier_durable(v->notifier);
		if (r >= 0)
			r = status_summary_json(&sum, ret);
	}
	lists_clear(&l);
	return r;
}
