/* SPDX-License-Identifier: Apache-2.0
 * Owns everything: the loop's sources, the runtime in force, the detector, the pollers, the
 * remediator and the web server. */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "setup/settings.h"

struct manager;

struct manager_options {
	const char *config;     /* path; NULL: built-in settings */
	bool once;              /* poll twice, no web server, no action, then end the loop */
	FILE *record;           /* write one app's answers there, no web server, no action, until it
				   ends; NULL: no */
	const char *record_app; /* which app; NULL: the first one that answers */
};

/* Takes settings over, also on failure. -EBADMSG: a secret cannot be read, or what it holds is
 * none, which is logged. */
int manager_new(
	const struct manager_options *options, struct settings *settings, struct manager **ret);
struct manager *manager_free(struct manager *m);

DEFINE_CLEANUP(struct manager *, manager_free)

/* Runs until SIGTERM, SIGINT, with once the second poll, with record the end of the app. Returns an
 * exit status, or a negative errno. */
int manager_run(struct manager *m);
