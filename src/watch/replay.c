/* SPDX-License-Identifier: Apache-2.0
 * Feeds a recording to a poller on a virtual clock. */
#include "watch/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/detect/detector.h"
#include "io/replay.h"
#include "setup/health.h"
#include "setup/stats.h"
#include "source/source.h"
#include "watch/evidence_collector.h"
#include "watch/poller.h"
#include "wire/recording.h"
#include "wire/status.h"

/* 0 means "never" to a history. */
#define ORIGIN USEC_PER_HOUR

/* Of what it takes to find an app, which answers with status 200 the recording has. */
struct held {
	bool apps;
	bool stages;
};

struct player {
	struct replay *replay;
	struct clock clock; /* the recording's */
	struct detector *detector;
	struct evidence_collector *evidence_collector;
	struct health health;
	struct stats stats;
	FILE *out;
	struct held held;
	bool found; /* an app */
	int error;
};

static usec_t on_now(void *userdata)
{
	struct player *p = userdata;

	return replay_now(p->replay);
}

static void on_changed(void *userdata, const struct detector_event *ev)
{
	struct player *p = userdata;
	_cleanup_free_ char *line = NULL;
	int r;

	if (ev->gone)
		return;
	r = status_event_json(ev, ORIGIN, &line);
	if (r >= 0 && fprintf(p->out, "%s\n", line) < 0)
		r = -EIO;
	if (r < 0)
		p->error = r;
}

static void on_judged(void *userdata, const struct detector_event *ev)
{
	(void)userdata;
	(void)ev;
}

/* A refused connection says that the app has ended; older recordings show it by the time it took.
 */
static int error_of(const struct recorded_answer *a)
{
	if (a->status != 0)
		return 0;
	if (a->error)
		return str_equal(a->error, "refused") ? -ECONNREFUSED : -ETIMEDOUT;
	return a->took < USEC_PER_SEC ? -ECONNREFUSED : -ETIMEDOUT;
}

static void note_held(const struct recorded_answer *a, struct held *h)
{
	static const char apps[] = "/api/v1/applications";
	static const char stages[] = "/stages";
	const char *rest = a->path + strlen(apps);
	size_t n;

	if (a->status != 200 || strncmp(a->path, apps, strlen(apps)) != 0)
		return;
	n = strcspn(rest, "?");
	h->apps = h->apps || n == 0;
	h->stages = h->stages || (n > strlen(stages) && strncmp(rest + n - strlen(stages), stages,
								strlen(stages)) == 0);
}

static int add_line(
	struct replay *replay, const char *line, size_t len, struct held *held, char **reterr)
{
	struct recorded_answer a = {0};
	struct replay_answer answer;
	int r;

	r = recording_decode(line, len, &a, reterr);
	if (r < 0)
		return r;
	answer = (struct replay_answer){
		.at = a.at,
		.took = a.took,
		.path = a.path,
		.error = error_of(&a),
		.status = a.status,
		.type = a.type,
		.body = a.body,
		.len = a.len,
		.date = a.date,
	};
	note_held(&a, held);
	r = replay_add(replay, &answer);
	if (r == -EINVAL && str_printf(reterr, "\"t\" goes back") >= 0)
		r = -EBADMSG;
	recorded_answer_clear(&a);
	return r;
}

static int load(struct replay *replay, FILE *in, const char *name, struct held *held)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	unsigned number = 0;
	ssize_t len;

	while ((len = getline(&line, &size, in)) > 0) {
		_cleanup_free_ char *err = NULL;
		int r;

		number++;
		if (line[0] == '\n')
			continue;
		r = add_line(replay, line, (size_t)len, held, &err);
		if (r < 0) {
			fprintf(stderr, "%s:%u: %s\n", name, number, err ? err : strerror(-r));
			return r;
		}
	}
	if (ferror(in)) {
		fprintf(stderr, "%s: %s\n", name, strerror(errno));
		return -EIO;
	}
	return 0;
}

static int play(struct player *p, struct source *source, usec_t poll_interval)
{
	_cleanup_(poller_freep) struct poller *poller = NULL;
	struct poller_context context = {
		.transport = replay_transport(p->replay),
		.detector = p->detector,
		.health = &p->health,
		.stats = &p->stats,
		.evidence_collector = p->evidence_collector,
		.clock = &p->clock,
		.userdata = p,
	};
	int r;

	r = poller_new(&context, source, &poller);
	for (usec_t t = 0; r >= 0 && t <= replay_length(p->replay); t += poll_interval) {
		replay_set_time(p->replay, ORIGIN + t);
		poller_tick(poller);
		while (replay_deliver(p->replay))
			;
		p->found = p->found || detector_n_apps(p->detector) > 0;
		r = p->error;
	}
	return r;
}

/* One driver, under the name of the first cluster that is configured. */
static int make_source(const struct settings *s, struct source_params *params,
	struct transport *transport, struct source **ret)
{
	_cleanup_free_ char *err = NULL;
	int r;

	r = param_defaults(source_params, n_source_params, params);
	if (r >= 0)
		r = strlist_add(&params->url, "http://recording:4040");
	if (r >= 0)
		r = source_new(s->sources[0].name, params, NULL, transport, ret, &err);
	return r;
}

static int make_evidence_collector(struct player *p, const struct settings *s)
{
	struct evidence_collector_context context = {
		.transport = replay_transport(p->replay),
		.detector = p->detector,
		.health = &p->health,
		.stats = &p->stats,
		.params = &s->evidence,
		.recorded = true,
		.clock = &p->clock,
		.userdata = p,
	};

	return evidence_collector_new(&context, &p->evidence_collector);
}

/* No verdict on it would read like health. */
static void tell_nothing_found(const struct player *p, const char *name)
{
	fprintf(stderr, "%s: no app is found in this recording: %s\n", name,
		!p->held.apps     ? "it has no usable answer to /api/v1/applications"
		: !p->held.stages ? "it has no usable answer to /api/v1/applications/ID/stages"
				  : "its answers to /api/v1/applications and to "
				    "/api/v1/applications/ID/stages name none, or cannot be read");
}

int replay_run(const struct settings *settings, FILE *in, const char *name, FILE *out)
{
	struct player p = {.out = out, .clock = {.now = on_now, .wall = on_now, .userdata = &p}};
	struct detector_sink sink = {.changed = on_changed, .judged = on_judged, .userdata = &p};
	struct source_params params = {0};
	struct source *source = NULL;
	int r;

	r = replay_new(ORIGIN, &p.replay);
	if (r >= 0)
		r = load(p.replay, in, name, &p.held);
	if (r >= 0)
		r = detector_new(&sink, &p.detector);
	if (r >= 0)
		r = make_evidence_collector(&p, settings);
	if (r >= 0)
		r = make_source(settings, &params, replay_transport(p.replay), &source);
	if (r >= 0) {
		detector_configure(p.detector, &settings->rules, &settings->fallback,
			settings->daemon.poll_interval);
		r = play(&p, source, settings->daemon.poll_interval);
	}
	if (r >= 0 && !p.found) {
		tell_nothing_found(&p, name);
		r = -ENOENT;
	}
	source_free(source);
	param_clear(source_params, n_source_params, &params);
	evidence_collector_free(p.evidence_collector);
	detector_free(p.detector);
	replay_free(p.replay);
	health_clear(&p.health);
	stats_clear(&p.stats);
	return r;
}
