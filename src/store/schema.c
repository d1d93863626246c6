/* SPDX-License-Identifier: Apache-2.0
 * The ledger's tables, and how an older ledger becomes a present one: step n leads from version n
 * to n + 1. A step that was released is never changed. All times are microseconds since 1970. */
#include "store/schema.h"

static const char *const steps[] = {
	/* What ledger_recover() writes to see that it can. */
	"CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;"

	/* One row per incident. stage_id -1: of the app as a whole. */
	"CREATE TABLE incidents ("
	" id TEXT PRIMARY KEY, number INTEGER NOT NULL, opened INTEGER NOT NULL,"
	" changed INTEGER NOT NULL, ended INTEGER NOT NULL,"
	" cluster TEXT NOT NULL, app_id TEXT NOT NULL, app_name TEXT, app_started INTEGER NOT NULL,"
	" stage_id INTEGER NOT NULL, attempt_id INTEGER NOT NULL, rule TEXT NOT NULL,"
	" dag_id TEXT, run_id TEXT, task_id TEXT, map_index INTEGER NOT NULL,"
	" try_number INTEGER NOT NULL, verdict TEXT NOT NULL, reached INTEGER NOT NULL,"
	" evidence TEXT, cause TEXT NOT NULL, because TEXT, action TEXT NOT NULL,"
	" outcome TEXT NOT NULL, outcome_why TEXT, decided INTEGER NOT NULL,"
	" decided_dry INTEGER NOT NULL, refusal TEXT, kept INTEGER NOT NULL"
	") WITHOUT ROWID;"
	"CREATE INDEX incidents_ended ON incidents (ended);"

	/* The story of each. */
	"CREATE TABLE steps ("
	" incident TEXT NOT NULL REFERENCES incidents ON DELETE CASCADE, seq INTEGER NOT NULL,"
	" at INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (incident, seq)"
	") WITHOUT ROWID;"

	/* One row per action that was to change something: who, what, and how far it came. It is
	 * written before the first request, and updated before each further one. */
	"CREATE TABLE actions ("
	" incident TEXT PRIMARY KEY, began INTEGER NOT NULL, ended INTEGER NOT NULL,"
	" cluster TEXT NOT NULL, app_id TEXT NOT NULL, app_name TEXT, app_started INTEGER NOT NULL,"
	" rule TEXT NOT NULL, url TEXT, pid INTEGER NOT NULL, pid_started INTEGER NOT NULL,"
	" airflow TEXT NOT NULL, note TEXT, action TEXT NOT NULL, retry_via INTEGER NOT NULL,"
	" needs_note INTEGER NOT NULL, can_kill_app INTEGER NOT NULL,"
	" cluster_mode INTEGER NOT NULL, end_timeout INTEGER NOT NULL,"
	" retry_timeout INTEGER NOT NULL, dag_id TEXT NOT NULL, run_id TEXT NOT NULL,"
	" task_id TEXT NOT NULL, map_index INTEGER NOT NULL, try_number INTEGER NOT NULL,"
	" ti_id TEXT, ti_try INTEGER NOT NULL, ti_started INTEGER NOT NULL,"
	" ti_pid INTEGER NOT NULL, ti_host TEXT, state TEXT NOT NULL, failed INTEGER NOT NULL,"
	" kill_sent INTEGER NOT NULL, outcome TEXT NOT NULL, why TEXT"
	") WITHOUT ROWID;"
	"CREATE INDEX actions_task ON actions (dag_id, run_id, task_id, map_index);",

	/* The pause in force, if there is one. length 0: no end. until_boot: CLOCK_BOOTTIME of the
	 * boot that is named. */
	"CREATE TABLE pause (id INTEGER PRIMARY KEY CHECK (id = 1), reason TEXT NOT NULL,"
	" who TEXT NOT NULL, since INTEGER NOT NULL, length INTEGER NOT NULL,"
	" until_wall INTEGER NOT NULL, until_boot INTEGER NOT NULL, boot TEXT);",

	/* One row per message to people: what is still to be delivered (state waiting, or up: an
	 * alert that lasts), and what was told (done) of an incident that is not over (closed). */
	"CREATE TABLE notices ("
	" id INTEGER PRIMARY KEY, notify TEXT NOT NULL, subject TEXT NOT NULL,"
	" incident TEXT NOT NULL, event TEXT NOT NULL, alert INTEGER NOT NULL,"
	" created INTEGER NOT NULL, ended INTEGER NOT NULL, closed INTEGER NOT NULL,"
	" state TEXT NOT NULL, text TEXT);"
	"CREATE INDEX notices_state ON notices (state, created);",
	/* One row per run of an app that has ended. */
	"CREATE TABLE runs ("
	" id INTEGER PRIMARY KEY, cluster TEXT NOT NULL, app_name TEXT NOT NULL,"
	" app_id TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER NOT NULL,"
	" driver_heap_limit INTEGER NOT NULL, driver_heap_peak INTEGER NOT NULL,"
	" driver_tree_peak INTEGER NOT NULL, executor_heap_limit INTEGER NOT NULL,"
	" executor_heap_peak INTEGER NOT NULL, executor_tree_peak INTEGER NOT NULL,"
	" executors INTEGER NOT NULL, task_time INTEGER NOT NULL, gc_time INTEGER NOT NULL,"
	" UNIQUE (cluster, app_id, started));"
	"CREATE INDEX runs_name ON runs (cluster, app_name, ended);"
	"CREATE INDEX runs_ended ON runs (ended);",
	/* Which pod the driver was, beyond a restart. */
	"ALTER TABLE actions ADD COLUMN mark TEXT;",

	/* Where a receiver keeps the messages of an incident. */
	"ALTER TABLE notices ADD COLUMN thread TEXT;",

	/* Who said what of an incident. */
	"ALTER TABLE incidents ADD COLUMN acked_by TEXT;"
	"ALTER TABLE incidents ADD COLUMN ignored_by TEXT;"
	"ALTER TABLE incidents ADD COLUMN aborted_by TEXT;",

	/* What the properties of its app ask of the rule, one a line. */
	"ALTER TABLE incidents ADD COLUMN wishes TEXT;",

	/* How it was known whose the app is. */
	("ALTER TABLE incidents ADD COLUMN owner_via TEXT;"
	 "ALTER TABLE actions ADD COLUMN owner_via TEXT;"),
};

/* Which tries were acted upon is not known any more, so nothing is begun until a person says so:
 * pause_store.c reads it. The name is in it for a crash before it could be said. */
static const char lost[] =
	"INSERT INTO pause VALUES (1, 'the ledger was damaged and made anew: what was acted upon "
	"before is not known' || coalesce('; the damaged one is kept as ' || ?1, ''), "
	"'stagewatchd', CAST(strftime('%s', 'now') AS INTEGER) * 1000000, 0, "
	"0, 0, NULL);";

const struct ledger_schema store_schema = {steps, ELEMENTSOF(steps), lost};
