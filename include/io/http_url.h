/* SPDX-License-Identifier: Apache-2.0
 * What a request's URL may be. */
#pragma once

#include <stddef.h>

/* 0 for http or https, a host, no user info, and nothing that is not a URL; else -EINVAL, -ENOMEM.
 */
int http_url_check(const char *url);

/* What is wrong with a URL of the configuration, static; NULL: nothing. It is http or https, and
 * has a host, no user name and no fragment. */
const char *http_url_fault(const char *url);

/* What is wrong with a header line of the configuration, "Name: value", static; NULL: nothing.
 * Those that say how a request is framed are not for it. */
const char *http_url_header_fault(const char *line);

/* A copy of url with the query parameter user.name, escaped. A fragment is cut off. The
 * caller frees it. -ENOMEM. */
int http_url_add_user(const char *url, const char *user, char **ret);

/* Connections are kept in so many places. With 10,000 hosts one has about 300. */
#define HTTP_PLACES 32

/* The place of the URL's host and port, below HTTP_PLACES. Of one that http_url_check() let pass.
 */
size_t http_url_place(const char *url);
