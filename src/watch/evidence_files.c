/* SPDX-License-Identifier: Apache-2.0
 * One file and one recording for each open incident. */
#include "watch/evidence_files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "io/evidence_dir.h"
#include "wire/recording.h"
#include "wire/status.h"

/* Each is an open file. */
#define MAX_OPEN 64

struct evidence_file {
	char incident[40]; /* its id */
	FILE *file;
	struct recording *recording;
};

struct evidence_files {
	struct recorder *recorder;
	const char *state_dir;
	const struct evidence_params *params;
	struct evidence_file items[MAX_OPEN];
	size_t n;
	int complaint;       /* the error last logged, or one of enum no_place; 0: none */
	int prune_complaint; /* the same, of what is too old or too much */
	bool full;           /* a file could not be written further */
};

/* Why there is no room yet: bounds of ours. Where it is the file system's there is an errno. */
enum no_place {
	NO_PLACE_MAX_SIZE = 1,
	NO_PLACE_KEEP_FREE
};

int evidence_files_new(struct recorder *recorder, struct evidence_files **ret)
{
	struct evidence_files *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->recorder = recorder;
	*ret = b;
	return 0;
}

static void close_file(struct evidence_files *b, struct evidence_file *k)
{
	recorder_remove(k->recording);
	(void)fclose(k->file);
	*k = b->items[--b->n];
}

struct evidence_files *evidence_files_free(struct evidence_files *b)
{
	if (!b)
		return NULL;
	while (b->n > 0)
		close_file(b, &b->items[b->n - 1]);
	free(b);
	return NULL;
}

/* What so many open files may come to. */
static uint64_t reserved(const struct evidence_files *b, size_t n)
{
	return n * b->params->bundle_max_size;
}

/* Makes room for more files to be opened. */
static void prune(struct evidence_files *b, size_t more, usec_t wall)
{
	const char *open[MAX_OPEN + 1] = {NULL};
	const uint64_t taken = reserved(b, b->n + more);
	const uint64_t most = b->params->bundles_max_size;
	const struct evidence_bounds bounds = {
		.max_size = most > taken ? most - taken : 0,
		.keep_free = b->params->bundles_keep_free + reserved(b, more),
		.drop = b->full ? b->params->bundle_max_size : 0,
		.max_age = b->params->bundle_max_age,
		.open = open,
	};
	int r;

	b->full = false;
	for (size_t k = 0; k < b->n; k++)
		open[k] = b->items[k].incident;
	r = evidence_dir_prune(b->state_dir, &bounds, wall);
	if (r < 0 && r != b->prune_complaint)
		log_warning("Failed to delete evidence beyond bundles_max_size, bundles_keep_free "
			    "or bundle_max_age from %s: %s; trying again later",
			b->state_dir, strerror(-r));
	else if (r > 0)
		log_info("Deleted the evidence of %d incidents (bundles_max_size, "
			 "bundles_keep_free, bundle_max_age)",
			r);
	b->prune_complaint = r < 0 ? r : 0;
}

void evidence_files_configure(struct evidence_files *b, const char *state_dir,
	const struct evidence_params *params, usec_t wall)
{
	b->state_dir = state_dir;
	b->params = params;
	b->complaint = b->prune_complaint = 0;
	prune(b, 0, wall);
}

static struct evidence_file *find(struct evidence_files *b, const struct incident *i)
{
	for (size_t k = 0; k < b->n; k++)
		if (str_equal(b->items[k].incident, i->id))
			return &b->items[k];
	return NULL;
}

/* 0: one more may grow to its limit. Else one of enum no_place, or -errno. */
static int look_for_room(const struct evidence_files *b)
{
	uint64_t room = 0;
	int r;

	if (reserved(b, b->n + 1) > b->params->bundles_max_size)
		return NO_PLACE_MAX_SIZE;
	r = evidence_dir_room(b->state_dir, &room);
	if (r < 0)
		return r;
	if (room < b->params->bundles_keep_free + reserved(b, 1))
		return NO_PLACE_KEEP_FREE;
	return 0;
}

static bool is_full(int error)
{
	return error == -ENOSPC || error == -EDQUOT;
}

static void complain(struct evidence_files *b, int r);

/* No statvfs() tells of a quota: it is known by what fails. The ledger, which has the same, goes
 * first. */
static void on_over(void *userdata, int error)
{
	struct evidence_files *b = userdata;

	if (error == 0)
		return;
	b->full = b->full || is_full(error);
	complain(b, error);
}

/* As look_for_room(). */
static int open_file(struct evidence_files *b, const struct incident *i, const char *base,
	usec_t wall, struct evidence_file **ret)
{
	struct recording_options options = {.app_id = i->app_id,
		.base = base,
		.max_size = b->params->bundle_max_size,
		.over = on_over,
		.userdata = b};
	struct evidence_file *k = &b->items[b->n];
	int r;

	if (b->n == MAX_OPEN)
		return -EMFILE;
	prune(b, 1, wall);
	r = look_for_room(b);
	if (r == 0)
		r = evidence_dir_create(b->state_dir, i->id, &k->file);
	if (r != 0) {
		b->full = b->full || is_full(r);
		return r;
	}
	options.out = k->file;
	r = recorder_add(b->recorder, &options, &k->recording);
	if (r < 0) {
		(void)fclose(k->file);
		return r;
	}
	(void)snprintf(k->incident, sizeof(k->incident), "%s", i->id);
	b->n++;
	*ret = k;
	return 0;
}

/* Without a state directory there is no evidence on disk, and that is all: a newcomer has none. */
static void complain(struct evidence_files *b, int r)
{
	if (b->complaint == r)
		return;
	b->complaint = r;
	if (r == -ENOENT)
		log_info("state_dir=%s does not exist: evidence of incidents is not kept",
			b->state_dir);
	else if (r == NO_PLACE_MAX_SIZE)
		log_warning("Evidence of %zu open incidents takes up bundles_max_size: that of "
			    "further ones is not kept",
			b->n);
	else if (r == NO_PLACE_KEEP_FREE)
		log_warning("Less than bundles_keep_free=%" PRIu64 " and bundle_max_size=%" PRIu64
			    " bytes are free in state_dir=%s, and the ledger goes first: no "
			    "evidence is kept",
			b->params->bundles_keep_free, b->params->bundle_max_size, b->state_dir);
	else
		log_warning("Failed to write evidence to state_dir=%s: %s; it is not kept%s",
			b->state_dir, strerror(-r),
			is_full(r) ? ", and older evidence is deleted" : "");
}

static void tell(struct evidence_file *k, const struct incident *i, usec_t now)
{
	_cleanup_free_ char *steps_text = NULL;

	if (status_incident_json(i, NULL, &steps_text) >= 0)
		recorder_note(k->recording, "incident", steps_text, now);
}

/* Who the app is was asked before, of its driver or of its cluster manager: without it the file
 * would replay to nothing, or by another rule. */
static void tell_app(struct evidence_file *k, const struct app_history *a, usec_t now)
{
	_cleanup_free_ char *app = NULL;
	_cleanup_free_ char *environment = NULL;
	_cleanup_free_ char *path = NULL;
	struct strbuf b = {0};

	if (recording_applications(&a->info, &app) >= 0)
		recorder_note(k->recording, "/api/v1/applications", app, now);
	strbuf_add(&b, "/api/v1/applications/");
	strbuf_add_segment(&b, a->info.id);
	strbuf_add(&b, "/environment");
	if (strbuf_finish(&b, &path) >= 0 && a->properties.n > 0 &&
		recording_environment(&a->properties, &environment) >= 0)
		recorder_note(k->recording, path, environment, now);
}

void evidence_files_follow(struct evidence_files *b, struct incident *i, const char *base,
	const struct app_history *a, usec_t now, usec_t wall)
{
	struct evidence_file *k = find(b, i);
	int r = 0;

	if (!k && (i->kept || i->ended > 0 || !base))
		return;
	if (!k) {
		r = open_file(b, i, base, wall, &k);
		if (r != 0) {
			complain(b, r);
			return;
		}
		if (!b->full)
			b->complaint = 0;
		i->kept = true;
		tell_app(k, a, now);
	}
	tell(k, i, now);
	if (i->ended > 0)
		close_file(b, k);
}

void evidence_files_keep(struct evidence_files *b, const struct incident *i)
{
	int r = i->kept ? evidence_dir_keep(b->state_dir, i->id) : 0;

	if (r < 0)
		log_warning("Failed to keep the evidence of incident %s in state_dir=%s: %s; the "
			    "bounds of [evidence] hold for it",
			i->id, b->state_dir, strerror(-r));
}

/* Others fill the disk as well. */
static bool is_crowded(const struct evidence_files *b)
{
	uint64_t room = 0;

	return b->n > 0 && evidence_dir_room(b->state_dir, &room) >= 0 &&
	       room < b->params->bundles_keep_free;
}

void evidence_files_sweep(
	struct evidence_files *b, const struct incident_list *l, usec_t now, usec_t wall)
{
	if (is_crowded(b) || b->full)
		prune(b, 0, wall);
	if (is_crowded(b)) {
		complain(b, NO_PLACE_KEEP_FREE);
		while (b->n > 0)
			close_file(b, &b->items[b->n - 1]);
	}
	for (size_t k = b->n; k-- > 0;) {
		const struct incident *i = incident_by_id(l, b->items[k].incident);

		if (i && i->ended == 0)
			continue;
		if (i)
			tell(&b->items[k], i, now);
		close_file(b, &b->items[k]);
	}
}
