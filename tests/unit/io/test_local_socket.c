/* SPDX-License-Identifier: Apache-2.0
 * Unix sockets: who may connect, who it is, what was left behind, and HTTP over one. */
#include "io/local_socket.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "io/http_server.h"

#include "net.h"

static int connect_local(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	assert_return_code(connect(fd, (struct sockaddr *)&a, sizeof(a)), errno);
	return fd;
}

static char *socket_path(const char *dir)
{
	char *path = NULL;

	assert_int_equal(str_printf(&path, "%s/control", dir), 0);
	return path;
}

static void test_listen(void **state)
{
	char *dir = make_dir();
	char *path = socket_path(dir);
	struct local_peer p = {0};
	struct stat st;
	int fd = -1;
	int other = -1;
	int client;
	int server;

	(void)state;
	assert_int_equal(local_socket_listen(path, &fd), 0);
	assert_return_code(stat(path, &st), errno);
	assert_int_equal(st.st_mode & 0777, 0666);
	assert_int_equal(local_socket_listen(path, &other), -EADDRINUSE);
	client = connect_local(path);
	/* The other daemon's look is in the queue before it. */
	(void)close(accept(fd, NULL, NULL));
	server = accept(fd, NULL, NULL);
	assert_true(server >= 0);
	assert_int_equal(local_peer_read(server, &p), 0);
	assert_int_equal(p.uid, getuid());
	assert_int_equal(p.gid, getgid());
	assert_true(local_peer_in_group(&p, getgid()));
	assert_false(local_peer_in_group(&p, (gid_t)-2));
	(void)close(server);
	(void)close(client);
	/* Left behind by a daemon that is gone. */
	(void)close(fd);
	assert_int_equal(local_socket_listen(path, &fd), 0);
	(void)close(fd);
	remove_file(path);
	remove_dir(dir);
}

static void test_supplementary_groups(void **state)
{
	struct local_peer p = {.gid = 5, .groups = {7, 9}, .n_groups = 2};

	(void)state;
	assert_true(local_peer_in_group(&p, 5));
	assert_true(local_peer_in_group(&p, 9));
	assert_false(local_peer_in_group(&p, 6));
}

static void test_refused_paths(void **state)
{
	char *dir = make_dir();
	char *file = write_file(dir, "control", "precious", 8);
	char name[LOCAL_SOCKET_MAX_PATH + 1];
	_cleanup_free_ char *none = NULL;
	int fd = -1;

	(void)state;
	/* What is no socket is not touched. */
	assert_int_equal(local_socket_listen(file, &fd), -ENOTSOCK);
	assert_return_code(access(file, F_OK), errno);
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(local_socket_listen(name, &fd), -ENAMETOOLONG);
	assert_int_equal(str_printf(&none, "%s/none/control", dir), 0);
	assert_int_equal(local_socket_listen(none, &fd), -ENOENT);
	assert_int_equal(fd, -1);
	remove_file(file);
	remove_dir(dir);
}

static void test_ids(void **state)
{
	const struct passwd *me = getpwuid(getuid());
	uid_t uid = 77;
	gid_t gid = 77;

	(void)state;
	if (me) {
		assert_int_equal(user_id(me->pw_name, &uid), 0);
		assert_int_equal(uid, getuid());
	}
	assert_int_equal(user_id("1234", &uid), 0);
	assert_int_equal(uid, 1234);
	assert_int_equal(group_id("4321", &gid), 0);
	assert_int_equal(gid, 4321);
	assert_int_equal(user_id("no-such-user-here", &uid), -ENOENT);
	assert_int_equal(user_id("4294967295", &uid), -ENOENT);
	assert_int_equal(group_id("no-such-group-here", &gid), -ENOENT);
	assert_int_equal(uid, 1234);
	assert_true(id_is_nobody(65534));
	assert_true(id_is_nobody((uid_t)-1));
	assert_false(id_is_nobody(0));
}

struct fixture {
	unsigned calls;
	char body[HTTP_SERVER_MAX_BODY + 1];
	bool post;
	uid_t uid;
};

static int handle(
	void *userdata, const struct http_server_request *request, struct http_server_reply *reply)
{
	struct fixture *f = userdata;

	f->calls++;
	f->post = request->body != NULL;
	f->uid = request->peer ? request->peer->uid : (uid_t)-1;
	(void)snprintf(f->body, sizeof(f->body), "%s", request->body ? request->body : "");
	reply->status = 200;
	return 0;
}

static void converse(sd_event *event, const char *path, const char *text, struct strbuf *ret)
{
	_cleanup_close_ int fd = connect_local(path);

	strbuf_clear(ret);
	send_text(fd, text);
	read_to_end(event, fd, ret);
	assert_non_null(ret->text);
}

/* A POST with a body of n bytes. */
static void post(sd_event *event, const char *path, size_t n, struct strbuf *ret)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *body = malloc(n + 1);

	assert_non_null(body);
	memset(body, 'b', n);
	body[n] = '\0';
	assert_int_equal(str_printf(&text,
				 "POST /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
				 "Content-Length: %zu\r\n\r\n%s",
				 n, body),
		0);
	converse(event, path, text, ret);
}

static void test_http(void **state)
{
	char *dir = make_dir();
	char *path = socket_path(dir);
	_cleanup_free_ char *err = NULL;
	struct http_server *second = NULL;
	struct http_server *server = NULL;
	struct fixture f = {0};
	struct strbuf b = {0};
	sd_event *event = NULL;

	(void)state;
	assert_return_code(sd_event_new(&event), 0);
	assert_int_equal(http_server_new_local(event, path, handle, &f, &server, &err), 0);
	assert_int_equal(
		http_server_new_local(event, path, handle, &f, &second, &err), -EADDRINUSE);
	assert_non_null(strstr(err, "another daemon listens there"));
	assert_return_code(access(path, F_OK), errno);

	post(event, path, 3, &b);
	assert_int_equal(strncmp(b.text, "HTTP/1.1 200 ", 13), 0);
	assert_true(f.post);
	assert_string_equal(f.body, "bbb");
	assert_int_equal(f.uid, getuid());
	post(event, path, HTTP_SERVER_MAX_BODY, &b);
	assert_int_equal(strlen(f.body), HTTP_SERVER_MAX_BODY);
	post(event, path, 0, &b);
	assert_true(f.post);
	assert_string_equal(f.body, "");
	assert_int_equal(f.calls, 3);

	converse(event, path, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", &b);
	assert_false(f.post);
	assert_int_equal(f.calls, 4);

	post(event, path, HTTP_SERVER_MAX_BODY + 1, &b);
	assert_int_equal(strncmp(b.text, "HTTP/1.1 413 ", 13), 0);
	converse(event, path,
		"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
		"Connection: close\r\n\r\n1\r\nx\r\n0\r\n\r\n",
		&b);
	assert_int_equal(strncmp(b.text, "HTTP/1.1 413 ", 13), 0);
	converse(event, path, "PUT / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", &b);
	assert_int_equal(strncmp(b.text, "HTTP/1.1 405 ", 13), 0);
	assert_int_equal(f.calls, 4);

	strbuf_clear(&b);
	http_server_free(server);
	assert_int_equal(access(path, F_OK), -1);
	sd_event_unref(event);
	free(path);
	remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listen),
		cmocka_unit_test(test_supplementary_groups),
		cmocka_unit_test(test_refused_paths),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_http),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
