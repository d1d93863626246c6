/* SPDX-License-Identifier: Apache-2.0
 * What /api/v1/report answers: finished runs of apps, by name, the newest first, each against the
 * ones before it. */
#pragma once

#include "core/detect/app_run.h"

/* cut: there may be more, which ended earlier. trouble: why there is nothing to tell, one clause;
 * NULL: there is. */
int report_json(const struct app_run_list *l, bool cut, const char *trouble, char **ret);
