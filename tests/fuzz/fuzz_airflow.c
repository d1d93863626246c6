/* SPDX-License-Identifier: Apache-2.0
 * Arbitrary bytes as Airflow's answers. */
#include <stddef.h>
#include <stdint.h>

#include "decode.h"

#include "base/secret.h"
#include "wire/airflow.h"
#include "wire/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a clear takes along, and which tasks run beside it, in a DAG with a set-up that two tasks
 * share. */
static void look_beside(const struct owner *o, const char *body, size_t size)
{
	static const char tasks[] =
		"{\"total_entries\":4,\"tasks\":["
		"{\"task_id\":\"up\",\"downstream_task_ids\":[\"down\",\"hang_map\",\"other\"]},"
		"{\"task_id\":\"hang_map\",\"downstream_task_ids\":[\"down\"]},"
		"{\"task_id\":\"other\",\"downstream_task_ids\":[\"down\"]},"
		"{\"task_id\":\"down\",\"downstream_task_ids\":[],"
		"\"trigger_rule\":\"all_done_setup_success\"}]}";
	_cleanup_(task_graph_clear) struct task_graph graph = {0};
	_cleanup_(task_scope_clear) struct task_scope scope = {0};
	_cleanup_free_ char *beside = NULL;
	struct airflow_affected affected;

	must(TRY(airflow_decode_tasks(tasks, strlen(tasks), &graph, &err)) >= 0);
	must(task_scope_of(&graph, o->task_id, &scope) >= 0);
	must(task_scope_shares(&scope, "other") && task_scope_takes_along(&scope, "up"));
	(void)TRY(airflow_decode_affected(body, size, o, &scope, &affected, &err));
	(void)TRY(airflow_decode_beside(body, size, o, &scope, &beside, &err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = (const char *)data;
	char dag[] = "hang_mapped";
	char run[] = "m1";
	char task[] = "hang_map";
	struct running_list running = {0};
	const struct owner o = {.dag_id = dag, .run_id = run, .task_id = task, .map_index = 1};
	_cleanup_(ti_obs_clear) struct ti_obs ti = {0};
	_cleanup_free_ char *version = NULL;
	_cleanup_free_ char *token = NULL;
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *dag_id = NULL;
	_cleanup_(preconditions_clear) struct preconditions preconditions = {0};
	_cleanup_(task_settings_clear) struct task_settings settings = {0};
	_cleanup_(task_graph_clear) struct task_graph graph = {0};
	_cleanup_(task_scope_clear) struct task_scope scope = {0};
	_cleanup_free_ char *beside = NULL;
	struct airflow_affected affected;
	struct token_grant grant = {0};
	usec_t expires;
	bool yes;

	(void)TRY(airflow_decode_version(body, size, &version, &err));
	(void)TRY(airflow_decode_health(body, size, &yes, &err));
	(void)TRY(airflow_decode_token(body, size, &token, &expires, &err));
	(void)TRY(token_decode(body, size, &grant, &err));
	secret_free(grant.token);
	grant.token = NULL;
	(void)TRY(token_decode_answer(401, body, size, &grant, &err));
	(void)TRY(airflow_decode_ti(body, size, &o, &ti, &err));
	(void)TRY(airflow_decode_accepted(body, size, &err));
	(void)TRY(airflow_decode_affected(body, size, &o, NULL, &affected, &err));
	(void)TRY(airflow_decode_dag(body, size, &o, &preconditions, &err));
	(void)TRY(airflow_decode_task_dag(body, size, &o, &settings, &err));
	(void)TRY(airflow_decode_task(body, size, &o, &settings, &err));
	(void)TRY(airflow_decode_run(body, size, &o, &preconditions, &err));
	(void)TRY(airflow_decode_siblings(body, size, &o, &preconditions.n_failed_siblings, &err));
	(void)TRY(airflow_decode_dag_of(body, size, &(struct strlist){0}, &dag_id, &err));
	if (TRY(airflow_decode_tasks(body, size, &graph, &err)) >= 0 &&
		task_scope_of(&graph, o.task_id, &scope) >= 0)
		(void)task_scope_shares(&scope, o.run_id);
	look_beside(&o, body, size);
	(void)TRY(airflow_decode_queued_run(body, size, &o, &beside, &err));
	(void)TRY(airflow_decode_full_pool(body, size, &beside, &err));
	(void)TRY(airflow_decode_running(body, size, &running, &err));
	running_list_clear(&running);
	(void)TRY(airflow_decode_process_end(body, size, 7, &yes, &err));
	(void)airflow_error_text(body, size, &text);
	(void)airflow_token_stale(403, body, size);
	return 0;
}
