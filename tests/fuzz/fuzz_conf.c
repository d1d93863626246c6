/* SPDX-License-Identifier: Apache-2.0
 * Arbitrary bytes as a configuration. What is taken is printed, and what is printed is taken again
 * and means the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "conf/conf.h"
#include "setup/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Faults are of no use to anybody here, but each has to be one line that names the file. */
static void check_faults(const struct strlist *faults, const char *path)
{
	for (size_t i = 0; i < faults->n; i++)
		if (strchr(faults->items[i], '\n') || !strstr(faults->items[i], path))
			abort();
}

/* The configuration as it is in force; NULL: it is not taken. */
static char *load(const void *text, size_t n)
{
	_cleanup_(settings_freep) struct settings *s = NULL;
	_cleanup_(strlist_clear) struct strlist faults = {0};
	_cleanup_close_ int fd = memfd_create("fuzz", MFD_CLOEXEC);
	char path[32];
	char *printed = NULL;
	int r;

	if (fd < 0 || write(fd, text, n) != (ssize_t)n)
		abort();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = settings_load(path, &s, &faults);
	check_faults(&faults, path);
	if ((r < 0) != (faults.n > 0))
		abort();
	if (r >= 0 && settings_print(s, &printed) < 0)
		abort();
	return printed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *printed = load(data, size);
	_cleanup_free_ char *again = NULL;

	if (!printed)
		return 0;
	again = load(printed, strlen(printed));
	if (!again || strcmp(printed, again) != 0) {
		(void)fprintf(stderr, "%s\n---\n%s\n", printed, again ? again : "(not taken)");
		abort();
	}
	return 0;
}
