/* SPDX-License-Identifier: Apache-2.0
 * Holds an app's configuration against what makes apps hang. A check is a row of a table: which
 * value, what is wrong with it, what to write instead. It says nothing where it does not know. */
#pragma once

#include <stddef.h>

#include "base/strbuf.h"
#include "core/facts/app_memory.h"
#include "core/facts/model.h"
#include "core/facts/spark_conf.h"

enum audit_severity {
	AUDIT_INFO,    /* worth knowing, harmless in many apps */
	AUDIT_WARNING, /* a hang or a failure is to be expected under load */
	AUDIT_SEVERITY_MAX
};

const char *audit_severity_name(enum audit_severity s);

enum audit_test {
	AUDIT_IS,    /* the value is limit */
	AUDIT_UNSET, /* there is no value */
	AUDIT_BELOW, /* below limit, or below times the value of other: below the greater of both */
	AUDIT_ABOVE, /* above either */
};

/* What stands for %s in a fix. */
enum audit_value {
	AUDIT_VALUE_BOUND, /* what the value was held against */
	AUDIT_VALUE_OTHER, /* the value of other, as it is */
	AUDIT_VALUE_MATCH, /* what other would have to be for the value to hold */
};

/* Where a check is asked at all. */
#define AUDIT_WHERE_SET 1U         /* the app or its cluster set the key: no default */
#define AUDIT_WHERE_PYTHON 2U      /* a Python app */
#define AUDIT_WHERE_DISTRIBUTED 4U /* not spark.master=local */
#define AUDIT_WHERE_CONTAINERS 8U  /* YARN, Kubernetes */

struct audit_check {
	const char *name;
	const char *key; /* of spark_keys[], or a fact (core/audit/audit.c) */
	enum audit_test test;
	const char *limit; /* in the key's own units; NULL: none */
	const char *other; /* another key or fact; NULL: none */
	double times;
	const char *only_if;   /* "KEY=VALUE" that must hold; "KEY": must be set */
	const char *unless[2]; /* keys that must not be set; NULL: none */
	unsigned where;        /* AUDIT_WHERE_* */
	unsigned since;        /* Spark's version; 0: any */
	unsigned until;        /* last one; 0: any */
	enum audit_severity severity;
	const char *rule; /* how it should be: one clause */
	const char *why;  /* what happens otherwise: one sentence */
	const char *fix;  /* the line to add; may hold one %s */
	enum audit_value fix_value;
};

extern const struct audit_check audit_checks[];
extern const size_t n_audit_checks;

struct app_signs;

/* What is known of an app. Borrowed. */
struct audit_subject {
	unsigned version;                 /* Spark's: spark_version() */
	const struct strlist *properties; /* "key=value" */
	const struct app_memory *memory;
	const struct app_signs *signs;    /* NULL: of its running, nothing */
	const struct task_settings *task; /* NULL: of its task in Airflow, nothing */
};

/* A check that is a function: what it looks at is no property. */
struct audit_look {
	struct audit_check check; /* its words; the parts that are tests are not used */
	/* Adds to out what is found; true where it is. */
	bool (*found)(const struct audit_subject *s, struct strbuf *out);
};

extern const struct audit_look symptoms[]; /* core/audit/symptoms.h */
extern const size_t n_symptoms;
extern const struct audit_look task_checks[]; /* how its task in Airflow is set */
extern const size_t n_task_checks;

struct audit_finding {
	const struct audit_check *check;
	char *found;     /* "spark.driver.maxResultSize=1g (default), driver heap=1g" */
	const char *fix; /* "spark.driver.memory=2g"; the check's, or filled */
	char *filled;    /* the check's with a value in it; NULL: it has none */
};

struct audit_report {
	struct audit_finding *items; /* warnings first */
	size_t n;
};

/* Runs all checks. *ret is replaced; -ENOMEM: it is as it was. */
int audit_run(const struct audit_subject *s, struct audit_report *ret);
/* One check: 1 and *ret filled where it finds something, else 0. */
int audit_run_check(
	const struct audit_check *c, const struct audit_subject *s, struct audit_finding *ret);
void audit_finding_clear(struct audit_finding *f);
void audit_report_clear(struct audit_report *r);
size_t audit_count(const struct audit_report *r, enum audit_severity s);
