/* SPDX-License-Identifier: Apache-2.0
 * A YARN ResourceManager's REST API (/ws/v1/cluster, Hadoop 3): which apps run, how one ended, what
 * came of a kill. Errors and bounds as in wire/spark_rest.h. */
#pragma once

#include <stddef.h>

#include "core/facts/model.h"

#define YARN_MAX_APPS 10000

/* /apps. An empty list has no "app" at all. status stays NULL. Hadoop 3.4 writes the key "entry"
 * twice in an object; times and sizes are 0 for who may not view an app, so neither is read. */
int yarn_decode_apps(const char *body, size_t len, struct master_state *ret, char **reterr);

/* /apps: how many there are, and how many of them show their times to who asks. Those that do not
 * are not his to view, much less to kill. */
int yarn_count_visible(
	const char *body, size_t len, size_t *ret_n, size_t *ret_visible, char **reterr);

/* /apps/ID: whether the app has ended, and the ResourceManager's words for it (the caller frees
 * them). FINISHED, FAILED and KILLED are ends. finalStatus is among the words only: SUCCEEDED was
 * seen on an app whose Python driver had failed. An answer for another app is refused. */
int yarn_decode_end(const char *body, size_t len, const char *app_id, enum app_end *ret,
	char **ret_words, char **reterr);

/* What the ResourceManager says of an error, one line for a log: the message of its
 * RemoteException, the first line of a plain text (its 403 is one, labelled JSON), or the title of
 * a page, which is where a refused ticket is explained. "" where it says nothing. -ENOMEM. */
int yarn_error_text(const char *body, size_t len, char **ret);

/* The path of an app below a ResourceManager's address: "/ws/v1/cluster/apps/ID" and what, which
 * begins with a slash or is empty. The caller frees it. */
int yarn_app_path(const char *app_id, const char *what, char **ret);
