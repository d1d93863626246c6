/* SPDX-License-Identifier: Apache-2.0
 * Whose pod a process is in, by its control group, which the kubelet has put it into and which it
 * cannot choose. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#define POD_UID_SIZE 37 /* a UUID, and NUL */

/* Out of the text of a /proc/PID/cgroup: of control groups version 1 or 2, by systemd
 * (".../kubepods-burstable-pod0b7632a2_a56e_4278_987a_22de18008dbe.slice/...") or not
 * (".../kubepods/burstable/pod0b7632a2-a56e-4278-987a-22de18008dbe/..."), also as a process in
 * another pod sees it ("0::/../../pod..."). The topmost
 * counts: below its own, a process may have made some. false: of none. */
bool pod_cgroup_parse(const char *text, char ret[POD_UID_SIZE]);

/* Of a process. false: of none, or it is gone. */
bool pod_cgroup_of(pid_t pid, char ret[POD_UID_SIZE]);
