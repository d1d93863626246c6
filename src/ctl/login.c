/* SPDX-License-Identifier: Apache-2.0
 * As whom the web server is asked, and whom it has to be. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/secret.h"
#include "base/strbuf.h"
#include "ctl/ctl.h"
#include "io/service.h"

/* From the terminal, or a line of standard input. */
static int ask_password(const char *user, char **ret)
{
	_cleanup_free_ char *prompt = NULL;
	char *typed;
	int r;

	if (str_printf(&prompt, "Password of %s: ", user) < 0)
		return -ENOMEM;
	typed = getpass(prompt);
	if (!typed) {
		fprintf(stderr, "stagewatchctl: no password was given\n");
		return -errno;
	}
	r = str_replace(ret, typed);
	explicit_bzero(typed, strlen(typed));
	return r;
}

/* A name without '/' is a file here, and no credential of systemd. */
static int read_password(const char *file, char **ret)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *err = NULL;
	int r = str_printf(&path, "%s%s", strchr(file, '/') ? "" : "./", file);

	if (r >= 0)
		r = secret_read(path, ret, &err);
	if (r < 0)
		fprintf(stderr, "stagewatchctl: %s\n", err ? err : strerror(-r));
	return r;
}

int ctl_login(const struct ctl_login *l, struct endpoint *e)
{
	int r = str_replace(&e->ca_file, l->ca_file);

	if (r >= 0)
		r = str_replace(&e->client_cert_file, l->cert_file);
	if (r >= 0)
		r = str_replace(&e->client_key_file, l->key_file);
	if (r >= 0)
		r = str_replace(&e->username, l->user);
	if (r < 0 || !l->user)
		return r;
	return l->password_file ? read_password(l->password_file, &e->password)
				: ask_password(l->user, &e->password);
}
