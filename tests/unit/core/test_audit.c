/* SPDX-License-Identifier: Apache-2.0
 * Each check of the audit fires where it should, and nowhere else. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../row.h"

#include "base/strbuf.h"
#include "core/audit/audit.h"

#define MIB ((uint64_t)1024 * 1024)
#define GIB (1024 * MIB)
#define KRYO "spark.serializer=org.apache.spark.serializer.KryoSerializer "
#define CLUSTER "spark.master=spark://m:7077 "
#define YARN "spark.master=yarn "
#define PYTHON "spark.serializer.objectStreamReset=100 "

/* Properties between blanks, and memory that is ample where it is not said. */
struct app {
	const char *properties;
	const char *version;
	uint64_t driver_heap;
	uint64_t executor_heap;
	uint64_t slots;
};

struct row {
	const char *check;
	struct app fires;
	struct app quiet; /* as like it as can be */
	const char *fix;  /* of the one that fires */
};

static const struct row rows[] = {
	{"heartbeat_interval", {.properties = "spark.executor.heartbeatInterval=50s"},
		{.properties = "spark.executor.heartbeatInterval=50s spark.network.timeout=300s"},
		"spark.executor.heartbeatInterval=10s"},
	{"network_timeout_short", {.properties = "spark.network.timeout=30s"},
		{.properties = "spark.network.timeout=60"}, "spark.network.timeout=300s"},
	/* Somebody thought of milliseconds. */
	{"network_timeout_long", {.properties = "spark.network.timeout=300000"},
		{.properties = "spark.network.timeout=300000ms"}, "spark.network.timeout=300s"},
	{"rpc_ask_timeout", {.properties = "spark.rpc.askTimeout=10"},
		{.properties = "spark.rpc.askTimeout=60"}, "spark.rpc.askTimeout=300s"},
	{"rpc_lookup_timeout", {.properties = "spark.rpc.lookupTimeout=2s"},
		{.properties = "spark.rpc.lookupTimeout=30s"}, "spark.rpc.lookupTimeout=120s"},
	{"shuffle_connection_timeout", {.properties = "spark.shuffle.io.connectionTimeout=1h"},
		{.properties = "spark.shuffle.io.connectionTimeout=10m"},
		"spark.shuffle.io.connectionTimeout=300s"},
	{"shuffle_retry_wait", {.properties = "spark.shuffle.io.retryWait=2min"},
		{.properties = "spark.shuffle.io.retryWait=30"}, "spark.shuffle.io.retryWait=5s"},
	{"shuffle_retries", {.properties = "spark.shuffle.io.maxRetries=100"},
		{.properties = "spark.shuffle.io.maxRetries=10"}, "spark.shuffle.io.maxRetries=10"},
	{"event_queue", {.properties = "spark.scheduler.listenerbus.eventqueue.capacity=100"},
		{.properties = "spark.scheduler.listenerbus.eventqueue.capacity=100 "
			       "spark.scheduler.listenerbus.eventqueue.appStatus.capacity=20000"},
		"spark.scheduler.listenerbus.eventqueue.appStatus.capacity=10000"},
	{"ui_update", {.properties = "spark.ui.liveUpdate.period=1min"},
		{.properties = "spark.ui.liveUpdate.period=5s"},
		"spark.ui.liveUpdate.period=100ms"},
	{"result_size_unlimited", {.properties = "spark.driver.maxResultSize=0"},
		{.properties = "spark.driver.maxResultSize=1m"}, "spark.driver.maxResultSize=1g"},
	{"result_size_heap",
		{.properties = "spark.driver.maxResultSize=2g", .driver_heap = 2 * GIB},
		{.properties = "spark.driver.maxResultSize=2g", .driver_heap = 4 * GIB},
		"spark.driver.memory=4g"},
	{"driver_memory_ignored",
		{.properties = "spark.driver.memory=4g", .driver_heap = 2200 * MIB},
		{.properties = "spark.driver.memory=4g", .driver_heap = 3700 * MIB},
		"spark.driver.memory=4g"},
	{"slot_memory", {.properties = CLUSTER, .executor_heap = GIB, .slots = 16},
		{.properties = CLUSTER, .executor_heap = GIB, .slots = 4},
		"spark.executor.memory=2g"},
	{"memory_fraction_high", {.properties = "spark.memory.fraction=0.95"},
		{.properties = "spark.memory.fraction=0.8"}, "spark.memory.fraction=0.6"},
	{"memory_fraction_low", {.properties = "spark.memory.fraction=0.1"},
		{.properties = "spark.memory.fraction=0.3"}, "spark.memory.fraction=0.6"},
	{"memory_overhead",
		{.properties = YARN "spark.executor.memory=20g spark.executor.memoryOverhead=512"},
		{.properties = CLUSTER
			"spark.executor.memory=20g spark.executor.memoryOverhead=512"},
		"spark.executor.memoryOverhead=2g"},
	{"python_overhead", {.properties = YARN PYTHON}, {.properties = YARN},
		"spark.executor.memoryOverhead=1g"},
	{"python_memory", {.properties = "spark.executor.pyspark.memory=512m", .slots = 4},
		{.properties = "spark.executor.pyspark.memory=512m", .slots = 2},
		"spark.executor.pyspark.memory=1g"},
	{"broadcast_threshold",
		{.properties = "spark.sql.autoBroadcastJoinThreshold=1g", .driver_heap = 4 * GIB},
		{.properties = "spark.sql.autoBroadcastJoinThreshold=-1", .driver_heap = 4 * GIB},
		"spark.sql.autoBroadcastJoinThreshold=10m"},
	{"serializer_java", {.properties = CLUSTER}, {.properties = KRYO},
		"spark.serializer=org.apache.spark.serializer.KryoSerializer"},
	{"kryo_registration", {.properties = KRYO "spark.kryo.registrationRequired=true"},
		{.properties = "spark.kryo.registrationRequired=true"},
		"spark.kryo.registrationRequired=false"},
	{"kryo_buffer", {.properties = KRYO "spark.kryoserializer.buffer.max=16"},
		{.properties = KRYO "spark.kryoserializer.buffer.max=512"},
		"spark.kryoserializer.buffer.max=64m"},
	{"shuffle_compress", {.properties = "spark.shuffle.compress=FALSE"},
		{.properties = "spark.shuffle.compress=true"}, "spark.shuffle.compress=true"},
	{"spill_compress", {.properties = "spark.shuffle.spill.compress=false"}, {.properties = ""},
		"spark.shuffle.spill.compress=true"},
	{"task_failures_many", {.properties = "spark.task.maxFailures=1000"},
		{.properties = "spark.task.maxFailures=8"}, "spark.task.maxFailures=4"},
	{"task_failures_one", {.properties = CLUSTER "spark.task.maxFailures=1"},
		{.properties = "spark.master=local[2] spark.task.maxFailures=1"},
		"spark.task.maxFailures=4"},
	{"stage_attempts", {.properties = "spark.stage.maxConsecutiveAttempts=50"},
		{.properties = "spark.stage.maxConsecutiveAttempts=10"},
		"spark.stage.maxConsecutiveAttempts=4"},
	{"reaper_off", {.properties = CLUSTER},
		{.properties = CLUSTER "spark.task.reaper.enabled=true"},
		"spark.task.reaper.enabled=true"},
	{"reaper_never_kills", {.properties = CLUSTER "spark.task.reaper.enabled=true"},
		{.properties = CLUSTER
			"spark.task.reaper.enabled=true spark.task.reaper.killTimeout=60s"},
		"spark.task.reaper.killTimeout=120s"},
	{"speculation_multiplier",
		{.properties = "spark.speculation=true spark.speculation.multiplier=1"},
		{.properties = "spark.speculation=true", .version = "3.5.9"},
		"spark.speculation.multiplier=3"},
	{"speculation_quantile",
		{.properties = "spark.speculation=true spark.speculation.quantile=0.1"},
		{.properties = "spark.speculation.quantile=0.1"}, "spark.speculation.quantile=0.9"},
	{"speculation_first_wave", {.properties = "spark.speculation=true"},
		{.properties = "spark.speculation=true "
			       "spark.speculation.task.duration.threshold=1h"},
		"spark.speculation.task.duration.threshold=30min"},
	{"dynamic_no_limit", {.properties = "spark.dynamicAllocation.enabled=true"},
		{.properties = "spark.dynamicAllocation.enabled=true "
			       "spark.dynamicAllocation.maxExecutors=50"},
		"spark.dynamicAllocation.maxExecutors=20"},
	{"dynamic_idle",
		{.properties = "spark.dynamicAllocation.enabled=true "
			       "spark.dynamicAllocation.executorIdleTimeout=1s"},
		{.properties = "spark.dynamicAllocation.executorIdleTimeout=1s"},
		"spark.dynamicAllocation.executorIdleTimeout=60s"},
	/* Without a unit: milliseconds here. */
	{"locality_wait", {.properties = "spark.locality.wait=300000"},
		{.properties = "spark.locality.wait=3000"}, "spark.locality.wait=3s"},
	{"registered_wait", {.properties = "spark.scheduler.maxRegisteredResourcesWaitingTime=1h"},
		{.properties = "spark.scheduler.maxRegisteredResourcesWaitingTime=60s"},
		"spark.scheduler.maxRegisteredResourcesWaitingTime=30s"},
	{"broadcast_timeout_none", {.properties = "spark.sql.broadcastTimeout=-1"},
		{.properties = "spark.sql.broadcastTimeout=1"}, "spark.sql.broadcastTimeout=300"},
	{"broadcast_timeout_long", {.properties = "spark.sql.broadcastTimeout=300000"},
		{.properties = "spark.sql.broadcastTimeout=3600"},
		"spark.sql.broadcastTimeout=300"},
	{"arrow_off", {.properties = PYTHON, .version = "3.5.9"},
		{.properties = PYTHON, .version = "4.3.0"},
		"spark.sql.execution.arrow.pyspark.enabled=true"},
	{"python_traceback", {.properties = PYTHON, .version = "4.1.4"},
		{.properties = PYTHON "spark.python.worker.tracebackDumpIntervalSeconds=300",
			.version = "4.3.0"},
		"spark.python.worker.tracebackDumpIntervalSeconds=300"},
	{"arrow_batch", {.properties = PYTHON "spark.sql.execution.arrow.maxRecordsPerBatch=0"},
		{.properties = "spark.sql.execution.arrow.maxRecordsPerBatch=0"},
		"spark.sql.execution.arrow.maxRecordsPerBatch=10000"},
};

/* An app, and what it is made of. */
struct made {
	struct strlist properties;
	struct app_memory memory;
	struct audit_subject subject;
};

static void make(const struct app *app, struct made *ret)
{
	_cleanup_free_ char *text = strdup(app->properties);
	char *rest = text;
	char *word;

	*ret = (struct made){0};
	while ((word = strsep(&rest, " ")))
		if (*word)
			assert_int_equal(strlist_add(&ret->properties, word), 0);
	ret->memory.known = true;
	ret->memory.driver.heap_limit = app->driver_heap ? app->driver_heap : 16 * GIB;
	ret->memory.executor.heap_limit = app->executor_heap ? app->executor_heap : 16 * GIB;
	ret->memory.slots = app->slots ? app->slots : 2;
	ret->subject = (struct audit_subject){
		.version = spark_version(app->version ? app->version : "4.3.0"),
		.properties = &ret->properties,
		.memory = &ret->memory,
	};
}

static const struct audit_check *find_check(const char *name)
{
	for (size_t i = 0; i < n_audit_checks; i++)
		if (str_equal(audit_checks[i].name, name))
			return &audit_checks[i];
	fail_msg("no check %s", name);
	return NULL;
}

static bool fires(const struct row *row, const struct app *app, const char *fix)
{
	struct audit_finding f = {0};
	struct made m;
	int r;

	make(app, &m);
	r = audit_run_check(find_check(row->check), &m.subject, &f);
	assert_true(r >= 0);
	if (r > 0 && fix) {
		assert_string_equal(f.fix, fix);
		assert_true(strlen(f.found) > 0);
	}
	audit_finding_clear(&f);
	strlist_clear(&m.properties);
	return r > 0;
}

static void test_each_check(void **state)
{
	(void)state;
	each_row(i, rows)
	{
		if (!fires(&rows[i], &rows[i].fires, rows[i].fix))
			fail_msg("%s does not fire", rows[i].check);
		if (fires(&rows[i], &rows[i].quiet, NULL))
			fail_msg("%s fires where it should not", rows[i].check);
	}
}

static void test_each_has_a_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_audit_checks; i++) {
		size_t n = 0;

		each_row(k, rows) n += str_equal(rows[k].check, audit_checks[i].name);
		if (n != 1)
			fail_msg("%s has %zu rows", audit_checks[i].name, n);
	}
}

/* Of one check: whether it fires. */
static const struct {
	const char *check;
	struct app app;
	bool fires;
} variants[] = {
	/* A collector keeps some of the heap that was asked for, and half of 4g is half of it. */
	{"result_size_heap",
		{.properties = "spark.driver.memory=4g spark.driver.maxResultSize=2g",
			.driver_heap = 3960 * MIB},
		false},
	{"result_size_heap",
		{.properties = "spark.driver.memory=4g spark.driver.maxResultSize=2g",
			.driver_heap = 3641 * MIB},
		false},
	{"result_size_heap",
		{.properties = "spark.driver.memory=4g spark.driver.maxResultSize=3g",
			.driver_heap = 3960 * MIB},
		true},
	/* Not asked for, or asked for in vain: what is shown is all there is. */
	{"result_size_heap",
		{.properties = "spark.driver.maxResultSize=2g", .driver_heap = 3960 * MIB}, true},
	{"result_size_heap",
		{.properties = "spark.driver.memory=8g spark.driver.maxResultSize=2g",
			.driver_heap = 3641 * MIB},
		true},
	{"broadcast_threshold",
		{.properties = "spark.driver.memory=4g spark.sql.autoBroadcastJoinThreshold=400m",
			.driver_heap = 3641 * MIB},
		false},
	{"driver_memory_ignored",
		{.properties = "spark.driver.memory=4g", .driver_heap = 2200 * MIB}, true},
	/* Six slots take 940 MiB. */
	{"slot_memory",
		{.properties = CLUSTER "spark.executor.memory=1g",
			.executor_heap = 910 * MIB,
			.slots = 6},
		false},
	{"slot_memory", {.properties = CLUSTER, .executor_heap = 910 * MIB, .slots = 6}, true},
	{"slot_memory",
		{.properties = CLUSTER "spark.executor.memory=1g",
			.executor_heap = 910 * MIB,
			.slots = 8},
		true},
	/* Somebody has thought of the memory of Python. */
	{"python_overhead", {.properties = YARN PYTHON "spark.executor.memoryOverheadFactor=0.4"},
		false},
	{"python_overhead", {.properties = YARN PYTHON "spark.executor.pyspark.memory=2g"}, false},
	{"python_overhead", {.properties = YARN PYTHON "spark.executor.memory=8g"}, true},
	/* The name of before 3.0 still counts. */
	{"arrow_off",
		{.properties = PYTHON "spark.sql.execution.arrow.enabled=true", .version = "3.5.9"},
		false},
	{"arrow_off", {.properties = PYTHON "spark.sql.execution.arrow.enabled=false"}, true},
	{"arrow_off",
		{.properties = PYTHON "spark.sql.execution.arrow.enabled=false "
				      "spark.sql.execution.arrow.pyspark.enabled=true"},
		false},
};

static void test_variants(void **state)
{
	(void)state;
	each_row(i, variants)
	{
		const struct row row = {.check = variants[i].check};

		if (fires(&row, &variants[i].app, NULL) != variants[i].fires)
			fail_msg("%s: %s", row.check, variants[i].app.properties);
	}
}

/* The line that a finding says silences it: of a check on a property, set it and look again. */
static void test_fixes_silence(void **state)
{
	(void)state;
	each_row(i, rows)
	{
		_cleanup_free_ char *text = NULL;
		const struct audit_check *c = find_check(rows[i].check);
		struct app app = rows[i].fires;

		if (strncmp(rows[i].fix, c->key, strlen(c->key)) != 0)
			continue;
		/* The first one of a key counts. */
		assert_int_equal(str_printf(&text, "%s %s", rows[i].fix, app.properties), 0);
		app.properties = text;
		if (fires(&rows[i], &app, NULL))
			fail_msg("%s fires after its fix", rows[i].check);
	}
}

static void run(const struct app *app, struct audit_report *ret)
{
	struct made m;

	make(app, &m);
	assert_int_equal(audit_run(&m.subject, ret), 0);
	strlist_clear(&m.properties);
}

/* The settings of a pipeline that was healed, and its sizes: no findings. */
static void test_quiet_on_a_healthy_app(void **state)
{
	static const struct app healthy = {
		.properties = CLUSTER PYTHON KRYO
		"spark.network.timeout=300s spark.rpc.askTimeout=300s spark.rpc.lookupTimeout=120s "
		"spark.kryo.registrationRequired=false spark.shuffle.compress=true "
		"spark.driver.memory=4g spark.driver.maxResultSize=2g spark.executor.memory=4g "
		"spark.executor.cores=2 spark.task.reaper.enabled=true "
		"spark.task.reaper.killTimeout=120s spark.sql.execution.arrow.pyspark.enabled=true "
		"spark.python.worker.tracebackDumpIntervalSeconds=300",
		.driver_heap = 3641 * MIB,
		.executor_heap = 3641 * MIB,
		.slots = 2};
	static const char *const versions[] = {"3.5.9", "4.0.5", "4.1.4", "4.2.1", "4.3.0"};
	struct audit_report report = {0};

	(void)state;
	each_row(i, versions)
	{
		struct app app = healthy;

		app.version = versions[i];
		run(&app, &report);
		if (report.n > 0)
			fail_msg("%s: %s", versions[i], report.items[0].found);
	}
	audit_report_clear(&report);
}

static void expect(const struct app *app, const char *names)
{
	_cleanup_free_ char *got = NULL;
	struct audit_report report = {0};
	struct strbuf b = {0};

	run(app, &report);
	for (size_t i = 0; i < report.n; i++)
		strbuf_addf(&b, "%s%s:%s", i > 0 ? " " : "",
			audit_severity_name(report.items[i].check->severity),
			report.items[i].check->name);
	assert_int_equal(strbuf_finish(&b, &got), 0);
	assert_string_equal(got, names);
	audit_report_clear(&report);
}

/* What an untouched Spark has to be told: warnings first. */
static void test_stock_defaults(void **state)
{
	struct app stock = {
		.properties = CLUSTER PYTHON, .driver_heap = GIB, .executor_heap = GIB, .slots = 4};

	(void)state;
	stock.version = "3.5.9";
	expect(&stock,
		"warning:result_size_heap info:serializer_java info:reaper_off info:arrow_off");
	stock.version = "4.3.0";
	expect(&stock, "warning:result_size_heap info:serializer_java info:reaper_off "
		       "info:python_traceback");
}

static void test_says_nothing_without_knowledge(void **state)
{
	struct app_memory nothing = {0};
	struct audit_report report = {0};
	struct made m;
	static const struct app secret = {
		"spark.network.timeout=*********(redacted) spark.driver.maxResultSize=big "
		"spark.memory.fraction=nan spark.serializer=x",
		.version = "x"};

	(void)state;
	make(&secret, &m);
	m.subject.memory = &nothing;
	assert_int_equal(audit_run(&m.subject, &report), 0);
	assert_int_equal(report.n, 0);
	audit_report_clear(&report);
	strlist_clear(&m.properties);
}

static void test_findings_name_defaults(void **state)
{
	struct audit_report report = {0};

	(void)state;
	run(&(struct app){.properties = KRYO, .driver_heap = GIB}, &report);
	assert_int_equal(report.n, 1);
	assert_string_equal(
		report.items[0].found, "spark.driver.maxResultSize=1g (default), driver heap=1g");
	assert_string_equal(report.items[0].fix, "spark.driver.memory=2g");
	audit_report_clear(&report);
}

static void test_memory_of_executors(void **state)
{
	char ids[][8] = {"driver", "0", "1"};
	struct executor_memory items[] = {
		{.id = ids[0],
			.active = true,
			.region = 133378867,
			.heap_peak = 90,
			.task_time = 7},
		{.id = ids[1],
			.active = true,
			.region = 267596595,
			.slots = 3,
			.heap_peak = 50,
			.tree_peak = 400,
			.task_time = 100,
			.gc_time = 40},
		{.id = ids[2], .slots = 2, .heap_peak = 70, .task_time = 20},
	};
	struct executor_memory_list list = {.items = items, .n = ELEMENTSOF(items)};
	struct app_memory m = {0};

	(void)state;
	app_memory_take(&m, &list, 0.6);
	assert_true(m.known);
	assert_int_equal(m.driver.heap_limit, 512 * MIB);
	assert_int_equal(m.driver.heap_peak, 90);
	assert_int_equal(m.executor.heap_peak, 70);
	assert_int_equal(m.executor.tree_peak, 400);
	assert_int_equal(m.slots, 3);
	assert_int_equal(m.n_executors, 1);
	assert_int_equal(m.task_time, 120);
	assert_int_equal(m.gc_time, 40);
	/* What was seen stays; what is added up is Spark's own sum. */
	list.n = 1;
	app_memory_take(&m, &list, 0.6);
	assert_int_equal(m.executor.heap_peak, 70);
	assert_int_equal(m.n_executors, 0);
	assert_int_equal(m.task_time, 0);
}

/* An app keeps its report for as long as it runs. */
static void test_a_report_has_no_room_to_spare(void **state)
{
	static const struct app app = {.properties = "spark.network.timeout=30s"};
	struct audit_report report = {0};

	(void)state;
	run(&app, &report);
	assert_true(report.n > 0);
	assert_true(malloc_usable_size(report.items) < (report.n + 1) * sizeof(*report.items));
	audit_report_clear(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_check),
		cmocka_unit_test(test_each_has_a_row),
		cmocka_unit_test(test_variants),
		cmocka_unit_test(test_fixes_silence),
		cmocka_unit_test(test_quiet_on_a_healthy_app),
		cmocka_unit_test(test_stock_defaults),
		cmocka_unit_test(test_says_nothing_without_knowledge),
		cmocka_unit_test(test_findings_name_defaults),
		cmocka_unit_test(test_memory_of_executors),
		cmocka_unit_test(test_a_report_has_no_room_to_spare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
