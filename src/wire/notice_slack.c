/* SPDX-License-Identifier: Apache-2.0
 * A message as blocks of Slack: docs.slack.dev/reference/block-kit/blocks, and what
 * chat.postMessage answers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "wire/notice_fields.h"

/* What Slack takes, in characters; these are bytes, so never more. */
#define MAX_HEADER 150
#define MAX_SECTION 3000
#define MAX_FIELD 2000
#define MAX_FIELDS 10
#define MAX_WORD 64
/* Bytes of an escaped character. */
#define MAX_ESCAPE 5

/* The three characters that Slack reads as more than text, so that a name of an app calls
 * nobody. */
static void add_plain(struct strbuf *b, const char *text)
{
	for (; *text; text++) {
		if (*text == '&')
			strbuf_add(b, "&amp;");
		else if (*text == '<')
			strbuf_add(b, "&lt;");
		else if (*text == '>')
			strbuf_add(b, "&gt;");
		else
			strbuf_add_n(b, text, 1);
	}
}

static int plain_of(const char *text, size_t max, char **ret)
{
	_cleanup_free_ char *cut = NULL;
	struct strbuf b = {0};
	int r;

	r = str_printable(text, max, &cut);
	if (r < 0)
		return r;
	add_plain(&b, cut);
	return strbuf_finish(&b, ret);
}

/* As it is to be read: printable, escaped, of at most max bytes. */
static int plain(const char *text, size_t max, char **ret)
{
	int r = plain_of(text, max, ret);

	if (r < 0 || strlen(*ret) <= max)
		return r;
	free(*ret);
	*ret = NULL;
	return plain_of(text, max / MAX_ESCAPE, ret);
}

static cJSON *add_item(cJSON *list, const char *type)
{
	cJSON *item = json_append_object(list);

	json_add_text(item, "type", type);
	return item;
}

static void set_text(cJSON *o, const char *type, const char *text)
{
	json_add_text(o, "type", type);
	json_add_text(o, "text", text);
}

static int add_header(cJSON *blocks, const cJSON *message)
{
	_cleanup_free_ char *shown = NULL;
	_cleanup_free_ char *text = NULL;
	char number[32];
	const char *app = notice_field(message, "app_name", number);
	const char *event = notice_field(message, "event", number);
	int r;

	r = str_printf(&text, "%s%s%s", event ? event : "", app ? ": " : "", app ? app : "");
	if (r >= 0)
		r = str_printable(text, MAX_HEADER, &shown);
	if (r >= 0)
		set_text(json_add_object(add_item(blocks, "header"), "text"), "plain_text", shown);
	return r;
}

static int add_section(cJSON *blocks, const char *title, const char *text)
{
	_cleanup_free_ char *shown = NULL;
	_cleanup_free_ char *escaped = NULL;
	int r;

	if (!text)
		return 0;
	r = plain(text, MAX_SECTION - 100, &escaped);
	if (r >= 0)
		r = str_printf(&shown, "%s%s", title, escaped);
	if (r >= 0)
		set_text(json_add_object(add_item(blocks, "section"), "text"), "mrkdwn", shown);
	return r;
}

static const struct {
	const char *title;
	const char *name;
} shown_fields[] = {
	{"DAG", "dag_id"},
	{"Task", "task_id"},
	{"Run", "run_id"},
	{"Try", "try_number"},
	{"App", "app_id"},
	{"Stage", "stage_id"},
	{"Cluster", "spark_cluster"},
	{"Rule", "rule"},
	{"Action", "action"},
	{"Probable cause", "because"},
};
_Static_assert(ELEMENTSOF(shown_fields) <= MAX_FIELDS, "Slack takes no more in a section");

static int add_fields(cJSON *blocks, const cJSON *message)
{
	cJSON *fields = NULL; /* an empty list is refused */
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ELEMENTSOF(shown_fields); i++) {
		_cleanup_free_ char *value = NULL;
		_cleanup_free_ char *text = NULL;
		char number[32];
		const char *field = notice_field(message, shown_fields[i].name, number);

		if (!field)
			continue;
		r = plain(field, MAX_FIELD - 100, &value);
		if (r >= 0)
			r = str_printf(&text, "*%s*\n%s", shown_fields[i].title, value);
		if (r >= 0 && !fields)
			fields = json_add_array(add_item(blocks, "section"), "fields");
		if (r >= 0)
			set_text(json_append_object(fields), "mrkdwn", text);
	}
	return r;
}

/* Which incident, who acts, and where to read on. */
static int add_foot(cJSON *blocks, const cJSON *message)
{
	_cleanup_free_ char *shown = NULL;
	struct strbuf b = {0};
	char number[32];
	const char *id = notice_field(message, "incident", number);
	const char *mode = notice_field(message, "mode", number);
	const char *url = notice_field(message, "url", number);
	cJSON *elements;
	int r;

	strbuf_add(&b, "Incident ");
	if (url) {
		strbuf_add(&b, "<");
		add_plain(&b, url);
		strbuf_add(&b, "|");
	}
	add_plain(&b, id ? id : "");
	strbuf_add(&b, url ? ">" : "");
	if (mode)
		strbuf_add(&b, str_equal(mode, "act")
				       ? " · mode act: stagewatchd acts"
				       : " · mode observe: stagewatchd only watches");
	r = strbuf_finish(&b, &shown);
	if (r < 0)
		return r;
	elements = json_add_array(add_item(blocks, "context"), "elements");
	json_add_text(add_item(elements, "mrkdwn"), "text", shown);
	return 0;
}

static int add_blocks(cJSON *o, const cJSON *message)
{
	cJSON *blocks = json_add_array(o, "blocks");
	char number[32];
	int r;

	r = add_header(blocks, message);
	if (r >= 0)
		r = add_section(blocks, "", notice_field(message, "summary", number));
	if (r >= 0)
		r = add_fields(blocks, message);
	if (r >= 0)
		r = add_section(
			blocks, "*What happens next*\n", notice_field(message, "next", number));
	return r < 0 ? r : add_foot(blocks, message);
}

/* A later message of a thread is seen by those alone who follow it: what is critical goes to the
 * channel as well. */
static void add_place(cJSON *o, const cJSON *message, const char *channel, const char *thread)
{
	char number[32];

	json_add_text(o, "channel", channel);
	json_add_bool(o, "unfurl_links", false);
	if (!thread)
		return;
	json_add_text(o, "thread_ts", thread);
	json_add_bool(o, "reply_broadcast",
		str_equal(notice_field(message, "severity", number), "critical"));
}

int notice_slack(const char *message, const char *channel, const char *thread, char **ret)
{
	_cleanup_json_ cJSON *m = NULL;
	_cleanup_json_ cJSON *o = cJSON_CreateObject();
	_cleanup_free_ char *text = NULL;
	char number[32];
	const char *summary;
	int r;

	r = notice_read(message, &m);
	if (r < 0)
		return r;
	summary = notice_field(m, "summary", number);
	r = plain(summary ? summary : "", MAX_SECTION, &text);
	if (r < 0)
		return r;
	if (channel)
		add_place(o, m, channel, thread);
	/* What a notification of a phone shows. */
	json_add_text(o, "text", text);
	r = add_blocks(o, m);
	return r < 0 ? r : json_print(o, ret);
}

/* A word of those letters alone; NULL: it is none. What is no such word may be anything, a secret
 * that was sent among it. */
static const char *word_of(const cJSON *o, const char *name, const char *letters)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));
	size_t n = s ? strspn(s, letters) : 0;

	return n > 0 && n <= MAX_WORD && s[n] == '\0' ? s : NULL;
}

int notice_slack_decode_answer(const char *body, size_t len, char **ret_thread, char **reterr)
{
	_cleanup_json_ cJSON *o = NULL;
	_cleanup_free_ char *err = NULL;
	const char *why;
	int r;

	r = json_parse(body, len, &o, &err);
	if (r == -ENOMEM)
		return r;
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, "ok")))
		return str_replace(ret_thread, word_of(o, "ts", "0123456789."));
	why = word_of(o, "error", "abcdefghijklmnopqrstuvwxyz_");
	r = str_replace(reterr, why ? why : "the answer is not understood");
	return r < 0 ? r : -EBADMSG;
}
