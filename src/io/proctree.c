/* SPDX-License-Identifier: Apache-2.0
 * Spark's executors among this host's processes, and what is below them. */
#include "io/proctree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/strbuf.h"
#include "io/procfs.h"
#include "io/proctask.h"

#define MAX_PROCESSES 100000
#define MAX_TREES 5000
/* The class path comes first, and is long. */
#define MAX_CMDLINE ((size_t)128 * 1024)
#define MAX_ID 250
/* Of proc_pid_stat(5), counted from the state, which is the third: ppid, utime, stime, cutime,
 * cstime. */
#define FIELD_PPID (4 - 3)
#define FIELD_UTIME (14 - 3)

struct process {
	pid_t pid;
	pid_t ppid;
	usec_t cpu;
	usec_t reaped;
	char name[16];
	bool executor; /* a root of its own */
	bool taken;    /* is in the tree at hand */
};

struct processes {
	struct process *items; /* by pid */
	size_t n;
};

static usec_t from_ticks(uint64_t ticks)
{
	return ticks * USEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* The name stands in parentheses, and may hold some. */
static bool parse_stat(char *line, struct process *p)
{
	uint64_t v[FIELD_UTIME + 4] = {0};
	char *open = strchr(line, '(');
	char *close = strrchr(line, ')');
	char *save = NULL;
	size_t n = 0;

	if (!open || !close || close < open)
		return false;
	*close = '\0';
	(void)snprintf(p->name, sizeof(p->name), "%s", open + 1);
	str_sanitize(p->name);
	for (char *f = strtok_r(close + 1, " \n", &save); f && n < ELEMENTSOF(v);
		f = strtok_r(NULL, " \n", &save), n++) {
		/* A zombie's time is told by its parent once it was waited for. */
		if (n == 0 && (*f == 'Z' || *f == 'X'))
			return false;
		if (n >= FIELD_UTIME || n == FIELD_PPID)
			if (parse_u64(f, &v[n]) < 0)
				return false;
	}
	if (n < ELEMENTSOF(v))
		return false;
	p->ppid = (pid_t)v[FIELD_PPID];
	p->cpu = from_ticks(v[FIELD_UTIME] + v[FIELD_UTIME + 1]);
	p->reaped = from_ticks(v[FIELD_UTIME + 2] + v[FIELD_UTIME + 3]);
	return true;
}

/* Reads a file of /proc/PID as text; returns its length. */
static ssize_t read_file(pid_t pid, const char *name, char *buf, size_t size)
{
	_cleanup_close_ int fd = -1;
	char path[48];
	size_t n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (n < size - 1) {
		ssize_t k = read(fd, buf + n, size - 1 - n);

		if (k < 0)
			return -errno;
		if (k == 0)
			break;
		n += (size_t)k;
	}
	buf[n] = '\0';
	return (ssize_t)n;
}

static bool read_stat(pid_t pid, struct process *ret)
{
	char line[1024];

	*ret = (struct process){.pid = pid};
	return read_file(pid, "stat", line, sizeof(line)) > 0 && parse_stat(line, ret);
}

static int by_pid(const void *a, const void *b)
{
	const struct process *x = a;
	const struct process *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

/* All processes; one that ends meanwhile is left out. */
static int look(struct processes *ret)
{
	_cleanup_closedir_ DIR *d = NULL;
	size_t room = 0;
	const struct dirent *e;

	if (procfs_hides())
		return -EACCES;
	d = opendir("/proc");
	if (!d)
		return -errno;
	while ((e = readdir(d)) && ret->n < MAX_PROCESSES) {
		struct process p;
		uint64_t pid;

		if (parse_u64(e->d_name, &pid) < 0 || pid == 0 || pid > INT32_MAX)
			continue;
		if (!read_stat((pid_t)pid, &p))
			continue;
		if (ret->n == room) {
			struct process *items =
				reallocarray(ret->items, room ? 2 * room : 512, sizeof(*items));

			if (!items)
				return -ENOMEM;
			ret->items = items;
			room = room ? 2 * room : 512;
		}
		ret->items[ret->n++] = p;
	}
	if (ret->n > 0)
		qsort(ret->items, ret->n, sizeof(*ret->items), by_pid);
	return 0;
}

static struct process *find(const struct processes *l, pid_t pid)
{
	struct process key = {.pid = pid};

	return l->n ? bsearch(&key, l->items, l->n, sizeof(key), by_pid) : NULL;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s);

	return n >= strlen(end) && strcmp(s + n - strlen(end), end) == 0;
}

static bool is_id(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] <= ' ' || (unsigned char)s[i] >= 127)
			return false;
	return n > 0 && n <= MAX_ID;
}

/* Whether a command line (its arguments ended by NUL each) is that of an executor; the ids are
 * borrowed from it. */
static bool parse_cmdline(
	const char *cmdline, size_t len, const char **ret_app, const char **ret_executor)
{
	bool backend = false;

	*ret_app = *ret_executor = NULL;
	for (const char *p = cmdline; p < cmdline + len; p += strlen(p) + 1) {
		const char *next = p + strlen(p) + 1;
		bool more = next < cmdline + len;

		/* Standalone and YARN; Kubernetes. */
		backend = backend || ends_with(p, "CoarseGrainedExecutorBackend") ||
			  ends_with(p, "KubernetesExecutorBackend");
		if (more && strcmp(p, "--app-id") == 0)
			*ret_app = next;
		if (more && strcmp(p, "--executor-id") == 0)
			*ret_executor = next;
	}
	return backend && *ret_app && *ret_executor && is_id(*ret_app) && is_id(*ret_executor);
}

static int append(struct proctree_list *l, pid_t pid, const char *app_id, const char *executor_id)
{
	struct proctree *items = reallocarray(l->items, l->n + 1, sizeof(*items));
	struct proctree *t;

	if (!items)
		return -ENOMEM;
	l->items = items;
	t = &items[l->n++];
	*t = (struct proctree){.pid = pid, .app_id = strdup(app_id)};
	t->executor_id = strdup(executor_id);
	(void)pod_cgroup_of(pid, t->pod);
	return t->app_id && t->executor_id ? 0 : -ENOMEM;
}

/* Is it the root, or below it, with no other executor between? A parent can be gone already. */
static bool is_below(const struct processes *l, const struct process *p, pid_t root)
{
	for (unsigned depth = 0; p && depth < 64; depth++) {
		if (p->pid == root)
			return true;
		if (p->executor)
			return false;
		p = find(l, p->ppid);
	}
	return false;
}

/* "python3 -m pyspark.daemon ...": among the first arguments. */
static bool is_daemon(pid_t pid)
{
	char line[512];
	ssize_t n = read_file(pid, "cmdline", line, sizeof(line));

	for (const char *p = line; n > 0 && p < line + n; p += strlen(p) + 1)
		if (strcmp(p, "pyspark.daemon") == 0)
			return true;
	return false;
}

/* Where it cannot be known, it is left unknown. */
static void count_threads(struct proctree *t, struct proctree_process *p)
{
	struct proctask k;

	if (p->pid == t->pid) {
		t->knows_threads = proctask_of_jvm(p->pid, &t->threads, &t->n_threads) >= 0;
	} else if (proctask_count(p->pid, &k) >= 0) {
		p->daemon = is_daemon(p->pid);
		p->n_threads = k.n_threads;
		p->main = k.main;
		p->all = k.all;
	}
}

static int fill(const struct processes *l, struct proctree *t)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += l->items[i].taken = is_below(l, &l->items[i], t->pid);
	t->items = calloc(n + 1, sizeof(*t->items));
	if (!t->items)
		return -ENOMEM;
	for (size_t i = 0; i < l->n; i++) {
		const struct process *p = &l->items[i];
		struct proctree_process *q = &t->items[t->n];

		if (!p->taken)
			continue;
		*q = (struct proctree_process){
			.pid = p->pid, .ppid = p->ppid, .cpu = p->cpu, .reaped = p->reaped};
		memcpy(q->name, p->name, sizeof(q->name));
		count_threads(t, q);
		t->cpu += p->cpu;
		t->n++;
	}
	return 0;
}

/* A fork of a JVM looks like the JVM until it runs something else, and no executor starts others.
 */
static void drop_forks(struct processes *l, struct proctree_list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->n; i++) {
		struct process *p = find(l, list->items[i].pid);
		const struct process *parent = p ? find(l, p->ppid) : NULL;

		if (p)
			p->taken = parent && parent->executor;
	}
	for (size_t i = 0; i < list->n; i++) {
		struct process *p = find(l, list->items[i].pid);

		if (p && p->taken) {
			p->executor = false;
			free(list->items[i].app_id);
			free(list->items[i].executor_id);
		} else {
			list->items[kept++] = list->items[i];
		}
	}
	list->n = kept;
}

/* Marks the executors and lists them, without what is below them. */
static int mark_executors(struct processes *l, struct proctree_list *list)
{
	_cleanup_free_ char *cmdline = malloc(MAX_CMDLINE);
	size_t n = 0;

	if (!cmdline)
		return -ENOMEM;
	for (size_t i = 0; i < l->n && n < MAX_TREES; i++) {
		struct process *p = &l->items[i];
		const char *app;
		const char *executor;
		ssize_t len;

		if (strcmp(p->name, "java") != 0)
			continue;
		len = read_file(p->pid, "cmdline", cmdline, MAX_CMDLINE);
		if (len <= 0 || !parse_cmdline(cmdline, (size_t)len, &app, &executor))
			continue;
		p->executor = true;
		n++;
		if (append(list, p->pid, app, executor) < 0)
			return -ENOMEM;
	}
	drop_forks(l, list);
	return 0;
}

int proctree_executors(struct proctree_list *ret)
{
	struct proctree_list list = {0};
	struct processes l = {0};
	int r;

	r = look(&l);
	if (r >= 0)
		r = mark_executors(&l, &list);
	for (size_t i = 0; r >= 0 && i < list.n; i++)
		r = fill(&l, &list.items[i]);
	free(l.items);
	if (r < 0) {
		proctree_list_clear(&list);
		return r;
	}
	*ret = list;
	return 0;
}

int proctree_of(pid_t pid, const char *app_id, const char *executor_id, struct proctree_list *ret)
{
	struct proctree_list executors = {0};
	struct processes l = {0};
	int r;

	r = look(&l);
	if (r >= 0)
		r = mark_executors(&l, &executors);
	proctree_list_clear(&executors);
	if (r >= 0 && !find(&l, pid))
		r = -ESRCH;
	if (r >= 0)
		r = append(ret, pid, app_id, executor_id);
	if (r >= 0)
		r = fill(&l, &ret->items[ret->n - 1]);
	free(l.items);
	return r;
}

int proctree_jvm(pid_t pid, const char *app_id, const char *executor_id, struct proctree_list *ret)
{
	struct process p;
	struct processes l = {.items = &p, .n = 1};
	int r;

	if (!read_stat(pid, &p))
		return -ESRCH;
	r = append(ret, pid, app_id, executor_id);
	if (r >= 0)
		r = fill(&l, &ret->items[ret->n - 1]);
	return r;
}

void proctree_list_clear(struct proctree_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->items[i].app_id);
		free(l->items[i].executor_id);
		free(l->items[i].items);
		free(l->items[i].threads);
	}
	free(l->items);
	*l = (struct proctree_list){0};
}
