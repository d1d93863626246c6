/* SPDX-License-Identifier: Apache-2.0
 * stagewatchctl: asks the daemon over its control socket, or over HTTP for what only looks, and
 * prints the answer. The daemon tells its state as JSON, for programs and people alike; what people
 * read is made of it here, so that there is one contract to keep. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/time.h"
#include "io/endpoint.h"
#include "wire/json.h"

#define CTL_SOCKET "/run/stagewatchd/control"

/* Exit statuses. */
#define CTL_OK 0
#define CTL_HANGS 1  /* status: at least one stage is hung */
#define CTL_FAILED 2 /* the daemon cannot be reached, or did not do it */
#define CTL_BLIND 2  /* status: something that is watched could not be read, and nothing hangs */
#define CTL_USAGE 3

/* As whom the web server is asked, and whom it has to be; NULL: nothing of it. */
struct ctl_login {
	const char *user;
	const char *password_file; /* NULL: the user is asked for the password */
	const char *ca_file;
	const char *cert_file; /* PEM */
	const char *key_file;
};

struct ctl {
	const char *socket;
	const char *url;          /* NULL: the socket */
	struct endpoint endpoint; /* of the URL */
	bool json;
	bool all;
	bool yes;           /* ask nothing */
	usec_t length;      /* --for; 0: not given */
	const char *object; /* the verb's argument; NULL: none */
	FILE *out;
};

/* Options that not every verb takes. */
#define CTL_TAKES_ALL 1U
#define CTL_TAKES_FOR 2U
#define CTL_TAKES_YES 4U

/* A verb is one row of ctl_verbs[] and one function. */
struct ctl_verb {
	const char *name;
	const char *object;  /* what its argument is called; NULL: it takes none */
	bool may_lack;       /* the argument may be left out */
	const char *options; /* for --help; NULL: none of its own */
	unsigned takes;      /* CTL_TAKES_* */
	bool changes;        /* over the socket only */
	const char *help;
	int (*run)(const struct ctl *c);
};

extern const struct ctl_verb ctl_verbs[];
extern const size_t n_ctl_verbs;

/* Parses, asks, prints. Returns the exit status. */
int ctl_main(int argc, char **argv);

/* Fills what is zeroed; the caller clears it, also on failure. -errno, which was printed. */
int ctl_login(const struct ctl_login *l, struct endpoint *e);

/* A path, about one app where one is named (not NULL): "PATH?app=NAME". The caller frees it;
 * -ENOMEM was printed. */
int ctl_path(const char *path, const char *app, char **ret);

/* GET of a path of the daemon's. CTL_OK with *ret, which is the caller's; else what is wrong was
 * printed. With --json the text was printed as it came, and *ret may be ignored. */
int ctl_get(const struct ctl *c, const char *path, cJSON **ret);
/* The same of a list, less what only --all shows: drop() says so of each item of `field`, and may
 * take away what it holds. */
typedef bool (*ctl_drop_fn)(cJSON *item);
int ctl_get_list(
	const struct ctl *c, const char *path, const char *field, ctl_drop_fn drop, cJSON **ret);
/* Nothing is known of the object that was named: CTL_FAILED, and said. */
int ctl_unknown(const char *text);
/* POST; body NULL: none. */
int ctl_post(const struct ctl *c, const char *path, const char *body, cJSON **ret);

/* A field as text that a terminal may see; "-" where there is none. Valid until the next call with
 * the same buffer. */
struct ctl_text {
	char text[4096];
};
const char *ctl_string(const cJSON *o, const char *field, struct ctl_text *buf);
/* The same of an item of a list. */
const char *ctl_item(const cJSON *item, struct ctl_text *buf);

/* Is there, and is not null. */
bool ctl_has(const cJSON *o, const char *field);
bool ctl_bool(const cJSON *o, const char *field);
/* 0 where there is none. */
double ctl_number(const cJSON *o, const char *field);
/* The first item of a list, the others by ->next; NULL: it is empty, or there is none. */
const cJSON *ctl_list(const cJSON *o, const char *field);

int ctl_status(const struct ctl *c);
int ctl_incidents(const struct ctl *c);
int ctl_explain(const struct ctl *c);
int ctl_observed(const struct ctl *c);
int ctl_audit(const struct ctl *c);
int ctl_report(const struct ctl *c);
int ctl_ack(const struct ctl *c);
int ctl_ignore(const struct ctl *c);
int ctl_abort(const struct ctl *c);
int ctl_kill(const struct ctl *c);
int ctl_retry(const struct ctl *c);
int ctl_stages(const struct ctl *c);
int ctl_watch(const struct ctl *c);
int ctl_test_notify(const struct ctl *c);
int ctl_pause(const struct ctl *c);
int ctl_resume(const struct ctl *c);
