/* SPDX-License-Identifier: Apache-2.0
 * The keys that each section has which asks somebody: as whom, whom to trust, by which way. One
 * table, so that a key is the same wherever it stands. */
#pragma once

#include "base/param.h"
#include "io/endpoint.h"

enum endpoint_auth {
	ENDPOINT_AUTH_AUTO,
	ENDPOINT_AUTH_NEGOTIATE
};

struct endpoint_params {
	int auth; /* enum endpoint_auth */
	char *username;
	char *password_file;
	char *bearer_token_file;
	struct strlist header_file;
	char *token_url;
	char *client_id;
	char *client_secret_file;
	int client_auth; /* index into basic, post */
	char *scope;
	char *audience;
	char *keytab;
	char *principal;
	char *credential_cache;
	char *ca_file;
	char *client_cert_file;
	char *client_key_file;
	char *proxy;
	struct strlist no_proxy;
};

#define ENDPOINT_TEXT(holder, member, key, text)                                                   \
	{                                                                                          \
		.name = #key, .type = PARAM_STRING, .offset = offsetof(holder, member.key),        \
		.help = text                                                                       \
	}
#define ENDPOINT_LINES(holder, member, key, text)                                                  \
	{                                                                                          \
		.name = #key, .type = PARAM_LIST, .offset = offsetof(holder, member.key),          \
		.help = text                                                                       \
	}

#define ENDPOINT_WORD(holder, member, key, value, words, text)                                     \
	{                                                                                          \
		.name = #key, .type = PARAM_ENUM, .offset = offsetof(holder, member.key),          \
		.fallback = value, .choices = words, .help = text                                  \
	}

extern const char *const endpoint_auths[];
extern const char *const endpoint_client_auths[];

/* Rows of the table of a section, whose struct type has a struct endpoint_params as member. */
#define ENDPOINT_PARAMS(holder, member)                                                            \
	ENDPOINT_WORD(holder, member, auth, "auto", endpoint_auths,                                \
		"auto: as the other keys say; negotiate: Kerberos"),                               \
		ENDPOINT_TEXT(holder, member, username,                                            \
			"for basic authentication, sent to the URLs of this section only"),        \
		ENDPOINT_TEXT(holder, member, password_file,                                       \
			"file, or name of a systemd credential, with the password"),               \
		ENDPOINT_TEXT(holder, member, bearer_token_file,                                   \
			"file or credential with a bearer token; read again when it changes"),     \
		ENDPOINT_LINES(holder, member, header_file,                                        \
			"file or credential with secret headers, as in Name: value; read again "   \
			"when it changes"),                                                        \
		ENDPOINT_TEXT(holder, member, token_url, "OAuth2: where a client gets tokens"),    \
		ENDPOINT_TEXT(holder, member, client_id, "of that client"),                        \
		ENDPOINT_TEXT(                                                                     \
			holder, member, client_secret_file, "file or credential with its secret"), \
		ENDPOINT_WORD(holder, member, client_auth, "basic", endpoint_client_auths,         \
			"how it shows both: basic authentication, or in the body"),                \
		ENDPOINT_TEXT(holder, member, scope, "what the token is to be for"),               \
		ENDPOINT_TEXT(holder, member, audience,                                            \
			"whom the token is to be for, where the server asks that"),                \
		ENDPOINT_TEXT(holder, member, keytab,                                              \
			"negotiate: file or credential with the keys of one's own"),               \
		ENDPOINT_TEXT(holder, member, principal,                                           \
			"negotiate: as whom; unset: the first of keytab"),                         \
		ENDPOINT_TEXT(holder, member, credential_cache,                                    \
			"negotiate: a cache of tickets that somebody else fills"),                 \
		ENDPOINT_TEXT(holder, member, ca_file,                                             \
			"certificates to trust for https, instead of the system's"),               \
		ENDPOINT_TEXT(holder, member, client_cert_file,                                    \
			"PEM file with the certificate, and those between it and its CA, that "    \
			"is shown for https"),                                                     \
		ENDPOINT_TEXT(holder, member, client_key_file,                                     \
			"PEM file with its private key, without a passphrase; unset: in "          \
			"client_cert_file"),                                                       \
		ENDPOINT_TEXT(holder, member, proxy, "URL of the proxy that requests go through"), \
		ENDPOINT_LINES(holder, member, no_proxy,                                           \
			"hosts that are reached without it; .example.com: all below")

/* Whether a key is one of these. */
bool endpoint_has_key(const char *key);

/* What is wrong with them, static, as far as can be told without their files; NULL: nothing.
 * *ret_key is the key at fault; NULL: one that is missing. */
const char *endpoint_params_fault(const struct endpoint_params *p, const char **ret_key);
/* The same as -EINVAL with "KEY: text" in *reterr (the caller frees it), or 0, or -ENOMEM. */
int endpoint_params_check(const struct endpoint_params *p, char **reterr);

/* The way to go alone: the proxy and its exceptions. e is zeroed of them. -ENOMEM. */
int endpoint_set_way(struct endpoint *e, const struct endpoint_params *p);
/* All of them; password is what password_file holds, or NULL. -ENOMEM. */
int endpoint_set(struct endpoint *e, const struct endpoint_params *p, const char *password);
