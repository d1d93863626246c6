/* SPDX-License-Identifier: Apache-2.0
 * Executors' pods and a kubelet's summary: what is taken, and what is no such thing. */
#include "wire/kube_usage.h"

#include <errno.h>

#include "../row.h"
#include "fixture.h"

#define PODS(items) "{\"kind\":\"PodList\",\"metadata\":{},\"items\":[" items "]}"
#define POD(labels, spec, status)                                                                  \
	"{\"metadata\":{\"uid\":\"u-1\",\"labels\":{" labels "}},\"spec\":{" spec                  \
	"},\"status\":{" status "}}"
#define LABELS "\"spark-role\":\"executor\",\"spark-exec-id\":\"7\""
#define OURS "{\"name\":\"spark-kubernetes-executor\"}"
#define ON_NODE(containers) "\"nodeName\":\"node-1\",\"containers\":[" containers "]"
#define GOOD POD(LABELS, ON_NODE("{\"name\":\"istio\"}," OURS), "\"hostIP\":\"10.0.0.9\"")

static int executors(const char *body, struct kube_executor_list *l)
{
	_cleanup_free_ char *err = NULL;
	char *copy = exact_copy(body, strlen(body));
	int r = kube_decode_executors(copy, strlen(body), l, &err);

	free(copy);
	assert_int_equal(r < 0, err != NULL);
	return r;
}

static void an_executor(void **state)
{
	_cleanup_(kube_executor_list_clear) struct kube_executor_list l = {0};

	(void)state;
	assert_int_equal(executors(PODS(GOOD), &l), 0);
	assert_int_equal(l.n, 1);
	assert_string_equal(l.items[0].id, "7");
	assert_string_equal(l.items[0].uid, "u-1");
	assert_string_equal(l.items[0].node, "node-1");
	assert_string_equal(l.items[0].host_ip, "10.0.0.9");
	assert_string_equal(l.items[0].container, "spark-kubernetes-executor");
}

/* Of what is not like the one above, alone in its list. */
static void other_pods(void **state)
{
	static const struct {
		const char *name;
		const char *pod;
		const char *container; /* NULL: passed over */
		size_t left_out;
	} rows[] = {
		{"its container by what Spark puts into it",
			POD(LABELS,
				ON_NODE("{\"name\":\"side\",\"env\":[{\"name\":\"A\"}]},"
					"{\"name\":\"main\",\"env\":[{\"name\":\"A\"},"
					"{\"name\":\"SPARK_EXECUTOR_ID\",\"value\":\"7\"}]}"),
				""),
			"main", 0},
		{"Spark's own name comes first",
			POD(LABELS,
				ON_NODE("{\"name\":\"x\",\"env\":[{\"name\":\"SPARK_EXECUTOR_ID\"}]"
					"}," OURS),
				""),
			"spark-kubernetes-executor", 0},
		{"on no node", POD(LABELS, "\"containers\":[" OURS "]", ""), NULL, 0},
		{"no container of Spark's", POD(LABELS, ON_NODE("{\"name\":\"side\"}"), ""), NULL,
			0},
		{"a driver", POD("\"spark-role\":\"driver\"", ON_NODE(OURS), ""), NULL, 0},
		{"without labels", POD("", ON_NODE(OURS), ""), NULL, 0},
		{"without an id", POD("\"spark-role\":\"executor\"", ON_NODE(OURS), ""), NULL, 0},
		{"an address that is none", POD(LABELS, ON_NODE(OURS), "\"hostIP\":\"x/../y\""),
			"spark-kubernetes-executor", 0},
		{"a node that is a path",
			POD(LABELS, "\"nodeName\":\"../../x\",\"containers\":[" OURS "]", ""), NULL,
			1},
		{"a container that is a path",
			POD(LABELS,
				ON_NODE("{\"name\":\"../x\",\"env\":[{\"name\":"
					"\"SPARK_EXECUTOR_ID\"}]}"),
				""),
			NULL, 1},
		{"no status",
			"{\"metadata\":{\"uid\":\"u\",\"labels\":{" LABELS
			"}},\"spec\":{" ON_NODE(OURS) "}}",
			NULL, 1},
		{"env that is no list",
			POD(LABELS, ON_NODE("{\"name\":\"a\",\"env\":7},{\"name\":3}"), ""), NULL,
			1},
	};

	(void)state;
	each_row(i, rows)
	{
		_cleanup_(kube_executor_list_clear) struct kube_executor_list l = {0};
		_cleanup_free_ char *body = NULL;

		assert_int_equal(str_printf(&body, PODS("%s"), rows[i].pod), 0);
		assert_int_equal(executors(body, &l), 0);
		assert_int_equal(l.n, rows[i].container ? 1 : 0);
		assert_int_equal(l.left_out.n, rows[i].left_out);
		if (rows[i].container)
			assert_string_equal(l.items[0].container, rows[i].container);
	}
}

static int usage(const char *body, struct kube_usage_list *l)
{
	_cleanup_free_ char *err = NULL;
	char *copy = exact_copy(body, strlen(body));
	int r = kube_decode_usage(copy, strlen(body), l, &err);

	free(copy);
	assert_int_equal(r < 0, err != NULL);
	return r;
}

#define REF "\"podRef\":{\"name\":\"p\",\"namespace\":\"n\",\"uid\":\"u-1\"}"
#define SUMMARY(pods) "{\"node\":{\"nodeName\":\"node-1\"},\"pods\":[" pods "]}"
#define CONTAINER(cpu) "{\"name\":\"c\",\"cpu\":{" cpu "}}"
#define TIME "\"time\":\"2026-11-29T12:00:00Z\""

/* A pod with a container as the kubelet of 1.33 tells it, asked for CPU and memory alone. */
static void a_summary(void **state)
{
	static const char body[] = SUMMARY(
		"{" REF ",\"startTime\":\"2026-11-29T11:00:00Z\",\"containers\":[{\"name\":"
		"\"spark-kubernetes-executor\",\"startTime\":\"2026-11-29T11:00:04Z\",\"cpu\":{"
		"\"time\":\"2026-11-29T12:00:03Z\",\"usageNanoCores\":2873,"
		"\"usageCoreNanoSeconds\":12345678901},\"memory\":{\"time\":"
		"\"2026-11-29T12:00:03Z\",\"usageBytes\":1}}],\"cpu\":{\"time\":"
		"\"2026-11-29T12:00:01Z\",\"usageCoreNanoSeconds\":9}}");
	_cleanup_(kube_usage_list_clear) struct kube_usage_list l = {0};

	(void)state;
	assert_int_equal(usage(body, &l), 0);
	assert_int_equal(l.n, 1);
	assert_string_equal(l.items[0].uid, "u-1");
	assert_string_equal(l.items[0].container, "spark-kubernetes-executor");
	assert_int_equal(l.items[0].cpu, 12345678);
	assert_int_equal(l.items[0].read, 1795953603 * USEC_PER_SEC);
}

/* Of a kubelet of 1.33.4 with Spark 4.3.0: each pod with one container. */
static void a_recorded_summary(void **state)
{
	_cleanup_free_ char *body = fixture_read("kubernetes-1.33/stats-summary.json");
	_cleanup_(kube_usage_list_clear) struct kube_usage_list l = {0};

	(void)state;
	assert_int_equal(usage(body, &l), 0);
	assert_int_equal(l.n, 5);
	assert_int_equal(l.left_out.n, 0);
	assert_string_equal(l.items[0].uid, "9ed8f96f-cdc6-4828-a1a3-b4139635f963");
	assert_string_equal(l.items[0].container, "spark-kubernetes-executor");
	assert_int_equal(l.items[0].cpu, 7636911);
	assert_int_equal(l.items[0].read, 1796011732 * USEC_PER_SEC);
}

static void a_recorded_executor(void **state)
{
	_cleanup_free_ char *body = fixture_read("kubernetes-1.33/node-pods.json");
	_cleanup_(kube_executor_list_clear) struct kube_executor_list l = {0};

	(void)state;
	assert_int_equal(executors(body, &l), 0);
	assert_int_equal(l.n, 1);
	assert_string_equal(l.items[0].id, "1");
	assert_string_equal(l.items[0].uid, "0ffa7c53-1564-4f34-b897-10d5421780f2");
	assert_string_equal(l.items[0].host_ip, "10.77.0.1");
	assert_string_equal(l.items[0].container, "spark-kubernetes-executor");
}

static void containers(void **state)
{
	static const struct {
		const char *name;
		const char *cpu;
		usec_t is; /* 0: passed over */
		size_t left_out;
	} rows[] = {
		{"not measured yet", TIME, 0, 0},
		{"null", TIME ",\"usageCoreNanoSeconds\":null", 0, 0},
		{"more than a double holds to the nanosecond",
			TIME ",\"usageCoreNanoSeconds\":36028797018963968", 36028797018963, 0},
		{"below zero", TIME ",\"usageCoreNanoSeconds\":-1", 0, 1},
		{"too much", TIME ",\"usageCoreNanoSeconds\":1e21", 0, 1},
		{"a text", TIME ",\"usageCoreNanoSeconds\":\"7\"", 0, 1},
		{"no time", "\"usageCoreNanoSeconds\":7000", 0, 1},
		{"a time that is none", "\"time\":\"noon\",\"usageCoreNanoSeconds\":7000", 0, 1},
	};

	(void)state;
	each_row(i, rows)
	{
		_cleanup_(kube_usage_list_clear) struct kube_usage_list l = {0};
		_cleanup_free_ char *body = NULL;

		assert_int_equal(
			str_printf(&body, SUMMARY("{" REF ",\"containers\":[" CONTAINER("%s") "]}"),
				rows[i].cpu),
			0);
		assert_int_equal(usage(body, &l), 0);
		assert_int_equal(l.n, rows[i].is > 0);
		assert_int_equal(l.left_out.n, rows[i].left_out);
		if (rows[i].is > 0)
			assert_int_equal(l.items[0].cpu, rows[i].is);
	}
}

static void what_is_no_summary(void **state)
{
	static const struct {
		const char *name;
		const char *body;
		size_t left_out; /* 0: refused as a whole */
	} rows[] = {
		{"a list", "[]", 0},
		{"no pods", "{\"node\":{}}", 0},
		{"pods that are none", "{\"pods\":7}", 0},
		{"cut", "{\"pods\":[{\"podRef\":", 0},
		{"a pod without a name", SUMMARY("{\"containers\":[]}"), 1},
		{"a pod that is a number", SUMMARY("7"), 1},
	};

	(void)state;
	each_row(i, rows)
	{
		_cleanup_(kube_usage_list_clear) struct kube_usage_list l = {0};

		assert_int_equal(usage(rows[i].body, &l), rows[i].left_out > 0 ? 0 : -EBADMSG);
		assert_int_equal(l.n, 0);
		assert_int_equal(l.left_out.n, rows[i].left_out);
	}
}

static void too_many(void **state)
{
	_cleanup_(kube_usage_list_clear) struct kube_usage_list l = {0};
	_cleanup_free_ char *body = NULL;
	struct strbuf b = {0};

	(void)state;
	strbuf_add(&b, "{\"pods\":[{" REF ",\"containers\":[");
	for (int i = 0; i <= KUBE_MAX_CONTAINERS; i++)
		strbuf_addf(&b, "%s%s", i > 0 ? "," : "",
			CONTAINER(TIME ",\"usageCoreNanoSeconds\":1000"));
	strbuf_add(&b, "]}]}");
	assert_int_equal(strbuf_finish(&b, &body), 0);
	assert_int_equal(usage(body, &l), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_executor),
		cmocka_unit_test_teardown(other_pods, row_tell),
		cmocka_unit_test(a_summary),
		cmocka_unit_test(a_recorded_summary),
		cmocka_unit_test(a_recorded_executor),
		cmocka_unit_test_teardown(containers, row_tell),
		cmocka_unit_test_teardown(what_is_no_summary, row_tell),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
