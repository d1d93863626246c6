/* SPDX-License-Identifier: Apache-2.0
 * Questions to the daemon, and fields of its answers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "ctl/ctl.h"
#include "io/fetch.h"

/* The daemon answers at once, or it stands still. */
#define TIMEOUT (10 * USEC_PER_SEC)
/* Text of the daemon that is no JSON: why it refuses. */
#define MAX_WORDS ((size_t)1000)

static const char *what_is_wrong(const struct ctl *c, int error, const char *text)
{
	struct stat st;

	/* libcurl only says that it could not connect. */
	if (!c->url && stat(c->socket, &st) < 0)
		return strerror(errno);
	if (!c->url && access(c->socket, W_OK) < 0)
		return strerror(errno);
	if (!c->url && error == -ECONNREFUSED)
		return "nobody listens there";
	return text ? text : strerror(-error);
}

static int say_unreachable(const struct ctl *c, int error, const char *text)
{
	fprintf(stderr, "stagewatchctl: the daemon cannot be reached at %s: %s\n",
		c->url ? c->url : c->socket, what_is_wrong(c, error, text));
	return CTL_FAILED;
}

static int say_refused(const struct fetched *f)
{
	_cleanup_free_ char *words = NULL;
	char *text = f->body;
	size_t n = strcspn(text, "\n");

	text[n] = '\0';
	if (str_printable(text, MAX_WORDS, &words) < 0 || *words == '\0')
		fprintf(stderr, "stagewatchctl: the daemon answered %d\n", f->status);
	else
		fprintf(stderr, "stagewatchctl: %s\n", words);
	return CTL_FAILED;
}

static int take_answer(const struct fetched *f, cJSON **ret)
{
	_cleanup_free_ char *err = NULL;

	if (f->status < 200 || f->status > 299)
		return say_refused(f);
	if (json_parse(f->body, f->len, ret, &err) < 0) {
		fprintf(stderr, "stagewatchctl: the answer is not understood: %s\n",
			err ? err : "out of memory");
		return CTL_FAILED;
	}
	return CTL_OK;
}

/* ret_text: as it came. */
static int ask(const struct ctl *c, const struct transport_ask *what, const char *path,
	char **ret_text, cJSON **ret)
{
	_cleanup_free_ char *url = NULL;
	_cleanup_free_ char *err = NULL;
	struct fetched f = {0};
	struct endpoint daemon = c->endpoint; /* borrowed */
	struct transport_ask ask = *what;
	int r;

	/* Over the socket the host's name says nothing. */
	daemon.timeout = TIMEOUT;
	ask.endpoint = &daemon;
	r = str_printf(&url, "%s%s", c->url ? c->url : "http://stagewatchd", path);
	if (r >= 0) {
		ask.url = url;
		ask.socket = c->url ? NULL : c->socket;
		r = fetch("stagewatchctl/" STAGEWATCHD_VERSION, &ask, &f, &err);
	}
	if (r == -EINVAL) {
		fprintf(stderr, "stagewatchctl: not a URL: %s\n", c->url ? c->url : path);
		r = CTL_USAGE;
	} else if (r < 0) {
		r = say_unreachable(c, r, err);
	} else {
		r = take_answer(&f, ret);
		*ret_text = TAKE_PTR(f.body);
	}
	fetched_clear(&f);
	return r;
}

static int ask_and_print(
	const struct ctl *c, const struct transport_ask *what, const char *path, cJSON **ret)
{
	_cleanup_free_ char *text = NULL;
	int r = ask(c, what, path, &text, ret);

	if (r == CTL_OK && c->json)
		fprintf(c->out, "%s\n", text);
	return r;
}

int ctl_path(const char *path, const char *app, char **ret)
{
	struct strbuf b = {0};
	int r;

	strbuf_add(&b, path);
	if (app) {
		strbuf_add(&b, "?app=");
		strbuf_add_segment(&b, app);
	}
	r = strbuf_finish(&b, ret);
	if (r < 0)
		fprintf(stderr, "stagewatchctl: out of memory\n");
	return r;
}

int ctl_get(const struct ctl *c, const char *path, cJSON **ret)
{
	return ask_and_print(c, &(struct transport_ask){.method = "GET"}, path, ret);
}

static void drop_items(cJSON *list, ctl_drop_fn drop)
{
	cJSON *next;

	for (cJSON *i = list ? list->child : NULL; i; i = next) {
		next = i->next;
		if (drop(i))
			cJSON_Delete(cJSON_DetachItemViaPointer(list, i));
	}
}

int ctl_get_list(
	const struct ctl *c, const char *path, const char *field, ctl_drop_fn drop, cJSON **ret)
{
	_cleanup_free_ char *text = NULL;
	int r;

	if (c->all || !c->json)
		return ctl_get(c, path, ret);
	r = ask(c, &(struct transport_ask){.method = "GET"}, path, &text, ret);
	if (r != CTL_OK)
		return r;
	drop_items(cJSON_GetObjectItemCaseSensitive(*ret, field), drop);
	free(text);
	text = NULL;
	if (json_print(*ret, &text) < 0) {
		fprintf(stderr, "stagewatchctl: out of memory\n");
		return CTL_FAILED;
	}
	fprintf(c->out, "%s\n", text);
	return CTL_OK;
}

int ctl_unknown(const char *text)
{
	fprintf(stderr, "stagewatchctl: %s\n", text);
	return CTL_FAILED;
}

int ctl_post(const struct ctl *c, const char *path, const char *body, cJSON **ret)
{
	const struct transport_ask what = {.method = "POST", .body = body};

	return ask_and_print(c, &what, path, ret);
}

const char *ctl_item(const cJSON *item, struct ctl_text *buf)
{
	const char *s = cJSON_GetStringValue(item);
	_cleanup_free_ char *text = NULL;

	if (!s || *s == '\0' || str_printable(s, sizeof(buf->text) - 1, &text) < 0)
		return "-";
	(void)snprintf(buf->text, sizeof(buf->text), "%s", text);
	return buf->text;
}

const char *ctl_string(const cJSON *o, const char *field, struct ctl_text *buf)
{
	return ctl_item(cJSON_GetObjectItemCaseSensitive(o, field), buf);
}

bool ctl_has(const cJSON *o, const char *field)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, field);

	return item && !cJSON_IsNull(item);
}

bool ctl_bool(const cJSON *o, const char *field)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, field));
}

double ctl_number(const cJSON *o, const char *field)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, field);

	return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

const cJSON *ctl_list(const cJSON *o, const char *field)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, field);

	return cJSON_IsArray(item) ? item->child : NULL;
}
