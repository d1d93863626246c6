/* SPDX-License-Identifier: Apache-2.0
 * Tokens by HMAC, and origins by what browsers say of them. */
#include "web/order_guard.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"
#include "base/strbuf.h"
#include "io/hmac.h"
#include "io/random.h"

struct order_guard {
	char key[RANDOM_KEY_SIZE];
};

int order_guard_new(struct order_guard **ret)
{
	_cleanup_(order_guard_freep) struct order_guard *g = calloc(1, sizeof(*g));
	int r;

	if (!g)
		return -ENOMEM;
	r = random_key(g->key);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(g);
	return 0;
}

struct order_guard *order_guard_free(struct order_guard *g)
{
	if (g)
		explicit_bzero(g->key, sizeof(g->key));
	free(g);
	return NULL;
}

/* "SECONDS.HMAC". */
static int make(const struct order_guard *g, const char *user, uint64_t seconds,
	char ret[static ORDER_TOKEN_SIZE])
{
	_cleanup_free_ char *signed_text = NULL;
	char hex[HMAC_HEX_SIZE];
	int r;

	r = str_printf(&signed_text, "%" PRIu64 "\n%s", seconds, user);
	if (r >= 0)
		r = hmac_sha256(g->key, signed_text, strlen(signed_text), hex);
	if (r < 0)
		return r;
	(void)snprintf(ret, ORDER_TOKEN_SIZE, "%" PRIu64 ".%s", seconds, hex);
	return 0;
}

int order_guard_token(const struct order_guard *g, const char *user, usec_t now,
	char ret[static ORDER_TOKEN_SIZE])
{
	return make(g, user, now / USEC_PER_SEC, ret);
}

const char *order_guard_token_fault(
	const struct order_guard *g, const char *user, const char *token, usec_t now)
{
	static const char foreign[] =
		"its token is not one that this daemon has made for this user";
	char wanted[ORDER_TOKEN_SIZE];
	char digits[24] = "";
	uint64_t seconds;

	if (!token)
		return "it has no token: give it by the buttons of a page";
	(void)snprintf(digits, sizeof(digits), "%.*s", (int)strcspn(token, "."), token);
	if (parse_u64(digits, &seconds) < 0 || make(g, user, seconds, wanted) < 0 ||
		!hmac_equal(token, wanted))
		return foreign;
	if (seconds > now / USEC_PER_SEC ||
		now / USEC_PER_SEC - seconds > ORDER_TOKEN_LIFE / USEC_PER_SEC)
		return "the page with its button is older than an hour: load it again";
	return NULL;
}

/* What follows the scheme, up to the path. */
static const char *authority_of(const char *url, size_t *ret_len)
{
	const char *s = strncasecmp(url, "https://", 8) == 0  ? url + 8
			: strncasecmp(url, "http://", 7) == 0 ? url + 7
							      : NULL;

	*ret_len = s ? strcspn(s, "/?#") : 0;
	return s;
}

/* url: an origin, or a whole address; host: "name" or "name:port". */
static bool is_at_host(const char *url, const char *host)
{
	size_t n;
	const char *s = authority_of(url, &n);

	return s && host && n > 0 && strlen(host) == n && strncasecmp(s, host, n) == 0;
}

static bool is_at_url(const char *url, const char *ours)
{
	size_t n;
	size_t n_ours;
	const char *s = authority_of(url, &n);
	const char *o = ours ? authority_of(ours, &n_ours) : NULL;

	return s && o && n > 0 && n == n_ours && strncasecmp(s, o, n) == 0;
}

const char *order_guard_origin_fault(
	const struct http_server_request *request, const char *external_url)
{
	const char *origin = request->origin ? request->origin : request->referer;

	if (request->fetch_site && !str_equal(request->fetch_site, "same-origin"))
		return "the browser says that another site has sent it";
	if (!origin)
		return "nothing says from which page it comes: it has no Origin and no Referer";
	if (is_at_host(origin, request->host) || is_at_url(origin, external_url))
		return NULL;
	return "its Origin is neither the host that was asked nor [web] external_url";
}
