/* SPDX-License-Identifier: Apache-2.0
 * io/fault_point that counts: appends each name to the file SIM_POINTS, and ends the process by
 * SIGKILL at the one of number SIM_CRASH_AT, counted from 1. */
#include "io/fault_point.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void note(const char *where)
{
	const char *path = getenv("SIM_POINTS");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

	if (fd < 0)
		return;
	(void)dprintf(fd, "%s\n", where);
	(void)close(fd);
}

void fault_point(const char *where)
{
	static unsigned long n;
	const char *at = getenv("SIM_CRASH_AT");

	note(where);
	if (at && ++n == strtoul(at, NULL, 10))
		(void)kill(getpid(), SIGKILL);
}
