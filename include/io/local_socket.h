/* SPDX-License-Identifier: Apache-2.0
 * A Unix stream socket in the file system, and who is at its other end. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* More groups of a peer than that are not looked at. */
#define PEER_MAX_GROUPS 256

/* Who connected, by the kernel's word: as it was when it connected. */
struct local_peer {
	uid_t uid;
	gid_t gid;
	gid_t groups[PEER_MAX_GROUPS]; /* the supplementary ones */
	size_t n_groups;
};

/* Paths of a Unix socket are at most so long, the end included. */
#define LOCAL_SOCKET_MAX_PATH 108

/* A socket at path that listens, to which every user of this host may connect. What a daemon that
 * is gone left behind there is replaced; -EADDRINUSE where one listens, -ENOTSOCK where something
 * else is there, -ENAMETOOLONG, or the errno of socket(2), bind(2). */
int local_socket_listen(const char *path, int *ret_fd);

/* -errno where fd is no socket. What is no Unix socket has nobody at its other end. */
int local_peer_read(int fd, struct local_peer *ret);
bool local_peer_in_group(const struct local_peer *p, gid_t gid);

/* The id of a user or a group, by name or number. -ENOENT: there is none of that name. Asks the
 * name service, which may block: not from the loop. */
int user_id(const char *name, uid_t *ret);
int group_id(const char *name, gid_t *ret);

/* Whom the kernel shows where it cannot say who it is: users and groups that this process's user
 * namespace does not have. Never anybody to be trusted. */
bool id_is_nobody(uid_t id);
