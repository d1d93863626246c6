/* SPDX-License-Identifier: Apache-2.0
 * What an answer of Spark, of its cluster manager or of Airflow says, as plain data. Decoders
 * (wire) fill these, the detector and the policy (core) read them. Names are Spark's and Airflow's
 * own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/param.h"
#include "base/time.h"

/* The counters whose rise is progress. GC time, peak memory, run time and failed tasks are not
 * among them: the first three move in a hung task or only at its end, the last is churn. */
enum progress_counter {
	PROGRESS_COMPLETED_INDICES, /* numCompletedIndices; numCompleteTasks where Spark lacks it */
	PROGRESS_INPUT_BYTES,
	PROGRESS_INPUT_RECORDS,
	PROGRESS_OUTPUT_BYTES,
	PROGRESS_OUTPUT_RECORDS,
	PROGRESS_SHUFFLE_READ_BYTES,
	PROGRESS_SHUFFLE_READ_RECORDS,
	PROGRESS_SHUFFLE_BLOCKS, /* remote and local blocks fetched, added up */
	PROGRESS_SHUFFLE_WRITE_BYTES,
	PROGRESS_SHUFFLE_WRITE_RECORDS,
	PROGRESS_MEMORY_SPILLED,
	PROGRESS_DISK_SPILLED,
	PROGRESS_MAX
};

/* Rows of a list that could not be used. The others were, so what the list lacks may be there. */
struct left_out {
	size_t n;
	char why[120]; /* of the first: which row, and what was wrong; printable */
};

/* What a stage has cost, added up over its tasks. All but fetch_wait rise when a task ends. */
struct stage_cost {
	usec_t run;           /* without deserialize */
	usec_t deserialize;   /* unpacking the task and what it brings along */
	usec_t fetch_wait;    /* part of run: waiting for shuffle blocks */
	uint64_t result_size; /* bytes sent to the driver */
};

/* An active stage as one answer of /stages shows it. Times are the driver's clock, 0 when absent.
 */
struct stage_obs {
	int64_t stage_id;
	int64_t attempt_id;
	char *name;    /* "count at etl.py:12", printable; may be NULL */
	bool receiver; /* a receiver of Spark Streaming: one task that never ends, by design */
	int64_t n_tasks;
	int64_t n_active; /* negative after lost listener events: SPARK-41187 */
	int64_t n_complete;
	int64_t n_failed;
	usec_t submitted;
	usec_t first_launched;
	uint64_t counters[PROGRESS_MAX];
	struct stage_cost cost;
};

struct stage_list {
	struct stage_obs *items;
	size_t n;
	struct left_out left_out;
};

/* Running jobs, from /jobs?status=running: how many, and the stages they use. */
struct job_list {
	size_t n_running;
	size_t n_receivers; /* of these, which run by design */
	int64_t *stage_ids;
	size_t n_stage_ids;
	struct left_out left_out;
};

/* An application as its driver describes it. */
struct app_info {
	char *id;
	char *name;
	char *user;
	char *spark_version;
	usec_t started; /* the driver's clock; part of the identity of all its stages */
};

struct app_list {
	struct app_info *items;
	size_t n;
	struct left_out left_out;
};

/* How it is known whose an app is. */
enum owner_via {
	OWNER_VIA_UNKNOWN,     /* no owner, or one of a ledger that did not keep it */
	OWNER_VIA_PROPERTIES,  /* Spark's own, which hold the ids: the cluster policy sets them */
	OWNER_VIA_ANNOTATIONS, /* of its pod, which hold the ids */
	OWNER_VIA_LABELS,      /* of its pod: one task instance that runs has these, with its ids
				  made labels */
	OWNER_VIA_OPENLINEAGE, /* one task instance that runs has OpenLineage's parentRunId */
	OWNER_VIA_MAX
};

/* "labels"; NULL where it is not known. */
const char *owner_via_name(enum owner_via via);
/* OWNER_VIA_UNKNOWN for a word that is none. */
enum owner_via owner_via_from_name(const char *name);

/* Airflow's task instance that owns an app. map_index -1: not mapped. */
struct owner {
	char *dag_id;
	char *run_id;
	char *task_id;
	int64_t map_index;
	int64_t try_number; /* 0: not known */
	enum owner_via via;
};

/* An app as a cluster manager lists it. */
enum app_end {
	APP_END_UNKNOWN, /* the manager does not know the app, or did not answer */
	APP_END_RUNNING, /* also waiting for resources */
	APP_END_ENDED,
	APP_END_MAX
};

struct master_app {
	char *id;
	char *name;
	char *user;
	char *state; /* the manager's word: RUNNING, WAITING, FINISHED, KILLED, FAILED ... */
	bool ended;  /* listed among the completed */
	char *why;   /* YARN's diagnostics; NULL: none */
};

struct master_state {
	char *status; /* ALIVE, STANDBY, RECOVERING ... */
	struct master_app *apps;
	size_t n_apps;
	struct left_out left_out;
	int64_t n_alive_workers;
};

/* A driver's UI as the master's page links it. The address was chosen by the app: it may be asked,
 * but it never gets a credential. */
struct driver_link {
	char *app_id;
	char *url; /* without a trailing slash */
};

/* How a page of Spark kills an app, a job or a stage. */
struct kill_form {
	char *csrf_token; /* NULL: none is wanted (Spark 3.x), or no kill is offered */
	bool offered;     /* the page has such a form or link; without one a kill does nothing */
	bool by_get;      /* it says method="GET"; a master says POST in 3.5.9 and 4.3.0 */
};

struct master_page {
	struct driver_link *links;
	size_t n_links;
	struct kill_form kill;
};

enum ti_state {
	TI_STATE_NONE, /* null: no status */
	TI_STATE_SCHEDULED,
	TI_STATE_QUEUED,
	TI_STATE_RUNNING,
	TI_STATE_SUCCESS,
	TI_STATE_FAILED,
	TI_STATE_UPSTREAM_FAILED,
	TI_STATE_SKIPPED,
	TI_STATE_UP_FOR_RETRY,
	TI_STATE_UP_FOR_RESCHEDULE,
	TI_STATE_DEFERRED,
	TI_STATE_RESTARTING,
	TI_STATE_REMOVED,
	TI_STATE_AWAITING_INPUT,
	TI_STATE_OTHER, /* a state that this program does not know */
	TI_STATE_MAX
};

/* Airflow's word for a state, and back; TI_STATE_OTHER for an unknown word. */
const char *ti_state_name(enum ti_state s);
enum ti_state ti_state_from_name(const char *s);

/* A task instance as Airflow shows it. */
struct ti_obs {
	char *id; /* 3.x: the id of this try; NULL in 2.x */
	enum ti_state state;
	char *state_text; /* Airflow's own word */
	int64_t try_number;
	int64_t max_tries;
	usec_t started; /* 0 when absent */
	int64_t pid;    /* 0 when absent; trust it only while running */
	char *hostname;
	char *pool;     /* whose slots it takes; NULL when absent */
	char *operator; /* the class that makes it: SparkSubmitOperator ...; NULL when absent */
	char *note;     /* of a person, or ours; NULL when none */
};

/* What Airflow says of a task and its DAG, whatever the try. */
struct task_settings {
	int64_t retries;
	usec_t execution_timeout; /* 0: none */
	char *pool;               /* NULL: not said */
	int64_t max_active_runs;  /* of the DAG; 0: not said */
};

void stage_list_clear(struct stage_list *l);
void job_list_clear(struct job_list *l);
void app_info_clear(struct app_info *a);
int app_info_copy(const struct app_info *from, struct app_info *to);

/* The property that names the driver's main class, where that is a server's. */
#define SPARK_MAIN_CLASS "sun.java.command"

/* Whether many people's queries run in it, or a person's at will: its name is one that Spark's own
 * scripts give to a server or a shell (the Thrift server, Spark Connect, spark-shell, pyspark,
 * spark-sql, sparkR), or its properties ("key=value") have a server's main class or plug-in. */
bool app_is_shared(const struct app_info *a, const struct strlist *properties);
void app_list_clear(struct app_list *l);
void owner_clear(struct owner *o);
int owner_copy(const struct owner *from, struct owner *to);
bool owner_known(const struct owner *o);
bool owner_same_task(const struct owner *a, const struct owner *b); /* whatever the try */
/* Whatever the try and the map index. */
bool owner_same_task_any_index(const struct owner *a, const struct owner *b);
void master_app_clear(struct master_app *a);
void master_state_clear(struct master_state *m);
void kill_form_clear(struct kill_form *f);
void master_page_clear(struct master_page *p);
void ti_obs_clear(struct ti_obs *t);
void task_settings_clear(struct task_settings *t);
