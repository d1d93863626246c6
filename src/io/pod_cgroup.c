/* SPDX-License-Identifier: Apache-2.0
 * Pods in /proc/PID/cgroup. */
#include "io/pod_cgroup.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Twelve lines of version 1, each with a path of two long names. */
#define MAX_TEXT 8192

/* A UUID, between whose parts systemd has '_', since '-' parts its slices. */
static bool take_uid(const char *s, char ret[POD_UID_SIZE])
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	size_t i;

	for (i = 0; form[i]; i++) {
		if (form[i] == '-' ? s[i] != '-' && s[i] != '_'
				   : s[i] == '\0' || !strchr("0123456789abcdef", s[i]))
			return false;
		ret[i] = s[i];
		if (form[i] == '-')
			ret[i] = '-';
	}
	ret[i] = '\0';
	return s[i] == '/' || s[i] == '\n' || s[i] == '\0' || strncmp(s + i, ".slice", 6) == 0;
}

bool pod_cgroup_parse(const char *text, char ret[POD_UID_SIZE])
{
	for (const char *p = strstr(text, "pod"); p; p = strstr(p + 1, "pod")) {
		char uid[POD_UID_SIZE];

		if (p == text || (p[-1] != '/' && p[-1] != '-') || !take_uid(p + 3, uid))
			continue;
		memcpy(ret, uid, sizeof(uid));
		return true;
	}
	return false;
}

bool pod_cgroup_of(pid_t pid, char ret[POD_UID_SIZE])
{
	_cleanup_close_ int fd = -1;
	char text[MAX_TEXT];
	char path[48];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	return pod_cgroup_parse(text, ret);
}
