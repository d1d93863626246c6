/* SPDX-License-Identifier: Apache-2.0
 * Decoders for a driver's own kills. */
#include "wire/spark_kill.h"

#include <string.h>

#include "base/strbuf.h"
#include "wire/json.h"
#include "wire/page.h"
#include "wire/spark_fields.h"
#include "wire/spark_rest.h"

static int uses_stage(const cJSON *job, int64_t stage_id, bool *ret, char **reterr)
{
	const cJSON *stages = NULL;
	const cJSON *id;
	int r;

	*ret = false;
	r = json_get_array(job, "stageIds", JSON_REQUIRED, &stages, reterr);
	if (r < 0)
		return r;
	cJSON_ArrayForEach(id, stages)
	{
		if (!cJSON_IsNumber(id))
			return json_refuse(reterr, "\"stageIds\" holds what is no number");
		*ret = *ret || id->valuedouble == (double)stage_id;
	}
	return 0;
}

int spark_decode_jobs_of_stage(
	const char *body, size_t len, int64_t stage_id, struct kill_jobs *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	struct kill_jobs jobs = {0};
	const cJSON *job;
	int r;

	r = spark_parse_list(body, len, SPARK_MAX_JOBS, &json, reterr);
	if (r < 0)
		return r;
	cJSON_ArrayForEach(job, json)
	{
		const char *status;
		int64_t id = 0;
		bool uses;

		r = json_get_string(job, "status", JSON_REQUIRED, &status, reterr);
		if (r >= 0)
			r = json_get_i64(job, "jobId", JSON_REQUIRED, &id, reterr);
		if (r >= 0)
			r = uses_stage(job, stage_id, &uses, reterr);
		if (r < 0)
			return r;
		if (uses && str_equal(status, "RUNNING") && jobs.n < KILL_MAX_JOBS)
			jobs.ids[jobs.n++] = id;
	}
	*ret = jobs;
	return 0;
}

int spark_decode_kill_page(
	const char *body, size_t len, const char *path, struct kill_form *ret, char **reterr)
{
	const struct span page = {body, len};
	struct kill_form form = {0};
	_cleanup_free_ char *link = NULL;
	int r;

	if (!memmem(body, len, "</html>", strlen("</html>")))
		return json_refuse(reterr, "not a whole page");
	r = page_kill_form(page, path, &form);
	if (r >= 0)
		r = str_printf(&link, "%s?id=", path);
	if (r < 0) {
		kill_form_clear(&form);
		return r;
	}
	if (!form.offered && memmem(body, len, link, strlen(link)))
		form = (struct kill_form){.offered = true, .by_get = true};
	*ret = form;
	return 0;
}
