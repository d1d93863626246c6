/* SPDX-License-Identifier: Apache-2.0
 * Files of evidence: made, and deleted when they are too old or too many. */
#include "io/evidence_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/strbuf.h"

#define SUBDIR "incidents"
#define SUFFIX ".jsonl"
/* More files than this in the directory are not ours to handle. */
#define MAX_FILES 100000

struct file {
	char *name;
	uint64_t size;
	usec_t written; /* since 1970 */
};

static int open_subdir(const char *dir, bool make)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int sub;

	if (fd < 0)
		return -errno;
	if (make && mkdirat(fd, SUBDIR, 0700) < 0 && errno != EEXIST)
		return -errno;
	sub = openat(fd, SUBDIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return sub < 0 ? -errno : sub;
}

int evidence_dir_create(const char *dir, const char *name, FILE **ret)
{
	_cleanup_free_ char *file = NULL;
	_cleanup_close_ int sub = -1;
	FILE *f;
	int fd;
	int r;

	if (*name == '\0' || *name == '.' || strchr(name, '/'))
		return -EINVAL;
	sub = open_subdir(dir, true);
	if (sub < 0)
		return sub;
	r = str_printf(&file, "%s" SUFFIX, name);
	if (r < 0)
		return r;
	fd = openat(sub, file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	f = fdopen(fd, "w");
	if (!f) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	*ret = f;
	return 0;
}

int evidence_dir_keep(const char *dir, const char *name)
{
	_cleanup_free_ char *from = NULL;
	_cleanup_free_ char *to = NULL;
	_cleanup_close_ int sub = open_subdir(dir, false);
	int r;

	if (sub < 0)
		return sub;
	r = str_printf(&from, "%s" SUFFIX, name);
	if (r >= 0)
		r = str_printf(&to, "%s" SUFFIX ".keep", name);
	if (r < 0)
		return r;
	return renameat(sub, from, sub, to) < 0 ? -errno : 0;
}

static bool is_ours(const char *name)
{
	size_t n = strlen(name);

	return name[0] != '.' && n > strlen(SUFFIX) &&
	       strcmp(name + n - strlen(SUFFIX), SUFFIX) == 0;
}

static int add_file(int dir, const char *name, struct file **files, size_t *n)
{
	struct file *items;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return 0;
	items = reallocarray(*files, *n + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	*files = items;
	items[*n] = (struct file){
		.name = strdup(name),
		.size = (uint64_t)st.st_size,
		.written = (usec_t)st.st_mtim.tv_sec * USEC_PER_SEC,
	};
	if (!items[*n].name)
		return -ENOMEM;
	(*n)++;
	return 0;
}

static int oldest_first(const void *a, const void *b)
{
	const struct file *x = a;
	const struct file *y = b;

	return (x->written > y->written) - (x->written < y->written);
}

static bool is_open(const char *name, const char *const *open)
{
	size_t n = strlen(name) - strlen(SUFFIX);

	for (; open && *open; open++)
		if (strlen(*open) == n && strncmp(*open, name, n) == 0)
			return true;
	return false;
}

static int list_files(DIR *d, const char *const *open, struct file **files, size_t *n)
{
	const struct dirent *e;
	int r = 0;

	while (r >= 0 && *n < MAX_FILES && (e = readdir(d)))
		if (is_ours(e->d_name) && !is_open(e->d_name, open))
			r = add_file(dirfd(d), e->d_name, files, n);
	if (*n > 0)
		qsort(*files, *n, sizeof(**files), oldest_first);
	return r;
}

static int room_at(int fd, uint64_t *ret)
{
	struct statvfs v;

	if (fstatvfs(fd, &v) < 0)
		return -errno;
	*ret = (uint64_t)v.f_bavail * v.f_frsize;
	return 0;
}

int evidence_dir_room(const char *dir, uint64_t *ret)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : room_at(fd, ret);
}

/* How much the files may be that are so much now. */
static uint64_t allowed(const struct evidence_bounds *b, uint64_t sum, uint64_t room)
{
	uint64_t left = sum + room > b->keep_free ? sum + room - b->keep_free : 0;

	if (left > b->max_size)
		left = b->max_size;
	if (b->drop == 0)
		return left;
	sum = sum > b->drop ? sum - b->drop : 0;
	return left < sum ? left : sum;
}

int evidence_dir_prune(const char *dir, const struct evidence_bounds *bounds, usec_t now)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct file *files = NULL;
	uint64_t sum = 0;
	uint64_t room = 0;
	uint64_t most;
	size_t n = 0;
	int deleted = 0;
	int fd;
	int r;

	fd = open_subdir(dir, false);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	d = fdopendir(fd);
	if (!d) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	r = list_files(d, bounds->open, &files, &n);
	if (r >= 0)
		r = room_at(fd, &room);
	for (size_t i = 0; i < n; i++)
		sum += files[i].size;
	most = r < 0 ? bounds->max_size : allowed(bounds, sum, room);
	for (size_t i = 0; i < n; i++) {
		bool old = usec_sub(now, files[i].written) > bounds->max_age;

		if ((old || sum > most) && unlinkat(fd, files[i].name, 0) >= 0) {
			sum -= files[i].size;
			deleted++;
		}
		free(files[i].name);
	}
	free(files);
	return r < 0 ? r : deleted;
}
