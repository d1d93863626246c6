/* SPDX-License-Identifier: Apache-2.0
 * The record of leadership as a Lease and as a key of etcd. The answers are those of a real API
 * server (1.33.4) and a real etcd (3.4.23), shortened. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../row.h"
#include "base/strbuf.h"
#include "wire/leader_store.h"

#define WALL (1795405025 * USEC_PER_SEC + 42)

static const struct leader_place place = {.namespace = "ns", .name = "stagewatchd"};

static struct leader_request ask(
	const struct leader_codec *codec, enum leadership_ask what, const char *version)
{
	const struct leadership_step step = {
		.ask = what, .holder = "a_1", .duration = 30 * USEC_PER_SEC, .transitions = 3};
	struct leader_request rq = {0};

	assert_int_equal(codec->request(&place, &step, version, WALL, &rq), 0);
	return rq;
}

/* What a leader leaves behind. */
static void assert_releases(const struct leader_codec *codec, const char *body)
{
	const struct leadership_step step = {
		.ask = LEADERSHIP_WRITE, .duration = LEADERSHIP_AFTER_RELEASE, .transitions = 3};
	struct leader_request rq = {0};

	assert_int_equal(codec->request(&place, &step, "7", WALL, &rq), 0);
	assert_string_equal(rq.body, body);
	leader_request_clear(&rq);
}

static void assert_asks(const struct leader_codec *codec, enum leadership_ask what,
	const char *method, const char *path, const char *body)
{
	struct leader_request rq = ask(codec, what, "7");

	assert_string_equal(rq.method, method);
	assert_string_equal(rq.path, path);
	if (body)
		assert_string_equal(rq.body, body);
	else
		assert_null(rq.body);
	leader_request_clear(&rq);
}

#define LEASES "/apis/coordination.k8s.io/v1/namespaces/ns/leases"
#define LEASE_HEAD                                                                                 \
	"{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\",\"metadata\":{"             \
	"\"name\":\"stagewatchd\",\"namespace\":\"ns\""
#define LEASE_SPEC                                                                                 \
	"},\"spec\":{\"holderIdentity\":\"a_1\",\"leaseDurationSeconds\":30,"                      \
	"\"renewTime\":\"2026-11-23T03:37:05.000042Z\",\"leaseTransitions\":3}}"

static void test_lease_requests(void **state)
{
	(void)state;
	assert_asks(&lease_codec, LEADERSHIP_READ, "GET", LEASES "/stagewatchd", NULL);
	assert_asks(&lease_codec, LEADERSHIP_CREATE, "POST", LEASES, LEASE_HEAD LEASE_SPEC);
	assert_asks(&lease_codec, LEADERSHIP_WRITE, "PUT", LEASES "/stagewatchd",
		LEASE_HEAD ",\"resourceVersion\":\"7\"" LEASE_SPEC);
	assert_releases(&lease_codec, LEASE_HEAD
		",\"resourceVersion\":\"7\"},\"spec\":{\"holderIdentity\":\"\","
		"\"leaseDurationSeconds\":1,"
		"\"renewTime\":\"2026-11-23T03:37:05.000042Z\",\"leaseTransitions\":3}}");
}

#define KEY "\"key\":\"c3RhZ2V3YXRjaGQ=\""
#define PUT                                                                                        \
	"\"success\":[{\"request_put\":{" KEY ",\"value\":\""                                      \
	"eyJob2xkZXIiOiJhXzEiLCJkdXJhdGlvbl9zZWNvbmRzIjozMCwidHJhbnNpdGlvbnMiOjN9\"}}]}"
/* {"holder":"nobody","duration_seconds":1,"transitions":3} */
#define LEFT_VALUE "eyJob2xkZXIiOiJub2JvZHkiLCJkdXJhdGlvbl9zZWNvbmRzIjoxLCJ0cmFuc2l0aW9ucyI6M30="
#define COMPARE(version)                                                                           \
	"{\"compare\":[{" KEY                                                                      \
	",\"target\":\"MOD\",\"result\":\"EQUAL\",\"mod_revision\":\"" version "\"}],"

static void test_etcd_requests(void **state)
{
	(void)state;
	assert_asks(&etcd_codec, LEADERSHIP_READ, "POST", "/v3/kv/range", "{" KEY "}");
	assert_asks(&etcd_codec, LEADERSHIP_CREATE, "POST", "/v3/kv/txn", COMPARE("0") PUT);
	assert_asks(&etcd_codec, LEADERSHIP_WRITE, "POST", "/v3/kv/txn", COMPARE("7") PUT);
	assert_releases(&etcd_codec, COMPARE("7") "\"success\":[{\"request_put\":{" KEY
						  ",\"value\":\"" LEFT_VALUE "\"}}]}");
}

struct row {
	const char *name;
	const struct leader_codec *codec;
	enum leadership_ask ask;
	int status;
	const char *body;
	int r;
	enum leadership_reply reply;
	const char *version;
	const char *holder;
	unsigned seconds;
	const char *err;
};

#define LEASE(spec)                                                                                \
	"{\"kind\":\"Lease\",\"apiVersion\":\"coordination.k8s.io/v1\",\"metadata\":{"             \
	"\"name\":\"stagewatchd\",\"resourceVersion\":\"231\"},\"spec\":{" spec "}}"
#define HELD "\"holderIdentity\":\"b_2\",\"leaseDurationSeconds\":15,\"leaseTransitions\":4"
#define STATUS(code, reason)                                                                       \
	"{\"kind\":\"Status\",\"status\":\"Failure\",\"message\":\"words\",\"reason\":\"" reason   \
	"\",\"code\":" code "}"
#define HEADER "\"header\":{\"cluster_id\":\"1\",\"revision\":\"9\",\"raft_term\":\"2\"}"
/* {"holder":"b_2","duration_seconds":15,"transitions":4} */
#define VALUE "eyJob2xkZXIiOiJiXzIiLCJkdXJhdGlvbl9zZWNvbmRzIjoxNSwidHJhbnNpdGlvbnMiOjR9"
#define KVS(value)                                                                                 \
	"{" HEADER ",\"kvs\":[{" KEY                                                               \
	",\"create_revision\":\"2\",\"mod_revision\":\"8\",\"value\":\"" value                     \
	"\"}],\"count\":\"1\"}"
#define L &lease_codec
#define E &etcd_codec
#define BAD .r = -EBADMSG

static const struct row rows[] = {
	{"a lease", L, LEADERSHIP_READ, 200, LEASE(HELD), 0, LEADERSHIP_SEEN, "231", "b_2", 15,
		NULL},
	{"one of nobody", L, LEADERSHIP_READ, 200, LEASE("\"leaseTransitions\":1"), 0,
		LEADERSHIP_SEEN, "231", NULL, 0, NULL},
	{"cleared by hand", L, LEADERSHIP_READ, 200, LEASE("\"holderIdentity\":\"\""), 0,
		LEADERSHIP_SEEN, "231", NULL, 0, NULL},
	{"left by its leader", L, LEADERSHIP_READ, 200,
		LEASE("\"holderIdentity\":\"\",\"leaseDurationSeconds\":1,\"leaseTransitions\":4"),
		0, LEADERSHIP_SEEN, "231", NULL, 1, NULL},
	{"left", L, LEADERSHIP_WRITE, 200,
		LEASE("\"holderIdentity\":\"\",\"leaseDurationSeconds\":1,\"leaseTransitions\":4"),
		0, LEADERSHIP_WRITTEN, "231", NULL, 1, NULL},
	{"none", L, LEADERSHIP_READ, 404, STATUS("404", "NotFound"), 0, LEADERSHIP_SEEN, NULL, NULL,
		0, NULL},
	{"created", L, LEADERSHIP_CREATE, 201, LEASE(HELD), 0, LEADERSHIP_WRITTEN, "231", "b_2", 15,
		NULL},
	{"somebody created it", L, LEADERSHIP_CREATE, 409, STATUS("409", "AlreadyExists"), 0,
		LEADERSHIP_BEATEN, NULL, NULL, 0, NULL},
	{"written", L, LEADERSHIP_WRITE, 200, LEASE(HELD), 0, LEADERSHIP_WRITTEN, "231", "b_2", 15,
		NULL},
	{"somebody wrote it", L, LEADERSHIP_WRITE, 409, STATUS("409", "Conflict"), 0,
		LEADERSHIP_BEATEN, NULL, NULL, 0, NULL},
	{"somebody deleted it", L, LEADERSHIP_WRITE, 404, STATUS("404", "NotFound"), 0,
		LEADERSHIP_BEATEN, NULL, NULL, 0, NULL},
	{"no namespace", L, LEADERSHIP_CREATE, 404, STATUS("404", "NotFound"), BAD,
		.err = "answered 404: words"},
	{"no right", L, LEADERSHIP_READ, 403, STATUS("403", "Forbidden"), BAD,
		.err = "answered 403: words"},
	{"no JSON", L, LEADERSHIP_READ, 200, "<html>", BAD},
	{"no Lease", L, LEADERSHIP_READ, 200, "{\"kind\":\"Pod\"}", BAD, .err = "not a Lease"},
	{"no version", L, LEADERSHIP_READ, 200, "{\"kind\":\"Lease\",\"metadata\":{}}", BAD},
	{"without an end", L, LEADERSHIP_READ, 200, LEASE("\"holderIdentity\":\"x\""), BAD},
	{"for years", L, LEADERSHIP_READ, 200,
		LEASE("\"holderIdentity\":\"x\",\"leaseDurationSeconds\":99999999"), BAD,
		.err = "the record holds for 99999999 s"},
	{"of no time", L, LEADERSHIP_READ, 200,
		LEASE("\"holderIdentity\":\"x\",\"leaseDurationSeconds\":0"), BAD},
	{"a holder that is none", L, LEADERSHIP_READ, 200,
		LEASE("\"holderIdentity\":\"x\\u0007\",\"leaseDurationSeconds\":15"), BAD},

	{"a key", E, LEADERSHIP_READ, 200, KVS(VALUE), 0, LEADERSHIP_SEEN, "8", "b_2", 15, NULL},
	{"one that was left", E, LEADERSHIP_READ, 200, KVS(LEFT_VALUE), 0, LEADERSHIP_SEEN, "8",
		NULL, 1, NULL},
	{"no key", E, LEADERSHIP_READ, 200, "{" HEADER "}", 0, LEADERSHIP_SEEN, NULL, NULL, 0,
		NULL},
	{"taken", E, LEADERSHIP_WRITE, 200,
		"{" HEADER ",\"succeeded\":true,\"responses\":[{\"response_put\":{\"header\":{"
		"\"revision\":\"9\"}}}]}",
		0, LEADERSHIP_WRITTEN, "9", NULL, 0, NULL},
	{"not taken", E, LEADERSHIP_WRITE, 200, "{" HEADER "}", 0, LEADERSHIP_BEATEN, NULL, NULL, 0,
		NULL},
	{"not created", E, LEADERSHIP_CREATE, 200, "{" HEADER ",\"succeeded\":false}", 0,
		LEADERSHIP_BEATEN, NULL, NULL, 0, NULL},
	{"no leader of etcd", E, LEADERSHIP_WRITE, 503,
		"{\"error\":\"etcdserver: no leader\",\"message\":\"etcdserver: no "
		"leader\",\"code\":14}",
		BAD, .err = "answered 503: etcdserver: no leader"},
	{"not logged in", E, LEADERSHIP_READ, 400,
		"{\"error\":\"x\",\"message\":\"etcdserver: user name is empty\",\"code\":3}", BAD,
		.err = "answered 400: etcdserver: user name is empty"},
	{"somebody else's key", E, LEADERSHIP_READ, 200, KVS("aGVsbG8="), BAD},
	{"no base64", E, LEADERSHIP_READ, 200, KVS("!!!!"), BAD,
		.err = "value: not what stagewatchd writes"},
	{"something else", E, LEADERSHIP_READ, 200, "{}", BAD},
	{"something else again", E, LEADERSHIP_WRITE, 200, "{}", BAD},
	{"no revision", E, LEADERSHIP_WRITE, 200,
		"{\"header\":{\"revision\":\"-1\"},\"succeeded\":true}", BAD,
		.err = "revision: no revision"},
};

static void test_answers(void **state)
{
	(void)state;
	for_each_row(row, rows)
	{
		struct leader_answer answer = {.reply = LEADERSHIP_REPLY_MAX};
		const struct leader_record *record = &answer.record;
		_cleanup_free_ char *err = NULL;
		int r;

		r = row->codec->answer(
			row->ask, row->status, row->body, strlen(row->body), &answer, &err);
		assert_int_equal(r, row->r);
		if (r < 0)
			assert_non_null(err);
		else
			assert_int_equal(answer.reply, row->reply);
		if (row->err)
			assert_string_equal(err, row->err);
		if (r >= 0) {
			assert_true(str_equal(record->version, row->version));
			assert_true(str_equal(record->holder, row->holder));
			assert_int_equal(record->duration, row->seconds * USEC_PER_SEC);
		}
		if (record->holder && r >= 0)
			assert_int_equal(record->transitions, 4);
		leader_record_clear(&answer.record);
	}
}

static void test_login(void **state)
{
	static const char good[] = "{\"header\":{},\"token\":\"abc.12\"}";
	static const char bad[] = "{\"token\":\"a\\r\\nX: y\"}";
	struct leader_request rq = {0};
	_cleanup_free_ char *token = NULL;
	_cleanup_free_ char *err = NULL;

	(void)state;
	assert_int_equal(etcd_request_login("u", "p\"", &rq), 0);
	assert_string_equal(rq.path, "/v3/auth/authenticate");
	assert_string_equal(rq.body, "{\"name\":\"u\",\"password\":\"p\\\"\"}");
	leader_request_clear(&rq);
	assert_int_equal(etcd_decode_token(good, strlen(good), &token, &err), 0);
	assert_string_equal(token, "abc.12");
	assert_int_equal(etcd_decode_token(bad, strlen(bad), &token, &err), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lease_requests),
		cmocka_unit_test(test_etcd_requests),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_login),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
