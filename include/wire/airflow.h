/* SPDX-License-Identifier: Apache-2.0
 * Airflow's REST API, /api/v1 (2.x) and /api/v2 (3.x): the requests this program makes, and the
 * answers to them. What each version really does with them: facts of 2.11.2 and 3.3.2, measured. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/param.h"
#include "base/strbuf.h"
#include "core/act/preconditions.h"
#include "core/facts/model.h"

#define AIRFLOW_MAX_NOTE 1000 /* characters */

enum airflow_api {
	AIRFLOW_API_UNKNOWN,
	AIRFLOW_API_V1,
	AIRFLOW_API_V2,
	AIRFLOW_API_MAX
};

/* A request: path below Airflow's base URL, starting with "/"; body NULL for GET. All owned. */
struct airflow_request {
	const char *method; /* static */
	char *path;
	char *body;
};

void airflow_request_clear(struct airflow_request *r);

/* Requests are -EINVAL for an unknown API, and for an owner with an id that is absent, empty,
 * longer than 250 bytes, "." or ".." (which would change the path, encoded or not) or "~"
 * (Airflow's "all of them"). */

/* GET /api/vN/version: tells the APIs apart. 200 with JSON on the one that is there; on 2.x v2 is a
 * 404 of HTML, on 3.x v1 is a 404. */
int airflow_request_version(enum airflow_api api, struct airflow_request *ret);

/* GET .../monitor/health (v2), /health (v1): no credentials needed. */
int airflow_request_health(enum airflow_api api, struct airflow_request *ret);

/* POST /auth/token with JSON (a form is refused by FAB). v2 only. */
int airflow_request_login(const char *username, const char *password, struct airflow_request *ret);

/* The same as a client with its secret (grant_type client_credentials), as the auth manager for
 * Keycloak takes it: JSON of these fields and no others (provider 0.11.2, datamodels/token.py). */
int airflow_request_client_login(
	const char *client, const char *secret, struct airflow_request *ret);

/* GET one task instance. The map index is part of the path only when >= 0 (2.11 answers 404 to -1).
 */
int airflow_request_get(enum airflow_api api, const struct owner *o, struct airflow_request *ret);

/* PATCH to failed. v2: {"new_state":"failed","note":...}; v1:
 * {"dry_run":false,"new_state":"failed"}, which takes no note. note is cut to Airflow's 1000
 * characters, on a character's border. */
int airflow_request_fail(
	enum airflow_api api, const struct owner *o, const char *note, struct airflow_request *ret);

/* The same as a dry run, which changes nothing: .../dry_run in v2, "dry_run":true in v1. */
int airflow_request_fail_dry_run(
	enum airflow_api api, const struct owner *o, struct airflow_request *ret);

/* PATCH the note alone: .../setNote of v1, {"note":...} to the task instance of v2. */
int airflow_request_set_note(
	enum airflow_api api, const struct owner *o, const char *note, struct airflow_request *ret);

/* POST clearTaskInstances: {"dry_run":false,"dag_run_id":R,"task_ids":...,"only_failed":true,
 * "include_downstream":true,"reset_dag_runs":true}. v2 names a mapped task as [["t",mi]] and an
 * unmapped one as ["t"]; v1 takes strings only. */
int airflow_request_clear_task(
	enum airflow_api api, const struct owner *o, struct airflow_request *ret);
/* The same with "dry_run":true: names what it would clear. */
int airflow_request_clear_dry_run(
	enum airflow_api api, const struct owner *o, struct airflow_request *ret);

/* GET the DAG, the DAG run, and how many other indexes of a mapped task have failed (v1 only). */
int airflow_request_dag(enum airflow_api api, const struct owner *o, struct airflow_request *ret);
int airflow_request_run(enum airflow_api api, const struct owner *o, struct airflow_request *ret);
int airflow_request_failed_siblings(const struct owner *o, struct airflow_request *ret);

/* GET all tasks of its DAG; the task instances of its run that live, a hundred at most; and the
 * log of the try (v1 only). */
int airflow_request_tasks(enum airflow_api api, const struct owner *o, struct airflow_request *ret);
int airflow_request_living(
	enum airflow_api api, const struct owner *o, struct airflow_request *ret);
/* GET a page of the task instances that run or are deferred, from the offset on: of a DAG, or of
 * all that the user may see (dag_id NULL, or one that would change the path). */
#define AIRFLOW_PAGE 100
int airflow_request_running(
	enum airflow_api api, const char *dag_id, uint64_t offset, struct airflow_request *ret);
/* GET two DAG runs that are queued; and a pool (-EINVAL for a name that would be another path). */
int airflow_request_queued_runs(
	enum airflow_api api, const struct owner *o, struct airflow_request *ret);
int airflow_request_pool(enum airflow_api api, const char *pool, struct airflow_request *ret);
int airflow_request_log(const struct owner *o, struct airflow_request *ret);

/* POST clearTaskInstances for a task instance that has not ended: "only_failed":false, and nothing
 * downstream. */
int airflow_request_restart(
	enum airflow_api api, const struct owner *o, struct airflow_request *ret);
int airflow_request_restart_dry_run(
	enum airflow_api api, const struct owner *o, struct airflow_request *ret);

/* GET the task itself, as its DAG has it. */
int airflow_request_task(enum airflow_api api, const struct owner *o, struct airflow_request *ret);

/* GET one DAG, or one task instance, of all that the user may see. */
int airflow_request_list(enum airflow_api api, bool dags, struct airflow_request *ret);

/* {"version":"3.3.2",...}: caller frees *ret. */
int airflow_decode_version(const char *body, size_t len, char **ret, char **reterr);

/* true where the body says that the scheduler is healthy. */
int airflow_decode_health(const char *body, size_t len, bool *ret_scheduler, char **reterr);

/* {"access_token":"..."}: *ret_token is the caller's (a secret); *ret_expires is the JWT's exp in
 * microseconds since 1970, 0 when the token does not say. The token must be of visible ASCII
 * without spaces (it goes into a header) and at most 8 KiB. */
int airflow_decode_token(
	const char *body, size_t len, char **ret_token, usec_t *ret_expires, char **reterr);

/* One task instance, v1 or v2 (state_text is "none" where there is none); checks that it is o's
 * (dag, run, task, map index), else -EBADMSG. */
int airflow_decode_ti(
	const char *body, size_t len, const struct owner *o, struct ti_obs *ret, char **reterr);

/* The answer to a PATCH: any JSON object ({} in v1). What was done, only a look tells. */
int airflow_decode_accepted(const char *body, size_t len, char **reterr);

/* Whom a dry run or a request names. */
struct airflow_affected {
	size_t n;
	bool ours;
	size_t n_siblings; /* other indexes of the same task */
	size_t n_along;  /* set-ups and teardowns of its task, where a scope says which they are */
	size_t n_others; /* other tasks of the run: those downstream, where they were asked for */
	size_t n_elsewhere; /* of another run or DAG */
};

/* v1's rows carry no map index: of those that name the task, one counts as o's. scope may be NULL.
 */
int airflow_decode_affected(const char *body, size_t len, const struct owner *o,
	const struct task_scope *scope, struct airflow_affected *ret, char **reterr);

/* The tasks of a DAG, with what is downstream of each; *ret is replaced. -EBADMSG also for more
 * than the graph takes, and for a task that lacks the list of those downstream, which Airflow
 * always sends: a part of it says nothing. */
int airflow_decode_tasks(const char *body, size_t len, struct task_graph *ret, char **reterr);

/* Of the task instances of a run that live, one that has o's set-up, too: *ret is replaced by its
 * name; it stays as it is where there is none. */
int airflow_decode_beside(const char *body, size_t len, const struct owner *o,
	const struct task_scope *scope, char **ret, char **reterr);

/* A task instance of a list. */
struct running_ti {
	struct owner owner; /* via: not known */
	usec_t logical;     /* the logical date of its run, else when that was to run; 0: neither */
};

struct running_list {
	struct running_ti *items;
	size_t n;
	int64_t total; /* of all pages */
};

void running_list_clear(struct running_list *l);

/* A page of the task instances that run. */
int airflow_decode_running(const char *body, size_t len, struct running_list *ret, char **reterr);

/* Of two runs that are queued, one that is not o's: *ret is replaced by its id; it stays as it is
 * where there is none. */
int airflow_decode_queued_run(
	const char *body, size_t len, const struct owner *o, char **ret, char **reterr);

/* Where a pool has no open slot: "pool spark is full: 4 slots, 1 of them queued". *ret is replaced,
 * or stays as it is. */
int airflow_decode_full_pool(const char *body, size_t len, char **ret, char **reterr);

/* Whether the log of a try says that its process has ended (v1): pid, as the task instance named it
 * while it ran; 0: not known. Children of that process end before it, and are named alike. */
int airflow_decode_process_end(const char *body, size_t len, int64_t pid, bool *ret, char **reterr);

/* dag_paused and dag_stale; run_state. -EBADMSG for an answer about another DAG or run. */
int airflow_decode_dag(const char *body, size_t len, const struct owner *o,
	struct preconditions *ret, char **reterr);
int airflow_decode_run(const char *body, size_t len, const struct owner *o,
	struct preconditions *ret, char **reterr);

/* How o's task is set, and its DAG; each fills its part of *ret. -EBADMSG for an answer about
 * another task or DAG. */
int airflow_decode_task(const char *body, size_t len, const struct owner *o,
	struct task_settings *ret, char **reterr);
int airflow_decode_task_dag(const char *body, size_t len, const struct owner *o,
	struct task_settings *ret, char **reterr);

/* How many of the failed indexes are not o's. The list holds two of them at most. */
int airflow_decode_siblings(
	const char *body, size_t len, const struct owner *o, int64_t *ret, char **reterr);

/* Of a list of DAGs the first whose id matches one of the globs, else the first of all. 1 with
 * *ret, 0: there is none. */
int airflow_decode_dag_of(
	const char *body, size_t len, const struct strlist *globs, char **ret, char **reterr);

/* A short printable text of an error body ("detail" as text, list or object, else "title", else
 * "error", else a page's title, else the first bytes; "empty answer"), at most 200 bytes. Never
 * fails but for -ENOMEM. */
int airflow_error_text(const char *body, size_t len, char **ret);

/* Whether a 403 or 401 means that the token is stale (401, or 403 with detail "Invalid JWT token"),
 * so that one new login is worth a try. */
bool airflow_token_stale(int status, const char *body, size_t len);
