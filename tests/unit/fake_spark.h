/* SPDX-License-Identifier: Apache-2.0
 * Spark's drivers, a standalone master, a YARN ResourceManager and a Kubernetes API server, for
 * fake_transport's otherwise: they remember what was done to them. What a test wants to go wrong it
 * sets as patterns, which come first. */
#pragma once

#include "fake_transport.h"

#define FAKE_MASTER "http://master:8080"
#define FAKE_RM "http://rm:8088"
#define FAKE_KUBE "https://kube:6443"
#define FAKE_TOKEN "0123456789abcdef0123456789abcdef"
#ifndef FAKE_MAX_APPS
#	define FAKE_MAX_APPS 8
#endif

struct fake_app {
	const char *id;
	const char *name;
	const char *url;        /* of its driver */
	const char *properties; /* pairs, ["a","b"] each after a comma; or "" */
	usec_t started;
	const char *state; /* as the cluster manager says: RUNNING, FINISHED, KILLED; WAITING at a
			      master, ACCEPTED by YARN: not started */
	bool gone;         /* nobody listens at url */
	int stage;         /* its only one; < 0: none */
	bool moving;       /* each poll shows progress */
	unsigned records;
	unsigned completed; /* tasks */
	int n_tasks;        /* that run, with TID 0..n-1; < 0: this driver has no list of them */
	int tasks_per_executor;
	int active_tasks; /* of each executor */
	bool frames_change;
	unsigned looks;
	int dropped;      /* listener events */
	const char *jobs; /* NULL: one that has the stage */
	bool links;       /* Spark 3.5: a link kills, without a token */
	bool by_get;      /* the page's form says so */
	char killed[32];  /* s7 j0 ... */
	/* On Kubernetes; the app's pod is gone once it is over. */
	const char *operated; /* by kubeflow's operator: the restart policy; NULL: by nobody */
	bool no_suspend;      /* and that one is older than spec.suspend */
	bool suspended;
	bool no_application; /* the SparkApplication was deleted */
	bool deleted;        /* the pod was */
};

struct fake_spark {
	struct fake_app apps[FAKE_MAX_APPS];
	size_t n_apps;
	bool kill_works;
	bool kill_offered;
	bool no_token;     /* Spark 3.5 */
	const char *owner; /* on YARN: who alone may kill; NULL: everybody */
	const char *user;  /* who asks at the moment */
	unsigned kills;    /* at the cluster manager */
	/* An app was killed by its driver's page; NULL: nothing comes of it. */
	void (*stage_killed)(void *userdata, struct fake_app *a);
	void *userdata;
	char *body;
};

static inline void fake_spark_init(struct fake_spark *s)
{
	*s = (struct fake_spark){.kill_works = true, .kill_offered = true};
}

static inline void fake_spark_clear(struct fake_spark *s)
{
	free(s->body);
}

/* Texts are borrowed. One stage, number 7, that stands still. */
static inline struct fake_app *fake_spark_add(
	struct fake_spark *s, const char *id, const char *url, const char *properties)
{
	struct fake_app *a = &s->apps[s->n_apps++];

	assert_true(s->n_apps <= FAKE_MAX_APPS);
	*a = (struct fake_app){.id = id,
		.name = "etl",
		.url = url,
		.properties = properties,
		.started = FAKE_WALL,
		.state = "RUNNING",
		.stage = 7,
		.n_tasks = -1,
		.tasks_per_executor = 3,
		.active_tasks = 1000};
	return a;
}

static inline struct fake_app *fake_spark_find(struct fake_spark *s, const char *id, size_t n)
{
	for (size_t i = 0; i < s->n_apps; i++)
		if (strlen(s->apps[i].id) == n && strncmp(s->apps[i].id, id, n) == 0)
			return &s->apps[i];
	return NULL;
}

static inline bool fake_app_waits(const struct fake_app *a)
{
	return str_equal(a->state, "WAITING") || str_equal(a->state, "ACCEPTED");
}

static inline bool fake_app_over(const struct fake_app *a)
{
	return !str_equal(a->state, "RUNNING") && !fake_app_waits(a);
}

static inline void fake_app_end(struct fake_app *a, const char *state)
{
	if (!fake_app_over(a))
		a->state = state;
	a->gone = true;
}

static inline void fake_spark_say(struct fake_spark *s, struct strbuf *b)
{
	free(s->body);
	s->body = NULL;
	if (b->len == 0)
		strbuf_add(b, "");
	assert_int_equal(strbuf_finish(b, &s->body), 0);
}

static inline void fake_app_stages(struct fake_app *a, struct strbuf *b)
{
	a->records += a->moving;
	strbuf_add(b, "[");
	if (a->stage >= 0)
		strbuf_addf(b,
			"{\"status\":\"ACTIVE\",\"stageId\":%d,\"attemptId\":0,\"numTasks\":6,"
			"\"numActiveTasks\":2,\"numCompleteTasks\":%u,\"numFailedTasks\":0,"
			"\"numCompletedIndices\":%u,\"inputRecords\":%u,\"name\":\"count at "
			"x.py:1\"}",
			a->stage, a->completed, a->completed, a->records);
	strbuf_add(b, "]");
}

static inline void fake_app_tasks(struct fake_app *a, struct strbuf *b)
{
	a->looks += a->moving;
	strbuf_add(b, "[");
	for (int i = 0; i < a->n_tasks; i++)
		strbuf_addf(b,
			"%s{\"taskId\":%d,\"index\":%d,\"attempt\":0,\"executorId\":\"%d\","
			"\"status\":\"RUNNING\",\"launchTime\":\"2026-09-21T14:13:10.009GMT\","
			"\"taskMetrics\":{\"inputMetrics\":{\"recordsRead\":%u}}}",
			i ? "," : "", i, i, 1 + i / a->tasks_per_executor, a->looks);
	strbuf_add(b, "]");
}

static inline void fake_app_threads(struct fake_app *a, int executor, struct strbuf *b)
{
	bool any = false;

	a->looks += a->frames_change;
	strbuf_add(b, "[");
	for (int i = 0; i < a->n_tasks; i++) {
		if (1 + i / a->tasks_per_executor != executor)
			continue;
		strbuf_addf(b,
			"%s{\"threadId\":%d,\"threadName\":\"Executor task launch worker for task "
			"%d.0 in stage 7.0 (TID %d)\",\"threadState\":\"RUNNABLE\","
			"\"stackTrace\":{\"elems\":[\"java.lang.Thread.sleep(Native Method)\","
			"\"job.Sleeper.run(Sleeper.java:%u)\"]},\"blockedByLock\":\"\","
			"\"holdingLocks\":[]}",
			any ? "," : "", 30 + i, i, i, 7 + a->looks);
		any = true;
	}
	strbuf_add(b, "]");
}

static inline void fake_app_executors(const struct fake_app *a, struct strbuf *b)
{
	int n = a->n_tasks > 0 ? (a->n_tasks - 1) / a->tasks_per_executor + 1 : 1;

	strbuf_add(b, "[");
	for (int i = 1; i <= n; i++)
		strbuf_addf(b,
			"%s{\"id\":\"%d\",\"hostPort\":\"192.0.2.7:1\",\"isActive\":true,"
			"\"activeTasks\":%d}",
			i > 1 ? "," : "", i, a->active_tasks);
	strbuf_add(b, "]");
}

static inline void fake_app_memory(struct strbuf *b)
{
	strbuf_add(b, "[{\"id\":\"driver\",\"isActive\":true,\"maxTasks\":0,"
		      "\"totalDuration\":1000,\"totalGCTime\":10,\"maxMemory\":455501414,"
		      "\"memoryMetrics\":{\"totalOnHeapStorageMemory\":455501414}},"
		      "{\"id\":\"1\",\"isActive\":true,\"maxTasks\":2,\"totalDuration\":1000,"
		      "\"totalGCTime\":10,\"maxMemory\":455501414,"
		      "\"memoryMetrics\":{\"totalOnHeapStorageMemory\":455501414}}]");
}

/* A page of the driver: what is a stage or a job, and how it can be killed. */
static inline void fake_app_page(const struct fake_app *a, const char *what, struct strbuf *b)
{
	if (a->links)
		strbuf_addf(b,
			"<html><a href=\"/%ss/%s/kill/?id=7\" class=\"kill-link\">(kill)</a>"
			"</html>",
			what, what);
	else
		strbuf_addf(b,
			"<html><form action=\"/%ss/%s/kill/\" method=\"%s\" class=\"d-inline\">"
			"<input type=\"hidden\" name=\"id\" value=\"7\"/><input type=\"hidden\" "
			"name=\"csrfToken\" value=\"" FAKE_TOKEN "\"/></form></html>",
			what, what, a->by_get ? "GET" : "POST");
}

static inline int fake_app_killed(struct fake_spark *s, struct fake_app *a, const char *method,
	const char *path, const char *body)
{
	bool get = str_equal(method, "GET");
	const char *sent = get ? strchr(path, '?') : body;
	const char *id = sent ? strstr(sent, "id=") : NULL;
	size_t n = strlen(a->killed);

	if (get != (a->links || a->by_get))
		return 405;
	if (!a->links && (!sent || !strstr(sent, "csrfToken=" FAKE_TOKEN)))
		return 403;
	assert_true(id && strstr(sent, "terminate=true"));
	(void)snprintf(a->killed + n, sizeof(a->killed) - n, "%s%c%d", n ? " " : "", path[1],
		atoi(id + 3));
	if (s->stage_killed)
		s->stage_killed(s->userdata, a);
	return 302;
}

/* path: below the driver's URL. */
static inline int fake_app_status(struct fake_spark *s, struct fake_app *a, const char *method,
	const char *path, const char *body, struct strbuf *b)
{
	char own[128];
	const char *rest;

	(void)snprintf(own, sizeof(own), "/api/v1/applications/%s/", a->id);
	if (strstr(path, "/kill/"))
		return fake_app_killed(s, a, method, path, body);
	if (str_equal(path, "/stages/") || str_equal(path, "/jobs/")) {
		fake_app_page(a, path[1] == 's' ? "stage" : "job", b);
		return 200;
	}
	if (str_equal(path, "/api/v1/applications")) {
		strbuf_addf(b,
			"[{\"id\":\"%s\",\"name\":\"%s\",\"attempts\":[{\"startTimeEpoch\":%" PRIu64
			",\"sparkUser\":\"spark\",\"appSparkVersion\":\"4.3.0\"}]}]",
			a->id, a->name, a->started / USEC_PER_MSEC);
		return 200;
	}
	if (strncmp(path, "/metrics/json", 13) == 0) {
		strbuf_addf(b,
			"{\"counters\":{\"%s.driver.LiveListenerBus.queue.appStatus."
			"numDroppedEvents\":{\"count\":%d}}}",
			a->id, a->dropped);
		return 200;
	}
	if (strncmp(path, own, strlen(own)) != 0) {
		strbuf_add(b, "no such app");
		return 404;
	}
	rest = path + strlen(own);
	if (strncmp(rest, "sql", 3) == 0)
		strbuf_add(b, "[]");
	else if (strstr(rest, "/taskList") && a->n_tasks < 0) {
		strbuf_add(b, "unknown stage");
		return 404;
	} else if (strstr(rest, "/taskList"))
		fake_app_tasks(a, b);
	else if (strstr(rest, "/threads"))
		fake_app_threads(a, atoi(rest + strlen("executors/")), b);
	else if (strncmp(rest, "stages", 6) == 0)
		fake_app_stages(a, b);
	else if (strncmp(rest, "jobs", 4) == 0 && a->jobs)
		strbuf_add(b, a->jobs);
	else if (strncmp(rest, "jobs", 4) == 0 && a->stage < 0)
		strbuf_add(b, "[]");
	else if (strncmp(rest, "jobs", 4) == 0)
		strbuf_addf(
			b, "[{\"jobId\":0,\"status\":\"RUNNING\",\"stageIds\":[%d]}]", a->stage);
	else if (strncmp(rest, "allexecutors", 12) == 0)
		fake_app_memory(b);
	else if (strncmp(rest, "executors", 9) == 0)
		fake_app_executors(a, b);
	else
		strbuf_addf(b, "{\"sparkProperties\":[[\"spark.app.id\",\"%s\"]%s]}", a->id,
			a->properties);
	return 200;
}

static inline int fake_master_status(struct fake_spark *s, const char *method, const char *path,
	const char *body, struct strbuf *b)
{
	const char *sep = "";

	if (strncmp(path, "/json", 5) == 0) {
		strbuf_add(b, "{\"status\":\"ALIVE\",\"aliveworkers\":1,\"workers\":[]");
		for (int over = 0; over < 2; over++) {
			strbuf_addf(b, ",\"%s\":[", over ? "completedapps" : "activeapps");
			sep = "";
			for (size_t i = 0; i < s->n_apps; i++) {
				const struct fake_app *a = &s->apps[i];

				if (fake_app_over(a) != !!over)
					continue;
				strbuf_addf(b,
					"%s{\"id\":\"%s\",\"name\":\"%s\",\"user\":\"spark\","
					"\"state\":\"%s\",\"starttime\":1}",
					sep, a->id, a->name, a->state);
				sep = ",";
			}
			strbuf_add(b, "]");
		}
		strbuf_add(b, "}");
		return 200;
	}
	if (strncmp(path, "/app/kill", 9) == 0) {
		struct fake_app *a;
		const char *id = strstr(body, "id=");

		if (!str_equal(method, "POST"))
			return 405;
		s->kills++;
		if (!s->no_token && !strstr(body, "csrfToken=" FAKE_TOKEN))
			return 403;
		a = id ? fake_spark_find(s, id + 3, strcspn(id + 3, "&")) : NULL;
		if (a && s->kill_works)
			fake_app_end(a, "KILLED");
		return 302;
	}
	strbuf_add(b, "<html><head><title>Spark Master at spark://m:7077</title></head><body>"
		      "<table>");
	for (size_t i = 0; i < s->n_apps; i++) {
		const struct fake_app *a = &s->apps[i];

		if (fake_app_over(a))
			continue;
		strbuf_addf(b, "<tr><td><a href=\"app/?appId=%s\">%s</a>", a->id, a->id);
		if (s->kill_offered)
			strbuf_addf(b,
				"<form action=\"app/kill/\" method=\"POST\"><input type=\"hidden\" "
				"name=\"id\" value=\"%s\"/><input type=\"hidden\" "
				"name=\"terminate\" value=\"true\"/>%s</form>",
				a->id,
				s->no_token ? ""
					    : "<input type=\"hidden\" name=\"csrfToken\" "
					      "value=\"" FAKE_TOKEN "\"/>");
		strbuf_addf(b, "</td><td><a href=\"%s\">%s</a></td></tr>", a->url, a->name);
	}
	strbuf_add(b, "</table></body></html>");
	return 200;
}

static inline void fake_rm_row(const struct fake_app *a, struct strbuf *b)
{
	bool over = fake_app_over(a);

	strbuf_addf(b,
		"{\"id\":\"%s\",\"user\":\"spark\",\"name\":\"%s.py\",\"state\":\"%s\","
		"\"finalStatus\":\"%s\",\"diagnostics\":\"%s\",\"trackingUrl\":"
		"\"http://tracking.invalid:1/proxy/%s/\",\"startedTime\":1795400146479,"
		"\"elapsedTime\":1000,\"resourceSecondsMap\":{}}",
		a->id, a->name, a->state,
		!over                             ? "UNDEFINED"
		: str_equal(a->state, "FINISHED") ? "SUCCEEDED"
						  : "KILLED",
		fake_app_waits(a) ? "cluster resource is empty" : "", a->id);
}

static inline int fake_rm_app(struct fake_spark *s, const char *method, const char *path,
	const char *body, struct strbuf *b)
{
	size_t n = strcspn(path, "/?");
	struct fake_app *a = fake_spark_find(s, path, n);
	const char *user = s->user ? s->user : "dr.who";

	if (!a) {
		strbuf_addf(b,
			"{\"RemoteException\":{\"exception\":\"NotFoundException\","
			"\"message\":\"app with id: %.*s not found\",\"javaClassName\":"
			"\"org.apache.hadoop.NotFoundException\"}}",
			(int)n, path);
		return 404;
	}
	if (strncmp(path + n, "/state", 6) != 0) {
		strbuf_add(b, "{\"app\":");
		fake_rm_row(a, b);
		strbuf_add(b, "}");
		return 200;
	}
	assert_string_equal(method, "PUT");
	assert_string_equal(body, "{\"state\":\"KILLED\"}");
	s->kills++;
	if (s->owner && !str_equal(user, s->owner)) {
		strbuf_addf(
			b, "Unauthorized attempt to kill appid %s by remote user %s", a->id, user);
		return 403;
	}
	if (!str_equal(a->state, "RUNNING")) {
		strbuf_addf(b, "{\"state\":\"%s\"}", a->state);
		return 200;
	}
	if (s->kill_works)
		fake_app_end(a, "KILLED");
	strbuf_add(b, "{\"state\":\"KILLING\"}");
	return 202;
}

static inline int fake_rm_status(struct fake_spark *s, const char *method, const char *path,
	const char *body, struct strbuf *b)
{
	const char *sep = "";

	if (strncmp(path, "/proxy/", 7) == 0) {
		size_t n = strcspn(path + 7, "/");
		struct fake_app *a = fake_spark_find(s, path + 7, n);

		if (!a)
			return 404;
		if (!str_equal(method, "GET"))
			return 405;
		if (!str_equal(a->state, "RUNNING"))
			return 302;
		return fake_app_status(s, a, method, path + 7 + n, body, b);
	}
	if (strncmp(path, "/ws/v1/cluster/apps/", 20) == 0)
		return fake_rm_app(s, method, path + 20, body, b);
	if (strncmp(path, "/ws/v1/cluster/apps?", 20) != 0)
		return 404;
	assert_non_null(strstr(path, "applicationTypes=SPARK"));
	strbuf_add(b, "{\"apps\":{\"app\":[");
	for (size_t i = 0; i < s->n_apps; i++) {
		if (!strstr(path, s->apps[i].state))
			continue;
		strbuf_add(b, sep);
		fake_rm_row(&s->apps[i], b);
		sep = ",";
	}
	strbuf_add(b, "]}}");
	return 200;
}

/* The pod of the n-th app. */
static inline void fake_pod(const struct fake_spark *s, size_t n, struct strbuf *b)
{
	const struct fake_app *a = &s->apps[n];

	strbuf_addf(b,
		"{\"kind\":\"Pod\",\"metadata\":{\"uid\":\"u%zu\",\"namespace\":\"n\",\"name\":\"d%"
		"zu\","
		"\"labels\":{\"spark-app-selector\":\"%s\"}",
		n, n, a->id);
	if (a->operated)
		strbuf_addf(b,
			",\"ownerReferences\":[{\"apiVersion\":\"sparkoperator.k8s.io/v1beta2\","
			"\"kind\":\"SparkApplication\",\"name\":\"a%zu\",\"uid\":\"ua%zu\","
			"\"controller\":true}]",
			n, n);
	strbuf_addf(b,
		"},\"spec\":{\"restartPolicy\":\"Never\",\"containers\":[{\"ports\":["
		"{\"name\":\"spark-ui\",\"containerPort\":4040}]}]},\"status\":{\"phase\":\"%s\","
		"\"podIP\":\"10.0.0.%zu\"}}",
		fake_app_waits(a)                 ? "Pending"
		: !fake_app_over(a)               ? "Running"
		: str_equal(a->state, "FINISHED") ? "Succeeded"
						  : "Failed",
		n);
}

static inline int fake_kube_error(
	int status, const char *reason, const char *text, struct strbuf *b)
{
	strbuf_addf(b, "{\"kind\":\"Status\",\"reason\":\"%s\",\"message\":\"%s\"}", reason, text);
	return status;
}

/* Of a request that ends something: only what has the uid that it names. */
static inline bool fake_kube_fits(const char *body, const char *kind, size_t n)
{
	char uid[32];

	(void)snprintf(uid, sizeof(uid), "\"uid\":\"%s%zu\"", kind, n);
	return strstr(body, uid);
}

static inline void fake_kube_end(struct fake_spark *s, struct fake_app *a)
{
	s->kills++;
	if (!s->kill_works)
		return;
	a->deleted = true;
	fake_app_end(a, "KILLED");
}

static inline int fake_kube_pod(
	struct fake_spark *s, size_t n, const char *method, const char *body, struct strbuf *b)
{
	struct fake_app *a = &s->apps[n];

	if (n >= s->n_apps || a->deleted)
		return fake_kube_error(404, "NotFound", "no such pod", b);
	if (str_equal(method, "DELETE")) {
		if (!fake_kube_fits(body, "u", n))
			return fake_kube_error(409, "Conflict", "uid", b);
		fake_kube_end(s, a);
	}
	fake_pod(s, n, b);
	return 200;
}

static inline int fake_kube_app(
	struct fake_spark *s, size_t n, const char *method, const char *body, struct strbuf *b)
{
	struct fake_app *a = &s->apps[n];

	if (n >= s->n_apps || !a->operated || a->no_application)
		return fake_kube_error(404, "NotFound", "no such SparkApplication", b);
	if (!str_equal(method, "GET") && !fake_kube_fits(body, "ua", n))
		return fake_kube_error(409, "Conflict", "uid", b);
	if (str_equal(method, "PATCH") && !a->no_suspend) {
		assert_non_null(strstr(body, "\"suspend\":true"));
		a->suspended = true;
		fake_kube_end(s, a);
	}
	if (str_equal(method, "DELETE")) {
		a->no_application = true;
		fake_kube_end(s, a);
	}
	strbuf_addf(b,
		"{\"kind\":\"SparkApplication\",\"metadata\":{\"uid\":\"ua%zu\"},\"spec\":{"
		"\"suspend\":%s,\"restartPolicy\":{\"type\":\"%s\",\"onFailureRetries\":3}},"
		"\"status\":{\"executionAttempts\":1,\"applicationState\":{\"state\":\"%s\"}}}",
		n, a->suspended ? "true" : "false", a->operated,
		!fake_app_over(a) ? "RUNNING"
		: a->suspended    ? "SUSPENDED"
				  : "PENDING_RERUN");
	return 200;
}

static inline int fake_kube_status(struct fake_spark *s, const char *method, const char *path,
	const char *body, struct strbuf *b)
{
	static const char pod[] = "/api/v1/namespaces/n/pods/d";
	static const char app[] =
		"/apis/sparkoperator.k8s.io/v1beta2/namespaces/n/sparkapplications/a";
	static const char reviews[] = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
	const char *sep = "";

	if (strncmp(path, pod, strlen(pod)) == 0)
		return fake_kube_pod(
			s, (size_t)strtoul(path + strlen(pod), NULL, 10), method, body, b);
	if (strncmp(path, app, strlen(app)) == 0)
		return fake_kube_app(
			s, (size_t)strtoul(path + strlen(app), NULL, 10), method, body, b);
	if (str_equal(path, reviews)) {
		strbuf_addf(b, "{\"kind\":\"SelfSubjectAccessReview\",\"status\":{\"allowed\":%s}}",
			s->kill_offered ? "true" : "false");
		return 201;
	}
	if (strncmp(path, "/api/v1/pods?", 13) != 0)
		return fake_kube_error(404, "NotFound", "no", b);
	strbuf_add(b, "{\"kind\":\"PodList\",\"metadata\":{},\"items\":[");
	for (size_t i = 0; i < s->n_apps; i++) {
		if (fake_app_over(&s->apps[i]))
			continue;
		strbuf_add(b, sep);
		fake_pod(s, i, b);
		sep = ",";
	}
	strbuf_add(b, "]}");
	return 200;
}

static inline bool fake_below(const char *url, const char *base, const char **ret_path)
{
	size_t n = strlen(base);

	*ret_path = url + n;
	return strncmp(url, base, n) == 0 && (url[n] == '/' || url[n] == '\0');
}

/* false: none of them is asked at this URL. */
static inline bool fake_spark_answers(
	struct fake_spark *s, const struct transport_request *r, struct fake_answer *ret)
{
	const char *url = strchr(r->what, ' ') + 1;
	const char *body = r->with_body ? r->with_body + strlen(r->what) + 1 : "";
	const char *path;
	char method[8] = "";
	struct strbuf b = {0};

	memcpy(method, r->what, (size_t)(url - r->what) - 1);
	s->user = r->username;
	if (fake_below(url, FAKE_MASTER, &path)) {
		ret->status = fake_master_status(s, method, path, body, &b);
	} else if (fake_below(url, FAKE_RM, &path)) {
		ret->status = fake_rm_status(s, method, path, body, &b);
	} else if (fake_below(url, FAKE_KUBE, &path)) {
		ret->status = fake_kube_status(s, method, path, body, &b);
	} else {
		struct fake_app *a = NULL;

		for (size_t i = 0; !a && i < s->n_apps; i++)
			if (fake_below(url, s->apps[i].url, &path))
				a = &s->apps[i];
		if (!a)
			return false;
		if (a->gone)
			ret->error = -ECONNREFUSED;
		else
			ret->status = fake_app_status(s, a, method, path, body, &b);
	}
	fake_spark_say(s, &b);
	ret->type = s->body[0] == '<' ? "text/html" : "application/json";
	if (ret->status >= 400 && !strchr("<{", s->body[0]))
		ret->type = "text/plain"; /* as Spark says it */
	ret->body = s->body;
	return true;
}

static inline void fake_spark_answer(
	void *userdata, const struct transport_request *r, struct fake_answer *ret)
{
	if (!fake_spark_answers(userdata, r, ret))
		ret->error = -ECONNREFUSED;
}

/* They, and nobody else, listen. */
static inline void fake_spark_serve(struct fake_spark *s, struct fake *fake)
{
	fake_init(fake);
	fake->otherwise = fake_spark_answer;
	fake->userdata = s;
	fake_spark_init(s);
}
