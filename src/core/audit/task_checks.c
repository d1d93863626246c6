/* SPDX-License-Identifier: Apache-2.0
 * How the task of an app is set in Airflow, held against what makes a hang last or spread. A new
 * check is a row here, a row in tests/unit/core/test_task_checks.c and an entry in stagewatchd.8.
 * All are defaults of Airflow that many live with: worth knowing, no more. */
#include <inttypes.h>

#include "core/audit/audit.h"

static bool found_no_timeout(const struct audit_subject *s, struct strbuf *out)
{
	if (s->task->execution_timeout > 0)
		return false;
	strbuf_add(out, "execution_timeout is not set");
	return true;
}

static bool found_no_retries(const struct audit_subject *s, struct strbuf *out)
{
	if (s->task->retries > 0)
		return false;
	strbuf_add(out, "retries=0");
	return true;
}

static bool found_default_pool(const struct audit_subject *s, struct strbuf *out)
{
	if (!str_equal(s->task->pool, "default_pool"))
		return false;
	strbuf_add(out, "pool=default_pool");
	return true;
}

static bool found_active_runs(const struct audit_subject *s, struct strbuf *out)
{
	if (s->task->max_active_runs <= 1)
		return false;
	strbuf_addf(out, "max_active_runs=%" PRId64, s->task->max_active_runs);
	return true;
}

#define INFO(name_, key_, rule_, why_, fix_)                                                       \
	{                                                                                          \
		.name = name_, .key = key_, .severity = AUDIT_INFO, .rule = rule_, .why = why_,    \
		.fix = fix_                                                                        \
	}

const struct audit_look task_checks[] = {
	{INFO("airflow_execution_timeout", "execution_timeout",
		 "a time, above what the slowest healthy run takes",
		 "where nobody can look at the driver, nothing but this ends a try that hangs",
		 "execution_timeout=timedelta(hours=6)"),
		found_no_timeout},
	{INFO("airflow_retries", "retries", "one or more",
		 "a try that fails is the last one, whatever it failed of", "retries=1"),
		found_no_retries},
	{INFO("airflow_pool", "pool", "a pool of its own kind",
		 "as many drivers run beside each other as default_pool has slots, on the memory "
		 "of "
		 "the same workers",
		 "pool=\"spark\""),
		found_default_pool},
	{INFO("airflow_active_runs", "max_active_runs", "one, of the DAG",
		 "a run that hangs is joined by the next one, which wants the same executors and "
		 "writes the same data",
		 "max_active_runs=1"),
		found_active_runs},
};
const size_t n_task_checks = ELEMENTSOF(task_checks);
