/* SPDX-License-Identifier: Apache-2.0
 * Recorded answers for the tests of the decoders. */
#pragma once

#include <cjson/cJSON.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "core/facts/model.h"

/* A file below tests/wire/fixtures; the caller frees it. */
static inline char *fixture_read(const char *name)
{
	const char *tests = getenv("STAGEWATCHD_TESTS");
	_cleanup_free_ char *path = NULL;
	struct strbuf b = {0};
	char piece[4096];
	char *text = NULL;
	size_t n;
	FILE *f;

	assert_int_equal(
		str_printf(&path, "%s/wire/fixtures/%s", tests ? tests : "tests", name), 0);
	f = fopen(path, "re");
	if (!f)
		print_error("no file %s\n", path);
	assert_non_null(f);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		strbuf_add_n(&b, piece, n);
	(void)fclose(f);
	assert_int_equal(strbuf_finish(&b, &text), 0);
	return text;
}

/* The body of a recorded answer of Airflow, {note, request, response:{status, headers, body}}. */
static inline char *fixture_body(const char *name)
{
	_cleanup_free_ char *text = fixture_read(name);
	cJSON *json = cJSON_Parse(text);
	const cJSON *response = cJSON_GetObjectItemCaseSensitive(json, "response");
	cJSON *body = cJSON_GetObjectItemCaseSensitive(response, "body");
	char *s;

	assert_non_null(body);
	s = cJSON_IsString(body) ? strdup(body->valuestring) : cJSON_PrintUnformatted(body);
	cJSON_Delete(json);
	assert_non_null(s);
	return s;
}

/* That a row was left out, as a refusal of the whole: for tests that hold the words of either. */
static inline int left_out_refused(int r, const struct left_out *l, char **reterr)
{
	const char *why = strstr(l->why, ": ");

	if (r < 0 || l->n == 0)
		return r;
	assert_non_null(why);
	assert_int_equal(str_replace(reterr, why + 2), 0);
	return -EBADMSG;
}

/* A copy of exactly n bytes without a NUL, so that a sanitizer sees any byte read beyond. */
static inline char *exact_copy(const char *s, size_t n)
{
	char *copy = malloc(n > 0 ? n : 1);

	assert_non_null(copy);
	if (n > 0)
		memcpy(copy, s, n);
	return copy;
}

/* n times piece between begin and end. */
static inline char *repeated(const char *begin, const char *piece, size_t n, const char *end)
{
	struct strbuf b = {0};
	char *text = NULL;

	strbuf_add(&b, begin);
	for (size_t i = 0; i < n; i++)
		strbuf_add(&b, piece);
	strbuf_add(&b, end);
	assert_int_equal(strbuf_finish(&b, &text), 0);
	return text;
}
