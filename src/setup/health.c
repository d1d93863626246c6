/* SPDX-License-Identifier: Apache-2.0
 * Rows of health by name. */
#include "setup/health.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "setup/rows.h"

struct health_cluster *health_cluster(struct health *h, const char *name)
{
	return rows_get((void **)&h->clusters, &h->n_clusters, sizeof(*h->clusters), name);
}

struct health_airflow *health_airflow(struct health *h, const char *name)
{
	return rows_get((void **)&h->airflows, &h->n_airflows, sizeof(*h->airflows), name);
}

struct health_notify *health_notify(struct health *h, const char *name)
{
	return rows_get((void **)&h->notifies, &h->n_notifies, sizeof(*h->notifies), name);
}

void last_error_set(struct last_error *e, usec_t wall, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	/* A character that was cut in two becomes '?'. */
	str_sanitize(e->text);
	e->at = wall;
}

static void leave_all(struct health *h)
{
	for (size_t i = 0; i < h->n_clusters; i++)
		h->clusters[i].present = false;
	for (size_t i = 0; i < h->n_airflows; i++)
		h->airflows[i].present = false;
	for (size_t i = 0; i < h->n_notifies; i++)
		h->notifies[i].present = false;
}

int health_prepare(struct health *h, const struct settings *s)
{
	leave_all(h);
	for (size_t i = 0; i < s->n_sources; i++) {
		struct health_cluster *c = health_cluster(h, s->sources[i].name);

		if (!c)
			return -ENOMEM;
		c->present = true;
	}
	for (size_t i = 0; i < s->n_airflows; i++) {
		struct health_airflow *a = health_airflow(h, s->airflows[i].name);

		if (!a)
			return -ENOMEM;
		a->present = true;
	}
	for (size_t i = 0; i < s->n_notifies; i++) {
		struct health_notify *n = health_notify(h, s->notifies[i].name);

		if (!n)
			return -ENOMEM;
		n->present = true;
	}
	return 0;
}

void health_clear(struct health *h)
{
	for (size_t i = 0; i < h->n_clusters; i++) {
		faults_clear(&h->clusters[i].faults);
		free(h->clusters[i].name);
	}
	for (size_t i = 0; i < h->n_airflows; i++) {
		free(h->airflows[i].name);
		free(h->airflows[i].version);
	}
	for (size_t i = 0; i < h->n_notifies; i++)
		free(h->notifies[i].name);
	free(h->clusters);
	free(h->airflows);
	free(h->notifies);
	*h = (struct health){0};
}
