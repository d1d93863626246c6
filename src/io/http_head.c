/* SPDX-License-Identifier: Apache-2.0
 * The head of a request, as libmicrohttpd has understood it, against its length. */
#include "io/http_head.h"

#include <microhttpd.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

/* RFC 9110, 5.6.2. */
static bool is_token(const char *s, size_t n)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789"
				    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	return n > 0 && strspn(s, token) >= n;
}

static bool is_field_value(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

int http_head_look_at_target(const char *target)
{
	size_t path = strcspn(target, "?");
	int status = 0;

	if (target[0] != '/')
		return MHD_HTTP_BAD_REQUEST;
	for (size_t i = 0; target[i]; i++) {
		unsigned char c = (unsigned char)target[i];

		if (c <= ' ' || c >= 0x7f || strncmp(target + i, "%00", 3) == 0)
			return MHD_HTTP_BAD_REQUEST;
		if (i < path && strncasecmp(target + i, "%2f", 3) == 0)
			status = MHD_HTTP_NOT_FOUND;
	}
	return status;
}

struct fields {
	size_t len; /* of all lines, with their ends */
	unsigned n_hosts;
	unsigned n_lengths;
	bool bad;
};

/* NOLINTNEXTLINE(readability-function-size): the signature is libmicrohttpd's. */
static enum MHD_Result on_field(void *userdata, enum MHD_ValueKind kind, const char *name,
	size_t name_len, const char *value, size_t value_len)
{
	struct fields *f = userdata;

	(void)kind;
	f->len += name_len + strlen(": ") + value_len + strlen("\r\n");
	f->bad =
		f->bad || !is_token(name, name_len) || (value && !is_field_value(value, value_len));
	f->n_hosts += strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0;
	f->n_lengths += strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0;
	return MHD_YES;
}

bool http_head_is_plain(struct MHD_Connection *connection, const char *method, size_t target_len,
	const char *version)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	struct fields f = {
		.len = strlen(method) + target_len + strlen(version) + strlen("  \r\n\r\n")};

	(void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, on_field, &f);
	return info && !f.bad && f.n_hosts <= 1 && f.n_lengths <= 1 && f.len == info->header_size;
}
