/* SPDX-License-Identifier: Apache-2.0
 * fsync(2) and fdatasync(2) in front of the C library's, for SQLite: they fail as long as the file
 * SIM_NO_SYNC is there. Else they do nothing, since a killed process loses no page. As long as the
 * file SIM_READ_ONLY is there, what is below state/ cannot be written, as on a file system that the
 * kernel made read-only over an error: nothing that is open is spared. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int sync_or_fail(void)
{
	const char *path = getenv("SIM_NO_SYNC");

	if (!path || access(path, F_OK) < 0)
		return 0;
	errno = EIO;
	return -1;
}

int fsync(int fd)
{
	(void)fd;
	return sync_or_fail();
}

int fdatasync(int fd)
{
	(void)fd;
	return sync_or_fail();
}

static bool is_read_only(const char *file)
{
	const char *path = getenv("SIM_READ_ONLY");

	return path && strstr(file, "/state/") && access(path, F_OK) == 0;
}

static bool is_read_only_fd(int fd)
{
	char link[32];
	char file[512];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, file, sizeof(file) - 1);
	if (n < 0)
		return false;
	file[n] = '\0';
	return is_read_only(file);
}

static int open_unless(const char *file, int flags, mode_t mode)
{
	if ((flags & O_ACCMODE) != O_RDONLY && is_read_only(file)) {
		errno = EROFS;
		return -1;
	}
	return (int)syscall(SYS_openat, AT_FDCWD, file, flags, mode);
}

int open(const char *file, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if (flags & (O_CREAT | O_TMPFILE))
		mode = va_arg(args, mode_t);
	va_end(args);
	return open_unless(file, flags, mode);
}

int open64(const char *file, int flags, ...) __attribute__((alias("open")));

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
	if (is_read_only_fd(fd)) {
		errno = EROFS;
		return -1;
	}
	return (ssize_t)syscall(SYS_pwrite64, fd, bytes, n, at);
}
