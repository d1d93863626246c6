/* SPDX-License-Identifier: Apache-2.0
 * Inside of daemon/manager: the parts that it owns. manager.c makes, connects and frees them,
 * manager_runtime.c puts a configuration in force, manager_loop.c is what they do together. */
#pragma once

#include <systemd/sd-event.h>

#include "base/spares.h"
#include "core/act/incident.h"
#include "core/detect/detector.h"
#include "daemon/manager.h"
#include "setup/health.h"
#include "setup/stats.h"

struct door;
struct file_watch;
struct http_server_reply;
struct http_server_request;
struct order_guard;
struct poller;
struct transport;
struct runtime;

#define RESTART_KEYS 5

struct manager {
	struct manager_options options;
	sd_event *event;
	sd_event_source *tick;
	sd_event_source *watchdog;
	struct http_client *client;
	struct redactor *redactor;       /* around the client */
	struct credentials *credentials; /* around that; all ask through it */
	struct door *door;               /* NULL where it only looks */
	struct runtime *runtime;
	struct detector *detector;
	struct incident_list incidents;
	struct health health;
	struct stats stats;
	struct spares polls;                           /* of drivers */
	struct python_stacks *python_stacks;           /* NULL with --once */
	struct evidence_collector *evidence_collector; /* NULL with --once */
	struct recorder *recorder;                     /* NULL with --once */
	struct recording *recording;                   /* of --record */
	struct evidence_files *evidence_files;         /* NULL where it only looks */
	struct airflow_health *airflow_health;         /* NULL where it only looks */
	struct task_survey *tasks;                     /* NULL where it only looks */
	struct store *store;                           /* NULL where it only looks */
	struct notifier *notifier;                     /* NULL where it only looks */
	struct run_store *runs;                        /* NULL where it only looks */
	struct leader *leader; /* NULL without [leader], and where it only looks */
	struct remediator *remediator;
	struct control *control;         /* NULL where it only looks */
	struct order_guard *order_guard; /* likewise */
	struct file_watch *config_watch; /* NULL without reload_on_change */
	struct poller **pollers;         /* one per source of the runtime */
	size_t n_pollers;
	usec_t started; /* since 1970 */
	usec_t reloaded;
	bool reload_ok;
	char *reload_fault; /* why the last reload failed; NULL: it did not */
	/* Values that hold until a restart, by restart_keys: those of the start; and which of them
	 * the configuration has otherwise by now. */
	char *at_start[RESTART_KEYS];
	char *needs_restart; /* NULL: none */
	bool ready;
	bool ending;         /* a signal has said so */
	bool leaves_out;     /* at the last tick there were more apps than max_apps */
	uint64_t n_left_out; /* as counted then */
	bool connects_anew;  /* at the last tick there were more apps than connections */
	unsigned ticks;
};

/* manager.c */

/* What SIGTERM does: the loop ends, once the lead is given back where there is one. */
int manager_end(struct manager *m);

/* manager_parts.c */

/* Only looks: acts upon nothing, tells nobody. */
bool manager_only_looks(const struct manager *m);
/* What drivers are asked through. */
struct transport *manager_transport(const struct manager *m);

/* For the contexts of parts; userdata is the manager. A cluster may have no poller: NULL. */
struct poller *manager_poller(void *userdata, const char *cluster);

/* manager_world.c */

/* Makes a runtime of the settings, which it takes over, also on failure. Errors are logged. */
int manager_load_runtime(struct manager *m, struct settings *settings, struct runtime **ret);
/* Notes which values a restart alone puts in force; once at the start, and after each reload. */
void manager_note_restart(struct manager *m);
/* From here on the given runtime is in force. Takes the reference over. */
int manager_activate(struct manager *m, struct runtime *runtime);
/* SIGHUP: reads the configuration anew; where that fails, what runs is kept. */
int manager_on_hangup(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata);
void manager_drop_pollers(struct manager *m);

/* manager_loop.c */

/* Where the detector tells what it found. */
struct detector_sink manager_sink(struct manager *m);
/* The line that systemctl status shows. */
void manager_say_status(const struct manager *m);
/* A poller's tick has come to its end; userdata is the manager. */
void manager_idle(void *userdata, struct poller *p);
/* Answers a request of the web server, or one that only reads of the control socket; likewise. */
int manager_answer(
	void *userdata, const struct http_server_request *request, struct http_server_reply *reply);
/* Begins to tick, and to feed the watchdog. */
int manager_add_timers(struct manager *m);
