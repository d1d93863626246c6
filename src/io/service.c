/* SPDX-License-Identifier: Apache-2.0
 * sd_notify(3), the host and secrets. */
#include "io/service.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/secret.h"
#include "base/strbuf.h"
#include "io/clock.h"

#define SECRET_MAX ((size_t)64 * 1024)
#define STATUS_MAX ((size_t)256)

void clock_local(usec_t wall, unsigned *ret_weekday, unsigned *ret_minute)
{
	time_t t = (time_t)(wall / USEC_PER_SEC);
	struct tm tm = {0};

	/* The host's time zone may have been changed meanwhile. */
	tzset();
	(void)localtime_r(&t, &tm);
	*ret_weekday = (unsigned)tm.tm_wday;
	*ret_minute = (unsigned)(tm.tm_hour * 60 + tm.tm_min);
}

int service_boot_id(char **ret)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	char line[64] = "";

	if (!f)
		return -errno;
	if (!fgets(line, sizeof(line), f))
		return -EIO;
	line[strcspn(line, "\n")] = '\0';
	return str_replace(ret, line);
}

/* LimitCORE=0 alone does not stop a core dump that the kernel pipes to a program (core(5)). */
void service_forbid_dumps(void)
{
	(void)prctl(PR_SET_DUMPABLE, 0);
}

void service_ready(void)
{
	(void)sd_notify(0, "READY=1");
}

void service_reloading(void)
{
	/* systemd 253 and later ask for the time, to tell this reload from an earlier one. */
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_monotonic());
}

void service_stopping(void)
{
	(void)sd_notify(0, "STOPPING=1");
}

void service_status(const char *text)
{
	_cleanup_free_ char *line = NULL;

	/* A line break would begin another assignment. */
	if (str_printable(text, STATUS_MAX, &line) >= 0)
		(void)sd_notifyf(0, "STATUS=%s", line);
}

int service_sockets(int *ret_first)
{
	int n = sd_listen_fds(1);

	for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + n; fd++) {
		if (sd_is_socket_inet(fd, AF_UNSPEC, SOCK_STREAM, 1, 0) <= 0)
			return -ENOTSOCK;
		if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
			return -errno;
	}
	*ret_first = SD_LISTEN_FDS_START;
	return n;
}

usec_t service_watchdog_period(void)
{
	uint64_t usec = 0;

	return sd_watchdog_enabled(0, &usec) > 0 ? usec : 0;
}

void service_watchdog_feed(void)
{
	(void)sd_notify(0, "WATCHDOG=1");
}

static int fail(int error, const char *name, const char *text, char **reterr)
{
	_cleanup_free_ char *printable = NULL;

	if (str_printable(name, 512, &printable) >= 0)
		(void)str_printf(reterr, "%s: %s", printable, text);
	return error;
}

int secret_path(const char *name, char **ret, char **reterr)
{
	const char *dir;

	if (strchr(name, '/')) {
		*ret = strdup(name);
		return *ret ? 0 : -ENOMEM;
	}
	dir = getenv("CREDENTIALS_DIRECTORY");
	if (!dir || dir[0] == '\0')
		return fail(-ENOENT, name,
			"not a path, and systemd gave no credentials (LoadCredential=)", reterr);
	return str_printf(ret, "%s/%s", dir, name);
}

/* Reads until the end or until the buffer is full. */
static ssize_t read_full(int fd, char *buf, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, buf + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

/* Cuts the one line break at the end. The fault, or NULL. */
static const char *secret_fault(char *text, size_t len, bool lines)
{
	if (len > SECRET_MAX)
		return "longer than 64 KiB";
	if (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
	if (len == 0)
		return "empty";
	if (memchr(text, '\0', len))
		return "holds a NUL byte";
	if (!lines && strpbrk(text, "\r\n"))
		return "holds more than one line";
	return NULL;
}

static int secret_load(int fd, const char *name, bool lines, char **ret, char **reterr)
{
	const size_t size = SECRET_MAX + 1;
	char *text = calloc(1, size + 1);
	const char *fault;
	ssize_t n;

	if (!text)
		return -ENOMEM;
	n = read_full(fd, text, size);
	fault = n < 0 ? strerror((int)-n) : secret_fault(text, (size_t)n, lines);
	/* Only as much as it needs is handed on, so that who wipes by strlen() wipes all. */
	if (!fault)
		*ret = strdup(text);
	secret_wipe(text, size);
	free(text);
	if (fault)
		return fail(n < 0 ? (int)n : -EINVAL, name, fault, reterr);
	return *ret ? 0 : -ENOMEM;
}

static int read_text(const char *name, bool lines, char **ret, char **reterr)
{
	_cleanup_free_ char *path = NULL;
	char *secret = NULL;
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	r = secret_path(name, &path, reterr);
	if (r < 0)
		return r;
	/* A pipe nobody writes to must not hold the daemon. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0) {
		r = -errno;
		return fail(r, name, strerror(-r), reterr);
	}
	if (!S_ISREG(st.st_mode))
		return fail(-EINVAL, name, "not a regular file", reterr);
	r = secret_load(fd, name, lines, &secret, reterr);
	if (r < 0)
		return r;
	*ret = secret;
	return 0;
}

int secret_read(const char *name, char **ret, char **reterr)
{
	return read_text(name, false, ret, reterr);
}

int secret_read_lines(const char *name, char **ret, char **reterr)
{
	return read_text(name, true, ret, reterr);
}

int secret_stamp(const char *name, struct secret_stamp *ret)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *err = NULL;
	struct stat st;
	int r = secret_path(name, &path, &err);

	if (r < 0)
		return r;
	if (stat(path, &st) < 0)
		return -errno;
	*ret = (struct secret_stamp){.dev = st.st_dev,
		.ino = st.st_ino,
		.size = st.st_size,
		.written = st.st_mtim,
		.changed = st.st_ctim};
	return 0;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool secret_stamp_equal(const struct secret_stamp *a, const struct secret_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       same_time(&a->written, &b->written) && same_time(&a->changed, &b->changed);
}

bool secret_is_exposed(const char *name)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *err = NULL;
	struct stat st;

	return secret_path(name, &path, &err) >= 0 && stat(path, &st) == 0 &&
	       (st.st_mode & S_IROTH);
}
