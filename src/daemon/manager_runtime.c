/* SPDX-License-Identifier: Apache-2.0
 * Puts a runtime in force, the first one or that of a reload. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/manager_parts.h"
#include "io/clock.h"
#include "io/http_client.h"
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
		.detector = m->detector,
		.stats = &m->stats,
		.evidence_collector = m->evidence_collector,
		.clock = &clock_kernel,
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
	detector_configure(m->detector, &s->rules, &s->fallback, s->daemon.poll_interval);
	if (m->control)
		holds_configure(control_holds(m->control), &s->maintenance);
	if (m->evidence_collector)
		evidence_collector_configure(
			m->evidence_collector, &s->evidence, (uint16_t)s->probe.port);
	if (m->store)
		store_configure(m->store, s);
	if (m->evidence_files)
		evidence_files_configure(
			m->evidence_files, s->daemon.state_dir, &s->evidence, clock_realtime());
	r = stats_prepare(&m->stats, s);
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

static void log_errors(const struct strlist *errors)
{
	for (size_t i = 0; i < errors->n; i++)
		log_error("%s", errors->items[i]);
}

int manager_load_runtime(struct manager *m, struct settings *settings, struct runtime **ret)
{
	struct strlist errors = {0};
	int r;

	for (size_t i = 0; i < settings->warnings.n && !manager_only_looks(m); i++)
		log_warning("%s", settings->warnings.items[i]);
	r = runtime_new(settings, http_client_transport(m->client), m->event, ret, &errors);
	log_errors(&errors);
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
	log_errors(&errors);
	strlist_clear(&errors);
	if (r >= 0)
		r = manager_load_runtime(m, settings, &runtime);
	if (r < 0)
		return r;
	if (!str_equal(runtime->settings->web.listen, m->runtime->settings->web.listen) ||
		!str_equal(runtime->settings->daemon.control_socket,
			m->runtime->settings->daemon.control_socket) ||
		runtime->settings->daemon.max_parallel_requests !=
			m->runtime->settings->daemon.max_parallel_requests)
		log_warning("A change of [web] listen, [daemon] control_socket or "
			    "max_parallel_requests takes effect at the next restart");
	return manager_activate(m, runtime);
}

int manager_on_hangup(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
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
		log_event(LOG_NOTICE, &about, "The new configuration is in force");
		r = timer_in(m->tick, 0);
	} else {
		/* What is wrong with the configuration or a secret has been said. */
		log_event(LOG_ERR, &about,
			"Failed to reload%s%s; the old configuration stays in force",
			r == -EBADMSG ? "" : ": ", r == -EBADMSG ? "" : strerror(-r));
		r = 0;
	}
	service_ready();
	return r;
}
