/* SPDX-License-Identifier: Apache-2.0
 * gzip by zlib. */
#include "io/gzip.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

/* Smaller bodies fit a packet or two as they are. */
#define GZIP_MIN ((size_t)512)
#define GZIP_LEVEL 6
#define GZIP_WINDOW (15 + 16) /* zlib's way to ask for the gzip format */

/* Is the quality after an element's name, "" or ";q=0.5", other than 0? */
static bool has_quality(const char *s, const char *end)
{
	while (s < end && strchr("; \t", *s))
		s++;
	if (s == end)
		return true;
	if (end - s < 3 || strncasecmp(s, "q=", 2) != 0)
		return false;
	for (s += 2; s < end; s++)
		if (*s >= '1' && *s <= '9')
			return true;
	return false;
}

/* What Accept-Encoding says of gzip by name holds, whatever it says of all by '*'. */
bool gzip_offered(const char *accept)
{
	bool all = false;

	while (accept && *accept) {
		const char *name = accept + strspn(accept, " \t,");
		const char *end = name + strcspn(name, ",");
		size_t n = strcspn(name, "; \t,");

		if (n == 4 && strncasecmp(name, "gzip", n) == 0)
			return has_quality(name + n, end);
		if (n == 1 && *name == '*')
			all = has_quality(name + n, end);
		accept = end;
	}
	return all;
}

bool gzip_replace(char **body, size_t *len)
{
	z_stream z = {0};
	unsigned char *out;
	bool done = false;

	if (*len <= GZIP_MIN || *len > UINT32_MAX / 2 ||
		deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) !=
			Z_OK)
		return false;
	out = malloc(*len);
	if (out) {
		z.next_in = (unsigned char *)*body;
		z.avail_in = (unsigned)*len;
		z.next_out = out;
		z.avail_out = (unsigned)*len;
		done = deflate(&z, Z_FINISH) == Z_STREAM_END;
	}
	(void)deflateEnd(&z);
	if (!done) {
		free(out);
		return false;
	}
	free(*body);
	*body = (char *)out;
	*len -= z.avail_out;
	return true;
}
