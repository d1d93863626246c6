/* SPDX-License-Identifier: Apache-2.0
 * Puts a runtime in force, the first one or that of a reload. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/door.h"
#include "daemon/manager_parts.h"
#include "io/clock.h"
#include "io/credentials.h"
#include "io/file_watch.h"
#include "io/service.h"
#include "notifier/notifier.h"
#include "remedy/remediator.h"
#include "setup/messages.h"
#include "setup/runtime.h"
#include "store/store.h"
#include "watch/airflow_health.h"
#include "watch/evidence_collector.h"
#include "watch/evidence_files.h"
#include "watch/poller.h"
#include "watch/task_survey.h"
#include "web/control.h"

void manager_drop_pollers(struct manager *m)
{
	for (size_t i = 0; i < m->n_pollers; i++)
		poller_free(m->pollers[i]);
	free(m->pollers);
	m->pollers = NULL;
	m->n_pollers = 0;
}

static int make_pollers(struct manager *m)
{
	const struct settings *s = m->runtime->settings;
	struct poller_context context = {
		.transport = manager_transport(m),
		.spares = &m->polls,
		.detector = m->detector,
		.health = &m->health,
		.stats = &m->stats,
		.evidence_collector = m->evidence_collector,
		.clock = &clock_kernel,
		.event = m->options.once ? NULL : m->event,
		.interval = s->daemon.poll_interval,
		.shard = s->shard,
		.idle = manager_idle,
		.userdata = m,
	};

	m->pollers = calloc(s->n_sources + 1, sizeof(struct poller *));
	if (!m->pollers)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_sources; i++) {
		int r = poller_new(&context, m->runtime->sources[i], &m->pollers[i]);

		if (r < 0)
			return r;
		m->n_pollers++;
	}
	return 0;
}

/* Apps of a cluster that is no longer configured are nobody's. */
static void drop_apps_of_gone_clusters(struct manager *m)
{
	for (size_t i = detector_n_apps(m->detector); i-- > 0;) {
		struct app_history *a = detector_app_at(m->detector, i);

		if (!runtime_source(m->runtime, a->cluster))
			detector_app_gone(m->detector, a, clock_boottime());
	}
}

/* What the pollers of the runtime before knew goes to those of the same name. */
static void inherit_pollers(struct manager *m, struct poller **old, size_t n_old)
{
	for (size_t i = 0; i < n_old; i++) {
		struct poller *successor = manager_poller(m, poller_cluster(old[i]));

		if (successor)
			poller_inherit(successor, old[i]);
		poller_free(old[i]);
	}
	free(old);
}

static int reload_now(struct manager *m);

static void on_config_changed(void *userdata)
{
	struct manager *m = userdata;

	log_info("%s or a drop-in has changed; reloading, by [daemon] reload_on_change",
		m->options.config);
	(void)reload_now(m);
}

static void watch_config(struct manager *m, bool wanted)
{
	int r;

	if (!wanted || !m->options.config)
		m->config_watch = file_watch_free(m->config_watch);
	if (!wanted || !m->options.config || m->config_watch)
		return;
	r = file_watch_new(m->event, m->options.config, on_config_changed, m, &m->config_watch);
	if (r < 0)
		log_warning("Failed to watch the directory of %s: %s; a change takes effect upon "
			    "SIGHUP only, in spite of [daemon] reload_on_change",
			m->options.config, strerror(-r));
}

static void configure_log(const struct daemon_params *p)
{
	log_set_json(p->log_format == LOG_FORMAT_JSON ? clock_realtime : NULL);
}

static void configure_daemon(struct manager *m, const struct daemon_params *p)
{
	configure_log(p);
	watch_config(m, p->reload_on_change);
}

/* Those that live on from one configuration to the next. */
static int configure_parts(struct manager *m, const struct settings *s)
{
	/* Borrows of the settings, until others take their place. */
	const struct evidence_probe probe = {.port = (uint16_t)s->probe.port,
		.tls = s->probe.tls,
		.endpoint = {.ca_file = s->probe.ca_file,
			.client_cert_file = s->probe.client_cert_file,
			.client_key_file = s->probe.client_key_file}};

	detector_configure(m->detector, &s->rules, &s->fallback, s->daemon.poll_interval);
	detector_limit(m->detector, s->daemon.max_apps);
	if (m->options.once)
		detector_look_once(m->detector);
	if (!manager_only_looks(m))
		configure_daemon(m, &s->daemon);
	if (m->door)
		door_configure(m->door, &s->web);
	if (m->control)
		holds_configure(control_holds(m->control), &s->maintenance);
	if (m->evidence_collector)
		evidence_collector_configure(m->evidence_collector, &s->evidence, &probe);
	if (m->store)
		store_configure(m->store, s);
	if (m->evidence_files)
		evidence_files_configure(
			m->evidence_files, s->daemon.state_dir, &s->evidence, clock_realtime());
	return m->python_stacks ? python_stacks_configure(m->python_stacks,
					  s->probe.python_stacks ? s->probe.py_spy : NULL)
				: 0;
}

int manager_activate(struct manager *m, struct runtime *runtime)
{
	struct runtime *old = m->runtime;
	const struct settings *s = runtime->settings;
	struct poller **old_pollers = TAKE_PTR(m->pollers);
	size_t n_old = m->n_pollers;
	int r;

	/* Before their pollers and Airflows go: looks and checks that are under way. */
	if (m->remediator)
		remediator_reconsider(m->remediator);
	if (m->airflow_health)
		airflow_health_deactivate(m->airflow_health);
	if (m->tasks)
		task_survey_leave(m->tasks);
	m->n_pollers = 0;
	manager_drop_pollers(m);
	m->runtime = runtime;
	r = configure_parts(m, s);
	if (r >= 0)
		r = stats_prepare(&m->stats, s);
	if (r >= 0)
		r = health_prepare(&m->health, s);
	if (r >= 0)
		r = make_pollers(m);
	if (r >= 0 && m->airflow_health)
		r = airflow_health_activate(m->airflow_health, runtime);
	if (r >= 0 && m->tasks)
		r = task_survey_enter(m->tasks, runtime);
	inherit_pollers(m, old_pollers, n_old);
	runtime_unref(old);
	drop_apps_of_gone_clusters(m);
	if (m->notifier)
		notifier_reconsider(m->notifier);
	return r;
}

/* The first one also goes to those who ask why a reload failed. */
static void take_errors(struct manager *m, const struct strlist *errors)
{
	for (size_t i = 0; i < errors->n; i++)
		log_error("%s", errors->items[i]);
	if (errors->n > 1)
		(void)str_printf(
			&m->reload_fault, "%s (and %zu more)", errors->items[0], errors->n - 1);
	else if (errors->n > 0)
		(void)str_replace(&m->reload_fault, errors->items[0]);
}

/* All of the section, on one line. */
static int leader_value(const struct leader_params *p, char **ret)
{
	struct strbuf b = {0};
	int r;

	param_print(leader_params, n_leader_params, p, &b);
	r = strbuf_finish(&b, ret);
	for (char *c = *ret; r >= 0 && *c; c++)
		if (*c == '\n')
			*c = ';';
	return r;
}

static int joined(const struct strlist *l, char **ret)
{
	struct strbuf b = {0};

	for (size_t i = 0; i < l->n; i++)
		strbuf_addf(&b, "%s%s", i > 0 ? " " : "", l->items[i]);
	return strbuf_finish(&b, ret);
}

static int restart_value(const struct settings *s, size_t key, char **ret)
{
	switch (key) {
	case 0:
		return joined(&s->web.listen, ret);
	case 1:
		return str_replace(ret, s->daemon.control_socket);
	case 2:
		return str_replace(ret, s->daemon.state_dir);
	case 3:
		return leader_value(&s->leader, ret);
	default:
		return str_printf(ret, "%" PRIu64, s->daemon.max_parallel_requests);
	}
}

void manager_note_restart(struct manager *m)
{
	static const char *const keys[RESTART_KEYS] = {"[web] listen", "[daemon] control_socket",
		"[daemon] state_dir", "[leader]", "[daemon] max_parallel_requests"};
	struct strbuf b = {0};

	free(m->needs_restart);
	m->needs_restart = NULL;
	for (size_t i = 0; i < RESTART_KEYS; i++) {
		_cleanup_free_ char *value = NULL;

		if (restart_value(m->runtime->settings, i, &value) < 0)
			continue;
		if (!m->at_start[i])
			m->at_start[i] = TAKE_PTR(value);
		else if (!str_equal(value, m->at_start[i]))
			strbuf_addf(&b, "%s%s (%s until then)", b.len > 0 ? ", " : "", keys[i],
				m->at_start[i]);
	}
	if (b.len > 0 && strbuf_finish(&b, &m->needs_restart) >= 0)
		log_warning("A restart alone puts in force: %s", m->needs_restart);
	else
		strbuf_clear(&b);
}

int manager_load_runtime(struct manager *m, struct settings *settings, struct runtime **ret)
{
	struct strlist errors = {0};
	int r;

	/* Of the first configuration already what is doubtful is said as it wants it. */
	if (!m->runtime && !manager_only_looks(m))
		configure_log(&settings->daemon);
	for (size_t i = 0; i < settings->warnings.n && !manager_only_looks(m); i++)
		log_warning("%s", settings->warnings.items[i]);
	r = runtime_new(settings, credentials_transport(m->credentials), m->event, ret, &errors);
	take_errors(m, &errors);
	strlist_clear(&errors);
	return r;
}

static int reload(struct manager *m)
{
	struct strlist errors = {0};
	struct settings *settings = NULL;
	struct runtime *runtime = NULL;
	int r;

	r = settings_load(m->options.config, &settings, &errors);
	take_errors(m, &errors);
	strlist_clear(&errors);
	if (r >= 0)
		r = manager_load_runtime(m, settings, &runtime);
	if (r < 0)
		return r;
	r = manager_activate(m, runtime);
	manager_note_restart(m);
	return r;
}

/* What is in force afterwards, the log and systemd are told. */
static int reload_now(struct manager *m)
{
	struct log_about about = {.message_id = MESSAGE_RELOAD};
	int r;

	service_reloading();
	free(m->reload_fault);
	m->reload_fault = NULL;
	r = reload(m);
	m->reload_ok = r >= 0;
	if (r >= 0) {
		m->reloaded = clock_realtime();
		log_event(LOG_NOTICE, &about, "The new configuration is in force");
		r = timer_in(m->tick, 0);
	} else {
		/* What is wrong with the configuration or a secret has been said. */
		log_event(LOG_ERR, &about,
			"Failed to reload%s%s; the old configuration stays in force",
			r == -EBADMSG ? "" : ": ", r == -EBADMSG ? "" : strerror(-r));
		if (!m->reload_fault)
			(void)str_replace(&m->reload_fault, strerror(-r));
		r = 0;
	}
	manager_say_status(m);
	service_ready();
	return r;
}

int manager_on_hangup(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
	(void)source;
	(void)si;
	return reload_now(userdata);
}
