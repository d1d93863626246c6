/* SPDX-License-Identifier: Apache-2.0
 * The table notices. */
#include "store/notice_store.h"

#include <errno.h>
#include <stdlib.h>

#include "base/strbuf.h"

static const char *const states[] = {
	[OUTBOX_WAITING] = "waiting",
	[OUTBOX_UP] = "up",
	[OUTBOX_DONE] = "done",
};
_Static_assert(ELEMENTSOF(states) == OUTBOX_STATE_MAX, "a word per state");

static int write_item(struct ledger *l, const struct outbox_item *item)
{
	const struct ledger_value args[] = {
		LEDGER_I(item->id),
		LEDGER_S(item->notify),
		LEDGER_S(item->subject),
		LEDGER_S(item->incident),
		LEDGER_S(notice_event_name(item->event)),
		LEDGER_I(item->alert),
		LEDGER_I(item->created),
		LEDGER_I(item->ended),
		LEDGER_I(item->closed),
		LEDGER_S(states[item->state]),
		LEDGER_S(item->text),
		LEDGER_S(item->thread),
	};

	return ledger_run(l,
		"INSERT OR REPLACE INTO notices (id, notify, subject, incident, event, alert,"
		" created, ended, closed, state, text, thread)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
		args, ELEMENTSOF(args));
}

int notice_store_save(struct ledger *l, struct outbox *o)
{
	size_t n = 0;
	int r;

	for (size_t k = 0; k < o->n; k++)
		n += o->items[k]->unsaved;
	if (n == 0)
		return 0;
	r = ledger_begin(l);
	if (r < 0)
		return r;
	for (size_t k = 0; r >= 0 && k < o->n; k++)
		if (o->items[k]->unsaved)
			r = write_item(l, o->items[k]);
	if (r >= 0)
		r = ledger_commit(l);
	else
		ledger_rollback(l);
	for (size_t k = 0; r >= 0 && k < o->n; k++)
		o->items[k]->unsaved = false;
	return r;
}

static int find_word(const char *const *words, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (str_equal(words[i], word))
			return (int)i;
	return -1;
}

static int find_event(const char *word)
{
	int e = 0;

	while (e < NOTICE_EVENT_MAX && !str_equal(notice_event_name((enum notice_event)e), word))
		e++;
	return e < NOTICE_EVENT_MAX ? e : -1;
}

static int on_row(void *userdata, const struct ledger_value *row, size_t n)
{
	const struct notice_store_restoring *to = userdata;
	struct outbox_item item = {0};
	int event;
	int state;
	int r = 0;

	if (n != 12 || !row[1].s || !row[2].s || !row[3].s)
		return 0;
	event = find_event(row[4].s);
	state = find_word(states, ELEMENTSOF(states), row[9].s);
	if (event < 0 || state < 0)
		return 0;
	item.id = row[0].i;
	item.event = (enum notice_event)event;
	item.alert = row[5].i != 0;
	item.created = (usec_t)row[6].i;
	item.ended = (usec_t)row[7].i;
	item.closed = row[8].i != 0;
	item.state = (enum outbox_state)state;
	r = str_replace(&item.notify, row[1].s);
	if (r >= 0)
		r = str_replace(&item.subject, row[2].s);
	if (r >= 0)
		r = str_replace(&item.incident, row[3].s);
	if (r >= 0)
		r = str_replace(&item.text, row[10].s);
	if (r >= 0)
		r = str_replace(&item.thread, row[11].s);
	/* Takes the texts over, whatever there is of them. */
	if (r >= 0)
		return outbox_restore(to->outbox, &item, to->now, to->wall, to->orphan_until);
	free(item.notify);
	free(item.subject);
	free(item.incident);
	free(item.text);
	free(item.thread);
	return r;
}

static int on_last(void *userdata, const struct ledger_value *row, size_t n)
{
	struct outbox *o = userdata;

	/* No row at all: NULL, which is 0 as a number. */
	if (n == 1 && row[0].i >= o->next_id)
		o->next_id = row[0].i + 1;
	return 0;
}

int notice_store_load(struct ledger *l, const struct notice_store_restoring *restoring)
{
	struct notice_store_restoring to = *restoring;
	const struct ledger_value args[] = {LEDGER_I(OUTBOX_MAX_OPEN + OUTBOX_MAX_TOLD)};
	int r;

	r = ledger_query(l, "SELECT MAX(id) FROM notices", NULL, 0, on_last, to.outbox);
	if (r < 0)
		return r;
	return ledger_query(l,
		"SELECT * FROM (SELECT id, notify, subject, incident, event, alert, created, ended,"
		" closed, state, text, thread FROM notices WHERE state <> 'done' OR NOT closed"
		" ORDER BY state = 'up' DESC, id DESC LIMIT ?1) ORDER BY id",
		args, ELEMENTSOF(args), on_row, &to);
}

int notice_store_prune(struct ledger *l, usec_t keep_from)
{
	const struct ledger_value args[] = {LEDGER_I(keep_from)};

	return ledger_run(l, "DELETE FROM notices WHERE state = 'done' AND closed AND created < ?1",
		args, ELEMENTSOF(args));
}
