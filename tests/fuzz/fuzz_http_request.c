/* SPDX-License-Identifier: Apache-2.0
 * Arbitrary bytes as what a client sends to the web server, over TCP and over the control socket.
 * Whatever it is, the server tells its handler of clean text alone. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "decode.h"

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "io/http_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int answer(
	void *userdata, const struct http_server_request *request, struct http_server_reply *reply)
{
	(void)userdata;
	must(request->path && request->peer);
	reply->status = request->body ? 400 : 200;
	reply->content_type = "text/plain";
	must(str_printf(&reply->body, "%s %s %s %s %s\n", request->path, request->app,
		     request->sort, request->find, request->body) >= 0);
	reply->len = strlen(reply->body);
	return 0;
}

static char path[64];

static void remove_socket(void)
{
	(void)unlink(path);
}

/* Once for all inputs. */
static sd_event *serve(void)
{
	static struct http_server *server;
	static sd_event *event;
	_cleanup_free_ char *err = NULL;

	if (server)
		return event;
	(void)snprintf(path, sizeof(path), "/tmp/stagewatchd-fuzz-%d", getpid());
	must(sd_event_new(&event) >= 0);
	must(http_server_new_local(event, path, answer, NULL, &server, &err) >= 0);
	(void)atexit(remove_socket);
	return event;
}

/* Turns the loop while there is something to do. */
static void settle(sd_event *event)
{
	int r;

	do
		r = sd_event_run(event, 0);
	while (r > 0);
	must(r == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sd_event *event = serve();
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char reply[4096];

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	must(fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) >= 0);
	(void)send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	settle(event);
	(void)shutdown(fd, SHUT_WR);
	settle(event);
	while (recv(fd, reply, sizeof(reply), MSG_DONTWAIT) > 0)
		settle(event);
	(void)close(fd);
	settle(event);
	return 0;
}
