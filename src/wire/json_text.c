/* SPDX-License-Identifier: Apache-2.0
 * Strings of JSON, their ends and their escapes. */
#include "wire/json_text.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "base/parse.h"

/* Marks the bytes of a word that are c: the lowest mark is right, those above it may not be. */
static uint64_t bytes_equal(uint64_t word, char c)
{
	const uint64_t ones = 0x0101010101010101U;
	uint64_t differs = word ^ (ones * (unsigned char)c);

	return (differs - ones) & ~differs & (ones << 7);
}

/* Eight bytes at a time. */
const char *json_find_special(const char *p, const char *end)
{
	while (end - p >= 8) {
		uint64_t word;
		uint64_t hits;

		memcpy(&word, p, sizeof(word));
		word = le64toh(word);
		hits = bytes_equal(word, '"') | bytes_equal(word, '\\');
		if (hits)
			return p + __builtin_ctzll(hits) / 8;
		p += 8;
	}
	while (p < end && *p != '"' && *p != '\\')
		p++;
	return p;
}

int json_escape_at(const char *p, const char *end)
{
	int value = 0;

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	for (size_t k = 2; k < 6; k++) {
		int digit = parse_hex_digit(p[k]);

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* What "\u0041" at p stands for, two of them where they are a pair; p is left behind it. */
static uint32_t take_code(const char **p, const char *end)
{
	int code = json_escape_at(*p, end);
	int low = -1;

	*p += 6;
	if (code >= 0xd800 && code <= 0xdbff)
		low = json_escape_at(*p, end);
	if (low >= 0xdc00 && low <= 0xdfff) {
		*p += 6;
		return 0x10000U + ((uint32_t)(code - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
	}
	return code <= 0 || (code >= 0xd800 && code <= 0xdfff) ? JSON_IMPOSSIBLE : (uint32_t)code;
}

static size_t put_utf8(char *buf, uint32_t code)
{
	static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t i = n; i-- > 1; code >>= 6)
		buf[i] = (char)(0x80 | (code & 0x3f));
	buf[0] = (char)(marks[n] | code);
	return n;
}

static char simple_escape(char c)
{
	static const char escapes[] = "b\bf\fn\nr\rt\t";

	for (const char *p = escapes; *p; p += 2)
		if (*p == c)
			return p[1];
	return c;
}

void json_unescape(const char *text, size_t len, char *buf, size_t size)
{
	const char *p = text;
	const char *end = text + len;
	size_t n = 0;

	/* The longest character has four bytes. */
	while (p < end && n + 4 < size) {
		if (*p != '\\') {
			buf[n] = *p++;
			if (!buf[n])
				buf[n] = JSON_IMPOSSIBLE;
			n++;
		} else if (p[1] == 'u') {
			n += put_utf8(buf + n, take_code(&p, end));
		} else {
			buf[n++] = simple_escape(p[1]);
			p += 2;
		}
	}
	buf[n] = '\0';
}
