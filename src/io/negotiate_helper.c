/* SPDX-License-Identifier: Apache-2.0
 * The process that waits for the KDC. Tickets and keys are the library's: KRB5_CLIENT_KTNAME and
 * KRB5CCNAME say where they are. */
#include <errno.h>
#include <gssapi/gssapi.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/strbuf.h"
#include "io/negotiate.h"

#define MAX_HOST 300
#define MAX_TEXT 300

/* 1.3.6.1.5.5.2 */
static char spnego_oid[] = "\x2b\x06\x01\x05\x05\x02";
static gss_OID_desc spnego = {6, spnego_oid};

static void add_status(struct strbuf *b, OM_uint32 code, int type)
{
	OM_uint32 minor;
	OM_uint32 more = 0;
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;

	if (gss_display_status(&minor, code, type, GSS_C_NO_OID, &more, &text) != GSS_S_COMPLETE)
		return;
	strbuf_addf(b, "%s%.*s", b->len > 0 ? ": " : "", (int)text.length, (char *)text.value);
	(void)gss_release_buffer(&minor, &text);
}

/* By what: the library's own words name neither where they matter most, as in "Decrypt integrity
 * check failed" for a keytab whose key is not the KDC's. */
static const char *source_of_tickets(void)
{
	const char *keytab = getenv("KRB5_CLIENT_KTNAME");

	return keytab ? keytab : getenv("KRB5CCNAME");
}

static void say_fault(const char *what, OM_uint32 major, OM_uint32 minor)
{
	_cleanup_(strbuf_clear) struct strbuf b = {0};
	_cleanup_free_ char *text = NULL;
	const char *source = source_of_tickets();

	strbuf_addf(&b, "%s%s%s", what, source ? " by " : "", source ? source : "");
	/* That of the mechanism says more. */
	if (minor)
		add_status(&b, minor, GSS_C_MECH_CODE);
	else
		add_status(&b, major, GSS_C_GSS_CODE);
	if (b.failed || str_printable(b.text, MAX_TEXT, &text) < 0)
		(void)puts("-out of memory");
	else
		(void)printf("-%s\n", text);
}

static OM_uint32 import(const char *name, gss_OID type, gss_name_t *ret, OM_uint32 *ret_minor)
{
	union {
		const char *in;
		char *out;
	} borrowed = {.in = name};
	gss_buffer_desc text = {strlen(name), borrowed.out};

	return gss_import_name(ret_minor, &text, type, ret);
}

/* One that is about to end is renewed from the keytab here. */
static OM_uint32 acquire(const char *principal, gss_cred_id_t *ret, OM_uint32 *ret_minor)
{
	gss_name_t name = GSS_C_NO_NAME;
	OM_uint32 major = GSS_S_COMPLETE;
	OM_uint32 minor;

	if (principal)
		major = import(principal, GSS_C_NT_USER_NAME, &name, ret_minor);
	if (!GSS_ERROR(major))
		major = gss_acquire_cred(
			ret_minor, name, 0, GSS_C_NO_OID_SET, GSS_C_INITIATE, ret, NULL, NULL);
	if (name != GSS_C_NO_NAME)
		(void)gss_release_name(&minor, &name);
	return major;
}

static void say_token(const gss_buffer_desc *token)
{
	size_t size = 4 * ((token->length + 2) / 3) + 1;
	unsigned char *text = calloc(1, size);

	if (text) {
		(void)EVP_EncodeBlock(text, token->value, (int)token->length);
		(void)printf("+%s\n", (char *)text);
		secret_wipe((char *)text, size);
	} else {
		(void)puts("-out of memory");
	}
	free(text);
}

/* A first token, which the other side answers or not: nothing of it is kept. */
static void serve(const char *host, const char *principal)
{
	char service[MAX_HOST + 8];
	gss_name_t target = GSS_C_NO_NAME;
	gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
	gss_ctx_id_t context = GSS_C_NO_CONTEXT;
	gss_buffer_desc token = GSS_C_EMPTY_BUFFER;
	const char *what = "no ticket";
	OM_uint32 minor = 0;
	OM_uint32 ignored;
	OM_uint32 major = acquire(principal, &credential, &minor);

	(void)snprintf(service, sizeof(service), "HTTP@%s", host);
	if (!GSS_ERROR(major)) {
		what = service;
		major = import(service, GSS_C_NT_HOSTBASED_SERVICE, &target, &minor);
	}
	if (!GSS_ERROR(major))
		major = gss_init_sec_context(&minor, credential, &context, target, &spnego, 0, 0,
			GSS_C_NO_CHANNEL_BINDINGS, GSS_C_NO_BUFFER, NULL, &token, NULL, NULL);
	if (GSS_ERROR(major))
		say_fault(what, major, minor);
	else
		say_token(&token);
	(void)gss_release_buffer(&ignored, &token);
	(void)gss_delete_sec_context(&ignored, &context, GSS_C_NO_BUFFER);
	(void)gss_release_name(&ignored, &target);
	(void)gss_release_cred(&ignored, &credential);
}

int negotiate_helper_run(const char *principal)
{
	char line[MAX_HOST + 2];

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		serve(line, principal);
		if (fflush(stdout) == EOF)
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
