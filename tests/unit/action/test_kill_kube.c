/* SPDX-License-Identifier: Apache-2.0
 * The kinds of kill at the API server of Kubernetes: what each answer means, a right that is
 * missing for one verb alone, and that a look beforehand changes nothing. */
#include "../fake_transport.h"
#include "../row.h"

#include "action/kill_app.h"

#define API "https://kube:6443"
#define POD "/api/v1/namespaces/n/pods/etl-driver"
#define APP "/apis/sparkoperator.k8s.io/v1beta2/namespaces/n/sparkapplications/etl"
#define BARE "n etl-driver u1 0 - - - -"
#define OWNED "n etl-driver u1 1 sparkoperator.k8s.io/v1beta2 SparkApplication etl ua"
#define BY_LABEL "n etl-driver u1 1 sparkoperator.k8s.io/v1beta2 SparkApplication etl -"
#define SPARK(uid, more)                                                                           \
	"{\"kind\":\"SparkApplication\",\"metadata\":{\"uid\":\"" uid "\"}," more "}"
#define NEVER SPARK("ua", "\"spec\":{\"suspend\":true,\"restartPolicy\":{\"type\":\"Never\"}}")
#define RUNS SPARK("ua", "\"spec\":{\"restartPolicy\":{\"type\":\"Never\"}}")
#define ALWAYS SPARK("ua", "\"spec\":{\"restartPolicy\":{\"type\":\"Always\"}}")
#define ATTEMPTS(max, n)                                                                           \
	SPARK("ua",                                                                                \
		"\"spec\":{\"restartPolicy\":{\"type\":\"OnFailure\",\"onFailureRetries\":" max    \
		"}},\"status\":{\"executionAttempts\":" n "}")
#define STATUS(reason) "{\"kind\":\"Status\",\"reason\":\"" reason "\",\"message\":\"it says why\"}"
#define JSON(code, text)                                                                           \
	{                                                                                          \
		.status = (code), .type = "application/json", .body = (text)                       \
	}

struct fixture {
	struct fake fake;
	sd_event *event;
	unsigned n;
	enum remedy_reply reply;
	char text[300];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	fake_init(&f->fake);
	assert_true(sd_event_new(&f->event) >= 0);
	*state = f;
	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(fake_n_waiting(&f->fake), 0);
	sd_event_unref(f->event);
	fake_clear(&f->fake);
	free(f);
	return 0;
}

static int tear_down(void **state)
{
	(void)row_tell(state);
	return end(state);
}

static struct fixture *anew(void **state)
{
	(void)end(state);
	(void)set_up(state);
	return *state;
}

static void on_done(void *userdata, enum remedy_reply reply, const char *text)
{
	struct fixture *f = userdata;

	f->n++;
	f->reply = reply;
	(void)snprintf(f->text, sizeof(f->text), "%s", text ? text : "");
}

static int begin(struct fixture *f, enum kill_kind kind, const char *mark, bool rehearse)
{
	const char *const urls[] = {API};
	const struct endpoint as = {.timeout = USEC_PER_SEC};
	const struct kill_point point = {
		.kind = kind, .urls = urls, .n_urls = 1, .endpoint = &as, .mark = mark};
	const struct kill_app_ask ask = {.transport = &f->fake.transport,
		.event = f->event,
		.point = &point,
		.app_id = "app-1"};
	struct kill_app *k;

	return rehearse ? kill_app_rehearse(&ask, on_done, f, &k)
			: kill_app_start(&ask, on_done, f, &k);
}

static void kill_now(struct fixture *f, enum kill_kind kind, const char *mark, bool rehearse)
{
	assert_int_equal(begin(f, kind, mark, rehearse), 0);
	assert_int_equal(f->n, 0); /* never from within */
	fake_loop(&f->fake, f->event, 5 * USEC_PER_MINUTE);
	assert_int_equal(f->n, 1);
}

/* To the request that ends it, whichever that is. */
static void what_an_answer_means(void **state)
{
	static const struct {
		const char *name;
		struct fake_answer answer;
		enum remedy_reply reply;
		const char *text;
	} rows[] = {
		{"taken", JSON(202, "{}"), REPLY_DONE, ""},
		{"the token has a successor", JSON(401, STATUS("Unauthorized")), REPLY_UNCERTAIN,
			"answered 401: it says why"},
		{"no right to that verb", JSON(403, STATUS("Forbidden")), REPLY_REFUSED,
			"answered 403: it says why"},
		{"gone", JSON(404, STATUS("NotFound")), REPLY_GONE, "answered 404: it says why"},
		{"another of that name", JSON(409, STATUS("Conflict")), REPLY_GONE,
			"answered 409: it says why"},
		{"410", JSON(410, STATUS("Gone")), REPLY_UNCERTAIN, "answered 410: it says why"},
		{"no such field", JSON(422, STATUS("Invalid")), REPLY_REFUSED,
			"answered 422: it says why"},
		{"an error", JSON(500, STATUS("InternalError")), REPLY_UNCERTAIN,
			"answered 500: it says why"},
		{"a proxy's page", {.status = 502, .type = "text/html", .body = "<html>"},
			REPLY_UNCERTAIN, "answered 502"},
		{"a redirect", {.status = 307}, REPLY_UNCERTAIN, "answered 307"},
		{"nothing", {.hangs = true}, REPLY_UNCERTAIN, ""},
		{"cut", {.error = -ECONNRESET, .error_text = "reset"}, REPLY_UNCERTAIN, "reset"},
	};
	static const struct {
		enum kill_kind kind;
		const char *mark;
		const char *pattern;
	} ways[] = {
		{KILL_POD, BARE, "DELETE " API POD},
		{KILL_POD, OWNED, "DELETE " API POD},
		{KILL_APPLICATION, OWNED, "DELETE " API APP},
		{KILL_SUSPEND, OWNED, "PATCH " API APP},
		{KILL_SUSPEND_OR_DELETE, OWNED, "PATCH " API APP},
	};

	each_row(i, rows)
	{
		for (size_t way = 0; way < ELEMENTSOF(ways); way++) {
			struct fixture *f = anew(state);

			fake_json(&f->fake, "GET " API APP, RUNS);
			fake_set(&f->fake, ways[way].pattern, rows[i].answer);
			kill_now(f, ways[way].kind, ways[way].mark, false);
			assert_int_equal(f->reply, rows[i].reply);
			assert_non_null(strstr(f->text, rows[i].text));
			assert_int_equal(fake_n_asked(&f->fake, ways[way].pattern), 1);
		}
	}
}

/* Each names the one that is meant, and is sent once. */
static void what_is_sent(void **state)
{
	static const struct {
		const char *name;
		enum kill_kind kind;
		const char *mark;
		const char *request;
	} rows[] = {
		{"a pod", KILL_POD, BARE,
			"DELETE " API POD " *\"preconditions\":{\"uid\":\"u1\"}*"},
		{"an application", KILL_APPLICATION, OWNED,
			"DELETE " API APP " *\"preconditions\":{\"uid\":\"ua\"}*"},
		{"suspended", KILL_SUSPEND, OWNED,
			"PATCH " API APP " *\"uid\":\"ua\"*\"spec\":{\"suspend\":true}*"},
	};

	each_row(i, rows)
	{
		struct fixture *f = anew(state);

		fake_json(&f->fake, "GET " API APP, RUNS);
		fake_json(&f->fake, "[DP]*", NEVER);
		kill_now(f, rows[i].kind, rows[i].mark, false);
		assert_int_equal(f->reply, REPLY_DONE);
		assert_int_equal(fake_n_asked(&f->fake, rows[i].request), 1);
	}
}

/* The words of kubeflow 2.5.1 and of the API server 1.33. */
#define DENIED(webhook, why)                                                                       \
	"{\"kind\":\"Status\",\"reason\":\"Forbidden\",\"message\":\"admission webhook "           \
	"\\\"" webhook "\\\" denied the request: " why "\"}"
#define AWAY(webhook)                                                                              \
	"{\"kind\":\"Status\",\"reason\":\"InternalError\",\"message\":\"Internal error "          \
	"occurred: "                                                                               \
	"failed calling webhook \\\"" webhook "\\\": failed to call webhook: Post \"}"
#define VALIDATES "validate-sparkoperator-k8s-io-v1beta2-sparkapplication.sparkoperator.k8s.io"
#define MUTATES "mutate-sparkoperator-k8s-io-v1beta2-sparkapplication.sparkoperator.k8s.io"
#define QUOTA "failed to validate resource quota \\\"spark/q\\\""

/* What the operator's own webhook does not let be suspended is deleted, unless told to suspend. */
static void a_suspend_that_a_webhook_bars(void **state)
{
	static const struct {
		const char *name;
		enum kill_kind kind;
		struct fake_answer answer;
		enum remedy_reply reply;
		const char *text;
	} rows[] = {
		{"denied", KILL_SUSPEND_OR_DELETE, JSON(403, DENIED(VALIDATES, QUOTA)), REPLY_DONE,
			""},
		{"away", KILL_SUSPEND_OR_DELETE, JSON(500, AWAY(MUTATES)), REPLY_DONE, ""},
		{"denied, suspend", KILL_SUSPEND, JSON(403, DENIED(VALIDATES, QUOTA)),
			REPLY_REFUSED,
			"denied the request: failed to validate resource quota \"spark/q\""},
		{"away, suspend", KILL_SUSPEND, JSON(500, AWAY(MUTATES)), REPLY_UNCERTAIN,
			"failed to call webhook"},
		{"somebody else's", KILL_SUSPEND_OR_DELETE,
			JSON(403, DENIED("validation.gatekeeper.sh", "no")), REPLY_REFUSED,
			"denied the request: no"},
		{"somebody else's is away", KILL_SUSPEND_OR_DELETE,
			JSON(500, AWAY("validation.gatekeeper.sh")), REPLY_UNCERTAIN,
			"failed to call webhook"},
	};

	each_row(i, rows)
	{
		struct fixture *f = anew(state);

		fake_json(&f->fake, "GET " API APP, RUNS);
		fake_set(&f->fake, "PATCH " API APP, rows[i].answer);
		fake_json(&f->fake, "DELETE " API APP, "{}");
		kill_now(f, rows[i].kind, OWNED, false);
		assert_int_equal(f->reply, rows[i].reply);
		assert_non_null(strstr(f->text, rows[i].text));
		assert_int_equal(fake_n_asked(&f->fake,
					 "DELETE " API APP " *\"preconditions\":{\"uid\":\"ua\"}*"),
			rows[i].reply == REPLY_DONE);
	}
}

/* It is waited for as long as it says, within bounds, three times. */
static void one_that_has_too_much_to_do(void **state)
{
	static const struct {
		const char *name;
		usec_t asks;
		usec_t waits;
	} rows[] = {
		{"3 s", 3 * USEC_PER_SEC, 3 * USEC_PER_SEC},
		{"not said", 0, USEC_PER_SEC},
		{"an hour", USEC_PER_HOUR, 30 * USEC_PER_SEC},
	};

	each_row(i, rows)
	{
		struct fixture *f = anew(state);
		usec_t began = f->fake.now;

		fake_set(&f->fake, "DELETE *",
			(struct fake_answer){.status = 429,
				.type = "application/json",
				.body = STATUS("TooManyRequests"),
				.retry_after = rows[i].asks});
		kill_now(f, KILL_POD, BARE, false);
		assert_int_equal(f->reply, REPLY_UNCERTAIN);
		assert_non_null(strstr(f->text, "answered 429: it says why"));
		assert_int_equal(f->fake.n_asked, 4);
		assert_true(f->fake.asked[3].at - began >= 3 * rows[i].waits);
		assert_true(f->fake.asked[3].at - began < 3 * rows[i].waits + USEC_PER_SEC);
		/* Once it has time. */
		fake_json(&f->fake, "DELETE *", "{}");
		f->n = 0;
		kill_now(f, KILL_POD, BARE, false);
		assert_int_equal(f->reply, REPLY_DONE);
	}
}

/* What a look says beforehand is what the kill would: but nothing is sent that changes anything. */
static void looked_at_beforehand(void **state)
{
	static const struct {
		const char *name;
		enum kill_kind kind;
		const char *mark;
		struct fake_answer answer;
		enum remedy_reply reply;
		const char *text;
	} rows[] = {
		{"never", KILL_POD, OWNED, JSON(200, RUNS), REPLY_DONE, ""},
		{"always", KILL_POD, OWNED, JSON(200, ALWAYS), REPLY_REFUSED,
			"SparkApplication n/etl has restartPolicy Always"},
		{"always, but it is suspended", KILL_SUSPEND_OR_DELETE, OWNED, JSON(200, ALWAYS),
			REPLY_DONE, ""},
		{"always, but it is deleted", KILL_APPLICATION, OWNED, JSON(200, ALWAYS),
			REPLY_DONE, ""},
		{"attempts are left", KILL_POD, OWNED, JSON(200, ATTEMPTS("3", "3")), REPLY_REFUSED,
			"restartPolicy OnFailure"},
		{"none is", KILL_POD, OWNED, JSON(200, ATTEMPTS("3", "4")), REPLY_DONE, ""},
		{"by a label that it does not answer for", KILL_SUSPEND, BY_LABEL, JSON(200, RUNS),
			REPLY_REFUSED, "does not say that pod etl-driver is its driver"},
		{"another by now", KILL_SUSPEND, OWNED, JSON(200, SPARK("ux", "\"spec\":{}")),
			REPLY_GONE, "another SparkApplication has its name"},
		{"gone", KILL_POD, OWNED, JSON(404, STATUS("NotFound")), REPLY_GONE,
			"answered 404"},
		{"no right to look", KILL_SUSPEND, OWNED, JSON(403, STATUS("Forbidden")),
			REPLY_REFUSED, "answered 403: it says why"},
		{"too much to do", KILL_SUSPEND, OWNED, JSON(429, STATUS("TooManyRequests")),
			REPLY_UNCERTAIN, "answered 429: it says why"},
		{"an error", KILL_SUSPEND, OWNED, JSON(503, ""), REPLY_UNCERTAIN, "answered 503"},
		{"nothing", KILL_POD, OWNED, {.hangs = true}, REPLY_UNCERTAIN, ""},
		{"no SparkApplication", KILL_POD, OWNED, JSON(200, "{\"kind\":\"Pod\"}"),
			REPLY_UNCERTAIN, "not a SparkApplication"},
	};

	each_row(i, rows)
	{
		struct fixture *f = anew(state);

		fake_set(&f->fake, "GET " API APP, rows[i].answer);
		kill_now(f, rows[i].kind, rows[i].mark, true);
		assert_int_equal(f->reply, rows[i].reply);
		assert_non_null(strstr(f->text, rows[i].text));
		assert_int_equal(fake_n_asked(&f->fake, "GET *"), f->fake.n_asked);
	}
}

static void of_some_nothing_is_known_beforehand(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(begin(f, KILL_POD, BARE, true), -EOPNOTSUPP);
	assert_int_equal(begin(f, KILL_YARN, NULL, true), -EOPNOTSUPP);
	assert_int_equal(begin(f, KILL_NONE, NULL, true), -EOPNOTSUPP);
	assert_int_equal(f->fake.n_asked, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_an_answer_means, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_sent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_suspend_that_a_webhook_bars, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_that_has_too_much_to_do, set_up, tear_down),
		cmocka_unit_test_setup_teardown(looked_at_beforehand, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			of_some_nothing_is_known_beforehand, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
