/* SPDX-License-Identifier: Apache-2.0
 * The web configuration file: each key, and what is refused. */
#include "conf/web_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../row.h"
#include "../wipe.h"

#include "base/secret.h"
#include "base/strbuf.h"
#include "conf/yaml_tree.h"

#define HASH "$2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze"
#define CERT "tls_server_config: {cert_file: c, key_file: k"
#define ECDHE "TLS_ECDHE_RSA_WITH_AES_"

static struct web_file *decode(const char *text)
{
	struct web_file *f = NULL;
	struct strlist errors = {0};

	if (web_file_decode("/etc/w/web.yml", text, strlen(text), &f, &errors) < 0)
		fail_msg("%s", errors.n > 0 ? errors.items[0] : "no error is named");
	assert_int_equal(errors.n, 0);
	return f;
}

static void test_nothing(void **state)
{
	static const char *const texts[] = {"", "# a comment\n", "---\n", "{}", "~", "null\n",
		"tls_server_config:\nbasic_auth_users:\nhttp_server_config:\nrate_limit:\n",
		"tls_server_config: {}\nbasic_auth_users: {}\nhttp_server_config: {headers: }\n",
		"rate_limit: {interval: 0, burst: 7}"};

	(void)state;
	each_row(i, texts)
	{
		struct web_file *f = decode(texts[i]);

		assert_false(f->tls.enabled);
		assert_int_equal(f->n_users, 0);
		assert_int_equal(f->n_headers, 0);
		assert_int_equal(f->rate_interval, 0);
		assert_int_equal(f->warnings.n, 0);
		assert_null(web_file_free(f));
	}
}

/* The sample of exporter-toolkit. */
static void test_sample(void **state)
{
	struct web_file *f = decode("tls_server_config:\n"
				    "  cert_file: server.crt\n"
				    "  key_file: /keys/server.key\n"
				    "basic_auth_users:\n"
				    "  alice: " HASH "\n"
				    "  \"bob\": '" HASH "'\n"
				    "rate_limit:\n"
				    "  interval: \"1m30s\" # time between two requests\n"
				    "  burst: 20\n");

	(void)state;
	assert_true(f->tls.enabled);
	assert_string_equal(f->tls.cert_file, "/etc/w/server.crt");
	assert_string_equal(f->tls.key_file, "/keys/server.key");
	assert_null(f->tls.cert);
	assert_false(f->tls.request || f->tls.require || f->tls.verify);
	assert_string_equal(f->tls.priority,
		"NONE:+VERS-TLS1.3:+VERS-TLS1.2:+COMP-NULL:+SIGN-ALL:+CTYPE-X509"
		":+ECDHE-ECDSA:+ECDHE-RSA:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD"
		":+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1"
		":%SERVER_PRECEDENCE");
	assert_int_equal(f->n_users, 2);
	assert_string_equal(f->users[0].name, "alice");
	assert_string_equal(f->users[1].name, "bob");
	assert_string_equal(f->users[1].hash, HASH);
	assert_int_equal(f->rate_interval, 90 * USEC_PER_SEC);
	assert_int_equal(f->rate_burst, 20);
	web_file_free(f);
}

/* All other keys. */
static void test_all_keys(void **state)
{
	struct web_file *f =
		decode("tls_server_config:\n"
		       "  cert: |\n"
		       "    -----BEGIN CERTIFICATE-----\n"
		       "    x\n"
		       "  key: \"k\"\n"
		       "  client_ca: a\n"
		       "  client_auth_type: RequireAndVerifyClientCert\n"
		       "  client_allowed_sans: [a.example.com, \"10.0.0.1\"]\n"
		       "  min_version: TLS12\n"
		       "  max_version: TLS12\n"
		       "  cipher_suites:\n"
		       "  - " ECDHE "256_GCM_SHA384\n"
		       "  - " ECDHE "128_GCM_SHA256\n"
		       "  prefer_server_cipher_suites: false\n"
		       "  curve_preferences: [CurveP256, X25519]\n"
		       "http_server_config:\n"
		       "  http2: true\n"
		       "  headers:\n"
		       "    Content-Security-Policy: default-src 'self'\n"
		       "    X-Frame-Options: deny\n"
		       "    X-Content-Type-Options: nosniff\n"
		       "    X-XSS-Protection: \"\"\n"
		       "    Strict-Transport-Security: max-age=31536000; includeSubDomains\n");

	(void)state;
	assert_string_equal(f->tls.cert, "-----BEGIN CERTIFICATE-----\nx\n");
	assert_string_equal(f->tls.key, "k");
	assert_string_equal(f->tls.client_ca, "a");
	assert_true(f->tls.request && f->tls.require && f->tls.verify);
	assert_int_equal(f->tls.allowed_sans.n, 2);
	assert_string_equal(f->tls.allowed_sans.items[1], "10.0.0.1");
	assert_string_equal(f->tls.priority,
		"NONE:+VERS-TLS1.2:+COMP-NULL:+SIGN-ALL:+CTYPE-X509:+ECDHE-RSA:+AES-256-GCM:+AEAD"
		":+AES-128-GCM:+GROUP-SECP256R1:+GROUP-X25519");
	assert_int_equal(f->n_headers, 4);
	assert_string_equal(f->headers[3].name, "Strict-Transport-Security");
	assert_string_equal(f->headers[3].value, "max-age=31536000; includeSubDomains");
	web_file_free(f);
}

static void test_client_auth(void **state)
{
	static const struct {
		const char *type;
		bool request;
		bool require;
		bool verify;
	} rows[] = {
		{"NoClientCert", false, false, false},
		{"RequestClientCert", true, false, false},
		{"RequireAnyClientCert", true, true, false},
		{"RequireClientCert", true, true, false},
		{"VerifyClientCertIfGiven, client_ca_file: a", true, false, true},
		{"RequireAndVerifyClientCert, client_ca_file: a", true, true, true},
	};

	(void)state;
	each_row(i, rows)
	{
		char text[200];
		struct web_file *f;

		(void)snprintf(text, sizeof(text), CERT ", client_auth_type: %s}", rows[i].type);
		f = decode(text);
		assert_true(f->tls.request == rows[i].request &&
			    f->tls.require == rows[i].require && f->tls.verify == rows[i].verify);
		web_file_free(f);
	}
}

/* What would be safer here than the file asks for is said, and no fault. */
static void test_warnings(void **state)
{
	struct web_file *f = decode(CERT ",\n min_version: TLS10}");

	(void)state;
	assert_int_equal(f->warnings.n, 1);
	assert_string_equal(f->warnings.items[0],
		"/etc/w/web.yml:2: min_version: not supported: TLS12 is the least, and holds");
	assert_non_null(strstr(f->tls.priority, "NONE:+VERS-TLS1.3:+VERS-TLS1.2:+COMP-NULL"));
	web_file_free(f);
}

static const struct {
	const char *text;
	const char *said; /* after "/etc/w/web.yml:" */
} bad[] = {
	{"basic_auth_user:\n  a: b\n", "1: basic_auth_user: unknown key"},
	{"\ntls_server_config:\n  cert_fil: x\n", "3: cert_fil: unknown key"},
	{"http_server_config: {http3: true}", "1: http3: unknown key"},
	{"rate_limit: {bursts: 1}", "1: bursts: unknown key"},
	{"hWkNKCp3fvIx3jKnsaBI\n", "1: the file: takes keys of its own"},
	{"- a\n", "1: the file: takes keys of its own"},
	{"tls_server_config: yes\n", "1: tls_server_config: takes keys of its own"},
	{"tls_server_config: [a]\n", "1: tls_server_config: takes keys of its own"},
	{"tls_server_config: {cert_file: [a]}", "1: cert_file: takes one value"},
	{"tls_server_config: {min_version: TLS12}",
		"1: tls_server_config: needs cert_file or cert"},
	{"tls_server_config: {client_auth_type: NoClientCert}",
		"1: tls_server_config: needs cert_file or cert"},
	{"tls_server_config: {cert_file: a}", "1: tls_server_config: needs key_file or key"},
	{"tls_server_config: {key_file: a}", "1: tls_server_config: needs cert_file or cert"},
	{"tls_server_config: {cert_file: a, key_file: }",
		"1: tls_server_config: needs key_file or key"},
	{CERT ", cert: x}", "1: tls_server_config: has a text and a file for the same"},
	{CERT ", client_ca_file: x}", "1: tls_server_config: has a client_ca, but no"},
	{CERT ", client_ca_file: x, client_auth_type: NoClientCert}",
		"1: tls_server_config: has a client_ca, but no"},
	{CERT ", client_auth_type: RequireAndVerifyClientCert}",
		"1: tls_server_config: needs client_ca_file or client_ca"},
	{CERT ", client_auth_type: VerifyClientCertIfGiven}",
		"1: tls_server_config: needs client_ca_file or client_ca"},
	{CERT ", client_auth_type: Verify}", "1: client_auth_type: not NoClientCert, "},
	{CERT ", client_allowed_sans: [a]}", "1: tls_server_config: has client_allowed_sans, but"},
	{CERT ", client_allowed_sans: [a], client_auth_type: RequireAnyClientCert}",
		"1: tls_server_config: has client_allowed_sans, but"},
	{CERT ", client_allowed_sans: a}", "1: client_allowed_sans: takes a list"},
	{CERT ", client_allowed_sans: [[a]]}", "1: client_allowed_sans: takes a list of texts"},
	{CERT ", max_version: TLS11}", "1: max_version: not supported: TLS12 is the least"},
	{CERT ", max_version: TLS14}", "1: max_version: not TLS12 or TLS13"},
	{CERT ", min_version: SSL30}", "1: min_version: not TLS12 or TLS13"},
	{CERT ", min_version: TLS13, max_version: TLS12}",
		"1: tls_server_config: has a min_version above max_version"},
	{CERT ", cipher_suites:\n  [" ECDHE "128_GCM_SHA256,\n   TLS_RSA_WITH_RC4_128_SHA]}",
		"3: cipher_suites: holds one that is no cipher suite, or is not supported"},
	{CERT ", cipher_suites: [" ECDHE
	      "128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]}",
		"1: cipher_suites: TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 would be allowed, too"},
	{CERT ", curve_preferences: [CurveP192]}", "1: curve_preferences: not CurveP256, "},
	{CERT ", prefer_server_cipher_suites: perhaps}",
		"1: prefer_server_cipher_suites: neither true nor false"},
	{"http_server_config: {http2: 2}", "1: http2: neither true nor false"},
	{"http_server_config: {headers: {X-Frame-Options: allow}}",
		"1: X-Frame-Options: not deny or sameorigin"},
	{"http_server_config: {headers: {X-Content-Type-Options: sniff}}",
		"1: X-Content-Type-Options: not nosniff"},
	{"http_server_config: {headers: {Server: x}}",
		"1: Server: not one of the headers that can be set"},
	{"http_server_config:\n  headers:\n    X-XSS-Protection: \"1\\r\\nSet-Cookie: a\"\n",
		"3: X-XSS-Protection: not one line"},
	{"basic_auth_users: {alice: secret}", "1: alice: not a hash of bcrypt"},
	{"basic_auth_users: {alice: }", "1: alice: not a hash of bcrypt"},
	{"basic_auth_users: {alice: [a]}", "1: alice: takes one value"},
	{"basic_auth_users: {alice: $2x$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze}",
		"1: alice: not a hash of bcrypt"},
	{"basic_auth_users: {alice: $2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJP*e}",
		"1: alice: not a hash of bcrypt"},
	{"basic_auth_users: {alice: $2y$19$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze}",
		"1: alice: a cost above 18 is not supported"},
	{"basic_auth_users: {alice: $2y$03$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze}",
		"1: alice: a hash of bcrypt has a cost from 04 to 31"},
	{"basic_auth_users: {alice: $2y$1x$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze}",
		"1: alice: a hash of bcrypt has a cost from 04 to 31"},
	{"basic_auth_users: {'a:b': " HASH "}", "1: a:b: no name that a browser can send"},
	{"basic_auth_users: {'': " HASH "}", "1: : no name that a browser can send"},
	{"basic_auth_users: [alice]", "1: basic_auth_users: takes keys of its own"},
	{"basic_auth_users:\n  alice: " HASH "\n  alice: " HASH "\n",
		"3: the file: a key that was there already"},
	{"rate_limit: {interval: often}", "1: interval: not a duration"},
	{"rate_limit: {interval: 25h}", "1: interval: not a duration"},
	{"rate_limit: {burst: -1}", "1: burst: not a number"},
	{"rate_limit: {interval: 1s}", "1: rate_limit: has an interval, but no burst"},
	{"\nrate_limit:\n  interval: 1s\n  burst: 0\n",
		"2: rate_limit: has an interval, but no burst"},
	/* What YAML can do, and a file of settings does not need. */
	{"a: &x 1\nb: *x\n", "1: the file: an anchor is not supported"},
	{"tls_server_config: &x {}\n", "1: the file: an anchor is not supported"},
	{"rate_limit: *x\n", "1: the file: an alias is not supported"},
	{"basic_auth_users: !!map {}\n", "1: the file: a tag is not supported"},
	{"&k a: b\n", "1: the file: an anchor is not supported"},
	{"[a]: b\n", "1: the file: a key is not a text"},
	{"a: \"x\\0y\"\n", "1: the file: a NUL character is in a text"},
	{"{}\n---\n{}\n", "2: the file: a second document"},
	{"a: [[[[[[[[[[1]]]]]]]]]]\n", "1: the file: deeper or longer than what is read"},
	{"a:\n\t- b\n", "2: the file: found character that cannot start any token"},
	{"a: \"b\n", "2: the file: found unexpected end of stream"},
	{"a: \xff\n", "1: the file: invalid leading UTF-8 octet"},
	{"}", "1: the file: did not find expected node content"},
};

static void test_bad(void **state)
{
	(void)state;
	each_row(i, bad)
	{
		struct web_file *f = NULL;
		struct strlist errors = {0};
		_cleanup_free_ char *said = NULL;
		int r = web_file_decode(
			"/etc/w/web.yml", bad[i].text, strlen(bad[i].text), &f, &errors);

		assert_true(r == -EBADMSG && !f && errors.n > 0);
		assert_int_equal(str_printf(&said, "/etc/w/web.yml:%s", bad[i].said), 0);
		if (strncmp(errors.items[0], said, strlen(said)) != 0)
			fail_msg("wanted %s, got %s", said, errors.items[0]);
		assert_null(strstr(errors.items[0], "mDwo"));
		assert_null(strstr(errors.items[0], "secret"));
		strlist_clear(&errors);
	}
}

/* Each fault is named, not the first one only. */
static void test_all_faults(void **state)
{
	static const char text[] = "basic_auth_users:\n  alice: x\n  bob: y\nfoo: 1\n";
	struct web_file *f = NULL;
	struct strlist errors = {0};

	(void)state;
	assert_int_equal(web_file_decode("w", text, strlen(text), &f, &errors), -EBADMSG);
	assert_int_equal(errors.n, 3);
	assert_string_equal(errors.items[2], "w:4: foo: unknown key");
	strlist_clear(&errors);
}

static void refuse_long(const char *begin, const char *item, size_t times, const char *said)
{
	struct strbuf b = {0};
	struct strlist errors = {0};
	struct web_file *f = NULL;

	strbuf_add(&b, begin);
	for (size_t i = 0; i < times; i++)
		strbuf_add(&b, item);
	assert_false(b.failed);
	assert_int_equal(web_file_decode("w", b.text, b.len, &f, &errors), -EBADMSG);
	assert_string_equal(errors.items[0], said);
	strlist_clear(&errors);
	strbuf_clear(&b);
}

static void test_limits(void **state)
{
	(void)state;
	refuse_long("", " ", YAML_TREE_MAX_BYTES + 1, "w:1: the file: more than 256 KiB");
	refuse_long("a: [", "1,", YAML_TREE_MAX_NODES,
		"w:1: the file: deeper or longer than what is read");
	refuse_long("a: ", "[", 50000, "w:1: the file: deeper or longer than what is read");
	refuse_long("", "k", 300, "w:1: the file: takes keys of its own");
}

/* A key of TLS within the file, in each way to write it. */
static void test_wiped(void **state)
{
	static const char *const keys[] = {
		WIPE_SECRET, "'" WIPE_SECRET "'", "|\n  " WIPE_SECRET "\n  x\n"};

	(void)state;
	if (!WIPE_SEEN)
		skip();
	each_row(i, keys)
	{
		char text[300];
		struct web_file *f;

		(void)snprintf(
			text, sizeof(text), "tls_server_config:\n cert: a\n key: %s", keys[i]);
		wipe_left = 0;
		f = decode(text);
		assert_non_null(strstr(f->tls.key, WIPE_SECRET));
		web_file_free(f);
		secret_wipe(text, sizeof(text));
		assert_int_equal(wipe_left, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_all_keys),
		cmocka_unit_test(test_client_auth),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_all_faults),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
