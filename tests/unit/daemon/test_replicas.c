/* SPDX-License-Identifier: Apache-2.0
 * Two whole daemons that share an etcd, an Airflow and a cluster: which of them acts, what the
 * other says, and seeded worlds in which answers are lost, replicas are stopped, killed and ended
 * cleanly, etcd goes away and wall clocks step. STAGEWATCHD_SEEDS=1000 runs so many. */
#include "remedy/leader.h"
#include "scene.h"

#define ETCD "http://etcd"
#define SEEDS 60

struct pair;

struct replica {
	struct pair *pair;
	struct world *world;
	usec_t stopped_until;
	int64_t wall_off;
};

struct pair {
	struct replica replicas[2];
	usec_t now; /* since the start */
	uint64_t seed;
	bool lossy;
	bool etcd_down;
	unsigned revision;
	unsigned mod; /* of the key; 0: it is not there */
	char value[512];
	char answer[1024];
};

static uint32_t dice(struct pair *p, uint32_t n)
{
	p->seed = p->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(p->seed >> 33) % n;
}

/* What stands between key and the next quote. */
static void text_of(const char *body, const char *key, char *ret, size_t n)
{
	const char *at = strstr(body, key);
	size_t len;

	assert_non_null(at);
	at += strlen(key);
	len = strcspn(at, "\"");
	assert_true(len < n);
	memcpy(ret, at, len);
	ret[len] = '\0';
}

static const char *take_txn(struct pair *p, const char *body)
{
	char version[32];

	text_of(body, "\"mod_revision\":\"", version, sizeof(version));
	if (strtoul(version, NULL, 10) != p->mod)
		return "{\"header\":{\"revision\":\"1\"}}";
	text_of(body, "\"value\":\"", p->value, sizeof(p->value));
	p->mod = ++p->revision;
	(void)snprintf(p->answer, sizeof(p->answer),
		"{\"header\":{\"revision\":\"%u\"},\"succeeded\":true}", p->mod);
	return p->answer;
}

static const char *take_range(struct pair *p)
{
	if (p->mod == 0)
		return "{\"header\":{\"revision\":\"1\"}}";
	(void)snprintf(p->answer, sizeof(p->answer),
		"{\"header\":{\"revision\":\"%u\"},\"kvs\":[{\"mod_revision\":\"%u\",\"value\":\"%"
		"s\"}]}",
		p->revision, p->mod, p->value);
	return p->answer;
}

static void lose(struct fake_answer *ret)
{
	*ret = (struct fake_answer){.error = -ETIMEDOUT, .error_text = "lost"};
}

static void pair_answer(void *userdata, const struct transport_request *r, struct fake_answer *ret)
{
	struct replica *me = userdata;
	struct pair *p = me->pair;
	struct world *w = p->replicas[0].world;
	bool etcd = strstr(r->what, " " ETCD "/") != NULL;

	if (etcd && p->etcd_down) {
		ret->error = -ECONNREFUSED;
		ret->error_text = "nobody listens there";
		return;
	}
	/* On the way there, or on the way back. */
	if (p->lossy && dice(p, 12) == 0) {
		lose(ret);
		return;
	}
	if (etcd) {
		ret->status = 200;
		ret->body = strstr(r->what, "/txn") ? take_txn(p, r->with_body) : take_range(p);
	} else if (str_equal(r->what, "POST http://pager/")) {
		ret->status = 200;
	} else if (!fake_airflow_answers(&w->airflow, r, ret) &&
		   !fake_spark_answers(&w->spark, r, ret)) {
		ret->error = -ECONNREFUSED;
		ret->error_text = "nobody listens there";
	}
	if (p->lossy && dice(p, 12) == 0)
		lose(ret);
}

/* Its time and its network from here on. */
static void turn_to(struct replica *r)
{
	struct fake *f = &r->world->fake;

	f->now = FAKE_START + r->pair->now;
	f->wall = (usec_t)((int64_t)(FAKE_WALL + r->pair->now) + r->wall_off);
	fake_time_use(&f->now, &f->wall);
	fake_http_client_use(&f->transport);
}

static void pair_begin(struct replica *r)
{
	turn_to(r);
	world_begin(r->world);
}

static struct pair *pair_new(uint64_t seed, const char *rule)
{
	struct pair *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->seed = seed * 0x9e3779b97f4a7c15ULL + 1;
	for (size_t i = 0; i < ELEMENTSOF(p->replicas); i++) {
		struct replica *r = &p->replicas[i];
		_cleanup_free_ char *sections = NULL;

		r->pair = p;
		(void)world_set_up((void **)&r->world);
		r->world->fake.otherwise = pair_answer;
		r->world->fake.userdata = r;
		assert_true(str_printf(&sections,
				    WORLD_MASTER WORLD_AIRFLOW
				    "[leader]\ntype = etcd\nurl = " ETCD
				    "\nidentity = replica-%c\nlease_duration = 5s\n"
				    "[notify pager]\nurl = http://pager/\non = hung, closed\n",
				    (int)('a' + i)) >= 0);
		world_configure(r->world, "mode = act", sections, rule);
	}
	(void)scene_app(p->replicas[0].world);
	return p;
}

static void pair_free(struct pair *p)
{
	for (size_t i = ELEMENTSOF(p->replicas); i-- > 0;) {
		turn_to(&p->replicas[i]);
		(void)world_tear_down((void **)&p->replicas[i].world);
	}
	free(p);
}

static bool leads(const struct replica *r)
{
	return r->world->manager && guard_open(leader_guard(r->world->manager->leader));
}

/* Stopped ones, too: what one of them sends when it wakes up is asked then. */
static void check_leaders(struct pair *p)
{
	bool both = true;

	for (size_t i = 0; i < ELEMENTSOF(p->replicas); i++) {
		if (p->replicas[i].world->manager)
			turn_to(&p->replicas[i]);
		both = both && leads(&p->replicas[i]);
	}
	assert_false(both);
}

static void pair_step(struct pair *p)
{
	for (size_t i = 0; i < ELEMENTSOF(p->replicas); i++) {
		struct replica *r = &p->replicas[i];

		if (!r->world->manager || r->stopped_until > p->now)
			continue;
		turn_to(r);
		fake_loop(&r->world->fake, r->world->manager->event, WORLD_STEP);
	}
	p->now += WORLD_STEP;
	check_leaders(p);
}

static void pair_run(struct pair *p, usec_t length)
{
	for (usec_t end = p->now + length; p->now < end;)
		pair_step(p);
}

#define pair_until(p, condition)                                                                   \
	do {                                                                                       \
		usec_t until_end = (p)->now + WORLD_LONG;                                          \
		while (!(condition)) {                                                             \
			if ((p)->now >= until_end)                                                 \
				fail_msg("never: %s: %s", #condition, fake_log());                 \
			pair_step(p);                                                              \
		}                                                                                  \
	} while (false)

static const char *sent(const struct pair *p)
{
	return p->replicas[0].world->airflow.sent;
}

static unsigned count(const char *text, char c)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == c;
	return n;
}

static void test_one_acts(void **state)
{
	struct pair *p = pair_new(1, "action = retry");
	struct replica *a = &p->replicas[0];
	struct replica *b = &p->replicas[1];

	(void)state;
	pair_begin(a);
	pair_run(p, USEC_PER_SEC);
	pair_begin(b);
	pair_until(p, scene_told(b->world, "another replica leads: replica-a_"));
	pair_until(p, world_n_actions(a->world, RULE_ACTION_RETRY, ACTION_CONFIRMED) == 1);
	assert_string_equal(sent(p), "NFC");
	assert_int_equal(world_n_actions(b->world, RULE_ACTION_RETRY, ACTION_REQUESTED), 0);
	turn_to(a);
	assert_true(world_metric(a->world,
			    "stagewatch_leader{lease=\"stagewatchd\",replica=\"replica-a\"}") == 1);
	turn_to(b);
	assert_true(world_metric(b->world,
			    "stagewatch_leader{lease=\"stagewatchd\",replica=\"replica-b\"}") == 0);
	for (size_t i = 0; i < a->world->fake.n_asked; i++)
		assert_int_equal(a->world->fake.asked[i].places == PLACES_LEASE,
			strstr(a->world->fake.asked[i].what, ETCD) != NULL);
	pair_free(p);
}

/* The lead is lost in the middle: what is to come waits for it, and is told. */
static void test_etcd_is_gone_in_the_middle(void **state)
{
	struct pair *p = pair_new(1, "action = retry\nend_timeout = 1min");
	struct replica *a = &p->replicas[0];

	(void)state;
	a->world->airflow.failed = NULL; /* its app lives on, until it is killed */
	pair_begin(a);
	pair_until(p, count(sent(p), 'F') == 1);
	p->etcd_down = true;
	pair_run(p, 10 * USEC_PER_SEC);
	assert_false(leads(a));
	scene_end_all(a->world);
	pair_run(p, 60 * USEC_PER_SEC);
	assert_string_equal(sent(p), "NF");
	p->etcd_down = false;
	pair_until(p, world_n_actions(a->world, RULE_ACTION_RETRY, ACTION_CONFIRMED) == 1);
	assert_string_equal(sent(p), "NFC");
	pair_free(p);
}

static void test_etcd_stays_gone(void **state)
{
	struct pair *p = pair_new(1, "action = retry\nend_timeout = 1min");
	struct replica *a = &p->replicas[0];

	(void)state;
	a->world->airflow.failed = NULL;
	pair_begin(a);
	pair_until(p, count(sent(p), 'F') == 1);
	p->etcd_down = true;
	pair_run(p, 10 * USEC_PER_SEC);
	scene_end_all(a->world);
	pair_run(p, 11 * USEC_PER_MINUTE);
	assert_string_equal(sent(p), "NF");
	assert_int_equal(world_n_actions(a->world, RULE_ACTION_RETRY, ACTION_UNCONFIRMED), 1);
	assert_true(scene_told(a->world, "it stopped at clear: no replica is known to lead: "));
	pair_free(p);
}

/* A leader is stopped between its claim and its answer. The other one does not touch the try, and
 * the first one, awake, sends nothing more. */
static void test_wakes_up_late(void **state)
{
	struct pair *p = pair_new(1, "action = retry");
	struct replica *a = &p->replicas[0];
	struct replica *b = &p->replicas[1];

	(void)state;
	a->world->fake.latency = USEC_PER_SEC / 2; /* longer than a step */
	pair_begin(a);
	pair_run(p, USEC_PER_SEC);
	pair_begin(b);
	pair_until(p, count(sent(p), 'N') == 1);
	a->stopped_until = p->now + 30 * USEC_PER_SEC;
	pair_until(p, scene_told(b->world, "another replica has claimed this try"));
	pair_run(p, 40 * USEC_PER_SEC);
	assert_string_equal(sent(p), "N");
	assert_true(leads(b));
	pair_free(p);
}

/* Its loop has come to its end: what main() does then. */
static bool pair_reap(struct replica *r)
{
	if (!r->world->manager || sd_event_get_state(r->world->manager->event) != SD_EVENT_FINISHED)
		return false;
	turn_to(r);
	world_stop(r->world);
	return true;
}

static const struct fake_answer hangs = {.hangs = true};

/* As SIGTERM does. */
static void pair_end(struct replica *r)
{
	turn_to(r);
	assert_int_equal(manager_end(r->world->manager), 0);
}

static void test_a_clean_stop_gives_the_lead_back(void **state)
{
	struct pair *p = pair_new(1, "action = retry");
	struct replica *a = &p->replicas[0];
	struct replica *b = &p->replicas[1];
	usec_t ended;

	(void)state;
	pair_begin(a);
	pair_run(p, USEC_PER_SEC);
	pair_begin(b);
	pair_until(p, world_n_actions(a->world, RULE_ACTION_RETRY, ACTION_CONFIRMED) == 1);
	pair_end(a);
	ended = p->now;
	assert_false(leads(a));
	pair_until(p, pair_reap(a));
	assert_true(p->now <= ended + USEC_PER_SEC);
	assert_non_null(strstr(fake_log(), "replica-a, has given the lead back (stagewatchd)"));
	pair_until(p, leads(b));
	/* A look each quarter of 5 s, and the second that the record says. */
	assert_true(p->now <= ended + 3 * USEC_PER_SEC);
	pair_free(p);
}

static size_t n_pages(const struct replica *r)
{
	return fake_n_asked(&r->world->fake, "POST http://pager/ *\"event\":\"hung\"*");
}

static size_t n_ends(const struct replica *r)
{
	return fake_n_asked(&r->world->fake, "POST http://pager/ *\"event\":\"closed\"*");
}

/* A person is told once, by the leader. The next one tells of what is open, once, and of its end.
 */
static void test_the_leader_tells(void **state)
{
	struct pair *p = pair_new(1, "action = notify");
	struct replica *a = &p->replicas[0];
	struct replica *b = &p->replicas[1];

	(void)state;
	world_make_state(a->world);
	world_make_state(b->world);
	pair_begin(a);
	pair_run(p, USEC_PER_SEC);
	pair_begin(b);
	pair_until(p, n_pages(a) == 1);
	pair_run(p, 20 * USEC_PER_SEC);
	assert_int_equal(n_pages(b), 0);
	pair_end(a);
	pair_until(p, pair_reap(a));
	pair_until(p, n_pages(b) == 1);
	/* The first one is back, with its ledger, and follows. */
	pair_begin(a);
	pair_run(p, 20 * USEC_PER_SEC);
	scene_end_all(a->world);
	pair_until(p, n_ends(b) == 1);
	pair_run(p, 20 * USEC_PER_SEC);
	assert_int_equal(n_pages(a), 1);
	assert_int_equal(n_pages(b), 1);
	pair_free(p);
}

/* Where nobody is known to lead, all tell: better twice than not at all. */
static void test_all_tell_without_a_leader(void **state)
{
	struct pair *p = pair_new(1, "action = notify");
	struct replica *a = &p->replicas[0];
	struct replica *b = &p->replicas[1];

	(void)state;
	pair_begin(a);
	pair_run(p, USEC_PER_SEC);
	pair_begin(b);
	pair_until(p, n_pages(a) == 1);
	assert_int_equal(n_pages(b), 0);
	p->etcd_down = true;
	pair_until(p, n_pages(b) == 1);
	assert_false(leads(a) || leads(b));
	pair_free(p);
}

/* One that is alone leads again at once. */
static void test_a_restart_takes_its_lead_again(void **state)
{
	struct pair *p = pair_new(1, "action = notify");
	struct replica *a = &p->replicas[0];
	usec_t began;

	(void)state;
	pair_begin(a);
	pair_until(p, leads(a));
	pair_end(a);
	pair_until(p, pair_reap(a));
	pair_begin(a);
	began = p->now;
	pair_until(p, leads(a));
	assert_true(p->now <= began + 2 * USEC_PER_SEC);
	pair_free(p);
}

/* One is at work, and nobody knows what becomes of it: the record stays, and runs out. */
static void stop_while_at_work(const char *request, const char *expected)
{
	struct pair *p = pair_new(1, "action = retry");
	struct replica *a = &p->replicas[0];
	struct replica *b = &p->replicas[1];
	usec_t ended;

	a->world->fake.latency = USEC_PER_SEC / 2; /* longer than a step */
	fake_set(&a->world->fake, request, hangs);
	pair_begin(a);
	pair_run(p, USEC_PER_SEC);
	pair_begin(b);
	pair_until(p, fake_n_asked(&a->world->fake, request) == 1);
	pair_end(a);
	ended = p->now;
	pair_until(p, pair_reap(a));
	assert_true(p->now >= ended + 3 * USEC_PER_SEC);
	assert_non_null(strstr(fake_log(), "a request of its own is not answered yet"));
	assert_false(leads(b));
	pair_until(p, leads(b));
	pair_run(p, 10 * USEC_PER_SEC);
	assert_string_equal(sent(p), expected);
	pair_free(p);
}

static void test_a_stop_with_a_request_at_work(void **state)
{
	(void)state;
	/* Its note never came, so the next leader does it all; its fail did not, and is another's.
	 */
	stop_while_at_work("PATCH */taskInstances/t {\"note*", "NFC");
	stop_while_at_work("PATCH */taskInstances/t {\"new_state*", "N");
}

/* The answer comes in time: it is given back then. */
static void test_a_stop_waits_for_what_is_at_work(void **state)
{
	struct pair *p = pair_new(1, "action = retry");
	struct replica *a = &p->replicas[0];
	usec_t ended;

	(void)state;
	a->world->fake.latency = USEC_PER_SEC / 2;
	a->world->airflow.failed = NULL; /* its app lives on */
	pair_begin(a);
	pair_until(p, fake_n_asked(&a->world->fake, "PATCH */taskInstances/t {\"note*") == 1);
	pair_end(a);
	ended = p->now;
	pair_until(p, pair_reap(a));
	assert_true(p->now <= ended + 2 * USEC_PER_SEC);
	assert_non_null(strstr(fake_log(), "replica-a, has given the lead back"));
	assert_string_equal(sent(p), "");
	pair_free(p);
}

/* Nobody answers: the stop does not wait for longer. A second signal waits for nothing. */
static void test_a_stop_waits_for_no_etcd(void **state)
{
	struct pair *p = pair_new(1, "action = notify");
	struct replica *a = &p->replicas[0];
	usec_t ended;

	(void)state;
	pair_begin(a);
	pair_until(p, leads(a));
	fake_set(&a->world->fake, "POST " ETCD "*", hangs);
	pair_end(a);
	ended = p->now;
	pair_until(p, pair_reap(a));
	assert_true(p->now <= ended + 4 * USEC_PER_SEC);
	assert_non_null(strstr(fake_log(), "replica-a, has not given the lead back"));
	fake_unset(&a->world->fake, "POST " ETCD "*");
	pair_begin(a);
	pair_until(p, leads(a));
	fake_set(&a->world->fake, "POST " ETCD "*", hangs);
	pair_end(a);
	ended = p->now;
	pair_end(a);
	pair_until(p, pair_reap(a));
	assert_true(p->now <= ended + USEC_PER_SEC);
	pair_free(p);
}

static void trouble(struct pair *p)
{
	struct replica *r = &p->replicas[dice(p, ELEMENTSOF(p->replicas))];

	if (dice(p, 60) == 0)
		r->stopped_until = p->now + dice(p, 20) * USEC_PER_SEC;
	if (dice(p, 60) == 0)
		r->wall_off = (int64_t)dice(p, 7200) * USEC_PER_SEC - (int64_t)USEC_PER_HOUR;
	if (dice(p, 120) == 0)
		p->etcd_down = !p->etcd_down;
	for (size_t i = 0; i < ELEMENTSOF(p->replicas); i++)
		(void)pair_reap(&p->replicas[i]);
	if (dice(p, 60) == 0 && r->world->manager)
		pair_end(r);
	if (dice(p, r->world->manager ? 80 : 20) != 0)
		return;
	turn_to(r);
	if (r->world->manager)
		world_stop(r->world);
	else
		world_begin(r->world);
}

/* How many tries were acted upon. */
static unsigned run_seed(uint64_t seed)
{
	struct pair *p = pair_new(seed, "action = retry");
	unsigned n;

	pair_begin(&p->replicas[0]);
	pair_begin(&p->replicas[1]);
	p->lossy = true;
	for (size_t i = 0; i < 240; i++) {
		trouble(p);
		pair_step(p);
	}
	n = count(sent(p), 'F');
	if (n > 1 || count(sent(p), 'C') > 1)
		fail_msg("seed %lu: %s", (unsigned long)seed, sent(p));
	pair_free(p);
	return n;
}

static void test_never_two_actions_on_one_try(void **state)
{
	const char *text = getenv("STAGEWATCHD_SEEDS");
	uint64_t n_seeds = text ? strtoul(text, NULL, 10) : SEEDS;
	unsigned n = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= n_seeds; seed++)
		n += run_seed(seed);
	print_message("%u of %lu hangs were acted upon\n", n, (unsigned long)n_seeds);
	assert_true(n > n_seeds / 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_acts),
		cmocka_unit_test(test_etcd_is_gone_in_the_middle),
		cmocka_unit_test(test_etcd_stays_gone),
		cmocka_unit_test(test_wakes_up_late),
		cmocka_unit_test(test_a_clean_stop_gives_the_lead_back),
		cmocka_unit_test(test_the_leader_tells),
		cmocka_unit_test(test_all_tell_without_a_leader),
		cmocka_unit_test(test_a_restart_takes_its_lead_again),
		cmocka_unit_test(test_a_stop_with_a_request_at_work),
		cmocka_unit_test(test_a_stop_waits_for_what_is_at_work),
		cmocka_unit_test(test_a_stop_waits_for_no_etcd),
		cmocka_unit_test(test_never_two_actions_on_one_try),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
