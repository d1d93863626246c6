/* SPDX-License-Identifier: Apache-2.0
 * An Airflow with one task instance, d/r/t, for fake_transport's otherwise: it remembers what was
 * done to it. What a test wants to go wrong it sets as patterns, which come first. */
#pragma once

#include <inttypes.h>

#include "fake_transport.h"

#define FAKE_AIRFLOW "http://airflow"
/* downstream: "\"a\",\"b\"" */
#define FAKE_TASK(id, rule, downstream)                                                            \
	"{\"task_id\":\"" id "\",\"trigger_rule\":\"" rule                                         \
	"\",\"pool\":\"default_pool\",\"downstream_task_ids\":[" downstream "]}"

struct fake_airflow {
	bool v1; /* Airflow 2 */
	const char *version;
	int map_index;
	const char *state;
	int try_number;
	int max_tries;
	const char *start_date;
	const char *operator_name;
	bool paused;
	bool stale;
	const char *run_state;
	const char *sweeps;     /* rows that a clear names beside ours, each after a comma; or "" */
	const char *fails_also; /* the same of a fail */
	int failed_siblings;    /* other indexes that have failed */
	const char *dag_tasks;  /* those of the DAG */
	int n_dag_tasks;
	const char *living;  /* rows of the run that are alive, beside ours, as above */
	const char *set_ups; /* rows that a clear of one that runs takes along, as above */
	bool old_process;   /* of the try before: 3.x restarts as long, the log of 2.x has no end */
	bool restarts_fail; /* are accepted, and nothing comes of them */
	bool never_runs;    /* its next try stays queued */
	int id;
	const char *task;        /* members of the task beside its id, each after a comma; or "" */
	const char *queued_runs; /* rows of the DAG's runs that are queued, each after a comma */
	int open_slots;          /* of 128 of the pool */
	int max_active_runs;
	unsigned logins;
	/* What was sent, a letter each: N a note, F fails, C clears, R clears before its end. */
	char sent[32];
	char note[4096];                /* the last one, as JSON writes it; "": none */
	void (*failed)(void *userdata); /* the app's end, where it ends with its task; NULL */
	void *userdata;
	char *body;
};

static inline void fake_airflow_init(struct fake_airflow *a, bool v1)
{
	*a = (struct fake_airflow){
		.v1 = v1,
		.version = v1 ? "2.11.2" : "3.3.2",
		.map_index = -1,
		.state = "running",
		.try_number = 1,
		.id = 1,
		.start_date = "2026-09-21T14:12:20.000000+00:00", /* a minute before FAKE_WALL */
		.operator_name = "SparkSubmitOperator",
		.run_state = "running",
		.sweeps = "",
		.fails_also = "",
		.dag_tasks = FAKE_TASK("t", "all_success", ""),
		.n_dag_tasks = 1,
		.living = "",
		.set_ups = "",
		.task = ",\"retries\":0.0,\"execution_timeout\":null,\"pool\":\"default_pool\"",
		.max_active_runs = 16,
		.queued_runs = "",
		.open_slots = 128,
	};
}

static inline void fake_airflow_clear(struct fake_airflow *a)
{
	free(a->body);
}

static inline void fake_airflow_note(struct fake_airflow *a, char what)
{
	size_t n = strlen(a->sent);

	assert_true(n + 1 < sizeof(a->sent));
	a->sent[n] = what;
	a->sent[n + 1] = '\0';
}

_printf_(2, 3) static inline void fake_airflow_say(struct fake_airflow *a, const char *fmt, ...)
{
	va_list ap;

	free(a->body);
	va_start(ap, fmt);
	assert_true(vasprintf(&a->body, fmt, ap) >= 0);
	va_end(ap);
}

/* Keeps the note that a body has, if any. */
static inline void fake_airflow_keep_note(struct fake_airflow *a, const char *body)
{
	const char *at = strstr(body, "\"note\":\"");
	size_t n = 0;

	if (!at)
		return;
	for (at += strlen("\"note\":\""); at[n] && at[n] != '"'; n++)
		n += at[n] == '\\';
	assert_true(n < sizeof(a->note));
	memcpy(a->note, at, n);
	a->note[n] = '\0';
}

/* The task instance with all that v2 says of it. */
static inline void fake_airflow_ti(const struct fake_airflow *a, struct strbuf *b)
{
	strbuf_addf(b,
		"{\"dag_id\":\"d\",\"dag_run_id\":\"r\",\"task_id\":\"t\",\"map_index\":%d,"
		"\"state\":\"%s\",\"try_number\":%d,\"max_tries\":%d,\"start_date\":\"%s\","
		"\"operator\":\"%s\",\"hostname\":\"h\",\"pid\":42,"
		"\"note\":%s%s%s,\"pool\":\"default_pool\"",
		a->map_index, a->state, a->try_number, a->max_tries, a->start_date,
		a->operator_name, *a->note ? "\"" : "", *a->note ? a->note : "null",
		*a->note ? "\"" : "");
	if (!a->v1)
		strbuf_addf(b, ",\"id\":\"id-%d\"", a->id);
	strbuf_add(b, "}");
}

/* Rows of those that are named; v1 names them without an index. */
static inline void fake_airflow_rows(struct fake_airflow *a, bool ours, const char *more)
{
	struct strbuf b = {0};

	strbuf_add(&b, "{\"task_instances\":[");
	if (ours && a->v1)
		strbuf_add(&b, "{\"dag_id\":\"d\",\"dag_run_id\":\"r\",\"task_id\":\"t\"}");
	else if (ours)
		fake_airflow_ti(a, &b);
	strbuf_addf(&b, "%s],\"total_entries\":0}", ours || !*more ? more : more + 1);
	free(a->body);
	assert_int_equal(strbuf_finish(&b, &a->body), 0);
}

/* A clear of one that has not ended; on 2.x it does nothing to one that runs. */
static inline int fake_airflow_restarts(struct fake_airflow *a, bool dry)
{
	bool deferred = str_equal(a->state, "deferred");
	_cleanup_free_ char *rows = NULL;

	if (!deferred && !str_equal(a->state, "running")) {
		fake_airflow_rows(a, false, "");
		return 200;
	}
	assert_true(str_printf(&rows, "%s%s", a->set_ups, a->sweeps) >= 0);
	if (!dry)
		fake_airflow_note(a, 'R');
	if (!dry && !a->restarts_fail && (deferred || !a->v1)) {
		a->state = deferred ? "queued" : "restarting";
		a->try_number += deferred;
		a->id += 10;
		if (a->failed)
			a->failed(a->userdata);
	}
	fake_airflow_rows(a, true, rows);
	return 200;
}

static inline int fake_airflow_clears(struct fake_airflow *a, const char *body)
{
	bool ours = str_equal(a->state, "failed");
	bool dry = strstr(body, "\"dry_run\":true");

	if (!strstr(body, "\"dag_run_id\":\"r\""))
		return 404;
	if (strstr(body, "\"only_failed\":false"))
		return fake_airflow_restarts(a, dry);
	if (ours && !dry) {
		fake_airflow_note(a, 'C');
		a->state = "queued";
		a->id = ++a->try_number;
	} else if (!dry) {
		fake_airflow_note(a, 'C');
	}
	fake_airflow_rows(a, ours, a->sweeps);
	return 200;
}

static inline int fake_airflow_fails(struct fake_airflow *a, bool dry)
{
	if (str_equal(a->state, "failed") && !a->v1) {
		fake_airflow_say(a, "{\"detail\":\"Task id t is already in failed state\"}");
		return 409;
	}
	if (dry) {
		fake_airflow_rows(a, true, a->fails_also);
		return 200;
	}
	fake_airflow_note(a, 'F');
	a->state = "failed";
	if (a->failed)
		a->failed(a->userdata);
	fake_airflow_rows(a, true, "");
	return 200;
}

/* Path below /dags of a GET. */
static inline int fake_airflow_shows(struct fake_airflow *a, const char *path)
{
	struct strbuf b = {0};

	if (strncmp(path, "/d/dagRuns/r/taskInstances/t/listMapped", 39) == 0) {
		fake_airflow_say(a, "{\"task_instances\":[%s],\"total_entries\":%d}",
			a->failed_siblings ? "{\"map_index\":0,\"dag_id\":\"d\",\"task_id\":\"t\","
					     "\"dag_run_id\":\"r\",\"state\":\"failed\"}"
					   : "",
			a->failed_siblings);
	} else if (strncmp(path, "/d/dagRuns/r/taskInstances?state=", 33) == 0) {
		fake_airflow_rows(a, true, a->living);
	} else if (strstr(path, "/logs/")) {
		fake_airflow_say(a, "{\"content\":\"[('h', '*** Found local files\\\\n%s')]\"}",
			a->old_process || str_equal(a->state, "running")
				? ""
				: "Process psutil.Process(pid=42) (42) terminated with exit code "
				  "143");
	} else if (strncmp(path, "/d/dagRuns/r/taskInstances/t", 28) == 0) {
		if (str_equal(a->state, "queued") && !a->never_runs)
			a->state = "running";
		if (str_equal(a->state, "restarting") && !a->old_process) {
			a->state = "queued";
			a->try_number++;
		}
		fake_airflow_ti(a, &b);
		free(a->body);
		assert_int_equal(strbuf_finish(&b, &a->body), 0);
	} else if (str_equal(path, "/d")) {
		fake_airflow_say(a,
			"{\"dag_id\":\"d\",\"is_paused\":%s,\"max_active_runs\":%d,\"%s\":%s}",
			a->paused ? "true" : "false", a->max_active_runs,
			a->v1 ? "is_active" : "is_stale", a->stale != a->v1 ? "true" : "false");
	} else if (str_equal(path, "/d/tasks")) {
		fake_airflow_say(
			a, "{\"tasks\":[%s],\"total_entries\":%d}", a->dag_tasks, a->n_dag_tasks);
	} else if (str_equal(path, "/d/tasks/t")) {
		fake_airflow_say(a, "{\"task_id\":\"t\"%s}", a->task);
	} else if (strncmp(path, "/d/dagRuns?state=queued", 23) == 0) {
		fake_airflow_say(a, "{\"dag_runs\":[%s],\"total_entries\":%d}",
			a->queued_runs + (*a->queued_runs != '\0'), *a->queued_runs != '\0');
	} else if (str_equal(path, "/d/dagRuns/r")) {
		fake_airflow_say(a, "{\"dag_id\":\"d\",\"dag_run_id\":\"r\",\"state\":\"%s\"}",
			a->run_state);
	} else if (strncmp(path, "?limit=", 7) == 0) {
		fake_airflow_say(a, "{\"dags\":[{\"dag_id\":\"d\"}],\"total_entries\":1}");
	} else if (strncmp(path, "/~/dagRuns/~/taskInstances?", 27) == 0) {
		fake_airflow_rows(a, true, "");
	} else {
		fake_airflow_say(a, "{\"detail\":\"not found\"}");
		return 404;
	}
	return 200;
}

/* what: after FAKE_AIRFLOW. */
static inline int fake_airflow_status(
	struct fake_airflow *a, const char *method, const char *path, const char *body)
{
	const char *base = a->v1 ? "/api/v1" : "/api/v2";

	free(a->body);
	a->body = strdup("<html>404</html>");
	if (str_equal(path, "/auth/token") && !a->v1) {
		a->logins++;
		fake_airflow_say(a, "{\"access_token\":\"t0ken-%u\"}", a->logins);
		return 201;
	}
	if (strncmp(path, base, strlen(base)) != 0)
		return 404;
	path += strlen(base);
	if (str_equal(path, "/version")) {
		fake_airflow_say(a, "{\"version\":\"%s\"}", a->version);
		return 200;
	}
	if (str_equal(path, a->v1 ? "/health" : "/monitor/health")) {
		fake_airflow_say(a, "{\"metadatabase\":{\"status\":\"healthy\"},"
				    "\"scheduler\":{\"status\":\"healthy\"}}");
		return 200;
	}
	if (str_equal(path, "/pools/default_pool")) {
		fake_airflow_say(a,
			"{\"name\":\"default_pool\",\"slots\":128,\"open_slots\":%d,"
			"\"queued_slots\":3}",
			a->open_slots);
		return 200;
	}
	if (strncmp(path, "/dags", 5) != 0)
		return 404;
	path += 5;
	if (str_equal(method, "GET"))
		return fake_airflow_shows(a, path);
	if (strncmp(path, "/d/", 3) != 0)
		return 404;
	if (strstr(path, "/clearTaskInstances"))
		return fake_airflow_clears(a, body);
	if (strncmp(path, "/d/dagRuns/r/taskInstances/t", 28) != 0)
		return 404;
	if (strstr(path, "/setNote") || (strstr(body, "\"note\"") && !strstr(body, "new_state"))) {
		fake_airflow_note(a, 'N');
		fake_airflow_keep_note(a, body);
		return fake_airflow_shows(a, "/d/dagRuns/r/taskInstances/t");
	}
	return fake_airflow_fails(a, strstr(path, "/dry_run") || strstr(body, "\"dry_run\":true"));
}

/* false: it is not asked at this URL. */
static inline bool fake_airflow_answers(
	struct fake_airflow *a, const struct transport_request *r, struct fake_answer *ret)
{
	const char *url = strchr(r->what, ' ') + 1;
	char method[8] = "";
	size_t n = strlen(FAKE_AIRFLOW);

	if (strncmp(url, FAKE_AIRFLOW "/", n + 1) != 0)
		return false;
	memcpy(method, r->what, (size_t)(url - r->what) - 1);
	ret->status = fake_airflow_status(
		a, method, url + n, r->with_body ? r->with_body + strlen(r->what) + 1 : "");
	ret->type = a->body[0] == '<' ? "text/html" : "application/json";
	ret->body = a->body;
	return true;
}
