/* SPDX-License-Identifier: Apache-2.0
 * CPU seconds as JSON, there and back; a NodeManager's JMX. */
#include "wire/processes.h"

#include <errno.h>

#include "../row.h"
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

static struct process_list decoded(const char *body)
{
	struct process_list l = {0};
	_cleanup_free_ char *err = NULL;

	assert_int_equal(processes_decode(body, strlen(body), &l, &err), 0);
	return l;
}

static void test_counts_there_and_back(void **state)
{
	static const char body[] =
		"[{\"executor\":\"0\",\"pid\":7,\"cpu_seconds\":7.64,\"processes\":["
		"{\"pid\":7,\"ppid\":1,\"cpu_seconds\":6.54,\"reaped_seconds\":0,"
		"\"name\":\"java\",\"task_threads\":{\"threads\":1,\"run_ns\":229639517,"
		"\"slices\":268,\"waits\":77,\"each\":[{\"tid\":71,\"run_ns\":229639517,"
		"\"slices\":268,\"waits\":77}],\"feeding\":[{\"tid\":72,\"slices\":9}]}},"
		"{\"pid\":8,\"ppid\":7,\"cpu_seconds\":0.11,\"reaped_seconds\":0,"
		"\"name\":\"python\",\"python_daemon\":true,\"threads\":2,"
		"\"run_ns\":113644864,\"slices\":76,\"main_run_ns\":113000000,"
		"\"main_slices\":75,\"main_waits\":1}]}]";
	_cleanup_(process_list_clear) struct process_list l = decoded(body);
	const struct process_tree *t = &l.items[0];
	_cleanup_free_ char *text = NULL;

	(void)state;
	assert_true(t->tasks.known && t->tasks.timed && t->knows_threads);
	assert_int_equal(t->n_tasks, 1);
	assert_int_equal(t->tasks.run_ns, 229639517);
	assert_int_equal(t->tasks.waits, 77);
	assert_int_equal(t->n_threads, 2);
	assert_int_equal(t->threads[0].tid, 71);
	assert_false(t->threads[0].feeds);
	assert_true(t->threads[1].feeds);
	assert_false(t->threads[1].count.timed);
	assert_int_equal(t->threads[1].count.waits, 9);
	assert_false(t->items[0].all.known);
	assert_int_equal(t->items[1].ppid, 7);
	assert_true(t->items[1].daemon);
	assert_int_equal(t->items[1].n_threads, 2);
	assert_int_equal(t->items[1].all.slices, 76);
	assert_int_equal(t->items[1].main.run_ns, 113000000);
	assert_int_equal(t->items[1].main.waits, 1);
	assert_int_equal(processes_json(&l, &text), 0);
	assert_string_equal(text, body);
}

/* Switches in place of waits, sums alone of a JVM's threads, and a total past 2^53. */
static void test_counts_of_recordings(void **state)
{
	static const char body[] =
		"[{\"executor\":\"0\",\"pid\":7,\"cpu_seconds\":3.1,\"processes\":["
		"{\"pid\":7,\"ppid\":1,\"cpu_seconds\":3.1,\"name\":\"java\",\"threads\":28,"
		"\"run_ns\":9999999999999998,\"slices\":3451,\"switches\":[1766,1685],"
		"\"task_threads\":{\"threads\":3,\"run_ns\":5,\"slices\":4,\"switches\":[3,1]}},"
		"{\"pid\":9,\"ppid\":8,\"cpu_seconds\":0,\"name\":\"python3\",\"threads\":2,"
		"\"run_ns\":37,\"slices\":5,\"switches\":[4,1],\"main_slices\":2}]}]";
	_cleanup_(process_list_clear) struct process_list l = decoded(body);
	const struct process_tree *t = &l.items[0];

	(void)state;
	assert_int_equal(t->n_tasks, 3);
	assert_int_equal(t->tasks.waits, 3);
	assert_false(t->knows_threads);
	assert_int_equal(t->items[0].all.run_ns, 9999999999999998);
	assert_int_equal(t->items[1].all.waits, 4);
	assert_true(t->items[1].main.known);
	assert_false(t->items[1].main.timed);
	assert_int_equal(t->items[1].main.slices, 2);
	assert_int_equal(t->items[1].main.waits, 2);
}

#define PROCESS(more)                                                                              \
	"[{\"executor\":\"1\",\"pid\":1,\"cpu_seconds\":1,\"processes\":[{\"pid\":1,"              \
	"\"cpu_seconds\":1,\"name\":\"x\"," more "}]}]"

static void test_hostile(void **state)
{
	_cleanup_free_ char *trees = repeated("[0", ",0", PROCESSES_MAX_TREES, "]");
	_cleanup_free_ char *processes =
		repeated("[{\"executor\":\"1\",\"pid\":1,\"cpu_seconds\":1,\"processes\":[0", ",0",
			PROCESSES_MAX, "]}]");
	_cleanup_free_ char *threads =
		repeated("[{\"executor\":\"1\",\"pid\":1,\"cpu_seconds\":1,\"processes\":"
			 "[{\"pid\":1,\"cpu_seconds\":1,\"name\":\"java\",\"task_threads\":{"
			 "\"each\":[0",
			",0", PROCESSES_MAX, "]}}]}]");

	(void)state;
	assert_refused("{}", -EBADMSG, "not a list");
	assert_refused("[{}]", -EBADMSG, "\"executor\" is missing");
	assert_refused("[{\"executor\":\"1\",\"pid\":1,\"cpu_seconds\":-1}]", -EBADMSG,
		"\"cpu_seconds\" is not a number of seconds");
	assert_refused("[{\"executor\":\"1\",\"pid\":1,\"cpu_seconds\":1e300}]", -EBADMSG, NULL);
	assert_refused(
		"[{\"executor\":\"1\",\"pid\":1,\"cpu_seconds\":1,\"processes\":[{\"pid\":1}]}]",
		-EBADMSG, NULL);
	assert_refused(PROCESS("\"main_slices\":-1"), -EBADMSG, "\"main_slices\" is not a count");
	assert_refused(
		PROCESS("\"slices\":1,\"run_ns\":1e300"), -EBADMSG, "\"run_ns\" is not a count");
	assert_refused(PROCESS("\"slices\":1,\"switches\":[]"), -EBADMSG,
		"\"switches\" does not begin with a count");
	assert_refused(
		PROCESS("\"task_threads\":[]"), -EBADMSG, "\"task_threads\" is not an object");
	assert_refused(PROCESS("\"task_threads\":{\"each\":[{\"slices\":1}]}"), -EBADMSG,
		"\"tid\" is missing");
	assert_refused(PROCESS("\"task_threads\":{\"each\":[{\"tid\":1}]}"), -EBADMSG,
		"\"slices\" is missing");
	assert_refused(trees, -E2BIG, "more than 5000 executors");
	assert_refused(processes, -E2BIG, "more than 100000 processes and threads");
	assert_refused(threads, -E2BIG, "more than 100000 processes and threads");
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
	each_row(i, wrong)
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
		cmocka_unit_test(test_counts_there_and_back),
		cmocka_unit_test(test_counts_of_recordings),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_nodemanager),
		cmocka_unit_test(test_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
