/* SPDX-License-Identifier: Apache-2.0
 * The one place that wipes secrets, and knows what they look like. */
#include "base/secret.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

#define STARS "***"

void secret_wipe(char *s, size_t n)
{
	if (s)
		explicit_bzero(s, n);
}

char *secret_free(char *s)
{
	secret_wipe(s, s ? strlen(s) : 0);
	free(s);
	return NULL;
}

/* Takes the form over. */
static int add_form(struct secrets *s, char *form)
{
	char **forms;
	size_t at = 0;

	for (size_t i = 0; i < s->n; i++)
		if (str_equal(s->forms[i], form)) {
			secret_free(form);
			return 0;
		}
	forms = reallocarray(s->forms, s->n + 1, sizeof(*forms));
	if (!forms) {
		secret_free(form);
		return -ENOMEM;
	}
	s->forms = forms;
	while (at < s->n && strlen(forms[at]) >= strlen(form))
		at++;
	memmove(forms + at + 1, forms + at, (s->n - at) * sizeof(*forms));
	forms[at] = form;
	s->n++;
	return 0;
}

/* What a text puts in the place of a character. */
static const struct escaping {
	struct {
		char c;
		const char *as;
	} rows[6];
	bool ascii; /* \uXXXX for all that is not ASCII */
} escapings[] = {
	{.ascii = false}, /* as it is */
	/* JSON, as it must, as some do, and as Python does. */
	{.rows = {{'"', "\\\""}, {'\\', "\\\\"}}},
	{.rows = {{'"', "\\\""}, {'\\', "\\\\"}, {'/', "\\/"}}},
	{.rows = {{'"', "\\\""}, {'\\', "\\\\"}}, .ascii = true},
	/* HTML has several names for quotes. */
	{.rows = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}}},
	{.rows = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&#34;"}, {'\'', "&#39;"}}},
	{.rows = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#x27;"}}},
};

static const char *escaped(const struct escaping *e, char c)
{
	for (size_t i = 0; i < ELEMENTSOF(e->rows) && e->rows[i].as; i++)
		if (e->rows[i].c == c)
			return e->rows[i].as;
	return NULL;
}

static void add_utf16(struct strbuf *b, uint32_t code)
{
	if (code > 0xffff)
		strbuf_addf(b, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
			0xdc00 + ((code - 0x10000) & 0x3ff));
	else
		strbuf_addf(b, "\\u%04x", code);
}

static int add_escaped(struct secrets *s, const char *secret, const struct escaping *e)
{
	struct strbuf b = {.secret = true};
	char *form = NULL;

	while (*secret) {
		const char *as = escaped(e, *secret);
		uint32_t code = 0;
		size_t n = utf8_decode(secret, &code);

		if (as)
			strbuf_add(&b, as);
		else if (n > 1 && e->ascii)
			add_utf16(&b, code);
		else
			strbuf_add_n(&b, secret, n > 0 ? n : 1);
		secret += n > 0 ? n : 1;
	}
	return strbuf_finish(&b, &form) < 0 ? -ENOMEM : add_form(s, form);
}

/* The characters of base64 that hold the secret alone, where `before` bytes stand before it; what
 * comes after it counts for nothing. */
static char *base64_of(const char *secret, size_t before, const char *last_two)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	size_t n = strlen(secret);
	size_t from = (before * 8 + 5) / 6;
	size_t to = (before + n) * 8 / 6;
	char *form = calloc(1, to + 1);

	for (size_t k = from; form && k < to; k++) {
		unsigned value = 0;

		for (size_t bit = k * 6; bit < k * 6 + 6; bit++) {
			unsigned byte = (unsigned char)secret[bit / 8 - before];

			value = value << 1 | (byte >> (7 - bit % 8) & 1U);
		}
		if (value < 62)
			form[k - from] = letters[value];
		else
			form[k - from] = last_two[value - 62];
	}
	return form;
}

static int add_base64(struct secrets *s, const char *secret)
{
	static const char *const alphabets[] = {"+/", "-_"};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < 3 * ELEMENTSOF(alphabets); i++) {
		char *form = base64_of(secret, i % 3, alphabets[i / 3]);

		if (!form)
			return -ENOMEM;
		/* Fewer letters are anything. */
		if (strlen(form) >= 4)
			r = add_form(s, form);
		else
			secret_free(form);
	}
	return r;
}

int secrets_add(struct secrets *s, const char *secret)
{
	struct strbuf b = {.secret = true};
	char *form = NULL;
	int r = 0;

	if (!secret || *secret == '\0')
		return 0;
	for (size_t i = 0; r >= 0 && i < ELEMENTSOF(escapings); i++)
		r = add_escaped(s, secret, &escapings[i]);
	if (r < 0)
		return r;
	strbuf_add_segment(&b, secret);
	r = strbuf_finish(&b, &form);
	if (r >= 0)
		r = add_form(s, form);
	return r < 0 ? r : add_base64(s, secret);
}

/* Closes up behind the stars, of which there are no more than the form had characters. */
static size_t hide(const char *form, char *text, size_t len)
{
	size_t n = strlen(form);
	size_t n_stars = n < strlen(STARS) ? n : strlen(STARS);
	const char *in = text;
	const char *end = text + len;
	char *out = text;
	const char *at;

	while ((at = memmem(in, (size_t)(end - in), form, n))) {
		memmove(out, in, (size_t)(at - in));
		out += at - in;
		memset(out, '*', n_stars);
		out += n_stars;
		in = at + n;
	}
	memmove(out, in, (size_t)(end - in));
	return (size_t)(out - text) + (size_t)(end - in);
}

size_t secrets_hide(const struct secrets *s, char *text, size_t len)
{
	size_t before = len;

	for (size_t i = 0; i < s->n; i++)
		len = hide(s->forms[i], text, len);
	/* What has moved up left its last bytes behind. */
	secret_wipe(text + len, before - len);
	text[len] = '\0';
	return len;
}

void secrets_clear(struct secrets *s)
{
	for (size_t i = 0; i < s->n; i++)
		secret_free(s->forms[i]);
	free(s->forms);
	*s = (struct secrets){0};
}

int secret_url_text(const char *url, char **ret)
{
	const char *scheme = strstr(url, "://");
	const char *user = scheme ? scheme + 3 : url;
	const char *at = strrchr(user, '@');

	if (!at)
		return str_printf(ret, "%s", url);
	return str_printf(ret, "%.*s" STARS "%s", (int)(user - url), url, at);
}
