/* SPDX-License-Identifier: Apache-2.0
 * Decoders of a Spark driver's answers, against recorded ones of 3.5 to 4.3 and hostile ones. */
#include "wire/spark_rest.h"

#include <errno.h>

#include "../row.h"
#include "fixture.h"
#include "wire/json.h"
#include "wire/spark_owner.h"

static const char *const versions[] = {"3.5.9", "4.3.0"};

/* Every decoder in one shape: what it made is freed. */
typedef int (*decoder)(const char *body, size_t len, char **reterr);

static int try_applications(const char *body, size_t len, char **reterr)
{
	_cleanup_(app_list_clear) struct app_list l = {0};

	return left_out_refused(
		spark_decode_applications(body, len, &l, reterr), &l.left_out, reterr);
}

static int try_stages(const char *body, size_t len, char **reterr)
{
	_cleanup_(stage_list_clear) struct stage_list l = {0};

	return left_out_refused(spark_decode_stages(body, len, &l, reterr), &l.left_out, reterr);
}

static int try_jobs(const char *body, size_t len, char **reterr)
{
	_cleanup_(job_list_clear) struct job_list l = {0};

	return left_out_refused(spark_decode_jobs(body, len, &l, reterr), &l.left_out, reterr);
}

static int try_owner(const char *body, size_t len, char **reterr)
{
	_cleanup_(owner_clear) struct owner o = {0};

	return spark_decode_owner(body, len, &o, reterr);
}

static const struct {
	decoder decode;
	const char *file;
} decoders[] = {
	{try_applications, "applications.json"},
	{try_stages, "stages-active.json"},
	{try_jobs, "jobs-running.json"},
	{try_owner, "environment.json"},
};

static void assert_refused(decoder decode, const char *body, int expected, const char *why)
{
	_cleanup_free_ char *copy = exact_copy(body, strlen(body));
	_cleanup_free_ char *err = NULL;

	assert_int_equal(decode(copy, strlen(body), &err), expected);
	assert_non_null(err);
	if (why)
		assert_string_equal(err, why);
}

static char *read_version(const char *version, const char *file)
{
	_cleanup_free_ char *name = NULL;

	assert_int_equal(str_printf(&name, "spark-%s/%s", version, file), 0);
	return fixture_read(name);
}

static void test_body_kind(void **state)
{
	_cleanup_free_ char *starting = read_version("4.3.0", "starting.txt");
	_cleanup_free_ char *page = read_version("4.3.0", "master-idle.html");
	_cleanup_free_ char *old_page = read_version("3.5.9", "master-idle.html");
	const char *html = "text/html;charset=utf-8";

	(void)state;
	assert_int_equal(spark_body_kind(html, starting, strlen(starting)), SPARK_BODY_STARTING);
	assert_int_equal(spark_body_kind(html, page, strlen(page)), SPARK_BODY_MASTER);
	assert_int_equal(spark_body_kind(html, old_page, strlen(old_page)), SPARK_BODY_MASTER);
	assert_int_equal(spark_body_kind("application/json", "[]", 2), SPARK_BODY_JSON);
	assert_int_equal(spark_body_kind("Text/JSON;charset=utf-8", " \n{}", 4), SPARK_BODY_JSON);
	assert_int_equal(spark_body_kind(NULL, "[]", 2), SPARK_BODY_JSON);
	assert_int_equal(spark_body_kind("application/jsonx", "[]", 2), SPARK_BODY_OTHER);
	assert_int_equal(spark_body_kind(html, "[]", 2), SPARK_BODY_OTHER);
	assert_int_equal(spark_body_kind("application/json", "<html>", 6), SPARK_BODY_OTHER);
	assert_int_equal(spark_body_kind("application/json", "", 0), SPARK_BODY_OTHER);
	assert_int_equal(spark_body_kind(NULL, "  ", 2), SPARK_BODY_OTHER);
	assert_int_equal(spark_body_kind(NULL, "\0[]", 3), SPARK_BODY_OTHER);
	assert_int_equal(spark_body_kind("text/plain", "no such app", 11), SPARK_BODY_OTHER);
}

static void test_applications(void **state)
{
	static const usec_t started[] = {1795405908894000U, 1795405668876000U};

	(void)state;
	each_row(i, versions)
	{
		_cleanup_free_ char *body = read_version(versions[i], "applications.json");
		_cleanup_free_ char *err = NULL;
		_cleanup_(app_list_clear) struct app_list l = {0};

		assert_int_equal(spark_decode_applications(body, strlen(body), &l, &err), 0);
		assert_int_equal(l.n, 1);
		assert_memory_equal(l.items[0].id, "app-20261123", 12);
		assert_string_equal(l.items[0].name, "load <b>&\"quotes\" 'x' \xc3\xa9");
		assert_string_equal(l.items[0].user, "etl");
		assert_string_equal(l.items[0].spark_version, versions[i]);
		assert_int_equal(l.items[0].started, started[i]);
	}
}

static void test_application_start(void **state)
{
	static const char *const bodies[] = {
		"[{\"id\":\"a\",\"attempts\":[{\"startTime\":\"2026-11-23T01:19:07.473GMT\"}]}]",
		("[{\"id\":\"a\",\"attempts\":[{\"startTime\":\"2026-11-23T01:19:07.473GMT\","
		 "\"startTimeEpoch\":-1}]}]"),
		"[{\"id\":\"a\",\"attempts\":[{\"startTimeEpoch\":1795396747473}]}]",
	};

	(void)state;
	each_row(i, bodies)
	{
		_cleanup_free_ char *err = NULL;
		_cleanup_(app_list_clear) struct app_list l = {0};

		assert_int_equal(
			spark_decode_applications(bodies[i], strlen(bodies[i]), &l, &err), 0);
		assert_int_equal(l.items[0].started, 1795396747473000U);
		assert_null(l.items[0].name);
	}
	assert_refused(try_applications, "[{\"attempts\":[{}]}]", -EBADMSG, "\"id\" is missing");
	assert_refused(try_applications, "[{\"id\":\"a\"}]", -EBADMSG, "\"attempts\" is missing");
	assert_refused(try_applications, "[{\"id\":\"a\",\"attempts\":[]}]", -EBADMSG,
		"\"attempts\" is empty");
	assert_refused(try_applications, "[{\"id\":\"a\",\"attempts\":[{\"startTime\":\"soon\"}]}]",
		-EBADMSG, "\"startTime\" is not a time");
	assert_refused(try_applications, "[{\"id\":7,\"attempts\":[{}]}]", -EBADMSG,
		"\"id\" is not a string");
}

static void assert_hung_stage(const struct stage_obs *s, int64_t n_tasks)
{
	assert_int_equal(s->stage_id, 0);
	assert_int_equal(s->attempt_id, 0);
	assert_int_equal(s->n_tasks, n_tasks);
	assert_int_equal(s->n_active, n_tasks);
	assert_int_equal(s->n_complete, 0);
	assert_int_equal(s->n_failed, 0);
	for (size_t i = 0; i < PROGRESS_MAX; i++)
		assert_int_equal(s->counters[i], 0);
}

static void test_stages_of_all_versions(void **state)
{
	static const struct {
		const char *version;
		usec_t submitted;
		usec_t first_launched;
	} cases[] = {
		{"3.5.9", 1795396648296000U, 1795396648611000U},
		{"4.0.5", 1795396669819000U, 1795396669973000U},
		{"4.1.4", 1795396699168000U, 1795396699482000U},
		{"4.2.1", 1795396725260000U, 1795396725551000U},
		{"4.3.0", 1795396747473000U, 1795396747656000U},
	};

	(void)state;
	each_row(i, cases)
	{
		_cleanup_free_ char *body = read_version(cases[i].version, "stages-hung.json");
		_cleanup_free_ char *err = NULL;
		_cleanup_(stage_list_clear) struct stage_list l = {0};

		assert_int_equal(spark_decode_stages(body, strlen(body), &l, &err), 0);
		assert_int_equal(l.n, 1);
		assert_hung_stage(&l.items[0], 2);
		assert_string_equal(l.items[0].name, "count at /srv/etl/hang_small.py:8");
		assert_int_equal(l.items[0].submitted, cases[i].submitted);
		assert_int_equal(l.items[0].first_launched, cases[i].first_launched);
	}
}

#define STAGE_HEAD                                                                                 \
	"{\"status\":\"ACTIVE\",\"stageId\":7,\"attemptId\":1,\"numTasks\":10,"                    \
	"\"numActiveTasks\":-2,\"numCompleteTasks\":4,\"numFailedTasks\":3"

static void test_stage_fields(void **state)
{
	static const char body[] = "[{\"status\":\"PENDING\"}," STAGE_HEAD
				   ",\"name\":\"a\\u001bb\",\"numCompletedIndices\":3,"
				   "\"inputBytes\":1,\"inputRecords\":2,\"outputBytes\":3,"
				   "\"outputRecords\":4,\"shuffleReadBytes\":5,"
				   "\"shuffleReadRecords\":6,\"shuffleRemoteBlocksFetched\":7,"
				   "\"shuffleLocalBlocksFetched\":8,\"shuffleWriteBytes\":9,"
				   "\"shuffleWriteRecords\":10,\"memoryBytesSpilled\":11,"
				   "\"diskBytesSpilled\":-12,\"executorRunTime\":13,"
				   "\"executorDeserializeTime\":14,\"shuffleFetchWaitTime\":15,"
				   "\"resultSize\":16}," STAGE_HEAD ",\"inputBytes\":null}]";
	static const uint64_t expected[PROGRESS_MAX] = {3, 1, 2, 3, 4, 5, 6, 15, 9, 10, 11, 0};
	_cleanup_free_ char *err = NULL;
	_cleanup_(stage_list_clear) struct stage_list l = {0};

	(void)state;
	assert_int_equal(spark_decode_stages(body, strlen(body), &l, &err), 0);
	assert_int_equal(l.n, 2);
	assert_int_equal(l.items[0].stage_id, 7);
	assert_int_equal(l.items[0].attempt_id, 1);
	assert_int_equal(l.items[0].n_active, -2);
	assert_int_equal(l.items[0].n_failed, 3);
	assert_string_equal(l.items[0].name, "a?b");
	assert_memory_equal(l.items[0].counters, expected, sizeof(expected));
	assert_int_equal(l.items[0].cost.run, 13 * USEC_PER_MSEC);
	assert_int_equal(l.items[0].cost.deserialize, 14 * USEC_PER_MSEC);
	assert_int_equal(l.items[0].cost.fetch_wait, 15 * USEC_PER_MSEC);
	assert_int_equal(l.items[0].cost.result_size, 16);
	assert_int_equal(l.items[1].cost.run, 0);
	/* Where Spark has no numCompletedIndices. */
	assert_int_equal(l.items[1].counters[PROGRESS_COMPLETED_INDICES], 4);
	assert_null(l.items[1].name);
	assert_int_equal(l.items[1].submitted, 0);
}

static void test_stage_name_is_cut(void **state)
{
	_cleanup_free_ char *body =
		repeated("[" STAGE_HEAD ",\"name\":\"", "\xc3\xa9", 150, "\"}]");
	_cleanup_free_ char *err = NULL;
	_cleanup_(stage_list_clear) struct stage_list l = {0};

	(void)state;
	assert_int_equal(spark_decode_stages(body, strlen(body), &l, &err), 0);
	assert_int_equal(strlen(l.items[0].name), 200);
}

static void test_stage_errors_name_the_field(void **state)
{
	static const struct {
		const char *body;
		const char *why;
	} cases[] = {
		{"{}", "not a list"},
		{"[1]", "no object where \"status\" should be"},
		{"[{}]", "\"status\" is missing"},
		{"[{\"status\":1}]", "\"status\" is not a string"},
		{"[{\"status\":\"ACTIVE\"}]", "\"stageId\" is missing"},
		{"[{\"status\":\"ACTIVE\",\"stageId\":-1}]", "\"stageId\" is out of range"},
		{"[{\"status\":\"ACTIVE\",\"stageId\":1,\"attemptId\":\"0\"}]",
			"\"attemptId\" is not a number"},
		{"[{\"status\":\"ACTIVE\",\"stageId\":1,\"attemptId\":0}]",
			"\"numTasks\" is missing"},
		{"[{\"status\":\"ACTIVE\",\"stageId\":1,\"attemptId\":0,\"numTasks\":3000000000}]",
			"\"numTasks\" is out of range"},
		{"[" STAGE_HEAD ",\"submissionTime\":\"x\"}]", "\"submissionTime\" is not a time"},
		{"[" STAGE_HEAD ",\"inputBytes\":1.5}]", "\"inputBytes\" is not a whole number"},
		{"[" STAGE_HEAD ",\"resultSize\":\"1\"}]", "\"resultSize\" is not a number"},
		{"[" STAGE_HEAD ",\"diskBytesSpilled\":1e17}]",
			"\"diskBytesSpilled\" is out of range"},
	};

	(void)state;
	each_row(i, cases) assert_refused(try_stages, cases[i].body, -EBADMSG, cases[i].why);
}

static void test_jobs(void **state)
{
	static const char body[] =
		"[{\"status\":\"RUNNING\",\"stageIds\":[3,4]},{\"status\":\"FAILED\"},"
		"{\"status\":\"RUNNING\",\"stageIds\":[]},"
		"{\"status\":\"RUNNING\",\"stageIds\":[9],"
		"\"description\":\"Streaming job running receiver 0\"}]";
	_cleanup_free_ char *err = NULL;
	_cleanup_(job_list_clear) struct job_list l = {0};

	(void)state;
	assert_int_equal(spark_decode_jobs(body, strlen(body), &l, &err), 0);
	assert_int_equal(l.n_running, 3);
	assert_int_equal(l.n_receivers, 1);
	assert_int_equal(l.n_stage_ids, 3);
	assert_int_equal(l.stage_ids[0], 3);
	assert_int_equal(l.stage_ids[2], 9);
	assert_refused(try_jobs, "[{\"status\":\"RUNNING\"}]", -EBADMSG, "\"stageIds\" is missing");
	assert_refused(try_jobs, "[{\"status\":\"RUNNING\",\"stageIds\":[-1]}]", -EBADMSG,
		"\"stageIds\" holds what is no stage's number");
	assert_refused(try_jobs, "[{\"status\":\"RUNNING\",\"stageIds\":[\"1\"]}]", -EBADMSG, NULL);
	assert_refused(try_jobs, "[{\"status\":\"RUNNING\",\"stageIds\":[1.5]}]", -EBADMSG, NULL);
	each_row(i, versions)
	{
		_cleanup_free_ char *real = read_version(versions[i], "jobs-running.json");

		job_list_clear(&l);
		assert_int_equal(spark_decode_jobs(real, strlen(real), &l, &err), 0);
		assert_int_equal(l.n_running, 1);
		assert_int_equal(l.n_stage_ids, 1);
		assert_int_equal(l.stage_ids[0], 0);
	}
}

static void test_owner(void **state)
{
	(void)state;
	each_row(i, versions)
	{
		_cleanup_free_ char *body = read_version(versions[i], "environment.json");
		_cleanup_free_ char *err = NULL;
		_cleanup_(owner_clear) struct owner o = {0};

		assert_int_equal(spark_decode_owner(body, strlen(body), &o, &err), 0);
		assert_true(owner_known(&o));
		assert_string_equal(o.dag_id, "etl_daily");
		assert_string_equal(o.run_id, "manual__2026-11-23T00:00:00+00:00");
		assert_string_equal(o.task_id, "load.orders");
		assert_int_equal(o.map_index, -1);
		assert_int_equal(o.try_number, 1);
	}
}

#define IDS                                                                                        \
	"[\"spark.airflow.dag_id\",\"d\"],[\"spark.airflow.run_id\",\"r\"],"                       \
	"[\"spark.airflow.task_id\",\"t\"]"

static void test_owner_properties(void **state)
{
	static const char mapped[] =
		"{\"sparkProperties\":[[\"x\",null]," IDS ",[\"spark.airflow.map_index\",\"3\"],"
		"[\"spark.airflow.dag_id\",\"second\"]]}";
	static const char *const unknown[] = {
		"{\"sparkProperties\":[]}",
		"{\"sparkProperties\":[[\"spark.airflow.dag_id\",\"d\"]]}",
		("{\"sparkProperties\":[[\"spark.airflow.dag_id\",\"\"],"
		 "[\"spark.airflow.run_id\",\"r\"],[\"spark.airflow.task_id\",\"t\"]]}"),
	};
	_cleanup_free_ char *err = NULL;
	_cleanup_(owner_clear) struct owner o = {0};

	(void)state;
	assert_int_equal(spark_decode_owner(mapped, strlen(mapped), &o, &err), 0);
	assert_string_equal(o.dag_id, "d");
	assert_int_equal(o.map_index, 3);
	assert_int_equal(o.try_number, 0);
	owner_clear(&o);
	each_row(i, unknown)
	{
		assert_int_equal(spark_decode_owner(unknown[i], strlen(unknown[i]), &o, &err), 0);
		assert_false(owner_known(&o));
		assert_null(o.dag_id);
	}
}

static void test_owner_refused(void **state)
{
	_cleanup_free_ char *long_id =
		repeated("{\"sparkProperties\":[[\"spark.airflow.dag_id\",\"", "x", 251, "\"]]}");

	(void)state;
	assert_refused(
		try_owner, long_id, -EBADMSG, "\"spark.airflow.dag_id\" is longer than 250 bytes");
	assert_refused(try_owner,
		"{\"sparkProperties\":[" IDS ",[\"spark.airflow.map_index\",\"one\"]]}", -EBADMSG,
		"\"spark.airflow.map_index\" is not a number");
	assert_refused(try_owner,
		"{\"sparkProperties\":[" IDS ",[\"spark.airflow.map_index\",\"-2\"]]}", -EBADMSG,
		"\"spark.airflow.map_index\" is not a number");
	assert_refused(try_owner,
		"{\"sparkProperties\":[" IDS ",[\"spark.airflow.try_number\",\"-1\"]]}", -EBADMSG,
		"\"spark.airflow.try_number\" is not a number");
	assert_refused(try_owner,
		"{\"sparkProperties\":[" IDS ",[\"spark.airflow.try_number\",1]]}", -EBADMSG,
		"\"spark.airflow.try_number\" is not a string");
	assert_refused(try_owner, "{\"sparkProperties\":[[\"spark.airflow.run_id\",\"a\\nb\"]]}",
		-EBADMSG, "\"spark.airflow.run_id\" is not printable");
	assert_refused(try_owner, "{}", -EBADMSG, "\"sparkProperties\" is missing");
	assert_refused(try_owner, "{\"sparkProperties\":{\"spark.airflow.dag_id\":\"d\"}}",
		-EBADMSG, "\"sparkProperties\" is not a list");
	assert_refused(try_owner, "{\"sparkProperties\":[[\"a\"]]}", -EBADMSG,
		"\"sparkProperties\" is not a list of pairs");
	assert_refused(try_owner, "{\"sparkProperties\":[\"a\"]}", -EBADMSG, NULL);
	assert_refused(try_owner, "{\"sparkProperties\":[[]]}", -EBADMSG, NULL);
}

static void test_hostile(void **state)
{
	static const char *const bodies[] = {"", " ", "null", "7", "\"x\"", "<html></html>", "[",
		"[[", "{\"a\":", "\xff\xfe", "[{\"id\":\"a\",\"attempts\":[7]}]"};
	_cleanup_free_ char *deep = repeated("", "[", 100000, "");

	(void)state;
	each_row(i, decoders)
	{
		each_row(k, bodies) assert_refused(decoders[i].decode, bodies[k], -EBADMSG, NULL);
		assert_refused(decoders[i].decode, deep, -EBADMSG, "nested deeper than 64");
	}
}

static void test_long_lists(void **state)
{
	_cleanup_free_ char *apps = repeated("[0", ",0", SPARK_MAX_APPS, "]");
	_cleanup_free_ char *ten_thousand = repeated("[0", ",0", 10000, "]");
	_cleanup_free_ char *ids = repeated(
		"[{\"status\":\"RUNNING\",\"stageIds\":[0", ",0", SPARK_MAX_STAGE_IDS, "]}]");

	(void)state;
	assert_refused(try_applications, apps, -E2BIG, "a list of more than 1000");
	assert_refused(try_stages, ten_thousand, -E2BIG, "a list of more than 10000");
	assert_refused(try_jobs, ten_thousand, -E2BIG, "a list of more than 10000");
	assert_refused(try_jobs, ids, -E2BIG, "\"stageIds\" of more than 100000 in all");
}

/* A body cut anywhere is refused; white space at the end may go. */
static void test_truncated(void **state)
{
	(void)state;
	each_row(i, decoders)
	{
		_cleanup_free_ char *body = read_version("4.3.0", decoders[i].file);
		size_t len = strlen(body);

		while (len > 0 && strchr(" \n", body[len - 1]))
			len--;
		for (size_t n = 0; n < len; n++) {
			_cleanup_free_ char *copy = exact_copy(body, n);
			_cleanup_free_ char *err = NULL;

			assert_int_equal(decoders[i].decode(copy, n, &err), -EBADMSG);
			assert_non_null(err);
		}
	}
}

static int decode_owner_of(const char *properties, struct owner *o, char **err)
{
	_cleanup_free_ char *body = NULL;

	assert_int_equal(str_printf(&body, "{\"sparkProperties\":[%s]}", properties), 0);
	return spark_decode_owner(body, strlen(body), o, err);
}

#define REDACTED_IDS                                                                               \
	"[\"spark.airflow.dag_id\",\"*********(redacted)\"],[\"spark.airflow.run_id\",\"r\"],"     \
	"[\"spark.airflow.task_id\",\"t\"]"

/* A DAG called "tokens": Spark shows stars in its place. */
static void test_owner_redacted(void **state)
{
	struct owner o = {.map_index = -1};
	_cleanup_free_ char *err = NULL;

	(void)state;
	assert_int_equal(decode_owner_of(REDACTED_IDS, &o, &err), 0);
	assert_false(owner_known(&o));
	assert_int_equal(decode_owner_of(REDACTED_IDS ",[\"spark.airflow.identity\","
						      "\"746f6b656e730a720a740a370a32\"]",
				 &o, &err),
		0);
	assert_string_equal(o.dag_id, "tokens");
	assert_string_equal(o.run_id, "r");
	assert_string_equal(o.task_id, "t");
	assert_int_equal(o.map_index, 7);
	assert_int_equal(o.try_number, 2);
	owner_clear(&o);
}

static void test_owner_identity_wrong(void **state)
{
	static const char *const wrong[] = {
		"zz", "7", "740a", "00", "740a720a740a370a", "740a720a740a370a320a33",
		"740a720a740a780a32", "74e2808b0a720a740a370a32", /* a zero-width space */
		"740a72e280ae0a740a370a32",                       /* a right-to-left override */
		"740a720aefbbbf740a370a32",                       /* a byte order mark */
		"74010a720a740a370a32",                           /* a control */
		"74ff0a720a740a370a32",                           /* no UTF-8 */
		"287265646163746564290a720a740a370a32",           /* redacted */
		"740a720a740a370a2d31",                           /* a try below 0 */
		"740a720a740a2d320a32",                           /* a map index below -1 */
	};

	(void)state;
	each_row(i, wrong)
	{
		struct owner o = {.map_index = -1};
		_cleanup_free_ char *properties = NULL;
		_cleanup_free_ char *err = NULL;

		assert_int_equal(
			str_printf(&properties, REDACTED_IDS ",[\"spark.airflow.identity\",\"%s\"]",
				wrong[i]),
			0);
		assert_int_equal(decode_owner_of(properties, &o, &err), -EBADMSG);
		assert_non_null(strstr(err, "spark.airflow.identity"));
		assert_false(owner_known(&o));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_owner_redacted),
		cmocka_unit_test(test_owner_identity_wrong),
		cmocka_unit_test(test_body_kind),
		cmocka_unit_test(test_applications),
		cmocka_unit_test(test_application_start),
		cmocka_unit_test(test_stages_of_all_versions),
		cmocka_unit_test(test_stage_fields),
		cmocka_unit_test(test_stage_name_is_cut),
		cmocka_unit_test(test_stage_errors_name_the_field),
		cmocka_unit_test(test_jobs),
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_owner_properties),
		cmocka_unit_test(test_owner_refused),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_long_lists),
		cmocka_unit_test(test_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
