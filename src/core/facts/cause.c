/* SPDX-License-Identifier: Apache-2.0
 * A table of frames, and what a thread that is there waits for. */
#include "core/facts/cause.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"

static const char *const names[] = {
	[CAUSE_UNKNOWN] = "unknown",
	[CAUSE_PYTHON_WORKER] = "python_worker",
	[CAUSE_SHUFFLE_FETCH] = "shuffle_fetch",
	[CAUSE_JVM_LOCK] = "jvm_lock",
	[CAUSE_IO_WAIT] = "io_wait",
	[CAUSE_EXECUTOR_FROZEN] = "executor_frozen",
	[CAUSE_EXECUTOR_LOST] = "executor_lost",
	[CAUSE_DRIVER_COLLECT] = "driver_collect",
	[CAUSE_DRIVER_GC] = "driver_gc",
	[CAUSE_MEMORY_PRESSURE] = "memory_pressure",
	[CAUSE_SERIALIZATION] = "serialization",
	[CAUSE_NO_RESOURCES] = "no_resources",
};
_Static_assert(ELEMENTSOF(names) == CAUSE_MAX, "a name per cause");

const char *cause_name(enum cause c)
{
	return names[c];
}

struct pattern {
	enum cause cause;
	const char *frame; /* a part of it */
};

/* Class names as in Spark 2.4 to 4.3. Of two in one frame, the first here. */
static const struct pattern task_patterns[] = {
	{CAUSE_SHUFFLE_FETCH, "spark.storage.ShuffleBlockFetcherIterator"},
	{CAUSE_SHUFFLE_FETCH, "spark.storage.BufferReleasingInputStream"},
	{CAUSE_SHUFFLE_FETCH, "spark.MapOutputTracker"},
	{CAUSE_SERIALIZATION, "spark.broadcast.TorrentBroadcast"},
	{CAUSE_SERIALIZATION, "spark.serializer."},
	{CAUSE_PYTHON_WORKER, "spark.api.python."},
	{CAUSE_PYTHON_WORKER, "spark.sql.execution.python."},
	{CAUSE_IO_WAIT, "org.apache.hadoop.hdfs."},
	{CAUSE_IO_WAIT, "org.apache.hadoop.ipc."},
	{CAUSE_IO_WAIT, "org.apache.hadoop.fs."},
	{CAUSE_IO_WAIT, "com.google.cloud.hadoop."},
	{CAUSE_IO_WAIT, "org.apache.http."},
	{CAUSE_IO_WAIT, "software.amazon.awssdk."},
	{CAUSE_IO_WAIT, "com.amazonaws."},
};

/* At the top of a thread that waits for a socket or a file; OpenJDK 8 to 21. Who waits is told by
 * the frame that called the JDK. */
static const char *const io_frames[] = {
	"java.net.SocketInputStream.",
	"java.net.Socket$SocketInputStream.",
	"sun.nio.ch.NioSocketImpl.",
	"sun.nio.ch.SocketChannelImpl.",
	"sun.nio.ch.SocketDispatcher.",
	"sun.nio.ch.EPoll.wait",
	"java.io.FileInputStream.",
	"java.io.FileOutputStream.",
	"sun.nio.ch.FileDispatcherImpl.",
	"sun.nio.ch.FileChannelImpl.",
};

static const struct pattern driver_patterns[] = {
	{CAUSE_DRIVER_COLLECT, "scheduler.TaskResultGetter"},
	{CAUSE_DRIVER_COLLECT, "sql.Dataset.collect"},
	{CAUSE_DRIVER_COLLECT, "Dataset.$anonfun$collect"},
	{CAUSE_DRIVER_COLLECT, "sql.Dataset.toPandas"},
	{CAUSE_DRIVER_COLLECT, "SparkPlan.executeCollect"},
	{CAUSE_DRIVER_COLLECT, "SparkPlan.decodeUnsafeRows"},
	{CAUSE_DRIVER_COLLECT, "rdd.RDD.collect"},
	{CAUSE_DRIVER_COLLECT, "api.python.PythonRDD$.serveIterator"},
	{CAUSE_DRIVER_COLLECT, "api.python.PythonRDD$.collect"},
	{CAUSE_DRIVER_COLLECT, "api.python.PythonRDD$.writeIteratorToStream"},
	{CAUSE_IO_WAIT, "CommitProtocol.commitJob"},
	{CAUSE_SERIALIZATION, "exchange.BroadcastExchangeExec"},
	{CAUSE_SERIALIZATION, "serializer.JavaSerializationStream"},
};

/* A wait is a few frames above the code that it is for. */
#define NEAR 4
#define TOP 8
/* Room for the name of a query. */
#define MAX_NAME 100
/* What of an earlier hint has room behind it. */
#define MAX_KNOWN 110
/* Of a call that is named with a place: longer ones are something else, such as a description. */
#define MAX_CALL 40

static bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool of_jdk(const char *frame)
{
	return starts_with(frame, "java.") || starts_with(frame, "javax.") ||
	       starts_with(frame, "jdk.") || starts_with(frame, "sun.");
}

/* The first frame that is not the JDK's; n_frames: there is none. */
static size_t caller(const struct thread_obs *t)
{
	size_t i = 0;

	while (i < t->n_frames && of_jdk(t->frames[i]))
		i++;
	return i;
}

/* The first pattern among n frames from the one given on. */
static const struct pattern *match(const struct thread_obs *t, size_t first, size_t n,
	const struct pattern *patterns, size_t n_patterns)
{
	for (size_t i = first; i < t->n_frames && i < first + n; i++)
		for (size_t k = 0; k < n_patterns; k++)
			if (strstr(t->frames[i], patterns[k].frame))
				return &patterns[k];
	return NULL;
}

static bool waits_for_io(const struct thread_obs *t)
{
	for (size_t i = 0; i < t->n_frames && i < TOP; i++)
		for (size_t k = 0; k < ELEMENTSOF(io_frames); k++)
			if (starts_with(t->frames[i], io_frames[k]))
				return true;
	return false;
}

bool cause_is_python(const struct thread_obs *t)
{
	for (size_t i = 0; i < t->n_frames; i++)
		if (strstr(t->frames[i], "spark.api.python.") ||
			strstr(t->frames[i], "sql.execution.python."))
			return true;
	return false;
}

static bool has_frame(const struct thread_obs *t, const char *part)
{
	for (size_t i = 0; i < t->n_frames; i++)
		if (strstr(t->frames[i], part))
			return true;
	return false;
}

/* Arrow reads what the worker sends in between. What computes the worker's input is other code. */
bool cause_waits_for_python(const struct thread_obs *t)
{
	size_t i = caller(t);

	while (i < t->n_frames && starts_with(t->frames[i], "org.apache.arrow."))
		i++;
	return i < t->n_frames && waits_for_io(t) &&
	       (strstr(t->frames[i], "spark.api.python.") ||
		       strstr(t->frames[i], "sql.execution.python."));
}

bool cause_waits_for_peers(const struct thread_obs *t)
{
	return has_frame(t, "spark.BarrierTaskContext.runBarrier");
}

bool cause_is_of_barrier(const struct thread_obs *t)
{
	return cause_waits_for_peers(t) ||
	       (str_equal(t->name, "accept-connections") && has_frame(t, "spark.api.python."));
}

bool cause_is_receiver(const struct thread_obs *t)
{
	return has_frame(t, "receiver.ReceiverSupervisor.awaitTermination");
}

bool cause_streams(const struct thread_list *dump)
{
	for (size_t i = 0; i < dump->n; i++)
		if (starts_with(dump->items[i].name, "stream execution thread for ") ||
			starts_with(dump->items[i].name, "JobGenerator"))
			return true;
	return false;
}

static void say(struct cause_hint *h, enum cause c, const char *because)
{
	h->cause = c;
	(void)snprintf(h->because, sizeof(h->because), "%s", because);
	str_sanitize(h->because); /* what was cut within a character */
}

static const struct thread_obs *thread(const struct thread_list *dump, int64_t id)
{
	for (size_t i = 0; i < dump->n; i++)
		if (dump->items[i].id == id)
			return &dump->items[i];
	return NULL;
}

static void say_blocked(
	const struct thread_obs *t, const struct thread_list *dump, struct cause_hint *ret)
{
	const struct thread_obs *by = thread(dump, t->blocked_by);

	ret->cause = CAUSE_JVM_LOCK;
	(void)snprintf(ret->because, sizeof(ret->because),
		"blocked by thread %" PRId64 " \"%.66s\"%s%.50s", t->blocked_by,
		by ? by->name : "?", by && by->n_frames > 0 ? " in " : "",
		by && by->n_frames > 0 ? by->frames[0] : "");
	str_sanitize(ret->because);
}

void cause_of_task(
	const struct thread_obs *t, const struct thread_list *dump, struct cause_hint *ret)
{
	size_t first = caller(t);
	const struct pattern *p;

	*ret = (struct cause_hint){0};
	if (t->blocked_by >= 0) {
		say_blocked(t, dump, ret);
		return;
	}
	if (t->n_frames == 0)
		return;
	p = match(t, first, NEAR, task_patterns, ELEMENTSOF(task_patterns));
	if (p)
		say(ret, p->cause, t->frames[first]);
	else if (waits_for_io(t))
		say(ret, CAUSE_IO_WAIT, first < t->n_frames ? t->frames[first] : t->frames[0]);
	else
		say(ret, CAUSE_UNKNOWN, t->frames[0]);
}

static void say_thread(const struct thread_obs *t, size_t frame, struct cause_hint *ret)
{
	(void)snprintf(ret->because, sizeof(ret->because), "%.40s in %.110s", t->name,
		t->frames[frame < t->n_frames ? frame : 0]);
	str_sanitize(ret->because);
}

/* The end of a task passes through these threads of a driver, one after the other; until it has,
 * the task counts as running. Their frames may be deeper than what is kept of them. */
static bool handles_ends(const struct thread_obs *t)
{
	return starts_with(t->name, "task-result-getter-") ||
	       str_equal(t->name, "dag-scheduler-event-loop") ||
	       str_equal(t->name, "spark-listener-group-appStatus");
}

/* Waits for something to do. */
static bool is_at_rest(const struct thread_obs *t)
{
	return t->n_frames == 0 || has_frame(t, "ThreadPoolExecutor.getTask") ||
	       has_frame(t, "LinkedBlockingDeque.take") || has_frame(t, "LinkedBlockingQueue.take");
}

bool cause_takes_results(const struct thread_list *dump, struct cause_hint *ret)
{
	*ret = (struct cause_hint){0};
	for (size_t i = 0; i < dump->n; i++) {
		const struct thread_obs *t = &dump->items[i];

		if (!handles_ends(t) || is_at_rest(t))
			continue;
		ret->cause = CAUSE_DRIVER_COLLECT;
		say_thread(t, caller(t), ret);
		return true;
	}
	return false;
}

/* Is it in Spark at all, such as py4j's thread that a Python driver waits for? */
static bool in_spark(const struct thread_obs *t)
{
	for (size_t i = 0; i < t->n_frames; i++)
		if (strstr(t->frames[i], "org.apache.spark.") && starts_with(t->name, "Thread-"))
			return true;
	return false;
}

/* Of a streaming context: it runs the output of a batch. */
static bool runs_batch(const struct thread_obs *t)
{
	return starts_with(t->name, "streaming-job-executor-") && !is_at_rest(t);
}

/* A pool's thread without work is in its queue: no pattern fits it. */
void cause_of_driver(const struct thread_list *dump, struct cause_hint *ret)
{
	*ret = (struct cause_hint){0};
	for (size_t i = 0; i < dump->n; i++) {
		const struct thread_obs *t = &dump->items[i];
		const struct pattern *p =
			match(t, 0, t->n_frames, driver_patterns, ELEMENTSOF(driver_patterns));

		if (p) {
			ret->cause = p->cause;
			say_thread(t, caller(t), ret);
			return;
		}
		if (runs_batch(t) || (ret->because[0] == '\0' && in_spark(t)))
			say_thread(t, caller(t), ret);
	}
}

/* Spark's names of the calls that bring rows to the driver. */
bool cause_brings_rows(const char *name)
{
	static const char *const calls[] = {"collect at ", "toPandas at ", "toLocalIterator at ",
		"collectAsList at ", "collectToPython at ", "toArrow at "};

	for (size_t i = 0; name && i < ELEMENTSOF(calls); i++)
		if (strncmp(name, calls[i], strlen(calls[i])) == 0)
			return true;
	return false;
}

void cause_name_call(char *buf, size_t size, const char *name)
{
	const char *at = strstr(name, " at ");
	size_t n = strlen(name);
	size_t head = at ? (size_t)(at - name) + 4 : 0;
	const char *end;

	if (n < size || !at || head > MAX_CALL) {
		(void)snprintf(buf, size, "%.*s", (int)str_cut(name, size - 1), name);
		return;
	}
	end = name + n - (size - head - sizeof("..."));
	while (((unsigned char)*end & 0xc0) == 0x80) /* not within a character */
		end++;
	(void)snprintf(buf, size, "%.*s...%s", (int)head, name, end);
}

void cause_add_query(struct cause_hint *h, const struct query_obs *query)
{
	bool alone = query->running && query->n_running_jobs == 0;
	char name[MAX_NAME];
	char known[sizeof(h->because)];

	if (!query->name || (query->running && !alone))
		return;
	cause_name_call(name, sizeof(name), query->name);
	(void)snprintf(known, sizeof(known), "%s", h->because);
	(void)snprintf(h->because, sizeof(h->because), "%s%s%s%s%.*s",
		alone ? "query " : "the last query was ", name, alone ? " runs without a job" : "",
		known[0] ? "; " : "", MAX_KNOWN, known);
	str_sanitize(h->because);
	if (alone && h->cause == CAUSE_UNKNOWN && cause_brings_rows(query->name))
		h->cause = CAUSE_DRIVER_COLLECT;
}
