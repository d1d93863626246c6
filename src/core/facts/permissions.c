/* SPDX-License-Identifier: Apache-2.0
 * Names of rights. */
#include "core/facts/permissions.h"
#include "base/cleanup.h"

static const char *const states[] = {
	[PERMISSION_UNKNOWN] = "unknown",
	[PERMISSION_GRANTED] = "granted",
	[PERMISSION_DENIED] = "denied",
};

static const char *const rights[] = {
	[AIRFLOW_RIGHT_LOGIN] = "login",
	[AIRFLOW_RIGHT_READ] = "read",
	[AIRFLOW_RIGHT_FAIL] = "fail",
	[AIRFLOW_RIGHT_CLEAR] = "clear",
};
_Static_assert(ELEMENTSOF(rights) == AIRFLOW_RIGHT_MAX, "a name per right");

const char *permission_name(enum permission s)
{
	return states[s];
}

const char *airflow_right_name(enum airflow_right r)
{
	return rights[r];
}
