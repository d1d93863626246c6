/* SPDX-License-Identifier: Apache-2.0
 * DNS rebinding: a page of another site has its own name lead to 127.0.0.1, and reads what is told
 * there to everybody. The browser says by which name it asks. */
#pragma once

#include <stdbool.h>

#include "io/http_server.h"

/* Whether the name is one that a page of another site may have: where only this host reaches the
 * server, and nobody said who asks. Addresses, localhost and the host of external_url, which may be
 * NULL, are ours. Elsewhere whoever reaches the server may read without a browser's help. */
bool host_guard_is_foreign(const struct http_server_request *request, const char *external_url);
