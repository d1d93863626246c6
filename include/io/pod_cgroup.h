/* SPDX-License-Identifier: Apache-2.0
 * Whose pod a process is in, by its control group, which the kubelet has put it into and which it
 * cannot choose. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#define POD_UID_SIZE 37 /* a UUID, and NUL */

/* Out of the text of a /proc/PID/cgroup: of control groups version 1 or 2, by systemd
 * (".../kubepods-burstable.slice/kubepods-burstable-pod0b7632a2_a56e_...slice/...") or not
 * (".../kubepods/burstable/pod0b7632a2-a56e-.../..."), with whatever cgroup root the kubelet has in
 * front of it, and also as a process in another pod sees it ("0::/../../pod..."). The UID of a pod
 * out of a file on its node is a hash, of 32 digits: not the one that the API server has for it.
 * The topmost pod counts: below its own group, a process may have made others. false: of none.
 * Source: pkg/kubelet/cm of Kubernetes 1.33, cgroup_manager_linux.go (ToSystemd, ToCgroupfs) and
 * node_container_manager_linux.go ("kubepods"). */
bool pod_cgroup_parse(const char *text, char ret[POD_UID_SIZE]);

/* Of a process. false: of none, or it is gone. */
bool pod_cgroup_of(pid_t pid, char ret[POD_UID_SIZE]);
