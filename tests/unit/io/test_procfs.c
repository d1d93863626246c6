/* SPDX-License-Identifier: Apache-2.0
 * The owners of ports and the start of processes. */
#include "io/procfs.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "io/proctree.h"
#include "net.h"

static void expect_self(unsigned port)
{
	uint64_t starttime = 0;
	uint64_t own = 0;
	pid_t pid = 0;

	assert_int_equal(procfs_port_owner((uint16_t)port, &pid, &starttime), 0);
	assert_int_equal(pid, getpid());
	assert_int_equal(procfs_starttime(getpid(), &own), 0);
	assert_int_equal(starttime, own);
	assert_true(own > 0);
}

static void test_loopback(void **state)
{
	uint64_t starttime = 4711;
	pid_t pid = 4711;
	unsigned port;
	int fd;

	(void)state;
	fd = bind_free(&port);
	/* Bound is not yet listening. */
	assert_int_equal(procfs_port_owner((uint16_t)port, &pid, &starttime), -ENOENT);
	assert_int_equal(pid, 4711);
	assert_int_equal(starttime, 4711);
	assert_return_code(listen(fd, 1), errno);
	expect_self(port);
	(void)close(fd);
	assert_int_equal(procfs_port_owner((uint16_t)port, &pid, &starttime), -ENOENT);
}

/* A child that inherits the socket does not take its place. */
static void test_inherited(void **state)
{
	_cleanup_close_ int fd = -1;
	unsigned port;
	pid_t child;

	(void)state;
	fd = bind_free(&port);
	assert_return_code(listen(fd, 1), errno);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)pause();
		_exit(0);
	}
	expect_self(port);
	assert_return_code(kill(child, SIGKILL), errno);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static unsigned listen_any(int family, int *ret_fd)
{
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_any};
	struct sockaddr_in a4 = {.sin_family = AF_INET};
	struct sockaddr *a = family == AF_INET6 ? (struct sockaddr *)&a6 : (struct sockaddr *)&a4;
	socklen_t len = family == AF_INET6 ? sizeof(a6) : sizeof(a4);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*ret_fd = fd;
	if (fd < 0 || bind(fd, a, len) < 0 || listen(fd, 1) < 0 || getsockname(fd, a, &len) < 0)
		return 0;
	return ntohs(family == AF_INET6 ? a6.sin6_port : a4.sin_port);
}

static void test_any(void **state)
{
	_cleanup_close_ int fd = -1;
	unsigned port;

	(void)state;
	port = listen_any(AF_INET, &fd);
	assert_true(port > 0);
	expect_self(port);
}

static void test_any6(void **state)
{
	_cleanup_close_ int fd = -1;
	unsigned port;

	(void)state;
	port = listen_any(AF_INET6, &fd);
	if (port == 0)
		skip(); /* no IPv6 here */
	expect_self(port);
}

/* One who lost all rights sees that the port is taken, not by whom. */
static void test_no_rights(void **state)
{
	_cleanup_close_ int fd = -1;
	uint64_t starttime;
	unsigned port;
	int status = 0;
	pid_t child;
	pid_t pid;

	(void)state;
	if (getuid() != 0)
		skip();
	fd = bind_free(&port);
	assert_return_code(listen(fd, 1), errno);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)close(fd);
		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(77);
		_exit(-procfs_port_owner((uint16_t)port, &pid, &starttime));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), EACCES);
}

/* The name of a process is whatever it says. */
static void test_odd_name(void **state)
{
	uint64_t before = 0;
	uint64_t after = 0;
	char name[16] = {0};

	(void)state;
	assert_return_code(prctl(PR_GET_NAME, name), errno);
	assert_int_equal(procfs_starttime(getpid(), &before), 0);
	assert_return_code(prctl(PR_SET_NAME, "x) Z 1 ( 2 3\n"), errno);
	assert_int_equal(procfs_starttime(getpid(), &after), 0);
	assert_return_code(prctl(PR_SET_NAME, name), errno);
	assert_int_equal(before, after);
}

static void test_gone(void **state)
{
	uint64_t starttime = 4711;
	siginfo_t info;
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (child == 0)
		_exit(0);
	/* A zombie until we wait for it. */
	assert_return_code(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), errno);
	assert_int_equal(procfs_starttime(child, &starttime), -ESRCH);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(procfs_starttime(child, &starttime), -ESRCH);
	assert_int_equal(procfs_starttime(0, &starttime), -ESRCH);
	assert_int_equal(procfs_starttime(-1, &starttime), -ESRCH);
	assert_int_equal(starttime, 4711);
}

/* What a process sees that has /proc as ProtectProc=invisible has it, and no rights. */
static int look_from_behind(pid_t parent)
{
	struct proctree_list list = {0};
	uint64_t started = 0;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return 77;
	if (procfs_hides())
		return 1;
	if (mount("proc", "/proc", "proc", 0, "hidepid=2") < 0 || setgid(65534) < 0 ||
		setuid(65534) < 0)
		return 77;
	if (!procfs_hides())
		return 2;
	if (procfs_starttime(parent, &started) != -EACCES || started != 0)
		return 3;
	if (proctree_executors(&list) != -EACCES || list.n != 0)
		return 4;
	return procfs_starttime(getpid(), &started) == 0 ? 0 : 5;
}

static void test_hidden(void **state)
{
	pid_t parent = getpid();
	int status = 0;
	pid_t child;

	(void)state;
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(look_from_behind(parent));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_own(void **state)
{
	uint64_t memory = 0;
	uint64_t before = 0;
	uint64_t after = 0;
	int fd;

	(void)state;
	assert_int_equal(procfs_own_memory(&memory), 0);
	assert_true(memory > 100000);
	assert_int_equal(procfs_own_fds(&before), 0);
	fd = dup(STDERR_FILENO);
	assert_int_equal(procfs_own_fds(&after), 0);
	(void)close(fd);
	assert_int_equal(after, before + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_inherited),
		cmocka_unit_test(test_any),
		cmocka_unit_test(test_any6),
		cmocka_unit_test(test_no_rights),
		cmocka_unit_test(test_odd_name),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
