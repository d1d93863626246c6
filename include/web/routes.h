/* SPDX-License-Identifier: Apache-2.0
 * What the web server answers: metrics, health, state as JSON, a page that links to them. */
#pragma once

#include "io/http_server.h"
#include "web/view.h"

/* The answer to a GET: also where there is none, then with its status. -ENOMEM. */
int routes_answer(const struct web_view *view, const struct http_server_request *request,
	struct http_server_reply *reply);
