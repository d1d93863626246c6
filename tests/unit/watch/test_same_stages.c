/* SPDX-License-Identifier: Apache-2.0
 * An answer with the same bytes as the one before is not read again, and does what reading it again
 * does: of two drivers that tell the same story, one pads each answer in another way. */
#include "../fake_transport.h"
#include "../row.h"

#include "setup/health.h"
#include "setup/stats.h"
#include "source/source.h"
#include "watch/poller.h"

#define INTERVAL (10 * USEC_PER_SEC)
#define STAGE(id, active, complete, failed, bytes, size)                                           \
	"{\"status\":\"ACTIVE\",\"stageId\":" #id ",\"attemptId\":0,\"numTasks\":9,"               \
	"\"name\":\"collect at x.py:1\",\"numActiveTasks\":" #active                               \
	",\"numCompleteTasks\":" #complete ",\"numFailedTasks\":" #failed                          \
	",\"inputBytes\":" #bytes ",\"resultSize\":" #size ",\"executorRunTime\":1000}"

struct world {
	struct fake fake;
	struct health health;
	struct stats stats;
	struct detector *detector;
	struct rule_list rules;
	struct rule fallback;
	struct source_params params;
	struct source *source;
	struct poller *poller;
	unsigned n_changed;
};

static void on_changed(void *userdata, const struct detector_event *ev)
{
	struct world *w = userdata;

	(void)ev;
	w->n_changed++;
}

static void on_judged(void *userdata, const struct detector_event *ev)
{
	(void)userdata;
	(void)ev;
}

static void set_up(struct world *w)
{
	struct detector_sink sink = {.changed = on_changed, .judged = on_judged, .userdata = w};
	struct poller_context context = {.health = &w->health, .stats = &w->stats};
	_cleanup_free_ char *err = NULL;

	*w = (struct world){0};
	fake_init(&w->fake);
	assert_int_equal(rule_fallback(&w->fallback), 0);
	assert_int_equal(detector_new(&sink, &w->detector), 0);
	detector_configure(w->detector, &w->rules, &w->fallback, INTERVAL);
	context.transport = &w->fake.transport;
	context.detector = w->detector;
	context.clock = &w->fake.clock;
	assert_int_equal(param_defaults(source_params, n_source_params, &w->params), 0);
	assert_int_equal(strlist_add(&w->params.url, "http://d:4040"), 0);
	assert_int_equal(
		source_new("c", &w->params, NULL, &w->fake.transport, &w->source, &err), 0);
	assert_int_equal(poller_new(&context, w->source, &w->poller), 0);
	fake_json(&w->fake, "GET */applications",
		"[{\"id\":\"app-1\",\"name\":\"n\",\"attempts\":[{\"startTimeEpoch\":1000}]}]");
	fake_json(&w->fake, "GET */jobs?*", "[{\"status\":\"RUNNING\",\"stageIds\":[1]}]");
	fake_json(&w->fake, "GET */executors", "[{\"id\":\"1\",\"activeTasks\":2}]");
	fake_json(&w->fake, "GET */environment", "{\"sparkProperties\":[]}");
	fake_json(&w->fake, "GET */allexecutors", "[{\"id\":\"1\"}]");
}

static void tear_down(struct world *w)
{
	poller_free(w->poller);
	source_free(w->source);
	param_clear(source_params, n_source_params, &w->params);
	detector_free(w->detector);
	rule_clear(&w->fallback);
	health_clear(&w->health);
	stats_clear(&w->stats);
	fake_clear(&w->fake);
}

static void round_with(struct world *w, const char *stages)
{
	if (stages)
		fake_json(&w->fake, "GET */stages?*", stages);
	else
		fake_set(&w->fake, "GET */stages?*",
			(struct fake_answer){.error = -ECONNRESET, .error_text = "reset"});
	poller_tick(w->poller);
	fake_advance(&w->fake, INTERVAL);
}

static void assert_same_stage(const struct stage_history *a, const struct stage_history *b)
{
	assert_int_equal(a->last.stage_id, b->last.stage_id);
	assert_int_equal(a->last.n_active, b->last.n_active);
	assert_string_equal(a->last.name, b->last.name);
	assert_memory_equal(a->last.counters, b->last.counters, sizeof(a->last.counters));
	assert_int_equal(a->seen, b->seen);
	assert_int_equal(a->first_seen, b->first_seen);
	assert_int_equal(a->stall_start, b->stall_start);
	assert_int_equal(a->launched, b->launched);
	assert_int_equal(a->active_start, b->active_start);
	assert_int_equal(a->completed, b->completed);
	assert_int_equal(a->inactive_start, b->inactive_start);
	assert_int_equal(a->failed_base, b->failed_base);
	assert_int_equal(a->failed_since, b->failed_since);
	assert_int_equal(a->failed_rises, b->failed_rises);
	assert_int_equal(a->failed_first, b->failed_first);
	assert_int_equal(a->failed_last, b->failed_last);
	assert_int_equal(a->failed_spread, b->failed_spread);
	assert_int_equal(a->job_running, b->job_running);
	assert_int_equal(a->unasked_polls, b->unasked_polls);
	assert_int_equal(a->jobless_polls, b->jobless_polls);
	assert_int_equal(a->verdict, b->verdict);
	assert_int_equal(a->verdict_start, b->verdict_start);
	assert_int_equal(a->detail != NULL, b->detail != NULL);
	if (a->detail)
		assert_int_equal(a->detail->lasting, b->detail->lasting);
}

static const struct app_history *history(const struct world *w)
{
	if (detector_n_apps(w->detector) != 1)
		abort();
	return detector_app_at(w->detector, 0);
}

static void assert_same_app(const struct world *w, const struct world *v)
{
	const struct app_history *a = history(w);
	const struct app_history *b = history(v);

	assert_int_equal(a->polls, b->polls);
	assert_int_equal(a->observed, b->observed);
	assert_int_equal(a->idle_start, b->idle_start);
	assert_int_equal(a->activity, b->activity);
	assert_int_equal(a->gap_end, b->gap_end);
	assert_int_equal(a->verdict, b->verdict);
	assert_int_equal(a->verdict_start, b->verdict_start);
	assert_int_equal(a->no_answer_start, b->no_answer_start);
	assert_true(str_equal(a->missing, b->missing));
	assert_int_equal(a->signs.cost.run, b->signs.cost.run);
	assert_int_equal(a->signs.collect_size, b->signs.collect_size);
	assert_int_equal(a->n_stages, b->n_stages);
	for (size_t i = 0; i < a->n_stages; i++)
		assert_same_stage(&a->stages[i], &b->stages[i]);
	assert_int_equal(w->n_changed, v->n_changed);
	assert_int_equal(w->fake.n_asked, v->fake.n_asked);
}

static void a_story_is_the_same_read_or_not(void **state)
{
	static const struct {
		const char *name;
		const char *stages; /* NULL: the driver does not answer */
		unsigned rounds;
		bool known; /* its bytes are, afterwards */
	} story[] = {
		{"idle", "[]", 5, false},
		{"not launched", "[" STAGE(1, 0, 0, 0, 0, 0) "]", 5, true},
		{"launched", "[" STAGE(1, 2, 0, 0, 0, 0) "]", 5, true},
		{"reads", "[" STAGE(1, 2, 0, 0, 100, 0) "]", 5, true},
		{"completes", "[" STAGE(1, 2, 3, 0, 200, 70) "]", 3, true},
		{"fails", "[" STAGE(1, 2, 3, 2, 200, 70) "]", 3, true},
		{"fails more", "[" STAGE(1, 2, 3, 4, 200, 70) "]", 3, true},
		{"waits", "[" STAGE(1, 0, 3, 4, 200, 70) "]", 3, true},
		{"works", "[" STAGE(1, 2, 3, 4, 200, 70) "]", 3, true},
		{"silent", NULL, 3, true},
		{"works again", "[" STAGE(1, 2, 3, 4, 200, 70) "]", 3, true},
		{"a gap", NULL, 40, true},
		{"after the gap", "[" STAGE(1, 2, 3, 4, 200, 70) "]", 9, true},
		{"two stages", "[" STAGE(1, 2, 3, 4, 200, 70) "," STAGE(2, 1, 1, 0, 7, 900) "]", 4,
			true},
		{"a bad row", "[" STAGE(1, 2, 3, 4, 200, 70) ",{}]", 4, false},
		{"one stage twice", "[" STAGE(1, 2, 3, 4, 5, 6) "," STAGE(1, 2, 3, 4, 9, 6) "]", 4,
			false},
		{"no JSON", "[", 2, false},
		{"stands still", "[" STAGE(1, 2, 3, 4, 9, 6) "]", 150, true},
		{"works in the end", "[" STAGE(1, 2, 4, 4, 9, 6) "]", 5, true},
		{"idle in the end", "[ ]", 5, false},
	};
	struct world same;
	struct world padded;
	unsigned n = 0;
	bool was_trouble = false;

	(void)state;
	set_up(&same);
	set_up(&padded);
	for_each_row(s, story)
	{
		for (unsigned i = 0; i < s->rounds; i++) {
			_cleanup_free_ char *pad = NULL;
			const struct app_history *a;
			struct digest digest;

			if (s->stages)
				assert_true(str_printf(&pad, "%s%*s", s->stages, (int)(n++ % 2 + 1),
						    "") >= 0);
			round_with(&same, s->stages);
			round_with(&padded, pad);
			assert_same_app(&same, &padded);
			a = history(&same);
			for (size_t k = 0; k < a->n_stages; k++)
				was_trouble =
					was_trouble || verdict_is_trouble(a->stages[k].verdict);
			if (!s->stages)
				continue;
			digest = digest_of(s->stages, strlen(s->stages));
			assert_int_equal(digest_same(&digest, &a->stages_digest), s->known);
			if (pad)
				digest = digest_of(pad, strlen(pad));
			assert_int_equal(
				digest_same(&digest, &history(&padded)->stages_digest), s->known);
		}
	}
	assert_true(was_trouble);
	tear_down(&same);
	tear_down(&padded);
}

/* An answer that repeats one which is not the last by now is no observation. */
static void what_is_not_at_hand_is_not_repeated(void **state)
{
	struct app_info info = {.id = (char[]){"a"}};
	struct app_history *a = NULL;
	struct stage_obs *stage = calloc(1, sizeof(*stage));
	struct app_poll poll = {
		.now = 10 * INTERVAL, .stages = {.items = stage, .n = 1}, .stages_digest = {1, 1}};

	(void)state;
	assert_non_null(stage);
	assert_int_equal(app_history_new("c", &info, INTERVAL, &a), 0);
	assert_int_equal(app_history_observe(a, &poll, INTERVAL), 1);
	app_poll_clear(&poll);
	poll = (struct app_poll){
		.now = 11 * INTERVAL, .same_stages = true, .stages_digest = {2, 1}};
	assert_int_equal(app_history_observe(a, &poll, INTERVAL), 0);
	assert_int_equal(a->observed, 10 * INTERVAL);
	assert_int_equal(a->polls, 1);
	poll.stages_digest.low = 1;
	poll.has_jobs = true; /* of which none runs */
	assert_int_equal(app_history_observe(a, &poll, INTERVAL), 1);
	assert_int_equal(a->observed, 11 * INTERVAL);
	assert_int_equal(a->n_stages, 1);
	assert_true(a->stages[0].seen);
	assert_int_equal(a->idle_start, 0);
	app_history_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_story_is_the_same_read_or_not),
		cmocka_unit_test(what_is_not_at_hand_is_not_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
