/* SPDX-License-Identifier: Apache-2.0
 * Strings of JSON: where they end, and what their escapes stand for. */
#pragma once

#include <stddef.h>

/* Stands for what no text can hold: a NUL, and half of a surrogate pair. */
#define JSON_IMPOSSIBLE 1

/* The first quote or backslash from p on; end where there is none. */
const char *json_find_special(const char *p, const char *end);

/* The value of the escape "\u1234" at p; -1: it is none. */
int json_escape_at(const char *p, const char *end);

/* What the len bytes between the quotes of a string, with escapes that are all valid, stand for,
 * and a NUL. Of a longer text, at least its first size - 4 bytes. */
void json_unescape(const char *text, size_t len, char *buf, size_t size);
