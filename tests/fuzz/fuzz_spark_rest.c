/* SPDX-License-Identifier: Apache-2.0
 * Arbitrary bytes as a Spark driver's answers. */
#include <stddef.h>
#include <stdint.h>

#include "decode.h"

#include "wire/spark_history.h"
#include "wire/spark_owner.h"
#include "wire/spark_properties.h"
#include "wire/spark_rest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a recording keeps of an environment says what the whole did. */
static void trim(const char *body, size_t size)
{
	_cleanup_(strlist_clear) struct strlist all = {0};
	_cleanup_(strlist_clear) struct strlist kept = {0};
	_cleanup_(owner_clear) struct owner a = {0};
	_cleanup_(owner_clear) struct owner b = {0};
	_cleanup_free_ char *text = NULL;

	if (TRY(spark_trim_environment(body, size, &text, &err)) < 0)
		return;
	must(TRY(spark_decode_properties(body, size, &all, &err)) >= 0);
	must(TRY(spark_decode_properties(text, strlen(text), &kept, &err)) >= 0);
	must(all.n == kept.n);
	for (size_t i = 0; i < all.n; i++)
		must(strcmp(all.items[i], kept.items[i]) == 0);
	must(TRY(spark_decode_owner(body, size, &a, &err)) ==
		TRY(spark_decode_owner(text, strlen(text), &b, &err)));
	must(str_equal(a.dag_id, b.dag_id) && str_equal(a.run_id, b.run_id) &&
		str_equal(a.task_id, b.task_id) && a.map_index == b.map_index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = (const char *)data;
	_cleanup_(app_list_clear) struct app_list apps = {0};
	_cleanup_(stage_list_clear) struct stage_list stages = {0};
	_cleanup_(job_list_clear) struct job_list jobs = {0};
	_cleanup_(owner_clear) struct owner owner = {0};
	struct owner_hint hint = {0};
	_cleanup_(strlist_clear) struct strlist properties = {0};
	_cleanup_(finished_app_list_clear) struct finished_app_list finished = {0};
	_cleanup_(finished_stage_list_clear) struct finished_stage_list completed = {0};
	usec_t task = 0;

	(void)spark_body_kind(NULL, body, size);
	trim(body, size);
	(void)TRY(spark_decode_applications(body, size, &apps, &err));
	(void)TRY(spark_decode_stages(body, size, &stages, &err));
	(void)TRY(spark_decode_jobs(body, size, &jobs, &err));
	(void)TRY(spark_decode_owner(body, size, &owner, &err));
	(void)TRY(spark_decode_lineage(body, size, &hint, &err));
	owner_hint_clear(&hint);
	(void)TRY(spark_decode_finished_apps(body, size, &finished, &err));
	(void)TRY(spark_decode_finished_stages(body, size, &completed, &err));
	(void)TRY(spark_decode_longest_task(body, size, &task, &err));
	(void)TRY(spark_decode_properties(body, size, &properties, &err));
	return 0;
}
