/* SPDX-License-Identifier: Apache-2.0
 * The HTML pages. To show one changes nothing. All return -ENOMEM, and are bounded in what they
 * show. */
#pragma once

#include "io/http_server.h"
#include "web/view.h"

/* What is open, and how the daemon itself is. */
int page_front(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply);
/* Open and ended ones, the newest first. */
int page_incidents(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply);
/* The whole story of one, or what is known of the storm that is on; else a page with status 404. */
int page_incident(const struct web_view *v, const char *id, struct http_server_reply *reply);
/* Apps and their stages: ?sort= and ?find=. */
int page_apps(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply);
/* Findings about the configuration of each app, or of ?app=ID; ?find=. */
int page_audit(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply);
/* Finished runs, by name, or those of ?app=NAME; ?find=. */
int page_report(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply);
