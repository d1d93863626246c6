/* SPDX-License-Identifier: Apache-2.0
 * The table of decisions, row by row, and the causes that frames tell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../row.h"

#include "core/detect/decision.h"
#include "core/facts/cause.h"

#define MIN USEC_PER_MINUTE

static const struct rule rule = {.hung_after = 10 * MIN, .hung_after_unproven = 30 * MIN};

static void check(struct findings f, usec_t stalled, enum verdict want, const char *limit)
{
	struct decision d;

	f.has_tasks = f.n_running > 0;
	assert_int_equal(f.n_stalled, f.n_working + f.n_may_work + f.n_idle + f.n_still +
					      f.n_frozen + f.n_absent + f.n_unknown);
	decide(&f, &rule, stalled, &d);
	assert_string_equal(verdict_name(d.verdict), verdict_name(want));
	if (limit)
		assert_string_equal(d.limit_name, limit);
}

static void test_all(void **state)
{
	struct findings idle = {.n_running = 6,
		.n_stalled = 6,
		.n_idle = 6,
		.shortest = 10 * MIN,
		.longest = 10 * MIN};
	struct findings still = {.n_running = 6,
		.n_stalled = 6,
		.n_still = 6,
		.shortest = 10 * MIN,
		.longest = 40 * MIN};
	struct findings mixed = {.n_running = 6,
		.n_stalled = 6,
		.n_idle = 5,
		.n_frozen = 1,
		.shortest = 29 * MIN,
		.longest = 29 * MIN};
	struct findings dark = {.n_running = 6,
		.n_stalled = 6,
		.n_idle = 5,
		.n_unknown = 1,
		.shortest = 29 * MIN,
		.longest = 29 * MIN};
	struct findings work = {.n_running = 6, .n_stalled = 6, .n_working = 6};
	struct findings some = {.n_running = 6,
		.n_stalled = 6,
		.n_working = 1,
		.n_still = 5,
		.shortest = 29 * MIN,
		.longest = 29 * MIN};
	struct findings absent = {.n_running = 6,
		.n_stalled = 6,
		.n_absent = 6,
		.shortest = 60 * MIN,
		.longest = 60 * MIN};

	(void)state;
	check(idle, 10 * MIN, VERDICT_HUNG, "hung_after");
	/* The last of them counts. */
	check(still, 40 * MIN, VERDICT_SUSPECT, "hung_after_unproven");
	still.shortest = 30 * MIN;
	check(still, 40 * MIN, VERDICT_HUNG, "hung_after_unproven");
	check(mixed, 29 * MIN, VERDICT_SUSPECT, "hung_after_unproven");
	check(dark, 29 * MIN, VERDICT_SUSPECT, "hung_after_unproven");
	dark.shortest = 30 * MIN;
	check(dark, 30 * MIN, VERDICT_HUNG, "hung_after_unproven");
	check(work, 600 * MIN, VERDICT_SLOW, NULL);
	/* One works, and of the others it is not known that they do nothing. */
	check(some, 600 * MIN, VERDICT_SLOW, NULL);
	some.n_still = 0;
	some.n_idle = 5;
	check(some, 600 * MIN, VERDICT_SLOW, NULL);
	some.n_seen = 6;
	check(some, 29 * MIN, VERDICT_SUSPECT, "hung_after_unproven");
	some.shortest = some.longest = 30 * MIN;
	check(some, 30 * MIN, VERDICT_HUNG, "hung_after_unproven");
	some.n_idle = 4;
	some.n_may_work = 1;
	check(some, 30 * MIN, VERDICT_HUNG, "hung_after_unproven");
	/* In a barrier stage they wait for the one. */
	some.barrier = true;
	check(some, 600 * MIN, VERDICT_SLOW, NULL);
	some.barrier = false;
	some.n_idle = 0;
	some.n_may_work = 5;
	check(some, 600 * MIN, VERDICT_SLOW, NULL);
	check(absent, 60 * MIN, VERDICT_PHANTOM, NULL);
	/* The driver has something to do, or is seen to take in what came of them. */
	absent.driver_works = true;
	check(absent, 60 * MIN, VERDICT_SLOW, NULL);
	absent.takes_results = true;
	check(absent, 60 * MIN, VERDICT_SLOW, NULL);
}

static void test_some(void **state)
{
	struct findings idle = {.n_running = 6,
		.n_stalled = 5,
		.n_idle = 5,
		.shortest = 11 * MIN,
		.longest = 29 * MIN};
	struct findings dark = {.n_running = 6,
		.n_stalled = 5,
		.n_unknown = 5,
		.shortest = 60 * MIN,
		.longest = 60 * MIN};
	struct findings work = {.n_running = 6, .n_stalled = 5, .n_working = 5};
	struct findings absent = {.n_running = 6,
		.n_stalled = 1,
		.n_absent = 1,
		.shortest = 60 * MIN,
		.longest = 60 * MIN};
	struct findings none = {.n_running = 6};

	(void)state;
	check(idle, 0, VERDICT_SUSPECT, "hung_after_unproven");
	idle.longest = 30 * MIN;
	check(idle, 0, VERDICT_HUNG, "hung_after_unproven");
	check(dark, 0, VERDICT_SUSPECT, NULL);
	check(work, 0, VERDICT_SLOW, NULL);
	check(absent, 0, VERDICT_SUSPECT, NULL);
	check(none, 60 * MIN, VERDICT_PROGRESSING, NULL);
	/* In a barrier stage the stalled ones wait for the one that moves. */
	idle.barrier = true;
	check(idle, 0, VERDICT_SLOW, NULL);
	idle.barrier = false;
	/* All are stalled, but the stage has just completed another: some, as far as it goes. */
	idle.n_stalled = idle.n_idle = idle.n_running;
	idle.longest = 29 * MIN;
	check(idle, 0, VERDICT_SUSPECT, "hung_after_unproven");
}

enum {
	WORKING,
	MAY_WORK,
	IDLE,
	STILL,
	FROZEN,
	ABSENT,
	NOTHING_KNOWN,
	N_SHOWN
};

#define HAS_TASKS 1U
#define EVENTS_DROPPED 2U
#define TAKES_RESULTS 4U
#define OLD 8U
#define SEEN 16U
#define DRIVER_WORKS 32U
#define BARRIER 64U
#define N_FLAGS 128U

/* How near to an action a verdict is. */
static int severity(const struct findings *f, usec_t stalled)
{
	struct decision d;

	decide(f, &rule, stalled, &d);
	return d.verdict == VERDICT_HUNG ? 2 : d.verdict == VERDICT_SUSPECT ? 1 : 0;
}

static struct findings findings_with(const size_t *n, size_t moving, unsigned flags, usec_t silent)
{
	struct findings f = {
		.has_tasks = flags & HAS_TASKS,
		.events_dropped = flags & EVENTS_DROPPED,
		.takes_results = flags & TAKES_RESULTS,
		.driver_works = flags & DRIVER_WORKS,
		.barrier = flags & BARRIER,
		.old = flags & OLD,
		.n_working = n[WORKING],
		.n_may_work = n[MAY_WORK],
		.n_idle = n[IDLE],
		.n_still = n[STILL],
		.n_frozen = n[FROZEN],
		.n_absent = n[ABSENT],
		.n_unknown = n[NOTHING_KNOWN],
		.shortest = silent,
		.longest = silent,
	};

	for (size_t i = 0; i < N_SHOWN; i++)
		f.n_stalled += n[i];
	f.n_seen = flags & SEEN ? f.n_stalled - n[NOTHING_KNOWN] : 0;
	f.n_running = f.n_stalled + moving;
	return f;
}

/* What holds of one set of findings, and of the same where less is known. */
static void hold(const size_t *n, size_t moving, unsigned flags, usec_t silent)
{
	struct findings f = findings_with(n, moving, flags, silent);
	int is = severity(&f, silent);

	assert_true(silent >= rule.hung_after || is < 2);
	/* Before hung_after_unproven: by proof alone. */
	if (is == 2 && silent < rule.hung_after_unproven)
		assert_true(n[IDLE] == f.n_stalled && (moving == 0 || !f.has_tasks));
	/* Never against signs of life, where the others were not seen to do nothing. */
	if (is == 2 && n[WORKING] + n[MAY_WORK] > 0)
		assert_true(
			n[STILL] + n[ABSENT] + n[NOTHING_KNOWN] == 0 && n[IDLE] + n[FROZEN] > 0);
	/* To know less of a task that was seen to do nothing makes it no more of a hang. */
	for (size_t from = IDLE; from <= FROZEN; from++) {
		size_t less[N_SHOWN];
		struct findings g;

		if (n[from] == 0)
			continue;
		memcpy(less, n, sizeof(less));
		less[from]--;
		less[NOTHING_KNOWN]++;
		g = findings_with(less, moving, flags, silent);
		assert_true(severity(&g, silent) <= is);
	}
	/* Nor does it to have no dumps, or to have lost events: at most doubt comes of that. */
	f = findings_with(n, moving, flags & ~SEEN, silent);
	assert_true(severity(&f, silent) <= is || severity(&f, silent) < 2);
	f = findings_with(n, moving, flags | BARRIER, silent);
	assert_true(severity(&f, silent) <= is);
	f = findings_with(n, moving, flags | EVENTS_DROPPED, silent);
	assert_true(severity(&f, silent) <= is || severity(&f, silent) < 2);
}

/* Every way in which up to three stalled tasks can look, with and without one that moves. */
static void test_unknown_is_never_hung(void **state)
{
	static const usec_t silences[] = {5 * MIN, 10 * MIN, 29 * MIN, 30 * MIN, 600 * MIN};
	size_t n_hung = 0;
	size_t n_looks = 0;

	(void)state;
	for (size_t code = 1; code < (size_t)1 << (2 * N_SHOWN); code++) {
		size_t n[N_SHOWN];
		size_t sum = 0;

		for (size_t i = 0; i < N_SHOWN; i++) {
			n[i] = code >> (2 * i) & 3;
			sum += n[i];
		}
		if (sum > 3)
			continue;
		n_looks++;
		for (unsigned flags = 0; flags < N_FLAGS; flags++)
			for (size_t i = 0; i < ELEMENTSOF(silences); i++) {
				struct findings f = findings_with(n, 0, flags, silences[i]);

				n_hung += severity(&f, silences[i]) == 2;
				hold(n, 0, flags, silences[i]);
				hold(n, 1, flags, silences[i]);
			}
	}
	assert_int_equal(n_looks, 119);
	assert_true(n_hung > 100);
}

static void test_nothing_known(void **state)
{
	(void)state;
	check((struct findings){0}, 29 * MIN, VERDICT_SUSPECT, "hung_after_unproven");
	check((struct findings){0}, 30 * MIN, VERDICT_HUNG, "hung_after_unproven");
}

static void test_lost_events(void **state)
{
	struct findings f = {.n_running = 6,
		.n_stalled = 6,
		.n_idle = 6,
		.shortest = 60 * MIN,
		.longest = 60 * MIN,
		.events_dropped = true};

	(void)state;
	check(f, 60 * MIN, VERDICT_SUSPECT, NULL);
	check((struct findings){.events_dropped = true}, 60 * MIN, VERDICT_SUSPECT, NULL);
	f.n_seen = 6;
	check(f, 60 * MIN, VERDICT_HUNG, NULL);
	f.n_seen = 0;
	f.n_idle = 0;
	f.n_working = 6;
	check(f, 60 * MIN, VERDICT_SLOW, NULL);
}

#define FRAMES(...) ((const char *[]){__VA_ARGS__, NULL})

static char holder[] = "holder";
static char main_thread[] = "main";
static char batch_thread[] = "streaming-job-executor-0";
static char py4j[] = "Thread-4";

/* Threads own their frames; these only lend them. */
static char **lend(const char **frames)
{
	union {
		const char **in;
		char **out;
	} u = {.in = frames};

	return u.out;
}

static struct cause_hint cause(const char **frames, int64_t blocked_by)
{
	struct thread_obs threads[2] = {
		{.id = 7, .blocked_by = blocked_by, .frames = lend(frames)},
		{.id = 9,
			.blocked_by = -1,
			.name = holder,
			.n_frames = 1,
			.frames = lend(FRAMES("job.Holder.run(Holder.java:3)"))},
	};
	struct thread_list dump = {.items = threads, .n = 2};
	struct cause_hint h;

	while (frames[threads[0].n_frames])
		threads[0].n_frames++;
	cause_of_task(&threads[0], &dump, &h);
	return h;
}

static void test_causes(void **state)
{
	static const struct {
		enum cause cause;
		const char *frames[8];
		const char *because;
	} cases[] = {
		/* Spark 3.5 and 4.3 wait for Python. */
		{CAUSE_PYTHON_WORKER,
			{"sun.nio.ch.SocketDispatcher.read0(Native Method)",
				"sun.nio.ch.NioSocketImpl.read(NioSocketImpl.java:355)",
				"java.io.DataInputStream.readInt(DataInputStream.java:381)",
				"org.apache.spark.api.python.PythonRunner$$anon$3.read("
				"PythonRunner.scala:774)"},
			"PythonRunner.scala:774"},
		{CAUSE_PYTHON_WORKER,
			{"sun.nio.ch.EPoll.wait(Native Method)",
				"org.apache.spark.api.python.BasePythonRunner$ReaderInputStream."
				"read(PythonRunner.scala:1274)"},
			"ReaderInputStream"},
		{CAUSE_SHUFFLE_FETCH,
			{"jdk.internal.misc.Unsafe.park(Native Method)",
				"java.util.concurrent.LinkedBlockingQueue.take(LinkedBlockingQueue."
				"java:435)",
				"org.apache.spark.storage.ShuffleBlockFetcherIterator.next("
				"ShuffleBlockFetcherIterator.scala:830)"},
			"ShuffleBlockFetcherIterator"},
		/* Who called the JDK is told, whoever that is. */
		{CAUSE_IO_WAIT,
			{"java.net.SocketInputStream.socketRead0(Native Method)",
				"java.net.SocketInputStream.read(SocketInputStream.java:171)",
				"org.postgresql.core.VisibleBufferedInputStream.readMore("
				"VisibleBufferedInputStream.java:161)"},
			"org.postgresql"},
		{CAUSE_SERIALIZATION,
			{"java.io.ObjectInputStream.readObject0(ObjectInputStream.java:1733)",
				"org.apache.spark.serializer.JavaDeserializationStream.readObject("
				"JavaSerializer.scala:88)"},
			"JavaDeserializationStream"},
		{CAUSE_UNKNOWN,
			{"java.lang.Thread.sleep(Native Method)",
				"job.Sleeper.run(Sleeper.java:9)"},
			"sleep"},
	};

	(void)state;
	each_row(i, cases)
	{
		const char *frames[8];
		struct cause_hint h;

		memcpy(frames, cases[i].frames, sizeof(frames));
		h = cause(frames, -1);
		assert_string_equal(cause_name(h.cause), cause_name(cases[i].cause));
		assert_non_null(strstr(h.because, cases[i].because));
	}
}

static void test_lock(void **state)
{
	struct cause_hint h = cause(FRAMES("job.Waiter.run(Waiter.java:5)"), 9);

	(void)state;
	assert_int_equal(h.cause, CAUSE_JVM_LOCK);
	assert_string_equal(
		h.because, "blocked by thread 9 \"holder\" in job.Holder.run(Holder.java:3)");
	/* One that is not in the dump. */
	h = cause(FRAMES("job.Waiter.run(Waiter.java:5)"), 77);
	assert_int_equal(h.cause, CAUSE_JVM_LOCK);
}

static void test_driver(void **state)
{
	struct thread_obs threads[2] = {
		{.id = 1,
			.blocked_by = -1,
			.name = main_thread,
			.n_frames = 1,
			.frames = lend(
				FRAMES("java.lang.ProcessImpl.waitFor(ProcessImpl.java:434)"))},
		{.id = 2,
			.blocked_by = -1,
			.name = py4j,
			.n_frames = 2,
			.frames = lend(FRAMES(
				"java.net.SocketOutputStream.write(SocketOutputStream.java:1)",
				"org.apache.spark.sql.Dataset.collectToPython(Dataset.scala:1)"))},
	};
	struct thread_list dump = {.items = threads, .n = 1};
	struct cause_hint h;

	(void)state;
	cause_of_driver(&dump, &h);
	assert_int_equal(h.cause, CAUSE_UNKNOWN);
	dump.n = 2;
	cause_of_driver(&dump, &h);
	assert_int_equal(h.cause, CAUSE_DRIVER_COLLECT);
	assert_non_null(strstr(h.because, "Thread-4"));
	/* A write that commits on a slow file system, as recorded. */
	threads[1].frames = lend(FRAMES("java.lang.Thread.sleep(Native Method)",
		"SlowCommitter.commitJob(SlowCommitter.java:17)",
		"org.apache.spark.internal.io.HadoopMapReduceCommitProtocol.commitJob(H.scala:"
		"190)"));
	threads[1].n_frames = 3;
	cause_of_driver(&dump, &h);
	assert_int_equal(h.cause, CAUSE_IO_WAIT);
	assert_string_equal(
		h.because, "Thread-4 in SlowCommitter.commitJob(SlowCommitter.java:17)");
	/* In Spark, but nowhere that is known: said, and no more. */
	threads[1].n_frames = 2;
	threads[1].frames[1] = threads[1].frames[0];
	cause_of_driver(&dump, &h);
	assert_int_equal(h.cause, CAUSE_UNKNOWN);
	assert_string_equal(h.because, "");
}

/* What holds a batch of a streaming context is said before what else runs in its driver. */
static void test_batch(void **state)
{
	struct thread_obs threads[2] = {
		{.id = 1,
			.blocked_by = -1,
			.name = py4j,
			.n_frames = 1,
			.frames = lend(FRAMES("org.apache.spark.streaming.receiver."
					      "BlockGenerator.keepPushingBlocks(B.scala:1)"))},
		{.id = 2,
			.blocked_by = -1,
			.name = batch_thread,
			.n_frames = 1,
			.frames = lend(FRAMES("etl.Sink.write(Sink.java:7)"))},
	};
	struct thread_list dump = {.items = threads, .n = 2};
	struct cause_hint h;

	(void)state;
	cause_of_driver(&dump, &h);
	assert_string_equal(h.because, "streaming-job-executor-0 in etl.Sink.write(Sink.java:7)");
	threads[1].frames =
		lend(FRAMES("java.util.concurrent.ThreadPoolExecutor.getTask(T.java:1)"));
	cause_of_driver(&dump, &h);
	assert_non_null(strstr(h.because, "Thread-4 in "));
}

/* The end of a task passes through three threads of the driver. */
static void test_driver_takes_results(void **state)
{
	static const struct {
		const char *name;
		const char *frames[4];
		const char *because; /* NULL: it is at rest */
	} cases[] = {
		{"task-result-getter-0",
			{"java.util.concurrent.LinkedBlockingQueue.take(L.java:435)",
				"java.util.concurrent.ThreadPoolExecutor.getTask(T.java:1062)"},
			NULL},
		/* So deep that the frames which name it are cut. */
		{"task-result-getter-3",
			{"java.util.HashSet.iterator(HashSet.java:174)",
				"java.util.AbstractSet.hashCode(AbstractSet.java:120)"},
			"task-result-getter-3 in java.util.HashSet.iterator(HashSet.java:174)"},
		{"dag-scheduler-event-loop",
			{"java.util.concurrent.LinkedBlockingDeque.take(L.java:673)",
				"org.apache.spark.util.EventLoop$$anon$1.run(E.scala:48)"},
			NULL},
		{"dag-scheduler-event-loop",
			{"java.util.HashMap.put(HashMap.java:1)",
				"org.apache.spark.scheduler.JobWaiter.taskSucceeded(J.scala:61)"},
			"dag-scheduler-event-loop in "
			"org.apache.spark.scheduler.JobWaiter.taskSucceeded(J.scala:61)"},
		{"spark-listener-group-appStatus",
			{"java.util.concurrent.LinkedBlockingQueue.take(L.java:435)",
				"org.apache.spark.scheduler.AsyncEventQueue.dispatch(A.scala:1)"},
			NULL},
		{"spark-listener-group-appStatus",
			{"org.apache.spark.status.AppStatusListener.onTaskEnd(A.scala:1)"},
			"spark-listener-group-appStatus in "
			"org.apache.spark.status.AppStatusListener.onTaskEnd(A.scala:1)"},
		{"main", {"job.Fit.run(Fit.java:1)"}, NULL},
		{"task-result-getter-1", {NULL}, NULL},
	};

	(void)state;
	each_row(i, cases)
	{
		char name[64];
		const char *frames[4];
		struct thread_obs t = {.blocked_by = -1, .name = name};
		struct thread_list dump = {.items = &t, .n = 1};
		struct cause_hint h;

		(void)snprintf(name, sizeof(name), "%s", cases[i].name);
		memcpy(frames, cases[i].frames, sizeof(frames));
		t.frames = lend(frames);
		while (frames[t.n_frames])
			t.n_frames++;
		assert_int_equal(cause_takes_results(&dump, &h), cases[i].because != NULL);
		assert_int_equal(h.cause, cases[i].because ? CAUSE_DRIVER_COLLECT : CAUSE_UNKNOWN);
		assert_string_equal(h.because, cases[i].because ? cases[i].because : "");
	}
}

static void assert_query(
	struct cause_hint h, struct query_obs q, enum cause cause, const char *because)
{
	cause_add_query(&h, &q);
	assert_int_equal(h.cause, cause);
	assert_string_equal(h.because, because);
}

static void test_query_of_idle_driver(void **state)
{
	char pandas[] = "toPandas at etl.py:7";
	char save[] = "save at etl.py:9";
	char deep[] = "toPandas at /opt/airflow/dags/repo/a/very/long/way/to/where/all/the/jobs/of/"
		      "this/team/have/been/for/years/etl.py:7";
	char told[] = "A very long description that somebody gave to the job of the night, to tell "
		      "what it "
		      "does: \u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc at night";
	const struct cause_hint nothing = {0};
	const struct cause_hint commit = {CAUSE_IO_WAIT, "main in commitJob"};

	(void)state;
	assert_query(nothing, (struct query_obs){.name = pandas, .running = true},
		CAUSE_DRIVER_COLLECT, "query toPandas at etl.py:7 runs without a job");
	assert_query(commit, (struct query_obs){.name = save, .running = true}, CAUSE_IO_WAIT,
		"query save at etl.py:9 runs without a job; main in commitJob");
	assert_query(nothing, (struct query_obs){.name = save, .running = true}, CAUSE_UNKNOWN,
		"query save at etl.py:9 runs without a job");
	/* Whatever the driver does now is not that query. */
	assert_query(nothing, (struct query_obs){.name = pandas}, CAUSE_UNKNOWN,
		"the last query was toPandas at etl.py:7");
	assert_query(nothing, (struct query_obs){.name = deep}, CAUSE_UNKNOWN,
		"the last query was toPandas at ...repo/a/very/long/way/to/where/all/the/jobs/of/"
		"this/team/have/been/for/years/etl.py:7");
	/* What a program calls it is cut at its end, on a character's border. */
	assert_query(commit, (struct query_obs){.name = told, .running = true}, CAUSE_IO_WAIT,
		"query A very long description that somebody gave to the job of the night, to tell "
		"what it "
		"does: \u00fc\u00fc\u00fc\u00fc runs without a job; main in commitJob");
	/* It is not idle at all, or nothing is known. */
	assert_query(nothing,
		(struct query_obs){.name = pandas, .running = true, .n_running_jobs = 1},
		CAUSE_UNKNOWN, "");
	assert_query(nothing, (struct query_obs){.running = true}, CAUSE_UNKNOWN, "");
}

static void test_names_of_calls(void **state)
{
	static const struct {
		const char *name;
		const char *stalled_sign;
	} cases[] = {
		{"collect at a.py:1", "collect at a.py:1"},
		{"collect at /opt/airflow/dags/repo/jobs/team/nightly/of/all/etl.py:7",
			"collect at ...rflow/dags/repo/jobs/team/nightly/of/all/etl.py:7"},
		/* The border is within a character. */
		{"collect at /opt/a\u00e4flow/dags/repo/jobs/team/nightly/of/all/etl.py:7",
			"collect at ...flow/dags/repo/jobs/team/nightly/of/all/etl.py:7"},
		/* A description. */
		{"SELECT a, b, c, d, e, f, g, h, i, j, k FROM t WHERE x at y AND z = 1",
			"SELECT a, b, c, d, e, f, g, h, i, j, k FROM t WHERE x at y AND "},
	};

	(void)state;
	each_row(i, cases)
	{
		char stalled_sign[64];

		cause_name_call(stalled_sign, sizeof(stalled_sign), cases[i].name);
		assert_string_equal(stalled_sign, cases[i].stalled_sign);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_some),
		cmocka_unit_test(test_unknown_is_never_hung),
		cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_lost_events),
		cmocka_unit_test(test_causes),
		cmocka_unit_test(test_lock),
		cmocka_unit_test(test_driver),
		cmocka_unit_test(test_batch),
		cmocka_unit_test(test_driver_takes_results),
		cmocka_unit_test(test_query_of_idle_driver),
		cmocka_unit_test(test_names_of_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
