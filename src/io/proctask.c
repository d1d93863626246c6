/* SPDX-License-Identifier: Apache-2.0
 * The threads of a process, and what the scheduler counts of them. */
#include "io/proctask.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"

/* comm holds 15 characters. */
#define TASK_NAME "Executor task l"
#define FEEDER_NAME "stdout writer f"

static int read_file(pid_t pid, int64_t tid, const char *name, char *buf, size_t size)
{
	_cleanup_close_ int fd = -1;
	char path[64];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)pid, (int)tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = read(fd, buf, size - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return 0;
}

/* Three numbers: nanoseconds on a CPU, nanoseconds of waiting for one, slices. A kernel that does
 * not count them has no such file, or tells zeros. */
static int read_schedstat(pid_t pid, int64_t tid, struct sched_count *ret)
{
	uint64_t v[3];
	char *save = NULL;
	char line[96];
	char *p;
	int r;

	r = read_file(pid, tid, "schedstat", line, sizeof(line));
	if (r < 0)
		return r;
	p = strtok_r(line, " \n", &save);
	for (size_t i = 0; i < ELEMENTSOF(v); i++, p = strtok_r(NULL, " \n", &save))
		if (!p || parse_u64(p, &v[i]) < 0)
			return -EPROTO;
	if (v[2] == 0)
		return -ENODATA;
	*ret = (struct sched_count){
		.known = true, .timed = true, .run_ns = v[0], .slices = v[2], .waits = v[2]};
	return 0;
}

static int find_number(const char *text, const char *key, uint64_t *ret)
{
	const char *p = strstr(text, key);
	char number[24];
	size_t n;

	if (!p)
		return -EPROTO;
	p += strlen(key);
	p += strspn(p, " \t");
	n = strspn(p, "0123456789");
	if (n == 0 || n >= sizeof(number))
		return -EPROTO;
	memcpy(number, p, n);
	number[n] = '\0';
	return parse_u64(number, ret);
}

/* Each slice ends with a switch: by itself, where the thread waits, or by another's turn. */
static int read_switches(pid_t pid, int64_t tid, uint64_t *ret_waits, uint64_t *ret_taken)
{
	char text[4096];
	int r;

	r = read_file(pid, tid, "status", text, sizeof(text));
	if (r >= 0)
		r = find_number(text, "\nvoluntary_ctxt_switches:", ret_waits);
	if (r >= 0)
		r = find_number(text, "\nnonvoluntary_ctxt_switches:", ret_taken);
	return r;
}

static int read_thread(pid_t pid, int64_t tid, struct sched_count *ret)
{
	uint64_t waits;
	uint64_t taken;
	int counted;
	int r;

	counted = read_schedstat(pid, tid, ret);
	if (counted == -ESRCH)
		return counted;
	r = read_switches(pid, tid, &waits, &taken);
	if (r == -ESRCH)
		return r;
	if (r < 0)
		return counted < 0 ? r : 0;
	if (counted < 0)
		*ret = (struct sched_count){.known = true, .slices = waits + taken};
	ret->waits = waits;
	return 0;
}

/* Of helper threads only whether they ran is of interest. */
static int read_helper(pid_t pid, int64_t tid, struct sched_count *ret)
{
	int r = read_schedstat(pid, tid, ret);

	return r < 0 && r != -ESRCH ? read_thread(pid, tid, ret) : r;
}

/* Calls fn for each thread; one that ends meanwhile is left out. */
static int each_thread(pid_t pid, int (*fn)(void *userdata, pid_t pid, int64_t tid), void *userdata)
{
	_cleanup_closedir_ DIR *d = NULL;
	char path[32];
	const struct dirent *e;
	size_t n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	if (!d)
		return errno == ENOENT ? -ESRCH : -errno;
	while ((e = readdir(d))) {
		uint64_t tid;
		int r;

		if (parse_u64(e->d_name, &tid) < 0 || tid == 0 || tid > INT32_MAX)
			continue;
		if (n++ == PROCTASK_MAX)
			return -E2BIG;
		r = fn(userdata, pid, (int64_t)tid);
		if (r < 0 && r != -ESRCH)
			return r;
	}
	return 0;
}

static int add_thread(void *userdata, pid_t pid, int64_t tid)
{
	struct proctask *t = userdata;
	struct sched_count c = {0};
	int r;

	r = tid == pid ? read_thread(pid, tid, &c) : read_helper(pid, tid, &c);
	if (r < 0)
		return r;
	if (tid == pid)
		t->main = c;
	t->all.timed = c.timed && (t->n_threads == 0 || t->all.timed);
	t->all.known = true;
	t->all.run_ns += c.run_ns;
	t->all.slices += c.slices;
	t->all.waits += c.slices;
	t->n_threads++;
	return 0;
}

int proctask_count(pid_t pid, struct proctask *ret)
{
	struct proctask t = {0};
	int r;

	r = each_thread(pid, add_thread, &t);
	if (r < 0)
		return r;
	/* A main thread that has ended while others live is a zombie, and still counts. */
	if (!t.main.known)
		return -ESRCH;
	*ret = t;
	return 0;
}

struct jvm {
	struct sched_thread *items;
	size_t n;
	size_t room;
};

static int add_task_thread(void *userdata, pid_t pid, int64_t tid)
{
	struct jvm *j = userdata;
	struct sched_thread t = {.tid = tid};
	char name[32];
	int r;

	r = read_file(pid, tid, "comm", name, sizeof(name));
	if (r < 0)
		return r;
	t.feeds = strncmp(name, FEEDER_NAME, strlen(FEEDER_NAME)) == 0;
	if (!t.feeds && strncmp(name, TASK_NAME, strlen(TASK_NAME)) != 0)
		return 0;
	r = read_thread(pid, tid, &t.count);
	if (r < 0)
		return r;
	if (j->n == j->room) {
		struct sched_thread *items =
			reallocarray(j->items, j->room ? 2 * j->room : 16, sizeof(*items));

		if (!items)
			return -ENOMEM;
		j->items = items;
		j->room = j->room ? 2 * j->room : 16;
	}
	j->items[j->n++] = t;
	return 0;
}

int proctask_of_jvm(pid_t pid, struct sched_thread **ret, size_t *ret_n)
{
	struct jvm j = {0};
	int r;

	r = each_thread(pid, add_task_thread, &j);
	if (r < 0) {
		free(j.items);
		return r;
	}
	*ret = j.items;
	*ret_n = j.n;
	return 0;
}
