/* SPDX-License-Identifier: Apache-2.0
 * Opens the web server, and keeps its locks as its files say. */
#include "daemon/door.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "conf/web_file.h"
#include "io/clock.h"
#include "io/service.h"
#include "io/tcp_listen.h"
#include "setup/web_config.h"
#include "web/users.h"

/* How often it is looked whether a file is another one. */
#define LOOK_INTERVAL USEC_PER_SEC

struct door {
	struct http_server *server;
	struct web_users *users;
	sd_event_source *timer;
	struct web_config *config; /* NULL: there is no config_file */
	struct web_config_stamps stamps;
	char *path;                  /* config_file */
	struct http_header *headers; /* of the config, whose text they are */
	bool far;                    /* it listens at more than loopback */
	bool closed;                 /* not all listeners could begin anew */
	bool again;                  /* what failed may succeed with the files as they are */
	char *fault;
};

static int set_users(struct door *d, const struct web_config *c)
{
	const struct web_file *f = c ? c->file : NULL;
	const size_t n = f ? f->n_users : 0;
	struct web_user *users = calloc(n + 1, sizeof(*users));
	struct web_users_params p = {.users = users, .n = n};
	int r;

	if (!users)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		users[i] = (struct web_user){f->users[i].name, f->users[i].hash};
	if (f) {
		p.rate_interval = f->rate_interval;
		p.rate_burst = f->rate_burst;
	}
	/* Ends all waiting at the users that there were. */
	http_server_set_gate(d->server, web_users_gate(d->users));
	r = web_users_configure(d->users, &p);
	free(users);
	return r;
}

static struct http_header *make_headers(const struct web_config *c)
{
	const size_t n = c ? c->file->n_headers : 0;
	struct http_header *headers = calloc(n + 1, sizeof(*headers));

	for (size_t i = 0; headers && i < n; i++)
		headers[i] =
			(struct http_header){c->file->headers[i].name, c->file->headers[i].value};
	return headers;
}

/* As the config in force says. Listeners that could not begin anew are tried again. */
static void set_tls(struct door *d)
{
	int r = http_server_set_tls(d->server, d->config ? d->config->tls : NULL);

	if (r < 0 && !d->closed)
		log_error("Failed to listen again at [web] listen after a change of TLS: %s; "
			  "trying again",
			strerror(-r));
	else if (r >= 0 && d->closed)
		log_notice("Listening again at each [web] listen");
	d->closed = r < 0;
}

/* Takes the config over, also on failure, when nothing of it is in force. Whoever comes in from now
 * on meets all of it. */
static int put_in_force(struct door *d, struct web_config *config)
{
	_cleanup_(web_config_freep) struct web_config *c = config;
	_cleanup_free_ struct http_header *headers = make_headers(c);
	int r = headers ? set_users(d, c) : -ENOMEM;

	if (r < 0)
		return r;
	http_server_set_headers(d->server, headers, c ? c->file->n_headers : 0);
	free(d->headers);
	d->headers = TAKE_PTR(headers);
	web_config_free(d->config);
	d->config = TAKE_PTR(c);
	set_tls(d);
	return 0;
}

static void warn(const struct strlist *warnings)
{
	for (size_t i = 0; i < warnings->n; i++)
		log_warning("%s", warnings->items[i]);
}

/* Everybody who reaches a port may read what runs, and how it is named. */
static void say_open(const struct door *d)
{
	const struct web_config *c = d->config;
	const bool asks = c && (c->file->n_users > 0 ||
				       (c->tls && c->file->tls.require && c->file->tls.verify));

	if (!d->far || (asks && c->tls))
		return;
	if (!asks)
		log_warning("[web] listen reaches beyond this host, and asks nobody who they are: "
			    "whoever reaches it reads all. [web] config_file has users and TLS");
	else
		log_warning("[web] listen reaches beyond this host without TLS: passwords are sent "
			    "in the clear. tls_server_config of [web] config_file has TLS");
}

static void say_in_force(const struct door *d)
{
	const struct web_config *c = d->config;

	if (c) {
		log_notice("[web] config_file=%s is in force: %s, %zu users", d->path,
			c->tls ? "TLS" : "no TLS", c->file->n_users);
		warn(&c->file->warnings);
	}
	say_open(d);
}

/* Also notes what is wrong. */
static int load(struct door *d)
{
	const bool told = d->again;
	struct web_config *c = NULL;
	struct strlist faults = {0};
	int r = 0;

	if (d->path)
		r = web_config_load(d->path, &c, &d->stamps, &faults);
	if (r >= 0)
		r = put_in_force(d, c);
	d->again = r < 0 && r != -EBADMSG;
	for (size_t i = 0; i < faults.n && !(told && d->again); i++)
		log_error("%s", faults.items[i]);
	free(d->fault);
	d->fault = NULL;
	if (r < 0)
		(void)str_printf(&d->fault, "[web] config_file: %s",
			faults.n > 0 ? faults.items[0] : strerror(-r));
	strlist_clear(&faults);
	return r;
}

static void reload(struct door *d)
{
	const bool told = d->again;
	int r = load(d);

	if (r >= 0)
		say_in_force(d);
	else if (!(told && d->again))
		log_error("Failed to read [web] config_file=%s%s%s; what was before stays in "
			  "force%s",
			d->path ? d->path : "", d->again ? ": " : "", d->again ? strerror(-r) : "",
			d->again ? ", trying again" : "");
}

static int on_look(sd_event_source *source, usec_t now, void *userdata)
{
	struct door *d = userdata;
	const enum web_config_look look = web_config_look(&d->stamps);

	(void)now;
	if (d->closed)
		set_tls(d);
	if (look == WEB_CONFIG_CHANGED || (look == WEB_CONFIG_SAME && d->again))
		reload(d);
	return timer_in(source, LOOK_INTERVAL);
}

/* Operators are those of now, whatever becomes of the web file. */
static int set_params(struct door *d, const struct web_params *p)
{
	int r = str_replace(&d->path, p->config_file);

	if (r >= 0)
		r = web_users_set_operators(d->users, &p->operators);
	if (!p->config_file)
		web_config_stamps_clear(&d->stamps);
	return r;
}

void door_configure(struct door *d, const struct web_params *p)
{
	int r = set_params(d, p);

	if (r < 0) {
		log_error("Failed to read [web]: %s", strerror(-r));
		return;
	}
	d->again = false;
	reload(d);
}

const char *door_fault(const struct door *d)
{
	if (d->closed && !d->fault)
		return "[web] listen: no longer at each, trying again";
	return d->fault;
}

usec_t door_expiry(const struct door *d, const char **ret_file)
{
	const struct web_config *c = d->config;

	if (!c || !c->tls)
		return 0;
	*ret_file = c->file->tls.cert_file ? c->file->tls.cert_file : d->path;
	return http_tls_expiry(c->tls);
}

static int listen_at(struct door *d, const char *address)
{
	_cleanup_free_ char *err = NULL;
	unsigned port = 0;
	int r = http_server_listen(d->server, address, &port, &err);

	if (r < 0) {
		log_error("Failed to listen on [web] listen=%s: %s; not starting", address,
			err ? err : strerror(-r));
		return r;
	}
	log_info("Listening on %s, port %u", address, port);
	d->far = d->far || !tcp_listen_is_local(address);
	return 0;
}

static int take_socket(struct door *d, int fd)
{
	unsigned port = tcp_port(fd);
	bool local = tcp_is_local(fd);
	int r = http_server_take(d->server, fd);

	if (r < 0) {
		log_error(
			"Failed to listen at a socket of systemd: %s; not starting", strerror(-r));
		return r;
	}
	log_info("Listening on a socket of systemd, in place of [web] listen, port %u", port);
	d->far = d->far || !local;
	return 0;
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

/* Nobody comes in before all of that is in force. */
static int open_door(struct door *d, const struct web_params *p)
{
	int r = set_params(d, p);

	if (r >= 0)
		r = load(d);
	if (r < 0) {
		log_error("[web] config_file=%s is of no use; not starting", d->path);
		return r;
	}
	r = listen_everywhere(d, &p->listen);
	if (r < 0)
		return r;
	say_in_force(d);
	return timer_in(d->timer, LOOK_INTERVAL);
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
		r = web_users_new(event, &d->users);
	if (r >= 0)
		r = timer_new(event, on_look, d, &d->timer);
	if (r >= 0)
		r = open_door(d, p);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(d);
	return 0;
}

struct door *door_free(struct door *d)
{
	if (!d)
		return NULL;
	(void)sd_event_source_disable_unref(d->timer);
	http_server_free(d->server);
	web_users_free(d->users);
	web_config_free(d->config);
	web_config_stamps_clear(&d->stamps);
	free(d->headers);
	free(d->path);
	free(d->fault);
	free(d);
	return NULL;
}

const struct http_server *door_server(const struct door *d)
{
	return d ? d->server : NULL;
}
