/* SPDX-License-Identifier: Apache-2.0
 * What a number of apps, stages, incidents and messages costs in CPU time, without any network: a
 * row for each part, for one size and for ten times as much. Twice the ratio of the sizes in the
 * last column says that something grows with the square. */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/act/incident.h"
#include "core/notify/outbox.h"
#include "setup/faults.h"
#include "web/app_metrics.h"
#include "wire/status.h"

#define POLL (15 * USEC_PER_SEC)
#define STAGES 5

static double cpu_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void must(int r)
{
	if (r < 0) {
		(void)fprintf(stderr, "scale: %s\n", strerror(-r));
		exit(1);
	}
}

struct fleet {
	struct detector *detector;
	struct incident_list incidents;
	struct rule_list rules;
	struct rule fallback;
	struct app_info *infos;
	size_t n;
	size_t n_stages; /* of each */
	usec_t now;
};

static void on_event(void *userdata, const struct detector_event *ev)
{
	struct fleet *f = userdata;
	struct incident *i;
	bool reached;

	must(incident_follow(&f->incidents, ev, f->now, &i, &reached));
}

static struct app_poll poll_of(const struct fleet *f, unsigned k, bool moves)
{
	struct app_poll p = {.now = f->now};

	p.stages.items = calloc(f->n_stages, sizeof(*p.stages.items));
	p.stages.n = f->n_stages;
	for (size_t i = 0; p.stages.items && i < f->n_stages; i++) {
		struct stage_obs *s = &p.stages.items[i];

		/* The newest first, as Spark lists them. */
		s->stage_id = (int64_t)(f->n_stages - i);
		s->name = strdup("count at Job.scala:12");
		s->n_tasks = 100;
		s->n_active = 4;
		s->n_complete = moves ? k : 1;
		s->counters[PROGRESS_COMPLETED_INDICES] = (uint64_t)s->n_complete;
	}
	return p;
}

static void round_of_polls(struct fleet *f, unsigned k, bool moves)
{
	f->now += POLL;
	for (size_t i = 0; i < f->n; i++) {
		struct app_poll p = poll_of(f, k, moves);
		struct app_history *a;

		must(detector_app(f->detector, "c", &f->infos[i], f->now, &a));
		must(detector_observe(f->detector, a, &p));
	}
}

static void fleet_begin(struct fleet *f, size_t n, size_t n_stages)
{
	struct detector_sink sink = {.changed = on_event, .judged = on_event, .userdata = f};

	*f = (struct fleet){.n = n, .n_stages = n_stages, .now = USEC_PER_HOUR};
	must(rule_fallback(&f->fallback));
	f->infos = calloc(n, sizeof(*f->infos));
	for (size_t i = 0; f->infos && i < n; i++) {
		f->infos[i].started = USEC_PER_HOUR + i % 97 * USEC_PER_SEC;
		must(str_printf(&f->infos[i].id, "app-20261101010101-%05zu", (i * 7919) % n));
		must(str_replace(&f->infos[i].name, "nightly"));
	}
	must(detector_new(&sink, &f->detector));
	detector_configure(f->detector, &f->rules, &f->fallback, POLL);
}

static void fleet_end(struct fleet *f)
{
	for (size_t i = 0; i < f->n; i++)
		app_info_clear(&f->infos[i]);
	free(f->infos);
	detector_free(f->detector);
	incident_list_clear(&f->incidents);
	rule_clear(&f->fallback);
}

static double bench_polls(size_t n)
{
	struct fleet f;
	double t;

	fleet_begin(&f, n, STAGES);
	t = cpu_ms();
	for (unsigned k = 1; k <= 3; k++)
		round_of_polls(&f, k, true);
	t = (cpu_ms() - t) / 3;
	fleet_end(&f);
	return t;
}

static double bench_stages(size_t n)
{
	struct fleet f;
	double t;

	fleet_begin(&f, 1, n);
	t = cpu_ms();
	for (unsigned k = 1; k <= 10; k++)
		round_of_polls(&f, k, true);
	t = (cpu_ms() - t) / 10;
	fleet_end(&f);
	return t;
}

/* All hang: an incident for each. */
static double bench_incidents(size_t n)
{
	struct fleet f;
	double t;

	fleet_begin(&f, n, 1);
	t = cpu_ms();
	for (unsigned k = 1; k <= 200; k++)
		round_of_polls(&f, k, false);
	t = (cpu_ms() - t) / 200;
	fleet_end(&f);
	return t;
}

static double bench_incidents_page(size_t n)
{
	_cleanup_free_ char *text = NULL;
	struct fleet f;
	double t;

	fleet_begin(&f, n, 1);
	for (unsigned k = 1; k <= 200; k++)
		round_of_polls(&f, k, false);
	t = cpu_ms();
	must(status_incidents_json(&f.incidents, &text));
	t = cpu_ms() - t;
	fleet_end(&f);
	return t;
}

/* Five to an app. */
static double bench_stages_page(size_t n)
{
	_cleanup_free_ char *text = NULL;
	struct fleet f;
	double t;

	fleet_begin(&f, n / STAGES, STAGES);
	round_of_polls(&f, 1, true);
	round_of_polls(&f, 2, true);
	t = cpu_ms();
	must(status_stages_json(f.detector, f.now, f.now, &text));
	t = cpu_ms() - t;
	fleet_end(&f);
	return t;
}

static double bench_series(size_t n)
{
	_cleanup_free_ char *text = NULL;
	struct metrics_writer w;
	double t = cpu_ms();

	metrics_begin(&w, METRICS_TEXT);
	for (size_t i = 0; i < n; i++)
		metrics_add(&w, METRIC_STAGE_STALLED_SECONDS,
			METRIC_LABELS("cluster", "app-20261101010101-0001", "12", "0"),
			(double)i + 0.25);
	must(metrics_end(&w, &text));
	return cpu_ms() - t;
}

/* Nobody takes them, and each new one asks when the next is due. */
static double bench_messages(size_t n)
{
	static const struct outbox_policy policy = {.retry_first = USEC_PER_HOUR,
		.retry_max = 2 * USEC_PER_HOUR,
		.give_up_after = 24 * USEC_PER_HOUR};
	static const struct outbox_attempt failed = {0};
	struct outbox o = {0};
	double t = cpu_ms();

	for (size_t i = 0; i < n; i++) {
		char subject[40];
		struct outbox_item *item = NULL;
		struct outbox_message m = {.notify = "chat",
			.subject = subject,
			.incident = subject,
			.event = notice_of_verdict(VERDICT_HUNG),
			.text = "{}"};

		(void)snprintf(subject, sizeof(subject), "cluster/app-%zu/1.0", i);
		must(outbox_put(&o, &m, USEC_PER_SEC, &item));
		item = outbox_due(&o, USEC_PER_SEC);
		if (item) {
			outbox_sending(item);
			(void)outbox_attempted(&o, item, &failed, &policy, USEC_PER_SEC);
		}
		(void)outbox_wake(&o);
	}
	t = cpu_ms() - t;
	outbox_clear(&o);
	return t;
}

/* All drivers fall silent, and come back. */
static double bench_faults(size_t n)
{
	struct fault_list l = {0};
	double t = cpu_ms();

	for (int back = 0; back < 2; back++)
		for (size_t i = 0; i < n; i++) {
			char url[40];
			struct asked asked = {.url = url, .what = "/stages"};
			struct standing_fault like = {.silent = true};
			enum fault_change change;

			(void)snprintf(url, sizeof(url), "http://driver-%zu:4040", (i * 7919) % n);
			if (!back)
				fault_set(&asked.fault, "timeout", "no answer");
			must(faults_note(&l, &asked, NULL, &like, &change));
			(void)faults_state(&l, url);
		}
	t = cpu_ms() - t;
	faults_clear(&l);
	return t;
}

static void row(const char *what, double (*bench)(size_t n), size_t n)
{
	double few = bench(n / 10);
	double many = bench(n);

	(void)printf("%-34s %9zu %12.2f %9zu %12.2f %8.1f\n", what, n / 10, few, n, many,
		few > 0 ? many / few : 0);
}

static void memory(size_t n)
{
	size_t before = mallinfo2().uordblks;
	struct fleet f;

	fleet_begin(&f, n, STAGES);
	round_of_polls(&f, 1, true);
	round_of_polls(&f, 2, true);
	(void)printf("\nmemory of a healthy app with %d stages: %zu bytes\n", STAGES,
		(mallinfo2().uordblks - before) / n);
	fleet_end(&f);
}

int main(void)
{
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	(void)printf(
		"%-34s %9s %12s %9s %12s %8s\n", "CPU time in ms", "n", "", "10 n", "", "ratio");
	row("a round of polls, apps", bench_polls, 10000);
	row("a poll of one app, stages", bench_stages, 2000);
	row("a round, all hang: incidents", bench_incidents, 10000);
	row("/api/v1/incidents", bench_incidents_page, 10000);
	row("/api/v1/stages", bench_stages_page, 10000);
	row("/metrics, series", bench_series, 10000);
	row("messages that nobody takes", bench_messages, 1000);
	row("drivers that fall silent", bench_faults, 10000);
	memory(1000);
	return 0;
}
