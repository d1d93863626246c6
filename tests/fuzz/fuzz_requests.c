/* SPDX-License-Identifier: Apache-2.0
 * Arbitrary bytes as the ids and words in what this program sends and keeps: a path stays below
 * where it begins, a body is JSON, and what is read back says the same. */
#include <stddef.h>
#include <stdint.h>

#include "decode.h"

#include "wire/airflow.h"
#include "wire/control.h"
#include "wire/json.h"
#include "wire/kube_app.h"
#include "wire/leader_store.h"
#include "wire/recording.h"
#include "wire/yarn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(const char *path)
{
	must(path[0] == '/' && !strstr(path, "/../") && !strstr(path, "/./") &&
		!strstr(path, "//"));
	for (const char *p = path; *p; p++)
		must(*p > ' ' && *p < 0x7f && *p != '"' && *p != '<' && *p != '\\');
}

static void check_body(const char *body)
{
	_cleanup_json_ cJSON *json = NULL;

	must(!body || TRY(json_parse(body, strlen(body), &json, &err)) >= 0);
}

static void take(int r, struct airflow_request *q)
{
	if (r >= 0) {
		check_path(q->path);
		check_body(q->body);
	}
	airflow_request_clear(q);
	*q = (struct airflow_request){0};
}

static void ask_airflow(char *text)
{
	const struct owner o = {text, text, text, 1, 1, OWNER_VIA_PROPERTIES};
	struct airflow_request q = {0};

	for (enum airflow_api api = 0; api < AIRFLOW_API_MAX; api++) {
		take(airflow_request_login(text, text, &q), &q);
		take(airflow_request_client_login(text, text, &q), &q);
		take(airflow_request_get(api, &o, &q), &q);
		take(airflow_request_fail(api, &o, text, &q), &q);
		take(airflow_request_fail_dry_run(api, &o, &q), &q);
		take(airflow_request_set_note(api, &o, text, &q), &q);
		take(airflow_request_clear_task(api, &o, &q), &q);
		take(airflow_request_clear_dry_run(api, &o, &q), &q);
		take(airflow_request_dag(api, &o, &q), &q);
		take(airflow_request_run(api, &o, &q), &q);
		take(airflow_request_failed_siblings(&o, &q), &q);
		take(airflow_request_tasks(api, &o, &q), &q);
		take(airflow_request_living(api, &o, &q), &q);
		take(airflow_request_running(api, text, 100, &q), &q);
		take(airflow_request_queued_runs(api, &o, &q), &q);
		take(airflow_request_pool(api, text, &q), &q);
		take(airflow_request_log(&o, &q), &q);
		take(airflow_request_restart(api, &o, &q), &q);
		take(airflow_request_restart_dry_run(api, &o, &q), &q);
		take(airflow_request_task(api, &o, &q), &q);
	}
}

static void order(char *text)
{
	struct control_pause pause = {.reason = text, .length = USEC_PER_HOUR};
	struct control_pause back = {0};
	_cleanup_free_ char *body = NULL;
	_cleanup_free_ char *named = NULL;
	_cleanup_free_ char *name = NULL;

	if (control_pause_encode(&pause, &body) >= 0) {
		check_body(body);
		if (TRY(control_pause_decode(body, strlen(body), &back, &err)) >= 0)
			must(back.length == pause.length);
		control_pause_clear(&back);
	}
	if (control_name_encode("app", text, &named) >= 0) {
		check_body(named);
		(void)TRY(control_name_decode(named, strlen(named), "app", &name, &err));
		must(!name || str_equal(name, text));
	}
}

static void record(char *text)
{
	const struct recorded_answer a = {.path = text, .type = text, .body = text, .status = 200};
	struct recorded_answer back = {0};
	_cleanup_free_ char *line = NULL;

	if (recording_encode(&a, &line) < 0)
		return;
	must(!strchr(line, '\n'));
	must(TRY(recording_decode(line, strlen(line), &back, &err)) >= 0);
	must(str_equal(back.path, text) && str_equal(back.body, text));
	recorded_answer_clear(&back);
}

static void name_driver(char *text)
{
	const struct kube_driver d = {.namespace = text, .name = text, .uid = text};
	struct kube_driver back = {0};
	_cleanup_free_ char *line = NULL;
	_cleanup_free_ char *body = NULL;
	_cleanup_free_ char *app = NULL;

	if (kube_driver_print(&d, &line) >= 0 && kube_driver_parse(line, &back) >= 0)
		must(str_equal(back.uid, text) && str_equal(back.name, text));
	kube_driver_clear(&back);
	if (kube_delete_body(text, &body) >= 0)
		check_body(body);
	(void)yarn_app_path(text, "/state", &app);
}

static void lead(char *text)
{
	static const struct leader_codec *const codecs[] = {&lease_codec, &etcd_codec};
	const struct leader_place place = {.namespace = text, .name = text};

	for (size_t i = 0; i < ELEMENTSOF(codecs); i++)
		for (int ask = LEADERSHIP_READ; ask < LEADERSHIP_ASK_MAX; ask++) {
			const struct leadership_step step = {.ask = (enum leadership_ask)ask,
				.holder = text,
				.duration = USEC_PER_SEC};
			struct leader_request q = {0};

			if (codecs[i]->request(&place, &step, "7", USEC_PER_HOUR, &q) >= 0)
				check_body(q.body);
			leader_request_clear(&q);
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* As all text of others is by then: without a NUL, and UTF-8. */
	_cleanup_free_ char *bytes = strndup((const char *)data, size);
	_cleanup_free_ char *text = NULL;

	if (str_printable(bytes, 4000, &text) < 0)
		return 0;
	ask_airflow(text);
	order(text);
	record(text);
	name_driver(text);
	lead(text);
	return 0;
}
