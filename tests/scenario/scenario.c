/* SPDX-License-Identifier: Apache-2.0
 * Runs scenario files: hours of Spark in virtual time through the real detector. See README.md
 * beside this file for the words. Usage: scenario FILE... ; exit 0: all held, 1: an expectation
 * failed, 2: a file is wrong. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "core/detect/detector.h"
#include "evidence.h"

#define MAX_LINES 1000
#define MAX_STAGES 64
#define MAX_WORDS 32

enum line_kind {
	LINE_AT,
	LINE_EXPECT
};

struct line {
	enum line_kind kind;
	unsigned number;
	usec_t at;
	char *words[MAX_WORDS];
	size_t n_words;
	char *text;
};

struct stage_sim {
	struct stage_obs obs;
	int moving; /* enum progress_counter, or -1 */
	bool gone;
};

struct sim {
	const char *file;
	unsigned number; /* line at hand */
	bool failed;
	bool wrong;
	usec_t poll_interval;
	struct rule_list rules;
	struct rule fallback;
	struct line *lines;
	size_t n_lines;
	enum verdict never[VERDICT_MAX];
	size_t n_never;
	size_t n_expects;
	struct stage_sim stages[MAX_STAGES];
	size_t n_stages;
	struct app_info info;
	struct owner owner;
	bool jobs_said;
	bool jobs_fail;
	int64_t jobs[MAX_STAGES];
	size_t n_jobs;
	int64_t executors; /* -1: as many active tasks as the stages say */
	struct evidence_sim evidence;
	usec_t clock;      /* by which the driver's clock is ahead */
	usec_t poll_takes; /* 0: no time */
	bool silent;
	bool waits; /* to be started */
	bool off;
	struct detector *detector;
	struct app_history *app;
};

/* The virtual driver's clock at virtual time 0: any day will do. */
#define EPOCH ((usec_t)1700000000 * USEC_PER_SEC)
#define LOCAL ((usec_t)1000 * USEC_PER_HOUR)

static void wrong(struct sim *s, const char *fmt, ...) _printf_(2, 3);

static void wrong(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%u: ", s->file, s->number);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	s->wrong = true;
}

static void failed(struct sim *s, const char *fmt, ...) _printf_(2, 3);

static void failed(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%u: ", s->file, s->number);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	s->failed = true;
}

static int64_t number(struct sim *s, const char *text)
{
	uint64_t v = 0;
	bool minus = *text == '-';

	if (parse_u64(text + minus, &v) < 0 || v > INT32_MAX)
		wrong(s, "not a number: %s", text);
	return minus ? -(int64_t)v : (int64_t)v;
}

/* key=value: cuts the word at '=' and returns the value; NULL where there is none. */
static char *split(char *word)
{
	char *eq = strchr(word, '=');

	if (!eq)
		return NULL;
	*eq = '\0';
	return eq + 1;
}

static const char *const counters[] = {
	[PROGRESS_COMPLETED_INDICES] = "indices",
	[PROGRESS_INPUT_BYTES] = "input_bytes",
	[PROGRESS_INPUT_RECORDS] = "input_records",
	[PROGRESS_OUTPUT_BYTES] = "output_bytes",
	[PROGRESS_OUTPUT_RECORDS] = "output_records",
	[PROGRESS_SHUFFLE_READ_BYTES] = "shuffle_read_bytes",
	[PROGRESS_SHUFFLE_READ_RECORDS] = "shuffle_read_records",
	[PROGRESS_SHUFFLE_BLOCKS] = "shuffle_blocks",
	[PROGRESS_SHUFFLE_WRITE_BYTES] = "shuffle_write_bytes",
	[PROGRESS_SHUFFLE_WRITE_RECORDS] = "shuffle_write_records",
	[PROGRESS_MEMORY_SPILLED] = "memory_spilled",
	[PROGRESS_DISK_SPILLED] = "disk_spilled",
};
_Static_assert(ELEMENTSOF(counters) == PROGRESS_MAX, "a word per counter");

static int counter_from_name(const char *name)
{
	for (size_t i = 0; i < ELEMENTSOF(counters); i++)
		if (str_equal(counters[i], name))
			return (int)i;
	return -1;
}

static struct stage_sim *stage_sim(struct sim *s, char *id, bool make)
{
	char *dot = strchr(id, '.');
	int64_t attempt = 0;
	int64_t stage;

	if (dot) {
		*dot = '\0';
		attempt = number(s, dot + 1);
	}
	stage = number(s, id);
	for (size_t i = 0; i < s->n_stages; i++)
		if (s->stages[i].obs.stage_id == stage && s->stages[i].obs.attempt_id == attempt)
			return &s->stages[i];
	if (!make || s->n_stages == MAX_STAGES) {
		wrong(s, "unknown stage, or too many");
		return NULL;
	}
	s->stages[s->n_stages] = (struct stage_sim){.moving = -1};
	s->stages[s->n_stages].obs.stage_id = stage;
	s->stages[s->n_stages].obs.attempt_id = attempt;
	return &s->stages[s->n_stages++];
}

static void set_done(struct sim *s, struct stage_sim *g, char *value)
{
	char *slash = strchr(value, '/');

	if (slash) {
		*slash = '\0';
		g->obs.n_tasks = number(s, slash + 1);
	}
	g->obs.n_complete = number(s, value);
	g->obs.counters[PROGRESS_COMPLETED_INDICES] = (uint64_t)g->obs.n_complete;
}

static void set_stage(struct sim *s, struct stage_sim *g, char *word, usec_t at)
{
	char *value = split(word);
	usec_t ago;

	if (!value) {
		if (str_equal(word, "gone"))
			g->gone = true;
		else if (str_equal(word, "receiver"))
			g->obs.receiver = true;
		else
			wrong(s, "unknown word: %s", word);
	} else if (str_equal(word, "done")) {
		set_done(s, g, value);
	} else if (str_equal(word, "running")) {
		g->obs.n_active = number(s, value);
	} else if (str_equal(word, "failed")) {
		g->obs.n_failed = number(s, value);
	} else if (str_equal(word, "launched_ago") || str_equal(word, "submitted_ago")) {
		usec_t *target = *word == 'l' ? &g->obs.first_launched : &g->obs.submitted;

		if (parse_duration(value, &ago) < 0)
			wrong(s, "not a duration: %s", value);
		else
			*target = EPOCH + at - ago;
	} else if (str_equal(word, "moving")) {
		g->moving = counter_from_name(value);
		if (g->moving < 0 && !str_equal(value, "nothing"))
			wrong(s, "unknown counter: %s", value);
	} else if (counter_from_name(word) >= 0) {
		g->obs.counters[counter_from_name(word)] = (uint64_t)number(s, value);
	} else {
		wrong(s, "unknown key: %s", word);
	}
}

static void set_jobs(struct sim *s, char *value)
{
	s->jobs_fail = str_equal(value, "unanswered");
	if (s->jobs_fail)
		return;
	s->jobs_said = !str_equal(value, "all");
	s->n_jobs = 0;
	if (!s->jobs_said || str_equal(value, "none"))
		return;
	for (char *p = strtok(value, ","); p && s->n_jobs < MAX_STAGES; p = strtok(NULL, ","))
		s->jobs[s->n_jobs++] = number(s, p);
}

static void apply(struct sim *s, struct line *l)
{
	char *word = l->words[0];
	const char *why = NULL;
	int r;

	s->number = l->number;
	r = evidence_sim_apply(
		&s->evidence, l->words, l->n_words, EPOCH + l->at, &why, counter_from_name);
	if (r < 0)
		wrong(s, "%s", why);
	else if (r > 0)
		return;
	else if (str_equal(word, "stage") && l->n_words > 2) {
		struct stage_sim *g = stage_sim(s, l->words[1], true);

		for (size_t i = 2; g && i < l->n_words; i++)
			set_stage(s, g, l->words[i], l->at);
	} else if (str_equal(word, "silent") && l->n_words == 1) {
		s->silent = true;
	} else if (str_equal(word, "waits") && l->n_words == 1) {
		s->waits = true;
	} else if (str_equal(word, "answers") && l->n_words == 1) {
		s->silent = s->waits = false;
	} else if (str_equal(word, "poll") && l->n_words == 2 &&
		   (str_equal(l->words[1], "on") || str_equal(l->words[1], "off"))) {
		s->off = str_equal(l->words[1], "off");
	} else if (str_equal(word, "restart") && l->n_words == 1) {
		/* The same id, another start: the driver was started anew on the same port. */
		s->info.started += USEC_PER_SEC;
		s->n_stages = 0;
		s->evidence.n_tasks = 0;
	} else if (str_equal(word, "clock") && l->n_words == 2 && *l->words[1] == '+') {
		if (parse_duration(l->words[1] + 1, &s->clock) < 0)
			wrong(s, "not a duration: %s", l->words[1]);
	} else if (str_equal(word, "poll_takes") && l->n_words == 2) {
		if (parse_duration(l->words[1], &s->poll_takes) < 0)
			wrong(s, "not a duration: %s", l->words[1]);
	} else if (strncmp(word, "jobs=", 5) == 0 && l->n_words == 1) {
		set_jobs(s, word + 5);
	} else if (strncmp(word, "executors=", 10) == 0 && l->n_words == 1) {
		s->executors = str_equal(word + 10, "as_stages") ? -1 : number(s, word + 10);
	} else {
		wrong(s, "unknown words after the time: %s", word);
	}
}

static void fill_poll(struct sim *s, usec_t at, unsigned needs, struct app_poll *poll)
{
	int64_t active = 0;

	*poll = (struct app_poll){.now = LOCAL + at, .driver_now = EPOCH + s->clock + at};
	poll->stages.items = calloc(MAX_STAGES, sizeof(struct stage_obs));
	poll->jobs.stage_ids = calloc(MAX_STAGES, sizeof(int64_t));
	if (!poll->stages.items || !poll->jobs.stage_ids)
		abort();
	for (size_t i = 0; i < s->n_stages; i++) {
		struct stage_sim *g = &s->stages[i];

		if (g->gone)
			continue;
		if (g->moving >= 0)
			g->obs.counters[g->moving]++;
		poll->stages.items[poll->stages.n++] = g->obs;
		active += g->obs.n_active;
		poll->jobs.n_receivers += g->obs.receiver;
		poll->jobs.stage_ids[poll->jobs.n_stage_ids++] = g->obs.stage_id;
	}
	if (s->jobs_said) {
		memcpy(poll->jobs.stage_ids, s->jobs, s->n_jobs * sizeof(int64_t));
		poll->jobs.n_stage_ids = s->n_jobs;
	}
	poll->jobs.n_running = poll->jobs.n_stage_ids;
	if (s->executors >= 0)
		active = s->executors;
	if (evidence_sim_any(&s->evidence)) {
		evidence_sim_executors(&s->evidence, &poll->executors);
	} else {
		poll->executors.items = calloc(1, sizeof(struct executor_obs));
		if (!poll->executors.items || str_replace(&poll->executors.items[0].id, "1") < 0)
			abort();
		poll->executors.n = 1;
		poll->executors.items[0].active_tasks = active;
	}
	poll->has_jobs = !s->jobs_fail && (poll->stages.n == 0 || (needs & NEED_JOBS));
	poll->has_executors = needs & NEED_EXECUTORS;
}

static void on_changed(void *userdata, const struct detector_event *ev)
{
	struct sim *s = userdata;

	if (getenv("SCENARIO_VERBOSE")) {
		_cleanup_free_ char *text = NULL;
		struct strbuf b = {0};

		verdict_describe(ev->detail, &b);
		(void)strbuf_finish(&b, &text);
		printf("%s: %" PRIu64 "s %s: %s -> %s, rule %s: %s\n", s->file,
			(ev->now - LOCAL) / USEC_PER_SEC, ev->stage ? "stage" : "app",
			verdict_name(ev->old), verdict_name(ev->verdict), ev->rule->name, text);
	}
	for (size_t i = 0; i < s->n_never; i++)
		if (s->never[i] == ev->verdict)
			failed(s, "at %" PRIu64 " s: %s, which was never to be",
				(ev->now - LOCAL) / USEC_PER_SEC, verdict_name(ev->verdict));
}

static void on_judged(void *userdata, const struct detector_event *ev)
{
	(void)userdata;
	(void)ev;
}

static void one_poll(struct sim *s, usec_t at)
{
	struct app_poll poll;

	if (s->off)
		return;
	if (s->app && s->app->info.started != s->info.started) {
		detector_app_gone(s->detector, s->app, LOCAL + at);
		s->app = NULL;
	}
	if (!s->app) {
		if (detector_app(s->detector, "test", &s->info, LOCAL + at, &s->app) < 0 ||
			owner_copy(&s->owner, &s->app->owner) < 0)
			abort();
		s->app->owner_asked = true;
	}
	if (s->waits) {
		detector_waits(s->detector, s->app, "pod n/p: Pending, Unschedulable", LOCAL + at);
		return;
	}
	if (s->silent) {
		detector_no_answer(s->detector, s->app, LOCAL + at);
		return;
	}
	fill_poll(s, at, s->app->needs, &poll);
	if (detector_observe(s->detector, s->app, &poll) < 0)
		abort();
	evidence_sim_answer(&s->evidence, s->app, detector_rule(s->detector, s->app), LOCAL + at,
		EPOCH + s->clock + at);
}

static const struct stage_history *expected_stage(struct sim *s, const char *id)
{
	char copy[32];
	char *dot;

	if (!id)
		return s->app->n_stages == 1 ? &s->app->stages[0] : NULL;
	(void)snprintf(copy, sizeof(copy), "%s", id);
	dot = strchr(copy, '.');
	if (dot)
		*dot = '\0';
	return app_history_stage(s->app, number(s, copy), dot ? number(s, dot + 1) : 0);
}

static void check_asked(struct sim *s, const char *what, unsigned n, const char *max)
{
	if (n == 0 || n > (unsigned)atoi(max))
		failed(s, "%u %s were asked for", n, what);
}

static char *evidence_text(const struct verdict_detail *e)
{
	struct strbuf b = {0};
	char *text = NULL;

	verdict_describe(e, &b);
	if (strbuf_finish(&b, &text) < 0)
		abort();
	return text;
}

static void check_verdict(
	struct sim *s, enum verdict want, enum verdict got, const struct verdict_detail *e)
{
	_cleanup_free_ char *text = evidence_text(e);

	if (got != want)
		failed(s, "expected %s, got %s: %s", verdict_name(want), verdict_name(got), text);
}

/* '_' stands for a blank in what the evidence is to say. */
static void check_evidence(struct sim *s, const struct verdict_detail *e, const char *cause,
	const char *says, const char *lacks)
{
	_cleanup_free_ char *text = evidence_text(e);
	_cleanup_free_ char *want = NULL;

	if (str_replace(&want, says) < 0)
		abort();
	for (char *p = want; p && *p; p++)
		if (*p == '_')
			*p = ' ';
	if (cause && !str_equal(cause, cause_name(e->hint.cause)))
		failed(s, "the cause is %s: %s", cause_name(e->hint.cause), e->hint.because);
	if (want && !strstr(text, want))
		failed(s, "the evidence says: %s", text);
	for (size_t i = 0; lacks && i < n_evidence_kinds; i++) {
		bool listed = strstr(lacks, evidence_kinds[i]) != NULL;

		if (listed != !!(e->missing & (1U << i)))
			failed(s, "%s is %smissing", evidence_kinds[i], listed ? "not " : "");
	}
}

static void check_expectation(struct sim *s, struct line *l)
{
	enum verdict want;
	const char *rule = NULL;
	const char *id = NULL;
	const char *cause = NULL;
	const char *text = NULL;
	const char *lacks = NULL;
	bool of_app = false;
	const struct stage_history *h;
	enum verdict got;
	struct verdict_detail e;

	s->number = l->number;
	for (size_t i = 1; i < l->n_words; i++) {
		if (str_equal(l->words[i], "app"))
			of_app = true;
		else if (strncmp(l->words[i], "rule=", 5) == 0)
			rule = l->words[i] + 5;
		else if (strncmp(l->words[i], "stage=", 6) == 0)
			id = l->words[i] + 6;
		else if (strncmp(l->words[i], "cause=", 6) == 0)
			cause = l->words[i] + 6;
		else if (strncmp(l->words[i], "says=", 5) == 0)
			text = l->words[i] + 5;
		else if (strncmp(l->words[i], "lacks=", 6) == 0)
			lacks = l->words[i] + 6;
		else if (strncmp(l->words[i], "dumps<=", 7) == 0)
			check_asked(s, "dumps", s->evidence.n_dumps, l->words[i] + 7);
		else if (strncmp(l->words[i], "lists<=", 7) == 0)
			check_asked(s, "task lists", s->evidence.n_lists, l->words[i] + 7);
		else
			wrong(s, "unknown word: %s", l->words[i]);
	}
	if (rule && !str_equal(detector_rule(s->detector, s->app)->name, rule))
		failed(s, "rule is %s", detector_rule(s->detector, s->app)->name);
	if (str_equal(l->words[0], "gone")) {
		if (!id)
			wrong(s, "gone needs stage=");
		else if (expected_stage(s, id))
			failed(s, "the stage is still there");
		return;
	}
	if (verdict_from_name(l->words[0], &want) < 0) {
		wrong(s, "unknown verdict: %s", l->words[0]);
		return;
	}
	h = expected_stage(s, id);
	if (of_app || verdict_of_app(want)) {
		got = s->app->verdict;
		h = NULL;
	} else if (h) {
		got = h->verdict;
	} else {
		failed(s, "no such stage at that time (or several: say stage=)");
		return;
	}
	if (h)
		detector_stage_detail(s->detector, s->app, h, &e);
	else
		detector_app_detail(s->detector, s->app, &e);
	check_verdict(s, want, got, &e);
	check_evidence(s, &e, cause, text, lacks);
}

static void read_rule(struct sim *s, char **words, size_t n)
{
	struct rule *items = reallocarray(s->rules.items, s->rules.n + 1, sizeof(*items));
	_cleanup_free_ char *err = NULL;
	struct rule *rule;

	if (!items)
		abort();
	s->rules.items = items;
	rule = &items[s->rules.n++];
	*rule = (struct rule){0};
	if (n < 2) {
		wrong(s, "rule NAME key=value ...");
		return;
	}
	if (param_defaults(rule_params, n_rule_params, rule) < 0 ||
		str_replace(&rule->name, words[1]) < 0)
		abort();
	for (size_t i = 2; i < n && !s->wrong; i++) {
		char *value = split(words[i]);
		const struct param_def *def = param_find(rule_params, n_rule_params, words[i]);

		if (!value || !def)
			wrong(s, "unknown key: %s", words[i]);
		else if (param_set(def, rule, value, &err) < 0)
			wrong(s, "%s: %s", words[i], err ? err : "wrong");
	}
	if (!s->wrong && rule_finish(rule, &err) < 0)
		wrong(s, "%s", err ? err : "wrong");
}

static void read_owner(struct sim *s, char **words, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		char *value = split(words[i]);
		char **target = str_equal(words[i], "dag")    ? &s->owner.dag_id
				: str_equal(words[i], "run")  ? &s->owner.run_id
				: str_equal(words[i], "task") ? &s->owner.task_id
							      : NULL;

		if (!value || !target)
			wrong(s, "unknown key: %s", words[i]);
		else if (str_replace(target, value) < 0)
			abort();
	}
}

static void read_app(struct sim *s, char **words, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		char *value = split(words[i]);
		char **target = str_equal(words[i], "name")   ? &s->info.name
				: str_equal(words[i], "user") ? &s->info.user
							      : NULL;

		if (!value || !target)
			wrong(s, "unknown key: %s", words[i]);
		else if (str_replace(target, value) < 0)
			abort();
	}
}

static void read_timed(struct sim *s, char *text, char **words, size_t n)
{
	struct line *l;

	if (s->n_lines == MAX_LINES || n < 3) {
		wrong(s, "too many lines, or too few words");
		free(text);
		return;
	}
	l = &s->lines[s->n_lines++];
	*l = (struct line){.number = s->number, .text = text};
	l->kind = str_equal(words[0], "at") ? LINE_AT : LINE_EXPECT;
	if (parse_duration(words[1], &l->at) < 0)
		wrong(s, "not a duration: %s", words[1]);
	if (l->kind == LINE_EXPECT)
		s->n_expects++;
	if (s->n_lines > 1 && l->at < s->lines[s->n_lines - 2].at)
		wrong(s, "lines must be in order of time");
	for (size_t i = 2; i < n; i++)
		l->words[l->n_words++] = words[i];
}

static void read_line(struct sim *s, const char *raw)
{
	char *text = strdup(raw);
	char *words[MAX_WORDS];
	size_t n = 0;
	bool keep = false;

	if (!text)
		abort();
	text[strcspn(text, "#\n")] = '\0';
	for (char *p = strtok(text, " \t"); p && n < MAX_WORDS; p = strtok(NULL, " \t"))
		words[n++] = p;
	if (n == 0) {
		free(text);
		return;
	}
	if (str_equal(words[0], "at") || str_equal(words[0], "expect")) {
		read_timed(s, text, words, n);
		keep = true;
	} else if (str_equal(words[0], "rule")) {
		read_rule(s, words, n);
	} else if (str_equal(words[0], "app")) {
		read_app(s, words, n);
	} else if (str_equal(words[0], "owner")) {
		read_owner(s, words, n);
	} else if (str_equal(words[0], "poll") && n == 2) {
		if (parse_duration(words[1], &s->poll_interval) < 0 || s->poll_interval == 0)
			wrong(s, "not a duration: %s", words[1]);
	} else if (str_equal(words[0], "never") && n == 2 && s->n_never < VERDICT_MAX) {
		if (verdict_from_name(words[1], &s->never[s->n_never++]) < 0)
			wrong(s, "unknown verdict: %s", words[1]);
	} else {
		wrong(s, "unknown word: %s", words[0]);
	}
	if (!keep)
		free(text);
}

static void run(struct sim *s)
{
	struct detector_sink sink = {.changed = on_changed, .judged = on_judged, .userdata = s};
	usec_t done = 0;
	size_t next = 0;

	if (detector_new(&sink, &s->detector) < 0)
		abort();
	detector_configure(s->detector, &s->rules, &s->fallback, s->poll_interval);
	for (usec_t t = 0; next < s->n_lines && !s->wrong; t += s->poll_interval) {
		while (next < s->n_lines && s->lines[next].kind == LINE_AT &&
			s->lines[next].at <= t)
			apply(s, &s->lines[next++]);
		/* A poll that is still under way is not begun again. */
		if (t >= done) {
			one_poll(s, t);
			done = t + s->poll_takes;
		}
		/* An expectation holds after the last poll that is not later. */
		while (next < s->n_lines && s->lines[next].kind == LINE_EXPECT &&
			s->lines[next].at < t + s->poll_interval) {
			if (!s->app)
				wrong(s, "nothing was polled yet");
			else
				check_expectation(s, &s->lines[next]);
			next++;
		}
	}
}

static void sim_clear(struct sim *s)
{
	detector_free(s->detector);
	rule_list_clear(&s->rules);
	rule_clear(&s->fallback);
	app_info_clear(&s->info);
	owner_clear(&s->owner);
	evidence_sim_clear(&s->evidence);
	for (size_t i = 0; i < s->n_lines; i++)
		free(s->lines[i].text);
	free(s->lines);
}

static int run_file(const char *file)
{
	_cleanup_fclose_ FILE *f = fopen(file, "re");
	struct sim s = {.file = file, .poll_interval = 10 * USEC_PER_SEC, .executors = -1};
	char raw[512];
	int r;

	if (!f) {
		fprintf(stderr, "%s: %s\n", file, strerror(errno));
		return 2;
	}
	s.lines = calloc(MAX_LINES, sizeof(*s.lines));
	s.owner.map_index = -1;
	s.info.started = EPOCH;
	if (!s.lines || str_replace(&s.info.id, "app-1") < 0 ||
		str_replace(&s.info.name, "etl") < 0 || str_replace(&s.info.user, "spark") < 0 ||
		rule_fallback(&s.fallback) < 0 || evidence_sim_init(&s.evidence) < 0)
		abort();
	while (fgets(raw, sizeof(raw), f)) {
		s.number++;
		if (!strchr(raw, '\n') && !feof(f))
			wrong(&s, "line too long");
		read_line(&s, raw);
	}
	if (s.n_expects == 0)
		wrong(&s, "nothing is expected: a scenario must be able to fail");
	if (!s.wrong)
		run(&s);
	r = s.wrong ? 2 : s.failed ? 1 : 0;
	sim_clear(&s);
	return r;
}

int main(int argc, char **argv)
{
	int worst = argc < 2 ? 2 : 0;

	for (int i = 1; i < argc; i++) {
		int r = run_file(argv[i]);

		printf("%s %s\n", r == 0 ? "ok" : "not ok", argv[i]);
		if (r > worst)
			worst = r;
	}
	return worst;
}
