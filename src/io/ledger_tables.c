/* SPDX-License-Identifier: Apache-2.0
 * Makes, migrates and compares the tables of a ledger. */
#include "io/ledger_tables.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"

int ledger_tables_version(sqlite3 *db)
{
	sqlite3_stmt *stmt = NULL;
	int version = -1;

	if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &stmt, NULL) == SQLITE_OK &&
		sqlite3_step(stmt) == SQLITE_ROW)
		version = sqlite3_column_int(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return version;
}

static int step(sqlite3 *db, const struct ledger_schema *schema, int v)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "PRAGMA user_version = %d; COMMIT", v + 1);
	if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return -EIO;
	if (sqlite3_exec(db, schema->steps[v], NULL, NULL, NULL) == SQLITE_OK &&
		sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return -EIO;
}

/* All columns of all tables, one a line. */
static const char ask_columns[] =
	"SELECT t.name || '.' || c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c"
	" WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' ORDER BY 1";

static int add_line(void *userdata, int n, char **values, char **names)
{
	struct strbuf *b = userdata;

	(void)names;
	strbuf_addf(b, "%s\n", n > 0 && values[0] ? values[0] : "");
	return 0;
}

static int columns_of(sqlite3 *db, char **ret)
{
	struct strbuf b = {0};

	if (sqlite3_exec(db, ask_columns, add_line, &b, NULL) != SQLITE_OK) {
		strbuf_clear(&b);
		return -EIO;
	}
	return strbuf_finish(&b, ret);
}

/* The columns that the first n steps make. */
static int columns_wanted(const struct ledger_schema *schema, int n, char **ret)
{
	sqlite3 *db = NULL;
	int r = sqlite3_open(":memory:", &db) == SQLITE_OK ? 0 : -ENOMEM;

	for (int v = 0; r >= 0 && v < n; v++)
		r = sqlite3_exec(db, schema->steps[v], NULL, NULL, NULL) == SQLITE_OK ? 0 : -ENOMEM;
	if (r >= 0)
		r = columns_of(db, ret) < 0 ? -ENOMEM : 0;
	(void)sqlite3_close(db);
	return r;
}

/* Both one name a line. */
static bool has_lines(const char *have, const char *wanted)
{
	for (const char *end; *wanted; wanted = end + 1) {
		const char *at = have;
		size_t n;

		end = strchrnul(wanted, '\n');
		n = (size_t)(end - wanted);
		while (*at && (strncmp(at, wanted, n) != 0 || at[n] != '\n'))
			at += strcspn(at, "\n") + 1;
		if (!*at)
			return false;
	}
	return true;
}

/* A database of something else, or one from which a person has dropped something, has no place for
 * what is to be kept. More may be there: a tool that copies it, or a person, has tables of its own.
 * But one that says that it has no tables yet must have none. */
static int compare(sqlite3 *db, const struct ledger_schema *schema, int version)
{
	_cleanup_free_ char *wanted = NULL;
	_cleanup_free_ char *have = NULL;
	int r;

	r = columns_wanted(schema, version, &wanted);
	if (r < 0)
		return r;
	r = columns_of(db, &have);
	if (r < 0)
		return r;
	if (version == 0)
		return *have ? -EBADMSG : 0;
	return has_lines(have, wanted) ? 0 : -EBADMSG;
}

int ledger_tables_migrate(sqlite3 *db, const struct ledger_schema *schema, int *ret_version)
{
	const int newest = (int)schema->n_steps;
	int version = ledger_tables_version(db);
	int r;

	*ret_version = version;
	if (version > newest)
		return -EPROTO;
	r = version < 0 ? -EIO : compare(db, schema, version);
	for (int v = version; r >= 0 && v < newest; v++) {
		r = step(db, schema, v);
		*ret_version = r < 0 ? v : v + 1;
	}
	return r;
}

int ledger_tables_lost(sqlite3 *db, const struct ledger_schema *schema, const char *kept)
{
	sqlite3_stmt *stmt = NULL;
	int r = -EIO;

	if (!schema->lost)
		return 0;
	if (sqlite3_prepare_v2(db, schema->lost, -1, &stmt, NULL) == SQLITE_OK &&
		sqlite3_bind_text(stmt, 1, kept, -1, SQLITE_STATIC) == SQLITE_OK &&
		sqlite3_step(stmt) == SQLITE_DONE)
		r = 0;
	(void)sqlite3_finalize(stmt);
	return r;
}
