/* SPDX-License-Identifier: Apache-2.0
 * Orders over TCP: what is made of the forms of the pages. Who may give one is known by
 * the web server's users; what it does is the control socket's. */
#pragma once

#include "web/control.h"
#include "web/view.h"

/* Whether path is one of an order; only a POST gives it. */
bool orders_has(const char *path);
/* Carries out a POST to such a path. The reply is a page that says what came of it and what happens
 * next, or why not: 400, 403, 404 or 409. A negative errno only without memory. */
int orders_answer(const struct web_view *v, struct control *control,
	const struct http_server_request *request, struct http_server_reply *reply);
