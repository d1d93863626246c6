/* SPDX-License-Identifier: Apache-2.0
 * Arbitrary bytes as a configuration, and what follows a NUL as its drop-in. What is taken is
 * printed, and what is printed is taken again and means the same. */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "decode.h"

#include "conf/conf.h"
#include "setup/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[] = "/tmp/fuzz-conf-XXXXXX";
static char path[sizeof(directory) + 16];
static char drop_ins[sizeof(path) + 2];
static char drop_in[sizeof(drop_ins) + 16];

static void clean_up(void)
{
	(void)unlink(path);
	(void)unlink(drop_in);
	(void)rmdir(drop_ins);
	(void)rmdir(directory);
}

/* main.conf, and its one drop-in, in a directory of this process. */
static void make_paths(void)
{
	if (path[0])
		return;
	must(mkdtemp(directory) != NULL);
	(void)snprintf(path, sizeof(path), "%s/main.conf", directory);
	(void)snprintf(drop_ins, sizeof(drop_ins), "%s.d", path);
	(void)snprintf(drop_in, sizeof(drop_in), "%s/1.conf", drop_ins);
	must(mkdir(drop_ins, 0700) >= 0);
	must(atexit(clean_up) == 0);
}

static void write_file(const char *name, const void *text, size_t n)
{
	_cleanup_close_ int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must(fd >= 0 && write(fd, text, n) == (ssize_t)n);
}

/* Faults are of no use to anybody here, but each has to be one line that names the file. */
static void check_faults(const struct strlist *faults)
{
	for (size_t i = 0; i < faults->n; i++)
		if (strchr(faults->items[i], '\n') || !strstr(faults->items[i], path))
			abort();
}

/* The configuration as it is in force; NULL: it is not taken. more NULL: it has no drop-in. */
static char *load(const char *text, size_t n, const char *more, size_t n_more)
{
	_cleanup_(settings_freep) struct settings *s = NULL;
	_cleanup_(strlist_clear) struct strlist faults = {0};
	char *printed = NULL;
	int r;

	make_paths();
	write_file(path, text, n);
	(void)unlink(drop_in);
	if (more)
		write_file(drop_in, more, n_more);
	r = settings_load(path, &s, &faults);
	check_faults(&faults);
	if ((r < 0) != (faults.n > 0))
		abort();
	if (r >= 0 && settings_print(s, &printed) < 0)
		abort();
	return printed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *more = size > 0 ? memchr(text, '\0', size) : NULL;
	size_t n = more ? (size_t)(more - text) : size;
	_cleanup_free_ char *printed =
		load(text, n, more ? more + 1 : NULL, more ? size - n - 1 : 0);
	_cleanup_free_ char *again = NULL;

	if (!printed)
		return 0;
	again = load(printed, strlen(printed), NULL, 0);
	if (!again || strcmp(printed, again) != 0) {
		(void)fprintf(stderr, "%s\n---\n%s\n", printed, again ? again : "(not taken)");
		abort();
	}
	return 0;
}
