/* SPDX-License-Identifier: Apache-2.0
 * Tables of Go's names, and what they come to. */
#include "conf/web_ciphers.h"

#include <errno.h>
#include <string.h>

#include "base/strbuf.h"

/* Suites that Go does not call insecure (crypto/tls, CipherSuites()). */
static const struct suite {
	const char *name;
	const char *exchange; /* NULL: of TLS 1.3, where it is no part of the suite */
	const char *cipher;
	const char *mac;
} suites[] = {
	{"TLS_AES_128_GCM_SHA256", NULL, "AES-128-GCM", "AEAD"},
	{"TLS_AES_256_GCM_SHA384", NULL, "AES-256-GCM", "AEAD"},
	{"TLS_CHACHA20_POLY1305_SHA256", NULL, "CHACHA20-POLY1305", "AEAD"},
	{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA", "AES-128-GCM", "AEAD"},
	{"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA", "AES-256-GCM", "AEAD"},
	{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA", "CHACHA20-POLY1305",
		"AEAD"},
	{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA", "AES-128-GCM", "AEAD"},
	{"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA", "AES-256-GCM", "AEAD"},
	{"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA", "CHACHA20-POLY1305", "AEAD"},
	{"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA", "AES-128-CBC", "SHA1"},
	{"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA", "AES-256-CBC", "SHA1"},
	{"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA", "AES-128-CBC", "SHA1"},
	{"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA", "AES-256-CBC", "SHA1"},
};

static const struct {
	const char *name;
	const char *group;
} curves[] = {
	{"X25519", "X25519"},
	{"CurveP256", "SECP256R1"},
	{"CurveP384", "SECP384R1"},
	{"CurveP521", "SECP521R1"},
};

/* Those with forward secrecy and authenticated encryption, where none are named. */
#define DEFAULT_SUITES ":+ECDHE-ECDSA:+ECDHE-RSA:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD"
#define DEFAULT_CURVES ":+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1"

static const struct suite *find_suite(const char *name)
{
	for (size_t i = 0; i < ELEMENTSOF(suites); i++)
		if (str_equal(suites[i].name, name))
			return &suites[i];
	return NULL;
}

bool web_cipher_known(const char *name)
{
	return find_suite(name) != NULL;
}

bool web_curve_known(const char *name)
{
	for (size_t i = 0; i < ELEMENTSOF(curves); i++)
		if (str_equal(curves[i].name, name))
			return true;
	return false;
}

/* Whether the list, taken apart, has the three of them. */
static bool is_allowed(const struct strlist *l, const struct suite *s)
{
	bool exchange = false;
	bool cipher = false;
	bool mac = false;

	for (size_t i = 0; i < l->n; i++) {
		const struct suite *has = find_suite(l->items[i]);

		if (!has)
			continue;
		exchange = exchange || (has->exchange && str_equal(has->exchange, s->exchange));
		cipher = cipher || str_equal(has->cipher, s->cipher);
		mac = mac || str_equal(has->mac, s->mac);
	}
	return exchange && cipher && mac;
}

static int check_product(const struct strlist *l, char **reterr)
{
	int r;

	for (size_t i = 0; i < ELEMENTSOF(suites); i++) {
		if (!suites[i].exchange || strlist_has(l, suites[i].name) ||
			!is_allowed(l, &suites[i]))
			continue;
		r = str_printf(reterr,
			"%s would be allowed, too, since GnuTLS takes ciphers and keys apart: add "
			"it, or leave others out",
			suites[i].name);
		return r < 0 ? r : -EINVAL;
	}
	return 0;
}

/* Once each, in the order of the list. */
static void add_part(struct strbuf *b, const char *part)
{
	size_t n = strlen(part);

	for (const char *at = b->text; at && (at = strstr(at, part)); at += n)
		if (at[-1] == '+' && (at[n] == ':' || at[n] == '\0'))
			return;
	strbuf_addf(b, ":+%s", part);
}

static void add_suites(struct strbuf *b, const struct strlist *l)
{
	if (l->n == 0)
		strbuf_add(b, DEFAULT_SUITES);
	for (size_t i = 0; i < l->n; i++) {
		const struct suite *s = find_suite(l->items[i]);

		if (!s)
			continue;
		if (s->exchange)
			add_part(b, s->exchange);
		add_part(b, s->cipher);
		add_part(b, s->mac);
	}
}

static void add_curves(struct strbuf *b, const struct strlist *l)
{
	if (l->n == 0)
		strbuf_add(b, DEFAULT_CURVES);
	for (size_t i = 0; i < l->n; i++)
		for (size_t k = 0; k < ELEMENTSOF(curves); k++)
			if (str_equal(curves[k].name, l->items[i]))
				strbuf_addf(b, ":+GROUP-%s", curves[k].group);
}

int web_ciphers_priority(const struct web_file_tls *t, char **ret, char **reterr)
{
	struct strbuf b = {0};
	int r = check_product(&t->cipher_suites, reterr);

	if (r < 0)
		return r;
	strbuf_add(&b, "NONE");
	if (t->max_version >= 13)
		strbuf_add(&b, ":+VERS-TLS1.3");
	if (t->min_version <= 12)
		strbuf_add(&b, ":+VERS-TLS1.2");
	strbuf_add(&b, ":+COMP-NULL:+SIGN-ALL:+CTYPE-X509");
	add_suites(&b, &t->cipher_suites);
	add_curves(&b, &t->curves);
	if (t->prefer_server)
		strbuf_add(&b, ":%SERVER_PRECEDENCE");
	return strbuf_finish(&b, ret);
}
