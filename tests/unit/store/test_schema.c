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

/* As the version that had so many steps left it: with a row of the first tables. */
static void make_older(const struct place *p, size_t version)
{
	static const char row[] =
		"INSERT INTO meta VALUES ('a', 1);"
		"INSERT INTO incidents (id, number, opened, changed, ended, cluster, app_id,"
		" app_started, stage_id, attempt_id, rule, map_index, try_number, verdict, reached,"
		" cause, action, outcome, decided, decided_dry, kept) VALUES ('i', 1, 2, 3, 0, 'c',"
		" 'app-1', 4, 7, 0, 'r', -1, 1, 'hung', 3, 'none', 'retry', 'none', 0, 0, 0);"
		"INSERT INTO steps VALUES ('i', 0, 5, 'it hung')";
	char text[64];
	sqlite3 *db = NULL;

	(void)snprintf(text, sizeof(text), "PRAGMA user_version = %zu", version);
	assert_int_equal(sqlite3_open(p->file, &db), SQLITE_OK);
	for (size_t v = 0; v < version; v++)
		assert_int_equal(
			sqlite3_exec(db, store_schema.steps[v], NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, row, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static const char ask_schema[] = "SELECT sql FROM sqlite_schema ORDER BY name";

static char *schema_when_new(void)
{
	struct strbuf b = {0};
	struct ledger *l;
	struct place p;
	char *text = NULL;

	make_place(&p);
	l = must_open(&p);
	assert_int_equal(ledger_query(l, ask_schema, NULL, 0, schema_of, &b), 0);
	ledger_free(l);
	drop_place(&p);
	assert_int_equal(strbuf_finish(&b, &text), 0);
	return text;
}

/* A ledger of each older version becomes the same as a new one, and keeps its rows. */
static void each_older_one_is_migrated(void **state)
{
	char *wanted = schema_when_new();

	(void)state;
	for (size_t version = 1; version < store_schema.n_steps; version++) {
		struct strbuf have = {0};
		struct ledger *l;
		struct place p;
		int64_t n = 0;

		make_place(&p);
		make_older(&p, version);
		l = must_open(&p);
		assert_null(ledger_trouble(l));
		assert_null(ledger_kept(l));
		assert_int_equal(get(l, "a"), 1);
		assert_int_equal(ledger_query(l,
					 "SELECT count(*) FROM incidents JOIN steps ON id = "
					 "incident WHERE text = 'it hung'",
					 NULL, 0, take_int, &n),
			0);
		assert_int_equal(n, 1);
		assert_int_equal(ledger_query(l, ask_schema, NULL, 0, schema_of, &have), 0);
		assert_string_equal(have.text, wanted);
		strbuf_clear(&have);
		ledger_free(l);
		drop_place(&p);
	}
	free(wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_older_one_is_migrated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
