/* SPDX-License-Identifier: Apache-2.0
 * Calls to an Airflow: which API it speaks, its token, one step after the other, and what an answer
 * that is none means. What a whole action makes of it: tests/unit/daemon. */
#include "../fake_airflow.h"
#include "../row.h"

#include "action/airflow.h"

/* {"exp":...}: half a minute, and an hour, after FAKE_WALL */
#define SHORT_TOKEN "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOiAxNzkwMDAwMDMwfQ.x"
#define LONG_TOKEN "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOiAxNzkwMDAzNjAwfQ.x"
#define TI "GET */dagRuns/r/taskInstances/t"

static char text_d[] = "d";
static char text_r[] = "r";
static char text_t[] = "t";
static char text_url[] = FAKE_AIRFLOW "/";
static char text_user[] = "watchdog";

struct fixture {
	struct fake fake;
	struct fake_airflow airflow;
	struct airflow_params params;
	struct airflow *client;
	struct owner owner;
	unsigned n; /* results */
	enum remedy_reply reply;
	char text[256];
	char reason[32];
	char state[32];
	char denied[64]; /* of a self-test: letter per right, g d u */
};

static void answer(void *userdata, const struct transport_request *r, struct fake_answer *ret)
{
	struct fixture *f = userdata;

	assert_true(fake_airflow_answers(&f->airflow, r, ret));
}

static void start(struct fixture *f, bool v1)
{
	_cleanup_free_ char *err = NULL;

	fake_init(&f->fake);
	f->fake.otherwise = answer;
	f->fake.userdata = f;
	fake_airflow_init(&f->airflow, v1);
	f->params = (struct airflow_params){
		.url = text_url, .endpoint.username = text_user, .timeout = 2 * USEC_PER_SEC};
	f->owner = (struct owner){.dag_id = text_d,
		.run_id = text_r,
		.task_id = text_t,
		.map_index = -1,
		.try_number = 1};
	assert_int_equal(
		airflow_new("main", &f->params, "s3cret", &f->fake.transport, &f->client, &err), 0);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	start(f, false);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	(void)row_tell(state);
	airflow_free(f->client);
	fake_airflow_clear(&f->airflow);
	fake_clear(&f->fake);
	free(f);
	return 0;
}

static struct fixture *anew(void **state, bool v1)
{
	struct fixture *f = *state;

	airflow_free(f->client);
	fake_airflow_clear(&f->airflow);
	fake_clear(&f->fake);
	*f = (struct fixture){0};
	start(f, v1);
	return f;
}

static void on_done(void *userdata, const struct airflow_result *result)
{
	struct fixture *f = userdata;

	f->n++;
	f->reply = result->reply;
	(void)snprintf(f->text, sizeof(f->text), "%s", result->text ? result->text : "");
	(void)snprintf(f->reason, sizeof(f->reason), "%s", result->reason ? result->reason : "");
	f->state[0] = '\0';
	if (result->task)
		(void)snprintf(f->state, sizeof(f->state), "%s", result->task->state_text);
	for (int i = 0; result->access && i < AIRFLOW_RIGHT_MAX; i++)
		f->denied[i] = "udg"[result->access->rights[i] == PERMISSION_UNKNOWN  ? 0
				     : result->access->rights[i] == PERMISSION_DENIED ? 1
										      : 2];
}

static void ask_of(struct fixture *f, enum airflow_op op, bool clears)
{
	struct airflow_call *call = NULL;
	const struct airflow_ask ask = {
		.op = op, .owner = &f->owner, .note = "a note", .clears = clears};
	unsigned n = f->n;

	assert_int_equal(airflow_do(f->client, &ask, on_done, f, &call), 0);
	assert_int_equal(f->n, n); /* never from within */
	fake_run(&f->fake);
	assert_int_equal(f->n, n + 1);
}

static void look(struct fixture *f)
{
	ask_of(f, AIRFLOW_LOOK, false);
}

/* A token that was issued elsewhere: nobody logs in, and what stands before Airflow sees it with
 * each request. */
static void a_token_of_others(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *err = NULL;
	char file[] = "/token";

	airflow_free(f->client);
	f->client = NULL;
	f->params.endpoint = (struct endpoint_params){0};
	assert_int_equal(
		airflow_new("main", &f->params, NULL, &f->fake.transport, &f->client, &err),
		-EINVAL);
	assert_non_null(strstr(err, "bearer_token_file"));
	f->params.endpoint.bearer_token_file = file;
	assert_int_equal(
		airflow_new("main", &f->params, NULL, &f->fake.transport, &f->client, &err), 0);
	fake_set(&f->fake,
		"GET *"
		"/taskInstances/*",
		(struct fake_answer){.status = 401});
	look(f);
	assert_int_equal(f->reply, REPLY_REFUSED);
	assert_string_equal(f->reason, "denied");
	assert_int_equal(fake_n_asked(&f->fake, "POST *"), 0);
	for (size_t i = 0; i < f->fake.n_asked; i++) {
		assert_string_equal(f->fake.asked[i].as.bearer_token_file, "/token");
		assert_null(f->fake.asked[i].as.authorization);
	}
	fake_set(&f->fake, "GET *",
		(struct fake_answer){.error = -EKEYREJECTED, .error_text = "/token: empty"});
	look(f);
	assert_string_equal(f->reason, "denied");
	assert_non_null(strstr(f->text, "/token: empty"));
}

static void the_newer_api_is_tried_first(void **state)
{
	struct fixture *f = *state;

	look(f);
	assert_int_equal(f->reply, REPLY_DONE);
	assert_string_equal(f->state, "running");
	assert_int_equal(airflow_speaks(f->client), AIRFLOW_API_V2);
	assert_string_equal(airflow_version_text(f->client), "3.3.2");
	assert_int_equal(fake_n_asked(&f->fake, "GET */api/v1/version"), 0);
	/* A slash at the end of its URL is none of it. */
	assert_string_equal(airflow_url(f->client), FAKE_AIRFLOW);
	/* Known, it is not asked again. */
	look(f);
	assert_int_equal(fake_n_asked(&f->fake, "GET */version"), 1);
	assert_int_equal(f->airflow.logins, 1);
}

static void an_airflow_2_takes_the_password_with_each_request(void **state)
{
	struct fixture *f = anew(state, true);
	const struct fake_asked *last;

	look(f);
	assert_int_equal(f->reply, REPLY_DONE);
	assert_int_equal(airflow_speaks(f->client), AIRFLOW_API_V1);
	assert_int_equal(fake_n_asked(&f->fake, "* */auth/token"), 0);
	last = &f->fake.asked[f->fake.n_asked - 1];
	assert_string_equal(last->as.username, "watchdog");
	assert_string_equal(last->as.password, "s3cret");
	/* Who asks for the version needs no credentials. */
	assert_null(f->fake.asked[0].as.username);
}

static void the_token_goes_with_what_needs_it(void **state)
{
	struct fixture *f = *state;
	const struct fake_asked *last;

	look(f);
	last = &f->fake.asked[f->fake.n_asked - 1];
	assert_string_equal(last->as.authorization, "Bearer t0ken-1");
	assert_null(last->as.password);
	for (size_t i = 0; i + 1 < f->fake.n_asked; i++)
		assert_null(f->fake.asked[i].as.authorization);
}

static char text_client[] = "airflow";
static char text_file[] = "/secret";
static char text_token_url[] = "https://idp/token";

/* Without token_url a client logs in at Airflow itself. */
static void a_client_logs_in(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *err = NULL;
	const char *file;

	airflow_free(f->client);
	f->client = NULL;
	f->params.endpoint =
		(struct endpoint_params){.client_id = text_client, .client_secret_file = text_file};
	assert_string_equal(airflow_password_key(&f->params, &file), "client_secret_file");
	assert_string_equal(file, "/secret");
	assert_int_equal(
		airflow_new("main", &f->params, "s3cret", &f->fake.transport, &f->client, &err), 0);
	look(f);
	assert_int_equal(f->reply, REPLY_DONE);
	assert_int_equal(fake_n_asked(&f->fake, "POST " FAKE_AIRFLOW "/auth/token {\"grant_type\":"
						"\"client_credentials\",\"client_id\":\"airflow\","
						"\"client_secret\":\"s3cret\"}"),
		1);
	for (size_t i = 0; i < f->fake.n_asked; i++)
		assert_null(f->fake.asked[i].as.password);
}

static void wrong_clients(void **state)
{
	static const struct {
		const char *name;
		struct endpoint_params keys;
		int api;
		const char *fault;
	} rows[] = {
		{"no secret", {.client_id = text_client}, 0, "are needed"},
		{"a user, too",
			{.client_id = text_client,
				.client_secret_file = text_file,
				.username = text_user},
			0, "client_id: only beside token_url"},
		{"a token, too",
			{.client_id = text_client,
				.client_secret_file = text_file,
				.bearer_token_file = text_file},
			0, "bearer_token_file"},
		{"Airflow 2", {.client_id = text_client, .client_secret_file = text_file},
			AIRFLOW_API_V1, "client_id: without token_url of Airflow 3 alone"},
	};
	struct fixture *f = *state;
	const char *file;

	for_each_row(r, rows)
	{
		_cleanup_free_ char *err = NULL;
		struct airflow_params p = {.url = text_url, .endpoint = r->keys, .api = r->api};
		struct airflow *a = NULL;

		(void)airflow_password_key(&p, &file);
		assert_int_equal(
			airflow_new("main", &p, file, &f->fake.transport, &a, &err), -EINVAL);
		assert_non_null(strstr(err, r->fault));
	}
	f->params.endpoint = (struct endpoint_params){.client_id = text_client,
		.client_secret_file = text_file,
		.token_url = text_token_url};
	assert_string_equal(airflow_password_key(&f->params, &file), "password_file");
	assert_null(file);
}

static void api_names_the_one_to_ask(void **state)
{
	struct fixture *f = anew(state, true);

	f->client = airflow_free(f->client);
	f->params.api = AIRFLOW_API_V1;
	assert_int_equal(airflow_new("main", &f->params, "s3cret", &f->fake.transport, &f->client,
				 &(char *){NULL}),
		0);
	ask_of(f, AIRFLOW_PREPARE, false);
	assert_int_equal(f->reply, REPLY_DONE);
	assert_int_equal(fake_n_asked(&f->fake, "GET */api/v2/*"), 0);
}

static void stale_token_is_renewed_once(void **state)
{
	static const struct {
		const char *name;
		int status;
		const char *body;
	} rows[] = {
		{"401", 401, "{\"detail\":\"Token Expired\"}"},
		{"403 of FAB", 403, "{\"detail\":\"Invalid JWT token\"}"},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state, false);

		look(f);
		fake_set(&f->fake, TI,
			(struct fake_answer){.status = r->status,
				.type = "application/json",
				.body = r->body,
				.times = 1});
		look(f);
		assert_int_equal(f->reply, REPLY_DONE);
		assert_int_equal(f->airflow.logins, 2);
	}
}

static void stale_token_that_stays_stale(void **state)
{
	struct fixture *f = *state;

	fake_set(&f->fake, TI, (struct fake_answer){.status = 401, .body = "{}"});
	look(f);
	assert_int_equal(f->reply, REPLY_REFUSED);
	assert_string_equal(f->reason, "denied");
	assert_int_equal(f->airflow.logins, 1);
	look(f);
	assert_int_equal(f->reply, REPLY_REFUSED);
	assert_int_equal(f->airflow.logins, 2);
}

static void a_missing_right_is_no_stale_token(void **state)
{
	struct fixture *f = *state;

	fake_set(&f->fake, TI,
		(struct fake_answer){.status = 403, .body = "{\"detail\":\"Forbidden\"}"});
	look(f);
	look(f);
	assert_int_equal(f->airflow.logins, 1);
	assert_string_equal(f->text, FAKE_AIRFLOW " answered 403: Forbidden");
}

/* As with Keycloak: the token that Airflow gave holds another one, which ends before it. */
static void a_token_that_may_do_nothing_any_more(void **state)
{
	struct fixture *f = *state;
	const struct fake_answer denied = {.status = 403,
		.type = "application/json",
		.body = "{\"detail\":\"Forbidden\"}",
		.times = 1};

	look(f);
	fake_advance(&f->fake, USEC_PER_MINUTE - USEC_PER_SEC);
	fake_set(&f->fake, TI, denied);
	look(f);
	assert_int_equal(f->reply, REPLY_REFUSED);
	assert_int_equal(f->airflow.logins, 1);
	fake_advance(&f->fake, USEC_PER_SEC);
	fake_set(&f->fake, TI, denied);
	look(f);
	assert_int_equal(f->reply, REPLY_DONE);
	assert_int_equal(f->airflow.logins, 2);
	/* Who lacks a right logs in once a minute. */
	fake_advance(&f->fake, USEC_PER_MINUTE);
	fake_set(&f->fake, TI,
		(struct fake_answer){.status = 403, .body = "{\"detail\":\"Forbidden\"}"});
	look(f);
	look(f);
	assert_int_equal(f->reply, REPLY_REFUSED);
	assert_int_equal(f->airflow.logins, 3);
}

static void lives_of_tokens(void **state)
{
	static const struct {
		const char *name;
		const char *body;
		usec_t used_for; /* after so long another one is asked for */
	} rows[] = {
		/* Over by our clock, and tried once all the same. */
		{"short", "{\"access_token\":\"" SHORT_TOKEN "\"}", 0},
		{"an hour", "{\"access_token\":\"" LONG_TOKEN "\"}", 59 * USEC_PER_MINUTE},
		{"does not say", "{\"access_token\":\"opaque\"}", 9 * USEC_PER_MINUTE},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state, false);

		fake_set(&f->fake, "POST */auth/token",
			(struct fake_answer){
				.status = 201, .type = "application/json", .body = r->body});
		look(f);
		if (r->used_for > 0) {
			fake_advance(&f->fake, r->used_for - USEC_PER_SEC);
			look(f);
			assert_int_equal(fake_n_asked(&f->fake, "POST */auth/token"), 1);
			fake_advance(&f->fake, USEC_PER_SEC);
		}
		look(f);
		assert_int_equal(f->reply, REPLY_DONE);
		assert_int_equal(fake_n_asked(&f->fake, "POST */auth/token"), 2);
	}
}

static void answers_that_are_none(void **state)
{
	static const struct {
		const char *name;
		struct fake_answer answer;
		enum remedy_reply reply;
		const char *reason;
	} rows[] = {
		{"gone", {.status = 404, .body = "{}"}, REPLY_GONE, "not_found"},
		{"conflict", {.status = 409, .body = "{}"}, REPLY_CONFLICT, ""},
		{"invalid", {.status = 422, .body = "{}"}, REPLY_REFUSED, "invalid"},
		{"too many", {.status = 429, .body = "{}"}, REPLY_UNCERTAIN, "invalid"},
		{"500", {.status = 500, .body = "{}"}, REPLY_UNCERTAIN, "server_error"},
		{"redirect", {.status = 302}, REPLY_REFUSED, "invalid"},
		{"hangs", {.hangs = true}, REPLY_UNCERTAIN, "timeout"},
		{"refused", {.error = -ECONNREFUSED}, REPLY_UNCERTAIN, "unreachable"},
		{"cut short", {.error = -ECONNRESET}, REPLY_UNCERTAIN, "unreachable"},
		{"html", {.status = 200, .body = "<html>Hi</html>"}, REPLY_UNCERTAIN, "malformed"},
		{"no task", {.status = 200, .body = "{}"}, REPLY_UNCERTAIN, "malformed"},
		{"another task",
			{.status = 200,
				.body = "{\"dag_id\":\"d\",\"dag_run_id\":\"r\",\"task_id\":\"x\","
					"\"map_index\":-1,\"state\":\"running\",\"try_number\":1}"},
			REPLY_UNCERTAIN, "malformed"},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state, false);
		struct airflow_call *call = NULL;
		const struct airflow_ask ask = {.op = AIRFLOW_LOOK, .owner = &f->owner};

		fake_set(&f->fake, TI, r->answer);
		assert_int_equal(airflow_do(f->client, &ask, on_done, f, &call), 0);
		fake_advance(&f->fake, 2 * USEC_PER_SEC);
		assert_int_equal(f->n, 1);
		assert_int_equal(f->reply, r->reply);
		assert_string_equal(f->reason, r->reason);
		assert_non_null(strstr(f->text, FAKE_AIRFLOW));
	}
}

/* Who echoes a login back would put the password into the log. */
static void words_of_a_refused_login_are_not_repeated(void **state)
{
	struct fixture *f = *state;

	fake_set(&f->fake, "POST */auth/token",
		(struct fake_answer){.status = 422, .body = "{\"detail\":\"s3cret is wrong\"}"});
	look(f);
	assert_int_equal(f->reply, REPLY_REFUSED);
	assert_string_equal(f->text, FAKE_AIRFLOW " answered 422 to the login");
	assert_int_equal(fake_n_asked(&f->fake, TI), 0);
}

#define ROW(dag, run, task, index, try, date)                                                      \
	"{\"dag_id\":\"" dag "\",\"dag_run_id\":\"" run "\",\"task_id\":\"" task                   \
	"\",\"map_index\":" index ",\"try_number\":" try ",\"logical_date\":" date                 \
	",\"run_after\":\"2026-08-05T00:00:00Z\"}"
#define RUN "scheduled__2026-08-05T00:00:00+00:00"
#define OURS ROW("etl", RUN, "load", "-1", "1", "\"2026-08-05T00:00:00Z\"")
#define OTHER ROW("etl", RUN, "load", "-1", "2", "null")
#define RUNNING_TIS(total, rows) "{\"task_instances\":[" rows "],\"total_entries\":" total "}"

static char text_etl[] = "etl";
static char text_run_label[] = "scheduled__2026-08-05T0000000000-91c8d6b67";
static char text_load[] = "load";
static char text_uuid[] = "019fcf38-4800-7331-a31d-3493a9480323";
static char text_namespace[] = "prod/airflow";

static void on_found(void *userdata, const struct airflow_result *result)
{
	struct fixture *f = userdata;

	on_done(f, result);
	f->state[0] = '\0';
	if (result->reply == REPLY_DONE)
		(void)snprintf(f->state, sizeof(f->state), "%s %s %s", result->found->dag_id,
			result->found->task_id, owner_via_name(result->found->via));
}

static void find(struct fixture *f, const struct owner_hint *hint)
{
	struct airflow_call *call = NULL;
	const struct airflow_ask ask = {.op = AIRFLOW_FIND, .hint = hint};

	assert_int_equal(airflow_do(f->client, &ask, on_found, f, &call), 0);
	fake_advance(&f->fake, USEC_PER_MINUTE);
	assert_int_equal(f->n, 1);
}

/* Exactly one of those that run, or none. */
static void one_that_runs_is_found_or_none(void **state)
{
	static const struct owner_hint labels = {.dag_label = text_etl,
		.run_label = text_run_label,
		.task_label = text_load,
		.map_index = -1,
		.try_number = 1};
	static const struct owner_hint lineage = {.map_index = -1,
		.parent_run = text_uuid,
		.parent_namespace = text_namespace,
		.parent_dag = text_etl};
	static const struct {
		const char *name;
		const struct owner_hint *hint;
		const char *body;
		const char *found;
	} rows[] = {
		{"by labels", &labels, RUNNING_TIS("2", OTHER "," OURS), "etl load labels"},
		{"by lineage", &lineage, RUNNING_TIS("2", OTHER "," OURS), "etl load openlineage"},
		{"a run without a logical date", &lineage,
			RUNNING_TIS("1", ROW("etl", RUN, "load", "-1", "1", "null")),
			"etl load openlineage"},
		{"another try", &labels, RUNNING_TIS("1", OTHER), ""},
		{"twice", &labels, RUNNING_TIS("2", OURS "," OURS), ""},
		{"twice", &lineage, RUNNING_TIS("2", OURS "," OURS), ""},
		{"nothing runs", &labels, RUNNING_TIS("0", ""), ""},
		{"no such DAG", &labels, NULL, ""},
		{"no list", &labels, "{}", ""},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state, false);

		fake_set(&f->fake, "GET */dags/etl/dagRuns/~/taskInstances?*",
			(struct fake_answer){.status = r->body ? 200 : 404,
				.body = r->body ? r->body : "{\"detail\":\"no such DAG\"}"});
		find(f, r->hint);
		assert_string_equal(f->state, r->found);
		assert_int_equal(f->reply == REPLY_DONE, *r->found != '\0');
	}
}

/* Page by page, up to a bound. */
static void all_pages_are_looked_through(void **state)
{
	struct owner_hint hint = {.dag_label = text_etl,
		.run_label = text_run_label,
		.task_label = text_load,
		.map_index = -1,
		.try_number = 1};
	struct fixture *f = *state;
	_cleanup_free_ char *page = NULL;
	struct strbuf b = {0};

	strbuf_add(&b, "{\"task_instances\":[");
	for (unsigned i = 0; i < AIRFLOW_PAGE; i++)
		strbuf_addf(&b, "%s%s", i > 0 ? "," : "", OTHER);
	strbuf_add(&b, "],\"total_entries\":10000}");
	assert_int_equal(strbuf_finish(&b, &page), 0);
	fake_json(&f->fake, "GET */dags/etl/dagRuns/~/taskInstances?*offset=0", page);
	fake_json(&f->fake, "GET */dags/etl/dagRuns/~/taskInstances?*offset=100",
		RUNNING_TIS("101", OURS));
	find(f, &hint);
	assert_string_equal(f->state, "etl load labels");

	f = anew(state, false);
	fake_json(&f->fake, "GET */dags/etl/dagRuns/~/taskInstances?*", page);
	find(f, &hint);
	assert_int_equal(f->reply, REPLY_REFUSED);
	assert_int_equal(fake_n_asked(&f->fake, "GET */taskInstances?*"), 50);

	/* Of a site that gives out fewer at a time than we ask for. */
	f = anew(state, false);
	fake_json(&f->fake, "GET */dags/etl/dagRuns/~/taskInstances?*offset=0",
		RUNNING_TIS("3", OTHER "," OTHER));
	fake_json(&f->fake, "GET */dags/etl/dagRuns/~/taskInstances?*offset=2",
		RUNNING_TIS("3", OURS));
	find(f, &hint);
	assert_string_equal(f->state, "etl load labels");
}

/* Each step in its order, and no more than is needed. */
static void steps(void **state)
{
	static const struct {
		const char *name;
		bool v1;
		int map_index;
		enum airflow_op op;
		bool clears;
		const char *asked; /* a letter each, in order */
	} rows[] = {
		/* D DAG, R run, A all tasks, S siblings, T task instance, t the task, c C clear, f
		   F fail, N */
		{"look", false, -1, AIRFLOW_LOOK, false, "T"},
		{"prepare", false, -1, AIRFLOW_PREPARE, false, "DRAT"},
		{"prepare of a mapped one", false, 2, AIRFLOW_PREPARE, false, "DRAT"},
		{"prepare of a mapped one of Airflow 2", true, 2, AIRFLOW_PREPARE, false, "DRAST"},
		{"settings", false, -1, AIRFLOW_SETTINGS, false, "Dt"},
		{"note", true, -1, AIRFLOW_NOTE, false, "N"},
		{"fail", false, -1, AIRFLOW_FAIL, false, "F"},
		{"fail, then to be cleared", false, -1, AIRFLOW_FAIL, true, "cF"},
		{"fail of a mapped one", false, 2, AIRFLOW_FAIL, false, "fF"},
		{"fail of a mapped one of Airflow 2", true, 2, AIRFLOW_FAIL, false, "F"},
		{"clear", false, -1, AIRFLOW_CLEAR, false, "cC"},
		{"clear of a mapped one of Airflow 2", true, 2, AIRFLOW_CLEAR, false, "ScC"},
	};
	static const struct {
		const char *pattern;
		char letter;
	} letters[] = {
		{"GET */dags/d", 'D'},
		{"GET */dagRuns/r", 'R'},
		{"GET */listMapped*", 'S'},
		{"GET */dagRuns/r/taskInstances/t", 'T'},
		{"GET */dagRuns/r/taskInstances/t/2", 'T'},
		{"GET */tasks/t", 't'},
		{"GET */dags/d/tasks", 'A'},
		{"PATCH */setNote*", 'N'},
		{"PATCH */dry_run *", 'f'},
		{"PATCH */taskInstances/t *", 'F'},
		{"PATCH */taskInstances/t/2 *", 'F'},
		{"POST */clearTaskInstances *\"dry_run\":true*", 'c'},
		{"POST */clearTaskInstances *\"dry_run\":false*", 'C'},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state, r->v1);
		char asked[16] = "";
		size_t n = 0;

		f->owner.map_index = f->airflow.map_index = r->map_index;
		f->airflow.state = r->op == AIRFLOW_CLEAR ? "failed" : "running";
		ask_of(f, r->op, r->clears);
		assert_int_equal(f->reply, REPLY_DONE);
		for (size_t i = 0; i < f->fake.n_asked; i++)
			for (size_t k = 0; k < ELEMENTSOF(letters); k++) {
				const struct fake_asked *a = &f->fake.asked[i];
				const char *pattern = letters[k].pattern;

				if (!fake_fits(pattern, a->with_body ? a->with_body : a->what))
					continue;
				asked[n++] = letters[k].letter;
				break;
			}
		assert_string_equal(asked, r->asked);
	}
}

static void what_would_reach_further_is_not_sent(void **state)
{
	static const struct {
		const char *name;
		enum airflow_op op;
		const char *ti_state;
		const char *sweeps;
		enum remedy_reply reply;
	} rows[] = {
		{"another index", AIRFLOW_CLEAR, "failed",
			",{\"dag_id\":\"d\",\"dag_run_id\":\"r\",\"task_id\":\"t\","
			"\"map_index\":3}",
			REPLY_REFUSED},
		{"another run", AIRFLOW_CLEAR, "failed",
			",{\"dag_id\":\"d\",\"dag_run_id\":\"r0\",\"task_id\":\"t\","
			"\"map_index\":-1}",
			REPLY_REFUSED},
		{"not ours", AIRFLOW_CLEAR, "running", "", REPLY_NOTHING},
		{"another index fails with it", AIRFLOW_FAIL, "running",
			",{\"dag_id\":\"d\",\"dag_run_id\":\"r\",\"task_id\":\"t\","
			"\"map_index\":3}",
			REPLY_REFUSED},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state, false);

		f->airflow.state = r->ti_state;
		f->airflow.sweeps = f->airflow.fails_also = r->sweeps;
		if (r->op == AIRFLOW_FAIL)
			f->owner.map_index = f->airflow.map_index = 2;
		ask_of(f, r->op, false);
		assert_int_equal(f->reply, r->reply);
		assert_string_equal(f->airflow.sent, "");
		assert_true(*f->text);
	}
}

/* Who may not clear is not to leave a failed task behind. */
static void who_may_not_clear_fails_nothing(void **state)
{
	struct fixture *f = *state;

	fake_set(&f->fake, "POST */clearTaskInstances",
		(struct fake_answer){.status = 403, .body = "{\"detail\":\"Forbidden\"}"});
	ask_of(f, AIRFLOW_FAIL, true);
	assert_int_equal(f->reply, REPLY_REFUSED);
	assert_string_equal(f->airflow.sent, "");
	ask_of(f, AIRFLOW_FAIL, false);
	assert_int_equal(f->reply, REPLY_DONE);
	assert_string_equal(f->airflow.sent, "F");
}

static void health(void **state)
{
	static const struct {
		const char *name;
		struct fake_answer answer;
		enum remedy_reply reply;
		const char *reason;
	} rows[] = {
		{"well", {.status = 200, .body = "{\"scheduler\":{\"status\":\"healthy\"}}"},
			REPLY_DONE, ""},
		{"ill", {.status = 200, .body = "{\"scheduler\":{\"status\":\"unhealthy\"}}"},
			REPLY_UNCERTAIN, "unhealthy"},
		{"500", {.status = 500}, REPLY_UNCERTAIN, "server_error"},
		{"garbage", {.status = 200, .body = "x"}, REPLY_UNCERTAIN, "malformed"},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state, false);
		struct airflow_call *call = NULL;

		fake_set(&f->fake, "GET */monitor/health", r->answer);
		assert_int_equal(airflow_check(f->client, on_done, f, &call), 0);
		fake_run(&f->fake);
		assert_int_equal(f->reply, r->reply);
		assert_string_equal(f->reason, r->reason);
		/* No credentials are needed for it, and none are sent. */
		assert_int_equal(f->airflow.logins, 0);
	}
}

static void self_test(void **state)
{
	static const struct {
		const char *name;
		bool v1;
		bool edit;
		const char *pattern;
		int status;
		const char *rights; /* login, read, fail, clear */
	} rows[] = {
		{"all", false, true, NULL, 0, "gggg"},
		{"all of Airflow 2", true, true, NULL, 0, "gggg"},
		{"observing", false, false, NULL, 0, "gguu"},
		{"no login", false, true, "POST */auth/token", 401, "duuu"},
		{"nothing", false, true, "GET */taskInstances*", 403, "gduu"},
		{"a wrong password of Airflow 2", true, true, "GET */taskInstances*", 401, "dduu"},
		{"a wrong password or no right", true, true, "GET */taskInstances*", 403, "uduu"},
		{"no fail", false, true, "PATCH *", 403, "ggdg"},
		{"no clear", false, true, "POST */clearTaskInstances", 403, "gggd"},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state, r->v1);
		const struct strlist none = {0};
		struct airflow_call *call = NULL;

		if (r->pattern)
			fake_set(&f->fake, r->pattern,
				(struct fake_answer){
					.status = r->status, .body = "{\"detail\":\"Forbidden\"}"});
		assert_int_equal(airflow_selftest(f->client, r->edit, &none, on_done, f, &call), 0);
		fake_run(&f->fake);
		assert_int_equal(f->n, 1);
		assert_int_equal(f->reply, REPLY_DONE);
		assert_string_equal(f->denied, r->rights);
		assert_int_equal(!!*f->text, !!strchr(r->rights, 'd'));
		/* Nothing can change by it. */
		assert_string_equal(f->airflow.sent, "");
	}
}

/* Rights can be given by DAG: one that a rule names, also where the list does not reach it. */
static void self_test_on_the_dag_of_a_rule(void **state)
{
	static const struct {
		const char *name;
		const char *glob;
		const char *tried;
	} rows[] = {
		{"any", NULL, "PATCH */dags/a/*"},
		{"a glob", "etl_*", "PATCH */dags/etl_x/*"},
		{"a name beyond the list", "zebra", "PATCH */dags/zebra/*"},
		{"a glob beyond the list", "z*", "PATCH */dags/a/*"},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state, false);
		struct airflow_call *call = NULL;
		struct strlist globs = {0};

		if (r->glob)
			assert_int_equal(strlist_add(&globs, r->glob), 0);
		fake_json(&f->fake, "GET */dags[?]limit=100",
			"{\"dags\":[{\"dag_id\":\"a\"},{\"dag_id\":\"etl_x\"}]}");
		assert_int_equal(airflow_selftest(f->client, true, &globs, on_done, f, &call), 0);
		strlist_clear(&globs);
		fake_run(&f->fake);
		assert_int_equal(f->reply, REPLY_DONE);
		assert_int_equal(fake_n_asked(&f->fake, r->tried), 1);
	}
}

static void a_run_id_with_a_slash(void **state)
{
	static char slash[] = "a/b";
	struct fixture *f = *state;
	struct airflow_call *call = NULL;
	const struct airflow_ask ask = {.op = AIRFLOW_LOOK, .owner = &f->owner};

	f->owner.run_id = slash;
	fake_set(&f->fake, "GET */dagRuns/*",
		(struct fake_answer){.status = 404, .body = "{\"detail\":\"Not Found\"}"});
	assert_int_equal(airflow_do(f->client, &ask, on_done, f, &call), 0);
	fake_run(&f->fake);
	assert_int_equal(f->reply, REPLY_GONE);
	assert_non_null(strstr(f->text, "cannot address a run id with a slash"));
}

static void no_callback_comes_after_a_cancel(void **state)
{
	struct fixture *f = *state;
	struct airflow_call *call = NULL;
	const struct airflow_ask ask = {.op = AIRFLOW_LOOK, .owner = &f->owner};

	assert_int_equal(airflow_do(f->client, &ask, on_done, f, &call), 0);
	airflow_cancel(call);
	assert_int_equal(airflow_do(f->client, &ask, on_done, f, &call), 0);
	/* Cancels its calls. */
	f->client = airflow_free(f->client);
	fake_advance(&f->fake, USEC_PER_MINUTE);
	assert_int_equal(f->n, 0);
	assert_int_equal(fake_n_waiting(&f->fake), 0);
}

#define airflow_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		airflow_test(the_newer_api_is_tried_first),
		airflow_test(a_token_of_others),
		airflow_test(an_airflow_2_takes_the_password_with_each_request),
		airflow_test(the_token_goes_with_what_needs_it),
		airflow_test(a_client_logs_in),
		airflow_test(wrong_clients),
		airflow_test(api_names_the_one_to_ask),
		airflow_test(stale_token_is_renewed_once),
		airflow_test(stale_token_that_stays_stale),
		airflow_test(a_missing_right_is_no_stale_token),
		airflow_test(a_token_that_may_do_nothing_any_more),
		airflow_test(lives_of_tokens),
		airflow_test(answers_that_are_none),
		airflow_test(words_of_a_refused_login_are_not_repeated),
		airflow_test(one_that_runs_is_found_or_none),
		airflow_test(all_pages_are_looked_through),
		airflow_test(steps),
		airflow_test(what_would_reach_further_is_not_sent),
		airflow_test(who_may_not_clear_fails_nothing),
		airflow_test(health),
		airflow_test(self_test),
		airflow_test(self_test_on_the_dag_of_a_rule),
		airflow_test(a_run_id_with_a_slash),
		airflow_test(no_callback_comes_after_a_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
