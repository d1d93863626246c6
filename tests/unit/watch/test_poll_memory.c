/* SPDX-License-Identifier: Apache-2.0
 * The poll of an app of which nothing has changed asks for no memory of its own, from the poller
 * through all transports to the socket and back. What libcurl and the other libraries ask for is
 * theirs. */
#include "../io/net.h"

#include <link.h>

#include "io/clock.h"
#include "io/credentials.h"
#include "io/http_client.h"
#include "io/redactor.h"
#include "setup/health.h"
#include "setup/stats.h"
#include "source/driver_poll.h"
#include "source/source.h"
#include "watch/poller.h"
#include "watch/recorder.h"

#define DRIVERS 5
#define WARM_UP 20
#define TICKS 20

#if defined(__SANITIZE_ADDRESS__)
#	define COUNTED 0 /* it has the allocator to itself, and nothing is kept under it */
#elif defined(__has_feature)
#	if __has_feature(address_sanitizer)
#		define COUNTED 0
#	endif
#endif
#ifndef COUNTED
#	define COUNTED 1
#endif

static unsigned n_allocated; /* by this program's own code */

#if COUNTED
void *__libc_malloc(size_t size);           /* NOLINT(bugprone-reserved-identifier) */
void *__libc_calloc(size_t n, size_t size); /* NOLINT(bugprone-reserved-identifier) */
void *__libc_realloc(void *p, size_t size); /* NOLINT(bugprone-reserved-identifier) */

static uintptr_t own_begin;
static uintptr_t own_end;

/* The first object is the program. */
static int find_own(struct dl_phdr_info *info, size_t size, void *userdata)
{
	(void)size;
	(void)userdata;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		own_begin = info->dlpi_addr + p->p_vaddr;
		own_end = own_begin + p->p_memsz;
	}
	return 1;
}

static void find_program(void)
{
	(void)dl_iterate_phdr(find_own, NULL);
}

static void count(const void *caller)
{
	n_allocated += (uintptr_t)caller >= own_begin && (uintptr_t)caller < own_end;
}

void *malloc(size_t size)
{
	count(__builtin_return_address(0));
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	count(__builtin_return_address(0));
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	count(__builtin_return_address(0));
	return __libc_realloc(p, size);
}

char *strdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *copy = __libc_malloc(n);

	count(__builtin_return_address(0));
	return copy ? memcpy(copy, s, n) : NULL;
}
#else
static void find_program(void)
{
}
#endif

/* One that answers the same again and again, without memory. */
struct driver_here {
	char number;
	int fd;
	unsigned port;
	sd_event_source *listens;
	sd_event_source *connection;
	unsigned n_stages;
	unsigned n_others;
};

static const struct {
	const char *path;
	const char *body;
} answers[] = {
	{"/stages?", "[{\"status\":\"ACTIVE\",\"stageId\":7,\"attemptId\":0,\"numTasks\":6,"
		     "\"numActiveTasks\":2,\"numCompleteTasks\":1,\"numFailedTasks\":0,"
		     "\"name\":\"collect at x.py:1\"}]"},
	{"/environment", "{\"sparkProperties\":[[\"spark.master\",\"local\"]]}"},
	{"/allexecutors", "[{\"id\":\"driver\",\"activeTasks\":2}]"},
	{"/executors", "[{\"id\":\"driver\",\"activeTasks\":2}]"},
	{"/jobs?", "[{\"status\":\"RUNNING\",\"jobId\":1,\"stageIds\":[7]}]"},
	{"/applications", "[{\"id\":\"app-0\",\"name\":\"n\","
			  "\"attempts\":[{\"startTimeEpoch\":1000}]}]"},
};

static int on_request(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct driver_here *d = userdata;
	char text[2048];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	char *id;
	size_t k = 0;

	(void)s;
	(void)revents;
	assert_true(n > 0);
	text[n] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	while (k + 1 < ELEMENTSOF(answers) && !strstr(text, answers[k].path))
		k++;
	d->n_stages += k == 0;
	d->n_others += k != 0;
	n = snprintf(text, sizeof(text),
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
		"Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: %zu\r\n\r\n%s",
		strlen(answers[k].body), answers[k].body);
	id = strstr(text, "app-0");
	if (id)
		id[4] = d->number;
	assert_int_equal(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
	return 0;
}

static int on_connection(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct driver_here *d = userdata;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	(void)revents;
	assert_true(client >= 0);
	assert_null(d->connection); /* it is kept */
	assert_return_code(sd_event_add_io(sd_event_source_get_event(s), &d->connection, client,
				   EPOLLIN, on_request, d),
		0);
	(void)sd_event_source_set_io_fd_own(d->connection, 1);
	return 0;
}

struct chain {
	sd_event *event;
	struct driver_here drivers[DRIVERS];
	struct http_client *client;
	struct redactor *redactor;
	struct credentials *credentials;
	struct recorder *recorder;
	struct spares polls;
	struct detector *detector;
	struct rule_list rules;
	struct rule fallback;
	struct health health;
	struct stats stats;
	struct source_params params;
	struct source *source;
	struct poller *poller;
	unsigned n_ticks;
};

static void on_changed(void *userdata, const struct detector_event *ev)
{
	(void)userdata;
	(void)ev;
}

static void on_idle(void *userdata, struct poller *p)
{
	(void)p;
	((struct chain *)userdata)->n_ticks++;
}

static void open_drivers(struct chain *c)
{
	for (unsigned i = 0; i < DRIVERS; i++) {
		struct driver_here *d = &c->drivers[i];

		d->number = (char)('1' + i);
		d->fd = bind_free(&d->port);
		assert_return_code(listen(d->fd, 16), errno);
		assert_return_code(
			sd_event_add_io(c->event, &d->listens, d->fd, EPOLLIN, on_connection, d),
			0);
	}
}

static void open_transports(struct chain *c)
{
	static const struct credentials_readers readers = {0};

	assert_int_equal(http_client_new(c->event, "test", 0, &c->client), 0);
	assert_int_equal(redactor_new(http_client_transport(c->client), &c->redactor), 0);
	assert_int_equal(credentials_new(c->event, redactor_transport(c->redactor), &readers,
				 &c->credentials),
		0);
	assert_int_equal(recorder_new(credentials_transport(c->credentials), &c->recorder), 0);
}

static void open_poller(struct chain *c)
{
	const struct detector_sink sink = {.changed = on_changed, .judged = on_changed};
	struct poller_context context = {.transport = recorder_transport(c->recorder),
		.spares = &c->polls,
		.health = &c->health,
		.stats = &c->stats,
		.clock = &clock_kernel,
		.interval = USEC_PER_MINUTE,
		.idle = on_idle,
		.userdata = c};
	_cleanup_free_ char *err = NULL;

	assert_int_equal(rule_fallback(&c->fallback), 0);
	assert_int_equal(detector_new(&sink, &c->detector), 0);
	detector_configure(c->detector, &c->rules, &c->fallback, USEC_PER_MINUTE);
	context.detector = c->detector;
	assert_int_equal(param_defaults(source_params, n_source_params, &c->params), 0);
	for (unsigned i = 0; i < DRIVERS; i++) {
		char url[40];

		(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", c->drivers[i].port);
		assert_int_equal(strlist_add(&c->params.url, url), 0);
	}
	assert_int_equal(source_new("c", &c->params, NULL, context.transport, &c->source, &err), 0);
	assert_int_equal(poller_new(&context, c->source, &c->poller), 0);
}

static void close_all(struct chain *c)
{
	poller_free(c->poller);
	driver_polls_clear(&c->polls);
	source_free(c->source);
	param_clear(source_params, n_source_params, &c->params);
	detector_free(c->detector);
	rule_clear(&c->fallback);
	recorder_free(c->recorder);
	credentials_free(c->credentials);
	redactor_free(c->redactor);
	http_client_free(c->client);
	health_clear(&c->health);
	stats_clear(&c->stats);
	for (size_t i = 0; i < DRIVERS; i++) {
		sd_event_source_disable_unref(c->drivers[i].connection);
		sd_event_source_disable_unref(c->drivers[i].listens);
		(void)close(c->drivers[i].fd);
	}
	sd_event_unref(c->event);
}

/* A tick in which nothing but the stages of all was asked. */
static bool tick(struct chain *c)
{
	unsigned n_stages = 0;
	unsigned n_others = 0;

	for (size_t i = 0; i < DRIVERS; i++)
		c->drivers[i].n_stages = c->drivers[i].n_others = 0;
	n_allocated = 0;
	poller_tick(c->poller);
	run_until(c->event, &c->n_ticks, c->n_ticks + 1);
	for (size_t i = 0; i < DRIVERS; i++) {
		n_stages += c->drivers[i].n_stages;
		n_others += c->drivers[i].n_others;
	}
	return n_stages == DRIVERS && n_others == 0;
}

static void test_nothing_is_allocated(void **state)
{
	struct chain c = {0};
	unsigned quiet = 0;

	(void)state;
	if (!COUNTED)
		skip();
	find_program();
	assert_return_code(sd_event_new(&c.event), 0);
	open_drivers(&c);
	open_transports(&c);
	open_poller(&c);
	(void)tick(&c);
	assert_true(n_allocated > 0);
	for (unsigned i = 0; i < WARM_UP; i++)
		(void)tick(&c);
	for (unsigned i = 0; i < TICKS; i++)
		if (tick(&c)) {
			assert_int_equal(n_allocated, 0);
			quiet++;
		}
	assert_true(quiet > TICKS / 2);
	close_all(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_allocated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
