/* SPDX-License-Identifier: Apache-2.0
 * The kinds of answers that are of no use, and the words for them. */
#include "source/answer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "wire/page.h"
#include "wire/spark_rest.h"

#define MAX_TITLE 150

/* No answer: the first of them. */
#define SILENT "timeout", "refused", "unreachable", "no_files", "starting", "changed"

static const char *const silent[] = {SILENT};

const char *const answer_reasons[] = {SILENT, "credentials", "protocol", "cut", "too_large",
	"redirect", "http_status", "content_type", "not_json", "malformed", "bad_row",
	"contradiction", "standby"};
const size_t n_answer_reasons = ELEMENTSOF(answer_reasons);

static const struct {
	int error;
	const char *reason;
	const char *text;
} errors[] = {
	{-ECONNREFUSED, "refused", "is refused: nobody listens there"},
	{-ETIMEDOUT, "timeout", "gave no answer"},
	{-EHOSTUNREACH, "unreachable", "cannot be reached"},
	{-ENODATA, "unreachable", "cannot be asked"},
	{-EMFILE, "no_files", "could not be asked"},
	{-EKEYREJECTED, "credentials", "could not be asked"},
	{-ECONNRESET, "cut", "gave an answer that was cut off"},
	{-EMSGSIZE, "too_large", "answered more than max_body of its [spark] section allows"},
};

void fault_set(struct fault *f, const char *reason, const char *fmt, ...)
{
	va_list ap;

	f->reason = reason;
	va_start(ap, fmt);
	(void)vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	/* Cut within a character, it ends in what is none. */
	f->text[str_cut(f->text, sizeof(f->text) - 4)] = '\0';
	str_sanitize(f->text);
}

bool fault_is_silence(const struct fault *f)
{
	for (size_t i = 0; i < ELEMENTSOF(silent); i++)
		if (str_equal(silent[i], f->reason))
			return true;
	return false;
}

bool answer_not_recorded(const struct transport_answer *a)
{
	return a->error == -ENODATA;
}

static void set_error(struct fault *f, const struct transport_answer *a)
{
	const char *more = a->error_text ? a->error_text : strerror(-a->error);

	for (size_t i = 0; i < ELEMENTSOF(errors); i++)
		if (errors[i].error == a->error) {
			fault_set(f, errors[i].reason, "%s: %s", errors[i].text, more);
			return;
		}
	fault_set(f, "protocol", "does not answer by HTTP as it should: %s", more);
}

static void set_not_json(struct fault *f, const struct transport_answer *a, enum spark_body kind)
{
	if (kind == SPARK_BODY_STARTING)
		fault_set(f, "starting", "is starting up");
	else if (kind == SPARK_BODY_MASTER)
		fault_set(f, "content_type", "answered with the page of a Spark master, not JSON");
	else if (a->len == 0)
		fault_set(f, "not_json", "answered 200 with nothing");
	else if (a->content_type && !strstr(a->content_type, "json"))
		fault_set(f, "content_type", "answered 200 with %.60s, not JSON", a->content_type);
	else
		fault_set(f, "not_json", "answered 200, but not with JSON");
}

/* What a page says of it: Spark, and Hadoop before it, write the cause of a 403 there only. */
static void set_status(struct fault *f, const struct transport_answer *a)
{
	struct span title = {0};

	if (a->len > 0)
		(void)page_title((struct span){a->body, a->len}, &title);
	fault_set(f, "http_status", "answered %d%s%.*s", a->status, title.n > 0 ? ": " : "",
		title.n > MAX_TITLE ? MAX_TITLE : (int)title.n, title.n > 0 ? title.p : "");
	f->status = a->status;
}

bool answer_check(const struct transport_answer *a, enum answer_form form, struct fault *ret)
{
	enum spark_body kind;

	*ret = (struct fault){0};
	if (a->error < 0) {
		set_error(ret, a);
	} else if (a->status >= 300 && a->status < 400) {
		fault_set(ret, "redirect", "answered %d, a redirect, which is not followed",
			a->status);
	} else if (a->status != 200) {
		set_status(ret, a);
	} else if (form == ANSWER_JSON || (form == ANSWER_JSON_LINES && a->len > 0)) {
		kind = spark_body_kind(a->content_type, a->body, a->len);
		if (kind != SPARK_BODY_JSON)
			set_not_json(ret, a, kind);
	}
	return !ret->reason;
}

int answer_decoded(int r, const char *why, const struct left_out *rows, struct fault *ret)
{
	if (r == -E2BIG)
		fault_set(ret, "too_large", "answered more than is taken: %s", why ? why : "");
	else if (r < 0)
		fault_set(ret, "malformed", "answered what cannot be used: %s",
			why ? why : strerror(-r));
	else if (rows && rows->n > 0)
		fault_set(ret, "bad_row", "answered %zu rows that cannot be used: %s", rows->n,
			rows->why);
	return r;
}
