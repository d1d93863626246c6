/* SPDX-License-Identifier: Apache-2.0
 * [web] config_file as it is on disk, with the files that it names. */
#pragma once

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/param.h"
#include "io/http_tls.h"
#include "io/service.h"

struct web_file;

/* The file, and three that it may name. */
#define WEB_CONFIG_FILES 4

struct web_config {
	struct web_file *file;
	struct http_tls *tls; /* NULL: none */
};

/* Which content the files had. */
struct web_config_stamps {
	char *names[WEB_CONFIG_FILES]; /* NULL: none */
	struct secret_stamp stamps[WEB_CONFIG_FILES];
	struct secret_stamp seen[WEB_CONFIG_FILES]; /* at the last look */
};

enum web_config_look {
	WEB_CONFIG_SAME,     /* as they were read */
	WEB_CONFIG_CHANGING, /* one is another one than at the last look */
	WEB_CONFIG_CHANGED,  /* one is another one than was read, and was so at the last look */
};

/* path: as secret_path() has it. -EBADMSG with all that is wrong in faults. -ENOMEM, -EMFILE,
 * -ENFILE, -EIO: the host could not read it, which may pass with the files as they are. stamps are
 * those of before it was read, also on failure; what they hold before is freed. */
int web_config_load(const char *path, struct web_config **ret, struct web_config_stamps *stamps,
	struct strlist *faults);

/* NULL is allowed; returns NULL. */
struct web_config *web_config_free(struct web_config *c);

DEFINE_CLEANUP(struct web_config *, web_config_free)

/* What the files are by now. One that is being written may hold the first half of what it will say:
 * two looks that find the same tell that it is whole, if its writer takes no longer in between. */
enum web_config_look web_config_look(struct web_config_stamps *s);
void web_config_stamps_clear(struct web_config_stamps *s);
