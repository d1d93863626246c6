/* SPDX-License-Identifier: Apache-2.0
 * One file and one tape for each open incident. */
#include "watch/evidence_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "io/bundle_dir.h"
#include "wire/status.h"

/* Each is an open file. */
#define MAX_OPEN 64

struct bundle {
	uint64_t number; /* of the incident */
	FILE *file;
	struct tape *tape;
};

struct bundles {
	struct recorder *recorder;
	const char *state_dir;
	const struct inquiry_params *params;
	struct bundle items[MAX_OPEN];
	size_t n;
	int complaint; /* the error last logged; 0: none */
};

int bundles_new(struct recorder *recorder, struct bundles **ret)
{
	struct bundles *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->recorder = recorder;
	*ret = b;
	return 0;
}

static void bundle_close(struct bundles *b, struct bundle *k)
{
	tape_free(k->tape);
	(void)fclose(k->file);
	*k = b->items[--b->n];
}

struct bundles *bundles_free(struct bundles *b)
{
	if (!b)
		return NULL;
	while (b->n > 0)
		bundle_close(b, &b->items[b->n - 1]);
	free(b);
	return NULL;
}

static void prune(struct bundles *b, usec_t wall)
{
	int r = bundle_dir_prune(
		b->state_dir, b->params->bundles_max_size, b->params->bundle_max_age, wall);

	if (r < 0)
		log_warning("Failed to delete old evidence from %s: %s, ignoring", b->state_dir,
			strerror(-r));
	else if (r > 0)
		log_info("Deleted the evidence of %d old incidents", r);
}

void bundles_configure(
	struct bundles *b, const char *state_dir, const struct inquiry_params *params, usec_t wall)
{
	b->state_dir = state_dir;
	b->params = params;
	b->complaint = 0;
	prune(b, wall);
}

static struct bundle *find(struct bundles *b, const struct incident *i)
{
	for (size_t k = 0; k < b->n; k++)
		if (b->items[k].number == i->number)
			return &b->items[k];
	return NULL;
}

static int bundle_open(
	struct bundles *b, const struct incident *i, const char *base, struct bundle **ret)
{
	struct tape_options options = {
		.app_id = i->app_id, .base = base, .max_size = b->params->bundle_max_size};
	struct bundle *k = &b->items[b->n];
	int r;

	if (b->n == MAX_OPEN)
		return -EMFILE;
	r = bundle_dir_create(b->state_dir, i->id, &k->file);
	if (r < 0)
		return r;
	options.out = k->file;
	r = tape_new(b->recorder, &options, &k->tape);
	if (r < 0) {
		(void)fclose(k->file);
		return r;
	}
	k->number = i->number;
	b->n++;
	*ret = k;
	return 0;
}

/* Without a state directory there is no evidence on disk, and that is all: a newcomer has none. */
static void complain(struct bundles *b, int r)
{
	if (b->complaint == r)
		return;
	b->complaint = r;
	if (r == -ENOENT)
		log_info("There is no %s: evidence of incidents is not kept", b->state_dir);
	else
		log_warning(
			"Failed to keep evidence in %s: %s, ignoring", b->state_dir, strerror(-r));
}

static void tell(struct bundle *k, const struct incident *i, usec_t now)
{
	_cleanup_free_ char *story = NULL;

	if (status_incident_json(i, NULL, &story) >= 0)
		tape_note(k->tape, "incident", story, now);
}

void bundles_follow(
	struct bundles *b, struct incident *i, const char *base, usec_t now, usec_t wall)
{
	struct bundle *k = find(b, i);
	int r = 0;

	if (!k && (i->kept || i->ended > 0 || !base))
		return;
	if (!k) {
		prune(b, wall);
		r = bundle_open(b, i, base, &k);
		if (r < 0) {
			complain(b, r);
			return;
		}
		i->kept = true;
	}
	tell(k, i, now);
	if (i->ended > 0)
		bundle_close(b, k);
}

void bundles_sweep(struct bundles *b, const struct incident_list *l, usec_t now)
{
	for (size_t k = b->n; k-- > 0;) {
		const struct incident *i = NULL;

		for (size_t j = 0; j < l->n; j++)
			if (l->items[j]->number == b->items[k].number)
				i = l->items[j];
		if (i && i->ended == 0)
			continue;
		if (i)
			tell(&b->items[k], i, now);
		bundle_close(b, &b->items[k]);
	}
}
