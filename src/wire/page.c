/* SPDX-License-Identifier: Apache-2.0
 * Cuts pages up, and finds the forms that kill. */
#include "wire/page.h"

#include <string.h>
#include <strings.h>

#include "base/strbuf.h"

#define MAX_TOKEN 128

bool span_skip_past(struct span *s, const char *what)
{
	size_t n = strlen(what);
	const char *hit = memmem(s->p, s->n, what, n);

	if (!hit)
		return false;
	s->n -= (size_t)(hit - s->p) + n;
	s->p = hit + n;
	return true;
}

bool span_take_until(struct span *s, const char *end, struct span *ret)
{
	struct span rest = *s;

	if (!span_skip_past(&rest, end))
		return false;
	*ret = (struct span){s->p, s->n - rest.n - strlen(end)};
	*s = rest;
	return true;
}

bool span_take_between(struct span *s, const char *begin, const char *end, struct span *ret)
{
	struct span rest = *s;

	if (!span_skip_past(&rest, begin) || !span_take_until(&rest, end, ret))
		return false;
	*s = rest;
	return true;
}

int span_copy_plain(struct span s, const char *allowed, size_t max, char **ret)
{
	int r;

	if (s.n == 0 || s.n > max)
		return 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\0' || !strchr(allowed, s.p[i]))
			return 0;
	}
	r = str_printf(ret, "%.*s", (int)s.n, s.p);
	return r < 0 ? r : 1;
}

bool page_title(struct span page, struct span *ret)
{
	return span_take_between(&page, "<title>", "</title>", ret) && ret->n > 0;
}

/* action="PATH" or action="/proxy/APP/PATH". */
static bool acts_on(struct span tag, const char *path)
{
	size_t n = strlen(path);
	struct span action;

	return span_take_between(&tag, "action=\"", "\"", &action) && action.n >= n &&
	       memcmp(action.p + action.n - n, path, n) == 0;
}

int page_kill_form(struct span page, const char *path, struct kill_form *ret)
{
	struct span tag;
	struct span form;
	struct span text;
	int r;

	while (span_take_between(&page, "<form ", ">", &tag)) {
		if (!acts_on(tag, path))
			continue;
		if (!span_take_until(&page, "</form>", &form))
			return 0;
		ret->offered = true;
		if (span_take_between(&tag, "method=\"", "\"", &text))
			ret->by_get = text.n == 3 && strncasecmp(text.p, "GET", 3) == 0;
		if (!span_take_between(&form, "name=\"csrfToken\" value=\"", "\"", &text))
			return 0;
		r = span_copy_plain(
			text, PAGE_LETTERS PAGE_DIGITS "-_.=", MAX_TOKEN, &ret->csrf_token);
		return r < 0 ? r : 0;
	}
	return 0;
}

int page_kill_query(const char *id, const char *csrf_token, char **ret)
{
	struct strbuf form = {0};

	strbuf_add(&form, "id=");
	strbuf_add_segment(&form, id);
	strbuf_add(&form, "&terminate=true");
	if (csrf_token) {
		strbuf_add(&form, "&csrfToken=");
		strbuf_add_segment(&form, csrf_token);
	}
	return strbuf_finish(&form, ret);
}
