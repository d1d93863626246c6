/* SPDX-License-Identifier: Apache-2.0
 * The HTML pages. None changes anything. All return -ENOMEM, and are bounded in what they show. */
#pragma once

#include "io/http_server.h"
#include "web/view.h"

/* What is open, and how the daemon itself is. */
int page_front(const struct web_view *v, const struct http_server_request *request,
	struct http_server_reply *reply);
