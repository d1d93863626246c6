/* SPDX-License-Identifier: Apache-2.0
 * Tokens, and the answers that bring them. */
#pragma once

#include <stddef.h>

#include "base/token.h"

/* The exp of a JWT since 1970, which nobody has verified; 0 where the text is none, or has none. */
usec_t token_expires(const char *token);

/* {"access_token": ..., "expires_in": ...} of RFC 6749, 5.1. The token must be of visible ASCII and
 * have 8192 bytes at most, since it goes into a header. -EBADMSG with *reterr, which never holds
 * the token, -ENOMEM. */
int token_decode(const char *body, size_t len, struct token_grant *ret, char **reterr);

/* The same of an answer to a client that shows its credentials (RFC 6749, 4.4). One that is not 200
 * is -EACCES, and *reterr holds the status and what its "error" and "error_description" say. */
int token_decode_answer(
	int status, const char *body, size_t len, struct token_grant *ret, char **reterr);
