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

/* What the kubelet calls the group of all pods; its own cgroup root may stand in front of it. */
#define ALL_PODS "kubepods"

/* A component of a path. */
struct part {
	const char *at;
	size_t n;
};

static bool part_is(const struct part *p, const char *name)
{
	return strlen(name) == p->n && strncmp(p->at, name, p->n) == 0;
}

static bool is_hex(char c)
{
	return c != '\0' && strchr("0123456789abcdef", c) != NULL;
}

/* How much of s, of n bytes, has that form; 0: it has not. */
static size_t take_form(const char *s, size_t n, const char *form, char ret[POD_UID_SIZE])
{
	size_t i;

	for (i = 0; form[i]; i++) {
		bool dash = form[i] == '-';

		if (i == n || (dash ? s[i] != '-' && s[i] != '_' : !is_hex(s[i])))
			return 0;
		ret[i] = s[i];
		if (dash)
			ret[i] = '-';
	}
	ret[i] = '\0';
	return i;
}

/* A UUID, between whose parts systemd has '_', since '-' parts its slices; of a pod out of a file
 * on the node a hash. A runtime that is told of systemd and does not use it has more behind it. */
static bool take_uid(const char *s, size_t n, char ret[POD_UID_SIZE])
{
	static const char *const forms[] = {
		"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"};
	static const char slice[] = ".slice";

	for (size_t i = 0; i < ELEMENTSOF(forms); i++) {
		size_t len = take_form(s, n, forms[i], ret);

		if (len == 0)
			continue;
		s += len;
		n -= len;
		return n == 0 || (n >= strlen(slice) && strncmp(s, slice, strlen(slice)) == 0);
	}
	return false;
}

/* "podUID", where that may stand, or "kubepods-burstable-podUID.slice". */
static bool take_pod(const struct part *p, bool may_stand, char ret[POD_UID_SIZE])
{
	static const char pod[] = "pod";
	static const char slice[] = "-pod";
	const char *all = memmem(p->at, p->n, ALL_PODS, strlen(ALL_PODS));
	const char *end = p->at + p->n;
	const char *at = p->at;

	if (all) {
		at = memmem(all, (size_t)(end - all), slice, strlen(slice));
		if (!at)
			return false;
		at += strlen(slice);
	} else if (may_stand && p->n > strlen(pod) && strncmp(at, pod, strlen(pod)) == 0) {
		at += strlen(pod);
	} else {
		return false;
	}
	return take_uid(at, (size_t)(end - at), ret);
}

/* Whether the group of a pod may stand below. Those of pods that are guaranteed all they may have
 * stand beside those of the other two classes. */
static bool may_stand_below(const struct part *p, bool may_stand)
{
	if (memmem(p->at, p->n, ALL_PODS, strlen(ALL_PODS)))
		return true;
	return may_stand && (part_is(p, "burstable") || part_is(p, "besteffort"));
}

/* Of one line. A reader with a control group namespace of its own has ".." for what is above it, so
 * that the first name may be any of those below the cgroup root. Below user.slice systemd lets
 * users make what groups they like. */
static bool parse_path(const char *s, char ret[POD_UID_SIZE])
{
	bool may_stand = false;
	bool first = true;

	while (*s == '/') {
		struct part p = {.at = s + 1, .n = strcspn(s + 1, "/\n")};

		s += 1 + p.n;
		if (first && part_is(&p, "..")) {
			may_stand = true;
			continue;
		}
		if (first && part_is(&p, "user.slice"))
			return false;
		if (take_pod(&p, may_stand, ret))
			return true;
		may_stand = may_stand_below(&p, may_stand);
		first = false;
	}
	return false;
}

/* Of "ID:CONTROLLERS:PATH". NULL: it is no such line. */
static const char *path_of(const char *line)
{
	for (int i = 0; i < 2; i++) {
		line += strcspn(line, ":\n");
		if (*line++ != ':')
			return NULL;
	}
	return line;
}

bool pod_cgroup_parse(const char *text, char ret[POD_UID_SIZE])
{
	while (*text) {
		const char *path = path_of(text);
		char uid[POD_UID_SIZE];

		if (path && parse_path(path, uid)) {
			memcpy(ret, uid, sizeof(uid));
			return true;
		}
		text += strcspn(text, "\n");
		text += *text == '\n';
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
