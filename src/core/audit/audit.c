/* SPDX-License-Identifier: Apache-2.0
 * Runs the table of checks over what is known of an app. */
#include "core/audit/audit.h"

#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

#define MIB ((uint64_t)1024 * 1024)
/* What a slot needs at least for execution and storage, and a Python worker for itself. */
#define SLOT_MEMORY (64 * MIB)
#define WORKER_MEMORY (256 * MIB)
#define RESERVED (300 * MIB)

static const char *const severities[] = {
	[AUDIT_INFO] = "info",
	[AUDIT_WARNING] = "warning",
};
_Static_assert(ELEMENTSOF(severities) == AUDIT_SEVERITY_MAX, "a word per severity");

const char *audit_severity_name(enum audit_severity s)
{
	return severities[s];
}

/* A heap as it was asked for, where that is known: a JVM shows less, by what its collector keeps
 * free. Of -Xmx4g 3960 MiB with one processor (Serial), 3641 with Parallel, all with G1 (measured,
 * Java 17). */
static double heap_asked_for(const struct audit_subject *s, const char *key, uint64_t shown)
{
	struct spark_value asked;

	if (spark_conf_get(s->properties, s->version, key, &asked) > 0 && asked.set &&
		(double)shown >= 0.85 * asked.n && (double)shown < asked.n)
		return asked.n;
	return (double)shown;
}

static double fact_driver_heap(const struct audit_subject *s)
{
	return heap_asked_for(s, "spark.driver.memory", s->memory->driver.heap_limit);
}

static double fact_executor_heap(const struct audit_subject *s)
{
	return heap_asked_for(s, "spark.executor.memory", s->memory->executor.heap_limit);
}

/* The heap with which each slot has SLOT_MEMORY. */
static double fact_heap_for_slots(const struct audit_subject *s)
{
	struct spark_value fraction;

	if (spark_conf_get(s->properties, s->version, "spark.memory.fraction", &fraction) <= 0 ||
		!(fraction.n > 0))
		return 0;
	return (double)s->memory->slots * (double)SLOT_MEMORY / fraction.n +
	       (s->memory->slots > 0 ? (double)RESERVED : 0);
}

static double fact_memory_for_workers(const struct audit_subject *s)
{
	return (double)s->memory->slots * (double)WORKER_MEMORY;
}

/* What the executors themselves show, under names that no property has. 0: not known. */
static const struct {
	const char *name;
	double (*get)(const struct audit_subject *s);
} facts[] = {
	{"driver heap", fact_driver_heap},
	{"executor heap", fact_executor_heap},
	{"heap for slots", fact_heap_for_slots},
	{"memory for workers", fact_memory_for_workers},
};

static int get_value(const struct audit_subject *s, const char *name, struct spark_value *ret)
{
	for (size_t i = 0; i < ELEMENTSOF(facts); i++)
		if (str_equal(facts[i].name, name)) {
			*ret = (struct spark_value){
				.set = true, .n = facts[i].get(s), .kind = SPARK_SIZE_B};
			return ret->n > 0;
		}
	return spark_conf_get(s->properties, s->version, name, ret);
}

static bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool is_local(const char *master)
{
	return starts_with(master, "local") && !starts_with(master, "local-cluster");
}

/* PySpark sets this one itself, in every version; measured with 3.5.9 and 4.3.0. */
static bool is_python(const struct audit_subject *s)
{
	return spark_conf_set(s->properties, "spark.serializer.objectStreamReset") != NULL;
}

static bool right_place(const struct audit_check *c, const struct audit_subject *s)
{
	const char *master = spark_conf_set(s->properties, "spark.master");

	if ((c->where & AUDIT_WHERE_SET) && !spark_conf_set(s->properties, c->key))
		return false;
	if ((c->where & AUDIT_WHERE_PYTHON) && !is_python(s))
		return false;
	if ((c->where & AUDIT_WHERE_DISTRIBUTED) && (!master || is_local(master)))
		return false;
	if ((c->where & AUDIT_WHERE_CONTAINERS) &&
		(!master || !(str_equal(master, "yarn") || starts_with(master, "k8s://"))))
		return false;
	return s->version >= c->since && (c->until == 0 || s->version <= c->until);
}

/* only_if: a key that is set, or one with the value that it must have. unless: none is set. */
static bool condition_holds(const struct audit_check *c, const struct audit_subject *s)
{
	_cleanup_free_ char *key = NULL;
	const char *wanted;
	struct spark_value v;

	for (size_t i = 0; i < ELEMENTSOF(c->unless) && c->unless[i]; i++)
		if (spark_conf_set(s->properties, c->unless[i]))
			return false;
	if (!c->only_if)
		return true;
	wanted = strchr(c->only_if, '=');
	if (!wanted)
		return spark_conf_set(s->properties, c->only_if) != NULL;
	key = strndup(c->only_if, (size_t)(wanted - c->only_if));
	if (!key || spark_conf_get(s->properties, s->version, key, &v) <= 0)
		return false;
	return strcasecmp(v.text, wanted + 1) == 0;
}

/* The bound that BELOW and ABOVE hold the value against: the limit, times the other, or of both
 * the one that is met first. NAN where neither is known. */
static double bound(
	const struct audit_check *c, const struct audit_subject *s, const struct spark_value *v)
{
	double limit = NAN;
	double relative = NAN;
	struct spark_value other;

	if (c->limit && spark_parse(v->kind, c->limit, &limit) < 0)
		limit = NAN;
	if (c->other && get_value(s, c->other, &other) > 0)
		relative = c->times * other.n;
	return c->test == AUDIT_BELOW ? fmax(limit, relative) : fmin(limit, relative);
}

/* Whether the test holds; *ret_bound: what was held against, NAN: nothing. */
static bool test_holds(const struct audit_check *c, const struct audit_subject *s,
	const struct spark_value *v, double *ret_bound)
{
	double limit;

	*ret_bound = NAN;
	switch (c->test) {
	case AUDIT_IS:
		if (v->kind == SPARK_TEXT)
			return str_equal(v->text, c->limit);
		return spark_parse(v->kind, c->limit, &limit) >= 0 && v->n == limit;
	case AUDIT_BELOW:
		*ret_bound = bound(c, s, v);
		return v->n < *ret_bound;
	case AUDIT_ABOVE:
		*ret_bound = bound(c, s, v);
		return v->n > *ret_bound;
	case AUDIT_UNSET:
		break;
	}
	return false;
}

static void add_value(struct strbuf *b, const char *name, const struct spark_value *v)
{
	char number[32];

	strbuf_addf(b, "%s=%s%s", name,
		v->text ? v->text : spark_format(v->kind, v->n, number, sizeof(number)),
		v->set ? "" : " (default)");
}

static int say_found(const struct audit_check *c, const struct audit_subject *s,
	const struct spark_value *v, char **ret)
{
	struct spark_value other;
	struct strbuf b = {0};

	if (c->test == AUDIT_UNSET)
		strbuf_addf(&b, "%s is not set", c->key);
	else
		add_value(&b, c->key, v);
	if (c->other && get_value(s, c->other, &other) > 0) {
		strbuf_add(&b, ", ");
		add_value(&b, c->other, &other);
	}
	return strbuf_finish(&b, ret);
}

static double wanted_value(const struct audit_check *c, const struct audit_subject *s,
	const struct spark_value *v, double limit)
{
	struct spark_value other;

	switch (c->fix_value) {
	case AUDIT_VALUE_MATCH:
		return v->n / c->times;
	case AUDIT_VALUE_OTHER:
		return get_value(s, c->other, &other) > 0 ? other.n : limit;
	case AUDIT_VALUE_BOUND:
		break;
	}
	return limit;
}

static int say_fix(const struct audit_check *c, const struct audit_subject *s,
	const struct spark_value *v, double limit, struct audit_finding *ret)
{
	const char *hole = strstr(c->fix, "%s");
	struct strbuf b = {0};
	char number[32];
	int r;

	ret->fix = c->fix;
	if (!hole)
		return 0;
	strbuf_add_n(&b, c->fix, (size_t)(hole - c->fix));
	strbuf_add(&b, spark_format(v->kind, wanted_value(c, s, v, limit), number, sizeof(number)));
	strbuf_add(&b, hole + 2);
	r = strbuf_finish(&b, &ret->filled);
	if (r >= 0)
		ret->fix = ret->filled;
	return r;
}

int audit_run_check(
	const struct audit_check *c, const struct audit_subject *s, struct audit_finding *ret)
{
	struct audit_finding f = {.check = c};
	struct spark_value v = {0};
	double limit = NAN;
	bool known;
	int r;

	if (!right_place(c, s) || !condition_holds(c, s))
		return 0;
	known = get_value(s, c->key, &v) > 0;
	if (c->test == AUDIT_UNSET ? known || spark_conf_set(s->properties, c->key) != NULL
				   : !known || !test_holds(c, s, &v, &limit))
		return 0;
	r = say_found(c, s, &v, &f.found);
	if (r >= 0)
		r = say_fix(c, s, &v, limit, &f);
	if (r < 0) {
		audit_finding_clear(&f);
		return r;
	}
	*ret = f;
	return 1;
}

void audit_finding_clear(struct audit_finding *f)
{
	free(f->found);
	free(f->filled);
	*f = (struct audit_finding){0};
}

void audit_report_clear(struct audit_report *r)
{
	for (size_t i = 0; i < r->n; i++)
		audit_finding_clear(&r->items[i]);
	free(r->items);
	*r = (struct audit_report){0};
}

static int run_severity(
	const struct audit_subject *s, enum audit_severity severity, struct audit_report *report)
{
	for (size_t i = 0; i < n_audit_checks; i++) {
		int r;

		if (audit_checks[i].severity != severity)
			continue;
		r = audit_run_check(&audit_checks[i], s, &report->items[report->n]);
		if (r < 0)
			return r;
		report->n += r > 0;
	}
	return 0;
}

static int run_looks(const struct audit_look *looks, size_t n, const struct audit_subject *s,
	enum audit_severity severity, struct audit_report *report)
{
	for (size_t i = 0; i < n; i++) {
		struct audit_finding *f = &report->items[report->n];
		struct strbuf b = {0};
		int r;

		if (looks[i].check.severity != severity || !looks[i].found(s, &b))
			continue;
		report->n++;
		f->check = &looks[i].check;
		f->fix = f->check->fix;
		r = strbuf_finish(&b, &f->found);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Moves what was found, which is little, to where it has no room to spare. What realloc() would cut
 * off is too small for the next report. */
static void fit(struct audit_report *r)
{
	struct audit_finding *items;

	if (r->n == 0) {
		audit_report_clear(r);
		return;
	}
	items = calloc(r->n, sizeof(*items));
	if (!items)
		return;
	memcpy(items, r->items, r->n * sizeof(*items));
	free(r->items);
	r->items = items;
}

int audit_run(const struct audit_subject *s, struct audit_report *ret)
{
	struct audit_report report = {.items = calloc(n_audit_checks + n_symptoms + n_task_checks,
					      sizeof(*report.items))};
	int r = report.items ? 0 : -ENOMEM;

	for (int severity = AUDIT_SEVERITY_MAX; r >= 0 && severity-- > 0;) {
		enum audit_severity v = (enum audit_severity)severity;

		if (s->signs)
			r = run_looks(symptoms, n_symptoms, s, v, &report);
		if (r >= 0)
			r = run_severity(s, v, &report);
		if (r >= 0 && s->task)
			r = run_looks(task_checks, n_task_checks, s, v, &report);
	}
	if (r < 0) {
		audit_report_clear(&report);
		return r;
	}
	fit(&report);
	audit_report_clear(ret);
	*ret = report;
	return 0;
}

size_t audit_count(const struct audit_report *r, enum audit_severity s)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->items[i].check->severity == s;
	return n;
}
