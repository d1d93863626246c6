/* SPDX-License-Identifier: Apache-2.0
 * The notifier by itself: incidents of the test's, receivers behind a fake transport, a real
 * ledger. How the daemon feeds it is in tests/unit/daemon/test_notify.c. */
#include "../row.h"

#include <ftw.h>
#include <unistd.h>

#include "../fake_transport.h"

#include "io/ledger.h"
#include "notifier/notifier.h"
#include "store/schema.h"

#define HOOK "http://pager/hook"
#define SPARK "[spark one]\ntype = driver\nurl = http://d1:4040\n"
#define RULES "[rule all]\napp = *\naction = notify\n[rule none]\ndag = silent\naction = none\n"
/* A receiver of that name that is tried again each second or two. */
#define NOTIFY(name, more)                                                                         \
	"[notify " name "]\nurl = http://" name "/hook\nretry_first = 1s\nretry_max = 2s\n" more
#define PAGER NOTIFY("pager", "")

struct scene {
	struct fake fake;
	char dir[32];
	sd_event *event;
	struct runtime *runtime;
	struct ledger *ledger;
	struct incident_list incidents;
	struct health health;
	struct stats stats;
	struct notifier *notifier;
};

static struct runtime *runtime_of(void *userdata)
{
	return ((struct scene *)userdata)->runtime;
}

static void configure(struct scene *s, const char *notifies)
{
	struct settings *settings = NULL;
	struct strlist errors = {0};
	char path[64];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/conf", s->dir);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fprintf(f, SPARK RULES "%s", notifies) > 0);
	assert_int_equal(fclose(f), 0);
	if (settings_load(path, &settings, &errors) < 0)
		fail_msg("the configuration does not load: %s", errors.items[0]);
	runtime_unref(s->runtime);
	s->runtime = NULL;
	assert_int_equal(
		runtime_new(settings, &s->fake.transport, s->event, &s->runtime, &errors), 0);
	strlist_clear(&errors);
	assert_int_equal(stats_prepare(&s->stats, s->runtime->settings), 0);
	assert_int_equal(health_prepare(&s->health, s->runtime->settings), 0);
}

static void begin(struct scene *s)
{
	const struct notifier_context context = {
		.event = s->event,
		.ledger = s->ledger,
		.incidents = &s->incidents,
		.health = &s->health,
		.stats = &s->stats,
		.seed = 1,
		.clock = &s->fake.clock,
		.runtime = runtime_of,
		.userdata = s,
	};

	assert_int_equal(notifier_new(&context, &s->notifier), 0);
	notifier_tick(s->notifier);
}

static void start(struct scene *s, const char *notifies)
{
	configure(s, notifies);
	begin(s);
}

static void open_ledger(struct scene *s)
{
	assert_int_equal(ledger_open(s->dir, &store_schema, &s->ledger), 0);
	assert_true(ledger_usable(s->ledger));
}

/* A second of the daemon: the tick, and all that is due in it. */
static void run(struct scene *s, unsigned seconds)
{
	for (unsigned k = 0; k < seconds; k++) {
		fake_loop(&s->fake, s->event, USEC_PER_SEC);
		notifier_tick(s->notifier);
		fake_loop(&s->fake, s->event, 0);
	}
}

/* What is not in the ledger is lost. */
static void crash(struct scene *s)
{
	s->notifier = notifier_free(s->notifier);
	s->ledger = ledger_free(s->ledger);
	open_ledger(s);
	fake_log_clear();
}

static int set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	fake_init(&s->fake);
	fake_set(&s->fake, "POST *", (struct fake_answer){.status = 200});
	(void)strcpy(s->dir, "/tmp/notifier-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	assert_true(sd_event_new(&s->event) >= 0);
	*state = s;
	return 0;
}

static int unlink_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	(void)row_tell(state);
	notifier_free(s->notifier);
	runtime_unref(s->runtime);
	incident_list_clear(&s->incidents);
	health_clear(&s->health);
	stats_clear(&s->stats);
	ledger_free(s->ledger);
	sd_event_unref(s->event);
	fake_clear(&s->fake);
	(void)nftw(s->dir, unlink_one, 8, FTW_DEPTH | FTW_PHYS);
	free(s);
	return 0;
}

static struct scene *anew(void **state)
{
	const char *at = row_at;

	row_at = NULL; /* it is well */
	(void)tear_down(state);
	(void)set_up(state);
	row_at = at;
	return *state;
}

/* An incident of that app that has just begun, hung, and is not told yet. */
static struct incident *incident(struct scene *s, const char *app_id)
{
	struct incident_list *l = &s->incidents;
	struct incident *i = calloc(1, sizeof(*i));

	assert_non_null(i);
	*i = (struct incident){.number = l->next_number + 1,
		.app_started = FAKE_WALL,
		.stage_id = 7,
		.verdict = VERDICT_HUNG,
		.reached = 1U << VERDICT_HUNG,
		.opened = s->fake.wall,
		.changed = s->fake.wall};
	(void)snprintf(i->id, sizeof(i->id), "id-%u", (unsigned)i->number);
	assert_int_equal(str_replace(&i->cluster, "one"), 0);
	assert_int_equal(str_replace(&i->app_id, app_id), 0);
	assert_int_equal(str_replace(&i->app_name, "etl"), 0);
	assert_int_equal(str_replace(&i->rule, "all"), 0);
	assert_int_equal(str_replace(&i->evidence, "(0 + 2) / 6"), 0);
	assert_int_equal(incident_adopt(l, i), 0);
	return i;
}

static struct incident *hung(struct scene *s, const char *app_id)
{
	struct incident *i = incident(s, app_id);

	notifier_event(s->notifier, i, notice_of_verdict(VERDICT_HUNG));
	return i;
}

static void end(struct scene *s, struct incident *i, enum remedy_outcome outcome)
{
	incident_end(i, outcome, NULL, s->fake.wall);
	notifier_tick(s->notifier);
	fake_loop(&s->fake, s->event, 0);
}

/* "event app event app ...": the messages that this receiver was sent, in their order. */
static const char *told(const struct scene *s, const char *notify)
{
	static char text[512];
	char url[64];
	char *p = text;

	(void)snprintf(url, sizeof(url), "POST http://%s/*", notify);
	*p = '\0';
	for (size_t k = 0; k < s->fake.n_asked; k++) {
		const struct fake_asked *a = &s->fake.asked[k];
		const char *event = a->body ? strstr(a->body, "\"event\":\"") : NULL;
		const char *app = a->body ? strstr(a->body, "\"app_id\":\"") : NULL;

		if (!fake_fits(url, a->what) || !event)
			continue;
		event += strlen("\"event\":\"");
		app = app ? app + strlen("\"app_id\":\"") : "-\"";
		p += snprintf(p, (size_t)(text + sizeof(text) - p), "%s%.*s %.*s",
			p > text ? ", " : "", (int)strcspn(event, "\""), event,
			(int)strcspn(app, "\""), app);
		assert_true(p < text + sizeof(text));
	}
	return text;
}

static uint64_t fate(struct scene *s, const char *notify, enum outbox_fate f)
{
	return stats_notify(&s->stats, notify)->fates[f];
}

static const struct fake_asked *asked(const struct scene *s, size_t n)
{
	assert_true(n < s->fake.n_asked);
	return &s->fake.asked[n];
}

static void each_event_is_told_once(void **state)
{
	struct scene *s = *state;
	struct incident *i;

	start(s, NOTIFY("pager", "on = hung, recovered, closed\n"));
	i = hung(s, "app-1");
	run(s, 3);
	notifier_event(s->notifier, i, notice_of_verdict(VERDICT_HUNG));
	run(s, 3);
	assert_string_equal(told(s, "pager"), "hung app-1");
	assert_string_equal(asked(s, 0)->headers,
		"Content-Type: application/json\nX-Stagewatch-Delivery: id-1-hung\n");
	end(s, i, OUTCOME_RECOVERED);
	run(s, 3);
	assert_string_equal(told(s, "pager"), "hung app-1, recovered app-1, closed app-1");
	assert_int_equal(fate(s, "pager", OUTBOX_SENT), 3);
	assert_int_equal(notifier_n_pending(s->notifier, "pager"), 0);
	assert_int_equal(notifier_oldest(s->notifier), 0);
	/* The same stage again is news. */
	hung(s, "app-1");
	run(s, 1);
	assert_string_equal(
		told(s, "pager"), "hung app-1, recovered app-1, closed app-1, hung app-1");
}

static void who_wants_to_hear(void **state)
{
	static const struct {
		const char *name;
		const char *keys;
		const char *told;
	} rows[] = {
		{"all", "", "hung app-1, hung app-2"},
		{"no rule of that name", "rule = x*\n", ""},
		{"its rule", "rule = al*\n", "hung app-1, hung app-2"},
		{"its dag", "dag = d\n", "hung app-1"},
		{"its name", "app = oth*\n", "hung app-2"},
		{"its cluster", "cluster = t?o\n", "hung app-2"},
		{"severity", "min_severity = critical\n", "hung app-1, hung app-2"},
		{"other events", "on = starved, failed\n", ""},
	};

	for_each_row(r, rows)
	{
		_cleanup_free_ char *notify = NULL;
		struct scene *s = anew(state);
		struct incident *i;

		assert_true(str_printf(&notify, NOTIFY("pager", "%s"), r->keys) >= 0);
		start(s, notify);
		i = incident(s, "app-1");
		assert_int_equal(str_replace(&i->owner.dag_id, "d"), 0);
		notifier_event(s->notifier, i, notice_of_verdict(VERDICT_HUNG));
		i = incident(s, "app-2");
		assert_int_equal(str_replace(&i->cluster, "two"), 0);
		assert_int_equal(str_replace(&i->app_name, "other"), 0);
		notifier_event(s->notifier, i, notice_of_verdict(VERDICT_HUNG));
		run(s, 1);
		assert_string_equal(told(s, "pager"), r->told);
	}
}

/* The end is told to those alone who heard of the beginning; who asks for ends alone gets those of
 * what was hung. */
static void whom_an_end_is_told(void **state)
{
	struct scene *s = *state;
	struct incident *i;

	start(s, NOTIFY("pager", "on = hung, recovered\n") NOTIFY("ends", "on = recovered\n"));
	i = hung(s, "app-1");
	end(s, i, OUTCOME_RECOVERED);
	i = incident(s, "app-2");
	i->verdict = VERDICT_SUSPECT;
	i->reached = 1U << VERDICT_SUSPECT;
	notifier_event(s->notifier, i, notice_of_verdict(VERDICT_SUSPECT));
	end(s, i, OUTCOME_RECOVERED);
	run(s, 1);
	assert_string_equal(told(s, "pager"), "hung app-1, recovered app-1");
	assert_string_equal(told(s, "ends"), "recovered app-1");
}

/* action = none is what it says, and so is an app without a rule. */
static void no_rule_no_message(void **state)
{
	static const struct {
		const char *name;
	} rows[] = {{"none"}, {"a rule that is gone"}};

	for_each_row(r, rows)
	{
		struct scene *s = anew(state);
		struct incident *i;

		start(s, PAGER);
		i = incident(s, "app-1");
		assert_int_equal(str_replace(&i->rule, r->name), 0);
		notifier_event(s->notifier, i, notice_of_verdict(VERDICT_HUNG));
		end(s, i, OUTCOME_RECOVERED);
		run(s, 1);
		assert_string_equal(told(s, "pager"), "");
	}
}

/* It is tried again until it takes the message, and one line says so. */
static void a_bad_receiver(void **state)
{
	static const struct {
		const char *name;
		struct fake_answer answer;
		const char *reason;
	} rows[] = {
		{"500", {.status = 500}, "server_error"},
		{"429", {.status = 429}, "server_error"},
		{"302", {.status = 302}, "redirect"},
		{"401", {.status = 401}, "denied"},
		{"404", {.status = 404}, "refused"},
		{"hangs", {.hangs = true}, "timeout"},
		{"cut", {.error = -EPROTO}, "unreachable"},
		{"gone", {.error = -ECONNREFUSED}, "unreachable"},
	};

	for_each_row(r, rows)
	{
		struct scene *s = anew(state);
		struct health_notify *h;
		size_t n;

		fake_set(&s->fake, "POST *", r->answer);
		start(s, NOTIFY("pager", "timeout = 500ms\n"));
		hung(s, "app-1");
		run(s, 7);
		n = s->fake.n_asked;
		/* At once, after a second, then each two, give or take the jitter. */
		assert_in_range(n, 3, 6);
		for (size_t k = 1; k < n; k++)
			assert_string_equal(asked(s, k)->headers, asked(s, 0)->headers);
		assert_int_equal(fake_n_asked(&s->fake, "POST " HOOK), n);
		h = health_notify(&s->health, "pager");
		assert_string_equal(h->complaint, r->reason);
		assert_int_equal(notifier_n_pending(s->notifier, "pager"), 1);
		assert_true(notifier_oldest(s->notifier) >= 7 * USEC_PER_SEC);
		assert_int_equal(fake_log_count("trying again (retry_first, retry_max)"), 1);
		fake_set(&s->fake, "POST *", (struct fake_answer){.status = 200});
		run(s, 4);
		assert_int_equal(fate(s, "pager", OUTBOX_SENT), 1);
		assert_null(h->complaint);
		assert_int_equal(notifier_n_pending(s->notifier, "pager"), 0);
		assert_int_equal(fake_log_count("messages are delivered again"), 1);
		assert_int_equal(s->fake.n_asked, n + 1);
	}
}

/* Not before the receiver wants it. */
static void retry_after(void **state)
{
	struct scene *s = *state;

	fake_set(&s->fake, "POST *",
		(struct fake_answer){.status = 503, .retry_after = 6 * USEC_PER_SEC});
	start(s, PAGER);
	hung(s, "app-1");
	run(s, 9);
	assert_int_equal(s->fake.n_asked, 2);
	assert_true(asked(s, 1)->at - asked(s, 0)->at >= 6 * USEC_PER_SEC);
}

static void what_is_not_delivered_is_given_up(void **state)
{
	struct scene *s = *state;

	fake_set(&s->fake, "POST *", (struct fake_answer){.status = 500});
	start(s, NOTIFY("pager", "give_up_after = 1min\n"));
	hung(s, "app-1");
	run(s, 70);
	assert_int_equal(fate(s, "pager", OUTBOX_FAILED), 1);
	assert_int_equal(notifier_n_pending(s->notifier, "pager"), 0);
	assert_int_equal(fake_log_count("was not delivered within give_up_after; giving it up"), 1);
}

static void a_slow_receiver_holds_up_nobody(void **state)
{
	static const char *const apps[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
	struct scene *s = *state;

	fake_set(&s->fake, "POST http://slow/*", (struct fake_answer){.hangs = true});
	start(s, NOTIFY("slow", "timeout = 60s\n") NOTIFY("quick", ""));
	for (size_t k = 0; k < ELEMENTSOF(apps); k++)
		hung(s, apps[k]);
	run(s, 5);
	assert_int_equal(fate(s, "quick", OUTBOX_SENT), ELEMENTSOF(apps));
	assert_int_equal(fake_n_asked(&s->fake, "POST http://slow/*"), OUTBOX_MAX_SENDING);
	assert_int_equal(fake_n_waiting(&s->fake), OUTBOX_MAX_SENDING);
	/* The end of the daemon waits for none of them. */
	s->notifier = notifier_free(s->notifier);
	assert_int_equal(fake_n_waiting(&s->fake), 0);
}

/* A receiver that is gone gets no more; what waits for one that stays goes on. */
static void another_configuration(void **state)
{
	struct scene *s = *state;
	struct incident *i;

	fake_set(&s->fake, "POST *", (struct fake_answer){.status = 500});
	start(s, NOTIFY("one", "") NOTIFY("two", ""));
	i = hung(s, "app-1");
	run(s, 1);
	configure(s, NOTIFY("two", ""));
	notifier_reconsider(s->notifier);
	assert_int_equal(fate(s, "one", OUTBOX_DROPPED), 1);
	assert_int_equal(fake_log_count("notify one: the message hung of incident id-1 is dropped: "
					"the section is no longer configured"),
		1);
	fake_set(&s->fake, "POST *", (struct fake_answer){.status = 200});
	run(s, 4);
	assert_int_equal(fate(s, "two", OUTBOX_SENT), 1);
	end(s, i, OUTCOME_RECOVERED);
	assert_null(strstr(told(s, "one"), "recovered"));
	assert_non_null(strstr(told(s, "two"), "recovered"));
}

/* The very same message, under the same delivery, and once. */
static void what_waits_outlives_a_crash(void **state)
{
	struct scene *s = *state;
	struct incident *i;
	size_t before;

	open_ledger(s);
	fake_set(&s->fake, "POST *", (struct fake_answer){.status = 500});
	start(s, PAGER);
	i = hung(s, "app-1");
	run(s, 2);
	assert_true(notifier_durable(s->notifier));
	crash(s);
	before = s->fake.n_asked;
	fake_set(&s->fake, "POST *", (struct fake_answer){.status = 200});
	begin(s);
	run(s, 1);
	assert_int_equal(s->fake.n_asked, before + 1);
	assert_string_equal(asked(s, before)->body, asked(s, 0)->body);
	assert_string_equal(asked(s, before)->headers, asked(s, 0)->headers);
	/* Found again, it is not told again; its end is. */
	notifier_event(s->notifier, i, notice_of_verdict(VERDICT_HUNG));
	run(s, 10);
	assert_int_equal(s->fake.n_asked, before + 1);
	end(s, i, OUTCOME_RECOVERED);
	assert_int_equal(s->fake.n_asked, before + 2);
	/* Nothing is left to say. */
	crash(s);
	begin(s);
	run(s, 10);
	assert_int_equal(s->fake.n_asked, before + 2);
}

/* It ended while there was no daemon: that is told where its beginning was. */
static void gone_while_nobody_watched(void **state)
{
	struct scene *s = *state;
	struct incident *i;

	open_ledger(s);
	start(s, NOTIFY("pager", "on = hung, ended, closed\n"));
	i = hung(s, "app-1");
	incident(s, "app-2")->reached = 0; /* never told */
	run(s, 2);
	crash(s);
	incident_end(i, OUTCOME_ENDED, NULL, s->fake.wall);
	incident_end(s->incidents.items[1], OUTCOME_ENDED, NULL, s->fake.wall);
	fake_advance(&s->fake, USEC_PER_SEC);
	begin(s);
	run(s, 5);
	assert_string_equal(told(s, "pager"), "hung app-1, ended app-1, closed app-1");
}

/* Messages are sent all the same, and kept as soon as there is a ledger. */
static void without_a_ledger(void **state)
{
	struct scene *s = *state;
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/state", s->dir);
	assert_int_equal(ledger_open(path, &store_schema, &s->ledger), 0);
	assert_false(ledger_usable(s->ledger));
	fake_set(&s->fake, "POST *", (struct fake_answer){.status = 500});
	start(s, PAGER);
	hung(s, "app-1");
	run(s, 2);
	assert_false(notifier_durable(s->notifier));
	assert_int_equal(fake_log_count("Messages are sent, but kept in memory only, and lost in a "
					"restart: "),
		1);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(ledger_recover(s->ledger));
	run(s, 1);
	assert_true(notifier_durable(s->notifier));
	assert_int_equal(fake_log_count("Messages are kept in the ledger again"), 1);
	/* What was in memory alone is in it. */
	s->notifier = notifier_free(s->notifier);
	s->ledger = ledger_free(s->ledger);
	assert_int_equal(ledger_open(path, &store_schema, &s->ledger), 0);
	fake_set(&s->fake, "POST *", (struct fake_answer){.status = 200});
	begin(s);
	run(s, 1);
	assert_int_equal(fate(s, "pager", OUTBOX_SENT), 1);
}

#define ALERTS NOTIFY("am", "format = alertmanager\nresend = 10s\n")

/* How far ahead of the moment at which it was sent the n-th alert says that it ends; 0: it names no
 * end. */
static int64_t ahead(const struct scene *s, size_t n)
{
	const struct fake_asked *a = asked(s, n);
	const char *end_at = strstr(a->body, "\"endsAt\":\"");
	usec_t sent = FAKE_WALL + (a->at - FAKE_START);
	struct tm tm = {0};

	if (!end_at)
		return 0;
	assert_non_null(strptime(end_at + strlen("\"endsAt\":\""), "%Y-%m-%dT%H:%M:%S", &tm));
	return (int64_t)timegm(&tm) - (int64_t)(sent / USEC_PER_SEC);
}

/* It is sent again while it lasts, each time with an end that is ahead, and then with its end. */
static void an_alert_stands_as_long_as_its_incident(void **state)
{
	struct scene *s = *state;
	struct incident *i;
	size_t n;

	start(s, ALERTS);
	i = hung(s, "app-1");
	run(s, 60);
	n = s->fake.n_asked;
	assert_in_range(n, 6, 7);
	assert_int_equal(fake_n_asked(&s->fake, "POST http://am/hook/api/v2/alerts"), n);
	for (size_t k = 0; k < n; k++)
		assert_in_range(ahead(s, k), 24 * 3600 - 1, 24 * 3600 + 1);
	assert_int_equal(fate(s, "am", OUTBOX_SENT), 1);
	end(s, i, OUTCOME_RECOVERED);
	assert_int_equal(s->fake.n_asked, n + 1);
	assert_in_range(ahead(s, n) + 1, 0, 1);
	run(s, 60);
	assert_int_equal(s->fake.n_asked, n + 1);
}

static void an_alert_of_a_forgotten_incident_ends(void **state)
{
	struct scene *s = *state;
	size_t n;

	start(s, ALERTS);
	hung(s, "app-1");
	run(s, 5);
	n = s->fake.n_asked;
	incident_list_clear(&s->incidents);
	run(s, 60);
	assert_int_equal(s->fake.n_asked, n + 1);
	assert_in_range(ahead(s, n) + 2, 0, 2);
}

/* Another daemon holds it up under the same labels, and ends it where the incident is not found
 * again. */
static void an_alert_over_a_crash(void **state)
{
	struct scene *s = *state;
	size_t n;

	open_ledger(s);
	start(s, ALERTS);
	hung(s, "app-1");
	run(s, 5);
	crash(s);
	begin(s);
	n = s->fake.n_asked;
	run(s, 30);
	assert_true(s->fake.n_asked > n);
	assert_in_range(ahead(s, s->fake.n_asked - 1), 24 * 3600 - 1, 24 * 3600 + 1);
	incident_list_clear(&s->incidents);
	crash(s);
	begin(s);
	/* Longer than any rule's hung_after_unproven, and a margin. */
	run(s, 3 * 3600);
	assert_in_range(ahead(s, s->fake.n_asked - 1) + 2, 0, 2);
	n = s->fake.n_asked;
	run(s, 60);
	assert_int_equal(s->fake.n_asked, n);
}

#define WHY "3 apps hung within 15min"

/* Once, with its end, and over a restart it is the same storm. */
static void a_storm(void **state)
{
	struct scene *s = *state;

	open_ledger(s);
	start(s,
		NOTIFY("pager", "on = storm, closed\napp = none*\n") NOTIFY("deaf", "on = hung\n"));
	for (unsigned k = 0; k < 3; k++) {
		notifier_storm(s->notifier, WHY);
		run(s, 1);
	}
	assert_string_equal(told(s, "pager"), "storm -");
	assert_non_null(strstr(asked(s, 0)->body, WHY));
	crash(s);
	fake_advance(&s->fake, USEC_PER_MINUTE);
	begin(s);
	notifier_storm(s->notifier, WHY);
	run(s, 2);
	assert_string_equal(told(s, "pager"), "storm -");
	notifier_storm(s->notifier, NULL);
	run(s, 2);
	assert_string_equal(told(s, "pager"), "storm -, closed -");
	assert_string_equal(told(s, "deaf"), "");
	/* The next one is another. */
	notifier_storm(s->notifier, WHY);
	run(s, 2);
	assert_string_equal(told(s, "pager"), "storm -, closed -, storm -");
	assert_string_not_equal(asked(s, 2)->headers, asked(s, 0)->headers);
}

/* The oldest is dropped, and said to be. */
static void too_many_wait(void **state)
{
	struct scene *s = *state;

	fake_set(&s->fake, "POST *", (struct fake_answer){.hangs = true});
	start(s, NOTIFY("pager", "timeout = 60s\n"));
	for (unsigned k = 0; k <= OUTBOX_MAX_OPEN; k++) {
		char app[16];

		(void)snprintf(app, sizeof(app), "app-%u", k);
		hung(s, app);
	}
	assert_int_equal(fate(s, "pager", OUTBOX_DROPPED), 1);
	assert_int_equal(notifier_n_pending(s->notifier, "pager"), OUTBOX_MAX_OPEN);
	assert_int_equal(fake_log_count("is dropped: too many are waiting"), 1);
}

/* The text under a name in the n-th request's body, as far as its comma. */
static bool says(const struct scene *s, size_t n, const char *what)
{
	return asked(s, n)->body && strstr(asked(s, n)->body, what);
}

static void start_with_secret(struct scene *s, const char *keys)
{
	_cleanup_free_ char *notify = NULL;
	char path[64];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/secret", s->dir);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fprintf(f, "Bearer T0K3N\n") > 0);
	assert_int_equal(fclose(f), 0);
	assert_true(str_printf(&notify, NOTIFY("pager", "%s = %s\n%s"),
			    strstr(keys, "channel") ? "authorization_file" : "secret_file", path,
			    keys) >= 0);
	start(s, notify);
}

/* Slack's API: what comes later of an incident is in the thread of its first message, also after a
 * restart. */
static void a_thread_per_incident(void **state)
{
	struct scene *s = *state;
	struct incident *i;

	open_ledger(s);
	fake_set(&s->fake, "POST *",
		(struct fake_answer){.status = 200, .body = "{\"ok\":true,\"ts\":\"17.5\"}"});
	start_with_secret(s, "format = slack\nchannel = C1\non = hung, failed, closed\n");
	i = hung(s, "app-1");
	run(s, 1);
	hung(s, "app-2");
	run(s, 1);
	crash(s);
	begin(s);
	notifier_event(s->notifier, i, notice_of_outcome(OUTCOME_FAILED));
	run(s, 1);
	end(s, i, OUTCOME_FAILED);
	run(s, 1);
	assert_int_equal(s->fake.n_asked, 4);
	assert_false(says(s, 0, "thread_ts"));
	assert_false(says(s, 1, "thread_ts"));
	assert_true(says(s, 2, "\"thread_ts\":\"17.5\",\"reply_broadcast\":true"));
	assert_true(says(s, 3, "\"thread_ts\":\"17.5\",\"reply_broadcast\":false"));
	/* The same stage again is another incident. */
	hung(s, "app-1");
	run(s, 1);
	assert_int_equal(s->fake.n_asked, 5);
	assert_false(says(s, 4, "thread_ts"));
}

/* It answers 200, and does not take it. */
static void slack_that_refuses(void **state)
{
	struct scene *s = *state;

	fake_set(&s->fake, "POST *",
		(struct fake_answer){
			.status = 200, .body = "{\"ok\":false,\"error\":\"not_in_channel\"}"});
	start_with_secret(s, "format = slack\nchannel = C1\n");
	hung(s, "app-1");
	run(s, 1);
	assert_string_equal(health_notify(&s->health, "pager")->complaint, "refused");
	assert_int_equal(fake_log_count("refused: Slack refused: not_in_channel"), 1);
	assert_int_equal(notifier_n_pending(s->notifier, "pager"), 1);
}

/* Whatever `on` says, it hears of the end, once, and of nothing that is no end. */
static void pagerduty_hears_of_the_end(void **state)
{
	struct scene *s = *state;
	struct incident *i;

	start_with_secret(s, "format = pagerduty\non = hung, dry_run, recovered\n");
	i = hung(s, "app-1");
	run(s, 1);
	notifier_event(s->notifier, i, notice_of_outcome(OUTCOME_DRY_RUN));
	run(s, 1);
	end(s, i, OUTCOME_RECOVERED);
	i = incident(s, "app-2");
	end(s, i, OUTCOME_RECOVERED); /* of which it never heard */
	run(s, 1);
	assert_int_equal(s->fake.n_asked, 2);
	assert_true(says(s, 0, "\"event_action\":\"trigger\",\"dedup_key\":\"id-1\""));
	assert_true(says(s, 0, "\"routing_key\":\"Bearer T0K3N\""));
	assert_true(says(s, 1, "\"event_action\":\"resolve\",\"dedup_key\":\"id-1\""));
	/* A key that is sent signs nothing. */
	assert_null(strstr(asked(s, 0)->headers, "X-Stagewatch-Signature"));
}

static void a_secret_within(void **state)
{
	struct scene *s = *state;

	start_with_secret(
		s, "header = X-Key: {{secret}}\ntemplate = {\"k\": \"{{secret}} {{event}}\"}\n");
	hung(s, "app-1");
	run(s, 1);
	assert_string_equal(asked(s, 0)->body, "{\"k\": \"Bearer T0K3N hung\"}");
	assert_non_null(strstr(asked(s, 0)->headers, "X-Key: Bearer T0K3N\n"));
	assert_null(strstr(asked(s, 0)->headers, "X-Stagewatch-Signature"));
}

#define story(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(each_event_is_told_once),
		story(a_thread_per_incident),
		story(slack_that_refuses),
		story(pagerduty_hears_of_the_end),
		story(a_secret_within),
		story(who_wants_to_hear),
		story(whom_an_end_is_told),
		story(no_rule_no_message),
		story(a_bad_receiver),
		story(retry_after),
		story(what_is_not_delivered_is_given_up),
		story(a_slow_receiver_holds_up_nobody),
		story(another_configuration),
		story(what_waits_outlives_a_crash),
		story(gone_while_nobody_watched),
		story(without_a_ledger),
		story(an_alert_stands_as_long_as_its_incident),
		story(an_alert_of_a_forgotten_incident_ends),
		story(an_alert_over_a_crash),
		story(a_storm),
		story(too_many_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
