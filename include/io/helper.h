/* SPDX-License-Identifier: Apache-2.0
 * A process of this program that does what would block the loop: it reads requests from its
 * standard input, a line each, until that ends, and writes an answer for each. */
#pragma once

#include <sys/types.h>

/* Starts it with these arguments and that environment, NULL-terminated, in a process group of its
 * own, with signals as a program expects them and no other open file than standard input and
 * output, which are one socket, and standard error. *ret_fd is its other end, which does not block.
 * -errno. */
int helper_start(char *const argv[], char *const env[], pid_t *ret_pid, int *ret_fd);

/* Ends it at once. */
void helper_stop(pid_t pid, int fd);
