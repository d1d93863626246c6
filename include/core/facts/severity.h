/* SPDX-License-Identifier: Apache-2.0
 * How grave it is what people are told of. */
#pragma once

enum severity {
	SEVERITY_INFO,
	SEVERITY_WARNING,
	SEVERITY_CRITICAL, /* a person should get up for it */
	SEVERITY_MAX
};

/* Words by value, NULL at the end. */
extern const char *const severity_names[SEVERITY_MAX + 1];
