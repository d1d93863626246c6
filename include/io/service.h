/* SPDX-License-Identifier: Apache-2.0
 * What systemd and the host give a daemon: readiness, its watchdog, credentials, its time zone. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "base/time.h"

/* A moment since 1970 on the host's own clock: weekday (0: Sunday) and minute of the day. */
void clock_local(usec_t wall, unsigned *ret_weekday, unsigned *ret_minute);
/* Which boot of the machine this is; -errno where the kernel does not say. */
int service_boot_id(char **ret);

/* No core dump of this process is written, and no other process of its user may read its memory or
 * trace it (PR_SET_DUMPABLE in prctl(2)). A program that it runs is not concerned. */
void service_forbid_dumps(void);

void service_ready(void);
void service_reloading(void);
void service_stopping(void);
/* The line that `systemctl status` shows. */
void service_status(const char *text);

/* The listening sockets that systemd passed on (sd_listen_fds(3)): how many, with descriptors from
 * *ret_first on, which are the caller's, set up for a loop. Once: a second call finds none.
 * -ENOTSOCK: one is no TCP socket that listens; -errno. */
int service_sockets(int *ret_first);

/* How often WATCHDOG=1 is due (WatchdogSec), 0 when systemd does not ask. */
usec_t service_watchdog_period(void);
void service_watchdog_feed(void);

/* Where that file is: name itself where it holds a '/', else below $CREDENTIALS_DIRECTORY. */
int secret_path(const char *name, char **ret, char **reterr);
/* A secret from a file, or, where name holds no '/', from the systemd credential of that name
 * ($CREDENTIALS_DIRECTORY). At most 64 KiB; one trailing newline is cut; empty or with a NUL byte
 * or line break inside is -EINVAL. *ret is the caller's. Errors have *reterr, which never holds
 * content. */
int secret_read(const char *name, char **ret, char **reterr);
/* The same of a text that may have several lines. */
int secret_read_lines(const char *name, char **ret, char **reterr);

/* Which content a file has, without reading it. */
struct secret_stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec written;
	struct timespec changed;
};
/* -errno where there is no such file. */
int secret_stamp(const char *name, struct secret_stamp *ret);
bool secret_stamp_equal(const struct secret_stamp *a, const struct secret_stamp *b);
/* Whether every user of the host may read that file. */
bool secret_is_exposed(const char *name);
