/* SPDX-License-Identifier: Apache-2.0
 * Names of the ways to end an app. */
#include "core/facts/kill.h"

#include "base/cleanup.h"

const char *const kill_via_names[] = {
	[KILL_VIA_CLUSTER] = "cluster",
	[KILL_VIA_JOB] = "job",
	[KILL_VIA_STAGE] = "stage",
	[KILL_VIA_DRIVER] = "driver",
	[KILL_VIA_SUSPEND] = "suspend",
	[KILL_VIA_APPLICATION] = "delete-application",
	[KILL_VIA_POD] = "delete-pod",
	[KILL_VIA_MAX] = NULL,
};

const char *kill_via_name(enum kill_via v)
{
	return kill_via_names[v];
}
