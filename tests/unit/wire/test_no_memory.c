/* SPDX-License-Identifier: Apache-2.0
 * Memory runs out at each part of a request that is written: it is whole, or there is none. One
 * without its condition would write, end or delete what it was not meant for. */
#include "fixture.h"
#include "wire/airflow.h"
#include "wire/control.h"
#include "wire/json.h"
#include "wire/kube_app.h"
#include "wire/leader_store.h"
#include "wire/notice.h"
#include "wire/recording.h"

static char dag[] = "d";
static char run[] = "r";
static char task[] = "t";
static const struct owner owner = {dag, run, task, 3, 1, OWNER_VIA_PROPERTIES};

static int take_airflow(int r, struct airflow_request *q, char **ret)
{
	if (r >= 0)
		*ret = TAKE_PTR(q->body);
	airflow_request_clear(q);
	return r;
}

static int fail_dry(char **ret)
{
	struct airflow_request q = {0};

	return take_airflow(airflow_request_fail_dry_run(AIRFLOW_API_V1, &owner, &q), &q, ret);
}

static int fail_with_note(char **ret)
{
	struct airflow_request q = {0};

	return take_airflow(airflow_request_fail(AIRFLOW_API_V2, &owner, "hung", &q), &q, ret);
}

static int clear_dry(char **ret)
{
	struct airflow_request q = {0};

	return take_airflow(airflow_request_clear_dry_run(AIRFLOW_API_V2, &owner, &q), &q, ret);
}

static int lead(const struct leader_codec *codec, char **ret)
{
	static const struct leader_place place = {.namespace = "n", .name = "k"};
	static const struct leadership_step step = {.ask = LEADERSHIP_WRITE,
		.holder = "h",
		.duration = USEC_PER_MINUTE,
		.transitions = 2};
	struct leader_request q = {0};
	int r = codec->request(&place, &step, "7", USEC_PER_HOUR, &q);

	if (r >= 0)
		*ret = TAKE_PTR(q.body);
	leader_request_clear(&q);
	return r;
}

static int lease(char **ret)
{
	return lead(&lease_codec, ret);
}

static int etcd(char **ret)
{
	return lead(&etcd_codec, ret);
}

static int delete_pod(char **ret)
{
	return kube_delete_body("u1", ret);
}

static int suspend_app(char **ret)
{
	return kube_suspend_body("u1", ret);
}

static int pause_for_an_hour(char **ret)
{
	static char reason[] = "upgrade";
	static const struct control_pause pause = {.reason = reason, .length = USEC_PER_HOUR};

	return control_pause_encode(&pause, ret);
}

static int record(char **ret)
{
	static char path[] = "/p";
	static char type[] = "text/plain";
	static char body[] = "b";
	static const struct recorded_answer a = {
		.path = path, .type = type, .body = body, .status = 200, .date = USEC_PER_SEC};

	return recording_encode(&a, ret);
}

#define MESSAGE                                                                                    \
	"{\"event\":\"opened\",\"severity\":\"critical\",\"summary\":\"s\",\"incident\":\"1\","    \
	"\"url\":\"http://s/\",\"spark_cluster\":\"c\",\"app_id\":\"a\",\"rule\":\"x\"}"

static int alert(char **ret)
{
	static const struct notice_span span = {.from = USEC_PER_SEC};

	return notice_alert(MESSAGE, &span, ret);
}

static int slack(char **ret)
{
	return notice_slack(MESSAGE, "#c", "1.2", ret);
}

static int pagerduty(char **ret)
{
	return notice_pagerduty(MESSAGE, "key", ret);
}

static const struct {
	const char *name;
	int (*write)(char **ret);
} rows[] = {
	{"fail, to be tried", fail_dry},
	{"fail with a note", fail_with_note},
	{"clear, to be tried", clear_dry},
	{"a Lease", lease},
	{"a key of etcd", etcd},
	{"the end of a pod", delete_pod},
	{"the end of an app", suspend_app},
	{"a pause", pause_for_an_hour},
	{"a recorded answer", record},
	{"an alert", alert},
	{"Slack", slack},
	{"PagerDuty", pagerduty},
};

static unsigned long n_asked;
static unsigned long refused;

static void *give(size_t size)
{
	return ++n_asked == refused ? NULL : malloc(size);
}

static void test_whole_or_none(void **state)
{
	cJSON_Hooks hooks = {give, free};

	(void)state;
	cJSON_InitHooks(&hooks);
	for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
		_cleanup_free_ char *whole = NULL;
		unsigned long n;

		n_asked = refused = 0;
		assert_int_equal(rows[i].write(&whole), 0);
		n = n_asked;
		assert_true(n > 3);
		for (unsigned long k = 1; k <= n; k++) {
			_cleanup_free_ char *text = NULL;
			int r;

			n_asked = 0;
			refused = k;
			r = rows[i].write(&text);
			if (r < 0 ? !text : str_equal(text, whole))
				continue;
			fail_msg("%s, allocation %lu: %d %s", rows[i].name, k, r, text);
		}
	}
	cJSON_InitHooks(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
