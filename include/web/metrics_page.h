/* SPDX-License-Identifier: Apache-2.0
 * The state of everything as metrics. */
#pragma once

#include "web/metrics.h"
#include "web/view.h"

/* The whole page; the caller frees it. -ENOMEM. */
int metrics_page(const struct web_view *v, enum metrics_format format, char **ret);
