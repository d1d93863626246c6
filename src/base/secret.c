/* SPDX-License-Identifier: Apache-2.0
 * The one place that wipes secrets. */
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

void secret_wipe(char *s, size_t n)
{
	if (s)
		explicit_bzero(s, n);
}

char *secret_free(char *s)
{
	secret_wipe(s, s ? strlen(s) : 0);
	free(s);
	return NULL;
}
