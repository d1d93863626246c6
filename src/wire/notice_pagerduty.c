/* SPDX-License-Identifier: Apache-2.0
 * A message as an event of PagerDuty's Events API v2:
 * developer.pagerduty.com/docs/send-alert-event. */
#include <errno.h>
#include <string.h>

#include "base/secret.h"
#include "base/strbuf.h"
#include "wire/notice_fields.h"

/* What the API takes. */
#define MAX_SUMMARY 1024

static void add_field(cJSON *to, const char *as, const cJSON *message, const char *name)
{
	char number[32];
	const char *text = notice_field(message, name, number);

	if (text)
		json_add_text(to, as, text);
}

/* An action that did not do what it was to: the end of the incident does not mend that. */
static bool needs_a_person(const cJSON *message)
{
	char number[32];
	const char *outcome = notice_field(message, "outcome", number);
	enum remedy_outcome o;

	return outcome && remedy_outcome_from_name(outcome, &o) >= 0 &&
	       notice_of_outcome(o) != NOTICE_EVENT_MAX &&
	       notice_severity(notice_of_outcome(o)) == SEVERITY_CRITICAL;
}

static bool is_over(const cJSON *message)
{
	char number[32];

	if (needs_a_person(message))
		return false;
	return notice_field(message, "ended", number) ||
	       str_equal(notice_field(message, "event", number), notice_event_name(NOTICE_CLOSED));
}

static void add_details(cJSON *payload, const cJSON *message)
{
	static const char *const told_elsewhere[] = {"schema", "severity", "summary", "url", NULL};
	cJSON *details = json_add_object(payload, "custom_details");

	for (size_t i = 0; i < n_notice_fields; i++) {
		bool elsewhere = false;

		for (size_t k = 0; told_elsewhere[k]; k++)
			elsewhere = elsewhere || str_equal(told_elsewhere[k], notice_fields[i]);
		if (!elsewhere)
			add_field(details, notice_fields[i], message, notice_fields[i]);
	}
}

static void add_payload(cJSON *event, const cJSON *message)
{
	cJSON *payload = json_add_object(event, "payload");
	_cleanup_free_ char *summary = NULL;
	char number[32];
	const char *text = notice_field(message, "summary", number);
	const char *cluster = notice_field(message, "spark_cluster", number);
	const char *severity =
		needs_a_person(message) ? "critical" : notice_field(message, "severity", number);

	if (text && str_printable(text, MAX_SUMMARY, &summary) < 0)
		json_lacks(payload);
	else if (text)
		json_add_text(payload, "summary", summary);
	json_add_text(payload, "source", cluster ? cluster : "stagewatchd");
	json_add_text(payload, "severity", severity ? severity : "critical");
	add_field(payload, "timestamp", message, "time");
	add_field(payload, "component", message, "app_id");
	add_field(payload, "group", message, "dag_id");
	add_field(payload, "class", message, "event");
	add_details(payload, message);
}

static void add_link(cJSON *event, const cJSON *message)
{
	char number[32];
	const char *url = notice_field(message, "url", number);
	cJSON *link;

	if (!url)
		return;
	json_add_text(event, "client_url", url);
	link = json_append_object(json_add_array(event, "links"));
	json_add_text(link, "href", url);
	json_add_text(link, "text", "The incident in stagewatchd");
}

int notice_pagerduty(const char *message, const char *routing_key, char **ret)
{
	_cleanup_json_ cJSON *o = NULL;
	_cleanup_json_secret_ cJSON *event = cJSON_CreateObject();
	bool over;
	int r;

	r = notice_read(message, &o);
	if (r < 0)
		return r;
	over = is_over(o);
	json_add_text(event, "routing_key", routing_key);
	json_add_text(event, "event_action", over ? "resolve" : "trigger");
	add_field(event, "dedup_key", o, "incident");
	json_add_text(event, "client", "stagewatchd");
	add_payload(event, o);
	add_link(event, o);
	return json_print_secret(event, ret);
}
