/* SPDX-License-Identifier: Apache-2.0
 * Decoders of a standalone master's JSON and page, and the form of its kill. */
#include "wire/master.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "base/strbuf.h"
#include "wire/json.h"
#include "wire/page.h"
#include "wire/spark_fields.h"
#include "wire/spark_rest.h"

#define MAX_TEXT 200
#define MAX_URL 255

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The ids of the ended apps in order, for bsearch(). */
static int sort_ended(const struct master_state *m, const char ***ret)
{
	const char **ids = json_new_items(m->n_apps, sizeof(*ids));

	if (!ids)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_apps; i++)
		ids[i] = m->apps[i].id;
	qsort(ids, m->n_apps, sizeof(*ids), compare_ids);
	*ret = ids;
	return 0;
}

static int decode_apps(
	const cJSON *active, const cJSON *completed, struct master_state *m, char **reterr)
{
	_cleanup_free_ const char **ended = NULL;
	const cJSON *item;
	size_t n_ended;
	size_t row = 0;
	int r;

	cJSON_ArrayForEach(item, completed)
	{
		r = spark_add_listed_app(item, ++row, m, reterr);
		if (r < 0)
			return r;
		if (r > 0)
			m->apps[m->n_apps - 1].ended = true;
	}
	r = sort_ended(m, &ended);
	if (r < 0)
		return r;
	n_ended = m->n_apps;
	cJSON_ArrayForEach(item, active)
	{
		struct master_app *app = &m->apps[m->n_apps];

		r = spark_add_listed_app(item, ++row, m, reterr);
		if (r < 0)
			return r;
		if (r > 0 && bsearch(&app->id, ended, n_ended, sizeof(*ended), compare_ids)) {
			master_app_clear(app);
			m->n_apps--;
		}
	}
	return 0;
}

int master_decode_state(const char *body, size_t len, struct master_state *ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	_cleanup_(master_state_clear) struct master_state m = {0};
	const cJSON *active = NULL;
	const cJSON *completed = NULL;
	const char *status;
	size_t n;
	int r;

	r = json_parse(body, len, &json, reterr);
	if (r >= 0)
		r = json_get_string(json, "status", JSON_REQUIRED, &status, reterr);
	if (r >= 0)
		r = json_copy_text(json, "status", MAX_TEXT, &m.status, reterr);
	if (r >= 0)
		r = json_get_i64(json, "aliveworkers", JSON_OPTIONAL, &m.n_alive_workers, reterr);
	if (r >= 0)
		r = json_get_array(json, "activeapps", JSON_REQUIRED, &active, reterr);
	if (r >= 0)
		r = json_get_array(json, "completedapps", JSON_REQUIRED, &completed, reterr);
	if (r < 0)
		return r;
	n = (size_t)cJSON_GetArraySize(active) + (size_t)cJSON_GetArraySize(completed);
	if (n > MASTER_MAX_APPS) {
		r = json_refuse(reterr, "more than %d apps", MASTER_MAX_APPS);
		return r == -EBADMSG ? -E2BIG : r;
	}
	m.apps = json_new_items(n, sizeof(*m.apps));
	if (!m.apps)
		return -ENOMEM;
	r = decode_apps(active, completed, &m, reterr);
	if (r < 0)
		return r;
	*ret = TAKE_STRUCT(m);
	return 0;
}

/* "http://host:port", host being a name, an IPv4 address or an IPv6 one in brackets. */
static bool is_plain_url(const char *url)
{
	uint64_t port;
	size_t n;

	if (strncmp(url, "http://", 7) == 0)
		url += 7;
	else if (strncmp(url, "https://", 8) == 0)
		url += 8;
	else
		return false;
	if (*url == '[') {
		n = strspn(url + 1, "abcdefABCDEF" PAGE_DIGITS ":.");
		if (n == 0 || url[n + 1] != ']')
			return false;
		url += n + 2;
	} else {
		n = strspn(url, PAGE_LETTERS PAGE_DIGITS ".-_");
		if (n == 0)
			return false;
		url += n;
	}
	return *url == ':' && parse_u64(url + 1, &port) == 0 && port >= 1 && port <= 65535;
}

/* The link of a row of the table of apps: the first cell names the app, the second links its UI. */
static int decode_row(struct span row, struct driver_link *link)
{
	_cleanup_free_ char *id = NULL;
	_cleanup_free_ char *url = NULL;
	struct span cell;
	struct span text;
	size_t n;
	int r;

	if (!span_take_until(&row, "</td>", &cell))
		return 0;
	if (!span_take_between(&cell, "href=\"app/?appId=", "\"", &text) &&
		!span_take_between(&cell, "href=\"app?appId=", "\"", &text))
		return 0;
	r = span_copy_plain(text, PAGE_LETTERS PAGE_DIGITS "-_.", JSON_MAX_ID, &id);
	if (r <= 0)
		return r;
	if (!span_take_until(&row, "</td>", &cell) ||
		!span_take_between(&cell, "<a href=\"", "\"", &text))
		return 0;
	r = span_copy_plain(text, PAGE_LETTERS PAGE_DIGITS "-_.:/[]", MAX_URL, &url);
	if (r <= 0)
		return r;
	n = strlen(url);
	if (url[n - 1] == '/')
		url[n - 1] = '\0';
	if (!is_plain_url(url))
		return 0;
	*link = (struct driver_link){.app_id = TAKE_PTR(id), .url = TAKE_PTR(url)};
	return 1;
}

static int decode_links(struct span page, struct master_page *ret, char **reterr)
{
	struct span row;

	while (span_take_between(&page, "<tr>", "</tr>", &row)) {
		struct driver_link link;
		struct driver_link *links;
		int r;

		r = decode_row(row, &link);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		links = ret->n_links < MASTER_MAX_APPS
				? reallocarray(ret->links, ret->n_links + 1, sizeof(*links))
				: NULL;
		if (!links) {
			free(link.app_id);
			free(link.url);
			if (ret->n_links < MASTER_MAX_APPS)
				return -ENOMEM;
			r = json_refuse(reterr, "more than %d apps", MASTER_MAX_APPS);
			return r == -EBADMSG ? -E2BIG : r;
		}
		ret->links = links;
		ret->links[ret->n_links++] = link;
	}
	return 0;
}

int master_decode_page(const char *body, size_t len, struct master_page *ret, char **reterr)
{
	_cleanup_(master_page_clear) struct master_page page = {0};
	struct span all = {body, len};
	int r;

	if (spark_body_kind(NULL, body, len) != SPARK_BODY_MASTER)
		return json_refuse(reterr, "not the page of a Spark master");
	/* A page cut short would look as one with fewer apps. */
	if (!memmem(body, len, "</html>", strlen("</html>")))
		return json_refuse(reterr, "a page cut short");
	r = decode_links(all, &page, reterr);
	if (r >= 0) /* the first of them; all are alike */
		r = page_kill_form(all, "app/kill/", &page.kill);
	if (r < 0)
		return r;
	*ret = TAKE_STRUCT(page);
	return 0;
}

enum app_end master_app_end(
	const struct master_state *m, const char *app_id, const char **state_text)
{
	*state_text = NULL;
	for (size_t i = 0; i < m->n_apps; i++) {
		if (!str_equal(m->apps[i].id, app_id))
			continue;
		*state_text = m->apps[i].state;
		return m->apps[i].ended ? APP_END_ENDED : APP_END_RUNNING;
	}
	return APP_END_UNKNOWN;
}
