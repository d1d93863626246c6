/* SPDX-License-Identifier: Apache-2.0
 * A token that somebody issued. */
#pragma once

#include "base/time.h"

struct token_grant {
	char *token;    /* a secret, the caller's */
	usec_t life;    /* from when it was issued; 0: not said */
	usec_t expires; /* since 1970, as the token itself says; 0: it does not */
};
