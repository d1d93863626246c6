/* SPDX-License-Identifier: Apache-2.0
 * GnuTLS for a server. */
#include "io/http_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>

#include "base/strbuf.h"

/* A chain has a few. */
#define MAX_CERTIFICATES 100U
#define MAX_CLIENT_CERTIFICATES 16U
#define MAX_SAN 1024
#define MAX_COMMON_NAME 256

struct http_tls {
	unsigned n_refs;
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priority;
	bool request;
	bool require;
	bool verify;
	struct strlist allowed_sans;
	usec_t expiry;
};

static int fail(char **reterr, const char *what, int error)
{
	int r = str_printf(reterr, "%s: %s", what, gnutls_strerror(error));

	return r < 0 || error == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EINVAL;
}

static gnutls_datum_t datum_of(const char *text)
{
	union {
		const char *in;
		unsigned char *out;
	} borrowed = {.in = text};

	return (gnutls_datum_t){borrowed.out, (unsigned)strlen(text)};
}

static int note_expiry(struct http_tls *t, const char *cert, char **reterr)
{
	const gnutls_datum_t text = datum_of(cert);
	gnutls_x509_crt_t *list = NULL;
	unsigned n = 0;
	int k = gnutls_x509_crt_list_import2(
		&list, &n, &text, GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);

	if (k < 0)
		return fail(reterr, "certificate", k);
	for (unsigned i = 0; i < n; i++) {
		time_t end = gnutls_x509_crt_get_expiration_time(list[i]);

		if (end > 0 && (t->expiry == 0 || (usec_t)end * USEC_PER_SEC < t->expiry))
			t->expiry = (usec_t)end * USEC_PER_SEC;
		gnutls_x509_crt_deinit(list[i]);
	}
	gnutls_free(list);
	if (n <= MAX_CERTIFICATES)
		return 0;
	return fail(reterr, "certificate", GNUTLS_E_LARGE_PACKET);
}

static int set_certificate(struct http_tls *t, const struct http_tls_params *p, char **reterr)
{
	const gnutls_datum_t cert = datum_of(p->cert);
	const gnutls_datum_t key = datum_of(p->key);
	int r = note_expiry(t, p->cert, reterr);
	int k;

	if (r < 0)
		return r;
	k = gnutls_certificate_set_x509_key_mem(t->credentials, &cert, &key, GNUTLS_X509_FMT_PEM);
	return k < 0 ? fail(reterr, "certificate and key", k) : 0;
}

static int set_client_ca(struct http_tls *t, const char *client_ca, char **reterr)
{
	const gnutls_datum_t text = datum_of(client_ca);
	int k = gnutls_certificate_set_x509_trust_mem(t->credentials, &text, GNUTLS_X509_FMT_PEM);

	if (k > 0)
		return 0;
	return fail(reterr, "client_ca", k < 0 ? k : GNUTLS_E_NO_CERTIFICATE_FOUND);
}

struct http_tls *http_tls_ref(struct http_tls *t)
{
	t->n_refs++;
	return t;
}

struct http_tls *http_tls_unref(struct http_tls *t)
{
	if (!t || --t->n_refs > 0)
		return NULL;
	if (t->credentials)
		gnutls_certificate_free_credentials(t->credentials);
	if (t->priority)
		gnutls_priority_deinit(t->priority);
	strlist_clear(&t->allowed_sans);
	free(t);
	return NULL;
}

usec_t http_tls_expiry(const struct http_tls *t)
{
	return t->expiry;
}

/* The certificate that the client shows first: its own. NULL: none; the caller frees it. */
static gnutls_x509_crt_t client_certificate(gnutls_session_t session)
{
	unsigned n = 0;
	const gnutls_datum_t *list = gnutls_certificate_get_peers(session, &n);
	gnutls_x509_crt_t c = NULL;

	if (!list || n == 0 || n > MAX_CLIENT_CERTIFICATES || gnutls_x509_crt_init(&c) < 0)
		return NULL;
	if (gnutls_x509_crt_import(c, &list[0], GNUTLS_X509_FMT_DER) < 0) {
		gnutls_x509_crt_deinit(c);
		return NULL;
	}
	return c;
}

/* An alternative name as a list says it; false: it is of another type. */
static bool san_text(int type, const char *san, size_t n, char text[static MAX_SAN])
{
	if (type == GNUTLS_SAN_IPADDRESS)
		return (n == 4 && inet_ntop(AF_INET, san, text, MAX_SAN)) ||
		       (n == 16 && inet_ntop(AF_INET6, san, text, MAX_SAN));
	if (type != GNUTLS_SAN_DNSNAME && type != GNUTLS_SAN_RFC822NAME && type != GNUTLS_SAN_URI)
		return false;
	/* With a NUL within, it is not the text that it begins with. */
	if (n >= MAX_SAN || memchr(san, '\0', n))
		return false;
	memcpy(text, san, n);
	text[n] = '\0';
	return true;
}

static bool has_allowed_san(const struct strlist *allowed, gnutls_session_t session)
{
	gnutls_x509_crt_t c = client_certificate(session);
	bool found = false;
	int type = 0;

	for (unsigned i = 0; c && !found && type >= 0; i++) {
		char san[MAX_SAN] = "";
		char text[MAX_SAN] = "";
		size_t n = sizeof(san);

		type = gnutls_x509_crt_get_subject_alt_name(c, i, san, &n, NULL);
		/* One that is too long is none of the list. */
		if (type == GNUTLS_E_SHORT_MEMORY_BUFFER)
			type = GNUTLS_SAN_OTHERNAME;
		found = type >= 0 && san_text(type, san, n, text) && strlist_has(allowed, text);
	}
	if (c)
		gnutls_x509_crt_deinit(c);
	return found;
}

static bool is_signed(gnutls_session_t session)
{
	static char purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
	gnutls_typed_vdata_st wanted = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)purpose};
	unsigned status = GNUTLS_CERT_INVALID;

	return gnutls_certificate_verify_peers(session, &wanted, 1, &status) == 0 && status == 0;
}

/* GnuTLS calls within the handshake, also where the client has shown none. Not 0: it ends there. */
static int verify_client(gnutls_session_t session)
{
	const struct http_tls *t = gnutls_session_get_ptr(session);
	unsigned n = 0;

	if (!gnutls_certificate_get_peers(session, &n) || n == 0)
		return t->require ? -1 : 0;
	if (n > MAX_CLIENT_CERTIFICATES || (t->verify && !is_signed(session)))
		return -1;
	return t->allowed_sans.n == 0 || has_allowed_san(&t->allowed_sans, session) ? 0 : -1;
}

static int set_up(struct http_tls *t, const struct http_tls_params *p, char **reterr)
{
	const char *at = NULL;
	int r;
	int k = gnutls_certificate_allocate_credentials(&t->credentials);

	if (k < 0)
		return fail(reterr, "TLS", k);
	gnutls_certificate_set_verify_function(t->credentials, verify_client);
	k = gnutls_priority_init(&t->priority, p->priority, &at);
	if (k < 0)
		return fail(reterr, "versions, ciphers and curves", k);
	r = set_certificate(t, p, reterr);
	if (r >= 0 && p->client_ca)
		r = set_client_ca(t, p->client_ca, reterr);
	for (size_t i = 0; r >= 0 && i < p->allowed_sans->n; i++)
		r = strlist_add(&t->allowed_sans, p->allowed_sans->items[i]);
	return r;
}

int http_tls_new(const struct http_tls_params *p, struct http_tls **ret, char **reterr)
{
	_cleanup_(http_tls_unrefp) struct http_tls *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	t->n_refs = 1;
	t->request = p->request;
	t->require = p->require;
	t->verify = p->verify;
	r = set_up(t, p, reterr);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(t);
	return 0;
}

int http_tls_attach(struct http_tls *t, gnutls_session_t session)
{
	gnutls_session_set_ptr(session, t);
	if (gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, t->credentials) < 0 ||
		gnutls_priority_set(session, t->priority) < 0)
		return -EIO;
	if (t->request)
		gnutls_certificate_server_set_request(
			session, t->require ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_REQUEST);
	return 0;
}

/* NOLINTNEXTLINE(readability-function-size): the signature is GnuTLS's. */
static int no_certificate(gnutls_session_t session, const gnutls_datum_t *issuers, int n_issuers,
	const gnutls_pk_algorithm_t *algorithms, int n_algorithms, gnutls_pcert_st **ret_chain,
	unsigned *ret_n, gnutls_privkey_t *ret_key)
{
	(void)session;
	(void)issuers;
	(void)n_issuers;
	(void)algorithms;
	(void)n_algorithms;
	(void)ret_chain;
	(void)ret_n;
	(void)ret_key;
	return -1;
}

void *http_tls_no_certificate(void)
{
	union {
		gnutls_certificate_retrieve_function2 *function;
		void *pointer;
	} callback = {.function = no_certificate};

	return callback.pointer;
}

/* The only one that it has. */
static bool common_name(gnutls_x509_crt_t c, char name[static MAX_COMMON_NAME])
{
	char other[MAX_COMMON_NAME];
	size_t n = MAX_COMMON_NAME;
	size_t m = sizeof(other);

	return gnutls_x509_crt_get_dn_by_oid(c, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &n) >= 0 &&
	       strlen(name) == n &&
	       gnutls_x509_crt_get_dn_by_oid(c, GNUTLS_OID_X520_COMMON_NAME, 1, 0, other, &m) ==
		       GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
}

int http_tls_client(const struct http_tls *t, gnutls_session_t session, char **ret)
{
	gnutls_x509_crt_t c = t->verify ? client_certificate(session) : NULL;
	char name[MAX_COMMON_NAME] = "";
	int r;

	if (!c)
		return str_replace(ret, NULL);
	r = str_replace(ret, common_name(c, name) && *name ? name : NULL);
	gnutls_x509_crt_deinit(c);
	return r;
}
