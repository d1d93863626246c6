/* SPDX-License-Identifier: Apache-2.0
 * The configuration with its meaning: typed, defaulted, checked as a whole. */
#pragma once

#include "action/airflow.h"
#include "base/param.h"
#include "base/shard.h"
#include "core/act/limits.h"
#include "core/act/maintenance.h"
#include "core/detect/evidence_wants.h"
#include "core/facts/rule.h"
#include "notify/notify.h"
#include "setup/leader_params.h"
#include "setup/operators.h"
#include "source/source.h"

struct conf;

enum daemon_mode {
	MODE_OBSERVE,
	MODE_ACT
};

enum log_format {
	LOG_FORMAT_TEXT,
	LOG_FORMAT_JSON
};

struct daemon_params {
	usec_t poll_interval;
	int mode; /* enum daemon_mode */
	char *state_dir;
	usec_t retention;
	uint64_t max_parallel_requests;
	uint64_t max_apps;
	char *shard;
	char *control_socket;
	struct strlist control_users;
	char *control_group;
	int log_format; /* enum log_format */
	bool reload_on_change;
};

struct web_params {
	struct strlist listen; /* not empty */
	char *external_url;
	char *config_file; /* NULL: neither TLS nor users */
	struct strlist operators;
};

struct probe_params {
	bool enabled;  /* serve CPU seconds of this host's executors */
	uint64_t port; /* of the stagewatchd on the executors' hosts; 0: they are not asked */
	bool tls;      /* by TLS */
	char *ca_file;
	char *client_cert_file;
	char *client_key_file;
	bool python_stacks; /* look where this host's idle Python workers stand */
	char *py_spy;
};

struct source_settings {
	char *name;
	struct source_params params;
};

struct airflow_settings {
	char *name;
	struct airflow_params params;
};

struct notify_settings {
	char *name;
	struct notify_params params;
};

struct settings {
	struct daemon_params daemon;
	struct web_params web;
	struct probe_params probe;
	struct evidence_params evidence;
	struct limit_params limits;
	struct leader_params leader;
	struct source_settings *sources;
	size_t n_sources;
	struct airflow_settings *airflows;
	size_t n_airflows;
	struct notify_settings *notifies;
	size_t n_notifies;
	struct rule_list rules;
	struct rule fallback;
	struct maintenance_list maintenance;
	struct shard shard;         /* what [daemon] shard says */
	struct operators operators; /* whom control_users and control_group name */
	struct conf *conf;          /* the text, for where something was said */
	struct strlist warnings;    /* "FILE:LINE: text": in force, and hardly what was meant */
};

/* Reads path and its drop-ins; NULL: the built-in configuration, the driver UIs of this host. All
 * faults go to errors. -EBADMSG when there are any, -ENOENT and the like when path cannot be read,
 * -ENOMEM. */
int settings_load(const char *path, struct settings **ret, struct strlist *errors);

/* All that is wrong with path and its drop-ins, the doubtful included, and with the files that they
 * name; notes: what could not be looked at. As settings_load(), and *ret may be set beside faults.
 */
int settings_check_all(
	const char *path, struct settings **ret, struct strlist *faults, struct strlist *notes);

/* "FILE:LINE" of a key, or of its section; the caller frees it. -ENOMEM. */
int settings_place(
	const struct settings *s, const char *kind, const char *name, const char *key, char **ret);

struct settings *settings_free(struct settings *s);

DEFINE_CLEANUP(struct settings *, settings_free)

/* For a mere look: no Airflow is asked and nobody is told, so their secrets need not be readable.
 */
void settings_drop_airflows(struct settings *s);
void settings_drop_notifies(struct settings *s);

/* The whole configuration as it is in force, in the syntax of the file. Names of files with secrets
 * are in it, secrets are not. */
int settings_print(const struct settings *s, char **ret);

/* How long the ledger keeps what has ended: for retention, and no shorter than any cooldown. */
usec_t settings_keep(const struct settings *s);

/* Whether the mode that holds for the rule is observe. */
bool settings_dry(const struct settings *s, const struct rule *rule);
/* The ways in which rules end apps of the cluster: bits 1 << KILL_VIA_*. dry_too: also of those
 * that observe. */
unsigned settings_kill_vias(const struct settings *s, const char *cluster, bool dry_too);
/* Whether mode and action of any rule together ask for something to be done. */
bool settings_act(const struct settings *s);
/* act: some rule may do something; where no rule asks for more than a notice, as [daemon] says. */
enum daemon_mode settings_mode(const struct settings *s);
/* "observe", "act", or which rules act where others do not. The caller frees it. -ENOMEM. */
int settings_mode_text(const struct settings *s, char **ret);

extern const char *const mode_names[]; /* by enum daemon_mode; ends with NULL */
const char *mode_name(enum daemon_mode m);
