/* SPDX-License-Identifier: Apache-2.0
 * What the web server answers: metrics, health, state as JSON, a page that links to them. */
#pragma once

#include "core/act/incident.h"
#include "io/http_server.h"
#include "notifier/notifier.h"
#include "remedy/holds.h"
#include "remedy/remediator.h"
#include "setup/runtime.h"
#include "setup/stats.h"
#include "store/run_store.h"
#include "watch/evidence_collector.h"
#include "watch/poller.h"

/* All that the answers are made of; borrowed. */
struct web_view {
	const struct runtime *runtime;
	const struct detector *detector;
	const struct incident_list *incidents;
	const struct stats *stats;
	const struct holds *holds;
	const struct remediator *remediator;
	const struct store *store;
	const struct notifier *notifier;
	struct run_store *runs;
	struct evidence_collector *evidence_collector;
	usec_t now;
	usec_t wall;
	usec_t started; /* since 1970 */
	bool ready;     /* every cluster was polled at least once */
	bool healthy;   /* polling advances */
	bool reload_ok;
	usec_t reloaded; /* since 1970 */
};

int routes_answer(const struct web_view *view, const struct http_server_request *request,
	struct http_server_reply *reply);
