/* SPDX-License-Identifier: Apache-2.0
 * How the daemon itself is: whom it hears, what it cannot deliver, who paused it. */
#pragma once

#include "web/page.h"

/* Whether all that is configured answers, and was polled. */
bool health_sees_all(const struct web_view *v);
void health_section(struct page *p);
