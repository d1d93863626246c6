/* SPDX-License-Identifier: Apache-2.0
 * Secrets, clocks, and what systemd is told. */
#include "io/service.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "net.h"

static char *dir;

static int make_all(void **state)
{
	(void)state;
	dir = make_dir();
	return 0;
}

static int remove_all(void **state)
{
	(void)state;
	remove_dir(dir);
	return 0;
}

static void expect_secret(const void *data, size_t n, const char *wanted)
{
	_cleanup_free_ char *secret = NULL;
	char *err = NULL;
	char *path = write_file(dir, "secret", data, n);

	assert_int_equal(secret_read(path, &secret, &err), 0);
	assert_string_equal(secret, wanted);
	assert_null(err);
	remove_file(path);
}

static void expect_fault(const void *data, size_t n, const char *text)
{
	_cleanup_free_ char *err = NULL;
	_cleanup_free_ char *wanted = NULL;
	char *secret = NULL;
	char *path = write_file(dir, "secret", data, n);

	assert_int_equal(secret_read(path, &secret, &err), -EINVAL);
	assert_null(secret);
	assert_int_equal(str_printf(&wanted, "%s: %s", path, text), 0);
	assert_string_equal(err, wanted);
	remove_file(path);
}

static void test_secret_file(void **state)
{
	_cleanup_free_ char *large = malloc(65537);

	(void)state;
	assert_non_null(large);
	memset(large, 'x', 65537);
	expect_secret("hush", 4, "hush");
	expect_secret("hush\n", 5, "hush");
	expect_secret(" p\xc3\xa4ss \n", 8, " p\xc3\xa4ss ");
	expect_fault("", 0, "empty");
	expect_fault("\n", 1, "empty");
	expect_fault("hush\n\n", 6, "holds more than one line");
	expect_fault("hu\nsh", 5, "holds more than one line");
	expect_fault("hush\r\n", 6, "holds more than one line");
	expect_fault("hu\0sh", 5, "holds a NUL byte");
	expect_fault("hush\0", 5, "holds a NUL byte");
	expect_fault(large, 65537, "longer than 64 KiB");
	large[65535] = '\n';
	expect_fault(large, 65537, "longer than 64 KiB");
	large[65535] = '\0';
	expect_secret(large, 65535, large);
}

static void test_secret_not_a_file(void **state)
{
	_cleanup_free_ char *fifo = NULL;
	_cleanup_free_ char *none = NULL;
	_cleanup_free_ char *wanted = NULL;
	char *secret = NULL;
	char *err = NULL;

	(void)state;
	assert_int_equal(secret_read(dir, &secret, &err), -EINVAL);
	assert_non_null(err);
	free(TAKE_PTR(err));
	/* Does not wait for someone to write. */
	assert_int_equal(str_printf(&fifo, "%s/fifo", dir), 0);
	assert_return_code(mkfifo(fifo, 0600), errno);
	assert_int_equal(secret_read(fifo, &secret, &err), -EINVAL);
	assert_return_code(unlink(fifo), errno);
	free(TAKE_PTR(err));
	assert_int_equal(str_printf(&none, "%s/none", dir), 0);
	assert_int_equal(secret_read(none, &secret, &err), -ENOENT);
	assert_int_equal(str_printf(&wanted, "%s: No such file or directory", none), 0);
	assert_string_equal(err, wanted);
	free(err);
	assert_null(secret);
}

static void test_credential(void **state)
{
	char *path = write_file(dir, "airflow", "hush\n", 5);
	char *secret = NULL;
	char *err = NULL;

	(void)state;
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	assert_int_equal(secret_read("airflow", &secret, &err), -ENOENT);
	assert_string_equal(
		err, "airflow: not a path, and systemd gave no credentials (LoadCredential=)");
	free(TAKE_PTR(err));
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);
	assert_int_equal(secret_read("airflow", &secret, &err), 0);
	assert_string_equal(secret, "hush");
	free(TAKE_PTR(secret));
	assert_int_equal(secret_read("other", &secret, &err), -ENOENT);
	free(TAKE_PTR(err));
	assert_int_equal(secret_read("..", &secret, &err), -EINVAL);
	free(TAKE_PTR(err));
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	assert_null(secret);
	remove_file(path);
}

static void expect_told(int fd, const char *wanted)
{
	char buf[1024] = {0};
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);

	assert_true(n > 0);
	assert_memory_equal(buf, wanted, strlen(wanted));
}

static void test_notify(void **state)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	/* Without systemd, nothing happens. */
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	service_ready();
	service_status("nobody hears");
	assert_true((size_t)snprintf(a.sun_path, sizeof(a.sun_path), "%s/notify", dir) <
		    sizeof(a.sun_path));
	assert_return_code(bind(fd, (struct sockaddr *)&a, sizeof(a)), errno);
	assert_int_equal(setenv("NOTIFY_SOCKET", a.sun_path, 1), 0);
	service_ready();
	expect_told(fd, "READY=1");
	service_reloading();
	expect_told(fd, "RELOADING=1\nMONOTONIC_USEC=");
	service_status("3 apps\nMAINPID=1");
	expect_told(fd, "STATUS=3 apps?MAINPID=1");
	service_watchdog_feed();
	expect_told(fd, "WATCHDOG=1");
	service_stopping();
	expect_told(fd, "STOPPING=1");
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	assert_return_code(unlink(a.sun_path), errno);
}

static void test_watchdog(void **state)
{
	char pid[32];

	(void)state;
	assert_int_equal(unsetenv("WATCHDOG_USEC"), 0);
	assert_int_equal(unsetenv("WATCHDOG_PID"), 0);
	assert_int_equal(service_watchdog_period(), 0);
	assert_int_equal(setenv("WATCHDOG_USEC", "30000000", 1), 0);
	assert_int_equal(service_watchdog_period(), 30 * USEC_PER_SEC);
	(void)snprintf(pid, sizeof(pid), "%d", getpid());
	assert_int_equal(setenv("WATCHDOG_PID", pid, 1), 0);
	assert_int_equal(service_watchdog_period(), 30 * USEC_PER_SEC);
	/* Another process's. */
	assert_int_equal(setenv("WATCHDOG_PID", "1", 1), 0);
	assert_int_equal(service_watchdog_period(), 0);
	assert_int_equal(setenv("WATCHDOG_USEC", "rubbish", 1), 0);
	assert_int_equal(service_watchdog_period(), 0);
	assert_int_equal(unsetenv("WATCHDOG_USEC"), 0);
	assert_int_equal(unsetenv("WATCHDOG_PID"), 0);
}

static void test_no_dumps(void **state)
{
	int before = prctl(PR_GET_DUMPABLE);

	(void)state;
	service_forbid_dumps();
	assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
	assert_return_code(prctl(PR_SET_DUMPABLE, before), errno);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secret_file),
		cmocka_unit_test(test_secret_not_a_file),
		cmocka_unit_test(test_credential),
		cmocka_unit_test(test_notify),
		cmocka_unit_test(test_watchdog),
		cmocka_unit_test(test_no_dumps),
	};

	return cmocka_run_group_tests(tests, make_all, remove_all);
}
