/* SPDX-License-Identifier: Apache-2.0
 * type=driver: a list of driver UIs. There is no cluster manager, so only the driver's own host can
 * say that an app has ended: where the daemon runs there, and has seen which process held the port.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "io/procfs.h"
#include "source/types.h"

/* spark.port.maxRetries is 16: 4040 to 4056. A slip in a range must not become a port scan. */
#define MAX_PORTS 100

struct source_driver {
	struct source source;
	struct target *targets;
	size_t n_targets;
};

struct source *source_static_list_alloc(void)
{
	struct source_driver *d = calloc(1, sizeof(*d));

	return d ? &d->source : NULL;
}

static void driver_free(struct source *s)
{
	struct source_driver *d = (struct source_driver *)s;

	for (size_t i = 0; i < d->n_targets; i++)
		target_clear(&d->targets[i]);
	free(d->targets);
	free(d);
}

static int driver_add(struct source_driver *d, char *url, bool may_lack)
{
	struct target *items = reallocarray(d->targets, d->n_targets + 1, sizeof(*items));

	if (!items) {
		free(url);
		return -ENOMEM;
	}
	d->targets = items;
	items[d->n_targets++] =
		(struct target){.url = url, .configured = true, .may_lack = may_lack};
	return 0;
}

/* "http://host:FIRST-LAST": where the ports begin, and the two numbers. -EINVAL: no such end. */
static int split_ports(const char *url, size_t *ret_head, uint64_t *ret_first, uint64_t *ret_last)
{
	_cleanup_free_ char *ports = NULL;
	const char *colon = strrchr(url, ':');
	char *dash;

	if (!colon || strchr(colon, '/') || strchr(colon, ']'))
		return -EINVAL;
	ports = strdup(colon + 1);
	if (!ports)
		return -ENOMEM;
	dash = strchr(ports, '-');
	if (dash)
		*dash = '\0';
	if (parse_u64(ports, ret_first) < 0 ||
		(dash ? parse_u64(dash + 1, ret_last) < 0 : (*ret_last = *ret_first, false)))
		return -EINVAL;
	*ret_head = (size_t)(colon - url);
	return 0;
}

static int expand_url(struct source_driver *d, const char *url, char **reterr)
{
	uint64_t first = 0;
	uint64_t last = 0;
	const char *slash = strchr(url, '/');
	size_t head = 0;
	int r;

	r = split_ports(url, &head, &first, &last);
	if (r == -EINVAL && slash && !strrchr(slash, ':')) {
		/* https://host: its usual port */
		char *copy = strdup(url);

		return copy ? driver_add(d, copy, false) : -ENOMEM;
	}
	if (r < 0 || first == 0 || last > 65535 || last < first || last - first >= MAX_PORTS) {
		int k = str_printf(reterr,
			"%s: not a URL with a port, or a range of at most %d ports such as "
			"http://host:4040-4056",
			url, MAX_PORTS);

		return k < 0 ? k : r == -ENOMEM ? r : -EINVAL;
	}
	for (uint64_t port = first; port <= last; port++) {
		char *one = NULL;

		r = str_printf(&one, "%.*s:%u", (int)head, url, (unsigned)port);
		if (r >= 0)
			r = driver_add(d, one, last > first);
		if (r < 0)
			return r;
	}
	return 0;
}

static int driver_check(struct source *s, const struct source_params *params, char **reterr)
{
	struct source_driver *d = (struct source_driver *)s;
	int r = 0;

	(void)params;

	for (size_t i = 0; r >= 0 && i < s->urls.n; i++)
		r = expand_url(d, s->urls.items[i], reterr);
	return r;
}

static int driver_list(struct source *s, source_listed_fn fn, void *userdata)
{
	struct source_driver *d = (struct source_driver *)s;
	struct target_list list = {.items = d->targets, .n = d->n_targets};

	fn(userdata, &list);
	return 0;
}

static void driver_cancel_list(struct source *s)
{
	(void)s;
}

static void driver_identify(struct source *s, struct app_ref *ref)
{
	(void)s;
	source_identify_local(ref);
}

static void driver_looked(void *userdata, const struct transport_answer *answer)
{
	struct source_call *c = userdata;
	uint64_t started = 0;
	enum app_end end = APP_END_UNKNOWN;
	const char *text = "only its own host can say whether it has ended";

	c->request = NULL;
	if (answer->error == 0) {
		end = APP_END_RUNNING;
		text = "its port answers";
	} else if (answer->error == -ECONNREFUSED && c->pid > 0) {
		bool gone = procfs_starttime(c->pid, &started) == -ESRCH ||
			    (started != 0 && started != c->pid_started);

		end = gone ? APP_END_ENDED : APP_END_RUNNING;
		text = gone ? "its port is closed and its process gone"
			    : "its port is closed, its process lives";
	}
	source_call_finish(c, end, text);
}

static int driver_look(struct source *s, const struct app_ref *ref, source_looked_fn fn,
	void *userdata, struct source_call **ret)
{
	int r = source_call_new(s, ref, ref->url, driver_looked, ret);

	if (r < 0)
		return r;
	(*ret)->fn = fn;
	(*ret)->userdata = userdata;
	return 0;
}

static bool driver_kill_point(const struct source *s, const struct app_ref *ref, enum kill_via via,
	struct kill_point *ret)
{
	(void)s;
	(void)ref;
	(void)via;
	(void)ret;
	return false;
}

const struct source_ops source_static_list_ops = {
	.name = "driver",
	.permits = 1U << KILL_VIA_JOB | 1U << KILL_VIA_STAGE | 1U << KILL_VIA_DRIVER,
	.names_drivers = true,
	.nodemanagers = true, /* whose drivers they are is not known */
	.check = driver_check,
	.list = driver_list,
	.cancel_list = driver_cancel_list,
	.identify = driver_identify,
	.look = driver_look,
	.kill_point = driver_kill_point,
	.free = driver_free,
};
