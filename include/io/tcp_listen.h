/* SPDX-License-Identifier: Apache-2.0
 * A TCP socket that listens: "127.0.0.1:14040", "[::1]:14040", ":14040" (all addresses; port 0: the
 * kernel's choice; names are not resolved). */
#pragma once

#include <stdbool.h>

/* -EINVAL where listen_at is no such address, -ENOMEM. */
int tcp_listen_check(const char *listen_at);

/* Whether only this host reaches such an address. */
bool tcp_listen_is_local(const char *listen_at);

/* The same, or the errno of socket(2), bind(2). */
int tcp_listen(const char *listen_at, int *ret_fd);

/* Whether only this host reaches what a socket listens at. */
bool tcp_is_local(int fd);

/* The port of a socket, also where the kernel chose it; 0 where it has none. */
unsigned tcp_port(int fd);
