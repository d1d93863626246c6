/* SPDX-License-Identifier: Apache-2.0
 * The words for how grave something is. */
#include "core/facts/severity.h"

const char *const severity_names[SEVERITY_MAX + 1] = {
	[SEVERITY_INFO] = "info",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_CRITICAL] = "critical",
};
