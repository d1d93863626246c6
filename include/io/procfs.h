/* SPDX-License-Identifier: Apache-2.0
 * What /proc says of other processes of this host: who listens on a port, and whether a process is
 * still the one it was. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The process that listens on the TCP port at a loopback address or at all addresses, in the
 * network namespace of the caller. Where several hold the socket (children inherit it), the one
 * that was started first. Pid and start time together identify a process as long as the host runs.
 * -ENOENT: nobody listens. -EACCES: someone does, but no process could be seen to hold the socket
 * (another user's, without the rights). Other errors: /proc cannot be read, -ENOMEM. */
int procfs_port_owner(uint16_t port, pid_t *ret_pid, uint64_t *ret_starttime);

/* When the process was started, in clock ticks since boot (field 22 of proc_pid_stat(5)).
 * -ESRCH: there is no such process, or it is a zombie. -EACCES: there is one, and /proc hides it.
 */
int procfs_starttime(pid_t pid, uint64_t *ret);

/* Whether /proc hides other users' processes (hidepid= in proc(5), ProtectProc= in
 * systemd.exec(5)). What is seen there is then no whole. Also true where it cannot be known. */
bool procfs_hides(void);

/* Whether the process is a Java virtual machine, by its name (proc_pid_comm(5)). */
bool procfs_is_java(pid_t pid);

/* Resident memory of this process, in bytes. */
int procfs_own_memory(uint64_t *ret);
/* Open file descriptors of this process. */
int procfs_own_fds(uint64_t *ret);
