/* SPDX-License-Identifier: Apache-2.0
 * The types of notify, their keys, and what is sent where nobody says what to send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "notify/notify_type.h"

static const struct param_def *def_of(const char *key)
{
	return param_find(notify_params, n_notify_params, key);
}

/* A type's own name is the word that selects it, and its keys are there. */
static void test_types(void **state)
{
	const char *const *words = def_of("type")->choices;

	(void)state;
	for (int t = 0; words[t]; t++) {
		const struct notify_params p = {.type = t};
		const struct notify_ops *ops = notify_ops_of(t);

		assert_string_equal(notify_type_name(&p), words[t]);
		for (size_t k = 0; ops->keys[k]; k++) {
			if (!def_of(ops->keys[k]))
				fail_msg("%s: there is no key %s", words[t], ops->keys[k]);
			assert_true(notify_has_key(&p, ops->keys[k]));
		}
		assert_true(notify_has_key(&p, "on"));
		assert_true(notify_has_key(&p, "timeout"));
	}
}

/* Whatever a person should get up for is sent where on is not set. */
static void test_default_of_on(void **state)
{
	unsigned on = 0;
	char *err = NULL;

	(void)state;
	assert_int_equal(notice_parse_events(def_of("on")->fallback, &on, &err), 0);
	for (int e = 0; e < NOTICE_EVENT_MAX; e++) {
		const char *name = notice_event_name((enum notice_event)e);

		if (name && notice_severity((enum notice_event)e) == SEVERITY_CRITICAL &&
			!(on & (1U << e)))
			fail_msg("%s is critical, and not in the default of on", name);
	}
}

static char url[] = "http://pager/";
static char file[] = "/key";
static char on[] = "hung";
static char word[] = "C1";
static char line[] = "X-Key: {{secret}}";
static char host[] = "a.example, b.example";
static char *header_items[] = {line};
static char *host_items[] = {host};

/* What a format needs, and what it does not take. */
static void test_formats(void **state)
{
	const struct {
		struct notify_params p;
		const char *key;
		const char *why;
	} rows[] = {
		{{.format = NOTIFY_SLACK}, NULL, "url is missing"},
		{{.format = NOTIFY_SLACK, .channel = word}, "channel", "needs bearer_token_file"},
		{{.format = NOTIFY_SLACK, .channel = word, .authorization_file = file}, NULL, NULL},
		{{.format = NOTIFY_JSON, .url = url, .channel = word}, "channel", "format=slack"},
		{{.format = NOTIFY_SLACK, .channel = word, .endpoint.bearer_token_file = file},
			NULL, NULL},
		{{.url = url, .authorization_file = file, .endpoint.bearer_token_file = file},
			"bearer_token_file", "not beside authorization_file"},
		{{.url = url, .endpoint.client_key_file = file}, "client_key_file", "only beside"},
		{{.format = NOTIFY_PAGERDUTY}, NULL, "secret_file is missing: PagerDuty's"},
		{{.format = NOTIFY_PAGERDUTY, .secret_file = file}, NULL, NULL},
		{{.url = url, .header = {header_items, 1}}, NULL, "secret_file is missing: {{"},
		{{.url = url, .header = {header_items, 1}, .secret_file = file}, NULL, NULL},
		{{.url = url, .endpoint.proxy = word}, "proxy", "begins with http"},
		{{.url = url, .endpoint.no_proxy = {host_items, 1}}, "no_proxy",
			"there is no proxy"},
		{{.url = url, .endpoint = {.proxy = url, .no_proxy = {host_items, 1}}}, "no_proxy",
			"one host"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct notify_params p = rows[i].p;
		_cleanup_free_ char *err = NULL;
		const char *key = NULL;
		int r;

		p.on = on;
		r = notify_check(&p, &key, &err);
		if ((r < 0) != (rows[i].why != NULL))
			fail_msg("row %zu: %s", i, err ? err : "no fault");
		if (!rows[i].why)
			continue;
		if (!err || !strstr(err, rows[i].why))
			fail_msg("row %zu: %s", i, err);
		if (rows[i].key)
			assert_string_equal(key, rows[i].key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_default_of_on),
		cmocka_unit_test(test_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
