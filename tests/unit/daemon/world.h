/* SPDX-License-Identifier: Apache-2.0
 * The whole daemon between fakes, in a time of its own: all that stagewatchd does but its process,
 * its sockets and its signals. A minute of it takes milliseconds.
 *
 *	struct world *w = *state;                       after world_set_up(), before
 *world_tear_down()
 *
 *	fake_spark_add(&w->spark, "app-1", "http://d1:4040", WORLD_OWNER);
 *	world_start(w, "mode = act", WORLD_MASTER WORLD_AIRFLOW, "action = retry");
 *	world_until(w, world_n_actions(w, RULE_ACTION_RETRY, ACTION_CONFIRMED) == 1);
 *	assert_string_equal(w->airflow.sent, "FC"); */
#pragma once

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../fake/fake_http_client.h"
#include "../fake_airflow.h"
#include "../fake_spark.h"

#include "daemon/manager_parts.h"
#include "io/http_server.h"
#include "remedy/remediator.h"
#include "setup/runtime.h"
#include "web/control.h"
#include "wire/json.h"

#define WORLD_OWNER                                                                                \
	",[\"spark.airflow.dag_id\",\"d\"],[\"spark.airflow.run_id\",\"r\"],"                      \
	"[\"spark.airflow.task_id\",\"t\"],[\"spark.airflow.map_index\",\"-1\"],"                  \
	"[\"spark.airflow.try_number\",\"1\"]"
#define WORLD_MASTER "[spark m]\ntype = standalone\nurl = " FAKE_MASTER "\ntimeout = 1s\n"
#define WORLD_YARN "[spark y]\ntype = yarn\nurl = " FAKE_RM "\ntimeout = 1s\n"
#define WORLD_AIRFLOW                                                                              \
	"[airflow main]\nurl = " FAKE_AIRFLOW "\nusername = watchdog\npassword_file = "            \
	"@/password\ntimeout = 1s\n"
#define WORLD_PASSWORD "s3cret-of-the-test"

/* How long a story may take, in its own time. */
#define WORLD_LONG (5 * USEC_PER_MINUTE)
#define WORLD_STEP (USEC_PER_SEC / 4)

struct world {
	struct fake fake;
	struct fake_spark spark;
	struct fake_airflow airflow;
	struct manager *manager;
	char dir[32];
	char *config;
	/* Sees each request before it is answered; NULL. */
	void (*asked)(struct world *w, const char *what);
	usec_t mark; /* a test's own */
	cJSON *json; /* of the last world_json() */
};

static inline void world_answer(
	void *userdata, const struct transport_request *r, struct fake_answer *ret)
{
	struct world *w = userdata;

	if (w->asked)
		w->asked(w, r->what);
	if (fake_airflow_answers(&w->airflow, r, ret) || fake_spark_answers(&w->spark, r, ret))
		return;
	ret->error = -ECONNREFUSED;
	ret->error_text = "nobody listens there";
}

static inline void world_write(const struct world *w, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static inline int world_set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	fake_init(&w->fake);
	w->fake.latency = USEC_PER_MSEC;
	w->fake.otherwise = world_answer;
	w->fake.userdata = w;
	fake_spark_init(&w->spark);
	fake_airflow_init(&w->airflow, false);
	fake_http_client_use(&w->fake.transport);
	(void)strcpy(w->dir, "/tmp/stagewatch-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	world_write(w, "password", WORLD_PASSWORD "\n");
	*state = w;
	return 0;
}

static inline int world_unlink(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static inline void world_stop(struct world *w)
{
	w->manager = manager_free(w->manager);
}

static inline int world_tear_down(void **state)
{
	struct world *w = *state;

	world_stop(w);
	cJSON_Delete(w->json);
	fake_spark_clear(&w->spark);
	fake_airflow_clear(&w->airflow);
	fake_clear(&w->fake);
	free(w->config);
	(void)nftw(w->dir, world_unlink, 8, FTW_DEPTH | FTW_PHYS);
	free(w);
	return 0;
}

/* The state directory, which an observing daemon does not make. */
static inline void world_make_state(const struct world *w)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/state", w->dir);
	assert_int_equal(mkdir(path, 0700), 0);
}

/* What stands before, between and after what all have; "@" is the test's directory. A retry goes
 * the longest way, unless the rule says otherwise. */
static inline void world_configure(
	struct world *w, const char *daemon, const char *sections, const char *rule)
{
	_cleanup_free_ char *text = NULL;
	struct strbuf b = {0};
	const char *limits = strstr(sections, "[limits]")
				     ? ""
				     : "[limits]\nsettle = 0\nactions_per_hour = 1000\n"
				       "storm_threshold = 0\nstorm_share = 0\n";

	assert_true(
		str_printf(&text,
			"[daemon]\npoll_interval = 1s\nstate_dir = @/state\n"
			"control_socket = @/control\n%s\n[web]\nlisten = 127.0.0.1:0\n"
			"%s%s"
			"[rule all]\napp = *\nhung_after = 2s\nhung_after_unproven = 3s\n"
			"starved_after = 3s\nidle_after = 3s\nunobservable_after = 3s\n"
			"retry_timeout = 5s\n%s%s%s%s\n",
			daemon, limits, sections, strstr(rule, "cooldown") ? "" : "cooldown = 0\n",
			strstr(rule, "retry_via") ? "" : "retry_via = clear\n",
			strstr(rule, "end_timeout") ? "" : "end_timeout = 2s\n", rule) >= 0);
	for (const char *c = text; *c; c++)
		if (*c == '@')
			strbuf_add(&b, w->dir);
		else
			strbuf_addf(&b, "%c", *c);
	free(w->config);
	w->config = NULL;
	assert_int_equal(strbuf_finish(&b, &w->config), 0);
	world_write(w, "conf", w->config);
}

/* With the configuration at hand. */
static inline void world_begin(struct world *w)
{
	char path[64];
	struct manager_options options = {.config = path};
	struct settings *settings = NULL;
	struct strlist errors = {0};

	(void)snprintf(path, sizeof(path), "%s/conf", w->dir);
	if (settings_load(path, &settings, &errors) < 0) {
		for (size_t i = 0; i < errors.n; i++)
			print_error("%s\n", errors.items[i]);
		fail_msg("the configuration does not load");
	}
	strlist_clear(&errors);
	if (manager_new(&options, settings, &w->manager) < 0)
		fail_msg("the daemon does not start: %s", fake_log());
	w->manager->options.config = NULL; /* path ends here: see world_reload() */
}

static inline void world_start(
	struct world *w, const char *daemon, const char *sections, const char *rule)
{
	world_configure(w, daemon, sections, rule);
	world_begin(w);
}

/* As SIGHUP does. */
static inline void world_reload(struct world *w)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/conf", w->dir);
	w->manager->options.config = path;
	(void)manager_on_hangup(NULL, NULL, w->manager);
	w->manager->options.config = NULL;
}

static inline void world_run(struct world *w, usec_t length)
{
	fake_loop(&w->fake, w->manager->event, length);
}

/* Lets time go by until it holds. */
#define world_until(w, condition)                                                                  \
	do {                                                                                       \
		usec_t end_ = (w)->fake.now + WORLD_LONG;                                          \
                                                                                                   \
		while (!(condition) && (w)->fake.now < end_)                                       \
			world_run((w), WORLD_STEP);                                                \
		if (!(condition)) {                                                                \
			fputs(fake_log(), stderr);                                                 \
			fail_msg("never: %s", #condition);                                         \
		}                                                                                  \
	} while (0)

static inline uint64_t world_n_actions(
	const struct world *w, enum rule_action action, enum action_outcome outcome)
{
	return w->manager->stats.actions[action][outcome];
}

/* "dry requested confirmed unconfirmed failed", so that one look tells all. */
static inline const char *world_actions(const struct world *w, enum rule_action action)
{
	static char text[64];
	const uint64_t *n = w->manager->stats.actions[action];

	(void)snprintf(text, sizeof(text), "%u %u %u %u %u", (unsigned)n[ACTION_DRY_RUN],
		(unsigned)n[ACTION_REQUESTED], (unsigned)n[ACTION_CONFIRMED],
		(unsigned)n[ACTION_UNCONFIRMED], (unsigned)n[ACTION_FAILED]);
	return text;
}

static inline unsigned world_n_refused(const struct world *w, enum rule_action action)
{
	unsigned n = 0;

	for (int i = 0; i < POLICY_REASON_MAX; i++)
		n += (unsigned)w->manager->stats.refused[action][i];
	return n;
}

/* What the web server answers to a GET; ret_status may be NULL. The caller frees it. */
static inline char *world_get(struct world *w, const char *path, const char *app, int *ret_status)
{
	struct http_server_request request = {.path = path, .app = app};
	struct http_server_reply reply = {0};

	assert_int_equal(manager_answer(w->manager, &request, &reply), 0);
	if (ret_status)
		*ret_status = reply.status;
	else
		assert_int_equal(reply.status, 200);
	return reply.body;
}

/* Valid until the next call. */
static inline const cJSON *world_json(struct world *w, const char *path)
{
	_cleanup_free_ char *text = world_get(w, path, NULL, NULL);

	cJSON_Delete(w->json);
	w->json = cJSON_Parse(text);
	assert_non_null(w->json);
	return w->json;
}

/* The verdict on the only stage of an app; "": it has none. */
static inline const char *world_verdict(struct world *w, const char *app_id)
{
	const cJSON *app;

	cJSON_ArrayForEach(app, cJSON_GetObjectItem(world_json(w, "/api/v1/stages"), "apps"))
	{
		const cJSON *stages = cJSON_GetObjectItem(app, "stages");

		if (str_equal(cJSON_GetStringValue(cJSON_GetObjectItem(app, "app_id")), app_id) &&
			cJSON_GetArraySize(stages) > 0)
			return cJSON_GetStringValue(
				cJSON_GetObjectItem(cJSON_GetArrayItem(stages, 0), "verdict"));
	}
	return "";
}

static inline bool world_is_hung(struct world *w, const char *app_id)
{
	return str_equal(world_verdict(w, app_id), "hung");
}

/* The n-th incident, which must be there. */
static inline const struct incident *world_incident(const struct world *w, size_t n)
{
	if (n >= w->manager->incidents.n)
		fail_msg("there is no incident %zu: %s", n, fake_log());
	return w->manager->incidents.items[n];
}

/* A value of /metrics; series: with its labels. -1: there is none. */
static inline double world_metric(struct world *w, const char *series)
{
	_cleanup_free_ char *text = world_get(w, "/metrics", NULL, NULL);
	size_t n = strlen(series);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, series, n) == 0 && line[n] == ' ')
			return strtod(line + n, NULL);
	}
	return -1;
}
