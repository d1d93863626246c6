/* SPDX-License-Identifier: Apache-2.0
 * Sockets and processes out of /proc. */
#include "io/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/strbuf.h"

#define STATE_LISTEN 0x0a
/* Listening sockets of one port that are looked at. */
#define MAX_INODES 16
/* Of proc_pid_stat(5), counted from the state, which is the third. */
#define FIELD_STARTTIME (22 - 3)
/* Of a line of /proc/net/tcp. */
#define FIELD_LOCAL 1
#define FIELD_STATE 3
#define FIELD_INODE 9
/* Of a line of /proc/self/mountinfo. */
#define FIELD_MOUNT_POINT 4

struct inodes {
	uint64_t inode[MAX_INODES];
	size_t n;
};

struct owner {
	pid_t pid;
	uint64_t starttime;
};

static bool parse_hex(const char *s, uint64_t *ret)
{
	uint64_t v = 0;
	size_t n = strspn(s, "0123456789abcdefABCDEF");

	if (n == 0 || n > 16 || s[n] != '\0')
		return false;
	for (; *s; s++)
		v = v * 16 + (uint64_t)(*s <= '9' ? *s - '0' : (*s | 0x20) - 'a' + 10);
	*ret = v;
	return true;
}

/* The kernel prints an address as 32-bit words of the host's byte order. */
static bool parse_words(const char *hex, uint32_t *words, size_t n)
{
	if (strlen(hex) != n * 8)
		return false;
	for (size_t i = 0; i < n; i++) {
		char word[9] = {0};
		uint64_t v;

		memcpy(word, hex + i * 8, 8);
		if (!parse_hex(word, &v))
			return false;
		words[i] = (uint32_t)v;
	}
	return true;
}

/* Does one who connects to this host's loopback reach it? */
static bool is_reachable(const char *hex)
{
	static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	static const unsigned char loopback6[16] = {[15] = 1};
	static const unsigned char any[16] = {0};
	unsigned char addr[16] = {0};
	uint32_t words[4] = {0};

	if (parse_words(hex, words, 1)) {
		memcpy(addr, words, 4);
		return addr[0] == 127 || memcmp(addr, any, 4) == 0;
	}
	if (!parse_words(hex, words, 4))
		return false;
	memcpy(addr, words, 16);
	if (memcmp(addr, mapped, sizeof(mapped)) == 0)
		return addr[12] == 127 || memcmp(addr + 12, any, 4) == 0;
	return memcmp(addr, any, 16) == 0 || memcmp(addr, loopback6, 16) == 0;
}

/* The inode of a line about a socket that listens on port. */
static bool line_inode(char *line, uint16_t port, uint64_t *ret)
{
	char *field[FIELD_INODE + 1] = {NULL};
	char *save = NULL;
	char *colon;
	uint64_t v;
	size_t n = 0;

	for (char *p = strtok_r(line, " \n", &save); p && n < ELEMENTSOF(field);
		p = strtok_r(NULL, " \n", &save))
		field[n++] = p;
	if (n < ELEMENTSOF(field))
		return false;
	if (!parse_hex(field[FIELD_STATE], &v) || v != STATE_LISTEN)
		return false;
	colon = strchr(field[FIELD_LOCAL], ':');
	if (!colon || !parse_hex(colon + 1, &v) || v != port)
		return false;
	*colon = '\0';
	return is_reachable(field[FIELD_LOCAL]) && parse_u64(field[FIELD_INODE], ret) >= 0;
}

static int collect_inodes(const char *path, uint16_t port, struct inodes *inodes)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	uint64_t inode;

	if (!f)
		return -errno;
	while (inodes->n < MAX_INODES && getline(&line, &size, f) >= 0)
		if (line_inode(line, port, &inode))
			inodes->inode[inodes->n++] = inode;
	return ferror(f) ? -EIO : 0;
}

static bool holds_socket(const char *link, const struct inodes *inodes)
{
	char want[48];

	for (size_t i = 0; i < inodes->n; i++) {
		(void)snprintf(want, sizeof(want), "socket:[%" PRIu64 "]", inodes->inode[i]);
		if (strcmp(link, want) == 0)
			return true;
	}
	return false;
}

/* Is one of the process's descriptors one of the sockets? No, where that cannot be seen. */
static bool process_holds(pid_t pid, const struct inodes *inodes)
{
	_cleanup_closedir_ DIR *d = NULL;
	char path[32];
	const struct dirent *e;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	if (!d)
		return false;
	while ((e = readdir(d))) {
		char link[64];
		ssize_t n = readlinkat(dirfd(d), e->d_name, link, sizeof(link) - 1);

		if (n <= 0)
			continue;
		link[n] = '\0';
		if (holds_socket(link, inodes))
			return true;
	}
	return false;
}

static bool is_older(const struct owner *a, const struct owner *b)
{
	if (a->starttime != b->starttime)
		return a->starttime < b->starttime;
	return a->pid < b->pid;
}

static int find_holder(const struct inodes *inodes, struct owner *ret)
{
	_cleanup_closedir_ DIR *d = opendir("/proc");
	struct owner best = {0};
	const struct dirent *e;

	if (!d)
		return -errno;
	while ((e = readdir(d))) {
		struct owner o = {0};
		uint64_t pid;

		if (parse_u64(e->d_name, &pid) < 0 || pid == 0 || pid > INT32_MAX)
			continue;
		o.pid = (pid_t)pid;
		if (!process_holds(o.pid, inodes) || procfs_starttime(o.pid, &o.starttime) < 0)
			continue;
		if (best.pid == 0 || is_older(&o, &best))
			best = o;
	}
	if (best.pid == 0)
		return -EACCES;
	*ret = best;
	return 0;
}

int procfs_port_owner(uint16_t port, pid_t *ret_pid, uint64_t *ret_starttime)
{
	struct inodes inodes = {0};
	struct owner o = {0};
	int r;

	r = collect_inodes("/proc/net/tcp", port, &inodes);
	if (r < 0)
		return r;
	/* Absent where the kernel has no IPv6. */
	r = collect_inodes("/proc/net/tcp6", port, &inodes);
	if (r < 0 && r != -ENOENT)
		return r;
	if (inodes.n == 0)
		return -ENOENT;
	r = find_holder(&inodes, &o);
	if (r < 0)
		return r;
	*ret_pid = o.pid;
	*ret_starttime = o.starttime;
	return 0;
}

static int parse_stat(char *line, uint64_t *ret)
{
	char *save = NULL;
	/* The name before it may hold blanks and parentheses. */
	char *p = strrchr(line, ')');

	if (!p)
		return -EPROTO;
	p = strtok_r(p + 1, " \n", &save);
	if (p && (*p == 'Z' || *p == 'X' || *p == 'x'))
		return -ESRCH;
	for (size_t i = 0; p && i < FIELD_STARTTIME; i++)
		p = strtok_r(NULL, " \n", &save);
	return p && parse_u64(p, ret) >= 0 ? 0 : -EPROTO;
}

/* What /proc does not show may be hidden there. The kernel tells of each process whether it is. */
static int absent(pid_t pid)
{
	_cleanup_close_ int fd = pidfd_open(pid, 0);

	if (fd >= 0)
		return -EACCES;
	/* EINVAL, and ENOENT of newer kernels: the number is a thread's by now. */
	return errno == ESRCH || errno == EINVAL || errno == ENOENT ? -ESRCH : -errno;
}

int procfs_starttime(pid_t pid, uint64_t *ret)
{
	_cleanup_close_ int fd = -1;
	char path[32];
	char line[2048];
	ssize_t n;

	if (pid <= 0)
		return -ESRCH;
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? absent(pid) : -errno;
	n = read(fd, line, sizeof(line) - 1);
	if (n < 0)
		return -errno;
	line[n] = '\0';
	return parse_stat(line, ret);
}

/* Is it of what lies on /proc, and how does that hide? */
static bool line_hides(char *line, bool before)
{
	const char *option = strstr(line, "hidepid=");
	char *save = NULL;
	char *p = strtok_r(line, " ", &save);

	for (size_t i = 0; p && i < FIELD_MOUNT_POINT; i++)
		p = strtok_r(NULL, " ", &save);
	if (!p || strcmp(p, "/proc") != 0)
		return before;
	return option && strncmp(option, "hidepid=0", strlen("hidepid=0")) != 0 &&
	       strncmp(option, "hidepid=off", strlen("hidepid=off")) != 0;
}

bool procfs_hides(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	bool hides = !f;
	size_t size = 0;

	/* The last one lies on top. */
	while (f && getline(&line, &size, f) >= 0)
		hides = line_hides(line, hides);
	return hides;
}

/* The second field of /proc/self/statm counts pages. */
int procfs_own_memory(uint64_t *ret)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/statm", "re");
	unsigned long long size;
	unsigned long long resident;

	if (!f)
		return -errno;
	if (fscanf(f, "%llu %llu", &size, &resident) != 2) /* NOLINT(cert-err34-c) */
		return -EIO;
	*ret = (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
	return 0;
}

int procfs_own_fds(uint64_t *ret)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (!dir)
		return -errno;
	for (const struct dirent *e; (e = readdir(dir));)
		n += e->d_name[0] != '.';
	(void)closedir(dir);
	*ret = n - 1; /* without the one of this look */
	return 0;
}

bool procfs_is_java(pid_t pid)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_fclose_ FILE *f = NULL;
	char name[32] = "";

	if (str_printf(&path, "/proc/%d/comm", (int)pid) < 0)
		return false;
	f = fopen(path, "re");
	return f && fgets(name, sizeof(name), f) && strcmp(name, "java\n") == 0;
}
