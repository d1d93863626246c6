/* SPDX-License-Identifier: Apache-2.0
 * Makes the parts, connects them on one sd-event loop, and frees them. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/door.h"
#include "daemon/manager_parts.h"
#include "io/clock.h"
#include "io/credentials.h"
#include "io/file_watch.h"
#include "io/http_client.h"
#include "io/procfs.h"
#include "io/redactor.h"
#include "io/service.h"
#include "notifier/notifier.h"
#include "remedy/leader.h"
#include "remedy/remediator.h"
#include "setup/runtime.h"
#include "source/driver_poll.h"
#include "store/run_store.h"
#include "store/store.h"
#include "watch/airflow_health.h"
#include "watch/evidence_collector.h"
#include "watch/evidence_files.h"
#include "watch/poller.h"
#include "watch/recorder.h"
#include "watch/task_survey.h"
#include "web/control.h"
#include "web/order_guard.h"
#include "wire/token.h"

static const struct credentials_readers token_readers = {
	.decode = token_decode_answer, .expires = token_expires};

static struct runtime *on_runtime(void *userdata)
{
	struct manager *m = userdata;

	return m->runtime;
}

/* A second signal waits for nothing. */
int manager_end(struct manager *m)
{
	bool again = m->ending;

	m->ending = true;
	service_stopping();
	return !again && leader_leave(m->leader) ? 0 : sd_event_exit(m->event, 0);
}

static int on_end(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
	struct manager *m = userdata;

	(void)source;
	log_debug("Received signal %" PRIu32, si->ssi_signo);
	return manager_end(m);
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
	if (r >= 0 && !manager_only_looks(m))
		r = sd_event_add_signal(m->event, NULL, SIGHUP, manager_on_hangup, m);
	return r;
}

static void on_told(void *userdata, const struct incident *i, enum remedy_outcome outcome)
{
	struct manager *m = userdata;

	notifier_event(m->notifier, i, notice_of_outcome(outcome));
}

static int on_next(void *userdata, const struct incident *i, char **ret)
{
	struct manager *m = userdata;
	struct outlook o;

	remediator_outlook(m->remediator, i, &o);
	return outlook_text(i, &o, ret);
}

static bool on_follows(void *userdata)
{
	struct manager *m = userdata;
	struct leader_status s;

	if (!m->leader)
		return false;
	leader_status(m->leader, &s);
	return s.other != NULL;
}

/* What has sent nothing yet is not to be sent by one that leads no longer; and a new leader decides
 * at once what it was kept from. */
static void on_leader_changed(void *userdata, bool leads)
{
	struct manager *m = userdata;

	(void)leads;
	if (m->ending)
		remediator_leave(m->remediator);
	else
		remediator_reconsider(m->remediator);
}

static void on_leader_left(void *userdata)
{
	struct manager *m = userdata;

	(void)sd_event_exit(m->event, 0);
}

static int add_leader(struct manager *m)
{
	const struct leader_params *p = &m->runtime->settings->leader;
	struct leader_context context = {.event = m->event,
		.transport = credentials_transport(m->credentials),
		.clock = &clock_kernel,
		.changed = on_leader_changed,
		.left = on_leader_left,
		.userdata = m};
	_cleanup_free_ char *err = NULL;
	int r;

	if (manager_only_looks(m) || p->type == LEADER_NONE)
		return 0;
	r = leader_new(&context, p, &m->leader, &err);
	if (r < 0)
		log_error("[leader] type=%s: %s; not starting", leader_type_name(p->type),
			err ? err : strerror(-r));
	return r;
}

static int add_remediator(struct manager *m)
{
	struct remediator_context context = {
		.event = m->event,
		.transport = credentials_transport(m->credentials),
		.detector = m->detector,
		.incidents = &m->incidents,
		.health = &m->health,
		.stats = &m->stats,
		.holds = control_holds(m->control),
		.store = m->store,
		.clock = &clock_kernel,
		.leader = m->leader,
		.runtime = on_runtime,
		.poller = manager_poller,
		.told = on_told,
		.userdata = m,
	};

	return remediator_new(&context, &m->remediator);
}

static int add_notifier(struct manager *m)
{
	struct notifier_context context = {
		.event = m->event,
		.ledger = store_ledger(m->store),
		.incidents = &m->incidents,
		.health = &m->health,
		.stats = &m->stats,
		.seed = clock_realtime(),
		.clock = &clock_kernel,
		.runtime = on_runtime,
		.next = on_next,
		.follows = on_follows,
		.userdata = m,
	};

	return manager_only_looks(m) ? 0 : notifier_new(&context, &m->notifier);
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
		log_error("Failed to write the recording: %s; it ends here", strerror(-error));
	else
		log_notice("The app has ended, so the recording ends");
	(void)sd_event_exit(m->event, error < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* What asks drivers, and looks at the answers. */
static int add_collectors(struct manager *m)
{
	struct recording_options recording_options = {
		.out = m->options.record,
		.app_id = m->options.record_app,
		.over = on_record_over,
		.userdata = m,
	};
	struct evidence_collector_context collecting = {
		.detector = m->detector,
		.health = &m->health,
		.stats = &m->stats,
		.clock = &clock_kernel,
		.processes = on_processes,
		.userdata = m,
	};
	int r;

	if (m->options.once)
		return 0;
	r = recorder_new(credentials_transport(m->credentials), &m->recorder);
	if (r >= 0 && m->options.record)
		r = recorder_add(m->recorder, &recording_options, &m->recording);
	if (r < 0)
		return r;
	if (!m->options.record)
		r = evidence_files_new(m->recorder, &m->evidence_files);
	if (r >= 0)
		r = python_stacks_new(m->event, &clock_kernel, &m->python_stacks);
	collecting.transport = manager_transport(m);
	collecting.python_stacks = m->python_stacks;
	return r < 0 ? r : evidence_collector_new(&collecting, &m->evidence_collector);
}

static void on_hold_begun(void *userdata)
{
	struct manager *m = userdata;

	remediator_reconsider(m->remediator);
}

static const struct operators *on_operators(void *userdata)
{
	struct manager *m = userdata;

	return &m->runtime->settings->operators;
}

static bool on_close_breaker(void *userdata, const char *who)
{
	struct manager *m = userdata;

	return remediator_close_breaker(m->remediator, who);
}

static int on_stop(void *userdata, struct incident *i)
{
	struct manager *m = userdata;

	return remediator_stop(m->remediator, i);
}

/* What cannot be written now is written at a later tick, and the log says so. */
static void on_said(void *userdata, struct incident *i)
{
	struct manager *m = userdata;

	if (!store_trouble(m->store))
		(void)store_save(m->store, i, NULL);
}

static void on_ignored(void *userdata, struct incident *i)
{
	struct manager *m = userdata;
	struct rule_stats *s = stats_rule(&m->stats, i->rule);

	if (s)
		s->false_alarms++;
	if (m->evidence_files)
		evidence_files_keep(m->evidence_files, i);
	if (i->ended == 0)
		notifier_ignore(m->notifier, i);
}

static int on_begin(
	void *userdata, const char *app_id, enum rule_action action, const char *who, char **reterr)
{
	struct manager *m = userdata;

	return remediator_order(m->remediator, app_id, action, who, reterr);
}

static int on_test_notify(void *userdata, const char *notify, const char *who)
{
	struct manager *m = userdata;

	return notifier_test(m->notifier, notify, who);
}

static int add_control(struct manager *m)
{
	struct control_context context = {
		.event = m->event,
		.holds = {.incidents = &m->incidents,
			.ledger = store_ledger(m->store),
			.clock = &clock_kernel,
			.begun = on_hold_begun,
			.userdata = m},
		.read = manager_answer,
		.operators = on_operators,
		.close_breaker = on_close_breaker,
		.stop = on_stop,
		.said = on_said,
		.ignored = on_ignored,
		.begin = on_begin,
		.test_notify = on_test_notify,
		.userdata = m,
	};
	int r;

	if (manager_only_looks(m))
		return 0;
	r = order_guard_new(&m->order_guard);
	return r < 0 ? r : control_new(&context, &m->control);
}

static int add_store(struct manager *m, const struct settings *s)
{
	int r;

	if (manager_only_looks(m))
		return 0;
	r = store_new(s, &m->incidents, &m->store);
	return r < 0 ? r : run_store_new(store_ledger(m->store), &m->runs);
}

static int add_web(struct manager *m)
{
	if (manager_only_looks(m))
		return 0;
	control_listen(m->control, m->runtime->settings->daemon.control_socket);
	return door_new(m->event, &m->runtime->settings->web, manager_answer, m, &m->door);
}

/* Who only looks deals with no Airflow, and tells nobody. */
static int add_airflow_parts(struct manager *m, struct settings *s)
{
	int r;

	if (!manager_only_looks(m)) {
		r = airflow_health_new(&m->health, &m->stats, &m->airflow_health);
		return r < 0 ? r : task_survey_new(m->detector, &m->tasks);
	}
	settings_drop_airflows(s);
	settings_drop_notifies(s);
	return 0;
}

/* What needs no runtime. */
static int add_parts(struct manager *m, const struct settings *s)
{
	struct detector_sink sink = manager_sink(m);
	int r;

	r = sd_event_new(&m->event);
	if (r >= 0)
		r = add_signals(m);
	if (r >= 0)
		r = http_client_new(m->event, "stagewatchd/" STAGEWATCHD_VERSION,
			s->daemon.max_parallel_requests, &m->client);
	if (r >= 0)
		r = redactor_new(http_client_transport(m->client), &m->redactor);
	if (r >= 0)
		r = credentials_new(
			m->event, redactor_transport(m->redactor), &token_readers, &m->credentials);
	if (r >= 0)
		r = detector_new(&sink, &m->detector);
	if (r >= 0)
		r = add_collectors(m);
	if (r >= 0)
		r = add_store(m, s);
	return r;
}

int manager_new(
	const struct manager_options *options, struct settings *settings, struct manager **ret)
{
	_cleanup_(manager_freep) struct manager *m = calloc(1, sizeof(*m));
	_cleanup_(settings_freep) struct settings *s = settings;
	_cleanup_(runtime_unrefp) struct runtime *runtime = NULL;
	int r;

	if (!m)
		return -ENOMEM;
	m->options = *options;
	m->started = m->reloaded = clock_realtime();
	m->reload_ok = true;
	r = add_parts(m, s);
	if (r >= 0)
		r = add_airflow_parts(m, s);
	if (r >= 0)
		r = manager_load_runtime(m, TAKE_PTR(s), &runtime);
	if (r >= 0)
		r = add_control(m);
	if (r >= 0)
		r = manager_activate(m, TAKE_PTR(runtime));
	if (r >= 0)
		manager_note_restart(m);
	if (r >= 0)
		r = add_notifier(m);
	if (r >= 0)
		r = add_leader(m);
	if (r >= 0)
		r = add_remediator(m);
	if (r >= 0)
		r = add_web(m);
	if (r >= 0)
		r = manager_add_timers(m);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(m);
	return 0;
}

struct manager *manager_free(struct manager *m)
{
	if (!m)
		return NULL;
	door_free(m->door);
	control_free(m->control);
	order_guard_free(m->order_guard);
	file_watch_free(m->config_watch);
	remediator_free(m->remediator);
	leader_free(m->leader);
	run_store_free(m->runs);
	free(m->reload_fault);
	free(m->needs_restart);
	for (size_t i = 0; i < RESTART_KEYS; i++)
		free(m->at_start[i]);
	airflow_health_free(m->airflow_health);
	task_survey_free(m->tasks);
	notifier_free(m->notifier);
	store_free(m->store);
	manager_drop_pollers(m);
	evidence_collector_free(m->evidence_collector);
	python_stacks_free(m->python_stacks);
	evidence_files_free(m->evidence_files);
	recorder_remove(m->recording);
	driver_polls_clear(&m->polls);
	recorder_free(m->recorder);
	runtime_unref(m->runtime);
	detector_free(m->detector);
	credentials_free(m->credentials);
	redactor_free(m->redactor);
	http_client_free(m->client);
	incident_list_clear(&m->incidents);
	health_clear(&m->health);
	stats_clear(&m->stats);
	sd_event_source_disable_unref(m->tick);
	sd_event_source_disable_unref(m->watchdog);
	sd_event_unref(m->event);
	free(m);
	return NULL;
}

static void tell_hidden(const struct manager *m)
{
	if (!procfs_hides())
		return;
	if (m->runtime->settings->probe.enabled)
		log_warning("/proc hides the processes of other users (ProtectProc=), so [probe] "
			    "enabled=yes can tell nobody about executors; the drop-in probe.conf "
			    "opens it, see stagewatchd(8)");
	else
		log_info("/proc hides the processes of other users (ProtectProc=): what executors "
			 "on this host do counts as unknown; the drop-in probe.conf opens it, see "
			 "stagewatchd(8)");
}

int manager_run(struct manager *m)
{
	if (!manager_only_looks(m)) {
		tell_hidden(m);
		service_ready();
	}
	return sd_event_loop(m->event);
}
