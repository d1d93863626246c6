/* SPDX-License-Identifier: Apache-2.0
 * Fields of a form. */
#include "wire/form.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/strbuf.h"

/* Of the n bytes at s, into out, which has room for them and a NUL. */
static bool unescape(const char *s, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++) {
		int high = 0;
		int low = (unsigned char)s[i];

		if (s[i] == '+') {
			low = ' ';
		} else if (s[i] == '%') {
			if (n - i < 3)
				return false;
			high = parse_hex_digit(s[i + 1]);
			low = parse_hex_digit(s[i + 2]);
			if (high < 0 || low < 0)
				return false;
			i += 2;
		}
		*out++ = (char)(high * 16 + low);
		if (out[-1] == '\0')
			return false;
	}
	*out = '\0';
	return true;
}

static bool is_text(const char *s)
{
	while (*s) {
		uint32_t c;
		size_t n = utf8_decode(s, &c);

		if (n == 0 || c < ' ' || c == 0x7f)
			return false;
		s += n;
	}
	return true;
}

static int decode(const char *s, size_t n, char **ret)
{
	_cleanup_free_ char *value = malloc(n + 1);

	if (!value)
		return -ENOMEM;
	if (!unescape(s, n, value) || !is_text(value))
		return -EBADMSG;
	*ret = TAKE_PTR(value);
	return 0;
}

int form_field_decode(const char *body, const char *name, char **ret)
{
	size_t name_len = strlen(name);
	const char *found = NULL;
	size_t found_len = 0;
	int r;

	for (const char *s = body; *s;) {
		size_t n = strcspn(s, "&");

		if (n > name_len && s[name_len] == '=' && strncmp(s, name, name_len) == 0) {
			if (found)
				return -EBADMSG;
			found = s + name_len + 1;
			found_len = n - name_len - 1;
		}
		s += n + (s[n] == '&');
	}
	if (!found)
		return 0;
	r = decode(found, found_len, ret);
	return r < 0 ? r : 1;
}
