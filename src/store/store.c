/* SPDX-License-Identifier: Apache-2.0
 * When the ledger is written, read, mended and pruned. What its rows look like is in store_rows.c.
 */
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "store/schema.h"
#include "store/store_rows.h"

#define PRUNE_PERIOD USEC_PER_HOUR

struct store {
	struct ledger *ledger;
	struct incident_list *incidents;
	bool loaded;
	bool acts;
	usec_t keep;
	unsigned generation; /* of the ledger, when last looked at */
	char *kept;          /* the damaged one that was last told of */
	unsigned n_damaged;
	bool complained;
	usec_t pruned; /* since 1970 */
};

/* systemd makes it for the service; whoever acts needs it anyway. */
static void make_state_dir(const struct settings *settings)
{
	const char *dir = settings->daemon.state_dir;

	if (settings_act(settings) && mkdir(dir, 0700) < 0 && errno != EEXIST)
		log_warning(
			"Failed to create state_dir=%s: %s; actions need it", dir, strerror(errno));
}

static void complain(struct store *s)
{
	const char *trouble = ledger_trouble(s->ledger);

	if (trouble && !s->complained)
		log_event(s->acts ? LOG_ERR : LOG_INFO, NULL,
			"The ledger in state_dir cannot be used, no action is taken: %s", trouble);
	if (!trouble && s->complained)
		log_notice("The ledger can be used again, actions may begin");
	s->complained = trouble != NULL;
}

/* Said at once, and loudly: a new one was made in place of one that was damaged. */
static void note_damage(struct store *s, bool knows_past)
{
	const char *kept = ledger_kept(s->ledger);

	if (!kept || str_equal(kept, s->kept))
		return;
	(void)str_replace(&s->kept, kept);
	s->n_damaged++;
	if (knows_past)
		log_error("The ledger in state_dir is damaged: it is kept as %s; a new one is made "
			  "and gets what is in memory",
			kept);
	else
		log_error(
			"The ledger in state_dir is damaged: it is kept as %s; a new one is made, "
			"and no action begins until stagewatchctl resume, since what was acted "
			"upon before is not known",
			kept);
}

static int on_incident(void *userdata, struct incident *i)
{
	struct store *s = userdata;

	i->inherited = i->ended == 0;
	return incident_adopt(s->incidents, i);
}

static int load(struct store *s)
{
	int r;

	if (s->loaded)
		return 0;
	r = rows_each_incident(s->ledger, INCIDENTS_KEPT, on_incident, s);
	s->loaded = r >= 0;
	return r;
}

int store_new(const struct settings *settings, struct incident_list *incidents, struct store **ret)
{
	_cleanup_(store_freep) struct store *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	store_configure(s, settings);
	r = ledger_open(settings->daemon.state_dir, &store_schema, &s->ledger);
	if (r > 0) {
		log_error("Failed to start: %s (state_dir=%s)", ledger_trouble(s->ledger),
			settings->daemon.state_dir);
		return -EBUSY;
	}
	if (r < 0)
		return r;
	s->incidents = incidents;
	s->generation = ledger_generation(s->ledger);
	complain(s);
	note_damage(s, false);
	if (load(s) == -ENOMEM)
		return -ENOMEM;
	*ret = TAKE_PTR(s);
	return 0;
}

struct store *store_free(struct store *s)
{
	if (!s)
		return NULL;
	ledger_free(s->ledger);
	free(s->kept);
	free(s);
	return NULL;
}

struct ledger *store_ledger(const struct store *s)
{
	return s ? s->ledger : NULL;
}

const char *store_trouble(const struct store *s)
{
	return ledger_trouble(s->ledger);
}

unsigned store_n_damaged(const struct store *s)
{
	return s->n_damaged;
}

const char *store_kept(const struct store *s)
{
	return ledger_kept(s->ledger);
}

void store_configure(struct store *s, const struct settings *settings)
{
	bool acts = settings_act(settings);

	make_state_dir(settings);
	if (acts && !s->acts)
		s->complained = false;
	s->acts = acts;
	s->keep = settings_keep(settings);
}

int store_put_text(struct store *s, const char *key, const char *text)
{
	struct ledger_value values[] = {LEDGER_S(key), LEDGER_S(text)};

	if (text)
		return ledger_run(s->ledger,
			"INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", values,
			ELEMENTSOF(values));
	return ledger_run(s->ledger, "DELETE FROM meta WHERE key = ?1", values, 1);
}

static int on_text(void *userdata, const struct ledger_value *row, size_t n)
{
	return n == 1 && row[0].s ? str_replace(userdata, row[0].s) : 0;
}

int store_get_text(struct store *s, const char *key, char **ret)
{
	struct ledger_value value = LEDGER_S(key);
	char *text = NULL;
	int r;

	r = ledger_query(
		s->ledger, "SELECT value FROM meta WHERE key = ?1", &value, 1, on_text, &text);
	if (r < 0)
		free(text);
	else
		*ret = text;
	return r;
}

/* Without the transaction. */
static int save_incident(struct store *s, struct incident *i)
{
	int r = rows_put_incident(s->ledger, i);

	for (size_t k = 0; r >= 0 && k < i->n_steps; k++)
		r = rows_put_step(s->ledger, i, k);
	return r;
}

int store_save(struct store *s, struct incident *i, const struct action_record *a)
{
	unsigned changes = i ? i->changes : 0;
	int r = ledger_begin(s->ledger);

	if (r >= 0 && i)
		r = save_incident(s, i);
	if (r >= 0 && a)
		r = rows_put_action(s->ledger, a, true);
	if (r >= 0)
		r = ledger_commit(s->ledger);
	if (r < 0) {
		ledger_rollback(s->ledger);
		complain(s);
		return r;
	}
	if (i)
		i->saved = changes;
	return 0;
}

int store_keep_action(struct store *s, const struct action_record *a)
{
	return rows_put_action(s->ledger, a, false);
}

int store_forget_action(struct store *s, const struct action_record *a)
{
	const struct ledger_value which[] = {LEDGER_S(a->target.incident), LEDGER_I(a->began)};
	int r = ledger_run(s->ledger, "DELETE FROM actions WHERE incident = ?1 AND began = ?2",
		which, ELEMENTSOF(which));

	if (r < 0)
		complain(s);
	return r;
}

static void save_changed(struct store *s)
{
	bool any = false;
	int r = 0;

	for (size_t k = 0; k < s->incidents->n; k++)
		any = any || s->incidents->items[k]->saved != s->incidents->items[k]->changes;
	if (!any)
		return;
	r = ledger_begin(s->ledger);
	for (size_t k = 0; r >= 0 && k < s->incidents->n; k++)
		if (s->incidents->items[k]->saved != s->incidents->items[k]->changes)
			r = save_incident(s, s->incidents->items[k]);
	if (r >= 0)
		r = ledger_commit(s->ledger);
	if (r < 0) {
		ledger_rollback(s->ledger);
		return;
	}
	for (size_t k = 0; k < s->incidents->n; k++)
		s->incidents->items[k]->saved = s->incidents->items[k]->changes;
}

/* What the new file may lack. */
static void forget_saved(struct store *s)
{
	for (size_t k = 0; k < s->incidents->n; k++)
		s->incidents->items[k]->saved = s->incidents->items[k]->changes - 1;
}

static bool recover(struct store *s, bool knows_past)
{
	if (!ledger_recover(s->ledger))
		return false;
	complain(s);
	note_damage(s, knows_past);
	return load(s) >= 0;
}

bool store_tick(struct store *s, usec_t wall, bool knows_past)
{
	bool anew;

	if (!recover(s, knows_past)) {
		complain(s);
		return false;
	}
	anew = s->generation != ledger_generation(s->ledger);
	if (anew)
		forget_saved(s);
	s->generation = ledger_generation(s->ledger);
	save_changed(s);
	if (usec_sub(wall, s->pruned) >= PRUNE_PERIOD || wall < s->pruned) {
		if (rows_prune(s->ledger, usec_sub(wall, s->keep)) < 0 && ledger_usable(s->ledger))
			log_warning("Failed to delete rows older than retention from the ledger; "
				    "trying again later");
		s->pruned = wall;
	}
	complain(s);
	return anew;
}

int store_each_action(struct store *s, store_action_fn fn, void *userdata)
{
	return rows_each_action(s->ledger, fn, userdata);
}
