/* SPDX-License-Identifier: Apache-2.0
 * Arbitrary bytes as a web configuration file. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/web_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was taken keeps what it promises. */
static void check(const struct web_file *f)
{
	if (f->tls.enabled &&
		(!f->tls.priority || strncmp(f->tls.priority, "NONE:+VERS-TLS1.", 16)))
		abort();
	if (f->tls.verify && !f->tls.client_ca && !f->tls.client_ca_file)
		abort();
	for (size_t i = 0; i < f->n_users; i++)
		if (strlen(f->users[i].hash) != 60 || !*f->users[i].name)
			abort();
	for (size_t i = 0; i < f->n_headers; i++)
		if (strpbrk(f->headers[i].value, "\r\n"))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(web_file_freep) struct web_file *f = NULL;
	_cleanup_(strlist_clear) struct strlist faults = {0};
	int r = web_file_decode("/w/web.yml", (const char *)data, size, &f, &faults);

	if ((r == -EBADMSG) != (faults.n > 0) || (r >= 0) != (f != NULL))
		abort();
	for (size_t i = 0; i < faults.n; i++)
		if (strchr(faults.items[i], '\n') ||
			strncmp(faults.items[i], "/w/web.yml:", 11) != 0)
			abort();
	if (f)
		check(f);
	return 0;
}
