/* SPDX-License-Identifier: Apache-2.0
 * The Spark properties that matter to a hang, out of /environment. */
#pragma once

#include <stddef.h>

#include "base/param.h"

#define SPARK_MAX_PROPERTIES 200

/* .../environment: "key=value" of the sparkProperties that have to do with time limits, memory,
 * cores, allocation, retries, speculation, serialization, shuffle, Python and Arrow; others may
 * hold secrets that Spark does not know for such, and are left out. Where the driver's main class
 * is that of a server, it is added as SPARK_MAIN_CLASS. Printable; values are cut to 200 bytes, but
 * those that tell the owner. -EBADMSG with *reterr, -ENOMEM; *ret must be zeroed, and is untouched
 * on failure. */
int spark_decode_properties(const char *body, size_t len, struct strlist *ret, char **reterr);

/* Such an answer with that alone which is read of it here, values as they are: the properties
 * above, those that tell the owner, and the main class. For recordings, which people hand on. The
 * caller frees *ret. Errors as above. */
int spark_trim_environment(const char *body, size_t len, char **ret, char **reterr);
