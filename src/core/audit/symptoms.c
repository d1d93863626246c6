/* SPDX-License-Identifier: Apache-2.0
 * The table of symptoms. Limits are far from what healthy apps show, and each wants an amount that
 * matters beside a share of it. */
#include "core/audit/symptoms.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/facts/cause.h"

#define MIB (1024.0 * 1024)
#define GIB ((uint64_t)1024 * 1024 * 1024)

static void copy(char *buf, size_t size, const char *text)
{
	(void)snprintf(buf, size, "%.*s", (int)str_cut(text, size - 1), text);
}

static usec_t grown(usec_t before, usec_t now)
{
	return now > before ? now - before : 0;
}

static void take_result(struct app_signs *s, const struct stage_obs *now)
{
	uint64_t size = now->cost.result_size;

	if (!cause_brings_rows(now->name) || size <= s->collect_size)
		return;
	s->collect_size = size;
	s->collect_in_all = size;
	if (now->n_complete > 0 && now->n_tasks > now->n_complete)
		s->collect_in_all =
			(uint64_t)((double)size * (double)now->n_tasks / (double)now->n_complete);
	cause_name_call(s->collect, sizeof(s->collect), now->name);
}

void app_signs_take_stage(
	struct app_signs *s, const struct stage_obs *before, const struct stage_obs *now)
{
	static const struct stage_obs nothing;
	const struct stage_obs *b = before ? before : &nothing;

	s->cost.run += grown(b->cost.run, now->cost.run);
	s->cost.deserialize += grown(b->cost.deserialize, now->cost.deserialize);
	s->cost.fetch_wait += grown(b->cost.fetch_wait, now->cost.fetch_wait);
	s->disk_spilled +=
		grown(b->counters[PROGRESS_DISK_SPILLED], now->counters[PROGRESS_DISK_SPILLED]);
	take_result(s, now);
	if (now->attempt_id > s->attempt) {
		s->attempt = now->attempt_id;
		s->attempt_stage = now->stage_id;
	}
}

static bool says_any(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcasestr(text, words[i]))
			return true;
	return false;
}

/* Whether an executor that ended had filled its heap. */
static bool was_full(const struct executor_memory *x, const struct app_memory *m)
{
	return m->executor.heap_limit > 0 &&
	       (double)x->heap_peak > 0.85 * (double)m->executor.heap_limit;
}

void app_signs_take_executors(
	struct app_signs *s, const struct executor_memory_list *l, const struct app_memory *m)
{
	/* 52 is how Spark's executors end when they run out of memory, 137 how whoever limits a
	 * container ends them. */
	static const char *const memory[] = {"OutOfMemory", "OOMKilled", " OOM", "(OOM",
		"exceeding memory", "memory limit", "exited with code 52", "exit code 52",
		"code 137", "status: 137", "(killed by SIGKILL"};
	/* An exception that nobody caught. In Spark 3.5 this can be one that wraps an
	 * OutOfMemoryError. */
	static const char *const uncaught[] = {"exited with code 50", "exit code 50"};
	static const char *const silent[] = {"heartbeat timed out"};
	size_t lost_memory = 0;
	size_t lost_silent = 0;

	for (size_t i = 0; i < l->n; i++) {
		const char *because = l->items[i].remove_reason;
		bool of_memory;
		bool of_silence;

		if (l->items[i].active || !because)
			continue;
		of_memory = says_any(because, memory, ELEMENTSOF(memory)) ||
			    (says_any(because, uncaught, ELEMENTSOF(uncaught)) &&
				    was_full(&l->items[i], m));
		of_silence = !of_memory && says_any(because, silent, ELEMENTSOF(silent));
		lost_memory += of_memory;
		lost_silent += of_silence;
		if (of_memory)
			copy(s->memory_because, sizeof(s->memory_because), because);
		if (of_silence)
			copy(s->silent_because, sizeof(s->silent_because), because);
	}
	/* Spark forgets the oldest ones. */
	if (lost_memory > s->lost_memory)
		s->lost_memory = lost_memory;
	if (lost_silent > s->lost_silent)
		s->lost_silent = lost_silent;
}

static void add_time(struct strbuf *out, usec_t t)
{
	char text[32];

	strbuf_add(out, format_duration(text, sizeof(text), t));
}

/* A share that matters: of so much time at least. */
static bool share_above(usec_t part, usec_t whole, double share, usec_t least)
{
	return part >= least && (double)part > share * (double)whole;
}

static int percent(usec_t part, usec_t whole)
{
	double p = whole > 0 ? 100.0 * (double)part / (double)whole : 100;

	return p < 100 ? (int)p : 100;
}

static bool found_collect(const struct audit_subject *s, struct strbuf *out)
{
	const struct app_signs *g = s->signs;
	struct spark_value limit;
	bool limited = spark_conf_get(s->properties, s->version, "spark.driver.maxResultSize",
			       &limit) > 0 &&
		       limit.n > 0;
	bool large = limited && (double)g->collect_in_all > 0.5 * limit.n;

	if (!large && !(s->memory->driver.heap_limit > 0 &&
			      g->collect_in_all > s->memory->driver.heap_limit / 4))
		return false;
	strbuf_addf(out, "%s: %.0f MiB of results at the driver", g->collect,
		(double)g->collect_size / MIB);
	if (g->collect_in_all > g->collect_size)
		strbuf_addf(out, ", %.0f MiB to be expected", (double)g->collect_in_all / MIB);
	if (limited)
		strbuf_addf(out, ", spark.driver.maxResultSize=%s%s", limit.text,
			limit.set ? "" : " (default)");
	if (s->memory->driver.heap_limit > 0)
		strbuf_addf(
			out, ", driver heap %.0f MiB", (double)s->memory->driver.heap_limit / MIB);
	return true;
}

static bool found_gc(const struct audit_subject *s, struct strbuf *out)
{
	const struct app_memory *m = s->memory;

	if (!share_above(m->gc_time, m->task_time, 0.25, 30 * USEC_PER_SEC))
		return false;
	strbuf_addf(out, "%d %% of ", percent(m->gc_time, m->task_time));
	add_time(out, m->task_time);
	strbuf_addf(out, " of tasks was garbage collection, heap peak %.0f of %.0f MiB",
		(double)m->executor.heap_peak / MIB, (double)m->executor.heap_limit / MIB);
	return true;
}

static bool found_spill(const struct audit_subject *s, struct strbuf *out)
{
	uint64_t heaps = s->memory->executor.heap_limit * s->memory->most_executors;

	if (s->signs->disk_spilled < GIB || s->signs->disk_spilled < heaps)
		return false;
	strbuf_addf(out, "%.0f MiB spilled to disk, heaps of %.0f MiB in all",
		(double)s->signs->disk_spilled / MIB, (double)heaps / MIB);
	return true;
}

static bool found_lost(size_t n, const char *because, struct strbuf *out)
{
	if (n > 0)
		strbuf_addf(out, "%zu executor%s lost: %s", n, n > 1 ? "s" : "", because);
	return n > 0;
}

static bool found_lost_memory(const struct audit_subject *s, struct strbuf *out)
{
	return found_lost(s->signs->lost_memory, s->signs->memory_because, out);
}

static bool found_lost_silent(const struct audit_subject *s, struct strbuf *out)
{
	return found_lost(s->signs->lost_silent, s->signs->silent_because, out);
}

/* Waiting is told while a task runs, its running time when it has ended. */
static bool found_fetch_wait(const struct audit_subject *s, struct strbuf *out)
{
	const struct stage_cost *c = &s->signs->cost;
	usec_t run = c->run > c->fetch_wait ? c->run : c->fetch_wait;

	if (!share_above(c->fetch_wait, run, 0.3, 30 * USEC_PER_SEC))
		return false;
	strbuf_addf(out, "%d %% of ", percent(c->fetch_wait, run));
	add_time(out, run);
	strbuf_add(out, " of tasks was waiting for blocks of other executors");
	return true;
}

static bool found_refetch(const struct audit_subject *s, struct strbuf *out)
{
	if (s->signs->attempt <= 0)
		return false;
	strbuf_addf(out, "stage %" PRId64 " was begun again %" PRId64 " time%s",
		s->signs->attempt_stage, s->signs->attempt, s->signs->attempt > 1 ? "s" : "");
	return true;
}

static bool found_deserialize(const struct audit_subject *s, struct strbuf *out)
{
	const struct stage_cost *c = &s->signs->cost;

	if (!share_above(c->deserialize, c->run + c->deserialize, 0.25, 30 * USEC_PER_SEC))
		return false;
	strbuf_addf(out, "%d %% of ", percent(c->deserialize, c->run + c->deserialize));
	add_time(out, c->run + c->deserialize);
	strbuf_add(out, " of tasks was unpacking them");
	return true;
}

#define WORDS(name_, severity_, rule_, why_, fix_)                                                 \
	{                                                                                          \
		.name = name_, .severity = severity_, .rule = rule_, .why = why_, .fix = fix_      \
	}

const struct audit_look symptoms[] = {
	{WORDS("collect_large", AUDIT_WARNING, "results far below what the driver can hold",
		 "the driver stands still while it takes them in, and dies of the next larger one",
		 "aggregate, sample or write on the executors; toPandas() of a part, with Arrow"),
		found_collect},
	{WORDS("memory_gc", AUDIT_WARNING, "at most a quarter of the time in garbage collection",
		 "tasks crawl, heartbeats are late, and executors are given up",
		 "more spark.executor.memory, fewer spark.executor.cores, more partitions"),
		found_gc},
	{WORDS("memory_spill", AUDIT_INFO, "less on disk than in memory",
		 "sorts and joins work on disk, and look slow",
		 "more spark.executor.memory, or more partitions"),
		found_spill},
	{WORDS("memory_lost", AUDIT_WARNING, "no executor lost for want of memory",
		 "its tasks and shuffle files are lost, and the next one ends the same way",
		 "more spark.executor.memory or memoryOverhead, fewer spark.executor.cores"),
		found_lost_memory},
	{WORDS("network_lost", AUDIT_WARNING, "no executor given up for late heartbeats",
		 "it froze, or the network did; its tasks stood still until then",
		 "look at its host, its garbage collection and the network between"),
		found_lost_silent},
	{WORDS("network_fetch_wait", AUDIT_WARNING,
		 "at most a third of the time waiting for blocks",
		 "the network, or the peers, are too slow for the shuffle; a stall looks the same",
		 "look at the network and at the disks of the executors; less to shuffle"),
		found_fetch_wait},
	{WORDS("network_refetch", AUDIT_WARNING, "no stage begun again",
		 "shuffle files were lost with their executor, or could not be fetched",
		 "look for executors that were lost and for fetch failures"),
		found_refetch},
	{WORDS("serialization", AUDIT_WARNING, "at most a quarter of the time unpacking tasks",
		 "each task carries a large object: a list, a model or a literal of the program",
		 "make it a broadcast variable, or read it on the executors"),
		found_deserialize},
};
const size_t n_symptoms = ELEMENTSOF(symptoms);
