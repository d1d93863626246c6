/* SPDX-License-Identifier: Apache-2.0
 * Arbitrary bytes as one text of somebody else's: a URL, a header, a line of /proc, a value of a
 * property, a name that a person or a shell sees. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "base/shard.h"
#include "base/strbuf.h"
#include "core/audit/audit.h"
#include "core/facts/app_memory.h"
#include "core/facts/app_wish.h"
#include "core/facts/spark_conf.h"
#include "io/gzip.h"
#include "io/http_url.h"
#include "io/pod_cgroup.h"
#include "wire/form.h"
#include "wire/html_writer.h"
#include "wire/json.h"
#include "wire/kube_app.h"
#include "wire/processes.h"
#include "wire/why_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_numbers(const char *text)
{
	struct shard shard;
	uint64_t n;
	usec_t t;
	bool yes;

	(void)parse_u64(text, &n);
	(void)parse_bool(text, &yes);
	(void)parse_duration(text, &t);
	(void)parse_timestamp(text, &t);
	(void)parse_http_date(text, &t);
	(void)parse_size(text, &n);
	(void)shard_parse(text, &shard);
}

static void read_network(const char *text, size_t n)
{
	_cleanup_free_ char *decoded = malloc(n + 1);
	_cleanup_free_ char *with_user = NULL;
	_cleanup_free_ char *field = NULL;
	_cleanup_free_ char *node = NULL;
	_cleanup_free_ char *container = NULL;
	char pod[POD_UID_SIZE];
	struct kube_driver driver = {0};
	size_t n_decoded;

	if (!decoded)
		return;
	(void)base64_decode(text, n, decoded, &n_decoded);
	(void)gzip_offered(text);
	if (form_field_decode(text, "a", &field) > 0)
		must(strlen(field) <= n);
	(void)http_url_header_fault(text);
	(void)http_url_check(text);
	must(http_url_place(text) < HTTP_PLACES);
	/* What a configuration may hold can be asked. */
	if (!http_url_fault(text))
		(void)http_url_add_user(text, "u&=#", &with_user);
	(void)pod_cgroup_parse(text, pod);
	(void)nodemanager_parse_link(text, &node, &container);
	(void)kube_driver_parse(text, &driver);
	kube_driver_clear(&driver);
}

static void read_properties(const char *text)
{
	static const struct rule_list rules;
	_cleanup_(strlist_clear) struct strlist properties = {0};
	_cleanup_(audit_report_clear) struct audit_report report = {0};
	_cleanup_free_ char *copy = strdup(text);
	struct app_memory memory = {0};
	struct app_wishes wishes;
	/* As none is without its limits. */
	struct rule rule = {.may = ~0U,
		.hung_after = 10 * USEC_PER_MINUTE,
		.hung_after_unproven = 30 * USEC_PER_MINUTE,
		.owner_hung_after_max = 24 * USEC_PER_HOUR};
	char *save = NULL;
	double number;

	for (char *line = copy ? strtok_r(copy, "\n", &save) : NULL; line;
		line = strtok_r(NULL, "\n", &save))
		(void)strlist_add(&properties, line);
	for (enum spark_kind kind = 0; kind < SPARK_KIND_MAX; kind++)
		(void)spark_parse(kind, text, &number);
	(void)audit_run(&(struct audit_subject){.version = spark_version(text),
				.properties = &properties,
				.memory = &memory},
		&report);
	(void)app_wishes_apply(&properties, &rule, &rules, &wishes);
}

/* What was written for a person reads as one line of UTF-8; as JSON it is that line. */
static void show(const char *text)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_free_ char *shown = NULL;
	_cleanup_free_ char *quoted = NULL;
	_cleanup_free_ char *page = NULL;
	_cleanup_free_ char *err = NULL;
	struct html_writer html = {0};
	struct strbuf b = {0};
	uint32_t c;

	if (str_printable(text, 200, &shown) < 0)
		return;
	must(strlen(shown) <= 200);
	for (const char *p = shown; *p; p += utf8_decode(p, &c))
		must(utf8_decode(p, &c) > 0 && c >= 0x20 && (c < 0x7f || c > 0x9f));
	strbuf_add_json(&b, shown);
	must(strbuf_finish(&b, &quoted) >= 0);
	must(json_parse(quoted, strlen(quoted), &json, &err) >= 0);
	must(str_equal(cJSON_GetStringValue(json), shown));
	html_open(&html, "p");
	html_attribute(&html, "title", text);
	html_text(&html, text);
	html_link(&html, text, text);
	must(html_finish(&html, &page) >= 0);
}

/* A line that was picked is one line, however long the text is. */
static void pick(const char *text)
{
	_cleanup_free_ char *why = NULL;

	if (why_line(text, 60, &why) < 0)
		return;
	must(strlen(why) <= 60 && !strchr(why, '\n'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = strndup((const char *)data, size);

	read_numbers(text);
	read_network(text, strlen(text));
	read_properties(text);
	show(text);
	pick(text);
	return 0;
}
