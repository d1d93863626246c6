/* SPDX-License-Identifier: Apache-2.0
 * Unix sockets, SO_PEERCRED, and names of users and groups. */
#include "io/local_socket.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"

/* Linux' default for kernel.overflowuid and kernel.overflowgid. */
#define NOBODY 65534

/* Does anybody listen there? Else it was left behind. */
static bool is_alive(const struct sockaddr_un *a)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* With its queue full, it answers EAGAIN. */
	return fd < 0 || connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 ||
	       errno == EAGAIN;
}

static int remove_stale(const struct sockaddr_un *a)
{
	struct stat st;

	if (lstat(a->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	if (is_alive(a))
		return -EADDRINUSE;
	return unlink(a->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

int local_socket_listen(const char *path, int *ret_fd)
{
	_cleanup_close_ int fd = -1;
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int r;

	_Static_assert(sizeof(a.sun_path) == LOCAL_SOCKET_MAX_PATH, "as the header says");
	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	memcpy(a.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = remove_stale(&a);
	if (r < 0)
		return r;
	/* Who may do what is decided by who it is, not by who can connect. */
	if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 || chmod(path, 0666) < 0 ||
		listen(fd, SOMAXCONN) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int local_peer_read(int fd, struct local_peer *ret)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	*ret = (struct local_peer){0};
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	ret->uid = cred.uid;
	ret->gid = cred.gid;
	len = sizeof(ret->groups);
	/* With more of them than there is room for: none. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, ret->groups, &len) == 0)
		ret->n_groups = len / sizeof(gid_t);
	return 0;
}

bool local_peer_in_group(const struct local_peer *p, gid_t gid)
{
	if (p->gid == gid)
		return true;
	for (size_t i = 0; i < p->n_groups; i++)
		if (p->groups[i] == gid)
			return true;
	return false;
}

static int parse_id(const char *name, uint32_t *ret)
{
	uint64_t n;

	if (parse_u64(name, &n) < 0 || n >= UINT32_MAX)
		return -ENOENT;
	*ret = (uint32_t)n;
	return 0;
}

int user_id(const char *name, uid_t *ret)
{
	const struct passwd *p = getpwnam(name);

	if (!p)
		return parse_id(name, ret);
	*ret = p->pw_uid;
	return 0;
}

int group_id(const char *name, gid_t *ret)
{
	const struct group *g = getgrnam(name);

	if (!g)
		return parse_id(name, ret);
	*ret = g->gr_gid;
	return 0;
}

bool id_is_nobody(uid_t id)
{
	return id == NOBODY || id == UINT32_MAX;
}
