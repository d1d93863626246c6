/* SPDX-License-Identifier: Apache-2.0
 * All that the answers of the web server and of the control socket are made of. */
#pragma once

#include "core/act/incident.h"
#include "io/credentials.h"
#include "io/http_client.h"
#include "io/http_server.h"
#include "notifier/notifier.h"
#include "remedy/holds.h"
#include "remedy/leader.h"
#include "remedy/remediator.h"
#include "setup/health.h"
#include "setup/runtime.h"
#include "setup/stats.h"
#include "store/run_store.h"
#include "watch/evidence_collector.h"
#include "watch/poller.h"
#include "web/order_guard.h"

/* All borrowed. */
struct web_view {
	const struct runtime *runtime;
	const struct detector *detector;
	const struct incident_list *incidents;
	struct health *health;
	struct stats *stats;
	const struct holds *holds;
	const struct leader *leader; /* NULL: it is alone */
	const struct remediator *remediator;
	const struct store *store;
	const struct notifier *notifier;
	struct run_store *runs;
	const struct http_client *client;
	const struct credentials *credentials;
	/* Those who ask; NULL: it does not listen. */
	const struct http_server *web_server;
	const struct http_server *control_server;
	const struct http_caller *caller;      /* who asks over TCP; NULL at the control socket */
	const struct order_guard *order_guard; /* NULL: no orders are taken */
	struct evidence_collector *evidence_collector;
	const struct python_stacks *python_stacks; /* NULL: nobody looks at Python */
	usec_t now;
	usec_t wall;
	usec_t started; /* since 1970 */
	bool ready;     /* every cluster was polled at least once */
	bool healthy;   /* polling advances */
	bool reload_ok;
	const char *reload_fault;  /* why it failed; NULL: it did not */
	const char *needs_restart; /* keys whose value a restart puts in force; NULL: none */
	usec_t reloaded;           /* since 1970 */
	const char *certificate;   /* the file with that of its own web server; NULL: no TLS */
	usec_t certificate_expiry; /* since 1970 */
};
