/* SPDX-License-Identifier: Apache-2.0
 * The tables of the ledger, and how those of an older version become the present ones. */
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "store/schema.h"

#define SET "INSERT OR REPLACE INTO meta VALUES (?1, ?2)"

struct place {
	char dir[64];
	char file[96];
};

static void make_place(struct place *p)
{
	(void)snprintf(p->dir, sizeof(p->dir), "/tmp/schema-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	(void)snprintf(p->file, sizeof(p->file), "%s/" LEDGER_FILE, p->dir);
}

static void drop_place(const struct place *p)
{
	static const char *const names[] = {
		LEDGER_FILE, LEDGER_FILE "-wal", LEDGER_FILE "-shm", "ledger.lock"};

	for (size_t i = 0; i < ELEMENTSOF(names); i++) {
		char path[160];

		(void)snprintf(path, sizeof(path), "%s/%s", p->dir, names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(p->dir), 0);
}

static struct ledger *must_open(const struct place *p)
{
	struct ledger *l = NULL;

	assert_int_equal(ledger_open(p->dir, &store_schema, &l), 0);
	return l;
}

static int set(struct ledger *l, const char *key, int64_t value)
{
	struct ledger_value args[] = {LEDGER_S(key), LEDGER_I(value)};

	return ledger_run(l, SET, args, ELEMENTSOF(args));
}

static int take_int(void *userdata, const struct ledger_value *row, size_t n)
{
	assert_int_equal(n, 1);
	*(int64_t *)userdata = row[0].i;
	return 0;
}

static int64_t get(struct ledger *l, const char *key)
{
	struct ledger_value args[] = {LEDGER_S(key)};
	int64_t value = -1;

	assert_int_equal(ledger_query(l, "SELECT value FROM meta WHERE key = ?1", args,
				 ELEMENTSOF(args), take_int, &value),
		0);
	return value;
}

static int schema_of(void *userdata, const struct ledger_value *row, size_t n)
{
	struct strbuf *b = userdata;

	assert_int_equal(n, 1);
	strbuf_addf(b, "%s\n", row[0].s ? row[0].s : "");
	return 0;
}

/* A ledger whose last steps never took place, as an older version leaves it, becomes the same as a
 * new one, and keeps its rows. */
static void an_older_one_is_migrated(void **state)
{
	/* The tables of the steps after the first. */
	static const char *const later[] = {"pause", "notices", "runs", NULL};
	/* And their columns of other tables. */
	static const char *const columns[] = {"ALTER TABLE actions DROP COLUMN mark",
		"ALTER TABLE incidents DROP COLUMN acked_by",
		"ALTER TABLE incidents DROP COLUMN ignored_by",
		"ALTER TABLE incidents DROP COLUMN aborted_by",
		"ALTER TABLE incidents DROP COLUMN wishes",
		"ALTER TABLE incidents DROP COLUMN owner_via",
		"ALTER TABLE actions DROP COLUMN owner_via", NULL};
	static const char ask[] = "SELECT sql FROM sqlite_schema ORDER BY name";
	struct place p;
	struct ledger *l;
	struct strbuf before = {0};
	struct strbuf after = {0};
	sqlite3 *db = NULL;

	(void)state;
	make_place(&p);
	l = must_open(&p);
	assert_int_equal(set(l, "a", 1), 0);
	assert_int_equal(ledger_query(l, ask, NULL, 0, schema_of, &before), 0);
	ledger_free(l);
	assert_int_equal(sqlite3_open(p.file, &db), SQLITE_OK);
	for (size_t i = 0; later[i]; i++) {
		char sql[128];

		(void)snprintf(sql, sizeof(sql), "DROP TABLE %s", later[i]);
		assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	}
	for (size_t i = 0; columns[i]; i++)
		assert_int_equal(sqlite3_exec(db, columns[i], NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 1", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	l = must_open(&p);
	assert_true(ledger_usable(l));
	assert_int_equal(get(l, "a"), 1);
	assert_int_equal(ledger_query(l, ask, NULL, 0, schema_of, &after), 0);
	assert_string_equal(after.text, before.text);
	strbuf_clear(&before);
	strbuf_clear(&after);
	ledger_free(l);
	drop_place(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_older_one_is_migrated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
