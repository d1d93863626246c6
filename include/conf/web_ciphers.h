/* SPDX-License-Identifier: Apache-2.0
 * Names that Go has for cipher suites, curves and versions of TLS, as priorities of GnuTLS
 * (https://gnutls.org/manual/html_node/Priority-Strings.html). */
#pragma once

#include "conf/web_file.h"

/* Whether Go has such a suite, and GnuTLS the like. */
bool web_cipher_known(const char *name);
bool web_curve_known(const char *name);

/* Of versions, suites and curves. GnuTLS takes ciphers and keys apart: -EINVAL with *reterr where
 * the suites would allow one that is not among them. -ENOMEM. */
int web_ciphers_priority(const struct web_file_tls *t, char **ret, char **reterr);
