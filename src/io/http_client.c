/* SPDX-License-Identifier: Apache-2.0
 * Requests by libcurl on an sd-event loop. A request that waits for its turn is a copy of what is
 * asked; a place on the wire has an easy handle. */
#include "io/http_client.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/spares.h"
#include "base/strbuf.h"
#include "io/ask_copy.h"
#include "io/clock.h"
#include "io/http_exchange.h"
#include "io/http_line.h"
#include "io/http_pool.h"
#include "io/http_url.h"

#define DEFAULT_PARALLEL 32
/* Places beside those of max_parallel, for what lasts. */
#define LASTING_PLACES 64
/* Descriptors for all but connections to others: files, the ledger, the web server. */
#define OTHER_FDS 256
/* Connections that are kept open where the limit of descriptors is that low. */
#define MIN_CONNECTIONS 64

/* A place on the wire. */
struct slot {
	struct http_exchange exchange;
	struct slot *next; /* of those that are free */
};

struct transport_request {
	struct http_place
		place; /* in line or on the wire; its line is NULL while it is delivered */
	struct http_client *client;
	struct http_lines *lines; /* of its kind */
	struct slot *slot;        /* NULL: in line */
	struct http_multi *multi;
	transport_done_fn done;
	void *userdata;
	usec_t began; /* when it went on the wire */
	struct ask_copy asked;
};

struct http_client {
	struct transport transport;
	sd_event *event;
	bool delivering;
	char *user_agent;
	struct http_pool *pool;
	struct http_lines *lines[PLACES_MAX];
	struct slot *slots;
	size_t n_slots;
	size_t max_connections;
	struct expiry_list certificates;
	struct slot *idle;
	struct spares spares;   /* requests */
	sd_event_source *start; /* someone in line may go */
};

static void request_free(struct transport_request *r)
{
	struct http_client *c = r->client;

	if (r->slot) {
		http_exchange_rest(&r->slot->exchange);
		r->slot->next = c->idle;
		c->idle = r->slot;
	}
	ask_copy_rest(&r->asked);
	if (spares_keep(&c->spares, r))
		return;
	ask_copy_clear(&r->asked);
	free(r);
}

DEFINE_CLEANUP(struct transport_request *, request_free)

static struct transport_request *request_new(struct http_client *c)
{
	struct transport_request *r = spares_take(&c->spares);
	struct ask_copy kept = {0};

	if (r)
		kept = r->asked;
	else
		r = malloc(sizeof(*r));
	if (r)
		*r = (struct transport_request){.client = c, .asked = kept};
	return r;
}

/* Takes the request out of its line and off the wire. */
static void request_unlink(struct transport_request *r)
{
	if (r->place.line)
		http_lines_leave(r->lines, &r->place);
	if (r->multi)
		http_multi_remove(r->multi, r->slot->exchange.easy);
	r->multi = NULL;
}

/* Lets those in line go with the loop's next turn: nothing is started or ended within send() and
 * cancel(). */
static void kick(struct http_client *c)
{
	(void)sd_event_source_set_enabled(c->start, SD_EVENT_ONESHOT);
}

/* The one place that calls back. r is in no line and is freed. */
static void deliver(struct transport_request *r, struct transport_answer *answer)
{
	struct http_client *c = r->client;

	answer->received = clock_boottime();
	answer->taken = answer->received;
	answer->took = usec_sub(answer->received, r->began);
	c->delivering = true;
	r->done(r->userdata, answer);
	c->delivering = false;
	request_free(r);
	kick(c);
}

/* Of "https://host:port/path". */
static void note_certificate(struct transport_request *r)
{
	static const char https[] = "https://";
	struct http_client *c = r->client;
	_cleanup_free_ char *host = NULL;
	const char *url = r->asked.ask.url;

	if (strncmp(url, https, strlen(https)) != 0)
		return;
	url += strlen(https);
	host = strndup(url, strcspn(url, "/?#"));
	if (host)
		expiry_note(&c->certificates, host, http_exchange_expires(&r->slot->exchange),
			clock_boottime());
}

static void on_transfer_done(void *userdata, CURL *easy, CURLcode code)
{
	struct transport_request *r = NULL;
	struct transport_answer answer;

	(void)userdata;
	if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &r) != CURLE_OK || !r)
		return;
	request_unlink(r);
	http_exchange_finish(&r->slot->exchange, code, &answer);
	if (code == CURLE_OK)
		note_certificate(r);
	deliver(r, &answer);
}

static int put_on_wire(struct transport_request *r)
{
	struct http_client *c = r->client;
	struct http_exchange *x;
	int err;

	r->slot = c->idle;
	c->idle = c->idle->next;
	r->began = clock_boottime();
	x = &r->slot->exchange;
	if (!x->easy)
		x->easy = curl_easy_init();
	if (!x->easy)
		return -ENOMEM;
	err = http_exchange_begin(x, c->user_agent, &r->asked.ask);
	if (err < 0)
		return err;
	if (curl_easy_setopt(x->easy, CURLOPT_PRIVATE, r) != CURLE_OK)
		return -ENOMEM;
	r->multi = http_pool_add(c->pool, x->easy, http_url_place(r->asked.ask.url));
	return r->multi ? 0 : -ENOMEM;
}

static void give_up(struct transport_request *r, int err)
{
	struct transport_answer answer = {.error = -EPROTO,
		.error_text =
			err == -ENOMEM ? "out of memory" : "libcurl does not take the request",
		.body = ""};

	request_unlink(r);
	deliver(r, &answer);
}

static struct http_place *next_in_line(struct http_client *c)
{
	struct http_place *p = NULL;

	for (int i = PLACES_MAX; i-- > 0 && !p;)
		p = http_lines_next(c->lines[i]);
	return p;
}

static int on_start(sd_event_source *s, void *userdata)
{
	struct http_client *c = userdata;
	struct http_place *p;

	(void)s;
	while (c->idle && (p = next_in_line(c))) {
		struct transport_request *r = (struct transport_request *)p;
		int err = put_on_wire(r);

		if (err < 0) {
			give_up(r, err);
			break; /* kicked */
		}
	}
	http_pool_run(c->pool);
	return 0;
}

static int client_send(struct transport *t, const struct transport_ask *ask, transport_done_fn done,
	void *userdata, struct transport_request **ret)
{
	struct http_client *c = (struct http_client *)t;
	_cleanup_(request_freep) struct transport_request *r = NULL;
	int err = http_exchange_check(ask);

	if (err < 0)
		return err;
	r = request_new(c);
	if (!r)
		return -ENOMEM;
	r->done = done;
	r->userdata = userdata;
	r->lines = c->lines[ask->places];
	err = ask_copy(&r->asked, ask);
	if (err >= 0)
		err = http_lines_join(
			r->lines, &r->place, transport_endpoint(ask)->cluster, ask->urgent);
	if (err < 0)
		return err;
	kick(c);
	*ret = TAKE_PTR(r);
	return 0;
}

static void client_cancel(struct transport_request *r)
{
	struct http_client *c = r->client;

	/* The one whose callback is running is freed after it. */
	if (!r->place.line)
		return;
	request_unlink(r);
	request_free(r);
	kick(c);
}

static bool client_waits(const struct transport_request *r)
{
	return !r->slot;
}

static const struct transport_ops client_ops = {
	.send = client_send,
	.cancel = client_cancel,
	.waits = client_waits,
};

/* As many as there may be descriptors, whatever the soft limit was. */
static size_t max_connections(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return MIN_CONNECTIONS;
	if (l.rlim_cur < l.rlim_max) {
		rlim_t soft = l.rlim_cur;

		l.rlim_cur = l.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &l) < 0)
			l.rlim_cur = soft;
	}
	return l.rlim_cur > OTHER_FDS + MIN_CONNECTIONS ? (size_t)l.rlim_cur - OTHER_FDS
							: MIN_CONNECTIONS;
}

int http_client_new(
	sd_event *event, const char *user_agent, size_t max_parallel, struct http_client **ret)
{
	_cleanup_(http_client_freep) struct http_client *c = calloc(1, sizeof(*c));
	const size_t n_places[] = {
		[PLACES_SHARED] = max_parallel ? max_parallel : DEFAULT_PARALLEL,
		[PLACES_LASTING] = LASTING_PLACES,
		[PLACES_LEASE] = 1,
	};
	int r;

	if (!c)
		return -ENOMEM;
	c->transport.ops = &client_ops;
	c->event = sd_event_ref(event);
	c->max_connections = max_connections();
	for (int i = 0; i < PLACES_MAX; i++)
		c->n_slots += n_places[i];
	c->slots = calloc(c->n_slots, sizeof(*c->slots));
	if (!c->slots)
		return -ENOMEM;
	for (size_t i = c->n_slots; i-- > 0; c->idle = &c->slots[i])
		c->slots[i].next = c->idle;
	r = str_replace(&c->user_agent, user_agent);
	for (int i = 0; i < PLACES_MAX && r >= 0; i++)
		r = http_lines_new(n_places[i], &c->lines[i]);
	if (r >= 0)
		r = http_pool_new(event, c->max_connections, on_transfer_done, c, &c->pool);
	if (r >= 0)
		r = sd_event_add_defer(c->event, &c->start, on_start, c);
	if (r < 0)
		return r;
	(void)sd_event_source_set_enabled(c->start, SD_EVENT_OFF);
	*ret = TAKE_PTR(c);
	return 0;
}

static void end_all(struct http_lines *lines)
{
	struct http_place *p;

	while (lines && (p = http_lines_any(lines))) {
		request_unlink((struct transport_request *)p);
		request_free((struct transport_request *)p);
	}
}

struct http_client *http_client_free(struct http_client *c)
{
	struct transport_request *r;

	if (!c)
		return NULL;
	assert(!c->delivering);
	for (int i = 0; i < PLACES_MAX; i++)
		end_all(c->lines[i]);
	while ((r = spares_take(&c->spares))) {
		ask_copy_clear(&r->asked);
		free(r);
	}
	for (size_t i = 0; i < c->n_slots && c->slots; i++)
		http_exchange_clear(&c->slots[i].exchange);
	free(c->slots);
	http_pool_free(c->pool);
	for (int i = 0; i < PLACES_MAX; i++)
		http_lines_free(c->lines[i]);
	(void)sd_event_source_disable_unref(c->start);
	(void)sd_event_unref(c->event);
	expiry_clear(&c->certificates);
	free(c->user_agent);
	free(c);
	return NULL;
}

struct transport *http_client_transport(struct http_client *c)
{
	return &c->transport;
}

size_t http_client_max_connections(const struct http_client *c)
{
	return c->max_connections;
}

const struct expiry_list *http_client_certificates(const struct http_client *c)
{
	return &c->certificates;
}
