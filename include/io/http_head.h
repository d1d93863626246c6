/* SPDX-License-Identifier: Apache-2.0
 * Whether the head of a request can be read in one way only. libmicrohttpd 0.9.75 takes what RFC
 * 9112 lets nobody send, such as folded lines, lone line feeds, NULs, and spaces in names. A proxy
 * before us may read those otherwise than it does, so they are refused. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct MHD_Connection;

/* target: as it came, not decoded. 0, or the status of its refusal: 400 where it does not begin
 * with a slash, is not of visible ASCII, or holds an encoded NUL; 404 where its path holds an
 * encoded slash, since nothing that is here is called so. */
int http_head_look_at_target(const char *target);

/* The names are tokens, the values hold no control characters, Host and Content-Length come once at
 * most; and nothing came that was not understood: written anew, a header a line as "Name: value",
 * the head is as long as it was. A client that leaves out the space is refused, too; none that is
 * known does. */
bool http_head_is_plain(struct MHD_Connection *connection, const char *method, size_t target_len,
	const char *version);
