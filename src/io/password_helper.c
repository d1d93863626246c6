/* SPDX-License-Identifier: Apache-2.0
 * The process that hashes. */
#include <crypt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/secret.h"
#include "io/hmac.h"
#include "io/password.h"

/* A hash, a blank and a password in base64. */
#define MAX_LINE 512

static bool matches(const char *hash, const char *encoded, struct crypt_data *data)
{
	char password[MAX_LINE] = "";
	const char *made;
	size_t n = 0;
	bool same;

	if (base64_decode(encoded, strlen(encoded), password, &n) < 0 || n > PASSWORD_MAX)
		return false;
	password[n] = '\0';
	made = crypt_r(password, hash, data);
	same = made && hmac_equal(made, hash);
	secret_wipe(password, sizeof(password));
	secret_wipe((char *)data, sizeof(*data));
	return same;
}

int password_helper_run(void)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	char line[MAX_LINE];
	bool ok = data != NULL;

	/* Polling goes first. A sandbox may forbid it. */
	(void)!nice(10);
	/* A line is not to stay in a buffer of the library. */
	(void)setvbuf(stdin, NULL, _IONBF, 0);
	while (ok && fgets(line, sizeof(line), stdin)) {
		char *blank = strchr(line, ' ');

		line[strcspn(line, "\n")] = '\0';
		if (blank)
			*blank = '\0';
		(void)puts(blank && matches(line, blank + 1, data) ? "1" : "0");
		secret_wipe(line, sizeof(line));
		ok = fflush(stdout) != EOF;
	}
	free(data);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
