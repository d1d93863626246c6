/* SPDX-License-Identifier: Apache-2.0
 * Finds the user's own code among the frames of a Python process. */
#include "wire/py_spy.h"

#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "wire/json.h"

#define MAX_THREADS 1000
#define MAX_FRAMES 1000
#define MAX_PATH 120
#define MAX_NAME 40

/* Whose code a file is. */
enum code {
	CODE_OWN,
	CODE_PACKAGE, /* installed */
	CODE_PYTHON,  /* its library */
	CODE_SPARK,   /* PySpark, and what brings the user's functions to the worker */
};

static bool has_any(const char *file, const char *const *parts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strstr(file, parts[i]))
			return true;
	return false;
}

static enum code code_of(const char *file)
{
	static const char *const spark[] = {"/pyspark/", "/pyspark.zip/", "/py4j", "/cloudpickle/"};
	static const char *const packages[] = {"/site-packages/", "/dist-packages/"};
	static const char *const python[] = {"/lib/python2", "/lib/python3", "/lib64/python3"};

	if (has_any(file, spark, ELEMENTSOF(spark)))
		return CODE_SPARK;
	if (has_any(file, packages, ELEMENTSOF(packages)))
		return CODE_PACKAGE;
	if (strncmp(file, "<frozen", strlen("<frozen")) == 0 ||
		has_any(file, python, ELEMENTSOF(python)))
		return CODE_PYTHON;
	return CODE_OWN;
}

static const char *text_of(const cJSON *frame, const char *field)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(frame, field);

	return cJSON_IsString(item) ? item->valuestring : "?";
}

static int64_t line_of(const cJSON *frame)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(frame, "line");

	return cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble < 1e9
		       ? (int64_t)item->valuedouble
		       : 0;
}

/* The innermost of one's own, else the outermost of a package; *ret_called: the next one inwards.
 * NULL: there is neither. */
static const cJSON *find_frame(const cJSON *thread, const cJSON **ret_called)
{
	const cJSON *frames = cJSON_GetObjectItemCaseSensitive(thread, "frames");
	const cJSON *before = NULL;
	const cJSON *package = NULL;
	const cJSON *frame;
	size_t n = 0;

	cJSON_ArrayForEach(frame, frames)
	{
		enum code code = code_of(text_of(frame, "filename"));

		if (n++ >= MAX_FRAMES)
			break;
		if (code == CODE_OWN) {
			*ret_called = before;
			return frame;
		}
		if (code == CODE_PACKAGE) {
			package = frame;
			*ret_called = before;
		}
		before = frame;
	}
	return package;
}

/* The first part of the path below where packages lie: "requests" of
 * ".../site-packages/requests/api.py". */
static const char *module_of(const char *file, size_t *ret_len)
{
	const char *at = strstr(file, "-packages/");
	const char *name = at ? at + strlen("-packages/") : strstr(file, "/python3");

	if (name && !at) {
		name = strchr(name + 1, '/');
		name = name ? name + 1 : NULL;
	}
	if (!name)
		name = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
	*ret_len = strcspn(name, "/.");
	return name;
}

static void add_call(struct strbuf *b, const cJSON *frame)
{
	const char *name = text_of(frame, "name");
	size_t len;
	const char *module = module_of(text_of(frame, "filename"), &len);

	strbuf_addf(b, " (%.*s.%.*s)", (int)(len < MAX_NAME ? len : MAX_NAME), module,
		(int)str_cut(name, MAX_NAME), name);
}

/* Of a long path the end, which tells most. */
static int describe(const cJSON *frame, const cJSON *called, char **ret)
{
	const char *file = text_of(frame, "filename");
	const char *name = text_of(frame, "name");
	size_t n = strlen(file);
	_cleanup_free_ char *text = NULL;
	struct strbuf b = {0};
	int r;

	if (n > MAX_PATH)
		strbuf_addf(&b, "...%s", file + n - MAX_PATH);
	else
		strbuf_add(&b, file);
	if (line_of(frame) > 0)
		strbuf_addf(&b, ":%lld", (long long)line_of(frame));
	strbuf_addf(&b, " %.*s", (int)str_cut(name, MAX_NAME), name);
	if (called)
		add_call(&b, called);
	r = strbuf_finish(&b, &text);
	return r < 0 ? r : str_printable(text, PYTHON_PLACE_MAX, ret);
}

static bool is_main(const cJSON *thread)
{
	const cJSON *pid = cJSON_GetObjectItemCaseSensitive(thread, "pid");
	const cJSON *tid = cJSON_GetObjectItemCaseSensitive(thread, "os_thread_id");

	return cJSON_IsNumber(pid) && cJSON_IsNumber(tid) && pid->valuedouble == tid->valuedouble;
}

int py_spy_decode(const char *text, size_t len, char **ret, char **reterr)
{
	_cleanup_json_ cJSON *json = NULL;
	const cJSON *best = NULL;
	const cJSON *called = NULL;
	const cJSON *thread;
	size_t n = 0;
	int r;

	r = json_parse(text, len, &json, reterr);
	if (r < 0)
		return r;
	if (!cJSON_IsArray(json))
		return json_refuse(reterr, "not a list of threads");
	cJSON_ArrayForEach(thread, json)
	{
		const cJSON *below = NULL;
		const cJSON *frame = find_frame(thread, &below);

		if (n++ >= MAX_THREADS)
			break;
		if (!frame || (best && !is_main(thread)))
			continue;
		best = frame;
		called = below;
	}
	*ret = NULL;
	return best ? describe(best, called, ret) : 0;
}
