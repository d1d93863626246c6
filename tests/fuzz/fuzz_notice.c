/* SPDX-License-Identifier: Apache-2.0
 * Arbitrary bytes as the names and sentences in a message, and as a template for it: up to the
 * first NUL, the template. Whatever they are, JSON comes out, and an environment of lines. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "core/act/incident.h"
#include "wire/json.h"
#include "wire/notice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* By the place of what was made: a call's arguments are evaluated in any order. */
static void must_be_json(int r, char *const *made)
{
	const char *text = *made;
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_free_ char *err = NULL;

	if (r < 0 || json_parse(text, strlen(text), &json, &err) < 0) {
		(void)fprintf(stderr, "%d %s: %s\n", r, err ? err : "", text ? text : "");
		abort();
	}
}

static void render(const char *message, const char *template)
{
	_cleanup_free_ char *why = NULL;
	_cleanup_free_ char *body = NULL;
	_cleanup_free_ char *header = NULL;

	(void)notice_has_secret(template);
	(void)notice_fill_secret(template, "s3cret \"\\", &header);
	if (notice_check_template(template, &why) >= 0)
		must_be_json(notice_render(message, template, "s3cret \"\\", &body), &body);
}

static void send(const char *message)
{
	static const struct notice_span span = {1, 2};
	_cleanup_free_ char *alert = NULL;
	_cleanup_free_ char *slack = NULL;
	_cleanup_free_ char *posted = NULL;
	_cleanup_free_ char *page = NULL;
	_cleanup_(strlist_clear) struct strlist environment = {0};

	must_be_json(notice_alert(message, &span, &alert), &alert);
	must_be_json(notice_slack(message, NULL, NULL, &slack), &slack);
	must_be_json(notice_slack(message, "#spark", "1.2", &posted), &posted);
	must_be_json(notice_pagerduty(message, "key", &page), &page);
	if (notice_environment(message, &environment) < 0)
		abort();
	for (size_t i = 0; i < environment.n; i++)
		if (strncmp(environment.items[i], "STAGEWATCH_", 11) != 0 ||
			strpbrk(environment.items[i], "\n\r\x1b"))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *template = strndup((const char *)data, size);
	size_t n = strlen(template) < size ? strlen(template) + 1 : size;
	_cleanup_free_ char *name = strndup((const char *)data + n, size - n);
	/* One for each input, by its length: all of them would take as many times as long. */
	enum notice_event event = (enum notice_event)(size % NOTICE_EVENT_MAX);
	_cleanup_free_ char *message = NULL;
	const struct notice_about about = {.web = "http://w", .mode = "act", .next = name};
	struct incident i = {.id = "20261123T033705Z-1",
		.cluster = name,
		.app_id = name,
		.app_name = name,
		.rule = name,
		.owner = {name, name, name, 1, 1, OWNER_VIA_PROPERTIES},
		.evidence = name,
		.hint.because = "",
		.response.why = name};

	(void)snprintf(i.hint.because, sizeof(i.hint.because), "%s", name);
	must_be_json(notice_json(&i, event, &about, &message), &message);
	render(message, template);
	send(message);
	return 0;
}
