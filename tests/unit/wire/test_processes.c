/* SPDX-License-Identifier: Apache-2.0
 * CPU seconds as JSON, there and back; a NodeManager's JMX. */
#include "wire/processes.h"

#include <errno.h>

#include "fixture.h"
#include "wire/json.h"

static void assert_refused(const char *body, int expected, const char *why)
{
	_cleanup_free_ char *copy = exact_copy(body, strlen(body));
	_cleanup_(process_list_clear) struct process_list l = {0};
	_cleanup_free_ char *err = NULL;

	assert_int_equal(processes_decode(copy, strlen(body), &l, &err), expected);
	assert_non_null(err);
	if (why)
		assert_string_equal(err, why);
	assert_int_equal(l.n, 0);
}

static void test_there_and_back(void **state)
{
	static const char body[] =
		"[{\"app\":\"app-1\",\"executor\":\"0\",\"pid\":11636,\"cpu_seconds\":7.64,"
		"\"processes\":["
		"{\"pid\":11636,\"cpu_seconds\":6.54,\"reaped_seconds\":1.5,\"name\":\"java\"},"
		"{\"pid\":13620,\"cpu_seconds\":0.89,\"reaped_seconds\":0,\"name\":\"python\"}]},"
		"{\"executor\":\"1\",\"pid\":5,\"cpu_seconds\":8}]";
	_cleanup_(process_list_clear) struct process_list l = {0};
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *err = NULL;

	(void)state;
	assert_int_equal(processes_decode(body, strlen(body), &l, &err), 0);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.items[0].app_id, "app-1");
	assert_int_equal(l.items[0].items[0].reaped, 1500000);
	assert_int_equal(l.items[0].items[1].cpu, 890000);
	assert_string_equal(l.items[0].items[1].name, "python");
	assert_int_equal(l.items[1].cpu, 8 * USEC_PER_SEC);
	assert_null(l.items[1].items);
	assert_int_equal(processes_json(&l, &text), 0);
	assert_string_equal(text, body);
}

static void test_hostile(void **state)
{
	_cleanup_free_ char *trees = repeated("[0", ",0", PROCESSES_MAX_TREES, "]");
	_cleanup_free_ char *processes =
		repeated("[{\"executor\":\"1\",\"pid\":1,\"cpu_seconds\":1,\"processes\":[0", ",0",
			PROCESSES_MAX, "]}]");

	(void)state;
	assert_refused("{}", -EBADMSG, "not a list");
	assert_refused("[{}]", -EBADMSG, "\"executor\" is missing");
	assert_refused("[{\"executor\":\"1\",\"pid\":1,\"cpu_seconds\":-1}]", -EBADMSG,
		"\"cpu_seconds\" is not a number of seconds");
	assert_refused("[{\"executor\":\"1\",\"pid\":1,\"cpu_seconds\":1e300}]", -EBADMSG, NULL);
	assert_refused(
		"[{\"executor\":\"1\",\"pid\":1,\"cpu_seconds\":1,\"processes\":[{\"pid\":1}]}]",
		-EBADMSG, NULL);
	assert_refused(trees, -E2BIG, "more than 5000 executors");
	assert_refused(processes, -E2BIG, "more than 100000 processes");
}

static void test_nodemanager(void **state)
{
	static const char measured[] =
		"{\"beans\":[{\"name\":\"Hadoop:service=NodeManager,name=ContainerResource_"
		"container_1_0001_01_000002\"},"
		"{\"name\":\"Hadoop:service=NodeManager,name=ContainerResource_container_1_0001_01_"
		"000003\","
		"\"PCpuUsagePercentNumUsage\":15,\"PCpuUsagePercentAvgPercents\":20.6}]}";
	static const char wrong[] = "{\"beans\":[{\"name\":\"Hadoop:service=NodeManager,name="
				    "ContainerResource_c\",\"PCpuUsagePercentAvgPercents\":-1}]}";
	double cpu = -1;
	_cleanup_free_ char *err = NULL;

	(void)state;
	/* Without container-metrics.period-ms the bean is there and holds nothing. */
	assert_int_equal(nodemanager_decode_cpu(measured, strlen(measured),
				 "container_1_0001_01_000002", &cpu, &err),
		0);
	assert_int_equal(nodemanager_decode_cpu(measured, strlen(measured),
				 "container_1_0001_01_000009", &cpu, &err),
		0);
	assert_true(cpu < 0);
	assert_int_equal(nodemanager_decode_cpu(measured, strlen(measured),
				 "container_1_0001_01_000003", &cpu, &err),
		1);
	assert_true(cpu > 0.205 && cpu < 0.207);
	assert_int_equal(nodemanager_decode_cpu(wrong, strlen(wrong), "c", &cpu, &err), -EBADMSG);
	assert_string_equal(err, "\"PCpuUsagePercentAvgPercents\" is no percentage");
}

static void test_link(void **state)
{
	static const char *const wrong[] = {
		"http://h:8081/logPage/?appId=app-1&executorId=1&logType=stderr",
		"http://h:8042/node/containerlogs/",
		"http://h:8042/node/containerlogs/app_1/root/stderr",
		"ftp://h/node/containerlogs/container_1/x",
		"http://u@h:8042/node/containerlogs/container_1/x",
		"http:///node/containerlogs/container_1/x",
		"/node/containerlogs/container_1/x",
		"http://h:1/node/containerlogs/container_1%0a/x",
	};
	_cleanup_free_ char *url = NULL;
	_cleanup_free_ char *container = NULL;

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
		assert_int_equal(nodemanager_parse_link(wrong[i], &url, &container), -EINVAL);
	assert_int_equal(nodemanager_parse_link("http://nm-1:8042/node/containerlogs/"
						"container_1_2_01_000002/user/stderr?start=-4096",
				 &url, &container),
		0);
	assert_string_equal(url, "http://nm-1:8042");
	assert_string_equal(container, "container_1_2_01_000002");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_nodemanager),
		cmocka_unit_test(test_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
