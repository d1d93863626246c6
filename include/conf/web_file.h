/* SPDX-License-Identifier: Apache-2.0
 * The web configuration file of Prometheus' exporter-toolkit (docs/web-configuration.md): TLS,
 * users and headers of a web server. Strict: what is not known, or would be less safe here than the
 * file asks for, is a fault. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/param.h"
#include "base/time.h"

struct web_file_tls {
	bool enabled;
	char *cert; /* PEM in the file, or the name of a file: one of both */
	char *cert_file;
	char *key; /* a secret; likewise */
	char *key_file;
	char *client_ca; /* both NULL: none */
	char *client_ca_file;
	char *client_auth_type; /* NULL: none was said */
	/* What it comes to: a client is asked for a certificate, has to have one, and it is
	 * verified. */
	bool request;
	bool require;
	bool verify;
	struct strlist allowed_sans; /* of which the certificate of a client has one; none: any */
	unsigned min_version;        /* 12 or 13 */
	unsigned max_version;
	struct strlist cipher_suites;
	struct strlist curves;
	bool prefer_server;
	char *priority; /* all of this as GnuTLS wants to be told */
};

struct web_file_header {
	char *name;
	char *value;
};

struct web_file_user {
	char *name;
	char *hash; /* bcrypt: $2a$, $2b$ or $2y$ */
};

struct web_file {
	struct web_file_tls tls;
	struct web_file_header *headers;
	size_t n_headers;
	struct web_file_user *users;
	size_t n_users;
	usec_t rate_interval; /* one request in that time, and so many at once; 0: no limit */
	uint64_t rate_burst;
	struct strlist warnings; /* "FILE:LINE: KEY: text" */
};

#define WEB_FILE_MAX_NAME 128U
/* A hash of a higher cost would keep its user waiting for longer than a client waits. */
#define WEB_FILE_MAX_COST 18U

/* Names of files in it are relative to the directory of path. -EBADMSG with "FILE:LINE: KEY: text"
 * for each fault in errors, which holds neither hashes nor keys of TLS; -ENOMEM. */
int web_file_decode(const char *path, const char *text, size_t len, struct web_file **ret,
	struct strlist *errors);

/* Wipes what is secret. NULL is allowed; returns NULL. */
struct web_file *web_file_free(struct web_file *f);

DEFINE_CLEANUP(struct web_file *, web_file_free)
