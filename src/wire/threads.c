/* SPDX-License-Identifier: Apache-2.0
 * Decoder of thread dumps. They can be tens of MB, of which a few threads are wanted: the list is
 * cut into its elements by a scan, and only those that may be wanted are parsed. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/strbuf.h"
#include "wire/json.h"
#include "wire/spark_evidence.h"

#define TASK_PREFIX "Executor task launch worker for task "
#define WRITER_PREFIX "stdout writer for "
#define MAX_NAME 250
#define MAX_FRAME 300
#define MAX_STATE 30
/* Wanted threads that are kept, with those that block them. */
#define MAX_KEPT 1000

int64_t spark_thread_task(const char *name)
{
	const char *tid;
	char digits[24];
	uint64_t id;
	size_t n;

	if (strncmp(name, TASK_PREFIX, strlen(TASK_PREFIX)) != 0)
		return -1;
	tid = strstr(name, "(TID ");
	tid = tid ? tid + 5 : name + strlen(TASK_PREFIX);
	n = strspn(tid, "0123456789");
	if (n == 0 || n >= sizeof(digits) || (tid[n] != '\0' && tid[n] != ')'))
		return -1;
	memcpy(digits, tid, n);
	digits[n] = '\0';
	return parse_u64(digits, &id) >= 0 && id <= INT64_MAX ? (int64_t)id : -1;
}

/* Behind "app//" or "java.base@17.0.21.1/": class loader and module, before the class. */
static const char *skip_module(const char *frame)
{
	size_t n = strcspn(frame, "(/");
	const char *slash;

	/* A lambda's class has a slash of its own, after a '$'. */
	if (frame[n] != '/' || memchr(frame, '$', n))
		return frame;
	slash = frame + n + 1;
	n = strcspn(slash, "(/");
	return slash[n] == '/' && !memchr(slash, '$', n) ? slash + n + 1 : slash;
}

/* Where the noise at the end begins. */
static size_t useful_length(const char *frame)
{
	const char *holding = strstr(frame, " => ");
	size_t n = strcspn(frame, "\n");

	if (holding && (size_t)(holding - frame) < n)
		n = (size_t)(holding - frame);
	while (n > 0 && isspace((unsigned char)frame[n - 1]))
		n--;
	return n;
}

/* What a generated name holds that differs from run to run: digits after these. */
static const char *const generated[] = {
	"$$Lambda", "GeneratedMethodAccessor", "GeneratedConstructorAccessor", "$Proxy"};

static size_t skip_generated(const char *s, size_t n)
{
	size_t i = 0;

	/* "$$Lambda$782/0x00007f03805a2db8.apply", "$$Lambda/0x...": up to the method. */
	while (i < n && (isxdigit((unsigned char)s[i]) || strchr("/x$", s[i])))
		i++;
	return i;
}

int spark_frame_normalize(const char *frame, char **ret)
{
	struct strbuf b = {0};
	size_t n;

	frame = skip_module(frame);
	n = useful_length(frame);
	for (size_t i = 0; i < n;) {
		size_t len = 0;

		for (size_t k = 0; k < ELEMENTSOF(generated) && len == 0; k++)
			if (strncmp(frame + i, generated[k], strlen(generated[k])) == 0)
				len = strlen(generated[k]);
		if (len > 0) {
			strbuf_add_n(&b, frame + i, len);
			i += len;
			i += skip_generated(frame + i, n - i);
		} else if (frame[i] == '@' && isxdigit((unsigned char)frame[i + 1])) {
			i++;
			while (i < n && isxdigit((unsigned char)frame[i]))
				i++;
		} else {
			strbuf_add_n(&b, frame + i++, 1);
		}
	}
	return strbuf_finish(&b, ret);
}

static bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool wanted(const char *name, enum thread_filter filter)
{
	if (filter == THREADS_OF_TASKS)
		return starts_with(name, TASK_PREFIX) || starts_with(name, WRITER_PREFIX) ||
		       strcmp(name, "accept-connections") == 0;
	return strcmp(name, "main") == 0 || starts_with(name, "Thread-") ||
	       starts_with(name, "task-result-getter-") ||
	       starts_with(name, "broadcast-exchange-") ||
	       starts_with(name, "stream execution thread for ") ||
	       starts_with(name, "JobGenerator") || starts_with(name, "streaming-job-executor-") ||
	       strcmp(name, "dag-scheduler-event-loop") == 0 ||
	       strcmp(name, "spark-listener-group-appStatus") == 0;
}

/* Threads that every executor has, whatever runs there: Spark 2.4 to 4.3. */
static bool names_executor(const char *name)
{
	return starts_with(name, "Executor task ") || starts_with(name, "executor-heartbeater") ||
	       strcmp(name, "dispatcher-Executor") == 0;
}

static int decode_frames(const cJSON *json, struct thread_obs *t, char **reterr)
{
	const cJSON *trace = NULL;
	const cJSON *elems = NULL;
	const cJSON *item;
	int r;

	r = json_get_object(json, "stackTrace", JSON_REQUIRED, &trace, reterr);
	if (r >= 0)
		r = json_get_array(trace, "elems", JSON_REQUIRED, &elems, reterr);
	if (r < 0)
		return r;
	t->frames = json_new_items(SPARK_MAX_FRAMES, sizeof(char *));
	if (!t->frames)
		return -ENOMEM;
	cJSON_ArrayForEach(item, elems)
	{
		_cleanup_free_ char *clean = NULL;

		if (!cJSON_IsString(item))
			return json_refuse(reterr, "\"elems\" holds what is no text");
		if (t->n_frames == SPARK_MAX_FRAMES)
			break;
		r = spark_frame_normalize(item->valuestring, &clean);
		if (r >= 0)
			r = str_printable(clean, MAX_FRAME, &t->frames[t->n_frames]);
		if (r < 0)
			return r;
		t->n_frames++;
	}
	return 0;
}

static int decode_thread(const cJSON *json, struct thread_obs *t, char **reterr)
{
	int r;

	t->blocked_by = -1;
	r = json_get_i64(json, "threadId", JSON_REQUIRED, &t->id, reterr);
	if (r >= 0)
		r = json_copy_text(json, "threadName", MAX_NAME, &t->name, reterr);
	if (r >= 0 && !t->name)
		r = json_refuse(reterr, "\"threadName\" is missing");
	if (r >= 0)
		r = json_copy_label(json, "threadState", MAX_STATE, &t->state, reterr);
	if (r >= 0)
		r = json_get_i64(json, "blockedByThreadId", JSON_OPTIONAL, &t->blocked_by, reterr);
	if (r >= 0)
		r = json_copy_label(json, "blockedByLock", MAX_NAME, &t->lock, reterr);
	if (r >= 0)
		r = decode_frames(json, t, reterr);
	if (r >= 0)
		t->task_id = spark_thread_task(t->name);
	return r;
}

/* An element of the list as text. */
struct span {
	const char *text;
	size_t len;
};

struct cut {
	struct span *items;
	size_t n;
};

static int cut_add(struct cut *c, const char *text, size_t len, char **reterr)
{
	/* Grows by halves: n is a power of two when it is full. */
	if ((c->n & (c->n - 1)) == 0) {
		struct span *items = reallocarray(c->items, c->n ? 2 * c->n : 1, sizeof(*items));

		if (!items)
			return -ENOMEM;
		c->items = items;
	}
	if (c->n == SPARK_MAX_THREADS) {
		int r = json_refuse(reterr, "more than %d threads", SPARK_MAX_THREADS);

		return r == -EBADMSG ? -E2BIG : r;
	}
	c->items[c->n++] = (struct span){.text = text, .len = len};
	return 0;
}

/* Behind a string that begins at i; len where it has no end. */
static size_t skip_string(const char *s, size_t len, size_t i)
{
	for (i++; i < len && s[i] != '"'; i++)
		if (s[i] == '\\')
			i++;
	return i < len ? i + 1 : len;
}

/* The elements of a list of objects, by their brackets; what is in them is checked when they are
 * parsed. */
static int cut_list(const char *body, size_t len, struct cut *c, char **reterr)
{
	size_t i = 0;
	size_t start = 0;
	int depth = 0;
	int r;

	while (i < len && body[i] != '\0' && strchr(" \t\r\n", body[i]))
		i++;
	if (i >= len || body[i] != '[')
		return json_refuse(reterr, "not a list");
	for (i++; i < len;) {
		char ch = body[i];

		if (ch == '"') {
			i = skip_string(body, len, i);
			continue;
		}
		if ((ch == '{' || ch == '[') && depth++ == 0)
			start = i;
		if (ch == ']' && depth == 0)
			return 0;
		if ((ch == '}' || ch == ']') && --depth == 0) {
			r = cut_add(c, body + start, i + 1 - start, reterr);
			if (r < 0)
				return r;
		}
		i++;
	}
	return json_refuse(reterr, "a list without an end");
}

static bool has_text(const struct span *s, const char *text)
{
	return memmem(s->text, s->len, text, strlen(text)) != NULL;
}

/* Whether an element may hold a thread that is wanted: a look at its text, cheaper than parsing. A
 * thread that waits at a barrier for a Python task does not have its name. */
static bool may_be_wanted(const struct span *s, enum thread_filter filter, bool *of_executor)
{
	static const char key[] = "\"threadName\"";
	const char *p = memmem(s->text, s->len, key, strlen(key));
	const char *end = s->text + s->len;
	char name[64] = "";
	size_t n = 0;

	if (!p)
		return true; /* let it be found wanting */
	for (p += strlen(key); p < end && strchr(" \t\r\n:\"", *p);)
		p++;
	while (p + n < end && p[n] != '"' && n < sizeof(name) - 1) {
		name[n] = p[n];
		n++;
	}
	*of_executor = *of_executor || names_executor(name);
	return wanted(name, filter) ||
	       (filter == THREADS_OF_TASKS && has_text(s, "BarrierTaskContext.runBarrier"));
}

/* Parses an element and keeps it; by_id: only if its id is that; -1: whatever it is. */
static int take_element(
	const struct span *s, int64_t by_id, struct thread_list *list, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	struct thread_obs *t = &list->items[list->n];
	int64_t id = -1;
	int r;

	if (list->n == MAX_KEPT)
		return 0;
	r = json_parse(s->text, s->len, &json, reterr);
	if (r < 0)
		return r;
	if (by_id >= 0) {
		r = json_get_i64(json, "threadId", JSON_REQUIRED, &id, reterr);
		if (r < 0 || id != by_id)
			return r < 0 ? r : 0;
	}
	r = decode_thread(json, t, reterr);
	if (r < 0)
		thread_obs_clear(t);
	else
		list->n++;
	return r;
}

static bool has_thread(const struct thread_list *l, int64_t id)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].id == id)
			return true;
	return false;
}

/* Does an element's text begin with this id? Spark writes "threadId" first. */
static bool may_have_id(const struct span *s, int64_t id)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%" PRId64, id);
	return memmem(s->text, s->len < 200 ? s->len : 200, text, strlen(text)) != NULL;
}

/* The threads that block what was kept. Of those in turn blocked by others, not. */
static int take_blockers(const struct cut *c, struct thread_list *list, char **reterr)
{
	size_t n = list->n;

	for (size_t i = 0; i < n; i++) {
		int64_t id = list->items[i].blocked_by;

		for (size_t k = 0; id >= 0 && k < c->n && !has_thread(list, id); k++) {
			int r;

			if (!may_have_id(&c->items[k], id))
				continue;
			r = take_element(&c->items[k], id, list, reterr);
			if (r < 0)
				r = json_leave_out(&list->left_out, k + 1, r, reterr);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int spark_decode_threads(const char *body, size_t len, enum thread_filter filter,
	struct thread_list *ret, char **reterr)
{
	_cleanup_(thread_list_clear) struct thread_list list = {0};
	struct cut c = {0};
	int r;

	list.items = json_new_items(MAX_KEPT + 1, sizeof(*list.items));
	if (!list.items)
		return -ENOMEM;
	r = cut_list(body, len, &c, reterr);
	for (size_t i = 0; r >= 0 && i < c.n; i++) {
		if (may_be_wanted(&c.items[i], filter, &list.of_executor))
			r = take_element(&c.items[i], -1, &list, reterr);
		if (r < 0)
			r = json_leave_out(&list.left_out, i + 1, r, reterr);
	}
	if (r >= 0)
		r = take_blockers(&c, &list, reterr);
	free(c.items);
	if (r < 0)
		return r;
	*ret = TAKE_STRUCT(list);
	return 0;
}
