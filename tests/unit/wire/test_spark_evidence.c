/* SPDX-License-Identifier: Apache-2.0
 * Decoders of tasks, executors, threads and lost events, against recorded answers and hostile ones.
 */
#include "wire/spark_evidence.h"

#include <errno.h>

#include "../row.h"
#include "fixture.h"
#include "wire/json.h"
#include "wire/spark_properties.h"

static const char *const versions[] = {"3.5.9", "4.3.0"};

static char *read_version(const char *version, const char *file)
{
	_cleanup_free_ char *name = NULL;

	assert_int_equal(str_printf(&name, "spark-%s/%s", version, file), 0);
	return fixture_read(name);
}

typedef int (*decoder)(const char *body, size_t len, char **reterr);

static int try_tasks(const char *body, size_t len, char **reterr)
{
	_cleanup_(task_list_clear) struct task_list l = {0};

	return left_out_refused(spark_decode_tasks(body, len, &l, reterr), &l.left_out, reterr);
}

static int try_threads(const char *body, size_t len, char **reterr)
{
	_cleanup_(thread_list_clear) struct thread_list l = {0};

	return left_out_refused(
		spark_decode_threads(body, len, THREADS_OF_TASKS, &l, reterr), &l.left_out, reterr);
}

static int try_executors(const char *body, size_t len, char **reterr)
{
	_cleanup_(executor_list_clear) struct executor_list l = {0};

	return left_out_refused(
		spark_decode_executor_list(body, len, &l, reterr), &l.left_out, reterr);
}

static int try_properties(const char *body, size_t len, char **reterr)
{
	_cleanup_(strlist_clear) struct strlist l = {0};

	return spark_decode_properties(body, len, &l, reterr);
}

static void assert_refused(decoder decode, const char *body, int expected, const char *why)
{
	_cleanup_free_ char *copy = exact_copy(body, strlen(body));
	_cleanup_free_ char *err = NULL;

	assert_int_equal(decode(copy, strlen(body), &err), expected);
	assert_non_null(err);
	if (why)
		assert_string_equal(err, why);
}

static void test_tasks(void **state)
{
	(void)state;
	each_row(i, versions)
	{
		_cleanup_(task_list_clear) struct task_list l = {0};
		_cleanup_free_ char *body = read_version(versions[i], "tasks-running.json");
		_cleanup_free_ char *err = NULL;

		assert_int_equal(spark_decode_tasks(body, strlen(body), &l, &err), 0);
		assert_int_equal(l.n, 2);
		assert_int_equal(l.items[1].task_id, l.items[0].task_id + 1);
		assert_string_equal(l.items[0].executor_id, i == 0 ? "1" : "1");
		assert_int_equal(l.items[0].index, 0);
		assert_int_equal(l.items[1].index, 1);
		assert_false(l.items[1].speculative);
		assert_true(l.items[0].launched > 0);
		assert_true(l.items[0].has_metrics);
		assert_true(l.items[0].counters[PROGRESS_INPUT_RECORDS] > 0);
		assert_true(l.items[0].counters[PROGRESS_INPUT_BYTES] > 0);
		assert_int_equal(l.items[0].counters[PROGRESS_OUTPUT_RECORDS], 0);
		assert_true(l.items[0].gc > USEC_PER_MSEC);
	}
}

static void test_task_sums(void **state)
{
	static const char body[] =
		"[{\"taskId\":5,\"executorId\":\"x\",\"status\":\"RUNNING\",\"taskMetrics\":{"
		"\"memoryBytesSpilled\":7,\"jvmGcTime\":3,\"shuffleReadMetrics\":{"
		"\"remoteBytesRead\":1,"
		"\"localBytesRead\":2,\"remoteBlocksFetched\":3,\"localBlocksFetched\":4,"
		"\"recordsRead\":-5},"
		"\"shuffleWriteMetrics\":{\"bytesWritten\":9}}},"
		"{\"taskId\":6,\"executorId\":\"x\",\"status\":\"SUCCESS\"},"
		"{\"taskId\":7,\"executorId\":\"y\",\"status\":\"RUNNING\"},"
		"{\"taskId\":8,\"executorId\":\"y\",\"status\":\"RUNNING\",\"index\":3,"
		"\"speculative\":"
		"true}]";
	_cleanup_(task_list_clear) struct task_list l = {0};
	_cleanup_free_ char *err = NULL;

	(void)state;
	assert_int_equal(spark_decode_tasks(body, strlen(body), &l, &err), 0);
	assert_int_equal(l.n, 3);
	assert_int_equal(l.items[0].counters[PROGRESS_SHUFFLE_READ_BYTES], 3);
	assert_int_equal(l.items[0].counters[PROGRESS_SHUFFLE_BLOCKS], 7);
	assert_int_equal(l.items[0].counters[PROGRESS_SHUFFLE_READ_RECORDS], 0);
	assert_int_equal(l.items[0].counters[PROGRESS_SHUFFLE_WRITE_BYTES], 9);
	assert_int_equal(l.items[0].counters[PROGRESS_MEMORY_SPILLED], 7);
	assert_int_equal(l.items[0].gc, 3 * USEC_PER_MSEC);
	assert_int_equal(l.items[1].task_id, 7);
	assert_false(l.items[1].has_metrics);
	assert_int_equal(l.items[1].index, -1);
	assert_false(l.items[1].speculative);
	assert_int_equal(l.items[2].index, 3);
	assert_true(l.items[2].speculative);
	assert_refused(try_tasks, "{}", -EBADMSG, "not a list");
	assert_refused(try_tasks, "[{}]", -EBADMSG, "\"status\" is missing");
	assert_refused(try_tasks, "[{\"status\":\"RUNNING\",\"taskId\":1}]", -EBADMSG,
		"\"executorId\" is missing");
	assert_refused(try_tasks,
		"[{\"status\":\"RUNNING\",\"taskId\":\"1\",\"executorId\":\"x\"}]", -EBADMSG, NULL);
	assert_refused(try_tasks, "[{\"status\":\"RUNNING\",\"taskId\":1,\"executorId\":\"\\n\"}]",
		-EBADMSG, NULL);
	assert_refused(try_tasks,
		"[{\"status\":\"RUNNING\",\"taskId\":1,\"executorId\":\"x\",\"taskMetrics\":[]}]",
		-EBADMSG, NULL);
}

static void test_executors(void **state)
{
	static const char body[] =
		"[{\"id\":\"driver\",\"hostPort\":\"h:1\",\"isActive\":true,\"activeTasks\":0},"
		"{\"id\":\"1\",\"hostPort\":\"[::1]:7\",\"activeTasks\":3,\"peakMemoryMetrics\":{"
		"\"MinorGCTime\":5,\"MajorGCTime\":6},"
		"\"executorLogs\":{\"stderr\":\"http://nm:8042/node/containerlogs/container_1/root/"
		"stderr\"}},"
		"{\"id\":\"2\",\"isActive\":false,\"activeTasks\":1}]";
	_cleanup_(executor_list_clear) struct executor_list l = {0};
	_cleanup_free_ char *err = NULL;

	(void)state;
	assert_int_equal(spark_decode_executor_list(body, strlen(body), &l, &err), 0);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.items[0].host, "h");
	assert_string_equal(l.items[1].host, "::1");
	assert_int_equal(l.items[1].active_tasks, 3);
	assert_int_equal(l.items[1].gc, 11 * USEC_PER_MSEC);
	assert_non_null(strstr(l.items[1].log_url, "container_1"));
	each_row(i, versions)
	{
		_cleanup_(executor_list_clear) struct executor_list real = {0};
		_cleanup_free_ char *text = read_version(versions[i], "executors.json");

		assert_int_equal(spark_decode_executor_list(text, strlen(text), &real, &err), 0);
		assert_int_equal(real.n, 2);
		assert_non_null(real.items[0].host);
		assert_int_equal(real.items[0].active_tasks + real.items[1].active_tasks, 6);
	}
	assert_refused(try_executors, "[{\"id\":\"1\"}]", -EBADMSG, "\"activeTasks\" is missing");
	assert_refused(try_executors, "[{\"id\":\"1\",\"isActive\":\"yes\",\"activeTasks\":0}]",
		-EBADMSG, "\"isActive\" is neither true nor false");
}

static void test_threads(void **state)
{
	(void)state;
	each_row(i, versions)
	{
		_cleanup_(thread_list_clear) struct thread_list l = {0};
		_cleanup_free_ char *body = read_version(versions[i], "threads.json");
		_cleanup_free_ char *err = NULL;

		assert_int_equal(
			spark_decode_threads(body, strlen(body), THREADS_OF_TASKS, &l, &err), 0);
		assert_int_equal(
			l.n, i == 0 ? 4 : 3); /* 3.5 feeds Python from threads of their own */
		assert_int_equal(l.items[0].task_id, i == 0 ? 7 : 1);
		assert_string_equal(l.items[0].state, "RUNNABLE");
		assert_int_equal(l.items[0].blocked_by, -1);
		assert_string_equal(l.items[0].frames[0],
			i == 0 ? "sun.nio.ch.SocketDispatcher.read0(Native Method)"
			       : "sun.nio.ch.EPoll.wait(Native Method)");
		for (size_t k = 0; k < l.items[0].n_frames; k++) {
			const char *f = l.items[0].frames[k];

			assert_null(strstr(f, "=>"));
			assert_null(strstr(f, "locked"));
			assert_null(strstr(f, "app//"));
			assert_null(strstr(f, "0x"));
			assert_null(strchr(f, '\n'));
		}
		if (i == 0)
			assert_int_equal(l.items[3].task_id, -1);
	}
}

static void test_driver_threads(void **state)
{
	(void)state;
	each_row(i, versions)
	{
		_cleanup_(thread_list_clear) struct thread_list l = {0};
		_cleanup_free_ char *body = read_version(versions[i], "threads-driver.json");
		_cleanup_free_ char *err = NULL;

		assert_int_equal(
			spark_decode_threads(body, strlen(body), THREADS_OF_DRIVER, &l, &err), 0);
		assert_int_equal(l.n, 5);
		assert_string_equal(l.items[1].name, "main");
	}
}

static void test_blocked(void **state)
{
	static const char body[] =
		" [{\"threadId\":9,\"threadName\":\"holder\",\"threadState\":\"RUNNABLE\","
		"\"stackTrace\":{\"elems\":[\"a.B.c(D.java:1)\"]}},"
		"{\"threadId\":8,\"threadName\":\"noise }]\",\"stackTrace\":{\"elems\":[]}},"
		"{\"threadId\":4,\"threadName\":\"Executor task launch worker for task "
		"77\",\"threadState\":\"BLOCKED\","
		"\"blockedByThreadId\":9,\"blockedByLock\":\"Lock(x)\",\"stackTrace\":{\"elems\":["
		"\"\\\"]}\"]}}]";
	_cleanup_(thread_list_clear) struct thread_list l = {0};
	_cleanup_free_ char *copy = exact_copy(body, strlen(body));
	_cleanup_free_ char *err = NULL;

	(void)state;
	assert_int_equal(spark_decode_threads(copy, strlen(body), THREADS_OF_TASKS, &l, &err), 0);
	assert_int_equal(l.n, 2);
	assert_int_equal(l.items[0].task_id, 77);
	assert_int_equal(l.items[0].blocked_by, 9);
	assert_string_equal(l.items[0].lock, "Lock(x)");
	assert_string_equal(l.items[1].name, "holder");
	assert_int_equal(l.items[1].task_id, -1);
}

static void test_hostile_threads(void **state)
{
	_cleanup_free_ char *many = repeated("[", "{},", SPARK_MAX_THREADS, "{}]");
	_cleanup_free_ char *deep = repeated(
		"[{\"threadId\":1,\"threadName\":\"Executor task launch worker for task 1\",\"x\":",
		"[", 1000, "");
	_cleanup_free_ char *frames = repeated(
		"[{\"threadId\":1,\"threadName\":\"Executor task launch worker for task 1\","
		"\"stackTrace\":{\"elems\":[\"f\"",
		",\"f\"", 5000, "]}}]");
	_cleanup_(thread_list_clear) struct thread_list l = {0};
	_cleanup_free_ char *err = NULL;

	(void)state;
	assert_refused(try_threads, "", -EBADMSG, "not a list");
	assert_refused(try_threads, "{}", -EBADMSG, "not a list");
	assert_refused(try_threads, "[", -EBADMSG, "a list without an end");
	assert_refused(try_threads, "[{\"a\":\"", -EBADMSG, "a list without an end");
	assert_refused(try_threads, "[{\"a\":\"\\", -EBADMSG, "a list without an end");
	assert_refused(try_threads, "[{}]", -EBADMSG, "\"threadId\" is missing");
	assert_refused(try_threads, "[{\"threadName\":\"Executor task launch worker for task 1\",]",
		-EBADMSG, NULL);
	assert_refused(try_threads,
		"[{\"threadId\":1,\"threadName\":\"Executor task launch worker for task 1\"}]",
		-EBADMSG, "\"stackTrace\" is missing");
	assert_refused(try_threads,
		"[{\"threadId\":1,\"threadName\":\"Executor task launch worker for task "
		"1\",\"stackTrace\":{\"elems\":[1]}}]",
		-EBADMSG, "\"elems\" holds what is no text");
	assert_refused(try_threads, many, -E2BIG, NULL);
	assert_refused(try_threads, deep, -EBADMSG, NULL);
	assert_int_equal(
		spark_decode_threads(frames, strlen(frames), THREADS_OF_TASKS, &l, &err), 0);
	assert_int_equal(l.items[0].n_frames, SPARK_MAX_FRAMES);
}

static void test_names_and_frames(void **state)
{
	static const struct {
		const char *in;
		const char *out;
	} frames[] = {
		{"java.base@17.0.21.1/sun.nio.ch.EPoll.wait(Native Method)\n",
			"sun.nio.ch.EPoll.wait(Native Method)"},
		{"app//org.apache.spark.rdd.RDD.$anonfun$collect$2(RDD.scala:1123)\n",
			"org.apache.spark.rdd.RDD.$anonfun$collect$2(RDD.scala:1123)"},
		{"app//org.apache.spark.rdd.RDD$$Lambda$782/0x00007f03805a2db8.apply(Unknown "
		 "Source)",
			"org.apache.spark.rdd.RDD$$Lambda.apply(Unknown Source)"},
		{"app//org.apache.spark.rdd.RDD$$Lambda/0x00007f03805a2db8.apply(Unknown Source)",
			"org.apache.spark.rdd.RDD$$Lambda.apply(Unknown Source)"},
		{"java.io.BufferedInputStream.read(BufferedInputStream.java:263) => holding "
		 "Monitor(java.io.BufferedInputStream@2039122854)",
			"java.io.BufferedInputStream.read(BufferedInputStream.java:263)"},
		{"sun.nio.ch.SelectorImpl.lockAndDoSelect(SelectorImpl.java:129)\n\t-  locked "
		 "sun.nio.ch.EPollSelectorImpl@4d8dd2a7\n",
			"sun.nio.ch.SelectorImpl.lockAndDoSelect(SelectorImpl.java:129)"},
		{"jdk.internal.reflect.GeneratedMethodAccessor12.invoke(Unknown Source)",
			"jdk.internal.reflect.GeneratedMethodAccessor.invoke(Unknown Source)"},
		{"scala.tools.nsc/not(a.module", "not(a.module"},
		{"", ""},
		{"/", ""},
		{"@", "@"},
	};

	(void)state;
	assert_int_equal(
		spark_thread_task(
			"Executor task launch worker for task 424.0 in stage 753.0 (TID 106778)"),
		106778);
	assert_int_equal(spark_thread_task("Executor task launch worker for task 106778"), 106778);
	assert_int_equal(spark_thread_task("Executor task launch worker for task "), -1);
	assert_int_equal(spark_thread_task("Executor task launch worker for task x (TID y)"), -1);
	assert_int_equal(spark_thread_task(
				 "Executor task launch worker for task 99999999999999999999999999"),
		-1);
	assert_int_equal(spark_thread_task("Executor task idle worker#36"), -1);
	each_row(i, frames)
	{
		_cleanup_free_ char *out = NULL;

		assert_int_equal(spark_frame_normalize(frames[i].in, &out), 0);
		assert_string_equal(out, frames[i].out);
	}
}

static void test_dropped(void **state)
{
	uint64_t n = 77;
	_cleanup_free_ char *err = NULL;

	(void)state;
	each_row(i, versions)
	{
		_cleanup_free_ char *body = read_version(versions[i], "metrics.json");

		assert_int_equal(spark_decode_dropped_events(body, strlen(body), &n, &err), 1);
		assert_int_equal(n, 0);
	}
	assert_int_equal(spark_decode_dropped_events("{}", 2, &n, &err), 0);
	assert_int_equal(spark_decode_dropped_events("[]", 2, &n, &err), -EBADMSG);
}

/* Of Spark 4.3.0, two batches behind. */
static void test_batches(void **state)
{
	static const char body[] =
		"{\"startTime\":\"2026-11-29T17:04:02.512GMT\",\"batchDuration\":5000,"
		"\"numReceivers\":1,\"numActiveReceivers\":1,\"numInactiveReceivers\":0,"
		"\"numTotalCompletedBatches\":26,\"numRetainedCompletedBatches\":26,"
		"\"numActiveBatches\":2,\"numProcessedRecords\":72,\"avgInputRate\":0.51}";
	struct batches_obs b = {.completed = 7};
	_cleanup_free_ char *err = NULL;
	_cleanup_free_ char *no_list = NULL;

	(void)state;
	assert_int_equal(spark_decode_batches("{}", 2, &b, &err), -EBADMSG);
	assert_int_equal(spark_decode_batches("[]", 2, &b, &no_list), -EBADMSG);
	assert_int_equal(b.completed, 7);
	assert_int_equal(spark_decode_batches(body, strlen(body), &b, &err), 0);
	assert_int_equal(b.completed, 26);
	assert_int_equal(b.interval, 5 * USEC_PER_SEC);
}

static void test_newest_query(void **state)
{
	static const struct {
		const char *file;
		int64_t id;
		const char *name;
		bool running;
		size_t n_running_jobs;
	} cases[] = {
		{"spark-3.5.9/sql-running.json", 0, "count at NativeMethodAccessorImpl.java:0",
			true, 1},
		{"spark-3.5.9/sql-alone.json", 1, "collect at /opt/jobs/job2.py:6", true, 0},
		{"spark-3.5.9/sql-ended.json", 0, "count at NativeMethodAccessorImpl.java:0", false,
			0},
		{"spark-4.3.0/sql-running.json", 0, "count at NativeMethodAccessorImpl.java:0",
			true, 1},
		{"spark-4.3.0/sql-alone.json", 0, "count at NativeMethodAccessorImpl.java:0", true,
			0},
		{"spark-4.3.0/sql-ended.json", 0, "count at NativeMethodAccessorImpl.java:0", false,
			0},
	};

	(void)state;
	each_row(i, cases)
	{
		_cleanup_free_ char *body = fixture_read(cases[i].file);
		_cleanup_free_ char *err = NULL;
		_cleanup_(query_obs_clear) struct query_obs q = {0};

		assert_int_equal(spark_decode_newest_query(body, strlen(body), &q, &err), 1);
		assert_int_equal(q.id, cases[i].id);
		assert_string_equal(q.name, cases[i].name);
		assert_int_equal(q.running, cases[i].running);
		assert_int_equal(q.n_running_jobs, cases[i].n_running_jobs);
	}
}

static void test_queries_of_queries(void **state)
{
	/* 7 is a part of 6, and 2 is older. */
	static const char body[] =
		"[{\"id\":6,\"status\":\"FAILED\",\"rootExecutionId\":6},"
		"{\"id\":7,\"status\":\"RUNNING\",\"description\":\"a\",\"rootExecutionId\":6},"
		"{\"id\":2,\"status\":\"RUNNING\",\"description\":\"b\"}]";
	static const char *const wrong[] = {"{}", "[{}]", "[{\"id\":1}]",
		"[{\"id\":1,\"status\":7}]", "[{\"id\":1,\"status\":\"\",\"runningJobIds\":{}}]",
		"[{\"id\":1,\"status\":\"\",\"description\":[]}]"};
	static const char *const batches[] = {
		"[{\"id\":9,\"status\":\"COMPLETED\",\"description\":\"clicks<br/>id = "
		"be7c<br/>runId = b9ad<br/>batch = 7\"}]",
		"[{\"id\":9,\"status\":\"COMPLETED\",\"description\":\"\\nid = be7c\\nrunId = "
		"b9ad\\nbatch = 1\"}]",
		"[{\"id\":9,\"status\":\"COMPLETED\",\"description\":\"batch = 1\"}]",
	};
	struct query_obs q = {.id = 77};
	_cleanup_free_ char *err = NULL;
	int r;

	(void)state;
	assert_int_equal(spark_decode_newest_query("[]", 2, &q, &err), 0);
	assert_int_equal(q.id, 77);
	assert_int_equal(spark_decode_newest_query(body, strlen(body), &q, &err), 1);
	assert_int_equal(q.id, 6);
	assert_false(q.running);
	assert_false(q.streams);
	assert_null(q.name);
	/* Spark 3.5 and 4.3; batch = init before the first. */
	each_row(i, batches)
	{
		query_obs_clear(&q);
		assert_int_equal(
			spark_decode_newest_query(batches[i], strlen(batches[i]), &q, &err), 1);
		assert_int_equal(q.streams, i < 2);
	}
	query_obs_clear(&q);
	each_row(i, wrong)
	{
		_cleanup_free_ char *why = NULL;

		q.left_out = (struct left_out){0};
		r = spark_decode_newest_query(wrong[i], strlen(wrong[i]), &q, &why);
		assert_int_equal(left_out_refused(r, &q.left_out, &why), -EBADMSG);
		assert_non_null(why);
	}
}

static void test_properties(void **state)
{
	static const char body[] = "{\"sparkProperties\":[[\"spark.network.timeout\",\"300s\"],["
				   "\"spark.my.password\",\"x\"],"
				   "[\"spark.hadoop.fs.s3a.secret.key\",\"y\"],[\"spark.airflow."
				   "dag_id\",\"d\\u001b[1m\"],[1,2],7,"
				   "[\"spark.task.a=b\",\"c\"],[\"spark.task.\\u202e\",\"c\"]]}";
	_cleanup_(strlist_clear) struct strlist l = {0};
	_cleanup_free_ char *err = NULL;

	(void)state;
	assert_int_equal(spark_decode_properties(body, strlen(body), &l, &err), 0);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.items[0], "spark.network.timeout=300s");
	assert_string_equal(l.items[1], "spark.airflow.dag_id=d?[1m");
	assert_refused(try_properties, "{}", -EBADMSG, "\"sparkProperties\" is missing");
}

/* Of the command line nothing but the class of a server is kept. */
static void test_main_class(void **state)
{
	static const struct {
		const char *command;
		const char *kept; /* NULL: nothing */
	} cases[] = {
		{"org.apache.spark.deploy.SparkSubmit --name w --class "
		 "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2 spark-internal --key s",
			"sun.java.command="
			"org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"},
		{"org.apache.toree.Main --profile x", "sun.java.command=org.apache.toree.Main"},
		{"org.apache.spark.deploy.yarn.ApplicationMaster --class "
		 "org.apache.kyuubi.engine.spark.SparkSQLEngine --jar k.jar",
			"sun.java.command=org.apache.kyuubi.engine.spark.SparkSQLEngine"},
		{"org.apache.spark.deploy.SparkSubmit --class etl.Main a.jar "
		 "org.apache.spark.repl.Main",
			NULL},
		{"org.apache.spark.deploy.SparkSubmit pyspark-shell", NULL},
		{"", NULL},
	};

	(void)state;
	each_row(i, cases)
	{
		_cleanup_(strlist_clear) struct strlist l = {0};
		_cleanup_free_ char *err = NULL;
		char body[512];

		(void)snprintf(body, sizeof(body),
			"{\"sparkProperties\":[],\"systemProperties\":[7,[\"a\"],[\"user.name\","
			"\"x\"],[\"sun.java.command\",\"%s\"]]}",
			cases[i].command);
		assert_int_equal(spark_decode_properties(body, strlen(body), &l, &err), 0);
		assert_int_equal(l.n, cases[i].kept ? 1 : 0);
		if (cases[i].kept)
			assert_string_equal(l.items[0], cases[i].kept);
	}
}

/* What is kept of an answer reads as the answer, and holds nothing else. */
static void test_trimmed_environment(void **state)
{
	static const char body[] =
		"{\"runtime\":{\"javaHome\":\"/s3cret\"},\"sparkProperties\":[[\"spark.network."
		"timeout\",\"300s\"],[\"spark.my.key\",\"s3cret\"],[\"spark.airflow.dag_id\","
		"\"d\\\"\"],[\"spark.openlineage.parentRunId\",\"r\"],[\"spark.openlineage."
		"transport.auth.apiKey\",\"s3cret\"],[1,\"s3cret\"],[[\"s3cret\"]],\"s3cret\"],"
		"\"systemProperties\":[[\"sun.java.command\",\"org.apache.toree.Main --pw "
		"s3cret\"],"
		"[\"x\",\"s3cret\"]],\"hadoopProperties\":[[\"spark.airflow.run_id\",\"s3cret\"]]}";
	_cleanup_free_ char *exact = exact_copy(body, strlen(body));
	_cleanup_free_ char *kept = NULL;
	_cleanup_free_ char *again = NULL;
	_cleanup_free_ char *bare = NULL;
	_cleanup_free_ char *err = NULL;

	(void)state;
	assert_int_equal(spark_trim_environment(exact, strlen(body), &kept, &err), 0);
	assert_string_equal(kept,
		"{\"sparkProperties\":[[\"spark.network.timeout\",\"300s\"],[\"spark.airflow.dag_"
		"id\",\"d\\\"\"],[\"spark.openlineage.parentRunId\",\"r\"],[],[],[]],"
		"\"systemProperties\":"
		"[[\"sun.java.command\",\"org.apache.toree.Main\"]]}");
	assert_int_equal(spark_trim_environment(kept, strlen(kept), &again, &err), 0);
	assert_string_equal(again, kept);
	assert_int_equal(spark_trim_environment("{\"sparkProperties\":[]}", 22, &bare, &err), 0);
	assert_string_equal(bare, "{\"sparkProperties\":[]}");
	assert_int_equal(spark_trim_environment("{}", 2, &bare, &err), -EBADMSG);
	assert_string_equal(err, "\"sparkProperties\" is missing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trimmed_environment),
		cmocka_unit_test(test_tasks),
		cmocka_unit_test(test_task_sums),
		cmocka_unit_test(test_executors),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_driver_threads),
		cmocka_unit_test(test_blocked),
		cmocka_unit_test(test_hostile_threads),
		cmocka_unit_test(test_names_and_frames),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_newest_query),
		cmocka_unit_test(test_queries_of_queries),
		cmocka_unit_test(test_properties),
		cmocka_unit_test(test_main_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
