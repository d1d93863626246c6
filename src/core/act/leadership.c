/* SPDX-License-Identifier: Apache-2.0
 * Leadership by a record that is compared and swapped: when to read it, when to write it, and until
 * when a write counts. */
#include "core/act/leadership.h"

#include <stdlib.h>

#include "base/strbuf.h"

/* Three renewals may fail in a row before a duration is over. */
#define PERIODS 4
/* Clocks of two hosts may run at rates that differ by so much: a tenth. */
#define MARGINS 10
/* Ours, from when it is ours and another one may no longer lead. */
#define FROM_THEN UINT64_MAX
/* After a request that came to nothing. */
#define RETRIES 15

void leader_record_clear(struct leader_record *r)
{
	free(r->version);
	free(r->holder);
	*r = (struct leader_record){0};
}

usec_t leadership_period(usec_t duration)
{
	return duration / PERIODS;
}

usec_t leadership_timeout(usec_t duration)
{
	return duration / PERIODS;
}

usec_t leadership_term(usec_t duration)
{
	return duration - duration / MARGINS;
}

void leadership_init(struct leadership *l, const char *self, usec_t duration)
{
	*l = (struct leadership){.self = self, .duration = duration, .wait = duration};
}

void leadership_clear(struct leadership *l)
{
	leader_record_clear(&l->record);
}

static bool is_ours(const struct leadership *l)
{
	return str_equal(l->record.holder, l->self);
}

/* When the record may be written: another's not before its holder has let it be for as long as that
 * one may lead. */
static usec_t free_at(const struct leadership *l)
{
	return l->record.holder && !is_ours(l) ? l->seen + l->wait : 0;
}

static void wait_until(struct leadership_step *ret, usec_t at)
{
	ret->ask = LEADERSHIP_WAIT;
	ret->wake_at = at;
}

void leadership_leave(struct leadership *l)
{
	l->left = true;
}

void leadership_release(struct leadership *l)
{
	l->released = true;
	l->next = 0;
}

static bool in_its_time(const struct leadership *l, usec_t now)
{
	return now >= l->from && now < l->until;
}

/* Of one that leads no longer: what becomes of the record. */
static void next_of_left(struct leadership *l, usec_t now, struct leadership_step *ret)
{
	if (!in_its_time(l, now) || (l->known && !is_ours(l))) {
		ret->ask = LEADERSHIP_DONE;
		return;
	}
	if (!l->released) {
		wait_until(ret, l->until);
		return;
	}
	if (l->known) {
		ret->ask = LEADERSHIP_WRITE;
		ret->duration = LEADERSHIP_AFTER_RELEASE;
		ret->transitions = l->record.transitions;
	}
	l->asked = true;
	l->sent = now;
}

void leadership_next(struct leadership *l, usec_t now, struct leadership_step *ret)
{
	*ret = (struct leadership_step){.ask = LEADERSHIP_READ};
	if (l->asked || now < l->next) {
		wait_until(ret, l->asked ? 0 : l->next);
		return;
	}
	if (l->left) {
		next_of_left(l, now, ret);
		return;
	}
	if (l->known && now >= free_at(l)) {
		/* Waited for already, or to be waited for once it is ours. */
		if (!is_ours(l))
			l->from = l->record.holder ? 0 : FROM_THEN;
		ret->ask = l->record.version ? LEADERSHIP_WRITE : LEADERSHIP_CREATE;
		ret->holder = l->self;
		ret->duration = l->duration;
		ret->transitions = l->record.transitions + !is_ours(l);
	}
	l->asked = true;
	l->sent = now;
}

/* Before one leads who wrote itself into a record of nobody. What such a record says of it counts
 * where it is the one that was surely replaced. */
static usec_t wait_of_nobody(const struct leadership *l, bool written)
{
	return written && l->record.version && l->record.duration > 0 ? l->record.duration
								      : l->wait;
}

/* The same version keeps the time at which it first came: that is what the wait counts from. */
static void take_record(
	struct leadership *l, struct leader_record *record, bool written, usec_t now)
{
	usec_t wait = wait_of_nobody(l, written);

	if (!l->seen_once || !str_equal(l->record.version, record->version) ||
		!str_equal(l->record.holder, record->holder))
		l->seen = now;
	/* That of the last one who may lead counts for a record that is gone, too. */
	if (record->holder && !str_equal(record->holder, l->self))
		l->wait = record->duration;
	leader_record_clear(&l->record);
	l->record = *record;
	*record = (struct leader_record){0};
	l->known = true;
	l->seen_once = true;
	if (is_ours(l) && l->from == FROM_THEN)
		l->from = now + wait;
}

static void on_seen(struct leadership *l, usec_t now)
{
	usec_t at = free_at(l);
	usec_t period = leadership_period(l->duration);

	if (!is_ours(l)) /* whatever we wrote */
		l->until = 0;
	l->next = at <= now || at < now + period ? at : now + period;
}

static void on_written(struct leadership *l)
{
	usec_t until = l->sent + leadership_term(l->duration);

	if (until > l->until && is_ours(l))
		l->until = until;
	l->next = l->left ? 0 : l->sent + leadership_period(l->duration);
}

void leadership_answer(
	struct leadership *l, enum leadership_reply reply, struct leader_record *record, usec_t now)
{
	l->asked = false;
	if (reply == LEADERSHIP_SEEN || reply == LEADERSHIP_WRITTEN) {
		take_record(l, record, reply == LEADERSHIP_WRITTEN, now);
		if (reply == LEADERSHIP_SEEN)
			on_seen(l, now);
		else
			on_written(l);
		return;
	}
	/* What became of a write in doubt, and who was faster, the next look shows. */
	l->known = false;
	l->next = now + l->duration / RETRIES;
}

bool leadership_leads(const struct leadership *l, usec_t now)
{
	return !l->left && in_its_time(l, now);
}

const char *leadership_other(const struct leadership *l, usec_t now)
{
	return l->seen_once && now < free_at(l) ? l->record.holder : NULL;
}
