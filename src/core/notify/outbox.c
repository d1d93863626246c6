/* SPDX-License-Identifier: Apache-2.0
 * What is due when, how often it is tried, and what was told. */
#include "core/notify/outbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/sorted.h"
#include "base/strbuf.h"

/* Twice as long each time; beyond this the longest wait holds anyway. */
#define MAX_DOUBLINGS 20

static const char *const fates[] = {
	[OUTBOX_AGAIN] = "again",
	[OUTBOX_SENT] = "sent",
	[OUTBOX_FAILED] = "failed",
	[OUTBOX_DROPPED] = "dropped",
};
_Static_assert(ELEMENTSOF(fates) == OUTBOX_FATE_MAX, "a name per fate");

const char *outbox_fate_name(enum outbox_fate f)
{
	return fates[f];
}

static void item_free(struct outbox_item *i)
{
	if (!i)
		return;
	free(i->notify);
	free(i->subject);
	free(i->incident);
	free(i->text);
	free(i->thread);
	free(i);
}

DEFINE_CLEANUP(struct outbox_item *, item_free)

void outbox_clear(struct outbox *o)
{
	for (size_t k = 0; k < o->n; k++)
		item_free(o->items[k]);
	free(o->items);
	free(o->by_subject);
	*o = (struct outbox){0};
}

static int compare_ids(const void *key, const void *item)
{
	const int64_t *id = key;
	const struct outbox_item *i = *(struct outbox_item *const *)item;

	return (*id > i->id) - (*id < i->id);
}

static size_t place_by_id(const struct outbox *o, int64_t id)
{
	return sorted_place(&id, o->items, o->n, sizeof(struct outbox_item *), compare_ids);
}

struct key {
	const char *subject;
	const char *notify; /* NULL: before all of that subject */
	int64_t id;
};

static int compare_keys(const void *key, const void *item)
{
	const struct key *k = key;
	const struct outbox_item *i = *(struct outbox_item *const *)item;
	int order = strcmp(k->subject, i->subject);

	if (order == 0)
		order = k->notify ? strcmp(k->notify, i->notify) : -1;
	return order != 0 ? order : (k->id > i->id) - (k->id < i->id);
}

static size_t place_by_subject(const struct outbox *o, const struct key *k)
{
	return sorted_place(k, o->by_subject, o->n, sizeof(struct outbox_item *), compare_keys);
}

/* Those of a subject, of one notify or, where that is NULL, of all: the first, and the next. NULL:
 * no more. *at is where it stands. */
static struct outbox_item *at_subject(
	const struct outbox *o, size_t at, const char *subject, const char *notify)
{
	struct outbox_item *i = at < o->n ? o->by_subject[at] : NULL;

	return i && str_equal(i->subject, subject) && (!notify || str_equal(i->notify, notify))
		       ? i
		       : NULL;
}

static struct outbox_item *first_of(
	const struct outbox *o, const char *subject, const char *notify, size_t *at)
{
	*at = place_by_subject(o, &(struct key){subject, notify, INT64_MIN});
	return at_subject(o, *at, subject, notify);
}

static struct outbox_item *next_of(
	const struct outbox *o, const char *subject, const char *notify, size_t *at)
{
	return at_subject(o, ++*at, subject, notify);
}

static void put_at(struct outbox_item **items, size_t n, size_t at, struct outbox_item *i)
{
	memmove(&items[at + 1], &items[at], (n - at) * sizeof(struct outbox_item *));
	items[at] = i;
}

static int make_room(struct outbox_item ***items, size_t n)
{
	struct outbox_item **more = array_room(*items, n, sizeof(struct outbox_item *));

	if (!more)
		return -ENOMEM;
	*items = more;
	return 0;
}

/* Takes the item over on success. */
static int append(struct outbox *o, struct outbox_item *i)
{
	const struct key key = {i->subject, i->notify, i->id};

	if (make_room(&o->items, o->n) < 0 || make_room(&o->by_subject, o->n) < 0)
		return -ENOMEM;
	put_at(o->by_subject, o->n, place_by_subject(o, &key), i);
	put_at(o->items, o->n, place_by_id(o, i->id), i);
	o->n++;
	o->n_open_at_most++;
	if (i->id >= o->next_id)
		o->next_id = i->id + 1;
	return 0;
}

static bool was_put(
	const struct outbox *o, const char *notify, const char *subject, enum notice_event event)
{
	size_t at;

	for (const struct outbox_item *i = first_of(o, subject, notify, &at); i;
		i = next_of(o, subject, notify, &at))
		if (!i->closed && i->event == event)
			return true;
	return false;
}

bool outbox_has_told(const struct outbox *o, const char *notify, const char *subject)
{
	size_t at;

	for (const struct outbox_item *i = first_of(o, subject, notify, &at); i;
		i = next_of(o, subject, notify, &at))
		if (!i->closed)
			return true;
	return false;
}

void outbox_set_thread(struct outbox *o, const struct outbox_item *item, const char *thread)
{
	size_t at;

	for (struct outbox_item *i = first_of(o, item->subject, item->notify, &at); i;
		i = next_of(o, item->subject, item->notify, &at))
		if (!i->thread && str_equal(i->incident, item->incident) &&
			str_replace(&i->thread, thread) >= 0)
			i->unsaved = true;
}

static const char *thread_of(const struct outbox *o, const char *notify, const char *subject)
{
	size_t at;

	for (const struct outbox_item *i = first_of(o, subject, notify, &at); i;
		i = next_of(o, subject, notify, &at))
		if (!i->closed && i->thread)
			return i->thread;
	return NULL;
}

const struct outbox_item *outbox_told(const struct outbox *o, const char *subject)
{
	const struct outbox_item *first = NULL;
	size_t at;

	for (const struct outbox_item *i = first_of(o, subject, NULL, &at); i;
		i = next_of(o, subject, NULL, &at))
		if (!i->closed && (!first || i->id < first->id))
			first = i;
	return first;
}

int outbox_put(
	struct outbox *o, const struct outbox_message *m, usec_t now, struct outbox_item **ret)
{
	_cleanup_(item_freep) struct outbox_item *i = NULL;
	int r;

	if (was_put(o, m->notify, m->subject, m->event))
		return 0;
	i = calloc(1, sizeof(*i));
	if (!i)
		return -ENOMEM;
	i->id = o->next_id > 0 ? o->next_id : 1;
	i->event = m->event;
	i->alert = m->alert;
	i->created = m->created;
	i->queued = i->due = now;
	i->until = USEC_INFINITY;
	i->unsaved = true;
	r = str_replace(&i->notify, m->notify);
	if (r >= 0)
		r = str_replace(&i->subject, m->subject);
	if (r >= 0)
		r = str_replace(&i->incident, m->incident);
	if (r >= 0)
		r = str_replace(&i->text, m->text);
	if (r >= 0)
		r = str_replace(&i->thread, thread_of(o, m->notify, m->subject));
	if (r >= 0)
		r = append(o, i);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(i);
	return 1;
}

static void finish(struct outbox_item *i)
{
	i->unsaved = i->unsaved || i->state != OUTBOX_DONE;
	i->state = OUTBOX_DONE;
	i->sending = false;
	free(i->text);
	i->text = NULL;
}

/* The time of day in the past on the local clock; what lies before its beginning is its beginning.
 */
static usec_t to_local(usec_t then, usec_t now, usec_t wall)
{
	return usec_sub(now, usec_sub(wall, then));
}

int outbox_restore(
	struct outbox *o, struct outbox_item *item, usec_t now, usec_t wall, usec_t orphan_until)
{
	_cleanup_(item_freep) struct outbox_item *i = calloc(1, sizeof(*i));
	struct outbox_item from = TAKE_STRUCT(*item);

	if (!i) {
		free(from.notify);
		free(from.subject);
		free(from.incident);
		free(from.text);
		free(from.thread);
		return -ENOMEM;
	}
	*i = from;
	i->orphan = !i->closed;
	i->due = now;
	i->queued = to_local(i->ended > 0 ? i->ended : i->created, now, wall);
	i->until = USEC_INFINITY;
	if (i->alert && i->state == OUTBOX_UP && !notice_lasts(i->event))
		i->until = to_local(i->created, now, wall) + OUTBOX_ALERT_LASTS;
	else if (i->orphan)
		i->until = orphan_until;
	/* One that was put anew before this one could be read takes its place. */
	if (!i->closed && was_put(o, i->notify, i->subject, i->event)) {
		i->closed = i->unsaved = true;
		i->orphan = false;
		i->until = USEC_INFINITY;
		finish(i);
	}
	if (!i->text)
		finish(i);
	if (append(o, i) < 0)
		return -ENOMEM;
	(void)TAKE_PTR(i);
	return 0;
}

int outbox_claim(struct outbox *o, const char *subject, const char *incident)
{
	size_t at;

	for (struct outbox_item *i = first_of(o, subject, NULL, &at); i;
		i = next_of(o, subject, NULL, &at)) {
		if (!i->orphan || i->closed)
			continue;
		if (str_replace(&i->incident, incident) < 0)
			return -ENOMEM;
		i->unsaved = true;
		i->orphan = false;
		if (notice_lasts(i->event) || i->state != OUTBOX_UP)
			i->until = USEC_INFINITY;
	}
	return 0;
}

/* An alert that was delivered counts no more: it lasts as long as its incident. */
struct outbox_item *outbox_overflow(struct outbox *o)
{
	struct outbox_item *oldest = NULL;
	size_t open = 0;

	if (o->n_open_at_most <= OUTBOX_MAX_OPEN)
		return NULL;
	for (size_t k = 0; k < o->n; k++) {
		open += o->items[k]->state == OUTBOX_WAITING;
		if (!oldest && o->items[k]->state == OUTBOX_WAITING && !o->items[k]->sending)
			oldest = o->items[k];
	}
	o->n_open_at_most = open;
	return open > OUTBOX_MAX_OPEN ? oldest : NULL;
}

static bool is_full(const struct outbox *o, const char *notify)
{
	size_t n = 0;

	for (size_t k = 0; k < o->n; k++)
		n += o->items[k]->sending && str_equal(o->items[k]->notify, notify);
	return n >= OUTBOX_MAX_SENDING;
}

/* Whether an earlier message of the same incident is still to be delivered to the same notify. */
static bool must_wait(const struct outbox *o, const struct outbox_item *later)
{
	size_t at;

	for (const struct outbox_item *i = first_of(o, later->subject, later->notify, &at);
		i && i->id < later->id; i = next_of(o, later->subject, later->notify, &at))
		if (i->sending || i->state == OUTBOX_WAITING)
			return true;
	return false;
}

/* The first that nothing but time keeps back, of all that are due by then; or, with first NULL, how
 * long that takes. */
static struct outbox_item *look(const struct outbox *o, usec_t now, usec_t *wake)
{
	const char *full = NULL;

	*wake = USEC_INFINITY;
	for (size_t k = 0; k < o->n; k++) {
		struct outbox_item *i = o->items[k];

		if (i->state == OUTBOX_DONE || i->sending || i->due >= *wake ||
			(full && str_equal(full, i->notify)))
			continue;
		if (is_full(o, i->notify))
			full = i->notify;
		else if (!must_wait(o, i)) {
			*wake = i->due;
			if (i->due <= now)
				return i;
		}
	}
	return NULL;
}

struct outbox_item *outbox_due(const struct outbox *o, usec_t now)
{
	usec_t wake;

	return look(o, now, &wake);
}

usec_t outbox_wake(const struct outbox *o)
{
	usec_t wake;

	(void)look(o, 0, &wake);
	return wake;
}

void outbox_sending(struct outbox_item *item)
{
	item->sending = true;
	item->says_end = item->ended > 0;
}

/* splitmix64: enough to keep a crowd apart, and the same for the same seed. */
static uint64_t chance(struct outbox *o)
{
	uint64_t z = o->chance += 0x9e3779b97f4a7c15U;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return z ^ (z >> 31);
}

/* Doubled with each attempt up to the longest, then anything from three quarters of it to the
 * whole; never less than what the other side asks for. */
static usec_t wait_after(struct outbox *o, const struct outbox_item *i,
	const struct outbox_attempt *a, const struct outbox_policy *p)
{
	unsigned doublings = i->attempts > 0 ? i->attempts - 1 : 0;
	usec_t wait = p->retry_max;
	usec_t asked = a->retry_after;

	if (doublings < MAX_DOUBLINGS && p->retry_first < (p->retry_max >> doublings))
		wait = p->retry_first << doublings;
	wait -= chance(o) % (wait / 4 + 1);
	if (asked > OUTBOX_MAX_RETRY_AFTER)
		asked = OUTBOX_MAX_RETRY_AFTER;
	return wait > asked ? wait : asked;
}

static enum outbox_fate delivered(struct outbox_item *i, const struct outbox_policy *p, usec_t now)
{
	bool first = i->state == OUTBOX_WAITING;

	i->attempts = 0;
	if (!i->alert || i->says_end) {
		finish(i);
		return first ? OUTBOX_SENT : OUTBOX_AGAIN;
	}
	i->unsaved = i->unsaved || first;
	i->state = OUTBOX_UP;
	/* It may have ended since. */
	i->due = i->ended > 0 ? now : now + p->resend;
	if (first && !notice_lasts(i->event))
		i->until = now + OUTBOX_ALERT_LASTS;
	return first ? OUTBOX_SENT : OUTBOX_AGAIN;
}

enum outbox_fate outbox_attempted(struct outbox *o, struct outbox_item *item,
	const struct outbox_attempt *a, const struct outbox_policy *p, usec_t now)
{
	usec_t due;

	item->sending = false;
	if (item->state == OUTBOX_DONE)
		return OUTBOX_AGAIN;
	if (a->delivered)
		return delivered(item, p, now);
	item->attempts++;
	due = now + wait_after(o, item, a, p);
	/* One that is up and not over goes on as long as what it says. */
	if ((item->state == OUTBOX_WAITING || item->ended > 0) &&
		usec_sub(due, item->queued) > p->give_up_after) {
		finish(item);
		return OUTBOX_FAILED;
	}
	item->due = due;
	return OUTBOX_AGAIN;
}

static void close_item(struct outbox_item *i, usec_t now, usec_t wall)
{
	i->unsaved = true;
	i->closed = true;
	i->orphan = false;
	if (!i->alert || i->state == OUTBOX_DONE || !notice_lasts(i->event))
		return;
	i->ended = wall;
	i->until = USEC_INFINITY;
	/* One that is waiting for its turn after a failure waits on. */
	if (i->state == OUTBOX_UP) {
		i->queued = now;
		i->due = now;
		i->attempts = 0;
	}
}

void outbox_close(struct outbox *o, const char *subject, usec_t now, usec_t wall)
{
	size_t at;

	for (struct outbox_item *i = first_of(o, subject, NULL, &at); i;
		i = next_of(o, subject, NULL, &at))
		if (!i->closed)
			close_item(i, now, wall);
}

void outbox_drop(struct outbox_item *item)
{
	finish(item);
}

void outbox_expire(struct outbox *o, usec_t now, usec_t wall)
{
	for (size_t k = 0; k < o->n; k++) {
		struct outbox_item *i = o->items[k];

		if (i->until > now || i->sending)
			continue;
		i->until = USEC_INFINITY;
		if (i->orphan)
			close_item(i, now, wall);
		if (i->state == OUTBOX_UP && !notice_lasts(i->event)) {
			i->ended = wall;
			finish(i);
		}
	}
}

void outbox_sweep(struct outbox *o)
{
	size_t told = 0;
	size_t kept = 0;
	size_t n = 0;

	for (size_t k = 0; k < o->n; k++)
		told += o->items[k]->state == OUTBOX_DONE;
	for (size_t k = 0; k < o->n; k++) {
		struct outbox_item *i = o->items[k];
		bool over = i->closed && !i->unsaved;

		i->swept = i->state == OUTBOX_DONE && (over || told > OUTBOX_MAX_TOLD);
		told -= i->swept;
	}
	for (size_t k = 0; k < o->n; k++)
		if (!o->by_subject[k]->swept)
			o->by_subject[n++] = o->by_subject[k];
	for (size_t k = 0; k < o->n; k++)
		if (o->items[k]->swept)
			item_free(o->items[k]);
		else
			o->items[kept++] = o->items[k];
	o->n = kept;
}

struct outbox_item *outbox_find(const struct outbox *o, int64_t id)
{
	size_t at = place_by_id(o, id);

	return at < o->n && o->items[at]->id == id ? o->items[at] : NULL;
}

static bool is_pending(const struct outbox_item *i)
{
	return i->state == OUTBOX_WAITING || (i->state == OUTBOX_UP && i->ended > 0);
}

size_t outbox_n_pending(const struct outbox *o, const char *notify)
{
	size_t n = 0;

	for (size_t k = 0; k < o->n; k++)
		n += is_pending(o->items[k]) && str_equal(o->items[k]->notify, notify);
	return n;
}

usec_t outbox_oldest(const struct outbox *o, usec_t now)
{
	usec_t oldest = 0;

	for (size_t k = 0; k < o->n; k++) {
		usec_t age = usec_sub(now, o->items[k]->queued);

		if (is_pending(o->items[k]) && age > oldest)
			oldest = age;
	}
	return oldest;
}
