/* SPDX-License-Identifier: Apache-2.0
 * When each driver is asked, and how often: turns over the interval, one request for a healthy app,
 * patience with those that fail, and what is said when an interval does not suffice. */
#include "../fake_transport.h"

#include "io/http_url.h"
#include "setup/health.h"
#include "setup/stats.h"
#include "source/source.h"
#include "watch/poller.h"

/* A stage in which tasks end all the time. */
#define STAGES                                                                                     \
	"[{\"status\":\"ACTIVE\",\"stageId\":1,\"attemptId\":0,\"numTasks\":100000000,"            \
	"\"numActiveTasks\":2,\"numCompleteTasks\":%u,\"numFailedTasks\":0}]"
#define INTERVAL (10 * USEC_PER_SEC)

struct fixture {
	struct fake fake;
	struct health health;
	struct stats stats;
	struct detector *detector;
	struct rule_list rules;
	struct rule fallback;
	struct source_params params;
	struct source *source;
	struct poller *poller;
	sd_event *event;
	char body[160];
	unsigned n_changes; /* requests to another place than the one before */
	size_t place;
	const char *app_id; /* of all drivers; NULL: each has its own */
};

static void on_event(void *userdata, const struct detector_event *ev)
{
	(void)userdata;
	(void)ev;
}

/* Each driver's app has the name of its host. */
static void answer(void *userdata, const struct transport_request *r, struct fake_answer *ret)
{
	struct fixture *f = userdata;
	const char *host = strstr(r->what, "//d") + 2;

	f->n_changes += http_url_place(strstr(r->what, "http://")) != f->place;
	f->place = http_url_place(strstr(r->what, "http://"));
	*ret = (struct fake_answer){.status = 200, .type = "application/json", .body = "[]"};
	if (fake_fits("*/applications", r->what)) {
		(void)snprintf(f->body, sizeof(f->body),
			"[{\"id\":\"%s%.*s\",\"name\":\"n\","
			"\"attempts\":[{\"startTimeEpoch\":1}]}]",
			f->app_id ? f->app_id : "app-", f->app_id ? 0 : (int)strcspn(host, ":"),
			host);
		ret->body = f->body;
	} else if (fake_fits("*/stages?*", r->what)) {
		(void)snprintf(f->body, sizeof(f->body), STAGES,
			(unsigned)(usec_sub(f->fake.now, FAKE_START) / USEC_PER_SEC));
		ret->body = f->body;
	} else if (fake_fits("*/environment", r->what)) {
		ret->body = "{\"sparkProperties\":[]}";
	}
}

static void set_up_shard(struct fixture *f, unsigned n_drivers, struct shard shard)
{
	struct detector_sink sink = {.changed = on_event, .judged = on_event};
	struct poller_context context = {
		.health = &f->health, .stats = &f->stats, .interval = INTERVAL, .shard = shard};
	_cleanup_free_ char *err = NULL;
	char url[32];

	*f = (struct fixture){0};
	assert_int_equal(sd_event_new(&f->event), 0);
	assert_int_equal(rule_fallback(&f->fallback), 0);
	fake_init(&f->fake);
	f->fake.otherwise = answer;
	f->fake.userdata = f;
	f->fake.kept = true;
	assert_int_equal(detector_new(&sink, &f->detector), 0);
	detector_configure(f->detector, &f->rules, &f->fallback, INTERVAL);
	context.transport = &f->fake.transport;
	context.detector = f->detector;
	context.clock = &f->fake.clock;
	context.event = f->event;
	assert_int_equal(param_defaults(source_params, n_source_params, &f->params), 0);
	f->params.type = 0; /* driver */
	for (unsigned i = 0; i < n_drivers; i++) {
		(void)snprintf(url, sizeof(url), "http://d%u:4040", i);
		assert_int_equal(strlist_add(&f->params.url, url), 0);
	}
	assert_int_equal(
		source_new("c", &f->params, NULL, &f->fake.transport, &f->source, &err), 0);
	assert_int_equal(poller_new(&context, f->source, &f->poller), 0);
}

static void set_up(struct fixture *f, unsigned n_drivers)
{
	set_up_shard(f, n_drivers, (struct shard){0});
}

static void tear_down(struct fixture *f)
{
	poller_free(f->poller);
	source_free(f->source);
	param_clear(source_params, n_source_params, &f->params);
	detector_free(f->detector);
	rule_clear(&f->fallback);
	health_clear(&f->health);
	stats_clear(&f->stats);
	fake_clear(&f->fake);
	sd_event_unref(f->event);
}

/* n ticks, from one to the next. */
static void rounds(struct fixture *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		poller_tick(f->poller);
		fake_loop(&f->fake, f->event, INTERVAL);
	}
}

static size_t n_stages_asked(const struct fixture *f)
{
	return fake_n_asked(&f->fake, "GET */stages?*");
}

static void turns_are_spread(void **state)
{
	struct fixture f;
	size_t before;

	(void)state;
	set_up(&f, 5);
	/* Nobody is known: all at once. */
	poller_tick(f.poller);
	fake_loop(&f.fake, f.event, USEC_PER_MSEC);
	assert_int_equal(n_stages_asked(&f), 5);
	fake_loop(&f.fake, f.event, INTERVAL - USEC_PER_MSEC);
	rounds(&f, 3);
	before = n_stages_asked(&f);
	poller_tick(f.poller);
	/* One each 1.6 seconds, the first at once. */
	for (unsigned i = 0; i < 5; i++) {
		fake_loop(&f.fake, f.event, i == 0 ? USEC_PER_MSEC : 1600 * USEC_PER_MSEC);
		assert_int_equal(n_stages_asked(&f) - before, i + 1);
	}
	tear_down(&f);
}

/* Those whose turns have come begin some at a time, so that the first are answered before the last
 * are asked. None is left out, also where the loop comes late. */
static void polls_begin_in_batches(void **state)
{
	struct fixture f;
	size_t before;
	size_t had;
	size_t most = 0;

	(void)state;
	set_up(&f, 600);
	rounds(&f, 3);
	before = had = n_stages_asked(&f);
	poller_tick(f.poller);
	for (usec_t t = 0; t < INTERVAL; t += USEC_PER_MSEC) {
		fake_loop(&f.fake, f.event, USEC_PER_MSEC);
		most = n_stages_asked(&f) - had > most ? n_stages_asked(&f) - had : most;
		had = n_stages_asked(&f);
	}
	assert_int_equal(had - before, 600);
	assert_int_equal(most, 32);

	poller_tick(f.poller);
	f.fake.now += INTERVAL / 10 * 9;
	fake_loop(&f.fake, f.event, USEC_PER_MSEC);
	assert_int_equal(n_stages_asked(&f) - had, 600);
	tear_down(&f);
}

/* Connections that are kept together are used together. */
static void turns_go_from_place_to_place(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, 300);
	rounds(&f, 3);
	f.n_changes = 0;
	rounds(&f, 1);
	assert_in_range(f.n_changes, HTTP_PLACES / 2, HTTP_PLACES);
	tear_down(&f);
}

static void a_healthy_app_costs_one_request(void **state)
{
	struct fixture f;
	size_t before;
	size_t memory;

	(void)state;
	set_up(&f, 5);
	/* The first polls of an app ask more. */
	rounds(&f, 20);
	before = f.fake.n_asked;
	memory = fake_n_asked(&f.fake, "GET */allexecutors");
	rounds(&f, 60);
	memory = fake_n_asked(&f.fake, "GET */allexecutors") - memory;
	assert_int_equal(f.fake.n_asked - before - memory, 5 * 60);
	/* How much memory it has is asked now and then. */
	assert_in_range(memory, 5, 5 * 60 / 6);
	tear_down(&f);
}

static void one_that_fails_alone_is_asked_less_often(void **state)
{
	struct fixture f;
	size_t before;
	size_t n;

	(void)state;
	set_up(&f, 4);
	rounds(&f, 2);
	fake_set(&f.fake, "GET http://d1:*", (struct fake_answer){.error = -ECONNREFUSED});
	rounds(&f, 10);
	before = fake_n_asked(&f.fake, "GET http://d1:*");
	rounds(&f, 30);
	n = fake_n_asked(&f.fake, "GET http://d1:*") - before;
	assert_in_range(n, 5, 8);
	/* Within a minute of its return it is seen. */
	fake_unset(&f.fake, "GET http://d1:*");
	before = fake_n_asked(&f.fake, "GET http://d1:*/stages?*");
	rounds(&f, 6);
	assert_true(fake_n_asked(&f.fake, "GET http://d1:*/stages?*") > before);
	assert_true(poller_saw_all(f.poller));
	tear_down(&f);
}

static void a_network_that_is_back_shows_all(void **state)
{
	static const struct fake_answer ways[] = {
		{.hangs = true},
		{.error = -EHOSTUNREACH},
		{.status = 502, .type = "text/html", .body = "bad gateway"},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(ways); i++) {
		struct fixture f;

		set_up(&f, 200);
		rounds(&f, 2);
		fake_set(&f.fake, "GET *", ways[i]);
		rounds(&f, 30);
		assert_false(poller_saw_all(f.poller));
		/* Those that let us wait never take more than their places. */
		if (ways[i].hangs)
			assert_true(fake_n_waiting(&f.fake) <= 8);
		fake_unset(&f.fake, "GET *");
		rounds(&f, 2);
		if (!poller_saw_all(f.poller))
			fail_msg("way %zu: not all drivers were seen", i);
		tear_down(&f);
	}
}

static uint64_t overruns(struct fixture *f)
{
	const struct cluster_stats *s = stats_cluster(&f->stats, "c");

	return s ? s->overruns : 0;
}

static void what_cannot_be_asked_in_time_is_told(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, 4);
	rounds(&f, 2);
	assert_int_equal(overruns(&f), 0);
	/* One that is slow to answer delays itself alone. */
	f.fake.latency = 2 * INTERVAL;
	for (size_t i = 0; i < f.params.url.n; i++)
		f.source->endpoint.timeout = USEC_PER_HOUR;
	rounds(&f, 3);
	assert_int_equal(overruns(&f), 0);
	f.fake.in_line = true;
	rounds(&f, 3);
	assert_true(overruns(&f) >= 2);
	assert_int_equal(fake_log_count("could not be polled within poll_interval (10s)"), 1);
	f.fake.in_line = false;
	f.fake.latency = 0;
	rounds(&f, 3);
	assert_int_equal(fake_log_count("are polled within poll_interval again"), 1);
	tear_down(&f);
}

/* Without a list of apps each driver is asked who it is, of others' now and then. */
static void each_app_is_of_one_shard(void **state)
{
	size_t n_apps = 0;

	(void)state;
	for (uint64_t k = 1; k <= 2; k++) {
		struct fixture f;
		size_t n_ours;
		size_t before;

		set_up_shard(&f, 20, (struct shard){k, 2});
		rounds(&f, 2);
		n_ours = detector_n_apps(f.detector);
		assert_in_range(n_ours, 4, 16);
		n_apps += n_ours;
		assert_true(poller_saw_all(f.poller));
		assert_int_equal(detector_n_left_out(f.detector), 0);
		assert_int_equal(fake_n_asked(&f.fake, "GET */environment"), n_ours);
		before = fake_n_asked(&f.fake, "GET */applications");
		rounds(&f, 30);
		assert_in_range(fake_n_asked(&f.fake, "GET */applications") - before,
			5 * (20 - n_ours), 8 * (20 - n_ours));
		assert_int_equal(detector_n_apps(f.detector), n_ours);
		tear_down(&f);
	}
	assert_int_equal(n_apps, 20);
}

/* Within a minute; and what it was before is gone at once. */
static void another_app_on_the_same_port_is_seen(void **state)
{
	static const char *const ids[] = {"app-1", "app-2"};
	size_t n[2][2] = {{0}};

	(void)state;
	for (uint64_t k = 1; k <= 2; k++) {
		struct fixture f;

		set_up_shard(&f, 1, (struct shard){k, 2});
		for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
			f.app_id = ids[i];
			f.fake.kept = false;
			rounds(&f, 7);
			n[i][k - 1] = detector_n_apps(f.detector);
			assert_int_equal(n[i][k - 1] > 0, shard_has(&(struct shard){k, 2}, ids[i]));
		}
		tear_down(&f);
	}
	assert_int_equal(n[0][0] + n[0][1], 1);
	assert_int_equal(n[1][0] + n[1][1], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(turns_are_spread),
		cmocka_unit_test(polls_begin_in_batches),
		cmocka_unit_test(turns_go_from_place_to_place),
		cmocka_unit_test(a_healthy_app_costs_one_request),
		cmocka_unit_test(one_that_fails_alone_is_asked_less_often),
		cmocka_unit_test(a_network_that_is_back_shows_all),
		cmocka_unit_test(what_cannot_be_asked_in_time_is_told),
		cmocka_unit_test(each_app_is_of_one_shard),
		cmocka_unit_test(another_app_on_the_same_port_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
