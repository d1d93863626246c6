/* SPDX-License-Identifier: Apache-2.0
 * One poll of a driver: which steps it takes, and what comes of each answer. */
#include "../fake_transport.h"

#include "source/driver_poll.h"

#define APPS "[{\"id\":\"app-1\",\"name\":\"n\",\"attempts\":[{\"startTimeEpoch\":1}]}]"

struct fixture {
	struct fake fake;
	unsigned n;
	enum driver_state state;
	char reason[32];
	bool same_stages;
	struct digest stages_digest;
	size_t n_stages;
};

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){0};
	fake_init(&f.fake);
	fake_json(&f.fake, "GET *", "[]");
	fake_json(&f.fake, "GET */applications", APPS);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	fake_clear(&((struct fixture *)*state)->fake);
	return 0;
}

static void on_answer(void *userdata, struct driver_answer *answer)
{
	struct fixture *f = userdata;

	f->n++;
	f->state = answer->state;
	f->same_stages = answer->poll.same_stages;
	f->stages_digest = answer->poll.stages_digest;
	f->n_stages = answer->poll.stages.n;
	(void)snprintf(
		f->reason, sizeof(f->reason), "%s", answer->fault ? answer->fault->reason : "");
}

static void poll_once(struct fixture *f, struct driver_ask ask)
{
	char url[] = "http://d:4040";
	const struct endpoint endpoint = {.url = url, .timeout = 3 * USEC_PER_SEC};
	struct driver_poll *p = NULL;

	ask.transport = &f->fake.transport;
	ask.endpoint = &endpoint;
	assert_int_equal(driver_poll_start(&ask, on_answer, f, &p), 0);
	fake_run(&f->fake);
}

static void asks_what_is_needed_only(void **state)
{
	struct fixture *f = *state;

	poll_once(f, (struct driver_ask){.app_id = "app-1", .last_id = "app-1"});
	assert_int_equal(f->n, 1);
	assert_int_equal(f->state, DRIVER_ANSWERED);
	assert_int_equal(fake_n_asked(&f->fake, "GET */applications"), 0);
	assert_int_equal(fake_n_asked(&f->fake, "GET */stages?*"), 1);
	/* No stage is active: jobs tell whether it is idle. */
	assert_int_equal(fake_n_asked(&f->fake, "GET */jobs?*"), 1);
	assert_int_equal(f->fake.n_asked, 2);
}

/* It is known by its id alone. */
static void of_another_shard_nothing_else_is_asked(void **state)
{
	struct fixture *f = *state;

	poll_once(f, (struct driver_ask){.shard = {1, 2}});
	assert_int_equal(f->state, DRIVER_OF_OTHER_SHARD);
	assert_int_equal(f->fake.n_asked, 1);
	poll_once(f, (struct driver_ask){.shard = {2, 2}});
	assert_int_equal(f->state, DRIVER_ANSWERED);
	assert_int_equal(fake_n_asked(&f->fake, "GET */stages?*"), 1);
}

#define STAGES                                                                                     \
	"[{\"status\":\"ACTIVE\",\"stageId\":7,\"attemptId\":0,\"numTasks\":6,"                    \
	"\"numActiveTasks\":2,\"numCompleteTasks\":0,\"numFailedTasks\":0}]"

static void the_same_bytes_are_not_read_again(void **state)
{
	static const struct stage_key key = {7, 0};
	struct fixture *f = *state;
	struct driver_ask ask = {.app_id = "app-1", .last_id = "app-1"};
	size_t n_asked;

	fake_json(&f->fake, "GET */stages?*", STAGES);
	poll_once(f, ask);
	assert_false(f->same_stages);
	assert_int_equal(f->n_stages, 1);
	ask.known_stages = f->stages_digest;
	poll_once(f, ask);
	assert_true(f->same_stages);
	assert_int_equal(f->n_stages, 0);
	/* There are stages, so nobody asks about jobs. */
	assert_int_equal(f->fake.n_asked, 2);
	ask.needs = NEED_MEMORY;
	poll_once(f, ask);
	assert_true(f->same_stages);
	n_asked = f->fake.n_asked;
	/* One byte more. */
	fake_json(&f->fake, "GET */stages?*", STAGES " ");
	poll_once(f, ask);
	assert_false(f->same_stages);
	assert_int_equal(f->n_stages, 1);
	assert_int_equal(f->fake.n_asked, n_asked + 2);
	ask.known_stages = f->stages_digest;
	/* What jobs, executors or tasks are held against is read. */
	for (unsigned needs = NEED_JOBS; needs <= NEED_EXECUTORS; needs <<= 1) {
		ask.needs = needs;
		poll_once(f, ask);
		assert_false(f->same_stages);
		assert_int_equal(f->n_stages, 1);
	}
	ask.needs = 0;
	ask.tasks_of = &key;
	poll_once(f, ask);
	assert_false(f->same_stages);
	assert_int_equal(f->n_stages, 1);
}

static void one_that_may_be_another_is_known_by_its_connection(void **state)
{
	struct fixture *f = *state;

	f->fake.kept = true;
	poll_once(f, (struct driver_ask){.last_id = "app-1", .verify = true});
	assert_int_equal(f->state, DRIVER_ANSWERED);
	assert_int_equal(fake_n_asked(&f->fake, "GET */applications"), 0);
	/* A new connection proves nothing: who is there is asked first, and the stages again. */
	f->fake.kept = false;
	poll_once(f, (struct driver_ask){.last_id = "app-1", .verify = true});
	assert_int_equal(f->state, DRIVER_ANSWERED);
	assert_int_equal(fake_n_asked(&f->fake, "GET */applications"), 1);
	assert_int_equal(fake_n_asked(&f->fake, "GET */stages?*"), 3);
	/* Of what is asked after the stages nothing begins anew. */
	f->fake.kept = true;
	fake_set(&f->fake, "GET */jobs?*",
		(struct fake_answer){.status = 404, .type = "text/plain", .body = "no"});
	poll_once(f, (struct driver_ask){.last_id = "app-1", .verify = true, .needs = NEED_JOBS});
	assert_int_equal(f->state, DRIVER_ANSWERED);
	assert_int_equal(fake_n_asked(&f->fake, "GET */applications"), 1);
	assert_int_equal(fake_n_asked(&f->fake, "GET */stages?*"), 4);
}

static void another_app_on_the_port_is_found_in_the_same_poll(void **state)
{
	struct fixture *f = *state;

	f->fake.kept = true;
	fake_set(&f->fake, "GET */app-0/stages?*",
		(struct fake_answer){.status = 404, .type = "text/plain", .body = "no such app"});
	poll_once(f, (struct driver_ask){.last_id = "app-0", .verify = true});
	assert_int_equal(f->state, DRIVER_ANSWERED);
	assert_int_equal(fake_n_asked(&f->fake, "GET */app-1/stages?*"), 1);
	/* Where the cluster says which app it is, another one is no answer. */
	poll_once(f, (struct driver_ask){.app_id = "app-0", .last_id = "app-0", .verify = true});
	assert_int_equal(f->state, DRIVER_SILENT);
	assert_string_equal(f->reason, "changed");
}

static void one_that_hangs_is_given_up_at_its_time_limit(void **state)
{
	struct fixture *f = *state;

	fake_set(&f->fake, "GET */stages?*", (struct fake_answer){.hangs = true});
	poll_once(f, (struct driver_ask){0});
	assert_int_equal(f->n, 0);
	fake_advance(&f->fake, 3 * USEC_PER_SEC - 1);
	assert_int_equal(f->n, 0);
	fake_advance(&f->fake, 1);
	assert_int_equal(f->n, 1);
	assert_int_equal(f->state, DRIVER_SILENT);
	assert_string_equal(f->reason, "timeout");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(asks_what_is_needed_only, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			of_another_shard_nothing_else_is_asked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_same_bytes_are_not_read_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			one_that_may_be_another_is_known_by_its_connection, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			another_app_on_the_port_is_found_in_the_same_poll, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			one_that_hangs_is_given_up_at_its_time_limit, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
