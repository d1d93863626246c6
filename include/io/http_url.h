/* SPDX-License-Identifier: Apache-2.0
 * What a request's URL may be. */
#pragma once

#include <stddef.h>

/* 0 for http or https, a host, no user info, and nothing that is not a URL; else -EINVAL, -ENOMEM.
 */
int http_url_check(const char *url);

/* A copy of url with the query parameter user.name, escaped. A fragment is cut off. The
 * caller frees it. -ENOMEM. */
int http_url_add_user(const char *url, const char *user, char **ret);

/* Host and port as the URL writes them: a part of it. Of one that http_url_check() let pass. */
void http_url_authority(const char *url, const char **ret, size_t *ret_n);
