/* SPDX-License-Identifier: Apache-2.0
 * What the parts do together once the loop runs: at each tick, when the detector tells something,
 * when the web server or the watchdog asks. */
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/log.h"
#include "daemon/door.h"
#include "daemon/manager_parts.h"
#include "daemon/verdict_log.h"
#include "io/clock.h"
#include "io/http_client.h"
#include "io/service.h"
#include "notifier/notifier.h"
#include "remedy/remediator.h"
#include "setup/messages.h"
#include "setup/runtime.h"
#include "store/run_store.h"
#include "store/store.h"
#include "watch/airflow_health.h"
#include "watch/evidence_files.h"
#include "watch/poller.h"
#include "watch/task_survey.h"
#include "web/control.h"
#include "web/once_table.h"
#include "web/orders.h"
#include "web/routes.h"

/* Polling counts as stuck when no cluster's tick has come to its end for so many intervals, and a
 * minute. */
#define STUCK_INTERVALS 3

static const char *url_of(struct manager *m, const struct app_history *a)
{
	const struct poller *p = manager_poller(m, a->cluster);

	return p ? poller_url_of(p, a) : NULL;
}

static void on_changed(void *userdata, const struct detector_event *ev)
{
	struct manager *m = userdata;
	struct incident *i = NULL;
	bool reached = false;
	struct rule_stats *rs;

	if (manager_only_looks(m))
		return;
	if (incident_follow(&m->incidents, ev, clock_realtime(), &i, &reached) < 0)
		log_error("%s: out of memory while following an incident of %s; its next change of "
			  "verdict tries again",
			ev->app->cluster, ev->app->info.id);
	if (i)
		evidence_files_follow(m->evidence_files, i, url_of(m, ev->app), ev->app,
			clock_boottime(), clock_realtime());
	rs = reached ? stats_rule(&m->stats, ev->rule->name) : NULL;
	if (rs)
		rs->incidents[ev->verdict]++;
	if (ev->verdict == VERDICT_HUNG)
		remediator_count(m->remediator, ev->app, ev->now);
	verdict_log(ev, i, settings_dry(m->runtime->settings, ev->rule));
	if (reached)
		notifier_event(m->notifier, i, notice_of_verdict(ev->verdict));
}

static void on_judged(void *userdata, const struct detector_event *ev)
{
	struct manager *m = userdata;
	struct incident *i = NULL;
	bool reached = false;

	if (manager_only_looks(m))
		return;
	/* The numbers of an open incident grow older with each poll. */
	if (incident_follow(&m->incidents, ev, clock_realtime(), &i, &reached) < 0)
		return;
	remediator_consider(m->remediator, ev);
}

static void on_ended(void *userdata, const struct app_history *a, usec_t now)
{
	struct manager *m = userdata;

	if (!manager_only_looks(m))
		notifier_app_ended(m->notifier, a, detector_rule(m->detector, a));
	/* One of a cluster that is no longer configured may run on. */
	if (m->runs && runtime_source(m->runtime, a->cluster))
		run_store_add(m->runs, a, clock_realtime() - usec_sub(now, a->observed));
}

static void on_overran(void *userdata, const struct app_history *a, const struct rule *rule)
{
	struct manager *m = userdata;
	struct log_about about = {.message_id = MESSAGE_MAX_RUNTIME,
		.cluster = a->cluster,
		.app_id = a->info.id,
		.rule = rule->name};
	char ran[32];
	char limit[32];

	if (manager_only_looks(m))
		return;
	log_event(LOG_NOTICE, &about,
		"%s: %s has run for %s, longer than max_runtime=%s of its rule %s; it is told, and "
		"nothing is done",
		a->cluster, a->info.id, format_duration(ran, sizeof(ran), a->ran),
		format_duration(limit, sizeof(limit), rule->max_runtime), rule->name);
	notifier_overran(m->notifier, a, rule);
}

struct detector_sink manager_sink(struct manager *m)
{
	return (struct detector_sink){.changed = on_changed,
		.judged = on_judged,
		.ended = on_ended,
		.overran = on_overran,
		.userdata = m};
}

static usec_t interval(const struct manager *m)
{
	return m->runtime->settings->daemon.poll_interval;
}

/* A poller whose list of apps took longer than its limit; NULL without one. */
static const struct poller *stuck_poller(
	const struct manager *m, usec_t *ret_since, usec_t *ret_limit)
{
	for (size_t i = 0; i < m->n_pollers; i++) {
		const struct source *s = m->runtime->sources[i];
		usec_t since = usec_sub(clock_boottime(), poller_advanced(m->pollers[i]));
		/* A list may ask each URL twice, and wait for the time limit each time. */
		usec_t limit = STUCK_INTERVALS * interval(m) + USEC_PER_MINUTE +
			       2 * s->urls.n * s->endpoint.timeout;

		if (since > limit) {
			*ret_since = since;
			*ret_limit = limit;
			return m->pollers[i];
		}
	}
	return NULL;
}

static bool polling_advances(const struct manager *m)
{
	usec_t since;
	usec_t limit;

	return m->n_pollers > 0 && !stuck_poller(m, &since, &limit);
}

static int on_watchdog(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct manager *m = userdata;
	const struct poller *stuck;
	char since_text[32];
	char limit_text[32];
	usec_t since = 0;
	usec_t limit = 0;

	(void)usec;
	stuck = stuck_poller(m, &since, &limit);
	if (stuck)
		log_error(
			"%s: no answer to the list of apps for %s (limit %s, by poll_interval and "
			"timeout); not sending WATCHDOG=1, so systemd restarts the service",
			poller_cluster(stuck),
			format_duration(since_text, sizeof(since_text), since),
			format_duration(limit_text, sizeof(limit_text), limit));
	else if (m->n_pollers > 0)
		service_watchdog_feed();
	return timer_in(source, service_watchdog_period() / 2);
}

void manager_say_status(const struct manager *m)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *mode = NULL;
	size_t hung = incident_count_open(&m->incidents, VERDICT_HUNG);

	if (settings_mode_text(m->runtime->settings, &mode) >= 0 &&
		str_printf(&text, "Watching %zu apps on %zu clusters, mode %s, %zu hung%s%s%s%s",
			detector_n_apps(m->detector), m->n_pollers, mode, hung,
			m->reload_fault ? "; the last reload failed, the old configuration goes "
					  "on: "
					: "",
			m->reload_fault ? m->reload_fault : "",
			m->needs_restart ? "; takes a restart: " : "",
			m->needs_restart ? m->needs_restart : "") >= 0)
		service_status(text);
}

/* Once when it begins, and once when it ends. */
static void note_left_out(struct manager *m)
{
	uint64_t n = detector_n_left_out(m->detector);
	bool leaves_out = n > m->n_left_out;

	if (leaves_out && !m->leaves_out)
		log_warning("More apps run than max_apps=%" PRIu64
			    ": the healthy ones that began first are not watched",
			m->runtime->settings->daemon.max_apps);
	else if (!leaves_out && m->leaves_out)
		log_notice("No more apps run than max_apps=%" PRIu64 ": all are watched",
			m->runtime->settings->daemon.max_apps);
	m->leaves_out = leaves_out;
	m->n_left_out = n;
}

/* Once when it begins, and once when it ends. */
static void note_connections(struct manager *m)
{
	size_t most = m->client ? http_client_max_connections(m->client) : SIZE_MAX;
	bool connects_anew = detector_n_apps(m->detector) > most;

	if (connects_anew && !m->connects_anew)
		log_warning("%zu apps are watched, but only %zu connections stay open: the other "
			    "drivers are connected to anew at each poll, which costs CPU time; "
			    "raise LimitNOFILE= of the service, then restart it",
			detector_n_apps(m->detector), most);
	else if (!connects_anew && m->connects_anew)
		log_notice("All %zu connections to drivers stay open again",
			detector_n_apps(m->detector));
	m->connects_anew = connects_anew;
}

/* Nobody will ever see what becomes of these. */
static void end_incidents_of_gone_clusters(struct manager *m)
{
	for (size_t k = 0; k < m->incidents.n; k++) {
		struct incident *i = m->incidents.items[k];

		if (i->inherited && i->ended == 0 && !i->response.under_way &&
			!runtime_source(m->runtime, i->cluster))
			incident_end(i, OUTCOME_ENDED,
				"its cluster is not in the configuration any more",
				clock_realtime());
	}
}

/* What was open before a restart, once all that could be seen was seen. */
static void sweep_incidents(struct manager *m)
{
	bool any = false;

	for (size_t k = 0; k < m->incidents.n && !any; k++)
		any = m->incidents.items[k]->inherited && m->incidents.items[k]->ended == 0;
	for (size_t i = 0; i < m->n_pollers && any; i++) {
		const struct poller *p = m->pollers[i];

		if (poller_saw_all(p))
			incident_sweep(
				&m->incidents, m->detector, poller_cluster(p), clock_realtime());
	}
}

/* What became of hangs that would have been acted upon. */
static void count_observed(struct manager *m)
{
	for (size_t k = 0; k < m->incidents.n; k++) {
		struct incident *i = m->incidents.items[k];

		if (i->ended == 0 || i->response.counted || !i->response.decided_dry)
			continue;
		i->response.counted = true;
		stats_observed(&m->stats, i->rule,
			i->response.outcome == OUTCOME_MOVED_AGAIN ? OBSERVED_MOVED_AGAIN
								   : OBSERVED_ENDED);
	}
}

/* Whether it was opened anew. The pause of a new one goes only where what was acted upon before is
 * known. */
static bool tick_ledger(struct manager *m)
{
	bool knew = remediator_knows_past(m->remediator);
	bool anew = store_tick(m->store, clock_realtime(), knew);

	if (anew && !knew && m->control)
		holds_reload(control_holds(m->control));
	return anew;
}

static void tick_bookkeeping(struct manager *m)
{
	const struct breaker *b = remediator_breaker(m->remediator);
	bool anew;

	sweep_incidents(m);
	anew = tick_ledger(m);
	if (m->control)
		holds_tick(control_holds(m->control));
	remediator_tick(m->remediator, anew);
	/* After those that were acted upon were taken up. */
	end_incidents_of_gone_clusters(m);
	count_observed(m);
	notifier_tick(m->notifier);
	notifier_storm(m->notifier, b->open ? b->why : NULL);
	run_store_tick(m->runs, clock_realtime());
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct manager *m = userdata;

	(void)usec;
	m->ticks++;
	log_tell_left_out();
	for (size_t i = 0; i < m->n_pollers; i++)
		poller_tick(m->pollers[i]);
	if (m->airflow_health)
		airflow_health_tick(m->airflow_health);
	if (m->tasks)
		task_survey_tick(m->tasks, clock_boottime());
	if (m->evidence_files)
		evidence_files_sweep(
			m->evidence_files, &m->incidents, clock_boottime(), clock_realtime());
	if (!manager_only_looks(m))
		tick_bookkeeping(m);
	if (m->options.once) /* armed again when all answers are in */
		return 0;
	note_left_out(m);
	note_connections(m);
	manager_say_status(m);
	return timer_in(source, interval(m));
}

static size_t count_faults(const struct manager *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->health.n_clusters; i++)
		n += m->health.clusters[i].faults.n;
	return n;
}

/* --once: after the second tick, or after the first where there is nothing to be seen. */
static void end_once(struct manager *m)
{
	if (m->ticks < 2 && detector_n_apps(m->detector) + count_faults(m) > 0) {
		if (timer_in(m->tick, interval(m)) < 0)
			(void)sd_event_exit(m->event, EXIT_FAILURE);
		return;
	}
	(void)sd_event_exit(
		m->event, once_table_print(stdout, m->detector, &m->health, clock_boottime()));
}

void manager_idle(void *userdata, struct poller *p)
{
	struct manager *m = userdata;

	(void)p;
	for (size_t i = 0; i < m->n_pollers; i++)
		if (poller_n_done(m->pollers[i]) < (m->options.once ? m->ticks : 1))
			return;
	m->ready = true;
	if (m->options.once)
		end_once(m);
}

/* An order, or what is none. */
static int answer_post(struct manager *m, const struct web_view *view,
	const struct http_server_request *request, struct http_server_reply *reply)
{
	bool is_order = orders_has(request->path);

	if (is_order && request->body)
		return orders_answer(view, m->control, request, reply);
	reply->status = 405;
	reply->allow = is_order ? "POST" : NULL;
	return 0;
}

int manager_answer(
	void *userdata, const struct http_server_request *request, struct http_server_reply *reply)
{
	struct manager *m = userdata;
	const char *certificate = NULL;
	usec_t expiry = m->door ? door_expiry(m->door, &certificate) : 0;
	struct web_view view = {
		.runtime = m->runtime,
		.detector = m->detector,
		.incidents = &m->incidents,
		.health = &m->health,
		.stats = &m->stats,
		.leader = m->leader,
		.remediator = m->remediator,
		.holds = control_holds(m->control),
		.store = m->store,
		.notifier = m->notifier,
		.runs = m->runs,
		.client = m->client,
		.credentials = m->credentials,
		.web_server = door_server(m->door),
		.control_server = control_server(m->control),
		.caller = request->caller,
		.order_guard = m->order_guard,
		.evidence_collector = m->evidence_collector,
		.python_stacks = m->python_stacks,
		.now = clock_boottime(),
		.wall = clock_realtime(),
		.started = m->started,
		.ready = m->ready,
		.healthy = polling_advances(m),
		.reload_ok = m->reload_ok && !(m->door && door_fault(m->door)),
		.reload_fault = m->reload_fault ? m->reload_fault
				: m->door       ? door_fault(m->door)
						: NULL,
		.needs_restart = m->needs_restart,
		.reloaded = m->reloaded,
		.certificate = certificate,
		.certificate_expiry = expiry,
	};

	if (orders_has(request->path) || request->body)
		return answer_post(m, &view, request, reply);
	return routes_answer(&view, request, reply);
}

int manager_add_timers(struct manager *m)
{
	int r = timer_new(m->event, on_tick, m, &m->tick);

	if (r >= 0)
		r = timer_in(m->tick, 0);
	if (r < 0 || service_watchdog_period() == 0)
		return r;
	r = timer_new(m->event, on_watchdog, m, &m->watchdog);
	return r < 0 ? r : timer_in(m->watchdog, service_watchdog_period() / 2);
}
