/* SPDX-License-Identifier: Apache-2.0
 * A message, and what is made of it. */
#include <errno.h>

#include "fixture.h"
#include "wire/json.h"
#include "wire/notice.h"

#define NOTICE_FAILED notice_of_outcome(OUTCOME_FAILED)
#define NOTICE_HUNG notice_of_verdict(VERDICT_HUNG)
#define NOTICE_UNCONFIRMED notice_of_outcome(OUTCOME_UNCONFIRMED)

#define WALL (1795405025 * USEC_PER_SEC) /* 2026-11-23T03:37:05Z */

static char cluster[] = "main";
static char app_id[] = "app-1";
static char app_name[] = "etl \"7\" \\ \x1b[31m";
static char rule[] = "nightly";
static char evidence[] = "(0 + 6) / 6 without progress";
static char why_text[] = "the end of the app is not confirmed";
static char dag[] = "d";
static char run_id[] = "r";
static char task[] = "t";

static struct incident example(void)
{
	return (struct incident){.id = "20261123T033705Z-1",
		.cluster = cluster,
		.app_id = app_id,
		.app_name = app_name,
		.stage_id = 103,
		.rule = rule,
		.owner = {dag, run_id, task, -1, 2, OWNER_VIA_PROPERTIES},
		.verdict = VERDICT_HUNG,
		.reached = 1U << VERDICT_HUNG,
		.action = RULE_ACTION_RETRY,
		.opened = WALL - USEC_PER_MINUTE,
		.evidence = evidence,
		.response.why = why_text};
}

static const struct notice_about about = {
	.web = "http://watch:14040//", .mode = "observe", .next = "a dry run", .wall = WALL};
static const struct notice_about no_link = {.wall = WALL};

static char *message(enum notice_event event)
{
	struct incident i = example();
	char *text = NULL;

	assert_int_equal(notice_json(&i, event, &about, &text), 0);
	return text;
}

static void test_message(void **state)
{
	_cleanup_free_ char *text = message(NOTICE_HUNG);
	struct incident i = example();
	_cleanup_free_ char *bare = NULL;

	(void)state;
	assert_string_equal(text,
		"{\"schema\":1,\"event\":\"hung\",\"severity\":\"critical\","
		"\"summary\":\"main: app-1 (etl \\\"7\\\" \\\\ ?[31m) stage 103.0 is hung: (0 + 6) "
		"/ 6 "
		"without progress\",\"incident\":\"20261123T033705Z-1\","
		"\"url\":\"http://watch:14040/incidents/20261123T033705Z-1\","
		"\"verdict\":\"hung\",\"outcome\":null,\"why\":null,\"rule\":\"nightly\","
		"\"action\":\"retry\",\"spark_cluster\":\"main\",\"app_id\":\"app-1\","
		"\"app_name\":\"etl \\\"7\\\" \\\\ ?[31m\",\"stage_id\":103,\"attempt_id\":0,"
		"\"dag_id\":\"d\",\"run_id\":\"r\",\"task_id\":\"t\",\"map_index\":null,"
		"\"try_number\":2,\"evidence\":\"(0 + 6) / 6 without progress\","
		"\"cause\":\"unknown\",\"because\":null,\"mode\":\"observe\","
		"\"next\":\"a dry run\",\"time\":\"2026-11-23T03:37:05Z\","
		"\"opened\":\"2026-11-23T03:36:05Z\",\"ended\":null}");
	i.response.outcome = OUTCOME_UNCONFIRMED;
	i.stage_id = -1;
	i.owner = (struct owner){.map_index = -1};
	assert_int_equal(notice_json(&i, NOTICE_UNCONFIRMED, &no_link, &bare), 0);
	assert_non_null(strstr(bare, "app-1 (etl \\\"7\\\" \\\\ ?[31m): unconfirmed: the end of "
				     "the app is not confirmed\""));
	assert_non_null(strstr(bare, "\"outcome\":\"unconfirmed\",\"why\":\"the end of the app"));
	assert_non_null(strstr(bare, "\"url\":null"));
	assert_non_null(strstr(bare, "\"stage_id\":null,\"attempt_id\":null,\"dag_id\":null"));
}

static void test_storm(void **state)
{
	struct notice_storm storm = {
		"20261123T033605Z-storm", "3 apps hung within 15min", WALL - USEC_PER_MINUTE, 0};
	_cleanup_free_ char *begins = NULL;
	_cleanup_free_ char *ends = NULL;
	_cleanup_free_ char *alert = NULL;
	struct notice_span span = {WALL, 0};

	(void)state;
	assert_int_equal(notice_storm_json(&storm, NOTICE_STORM, &about, &begins), 0);
	assert_string_equal(begins,
		"{\"schema\":1,\"event\":\"storm\",\"severity\":\"critical\","
		"\"summary\":\"the storm breaker opened: 3 apps hung within 15min; no action is "
		"begun\",\"incident\":\"20261123T033605Z-storm\","
		"\"url\":\"http://watch:14040/\",\"verdict\":null,"
		"\"outcome\":null,\"why\":null,\"rule\":null,\"action\":null,"
		"\"spark_cluster\":null,\"app_id\":null,\"app_name\":null,\"stage_id\":null,"
		"\"attempt_id\":null,\"dag_id\":null,\"run_id\":null,\"task_id\":null,"
		"\"map_index\":null,\"try_number\":null,"
		"\"evidence\":\"3 apps hung within "
		"15min\",\"cause\":null,\"because\":null,\"mode\":null,\"next\":null,"
		"\"time\":\"2026-11-23T03:37:05Z\",\"opened\":\"2026-11-23T03:36:05Z\","
		"\"ended\":null}");
	assert_int_equal(notice_alert(begins, &span, &alert), 0);
	assert_non_null(strstr(alert,
		"\"labels\":{\"alertname\":\"StagewatchIncident\",\"event\":\"storm\","
		"\"severity\":\"critical\",\"incident\":\"20261123T033605Z-storm\"}"));
	storm.ended = WALL;
	assert_int_equal(notice_storm_json(&storm, NOTICE_CLOSED, &no_link, &ends), 0);
	assert_non_null(strstr(ends, "\"event\":\"closed\",\"severity\":\"info\","
				     "\"summary\":\"the storm breaker closed; it had opened "
				     "because 3 apps hung within 15min\""));
	assert_non_null(strstr(ends, "\"url\":null"));
	assert_non_null(strstr(ends, "\"ended\":\"2026-11-23T03:37:05Z\""));
}

static void test_every_field_is_in_it(void **state)
{
	_cleanup_free_ char *text = message(NOTICE_HUNG);
	_cleanup_json_ cJSON *o = NULL;
	_cleanup_free_ char *err = NULL;
	size_t k = 0;

	(void)state;
	assert_int_equal(json_parse(text, strlen(text), &o, &err), 0);
	for (const cJSON *f = o->child; f; f = f->next)
		assert_string_equal(f->string, notice_fields[k++]);
	assert_int_equal(k, n_notice_fields);
}

static void test_bounded(void **state)
{
	struct incident i = example();
	_cleanup_free_ char *text = NULL;
	char much[5000];

	(void)state;
	memset(much, 'x', sizeof(much) - 1);
	much[sizeof(much) - 1] = '\0';
	i.evidence = i.app_name = i.response.why = much;
	assert_int_equal(notice_json(&i, NOTICE_FAILED, &no_link, &text), 0);
	assert_true(strlen(text) < 5 * NOTICE_MAX_TEXT);
}

static void test_template(void **state)
{
	_cleanup_free_ char *text = message(NOTICE_HUNG);
	_cleanup_free_ char *made = NULL;
	_cleanup_json_ cJSON *o = NULL;
	_cleanup_free_ char *err = NULL;

	(void)state;
	assert_int_equal(
		notice_render(text,
			"{\"t\": \"{{app_name}} {{ stage_id }}\", \"u\": \"{{map_index}}\"}", NULL,
			&made),
		0);
	assert_string_equal(made, "{\"t\": \"etl \\\"7\\\" \\\\ ?[31m 103\", \"u\": \"\"}");
	assert_int_equal(json_parse(made, strlen(made), &o, &err), 0);
	assert_string_equal(cJSON_GetObjectItem(o, "t")->valuestring, "etl \"7\" \\ ?[31m 103");
}

static cJSON *parsed(const char *text)
{
	_cleanup_free_ char *err = NULL;
	cJSON *o = NULL;

	assert_int_equal(json_parse(text, strlen(text), &o, &err), 0);
	return o;
}

static const char *text_of(const cJSON *o, const char *name)
{
	assert_non_null(o);
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));
}

static void test_secret(void **state)
{
	_cleanup_free_ char *text = message(NOTICE_HUNG);
	_cleanup_free_ char *made = NULL;
	_cleanup_free_ char *line = NULL;

	(void)state;
	assert_int_equal(
		notice_render(text, "{\"k\": \"{{secret}} {{event}}\"}", "a\"b", &made), 0);
	assert_string_equal(made, "{\"k\": \"a\\\"b hung\"}");
	assert_true(notice_has_secret("X: {{event}} {{ secret }}"));
	assert_false(notice_has_secret("X: {{secrets}} {secret} {{event}}"));
	assert_int_equal(notice_fill_secret("X: {{a}} {{secret}}-{{ secret }}.", "k", &line), 0);
	assert_string_equal(line, "X: {{a}} k-k.");
}

static void test_pagerduty(void **state)
{
	_cleanup_free_ char *text = message(NOTICE_HUNG);
	_cleanup_free_ char *made = NULL;
	_cleanup_json_ cJSON *o = NULL;
	const cJSON *payload;

	(void)state;
	assert_int_equal(notice_pagerduty(text, "KEY", &made), 0);
	o = parsed(made);
	payload = cJSON_GetObjectItem(o, "payload");
	assert_string_equal(text_of(o, "routing_key"), "KEY");
	assert_string_equal(text_of(o, "event_action"), "trigger");
	assert_string_equal(text_of(o, "dedup_key"), "20261123T033705Z-1");
	assert_string_equal(text_of(payload, "severity"), "critical");
	assert_string_equal(text_of(payload, "source"), "main");
	assert_string_equal(text_of(payload, "group"), "d");
	assert_string_equal(
		text_of(cJSON_GetObjectItem(payload, "custom_details"), "next"), "a dry run");
	assert_string_equal(text_of(cJSON_GetObjectItem(o, "links")->child, "href"),
		"http://watch:14040/incidents/20261123T033705Z-1");
	assert_int_equal(notice_pagerduty("[]", "KEY", &made), -EBADMSG);
}

static void ends_as(enum remedy_outcome outcome, const char *action)
{
	struct incident i = example();
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *made = NULL;
	_cleanup_json_ cJSON *o = NULL;

	i.ended = WALL;
	i.response.outcome = outcome;
	assert_int_equal(notice_json(&i, NOTICE_CLOSED, &no_link, &text), 0);
	assert_int_equal(notice_pagerduty(text, "KEY", &made), 0);
	o = parsed(made);
	assert_string_equal(text_of(o, "event_action"), action);
	assert_null(cJSON_GetObjectItem(o, "links"));
	assert_string_equal(text_of(cJSON_GetObjectItem(o, "payload"), "severity"),
		str_equal(action, "resolve") ? "info" : "critical");
}

/* What failed waits for a person, also where the incident is over. */
static void test_pagerduty_end(void **state)
{
	(void)state;
	ends_as(OUTCOME_RECOVERED, "resolve");
	ends_as(OUTCOME_SUPERSEDED, "resolve");
	ends_as(OUTCOME_FAILED, "trigger");
	ends_as(OUTCOME_UNCONFIRMED, "trigger");
}

static void test_slack(void **state)
{
	static char hostile[] = "<!channel> & <http://evil|etl>";
	struct incident i = example();
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *hook = NULL;
	_cleanup_free_ char *first = NULL;
	_cleanup_free_ char *later = NULL;

	(void)state;
	i.app_name = hostile;
	assert_int_equal(notice_json(&i, NOTICE_HUNG, &about, &text), 0);
	assert_int_equal(notice_slack(text, NULL, NULL, &hook), 0);
	assert_null(strstr(hook, "\"channel\""));
	/* A header is plain text, which Slack shows as it is. */
	assert_non_null(strstr(hook, "\"plain_text\",\"text\":\"hung: <!channel>"));
	assert_non_null(strstr(hook, "app-1 (&lt;!channel&gt; &amp; &lt;http://evil|etl&gt;)"));
	assert_non_null(strstr(hook, "*DAG*\\nd\""));
	assert_non_null(strstr(hook, "*What happens next*\\na dry run\""));
	assert_non_null(
		strstr(hook, "Incident <http://watch:14040/incidents/20261123T033705Z-1|"
			     "20261123T033705Z-1> · mode observe: stagewatchd only watches"));
	assert_int_equal(notice_slack(text, "C1", NULL, &first), 0);
	assert_non_null(strstr(first, "\"channel\":\"C1\""));
	assert_null(strstr(first, "thread_ts"));
	assert_int_equal(notice_slack(text, "C1", "17.5", &later), 0);
	assert_non_null(strstr(later, "\"thread_ts\":\"17.5\",\"reply_broadcast\":true"));
}

static void answered(const char *body, const char *thread, const char *why)
{
	_cleanup_free_ char *got = NULL;
	_cleanup_free_ char *err = NULL;
	int r = notice_slack_decode_answer(body, strlen(body), &got, &err);

	assert_int_equal(r, why ? -EBADMSG : 0);
	if (why)
		assert_string_equal(err, why);
	else if (thread)
		assert_string_equal(got, thread);
	else
		assert_null(got);
}

static void test_slack_answer(void **state)
{
	(void)state;
	answered("{\"ok\":true,\"ts\":\"1503435956.000247\"}", "1503435956.000247", NULL);
	answered("{\"ok\":true}", NULL, NULL);
	answered("{\"ok\":true,\"ts\":\"1 2\"}", NULL, NULL);
	answered("{\"ok\":false,\"error\":\"channel_not_found\"}", NULL, "channel_not_found");
	answered("{\"ok\":false,\"error\":\"xoxb-1-AB\"}", NULL, "the answer is not understood");
	answered("ok", NULL, "the answer is not understood");
	answered("", NULL, "the answer is not understood");
}

static void refused(const char *template, const char *why)
{
	_cleanup_free_ char *err = NULL;

	assert_int_equal(notice_check_template(template, &err), -EINVAL);
	assert_non_null(strstr(err, why));
}

static void test_templates_that_are_wrong(void **state)
{
	_cleanup_free_ char *err = NULL;

	(void)state;
	assert_int_equal(notice_check_template("{\"a\": \"{{event}} {{summary}}\"}", &err), 0);
	assert_int_equal(notice_check_template("\"{{event}}\"", &err), 0);
	refused("{\"a\": \"{{evnt}}\"}", "there is no field {{evnt}}");
	refused("{\"a\": \"{{event}\"}", "{{ without a name and }}");
	refused("{\"a\": \"{{}}\"}", "there is no field {{}}");
	refused("{\"a\": \"{{event summary}}\"}", "{{ without a name and }}");
	refused("{\"a\": {{stage_id}}}", "does not make JSON");
	refused("{\"a\": \"{{event}}\"", "does not make JSON");
	refused("", "does not make JSON");
}

static void test_alert(void **state)
{
	_cleanup_free_ char *text = message(NOTICE_HUNG);
	struct notice_span span = {.from = WALL, .to = WALL + USEC_PER_MINUTE};
	_cleanup_free_ char *up = NULL;
	_cleanup_free_ char *over = NULL;
	_cleanup_free_ char *none = NULL;

	(void)state;
	assert_int_equal(notice_alert(text, &span, &up), 0);
	assert_string_equal(up,
		"[{\"labels\":{\"alertname\":\"StagewatchIncident\",\"event\":\"hung\","
		"\"severity\":\"critical\",\"spark_cluster\":\"main\",\"app_id\":\"app-1\","
		"\"stage_id\":\"103\",\"attempt_id\":\"0\",\"rule\":\"nightly\",\"dag_id\":\"d\","
		"\"task_id\":\"t\",\"incident\":\"20261123T033705Z-1\"},"
		"\"annotations\":{\"summary\":\"main: app-1 (etl \\\"7\\\" \\\\ ?[31m) stage 103.0 "
		"is "
		"hung: (0 + 6) / 6 without progress\","
		"\"evidence\":\"(0 + 6) / 6 without progress\",\"cause\":\"unknown\","
		"\"app_name\":\"etl \\\"7\\\" \\\\ ?[31m\",\"run_id\":\"r\",\"try_number\":\"2\","
		"\"opened\":\"2026-11-23T03:36:05Z\"},\"startsAt\":\"2026-11-23T03:37:05Z\","
		"\"endsAt\":\"2026-11-23T03:38:05Z\","
		"\"generatorURL\":\"http://watch:14040/incidents/20261123T033705Z-1\"}]");
	/* A clock that was set back. */
	span.to = WALL - USEC_PER_MINUTE;
	assert_int_equal(notice_alert(text, &span, &over), 0);
	assert_non_null(strstr(over, "\"endsAt\":\"2026-11-23T03:37:06Z\""));
	assert_int_equal(notice_alert("[]", &span, &none), -EBADMSG);
	assert_int_equal(notice_alert("{", &span, &none), -EBADMSG);
}

static void test_environment(void **state)
{
	_cleanup_free_ char *text = message(NOTICE_HUNG);
	struct strlist env = {0};

	(void)state;
	assert_int_equal(notice_environment(text, &env), 0);
	assert_int_equal(env.n, n_notice_fields);
	assert_string_equal(env.items[1], "STAGEWATCH_EVENT=hung");
	assert_string_equal(env.items[7], "STAGEWATCH_OUTCOME=");
	assert_string_equal(env.items[14], "STAGEWATCH_STAGE_ID=103");
	strlist_clear(&env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_storm),
		cmocka_unit_test(test_every_field_is_in_it),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_template),
		cmocka_unit_test(test_templates_that_are_wrong),
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_pagerduty),
		cmocka_unit_test(test_pagerduty_end),
		cmocka_unit_test(test_slack),
		cmocka_unit_test(test_slack_answer),
		cmocka_unit_test(test_alert),
		cmocka_unit_test(test_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
