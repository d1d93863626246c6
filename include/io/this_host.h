/* SPDX-License-Identifier: Apache-2.0
 * This host's name, and whether a name is this host's, without asking a resolver. */
#pragma once

#include <stdbool.h>

/* "localhost", an address of one of this host's interfaces (the whole of 127/8, ::1), or its own
 * name, whole or up to the first dot. Any other name is held to be elsewhere. */
bool is_this_host(const char *host);

/* What it calls itself; in a pod, the pod's name. The caller's. -errno. */
int this_host_name(char **ret);
