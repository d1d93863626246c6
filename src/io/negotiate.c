/* SPDX-License-Identifier: Apache-2.0
 * Helpers that get tokens from a KDC, and who waits for them. */
#include "io/negotiate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/secret.h"
#include "base/strbuf.h"
#include "io/clock.h"
#include "io/helper.h"
#include "io/service.h"

#define MAX_HOST 253
/* A token of Active Directory has up to 48 KiB, and a third more in base64. */
#define MAX_LINE ((size_t)128 * 1024)
#define READ_AT_ONCE 8192
/* The first that waits does not wait longer: KDCs that give no answer take the library a while. */
#define TIMEOUT (20 * USEC_PER_SEC)
/* After that no other helper begins for so long. */
#define PAUSE (10 * USEC_PER_SEC)
/* A helper whose tickets are refused is replaced, but no sooner than so long after the last time.
 */
#define RENEWAL_PAUSE USEC_PER_MINUTE

struct negotiate_call {
	struct helper *helper;
	struct negotiate_call *next;
	negotiate_done_fn done; /* NULL: cancelled, and its answer is still to come */
	void *userdata;
};

struct helper {
	struct negotiate *negotiate;
	struct helper *next;
	char *keytab;
	char *cache;
	char *principal;
	pid_t pid; /* 0: it does not run */
	int fd;
	sd_event_source *answers;
	sd_event_source *timer;
	struct strbuf text;           /* of answers, that is not read yet */
	struct negotiate_call *calls; /* oldest first */
	char *fault;                  /* why it does not run */
	usec_t not_before;
	usec_t renewed; /* 0: never */
	bool stale;     /* its tickets were refused: it ends when nobody waits for it */
};

struct negotiate {
	sd_event *event;
	struct helper *helpers;
};

/* Takes the oldest call off, and tells it. */
static void end_call(struct helper *h, const char *token, const char *fault)
{
	struct negotiate_call *c = h->calls;

	h->calls = c->next;
	if (c->done)
		c->done(c->userdata, token, fault);
	free(c);
}

static void stop(struct helper *h)
{
	h->answers = sd_event_source_disable_unref(h->answers);
	timer_off(h->timer);
	if (h->pid > 0)
		helper_stop(h->pid, h->fd);
	h->pid = 0;
	strbuf_clear(&h->text);
}

/* All that wait now are told; who asks from within waits for the next one. */
static void give_up(struct helper *h, const char *why)
{
	struct negotiate_call *last = h->calls;
	bool more = last != NULL;

	stop(h);
	free(h->fault);
	h->fault = NULL;
	(void)str_printf(&h->fault, "%s", why);
	h->not_before = clock_boottime() + PAUSE;
	while (last && last->next)
		last = last->next;
	while (more) {
		more = h->calls != last;
		end_call(h, NULL, why);
	}
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	give_up(userdata, "Kerberos: the KDC gave no answer in 20s");
	return 0;
}

static void take_line(struct helper *h, char *line)
{
	_cleanup_free_ char *why = NULL;

	if (*line == '+') {
		end_call(h, line + 1, NULL);
		return;
	}
	(void)str_printf(&why, "Kerberos: %s", *line == '-' ? line + 1 : "the helper fails");
	end_call(h, NULL, why ? why : "out of memory");
}

/* Lines that are whole. Who is told may ask for more, and cancel. */
static void take_lines(struct helper *h)
{
	_cleanup_(strbuf_clear) struct strbuf text = TAKE_STRUCT(h->text);
	char *line = text.text;
	char *end;

	while (line && h->calls && (end = strchr(line, '\n'))) {
		*end = '\0';
		take_line(h, line);
		line = end + 1;
	}
	h->text.secret = true;
	if (line && *line)
		strbuf_add(&h->text, line);
	if (h->calls)
		(void)timer_in(h->timer, TIMEOUT);
	else
		timer_off(h->timer);
}

static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct helper *h = userdata;
	char buf[READ_AT_ONCE];
	ssize_t n = read(fd, buf, sizeof(buf));

	(void)source;
	(void)revents;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	h->text.secret = true;
	if (n > 0)
		strbuf_add_n(&h->text, buf, (size_t)n);
	secret_wipe(buf, sizeof(buf));
	if (n <= 0 || h->text.failed || h->text.len > MAX_LINE)
		give_up(h, "Kerberos: the helper has ended");
	else
		take_lines(h);
	return 0;
}

/* All that the library is to obey. */
static int make_environment(const struct helper *h, struct strlist *ret, char **reterr)
{
	static const char *const kept[] = {"KRB5_CONFIG", "KRB5_TRACE", "PATH"};
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *keys = NULL;
	_cleanup_free_ char *cache = NULL;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ELEMENTSOF(kept); i++) {
		_cleanup_free_ char *line = NULL;
		const char *value = getenv(kept[i]);

		if (value)
			r = str_printf(&line, "%s=%s", kept[i], value);
		if (r >= 0 && line)
			r = strlist_add(ret, line);
	}
	if (r >= 0 && h->keytab)
		r = secret_path(h->keytab, &path, reterr);
	if (r >= 0 && path)
		r = str_printf(&keys, "KRB5_CLIENT_KTNAME=FILE:%s", path);
	if (r >= 0 && keys)
		r = strlist_add(ret, keys);
	if (r >= 0)
		r = h->cache ? str_printf(&cache, "KRB5CCNAME=%s%s",
				       strchr(h->cache, ':') ? "" : "FILE:", h->cache)
			     : str_printf(&cache, "KRB5CCNAME=MEMORY:stagewatchd");
	return r < 0 ? r : strlist_add(ret, cache);
}

static int start(struct helper *h, char **reterr)
{
	char name[] = "stagewatchd";
	char option[] = NEGOTIATE_HELPER;
	char *argv[] = {name, option, h->principal, NULL};
	struct strlist env = {0};
	int r = make_environment(h, &env, reterr);

	/* What the array ends with. */
	if (r >= 0)
		r = strlist_add(&env, "");
	if (r < 0) {
		strlist_clear(&env);
		return r;
	}
	free(env.items[--env.n]);
	env.items[env.n] = NULL;
	r = helper_start(argv, env.items, &h->pid, &h->fd);
	strlist_clear(&env);
	if (r < 0)
		return r;
	h->stale = false;
	r = sd_event_add_io(h->negotiate->event, &h->answers, h->fd, EPOLLIN, on_readable, h);
	if (r < 0)
		stop(h);
	return r;
}

static struct helper *find(struct negotiate *n, const struct endpoint *e)
{
	struct helper *h = n->helpers;

	while (h && !(str_equal(h->keytab, e->keytab) && str_equal(h->cache, e->credential_cache) &&
			    str_equal(h->principal, e->principal)))
		h = h->next;
	return h;
}

static struct helper *helper_free(struct helper *h)
{
	stop(h);
	while (h->calls) {
		struct negotiate_call *c = h->calls;

		h->calls = c->next;
		free(c);
	}
	(void)sd_event_source_disable_unref(h->timer);
	free(h->keytab);
	free(h->cache);
	free(h->principal);
	free(h->fault);
	free(h);
	return NULL;
}

static int add(struct negotiate *n, const struct endpoint *e, struct helper **ret)
{
	struct helper *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->negotiate = n;
	r = str_replace(&h->keytab, e->keytab);
	if (r >= 0)
		r = str_replace(&h->cache, e->credential_cache);
	if (r >= 0)
		r = str_replace(&h->principal, e->principal);
	if (r >= 0)
		r = timer_new(n->event, on_timeout, h, &h->timer);
	if (r < 0) {
		helper_free(h);
		return r;
	}
	h->next = n->helpers;
	n->helpers = *ret = h;
	return 0;
}

/* "http://host:8088/x" as "host\n". */
static int line_of(const char *url, char **ret)
{
	const char *scheme = strstr(url, "://");
	const char *host = scheme ? scheme + 3 : url;
	size_t n = strcspn(host, ":/?#");

	if (*host == '[' || n == 0 || n > MAX_HOST)
		return -EINVAL;
	return str_printf(ret, "%.*s\n", (int)n, host);
}

static int refuse(char **reterr, const char *text, int error)
{
	int r = str_printf(reterr, "Kerberos: %s", text);

	return r < 0 ? r : error;
}

static int ready(struct helper *h, char **reterr)
{
	int r;

	if (h->stale && !h->calls)
		stop(h);
	if (h->pid > 0)
		return 0;
	if (h->fault && clock_boottime() < h->not_before) {
		r = str_printf(reterr, "%s", h->fault);
		return r < 0 ? r : -EAGAIN;
	}
	r = start(h, reterr);
	return r < 0 && !*reterr ? refuse(reterr, strerror(-r), r) : r;
}

int negotiate_get(struct negotiate *n, const struct negotiate_ask *ask, struct negotiate_call **ret,
	char **reterr)
{
	_cleanup_free_ char *line = NULL;
	struct helper *h = find(n, ask->endpoint);
	struct negotiate_call **last;
	struct negotiate_call *c;
	int r = line_of(ask->url, &line);

	if (r == -EINVAL)
		return refuse(reterr, "it takes a host's name, not an address", r);
	if (r >= 0 && !h)
		r = add(n, ask->endpoint, &h);
	if (r >= 0)
		r = ready(h, reterr);
	if (r < 0)
		return r;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	if (send(h->fd, line, strlen(line), MSG_NOSIGNAL) != (ssize_t)strlen(line)) {
		free(c);
		return refuse(reterr, "the helper takes no more requests", -EAGAIN);
	}
	*c = (struct negotiate_call){.helper = h, .done = ask->done, .userdata = ask->userdata};
	if (!h->calls)
		(void)timer_in(h->timer, TIMEOUT);
	for (last = &h->calls; *last; last = &(*last)->next)
		;
	*last = *ret = c;
	return 0;
}

bool negotiate_refused(struct negotiate *n, const struct endpoint *e)
{
	struct helper *h = find(n, e);
	usec_t now = clock_boottime();

	if (!h || h->pid == 0 || h->cache)
		return false;
	if (h->stale)
		return true;
	if (h->renewed > 0 && now < h->renewed + RENEWAL_PAUSE)
		return false;
	h->renewed = now;
	h->stale = true;
	return true;
}

void negotiate_cancel(struct negotiate_call *c)
{
	if (c)
		c->done = NULL;
}

int negotiate_new(sd_event *event, struct negotiate **ret)
{
	struct negotiate *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->event = sd_event_ref(event);
	*ret = n;
	return 0;
}

struct negotiate *negotiate_free(struct negotiate *n)
{
	if (!n)
		return NULL;
	while (n->helpers) {
		struct helper *h = n->helpers;

		n->helpers = h->next;
		helper_free(h);
	}
	(void)sd_event_unref(n->event);
	free(n);
	return NULL;
}
