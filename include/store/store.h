/* SPDX-License-Identifier: Apache-2.0
 * Incidents and actions in the ledger. What an action does next is written before it is done; the
 * story of incidents is written once per tick. */
#pragma once

#include <sys/types.h>

#include "core/act/incident.h"
#include "core/act/limits.h"
#include "io/ledger.h"
#include "setup/settings.h"

/* An action: all that is needed to take it up again. */
struct action_record {
	struct action_target target;
	usec_t began;  /* since 1970 */
	usec_t ended;  /* 0: under way */
	char *url;     /* of the driver; may be NULL */
	char *airflow; /* NAME of [airflow NAME] */
	char *note;
	pid_t pid; /* of the driver, where it is on this host; 0: not known */
	uint64_t pid_started;
	char *mark; /* what its source knows the driver by; NULL: nothing */
	struct remedy remedy;
};

void action_record_clear(struct action_record *a);

struct store;

/* Opens the ledger of the state directory, which is made where something is to be acted upon, and
 * reads the incidents. Borrows the list. -EBUSY, logged, where another daemon holds the ledger: two
 * would act twice, and tell everything twice, and one that observes may be told to act. */
int store_new(const struct settings *settings, struct incident_list *incidents, struct store **ret);
struct store *store_free(struct store *s);

DEFINE_CLEANUP(struct store *, store_free)

/* What is wrong with the ledger; NULL: nothing. */
const char *store_trouble(const struct store *s);

/* Times that the ledger was damaged, kept under another name and made anew, since the start; and
 * what the last one is called now, NULL without one. */
unsigned store_n_damaged(const struct store *s);
const char *store_kept(const struct store *s);

/* Makes an incident and its action durable, together: on 0 they are. Without one of
 * them (NULL) the other alone. -EIO. */
int store_save(struct store *s, struct incident *i, const struct action_record *a);

/* Writes an action that the ledger does not have, within a transaction of the caller's. -EIO. */
int store_keep_action(struct store *s, const struct action_record *a);

/* Deletes an action. -EIO. */
int store_forget_action(struct store *s, const struct action_record *a);

/* Other settings are in force; of the state directory, those of the start. */
void store_configure(struct store *s, const struct settings *settings);

/* For others who keep something there. Borrowed; NULL without a store. */
struct ledger *store_ledger(const struct store *s);

/* Plain text under a key, for small state of others; text NULL deletes it. */
int store_put_text(struct store *s, const char *key, const char *text);
/* *ret NULL: there is none. */
int store_get_text(struct store *s, const char *key, char **ret);

/* Writes the incidents that have changed; reads those of before, where trouble kept it from it;
 * looks after a ledger in trouble; deletes what is too old. Returns whether the database was opened
 * anew: actions under way are to be saved again. wall: since 1970. knows_past: what was acted upon
 * before was read; what is said of a damaged ledger depends on it. */
bool store_tick(struct store *s, usec_t wall, bool knows_past);

/* Each action, oldest first. record is cleared after the call: take what is needed. */
typedef int (*store_action_fn)(void *userdata, struct action_record *record);
int store_each_action(struct store *s, store_action_fn fn, void *userdata);
