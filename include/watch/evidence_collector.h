/* SPDX-License-Identifier: Apache-2.0
 * Asks what the detector wants to know beyond the counters, and feeds it the answers. What it asks
 * never delays a poll: dumps have their own time limit, and their number at once is bounded over
 * all apps. */
#pragma once

#include "core/detect/detector.h"
#include "core/detect/evidence.h"
#include "io/proctree.h"
#include "io/transport.h"

struct inquirer;

struct inquirer_context {
	struct transport *transport;
	struct detector *detector;
	const struct inquiry_params *params; /* borrowed; inquirer_configure() replaces it */
	uint16_t probe_port;                 /* of other hosts' stagewatchd; 0: not asked */
	bool recorded;                       /* the transport is a recording */
	usec_t (*now)(void *userdata);
	/* CPU seconds of an app's executors were taken in, from host (NULL: this one). May be NULL.
	 */
	void (*processes)(void *userdata, const struct app_history *a, const char *host,
		const struct process_list *list, usec_t taken);
	void *userdata;
};

/* Where an app is asked. Copied. */
struct inquirer_subject {
	char *url;
	char *username; /* only for a URL of the configuration; NULL: none */
	char *password;
	char *ca_file;
	usec_t timeout;
};

/* What was asked and answered since the start, for metrics. */
struct inquirer_stats {
	uint64_t asked[WANT_MAX];
	uint64_t failed[WANT_MAX];
};

/* Borrows what context holds for its life. */
int inquirer_new(const struct inquirer_context *context, struct inquirer **ret);
/* Cancels what is under way. NULL is allowed; returns NULL. */
struct inquirer *inquirer_free(struct inquirer *q);

DEFINE_CLEANUP(struct inquirer *, inquirer_free)

void inquirer_configure(
	struct inquirer *q, const struct inquiry_params *params, uint16_t probe_port);

/* After each good poll of an app: begins to ask what is due. -ENOMEM: some of it. */
int inquirer_look(
	struct inquirer *q, struct app_history *a, const struct inquirer_subject *subject);

/* The executors on this host, as seen within the last second. Borrowed until the next call. */
int inquirer_host(struct inquirer *q, const struct proctree_list **ret);

const struct inquirer_stats *inquirer_stats(const struct inquirer *q);
