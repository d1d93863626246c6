/* SPDX-License-Identifier: Apache-2.0
 * Arbitrary bytes as a Spark driver's answers, and as the task that an environment names in
 * hexadecimal. */
#include <stddef.h>
#include <stdint.h>

#include "decode.h"

#include "wire/recording.h"
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
	must(owner_same_task(&a, &b));
}

/* A recording that begins later holds what was known of the app: it is read as the driver's answers
 * were. */
static void record(
	const struct app_list *apps, const struct strlist *properties, const struct owner *owner)
{
	_cleanup_(strlist_clear) struct strlist kept = {0};
	_cleanup_(owner_clear) struct owner whose = {0};
	_cleanup_free_ char *environment = NULL;

	for (size_t i = 0; i < apps->n; i++) {
		const struct app_info *was = &apps->items[i];
		_cleanup_(app_list_clear) struct app_list again = {0};
		_cleanup_free_ char *text = NULL;

		must(recording_applications(was, &text) >= 0);
		must(TRY(spark_decode_applications(text, strlen(text), &again, &err)) >= 0);
		must(again.n == 1 && str_equal(again.items[0].id, was->id));
		must(str_equal(again.items[0].name, was->name));
		must(again.items[0].started == was->started);
	}
	must(recording_environment(properties, &environment) >= 0);
	must(TRY(spark_decode_properties(environment, strlen(environment), &kept, &err)) >= 0);
	must(strlist_equal(&kept, properties));
	if (!owner_known(owner) || properties->n >= SPARK_MAX_PROPERTIES)
		return;
	must(TRY(spark_decode_owner(environment, strlen(environment), &whose, &err)) >= 0);
	must(owner_same_task(&whose, owner) && whose.try_number == owner->try_number);
}

/* Ids that Spark redacts are in spark.airflow.identity as well: dag_id, run_id, task_id, map_index
 * and try_number, a line each. */
static void identify(const uint8_t *data, size_t size)
{
	_cleanup_(owner_clear) struct owner owner = {0};
	_cleanup_free_ char *text = NULL;
	struct strbuf b = {0};

	strbuf_add(&b, "{\"sparkProperties\":[[\"spark.airflow.dag_id\",\"*********(redacted)\"],"
		       "[\"spark.airflow.run_id\",\"r\"],[\"spark.airflow.task_id\",\"t\"],"
		       "[\"spark.airflow.try_number\",\"1\"],[\"spark.airflow.identity\",\"");
	for (size_t i = 0; i < size; i++)
		strbuf_addf(&b, "%02x", data[i]);
	strbuf_add(&b, "\"]]}");
	must(strbuf_finish(&b, &text) >= 0);
	/* All of it is known, or nothing. */
	if (TRY(spark_decode_owner(text, strlen(text), &owner, &err)) >= 0)
		must(owner_known(&owner) && owner.try_number >= 0);
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
	if (size <= SPARK_MAX_IDENTITY)
		identify(data, size);
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
	record(&apps, &properties, &owner);
	return 0;
}
