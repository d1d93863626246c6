/* SPDX-License-Identifier: Apache-2.0
 * Where the web server listens. */
#include "daemon/door.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "io/service.h"
#include "io/tcp_listen.h"

struct door {
	struct http_server *server;
};

static int listen_at(struct door *d, const char *address)
{
	_cleanup_free_ char *err = NULL;
	unsigned port = 0;
	int r = http_server_listen(d->server, address, &port, &err);

	if (r < 0)
		log_error("Failed to listen on [web] listen=%s: %s; not starting", address,
			err ? err : strerror(-r));
	else
		log_info("Listening on %s, port %u", address, port);
	return r;
}

static int take_socket(struct door *d, int fd)
{
	unsigned port = tcp_port(fd);
	int r = http_server_take(d->server, fd);

	if (r < 0)
		log_error(
			"Failed to listen at a socket of systemd: %s; not starting", strerror(-r));
	else
		log_info("Listening on a socket of systemd, in place of [web] listen, port %u",
			port);
	return r;
}

static int listen_everywhere(struct door *d, const struct strlist *addresses)
{
	int first = 0;
	int n = service_sockets(&first);
	int r = 0;

	if (n < 0) {
		log_error("Failed to take over the sockets of systemd: %s; not starting",
			n == -ENOTSOCK ? "one is not of ListenStream= with a TCP port"
				       : strerror(-n));
		return n;
	}
	for (int i = 0; r >= 0 && i < n; i++)
		r = take_socket(d, first + i);
	for (size_t i = 0; r >= 0 && n == 0 && i < addresses->n; i++)
		r = listen_at(d, addresses->items[i]);
	return r;
}

int door_new(sd_event *event, const struct web_params *p, http_server_fn fn, void *userdata,
	struct door **ret)
{
	_cleanup_(door_freep) struct door *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	r = http_server_new(event, fn, userdata, &d->server);
	if (r >= 0)
		r = listen_everywhere(d, &p->listen);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(d);
	return 0;
}

struct door *door_free(struct door *d)
{
	if (!d)
		return NULL;
	http_server_free(d->server);
	free(d);
	return NULL;
}

const struct http_server *door_server(const struct door *d)
{
	return d ? d->server : NULL;
}
