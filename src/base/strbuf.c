/* SPDX-License-Identifier: Apache-2.0
 * Growing strings, and the few helpers for text that may come from others. */
#include "base/strbuf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

/* Of more bytes than b has. realloc() would leave the old ones as they are. */
static char *grow(struct strbuf *b, size_t size)
{
	char *text;

	if (!b->secret)
		return realloc(b->text, size);
	text = malloc(size);
	if (!text)
		return NULL;
	if (b->text) {
		memcpy(text, b->text, b->len + 1);
		explicit_bzero(b->text, b->size);
	}
	free(b->text);
	return text;
}

static bool strbuf_reserve(struct strbuf *b, size_t more)
{
	size_t need;
	size_t size;
	char *text;

	if (b->failed)
		return false;
	if (more > SIZE_MAX / 4 - b->len) {
		b->failed = true;
		return false;
	}
	need = b->len + more + 1;
	if (need <= b->size)
		return true;
	size = b->size > 0 ? b->size : 64;
	while (size < need)
		size *= 2;
	text = grow(b, size);
	if (!text) {
		b->failed = true;
		return false;
	}
	b->text = text;
	b->size = size;
	return true;
}

void strbuf_clear(struct strbuf *b)
{
	if (b->secret && b->text)
		explicit_bzero(b->text, b->size);
	free(b->text);
	*b = (struct strbuf){0};
}

void strbuf_add_n(struct strbuf *b, const char *s, size_t n)
{
	if (!strbuf_reserve(b, n))
		return;
	if (n > 0)
		memcpy(b->text + b->len, s, n);
	b->len += n;
	b->text[b->len] = '\0';
}

void strbuf_add(struct strbuf *b, const char *s)
{
	strbuf_add_n(b, s, strlen(s));
}

/* Into the room that there is; where that is too little, once more. */
void strbuf_addf(struct strbuf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	for (size_t room = 64;; room = (size_t)n) {
		if (!strbuf_reserve(b, room))
			return;
		room = b->size - b->len;
		va_start(ap, fmt);
		n = vsnprintf(b->text + b->len, room, fmt, ap);
		va_end(ap);
		if (n >= 0 && (size_t)n < room)
			break;
		b->text[b->len] = '\0';
		if (n < 0) {
			b->failed = true;
			return;
		}
	}
	b->len += (size_t)n;
}

void strbuf_add_integer(struct strbuf *b, int64_t n)
{
	char text[24];
	size_t at = sizeof(text);
	uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n;

	do {
		text[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (n < 0)
		text[--at] = '-';
	strbuf_add_n(b, text + at, sizeof(text) - at);
}

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

void strbuf_add_segment(struct strbuf *b, const char *s)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (is_unreserved(*s))
			strbuf_add_n(b, s, 1);
		else
			strbuf_add_n(b, (const char[]){'%', hex[c >> 4], hex[c & 15]}, 3);
	}
}

static bool is_plain_json(char c)
{
	return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

void strbuf_add_json(struct strbuf *b, const char *s)
{
	strbuf_add_n(b, "\"", 1);
	while (*s) {
		size_t n = 0;

		while (is_plain_json(s[n]))
			n++;
		strbuf_add_n(b, s, n);
		s += n;
		if (*s == '"' || *s == '\\')
			strbuf_add_n(b, (const char[]){'\\', *s}, 2);
		else if (*s)
			strbuf_addf(b, "\\u%04x", (unsigned char)*s);
		s += *s != '\0';
	}
	strbuf_add_n(b, "\"", 1);
}

void strbuf_empty(struct strbuf *b)
{
	if (b->secret && b->text)
		explicit_bzero(b->text, b->len);
	b->len = 0;
	b->failed = false;
}

int strbuf_set(struct strbuf *b, const char *s)
{
	strbuf_empty(b);
	strbuf_add(b, s);
	return b->failed ? -ENOMEM : 0;
}

int strbuf_finish(struct strbuf *b, char **ret)
{
	char *fitting;

	/* Makes an empty buffer "". */
	strbuf_add_n(b, NULL, 0);
	if (b->failed) {
		strbuf_clear(b);
		return -ENOMEM;
	}
	/* It may be kept for long. Of a secret realloc() could leave a copy behind. */
	fitting = b->secret ? NULL : realloc(b->text, b->len + 1);
	*ret = fitting ? fitting : b->text;
	*b = (struct strbuf){0};
	return 0;
}

/* vasprintf() grows a buffer of its own, and frees it as it is. */
int str_printf(char **ret, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	s = n < 0 ? NULL : malloc((size_t)n + 1);
	if (!s)
		return -ENOMEM;
	va_start(ap, fmt);
	(void)vsnprintf(s, (size_t)n + 1, fmt, ap);
	va_end(ap);
	*ret = s;
	return 0;
}

int str_replace(char **target, const char *s)
{
	char *copy = NULL;

	if (str_equal(*target, s))
		return 0;
	if (s) {
		copy = strdup(s);
		if (!copy)
			return -ENOMEM;
	}
	free(*target);
	*target = copy;
	return 0;
}

bool str_equal(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a, b) == 0;
}

size_t utf8_decode(const char *text, uint32_t *ret)
{
	const unsigned char *s = (const unsigned char *)text;
	uint32_t code;
	size_t n;

	if (s[0] < 0x80) {
		*ret = s[0];
		return 1;
	}
	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		n = 2;
		code = s[0] & 0x1fU;
	} else if (s[0] >= 0xe0 && s[0] <= 0xef) {
		n = 3;
		code = s[0] & 0x0fU;
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		n = 4;
		code = s[0] & 0x07U;
	} else {
		return 0;
	}
	/* The terminating NUL is no continuation byte, so this never reads past it. */
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3fU);
	}
	if ((n == 3 && code < 0x800) || (n == 4 && code < 0x10000) || code > 0x10ffff ||
		(code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret = code;
	return n;
}

/* Controls, and what is not seen or turns round what is: a name that shows as another. */
static bool is_harmful(uint32_t code)
{
	static const struct {
		uint32_t first;
		uint32_t last;
	} ranges[] = {
		{0x00, 0x1f}, {0x7f, 0x9f}, {0xad, 0xad}, /* soft hyphen */
		{0x61c, 0x61c},                           /* Arabic letter mark */
		{0x115f, 0x1160},                         /* Hangul fillers */
		{0x180b, 0x180f},                         /* Mongolian selectors, vowel separator */
		{0x200b, 0x200f},                         /* zero width, direction marks */
		{0x2028, 0x202e},                         /* separators, embeddings, overrides */
		{0x2060, 0x206f},                         /* word joiner, isolates */
		{0x3164, 0x3164},                         /* Hangul filler */
		{0xfe00, 0xfe0f},                         /* variation selectors */
		{0xfeff, 0xfeff},                         /* byte order mark */
		{0xffa0, 0xffa0}, {0xfff0, 0xfffb}, {0xe0000, 0xe0fff}, /* tags, selectors */
	};

	for (size_t i = 0; i < ELEMENTSOF(ranges); i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	return false;
}

void str_sanitize(char *s)
{
	while (*s) {
		uint32_t code = 0;
		size_t n;

		if (*s >= ' ' && *s <= '~') {
			s++;
			continue;
		}
		n = utf8_decode(s, &code);
		if (n == 0) {
			*s++ = '?';
			continue;
		}
		if (is_harmful(code))
			memset(s, '?', n);
		s += n;
	}
}

size_t str_cut(const char *s, size_t max)
{
	size_t n = strnlen(s, max);

	if (n < max || s[n] == '\0')
		return n;
	/* s[n] begins a character, or is a byte within one: go back to where that begins. */
	for (size_t back = 0; back < 3 && n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80; back++)
		n--;
	return n;
}

int str_printable(const char *s, size_t max, char **ret)
{
	char *copy;

	copy = s ? strndup(s, str_cut(s, max)) : strdup("");
	if (!copy)
		return -ENOMEM;
	str_sanitize(copy);
	*ret = copy;
	return 0;
}
