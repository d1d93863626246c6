/* SPDX-License-Identifier: Apache-2.0
 * Orders over TCP: who may give which, from where, and what is told of it. */
#include "scene.h"

#define ADDRESS "192.0.2.7"

static const struct http_caller alice = {.name = "alice", .role = HTTP_ROLE_OPERATE};
static const struct http_caller bob = {.name = "bob", .role = HTTP_ROLE_OPERATE};
static const struct http_caller reader = {.name = "carol", .role = HTTP_ROLE_READ};
static const struct http_caller nobody = {.role = HTTP_ROLE_READ};

static char *answer(struct world *w, const struct http_server_request *request, int *ret_status)
{
	struct http_server_reply reply = {0};

	assert_int_equal(manager_answer(w->manager, request, &reply), 0);
	*ret_status = reply.status;
	if (reply.status == 405)
		assert_string_equal(reply.allow ? reply.allow : "GET, HEAD",
			request->body ? "GET, HEAD" : "POST");
	return reply.body;
}

static char *page(struct world *w, const char *path, const struct http_caller *caller)
{
	const struct http_server_request request = {.path = path, .caller = caller};
	int status;
	char *text = answer(w, &request, &status);

	assert_int_equal(status, 200);
	return text;
}

/* Of the first form of a page. */
static char *token_of(struct world *w, const struct http_caller *caller)
{
	static const char before[] = "name=\"token\" value=\"";
	_cleanup_free_ char *text = page(w, "/", caller);
	const char *at = strstr(text, before);

	assert_non_null(at);
	at += strlen(before);
	return strndup(at, strcspn(at, "\""));
}

/* A POST of a page's form; the words that the answer has. */
static void post(struct world *w, const struct http_caller *caller, const char *path,
	const char *token, const char *fields, int wanted, const char *words)
{
	_cleanup_free_ char *body = NULL;
	_cleanup_free_ char *text = NULL;
	struct http_server_request request = {.path = path,
		.caller = caller,
		.host = "h",
		.origin = "http://h",
		.address = ADDRESS};
	int status;

	assert_int_equal(str_printf(&body, "token=%s&%s", token, fields), 0);
	request.body = body;
	text = answer(w, &request, &status);
	if (status != wanted || !strstr(text, words))
		fail_msg("%s %s: %d %s", path, fields, status, text);
}

static void hang(struct world *w)
{
	world_make_state(w);
	scene_app(w);
	scene_act(w, "action = notify");
	world_until(
		w, w->manager->incidents.n > 0 && world_incident(w, 0)->verdict == VERDICT_HUNG);
}

static void who_may(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *token = NULL;
	_cleanup_free_ char *foreign = NULL;
	_cleanup_free_ char *page_of_reader = NULL;
	_cleanup_free_ char *page_of_nobody = NULL;

	hang(w);
	page_of_reader = page(w, "/", &reader);
	page_of_nobody = page(w, "/", &nobody);
	assert_null(strstr(page_of_reader, "<form"));
	assert_null(strstr(page_of_nobody, "<form"));
	token = token_of(w, &alice);
	foreign = token_of(w, &bob);
	fake_log_clear();
	post(w, &nobody, "/orders/pause", token, "reason=x&seconds=0", 403, "basic_auth_users");
	post(w, &reader, "/orders/pause", token, "reason=x&seconds=0", 403, "[web] operators");
	post(w, &alice, "/orders/pause", foreign, "reason=x&seconds=0", 403, "for this user");
	post(w, &alice, "/orders/pause", "", "reason=x&seconds=0", 403, "for this user");
	/* The log tells of one now and then. */
	assert_int_equal(fake_log_count("Refused /orders/pause to somebody (" ADDRESS "): "), 1);
	assert_int_equal(fake_log_count("Refused "), 1);
	world_run(w, USEC_PER_HOUR + USEC_PER_MINUTE);
	post(w, &alice, "/orders/pause", token, "reason=x&seconds=0", 403, "older than an hour");
	assert_int_equal(fake_log_count("Refused /orders/pause to user alice (" ADDRESS "): "), 1);
	assert_null(holds_paused(control_holds(w->manager->control)));
}

static void from_where(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *token = NULL;
	_cleanup_free_ char *body = NULL;
	_cleanup_free_ char *text = NULL;
	struct http_server_request request = {
		.path = "/orders/resume", .caller = &alice, .host = "h", .origin = "http://evil"};
	int status;

	hang(w);
	token = token_of(w, &alice);
	assert_int_equal(str_printf(&body, "token=%s", token), 0);
	request.body = body;
	text = answer(w, &request, &status);
	assert_int_equal(status, 403);
	assert_non_null(strstr(text, "its Origin is neither"));
	/* A GET gives no order, and nothing else takes one. */
	request.body = NULL;
	assert_null(answer(w, &request, &status));
	assert_int_equal(status, 405);
	request.body = body;
	request.path = "/api/v1/resume";
	assert_null(answer(w, &request, &status));
	assert_int_equal(status, 405);
	request.path = "/orders/test-notify";
	assert_null(answer(w, &request, &status));
	assert_int_equal(status, 405);
}

static void pause_and_resume(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *token = NULL;
	_cleanup_free_ char *paused = NULL;

	hang(w);
	token = token_of(w, &alice);
	post(w, &alice, "/orders/resume", token, "", 409, "there is no pause");
	post(w, &alice, "/orders/pause", token, "reason=they+deploy", 400, "seconds");
	post(w, &alice, "/orders/pause", token, "reason=&seconds=60", 400, "Refused: ");
	post(w, &alice, "/orders/pause", token, "reason=%0a&seconds=60", 400, "no text");
	post(w, &alice, "/orders/pause", token, "reason=x&seconds=soon", 400, "no number");
	post(w, &alice, "/orders/pause", token, "reason=they+%3Cdeploy%3E&seconds=7200", 200,
		"No new action begins");
	paused = page(w, "/", &alice);
	assert_non_null(strstr(paused, "by user alice (" ADDRESS "): they &lt;deploy&gt;, since"));
	assert_non_null(strstr(paused, "orders/resume"));
	assert_null(strstr(paused, "orders/pause"));
	/* It outlives the daemon, with who gave it. */
	world_stop(w);
	world_begin(w);
	world_until(w, world_is_hung(w, "app-1"));
	free(paused);
	paused = page(w, "/", &alice);
	assert_non_null(strstr(paused, "by user alice (" ADDRESS ")"));
	free(token);
	token = token_of(w, &bob);
	post(w, &bob, "/orders/resume", token, "", 200, "The pause is over");
	assert_int_equal(fake_log_count("user bob (" ADDRESS ")"), 1);
}

static void marks(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *token = NULL;
	_cleanup_free_ char *fields = NULL;
	_cleanup_free_ char *left = NULL;

	hang(w);
	token = token_of(w, &alice);
	post(w, &alice, "/orders/ack", token, "", 400, "has no field");
	post(w, &alice, "/orders/ack", token, "incident=none", 404, "no such incident");
	assert_int_equal(str_printf(&fields, "incident=%s", world_incident(w, 0)->id), 0);
	post(w, &alice, "/orders/ack", token, fields, 200, "who did first");
	post(w, &alice, "/orders/abort", token, fields, 200, "No action on this incident begins");
	post(w, &alice, "/orders/ignore", token, fields, 200, "counts as a false alarm");
	left = page(w, "/", &alice);
	assert_null(strstr(left, "orders/ack"));
	assert_null(strstr(left, "orders/abort"));
	assert_null(strstr(left, "orders/ignore"));
	assert_non_null(strstr(left, "orders/kill"));
	/* In the ledger, too. */
	world_stop(w);
	world_begin(w);
	for (int k = 0; k < INCIDENT_MARK_MAX; k++)
		assert_string_equal(world_incident(w, 0)->marks[k], "user alice (" ADDRESS ")");
}

/* The whole way, as a rule's action would go. */
static void retry(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *token = NULL;

	hang(w);
	world_until(w, world_metric(w, "stagewatch_airflow_up{airflow=\"main\"}") > 0);
	token = token_of(w, &alice);
	post(w, &alice, "/orders/kill", token, "app=none", 404, "only such an app is ended");
	post(w, &alice, "/orders/retry", token, "app=app-1", 200, "looks once more");
	post(w, &alice, "/orders/kill", token, "app=app-1", 409, "an action is in progress");
	scene_until_confirmed(w);
	assert_string_equal(w->airflow.sent, "FC");
	assert_true(scene_told(w, "retry ordered by user alice (" ADDRESS ")"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(who_may),
		story(from_where),
		story(pause_and_resume),
		story(marks),
		story(retry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
