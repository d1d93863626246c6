/* SPDX-License-Identifier: Apache-2.0
 * What the daemon's own http_client is replaced by in the tests of the whole daemon. */
#pragma once

#include <errno.h>

#include "io/http_client.h"

/* What all clients that are made from now on ask through. Borrowed. */
void fake_http_client_use(struct transport *t);
/* How many connections stay open; SIZE_MAX at first. */
void fake_http_client_keep(size_t n);
