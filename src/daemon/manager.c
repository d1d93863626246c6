/* SPDX-License-Identifier: Apache-2.0
 * Puts the parts together on one sd-event loop. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/bundles.h"
#include "daemon/exporter.h"
#include "daemon/inquirer.h"
#include "daemon/manager.h"
#include "daemon/messages.h"
#include "daemon/poller.h"
#include "daemon/recorder.h"
#include "daemon/remediator.h"
#include "daemon/table.h"
#include "daemon/world.h"
#include "io/http_client.h"
#include "io/http_server.h"
#include "io/service.h"

/* Airflow's health is asked so often; sooner while it was never heard of. */
#define AIRFLOW_PERIOD USEC_PER_MINUTE
#define AIRFLOW_PERIOD_UNKNOWN (10 * USEC_PER_SEC)
/* Polling counts as stuck when no cluster's tick has come to its end for so many intervals, and a
 * minute. */
#define STUCK_INTERVALS 3

struct airflow_watch {
	struct manager *manager;
	struct airflow *airflow;
	struct airflow_call *call;
	usec_t next;
	const char *complaint;
};

struct manager {
	struct manager_options options;
	sd_event *event;
	sd_event_source *tick;
	sd_event_source *watchdog;
	struct http_client *client;
	struct http_server *server;
	struct world *world;
	struct detector *detector;
	struct incident_list incidents;
	struct stats stats;
	struct inquirer *inquirer; /* NULL with --once */
	struct recorder *recorder; /* NULL with --once */
	struct tape *tape;         /* of --record */
	struct bundles *bundles;   /* NULL where it only looks */
	struct remediator *remediator;
	struct poller **pollers; /* one per source of the world */
	size_t n_pollers;
	struct airflow_watch *watches; /* one per Airflow of the world */
	size_t n_watches;
	usec_t started; /* since 1970 */
	usec_t reloaded;
	bool reload_ok;
	bool ready;
	unsigned ticks;
};

static usec_t on_now(void *userdata)
{
	(void)userdata;
	return clock_boottime();
}

static usec_t on_wall(void *userdata)
{
	(void)userdata;
	return clock_realtime();
}

static struct world *on_world(void *userdata)
{
	struct manager *m = userdata;

	return m->world;
}

static struct poller *on_poller(void *userdata, const char *cluster)
{
	struct manager *m = userdata;

	for (size_t i = 0; i < m->n_pollers; i++)
		if (str_equal(poller_cluster(m->pollers[i]), cluster))
			return m->pollers[i];
	return NULL;
}

/* Only looks: acts upon nothing, tells nobody. */
static bool only_looks(const struct manager *m)
{
	return m->options.once || m->options.record;
}

/* What drivers are asked through. */
static struct transport *transport(const struct manager *m)
{
	return m->recorder ? recorder_transport(m->recorder) : http_client_transport(m->client);
}

/* What the rule asks for, and whether it will be done. */
static const char *what_follows(const struct manager *m, const struct detector_event *ev)
{
	bool act = ev->rule->mode == RULE_MODE_ACT ||
		   (ev->rule->mode == RULE_MODE_INHERIT &&
			   m->world->settings->daemon.mode == MODE_ACT);

	if (ev->verdict != VERDICT_HUNG)
		return "";
	switch ((enum rule_action)ev->rule->action) {
	case RULE_ACTION_KILL:
		return act ? ", action kill" : ", action kill, but observing";
	case RULE_ACTION_RETRY:
		return act ? ", action retry" : ", action retry, but observing";
	case RULE_ACTION_NOTIFY:
		return ", action notify";
	case RULE_ACTION_NONE:
	case RULE_ACTION_MAX:
		break;
	}
	return ", no action";
}

static void log_change(
	const struct manager *m, const struct detector_event *ev, const struct incident *i)
{
	_cleanup_free_ char *text = NULL;
	struct strbuf b = {0};
	char stage[48] = "";
	struct log_about about = {
		.message_id = MESSAGE_VERDICT,
		.cluster = ev->app->cluster,
		.app_id = ev->app->info.id,
		.rule = ev->rule->name,
		.verdict = verdict_name(ev->verdict),
		.incident = i ? i->id : NULL,
	};
	int level = ev->verdict == VERDICT_HUNG || ev->verdict == VERDICT_CRASH_LOOP ||
				    ev->verdict == VERDICT_UNOBSERVABLE
			    ? LOG_WARNING
			    : LOG_NOTICE;

	evidence_describe(ev->evidence, &b);
	if (strbuf_finish(&b, &text) < 0)
		return;
	if (ev->stage) {
		(void)snprintf(stage, sizeof(stage), "%" PRId64 ".%" PRId64,
			ev->stage->last.stage_id, ev->stage->last.attempt_id);
		about.stage_id = stage;
	}
	if (ev->gone)
		log_event(LOG_NOTICE, &about, "%s: %s%s%s is gone, it was %s", about.cluster,
			about.app_id, ev->stage ? " stage " : "", ev->stage ? stage : "",
			verdict_name(ev->old));
	else
		log_event(level, &about, "%s: %s%s%s is %s, was %s: %s (rule %s%s)", about.cluster,
			about.app_id, ev->stage ? " stage " : "", stage, about.verdict,
			verdict_name(ev->old), text, about.rule, what_follows(m, ev));
}

static const char *url_of(struct manager *m, const struct app_history *a)
{
	const struct poller *p = on_poller(m, a->cluster);

	return p ? poller_url_of(p, a) : NULL;
}

static void on_changed(void *userdata, const struct detector_event *ev)
{
	struct manager *m = userdata;
	struct incident *i = NULL;
	bool reached = false;
	struct rule_stats *rs;

	if (only_looks(m))
		return;
	if (incident_follow(&m->incidents, ev, clock_realtime(), &i, &reached) < 0)
		log_error("Failed to follow an incident: out of memory, ignoring");
	if (i)
		bundles_follow(
			m->bundles, i, url_of(m, ev->app), clock_boottime(), clock_realtime());
	rs = reached ? stats_rule(&m->stats, ev->rule->name) : NULL;
	if (rs)
		rs->incidents[ev->verdict]++;
	log_change(m, ev, i);
}

static void on_judged(void *userdata, const struct detector_event *ev)
{
	struct manager *m = userdata;
	struct incident *i = NULL;
	bool reached = false;

	if (only_looks(m))
		return;
	/* The numbers of an open incident grow older with each poll. */
	if (incident_follow(&m->incidents, ev, clock_realtime(), &i, &reached) < 0)
		return;
	remediator_consider(m->remediator, ev);
}

static usec_t interval(const struct manager *m)
{
	return m->world->settings->daemon.poll_interval;
}

static bool polling_advances(const struct manager *m)
{
	for (size_t i = 0; i < m->n_pollers; i++) {
		const struct source *s = m->world->sources[i];
		/* A list may ask each URL twice, and wait for the time limit each time. */
		usec_t limit = STUCK_INTERVALS * interval(m) + USEC_PER_MINUTE +
			       2 * s->urls.n * s->params->timeout;

		if (usec_sub(clock_boottime(), poller_advanced(m->pollers[i])) > limit)
			return false;
	}
	return m->n_pollers > 0;
}

static int on_watchdog(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct manager *m = userdata;
	int r;

	(void)usec;
	if (polling_advances(m))
		service_watchdog_feed();
	else
		log_error("Polling does not advance: leaving the watchdog unfed");
	r = sd_event_source_set_time_relative(source, service_watchdog_period() / 2);
	return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static struct airflow_stats *watch_stats(const struct airflow_watch *w)
{
	return stats_airflow(&w->manager->stats, airflow_name(w->airflow));
}

static void on_airflow_checked(void *userdata, const struct airflow_result *result)
{
	struct airflow_watch *w = userdata;
	struct airflow_stats *s = watch_stats(w);
	struct log_about about = {.url = airflow_url(w->airflow)};

	w->call = NULL;
	if (s) {
		s->up = result->reply == REPLY_DONE;
		stats_count_reason(s->errors, airflow_reasons, n_airflow_reasons, result->reason);
	}
	if (result->reason && w->complaint != result->reason)
		log_event(LOG_WARNING, &about, "%s: %s", airflow_name(w->airflow), result->text);
	if (!result->reason && w->complaint)
		log_event(LOG_NOTICE, &about, "%s: answers again", airflow_name(w->airflow));
	w->complaint = result->reason;
}

static void check_airflows(struct manager *m)
{
	for (size_t i = 0; i < m->n_watches; i++) {
		struct airflow_watch *w = &m->watches[i];
		usec_t now = clock_boottime();

		if (w->call || now < w->next || only_looks(m))
			continue;
		if (airflow_check(w->airflow, on_airflow_checked, w, &w->call) < 0)
			log_error("Failed to ask Airflow for its health, ignoring");
		w->next = now + (airflow_speaks(w->airflow) == AIRFLOW_API_UNKNOWN
						? AIRFLOW_PERIOD_UNKNOWN
						: AIRFLOW_PERIOD);
	}
}

static void say_status(const struct manager *m)
{
	_cleanup_free_ char *text = NULL;
	size_t hung = incident_count_open(&m->incidents, VERDICT_HUNG);

	if (str_printf(&text, "Watching %zu apps on %zu clusters, mode %s, %zu hung",
		    detector_n_apps(m->detector), m->n_pollers,
		    mode_name((enum daemon_mode)m->world->settings->daemon.mode), hung) >= 0)
		service_status(text);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct manager *m = userdata;
	int r;

	(void)usec;
	m->ticks++;
	for (size_t i = 0; i < m->n_pollers; i++)
		poller_tick(m->pollers[i]);
	check_airflows(m);
	if (m->bundles)
		bundles_sweep(m->bundles, &m->incidents, clock_boottime());
	if (m->options.once) /* armed again when all answers are in */
		return 0;
	say_status(m);
	r = sd_event_source_set_time_relative(source, interval(m));
	return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static size_t count_silent(const struct manager *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_pollers; i++)
		n += poller_n_silent(m->pollers[i]) + !poller_up(m->pollers[i]);
	return n;
}

/* --once: after the second tick, or after the first where there is nothing to be seen. */
static void end_once(struct manager *m)
{
	size_t silent = count_silent(m);

	if (m->ticks < 2 && (detector_n_apps(m->detector) > 0 || silent > 0)) {
		if (sd_event_source_set_time_relative(m->tick, interval(m)) < 0 ||
			sd_event_source_set_enabled(m->tick, SD_EVENT_ONESHOT) < 0)
			(void)sd_event_exit(m->event, EXIT_FAILURE);
		return;
	}
	(void)sd_event_exit(m->event, table_print(stdout, m->detector, clock_boottime(), silent));
}

static void on_idle(void *userdata, struct poller *p)
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

static int on_web(
	void *userdata, const struct http_server_request *request, struct http_server_reply *reply)
{
	struct manager *m = userdata;
	struct exporter_view view = {
		.world = m->world,
		.detector = m->detector,
		.incidents = &m->incidents,
		.stats = &m->stats,
		.remediator = m->remediator,
		.inquirer = m->inquirer,
		.now = clock_boottime(),
		.wall = clock_realtime(),
		.started = m->started,
		.ready = m->ready,
		.healthy = polling_advances(m),
		.reload_ok = m->reload_ok,
		.reloaded = m->reloaded,
	};

	return exporter_answer(&view, request, reply);
}

static void drop_pollers(struct manager *m)
{
	for (size_t i = 0; i < m->n_pollers; i++)
		poller_free(m->pollers[i]);
	free(m->pollers);
	m->pollers = NULL;
	m->n_pollers = 0;
	for (size_t i = 0; i < m->n_watches; i++)
		airflow_cancel(m->watches[i].call);
	free(m->watches);
	m->watches = NULL;
	m->n_watches = 0;
}

/* Rows for all that the world has, so that every series exists from the start. */
static int prepare_stats(struct manager *m)
{
	const struct settings *s = m->world->settings;
	bool ok = stats_rule(&m->stats, s->fallback.name) != NULL;

	for (size_t i = 0; i < m->stats.n_clusters; i++)
		m->stats.clusters[i].present = false;
	for (size_t i = 0; i < m->stats.n_airflows; i++)
		m->stats.airflows[i].present = false;
	for (size_t i = 0; i < s->n_sources; i++) {
		struct cluster_stats *c = stats_cluster(&m->stats, s->sources[i].name);

		ok = ok && c;
		if (c)
			c->present = true;
	}
	for (size_t i = 0; i < s->n_airflows; i++) {
		struct airflow_stats *a = stats_airflow(&m->stats, s->airflows[i].name);

		ok = ok && a;
		if (a)
			a->present = true;
	}
	for (size_t i = 0; i < s->rules.n; i++)
		ok = ok && stats_rule(&m->stats, s->rules.items[i].name);
	return ok ? 0 : -ENOMEM;
}

static int make_pollers(struct manager *m)
{
	const struct settings *s = m->world->settings;
	struct poller_context context = {
		.transport = transport(m),
		.detector = m->detector,
		.stats = &m->stats,
		.inquirer = m->inquirer,
		.now = on_now,
		.wall = on_wall,
		.idle = on_idle,
		.userdata = m,
	};

	m->pollers = calloc(s->n_sources + 1, sizeof(struct poller *));
	m->watches = calloc(s->n_airflows + 1, sizeof(*m->watches));
	if (!m->pollers || !m->watches)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_sources; i++) {
		int r = poller_new(&context, m->world->sources[i], &m->pollers[i]);

		if (r < 0)
			return r;
		m->n_pollers++;
	}
	for (size_t i = 0; i < s->n_airflows; i++)
		m->watches[m->n_watches++] =
			(struct airflow_watch){.manager = m, .airflow = m->world->airflows[i]};
	return 0;
}

/* Apps of a cluster that is no longer configured are nobody's. */
static void drop_apps_of_gone_clusters(struct manager *m)
{
	for (size_t i = detector_n_apps(m->detector); i-- > 0;) {
		struct app_history *a = detector_app_at(m->detector, i);

		if (!world_source(m->world, a->cluster))
			detector_app_gone(m->detector, a, clock_boottime());
	}
}

/* What the pollers of the world before knew goes to those of the same name. */
static void inherit_pollers(struct manager *m, struct poller **old, size_t n_old)
{
	for (size_t i = 0; i < n_old; i++) {
		struct poller *heir = on_poller(m, poller_cluster(old[i]));

		if (heir)
			poller_inherit(heir, old[i]);
		poller_free(old[i]);
	}
	free(old);
}

/* From here on the given world is in force. Takes the reference over. */
static int enter_world(struct manager *m, struct world *world)
{
	struct world *old = m->world;
	const struct settings *s = world->settings;
	struct poller **old_pollers = TAKE_PTR(m->pollers);
	size_t n_old = m->n_pollers;
	int r;

	/* Before their pollers and Airflows go: looks and checks that are under way. */
	if (m->remediator)
		remediator_reconsider(m->remediator);
	m->n_pollers = 0;
	drop_pollers(m);
	m->world = world;
	detector_configure(m->detector, &s->rules, &s->fallback, s->daemon.poll_interval);
	if (m->inquirer)
		inquirer_configure(m->inquirer, &s->evidence, (uint16_t)s->probe.port);
	if (m->bundles)
		bundles_configure(m->bundles, s->daemon.state_dir, &s->evidence, clock_realtime());
	r = prepare_stats(m);
	if (r >= 0)
		r = make_pollers(m);
	inherit_pollers(m, old_pollers, n_old);
	world_unref(old);
	drop_apps_of_gone_clusters(m);
	return r;
}

static void log_errors(const struct strlist *errors)
{
	for (size_t i = 0; i < errors->n; i++)
		log_error("%s", errors->items[i]);
}

static int load_world(struct manager *m, struct settings *settings, struct world **ret)
{
	struct strlist errors = {0};
	int r;

	r = world_new(settings, http_client_transport(m->client), ret, &errors);
	log_errors(&errors);
	strlist_clear(&errors);
	return r;
}

static int reload(struct manager *m)
{
	struct strlist errors = {0};
	struct settings *settings = NULL;
	struct world *world = NULL;
	int r;

	r = settings_load(m->options.config, &settings, &errors);
	log_errors(&errors);
	strlist_clear(&errors);
	if (r >= 0)
		r = load_world(m, settings, &world);
	if (r < 0)
		return r;
	if (!str_equal(world->settings->web.listen, m->world->settings->web.listen) ||
		world->settings->daemon.max_parallel_requests !=
			m->world->settings->daemon.max_parallel_requests)
		log_warning("A change of [web] listen or max_parallel_requests takes a restart");
	return enter_world(m, world);
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
	struct manager *m = userdata;
	struct log_about about = {.message_id = MESSAGE_RELOAD};
	int r;

	(void)source;
	(void)si;
	service_reloading();
	r = reload(m);
	m->reload_ok = r >= 0;
	if (r >= 0) {
		m->reloaded = clock_realtime();
		log_event(LOG_NOTICE, &about, "The configuration was read anew");
		r = sd_event_source_set_time_relative(m->tick, 0);
		if (r >= 0)
			r = sd_event_source_set_enabled(m->tick, SD_EVENT_ONESHOT);
	} else {
		log_event(LOG_ERR, &about, "Failed to reload: %s, what runs is kept", strerror(-r));
		r = 0;
	}
	service_ready();
	return r;
}

static int on_end(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
	struct manager *m = userdata;

	(void)source;
	log_debug("Signal %" PRIu32, si->ssi_signo);
	service_stopping();
	return sd_event_exit(m->event, 0);
}

static int add_signals(struct manager *m)
{
	sigset_t set;
	int r;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	(void)signal(SIGPIPE, SIG_IGN);
	r = sd_event_add_signal(m->event, NULL, SIGTERM, on_end, m);
	if (r >= 0)
		r = sd_event_add_signal(m->event, NULL, SIGINT, on_end, m);
	if (r >= 0 && !only_looks(m))
		r = sd_event_add_signal(m->event, NULL, SIGHUP, on_hangup, m);
	return r;
}

static int add_timers(struct manager *m)
{
	int r;

	r = sd_event_add_time_relative(m->event, &m->tick, CLOCK_BOOTTIME, 0, 0, on_tick, m);
	if (r >= 0 && service_watchdog_period() > 0)
		r = sd_event_add_time_relative(m->event, &m->watchdog, CLOCK_BOOTTIME,
			service_watchdog_period() / 2, 0, on_watchdog, m);
	return r;
}

static int add_remediator(struct manager *m)
{
	struct remediator_context context = {
		.event = m->event,
		.transport = http_client_transport(m->client),
		.detector = m->detector,
		.incidents = &m->incidents,
		.stats = &m->stats,
		.now = on_now,
		.wall = on_wall,
		.world = on_world,
		.poller = on_poller,
		.userdata = m,
	};

	return remediator_new(&context, &m->remediator);
}

static void on_processes(void *userdata, const struct app_history *a, const char *host,
	const struct process_list *list, usec_t taken)
{
	struct manager *m = userdata;

	recorder_processes(m->recorder, a, host, list, taken);
}

static void on_record_over(void *userdata, int error)
{
	struct manager *m = userdata;

	if (error < 0)
		log_error("Failed to write the recording: %s", strerror(-error));
	else
		log_notice("The app has ended, and the recording with it");
	(void)sd_event_exit(m->event, error < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* What asks drivers, and looks at the answers. */
static int add_eyes(struct manager *m)
{
	struct tape_options taping = {
		.out = m->options.record,
		.app_id = m->options.record_app,
		.over = on_record_over,
		.userdata = m,
	};
	struct inquirer_context inquiring = {
		.detector = m->detector,
		.now = on_now,
		.processes = on_processes,
		.userdata = m,
	};
	int r;

	if (m->options.once)
		return 0;
	r = recorder_new(http_client_transport(m->client), &m->recorder);
	if (r >= 0 && m->options.record)
		r = tape_new(m->recorder, &taping, &m->tape);
	if (r < 0)
		return r;
	if (!m->options.record)
		r = bundles_new(m->recorder, &m->bundles);
	inquiring.transport = transport(m);
	return r < 0 ? r : inquirer_new(&inquiring, &m->inquirer);
}

static int add_web(struct manager *m)
{
	const char *listen = m->world->settings->web.listen;
	_cleanup_free_ char *err = NULL;
	int r;

	if (only_looks(m))
		return 0;
	r = http_server_new(m->event, listen, on_web, m, &m->server, &err);
	if (r < 0)
		log_error("Failed to listen on %s: %s", listen, err ? err : strerror(-r));
	else
		log_info("Listening on %s, port %u", listen, http_server_port(m->server));
	return r;
}

int manager_new(
	const struct manager_options *options, struct settings *settings, struct manager **ret)
{
	_cleanup_(manager_freep) struct manager *m = calloc(1, sizeof(*m));
	_cleanup_(settings_freep) struct settings *s = settings;
	struct detector_sink sink = {.changed = on_changed, .judged = on_judged, .userdata = m};
	struct world *world = NULL;
	int r;

	if (!m)
		return -ENOMEM;
	m->options = *options;
	m->started = m->reloaded = clock_realtime();
	m->reload_ok = true;
	r = sd_event_new(&m->event);
	if (r >= 0)
		r = add_signals(m);
	if (r >= 0)
		r = http_client_new(m->event, "stagewatchd/" STAGEWATCHD_VERSION,
			s->daemon.max_parallel_requests, &m->client);
	if (r >= 0)
		r = detector_new(&sink, &m->detector);
	if (r >= 0)
		r = add_eyes(m);
	if (only_looks(m))
		settings_drop_airflows(s);
	if (r >= 0)
		r = load_world(m, TAKE_PTR(s), &world);
	if (r >= 0)
		r = enter_world(m, world);
	if (r >= 0)
		r = add_remediator(m);
	if (r >= 0)
		r = add_web(m);
	if (r >= 0)
		r = add_timers(m);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(m);
	return 0;
}

struct manager *manager_free(struct manager *m)
{
	if (!m)
		return NULL;
	http_server_free(m->server);
	remediator_free(m->remediator);
	drop_pollers(m);
	inquirer_free(m->inquirer);
	bundles_free(m->bundles);
	tape_free(m->tape);
	recorder_free(m->recorder);
	world_unref(m->world);
	detector_free(m->detector);
	http_client_free(m->client);
	incident_list_clear(&m->incidents);
	stats_clear(&m->stats);
	sd_event_source_disable_unref(m->tick);
	sd_event_source_disable_unref(m->watchdog);
	sd_event_unref(m->event);
	free(m);
	return NULL;
}

int manager_run(struct manager *m)
{
	if (!only_looks(m))
		service_ready();
	return sd_event_loop(m->event);
}
