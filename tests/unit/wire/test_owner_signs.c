/* SPDX-License-Identifier: Apache-2.0
 * What says whose an app is, beside the cluster policy: pods, OpenLineage's properties, and the
 * task instances that run. What providers of Airflow really write: tests/unit/action. */
#include "../row.h"
#include "fixture.h"

#include "wire/airflow.h"
#include "wire/kube.h"
#include "wire/spark_owner.h"

#define POD(meta)                                                                                  \
	"{\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"namespace\":\"n\",\"uid\":\"u\"," meta   \
	"},\"spec\":{},\"status\":{\"phase\":\"Running\"}}"
#define IDS "\"dag_id\":\"d\",\"run_id\":\"r\",\"task_id\":\"t\""

/* What is not whole is none, and no fault of the pod. */
static void pods(void **state)
{
	static const struct {
		const char *name;
		const char *body;
		const char *said; /* a: by annotations, l: by labels; with the index and the try */
	} rows[] = {
		{"annotations", POD("\"annotations\":{" IDS ",\"try_number\":\"2\"}"), "a -1 2"},
		{"mapped",
			POD("\"annotations\":{" IDS ",\"try_number\":\"2\",\"map_index\":\"7\"}"),
			"a 7 2"},
		{"of our policy, not mapped",
			POD("\"annotations\":{" IDS ",\"try_number\":\"1\",\"map_index\":\"-1\"}"),
			"a -1 1"},
		{"labels", POD("\"labels\":{" IDS ",\"try_number\":\"3\"}"), "l -1 3"},
		{"no try", POD("\"annotations\":{" IDS "}"), ""},
		{"a try of 0", POD("\"annotations\":{" IDS ",\"try_number\":\"0\"}"), ""},
		{"a try that is none", POD("\"annotations\":{" IDS ",\"try_number\":\"x\"}"), ""},
		{"a number", POD("\"annotations\":{" IDS ",\"try_number\":1}"), ""},
		{"an index that is none",
			POD("\"labels\":{" IDS ",\"try_number\":\"1\",\"map_index\":\"-2\"}"), ""},
		{"no run",
			POD("\"labels\":{\"dag_id\":\"d\",\"task_id\":\"t\",\"try_number\":\"1\"}"),
			""},
		{"what is no text",
			POD("\"annotations\":{\"dag_id\":\"d\\u0007\",\"run_id\":\"r\","
			    "\"task_id\":\"t\",\"try_number\":\"1\"}"),
			""},
		{"no object", POD("\"annotations\":[],\"labels\":{}"), ""},
	};

	(void)state;
	for_each_row(r, rows)
	{
		_cleanup_free_ char *err = NULL;
		_cleanup_(kube_pod_clear) struct kube_pod p = {0};
		char said[32] = "";

		assert_int_equal(kube_decode_pod(r->body, strlen(r->body), &p, &err), 0);
		if (owner_known(&p.task))
			(void)snprintf(said, sizeof(said), "a %d %d", (int)p.task.map_index,
				(int)p.task.try_number);
		else if (owner_hint_labels(&p.hint))
			(void)snprintf(said, sizeof(said), "l %d %d", (int)p.hint.map_index,
				(int)p.hint.try_number);
		assert_string_equal(said, r->said);
	}
}

#define UUID "019fcf38-4800-7331-a31d-3493a9480323"
#define PAIR(name, value) "[\"spark.openlineage." name "\",\"" value "\"]"
#define ENVIRONMENT(pairs) "{\"sparkProperties\":[" pairs "]}"
#define NAMESPACE PAIR("parentJobNamespace", "ns")

static void lineage(void **state)
{
	static const struct {
		const char *name;
		const char *body;
		bool known;
		const char *dag; /* NULL: not said */
	} rows[] = {
		{"as the provider sets it",
			ENVIRONMENT(NAMESPACE "," PAIR("parentRunId", UUID) "," PAIR(
				"parentJobName", "etl.load") "," PAIR("rootParentJobName", "etl")),
			true, "etl"},
		{"another root",
			ENVIRONMENT(NAMESPACE "," PAIR("parentRunId", UUID) "," PAIR(
				"parentJobName", "etl.load") "," PAIR("rootParentJobName", "et")),
			true, NULL},
		{"no names", ENVIRONMENT(NAMESPACE "," PAIR("parentRunId", UUID)), true, NULL},
		{"a redacted name",
			ENVIRONMENT(NAMESPACE "," PAIR("parentRunId", UUID) "," PAIR(
				"rootParentJobName", "*********(redacted)")),
			true, NULL},
		{"no namespace", ENVIRONMENT(PAIR("parentRunId", UUID)), false, NULL},
		{"a redacted namespace",
			ENVIRONMENT(PAIR("parentJobNamespace", "*********(redacted)") "," PAIR(
				"parentRunId", UUID)),
			false, NULL},
		{"no UUID", ENVIRONMENT(NAMESPACE "," PAIR("parentRunId", "x" UUID)), false, NULL},
		{"no UUID", ENVIRONMENT(NAMESPACE "," PAIR("parentRunId", UUID "0")), false, NULL},
		{"no UUID", ENVIRONMENT(NAMESPACE "," PAIR("parentRunId", "019fcf38")), false,
			NULL},
		{"nothing", ENVIRONMENT(""), false, NULL},
	};
	_cleanup_free_ char *err = NULL;
	struct owner_hint none = {0};

	(void)state;
	for_each_row(r, rows)
	{
		struct owner_hint h = {.map_index = -1};

		assert_int_equal(spark_decode_lineage(r->body, strlen(r->body), &h, &err), 0);
		assert_int_equal(owner_hint_lineage(&h), r->known);
		assert_true(str_equal(h.parent_dag, r->dag));
		owner_hint_clear(&h);
	}
	assert_int_equal(spark_decode_lineage("{}", 2, &none, &err), -EBADMSG);
}

#define TI(more) "{\"dag_id\":\"d\",\"dag_run_id\":\"r\",\"task_id\":\"t\"" more "}"
#define TIS(rows) "{\"task_instances\":[" rows "],\"total_entries\":7}"

static void running(void **state)
{
	static const struct {
		const char *name;
		const char *body;
		int r;
		usec_t logical; /* seconds */
	} rows[] = {
		{"Airflow 3",
			TIS(TI(",\"map_index\":3,\"try_number\":2,\"logical_date\":"
			       "\"2026-08-05T00:00:00Z\",\"run_after\":\"2026-08-06T00:00:00Z\"")),
			0, 1785888000},
		{"by hand",
			TIS(TI(",\"map_index\":3,\"try_number\":2,\"logical_date\":null,"
			       "\"run_after\":\"2026-08-06T00:00:00Z\"")),
			0, 1785974400},
		{"Airflow 2",
			TIS(TI(",\"map_index\":3,\"try_number\":2,\"execution_date\":"
			       "\"2026-08-05T00:00:00+00:00\"")),
			0, 1785888000},
		{"no date", TIS(TI(",\"map_index\":3,\"try_number\":2")), 0, 0},
		{"before 1970",
			TIS(TI(",\"map_index\":3,\"try_number\":2,\"logical_date\":"
			       "\"1960-01-01T00:00:00Z\"")),
			0, 0},
		{"no try", TIS(TI("")), -EBADMSG, 0},
		{"no time", TIS(TI(",\"try_number\":2,\"logical_date\":\"x\"")), -EBADMSG, 0},
		{"no id", TIS("{\"try_number\":2}"), -EBADMSG, 0},
		{"no count", "{\"task_instances\":[]}", -EBADMSG, 0},
		{"no list", "{\"total_entries\":1}", -EBADMSG, 0},
	};

	(void)state;
	for_each_row(r, rows)
	{
		_cleanup_(running_list_clear) struct running_list l = {0};
		_cleanup_free_ char *err = NULL;

		assert_int_equal(airflow_decode_running(r->body, strlen(r->body), &l, &err), r->r);
		if (r->r < 0)
			continue;
		assert_int_equal(l.n, 1);
		assert_int_equal(l.total, 7);
		assert_string_equal(l.items[0].owner.run_id, "r");
		assert_int_equal(l.items[0].owner.map_index, 3);
		assert_int_equal(l.items[0].owner.try_number, 2);
		assert_int_equal(l.items[0].logical, r->logical * USEC_PER_SEC);
	}
}

/* An answer has a page at most. */
static void more_than_a_page(void **state)
{
	struct strbuf b = {0};
	_cleanup_free_ char *body = NULL;
	_cleanup_free_ char *err = NULL;
	struct running_list l = {0};

	(void)state;
	strbuf_add(&b, "{\"task_instances\":[");
	for (unsigned i = 0; i <= AIRFLOW_PAGE; i++)
		strbuf_addf(&b, "%s%s", i > 0 ? "," : "", TI(",\"try_number\":1"));
	strbuf_add(&b, "],\"total_entries\":101}");
	assert_int_equal(strbuf_finish(&b, &body), 0);
	assert_int_equal(airflow_decode_running(body, strlen(body), &l, &err), -EBADMSG);
}

static void hints_are_added(void **state)
{
	static char x[] = "x";
	static char y[] = "y";
	const struct owner_hint labels = {
		.dag_label = x, .run_label = x, .task_label = x, .map_index = 4, .try_number = 1};
	const struct owner_hint lineage_only = {
		.parent_run = y, .parent_namespace = y, .map_index = -1};
	struct owner_hint h = {.map_index = -1};

	(void)state;
	assert_int_equal(owner_hint_add(&h, &lineage_only), 0);
	assert_false(owner_hint_labels(&h));
	assert_int_equal(owner_hint_add(&h, &labels), 0);
	assert_true(owner_hint_labels(&h) && owner_hint_lineage(&h));
	assert_int_equal(h.map_index, 4);
	assert_string_equal(h.parent_run, "y");
	owner_hint_clear(&h);
	assert_int_equal(h.map_index, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pods),
		cmocka_unit_test(lineage),
		cmocka_unit_test(running),
		cmocka_unit_test(more_than_a_page),
		cmocka_unit_test(hints_are_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
