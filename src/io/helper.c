/* SPDX-License-Identifier: Apache-2.0
 * posix_spawn() of /proc/self/exe at a socket. */
#include "io/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

static int set_up(posix_spawn_file_actions_t *files, posix_spawnattr_t *attr, int fd)
{
	sigset_t none;
	sigset_t all;
	int r;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	r = posix_spawn_file_actions_adddup2(files, fd, STDIN_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(files, fd, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
	if (r == 0)
		r = posix_spawnattr_setflags(attr,
			POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (r == 0)
		r = posix_spawnattr_setsigmask(attr, &none);
	return r == 0 ? posix_spawnattr_setsigdefault(attr, &all) : r;
}

static int run(char *const argv[], char *const env[], int fd, pid_t *ret)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int r = posix_spawn_file_actions_init(&files);

	if (r != 0)
		return -r;
	r = posix_spawnattr_init(&attr);
	if (r == 0) {
		r = set_up(&files, &attr, fd);
		if (r == 0)
			r = posix_spawn(ret, "/proc/self/exe", &files, &attr, argv, env);
		(void)posix_spawnattr_destroy(&attr);
	}
	(void)posix_spawn_file_actions_destroy(&files);
	return -r;
}

int helper_start(char *const argv[], char *const env[], pid_t *ret_pid, int *ret_fd)
{
	_cleanup_close_ int ours = -1;
	_cleanup_close_ int its = -1;
	int fds[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	ours = fds[0];
	its = fds[1];
	if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	r = run(argv, env, its, ret_pid);
	if (r >= 0)
		*ret_fd = TAKE_FD(ours);
	return r;
}

void helper_stop(pid_t pid, int fd)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)close(fd);
}
