/* SPDX-License-Identifier: Apache-2.0
 * Addresses and commands. What is from others is escaped for where it goes. */
#include "web/links.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Begins with a base that may have slashes at its end. */
static void add_base(struct strbuf *b, const char *base)
{
	size_t n = strlen(base);

	while (n > 0 && base[n - 1] == '/')
		n--;
	strbuf_add_n(b, base, n);
}

static void add_task_log(struct strbuf *b, enum airflow_api api, const struct owner *o)
{
	strbuf_add(b, api == AIRFLOW_API_V1 ? "&task_id=" : "/tasks/");
	strbuf_add_segment(b, o->task_id);
	if (o->map_index >= 0)
		strbuf_addf(b, "%s%" PRId64, api == AIRFLOW_API_V1 ? "&map_index=" : "/mapped/",
			o->map_index);
	if (api == AIRFLOW_API_V1)
		strbuf_add(b, "&tab=logs");
	else if (o->try_number > 0)
		strbuf_addf(b, "?try_number=%" PRId64, o->try_number);
}

static int make(
	const char *airflow, enum airflow_api api, const struct owner *o, bool log, char **ret)
{
	struct strbuf b = {0};

	*ret = NULL;
	if (!airflow || api == AIRFLOW_API_UNKNOWN || !owner_known(o))
		return 0;
	add_base(&b, airflow);
	strbuf_add(&b, "/dags/");
	strbuf_add_segment(&b, o->dag_id);
	strbuf_add(&b, api == AIRFLOW_API_V1 ? "/grid?dag_run_id=" : "/runs/");
	strbuf_add_segment(&b, o->run_id);
	if (log)
		add_task_log(&b, api, o);
	return strbuf_finish(&b, ret);
}

int links_task_log(const char *airflow, enum airflow_api api, const struct owner *owner, char **ret)
{
	return make(airflow, api, owner, true, ret);
}

int links_grid(const char *airflow, enum airflow_api api, const struct owner *owner, char **ret)
{
	return make(airflow, api, owner, false, ret);
}

int links_stage(const char *url, int64_t stage_id, int64_t attempt_id, char **ret)
{
	struct strbuf b = {0};

	*ret = NULL;
	if (!url)
		return 0;
	add_base(&b, url);
	if (stage_id >= 0)
		strbuf_addf(
			&b, "/stages/stage/?id=%" PRId64 "&attempt=%" PRId64, stage_id, attempt_id);
	else
		strbuf_add(&b, "/jobs/");
	return strbuf_finish(&b, ret);
}

/* In single quotes, unless it needs none. */
static void add_quoted(struct strbuf *b, const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-./:@";

	if (*s && *s != '-' && s[strspn(s, plain)] == '\0') {
		strbuf_add(b, s);
		return;
	}
	strbuf_add(b, "'");
	for (; *s; s++)
		if (*s == '\'')
			strbuf_add(b, "'\\''");
		else
			strbuf_add_n(b, s, 1);
	strbuf_add(b, "'");
}

int links_command(const char *before, const char *arg, const char *after, char **ret)
{
	struct strbuf b = {0};

	strbuf_add(&b, before);
	add_quoted(&b, arg);
	strbuf_add(&b, after);
	return strbuf_finish(&b, ret);
}
