/* SPDX-License-Identifier: Apache-2.0
 * A standalone master: its JSON (/json/), which says which apps run and how ended ones ended, and
 * its page (/), the only place where it says where a driver's UI is and that holds the token which
 * Spark 4.x wants for a kill. Errors and bounds as in wire/spark_rest.h. */
#pragma once

#include <stddef.h>

#include "core/facts/model.h"

#define MASTER_MAX_APPS 10000

/* /json/ : activeapps and completedapps. An app in both lists counts as ended. */
int master_decode_state(const char *body, size_t len, struct master_state *ret, char **reterr);

/* The page /. A driver's address is taken from the row of its app only: a link http://HOST:PORT in
 * the cell after the one that links app/?appId=ID (or app?appId=ID); waiting apps have one too.
 * Addresses that are not http or https with a plain host and port, or that are longer than 255
 * bytes, are left out: so is /proxy/ID, which a master with spark.ui.reverseProxy links. A page
 * that is not a master's, or that is cut short, is -EBADMSG. */
int master_decode_page(const char *body, size_t len, struct master_page *ret, char **reterr);

/* What the master says of one app. *state_text (borrowed from m, may be NULL) is its word. */
enum app_end master_app_end(
	const struct master_state *m, const char *app_id, const char **state_text);
