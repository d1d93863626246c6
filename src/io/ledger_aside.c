/* SPDX-License-Identifier: Apache-2.0
 * Renames damaged databases. */
#include "io/ledger_aside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "io/fault_point.h"

#define MARK ".damaged-"

static bool is_kept(const char *name, const char *base)
{
	size_t n = strlen(base);
	size_t length = strlen(name);

	return strncmp(name, base, n) == 0 && strncmp(name + n, MARK, strlen(MARK)) == 0 &&
	       strcmp(name + length - 4, "-wal") != 0;
}

/* Of an absolute path; the caller frees it. */
static char *directory_of(const char *path)
{
	return strndup(path, (size_t)(strrchr(path, '/') - path));
}

static int count_kept(const char *path)
{
	const char *base = strrchr(path, '/') + 1;
	_cleanup_free_ char *dir = directory_of(path);
	struct dirent *e;
	int n = 0;
	DIR *d;

	if (!dir)
		return -ENOMEM;
	d = opendir(dir);
	if (!d)
		return -errno;
	while ((e = readdir(d)))
		n += is_kept(e->d_name, base);
	(void)closedir(d);
	return n;
}

static int move(const char *path, const char *kept, const char *suffix)
{
	_cleanup_free_ char *from = NULL;
	_cleanup_free_ char *to = NULL;
	int r = str_printf(&from, "%s%s", path, suffix);

	if (r >= 0)
		r = str_printf(&to, "%s%s", kept, suffix);
	if (r < 0)
		return r;
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) < 0 ? -errno : 0;
}

static int mark_path(const char *path, char **ret)
{
	return str_printf(ret, "%s.lost", path);
}

static void sync_directory(const char *path)
{
	_cleanup_free_ char *dir = directory_of(path);
	_cleanup_close_ int fd =
		dir ? open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;

	if (fd >= 0)
		(void)fsync(fd);
}

/* It holds the name that the database gets, and is on the disk before anything is renamed. */
static int put_mark(const char *path, const char *kept)
{
	const char *name = strrchr(kept, '/') + 1;
	_cleanup_free_ char *mark = NULL;
	_cleanup_close_ int fd = -1;
	ssize_t n;
	int r = mark_path(path, &mark);

	if (r < 0)
		return r;
	fd = open(mark, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	n = write(fd, name, strlen(name));
	if (n < 0 || fsync(fd) < 0)
		return -errno;
	if ((size_t)n != strlen(name))
		return -ENOSPC;
	sync_directory(path);
	return 0;
}

/* 1: there is a mark. *ret: the name in it; NULL where it has none, as after a power cut. */
static int read_mark(const char *path, char **ret)
{
	const char *base = strrchr(path, '/') + 1;
	_cleanup_free_ char *mark = NULL;
	_cleanup_close_ int fd = -1;
	char name[NAME_MAX + 1];
	ssize_t n;
	int r = mark_path(path, &mark);

	if (r < 0)
		return r;
	fd = open(mark, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	n = read(fd, name, sizeof(name) - 1);
	if (n < 0)
		return -errno;
	name[n] = '\0';
	*ret = NULL;
	if (!is_kept(name, base) || strchr(name, '/'))
		return 1;
	r = str_printf(ret, "%.*s/%s", (int)(base - path - 1), path, name);
	return r < 0 ? r : 1;
}

int ledger_aside_resume(const char *path, char **ret)
{
	_cleanup_free_ char *kept = NULL;
	int r;

	*ret = NULL;
	r = read_mark(path, &kept);
	if (r <= 0 || !kept || access(kept, F_OK) < 0 || access(path, F_OK) == 0)
		return r;
	r = move(path, kept, "-wal");
	if (r < 0 && r != -ENOENT)
		return r;
	*ret = TAKE_PTR(kept);
	return 1;
}

/* A mark that comes back after a power cut would have the next one that is missing count as lost.
 */
void ledger_aside_done(const char *path)
{
	_cleanup_free_ char *mark = NULL;

	if (mark_path(path, &mark) >= 0 && unlink(mark) == 0)
		sync_directory(path);
}

/* The -wal goes last: without it a database may look whole and be an old one. */
int ledger_aside(const char *path, usec_t wall, char **ret)
{
	_cleanup_free_ char *kept = NULL;
	char when[32];
	int r = count_kept(path);

	if (r < 0)
		return r;
	if (r >= LEDGER_ASIDE_MAX)
		return -EMFILE;
	r = str_printf(&kept, "%s" MARK "%s", path, format_timestamp(when, sizeof(when), wall));
	if (r >= 0 && access(kept, F_OK) == 0)
		r = -EEXIST; /* and no mark that names another one */
	if (r >= 0)
		r = put_mark(path, kept);
	fault_point("ledger: one is to be moved away");
	if (r >= 0)
		r = move(path, kept, "");
	fault_point("ledger: one was moved away");
	if (r >= 0)
		r = move(path, kept, "-wal");
	fault_point("ledger: its -wal was moved away");
	if (r < 0 && r != -ENOENT)
		return r;
	*ret = TAKE_PTR(kept);
	return 0;
}
