/* SPDX-License-Identifier: Apache-2.0
 * A transport around another one, that writes down what drivers answer to what is really asked, as
 * recordings that --replay takes: one recording for each that is wanted. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/detect/history.h"
#include "io/transport.h"

struct recorder;
struct recording;

struct recording_options {
	FILE *out;          /* borrowed */
	const char *app_id; /* NULL: the first app that answers */
	const char *base;   /* the URL of its driver; NULL: found by app_id */
	uint64_t max_size;  /* bytes that the file may have; 0: no limit */
	/* May be NULL. The app's driver refused a connection: it has ended (0); or the file cannot
	 * be written (-errno). The recording writes nothing more, and is still to be freed; not
	 * from within. */
	void (*over)(void *userdata, int error);
	void *userdata;
};

/* Borrows inner. */
int recorder_new(struct transport *inner, struct recorder **ret);
/* After everything that asks through it, and all recordings, are gone. NULL is allowed; returns
 * NULL. */
struct recorder *recorder_free(struct recorder *r);

DEFINE_CLEANUP(struct recorder *, recorder_free)

struct transport *recorder_transport(struct recorder *r);

/* CPU seconds of an app, as they were taken in: host NULL: of this host. */
void recorder_processes(struct recorder *r, const struct app_history *a, const char *host,
	const struct process_list *list, usec_t taken);

/* Texts of options are copied. -ENOMEM. */
int recorder_add(
	struct recorder *r, const struct recording_options *options, struct recording **ret);
struct recording *recorder_remove(struct recording *t);

/* One more line, of a path that is none of Spark's, for which answers leave room; a replay leaves
 * it out. */
void recorder_note(struct recording *t, const char *path, const char *json, usec_t now);
