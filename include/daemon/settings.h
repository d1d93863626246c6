/* SPDX-License-Identifier: Apache-2.0
 * The configuration with its meaning: typed, defaulted, checked as a whole. */
#pragma once

#include "action/airflow.h"
#include "base/param.h"
#include "core/inquiry.h"
#include "core/rule.h"
#include "source/source.h"

enum daemon_mode {
	MODE_OBSERVE,
	MODE_ACT
};

struct daemon_params {
	usec_t poll_interval;
	int mode; /* enum daemon_mode */
	char *state_dir;
	uint64_t max_parallel_requests;
};

struct web_params {
	char *listen;
};

struct probe_params {
	bool enabled;  /* serve CPU seconds of this host's executors */
	uint64_t port; /* of the stagewatchd on the executors' hosts; 0: they are not asked */
};

struct source_settings {
	char *name;
	struct source_params params;
	const char *file; /* where it was said; borrowed while the configuration is read */
	unsigned line;
};

struct airflow_settings {
	char *name;
	struct airflow_params params;
	const char *file;
	unsigned line;
};

struct settings {
	struct daemon_params daemon;
	struct web_params web;
	struct probe_params probe;
	struct inquiry_params evidence;
	struct source_settings *sources;
	size_t n_sources;
	struct airflow_settings *airflows;
	size_t n_airflows;
	struct rule_list rules;
	struct rule fallback;
};

/* A kind of section: its keys, for binding, --print-config and the man page's test. */
struct section_def {
	const char *kind;
	bool named;
	const struct param_def *params;
	const size_t *n_params;
	size_t offset; /* in struct settings, of a section without a name */
};
extern const struct section_def section_defs[];
extern const size_t n_section_defs;

/* Reads path and its drop-ins; NULL: the built-in configuration, the driver UIs of this host. All
 * faults go to errors. -EBADMSG when there are any, -ENOENT and the like when path cannot be read,
 * -ENOMEM. */
int settings_load(const char *path, struct settings **ret, struct strlist *errors);

struct settings *settings_free(struct settings *s);

DEFINE_CLEANUP(struct settings *, settings_free)

/* For a mere look: no Airflow is asked, so its secrets need not be readable. */
void settings_drop_airflows(struct settings *s);

/* The whole configuration as it is in force, in the syntax of the file. Names of files with secrets
 * are in it, secrets are not. */
int settings_print(const struct settings *s, char **ret);

const char *mode_name(enum daemon_mode m);
