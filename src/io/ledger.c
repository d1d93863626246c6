/* SPDX-License-Identifier: Apache-2.0
 * Opens, guards and runs the ledger. */
#include "io/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "io/clock.h"
#include "io/fault_point.h"
#include "io/ledger_aside.h"
#include "io/ledger_tables.h"

#define LOCK_FILE "ledger.lock"
#define READ_WAIT_MS 2000 /* for who writes */

struct ledger {
	const struct ledger_schema *schema;
	char *dir;
	char *path;
	int lock;
	sqlite3 *db; /* NULL: in trouble */
	dev_t dev;   /* of the file that is open */
	ino_t ino;
	unsigned generation;
	bool in_transaction;
	char *trouble;
	int error;    /* errno of what failed, where SQLite does not say */
	bool damaged; /* that is the trouble: the file itself, not what is around it */
	bool suspect; /* it was damaged when it was last looked at */
	char *kept;   /* where the last damaged one is now */
};

/* From here on the ledger is in trouble; what was not committed is gone. */
static int fail(struct ledger *l, const char *what)
{
	char *text = NULL;

	if (str_printf(&text, "%s: %s", l->path, what) >= 0) {
		free(l->trouble);
		l->trouble = text;
	}
	(void)sqlite3_close_v2(l->db); /* a query around the one that failed may still hold it */
	l->db = NULL;
	l->error = 0;
	l->in_transaction = false;
	return -EIO;
}

/* Damage that SQLite has no word for. */
static int fail_damaged(struct ledger *l, const char *what)
{
	l->damaged = true;
	return fail(l, what);
}

static int fail_sqlite(struct ledger *l)
{
	char what[256];
	int code = sqlite3_extended_errcode(l->db);
	int error = sqlite3_system_errno(l->db) > 0 ? sqlite3_system_errno(l->db) : l->error;
	bool os = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;

	l->damaged = (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
	(void)snprintf(what, sizeof(what), "%s (code %d)%s%s", sqlite3_errstr(code), code,
		os && error > 0 ? ": " : "", os && error > 0 ? strerror(error) : "");
	return fail(l, what);
}

static int take_lock(struct ledger *l)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	if (l->lock >= 0)
		return 0;
	r = str_printf(&path, "%s/" LOCK_FILE, l->dir);
	if (r < 0)
		return r;
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(l, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return fail(l, strerror(errno));
		(void)fail(l, "in use by another stagewatchd");
		return -EBUSY;
	}
	l->lock = TAKE_FD(fd);
	return 0;
}

static int first_text(void *userdata, int n, char **values, char **names)
{
	char **ret = userdata;

	(void)names;
	if (n > 0 && values[0])
		(void)str_replace(ret, values[0]);
	return 0;
}

/* To close it drops SQLite's locks on it, so the database is to be closed after this. */
static bool reads_to_its_end(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char bytes[16384];
	off_t at = 0;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT;
	while ((n = pread(fd, bytes, sizeof(bytes), at)) > 0)
		at += n;
	return n == 0;
}

/* SQLite's checks report a page that could not be read in the same way as one that is wrong: with
 * the error's code, or with none. */
static bool is_read_error(const struct ledger *l, const char *said)
{
	static const char *const texts[] = {
		"unable to get the page", "failed to get page", "failed to read ptrmap"};
	_cleanup_free_ char *wal = NULL;
	const char *code = strstr(said, "error code=");
	unsigned long number = code ? strtoul(code + strlen("error code="), NULL, 10) & 0xff : 0;

	if (number == SQLITE_IOERR || number == SQLITE_NOMEM)
		return true;
	for (size_t i = 0; i < ELEMENTSOF(texts); i++)
		if (strcasestr(said, texts[i]))
			return str_printf(&wal, "%s-wal", l->path) < 0 ||
			       !reads_to_its_end(l->path) || !reads_to_its_end(wal);
	return false;
}

/* Looks for damage. A database that is fine says "ok" and nothing else. Only the longer check looks
 * at the indexes, and so finds all that a statement may have found. */
static int check(struct ledger *l)
{
	const char *sql = l->suspect ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)";
	_cleanup_free_ char *said = NULL;
	char what[200];

	if (sqlite3_exec(l->db, sql, first_text, &said, NULL) != SQLITE_OK)
		return fail_sqlite(l);
	if (str_equal(said, "ok"))
		return 0;
	if (!said)
		return fail(l, "the look for damage gave no answer");
	if (is_read_error(l, said)) {
		(void)snprintf(what, sizeof(what), "it cannot be read: %.150s", said);
		return fail(l, what);
	}
	(void)snprintf(what, sizeof(what), "damaged: %.150s", said);
	return fail_damaged(l, what);
}

static int prepare(struct ledger *l)
{
	char what[80];
	int version = 0;
	int r;

	/* The mode is remembered in the file, the rest is of this connection. */
	if (sqlite3_exec(l->db,
		    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		    "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF",
		    NULL, NULL, NULL) != SQLITE_OK)
		return fail_sqlite(l);
	r = check(l);
	if (r < 0)
		return r;
	r = ledger_tables_migrate(l->db, l->schema, &version);
	if (r == -EBADMSG)
		return fail_damaged(l, "damaged: its tables are not those of a ledger");
	if (r == -EPROTO) {
		(void)snprintf(what, sizeof(what),
			"made by a newer stagewatchd (version %d of the tables)", version);
		return fail(l, what);
	}
	return r < 0 ? fail_sqlite(l) : 0;
}

/* SQLite's NOFOLLOW takes no link anywhere in the path, and with DynamicUser= the state directory
 * is one: the directory is resolved, the file itself must be none. */
static char *resolve(const struct ledger *l)
{
	_cleanup_free_ char *dir = realpath(l->dir, NULL);
	char *path = NULL;

	if (!dir)
		return NULL;
	if (str_printf(&path, "%s/" LEDGER_FILE, dir) < 0)
		errno = ENOMEM;
	return path;
}

static int open_sqlite(struct ledger *l, const char *path, int mode)
{
	if (sqlite3_open_v2(path, &l->db, mode | SQLITE_OPEN_NOFOLLOW, NULL) != SQLITE_OK)
		return fail_sqlite(l);
	(void)sqlite3_extended_result_codes(l->db, 1);
	return 0;
}

/* All but the place that it is to have. lost: in place of one that is damaged. Made here, so that
 * nobody else can ever read it; SQLite gives the same mode to its other files. */
static int make_draft(struct ledger *l, const char *draft, bool lost)
{
	_cleanup_close_ int fd = -1;
	int version = 0;
	int r;

	(void)unlink(draft);
	fd = open(draft, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(l, strerror(errno));
	r = open_sqlite(l, draft, SQLITE_OPEN_READWRITE);
	if (r < 0)
		return r;
	if (sqlite3_exec(l->db, "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = FULL", NULL,
		    NULL, NULL) != SQLITE_OK ||
		ledger_tables_migrate(l->db, l->schema, &version) < 0 ||
		(lost && ledger_tables_lost(
				 l->db, l->schema, l->kept ? strrchr(l->kept, '/') + 1 : NULL) < 0))
		return fail_sqlite(l);
	(void)sqlite3_close_v2(l->db);
	l->db = NULL;
	return 0;
}

/* A new one appears whole or not at all: one that is empty has lost what it held. */
static int create_database(struct ledger *l, const char *path, bool lost)
{
	static const char *const leftovers[] = {"-wal", "-shm"};
	_cleanup_free_ char *draft = NULL;
	_cleanup_close_ int dir = open(l->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (dir < 0)
		return fail(l, strerror(errno));
	r = str_printf(&draft, "%s.new", path);
	if (r >= 0)
		r = make_draft(l, draft, lost);
	for (size_t i = 0; r >= 0 && i < ELEMENTSOF(leftovers); i++) {
		_cleanup_free_ char *old = NULL;

		r = str_printf(&old, "%s%s", path, leftovers[i]);
		if (r >= 0)
			(void)unlink(old);
	}
	if (r < 0)
		return r;
	fault_point("ledger: a new one is made");
	return rename(draft, path) < 0 || fsync(dir) < 0 ? fail(l, strerror(errno)) : 0;
}

static void opened(struct ledger *l, const struct stat *st)
{
	l->dev = st->st_dev;
	l->ino = st->st_ino;
	l->generation++;
	free(l->trouble);
	l->trouble = NULL;
}

static int open_or_create(struct ledger *l, const char *path, bool lost)
{
	struct stat st;
	int r = 0;

	l->damaged = false;
	if (lstat(path, &st) < 0)
		r = errno == ENOENT ? create_database(l, path, lost) : fail(l, strerror(errno));
	if (r < 0)
		return r;
	if (lstat(path, &st) < 0)
		return fail(l, strerror(errno));
	if (st.st_size == 0)
		return fail_damaged(l, "damaged: it is empty");
	r = open_sqlite(l, path, SQLITE_OPEN_READWRITE);
	if (r >= 0)
		r = prepare(l);
	if (r < 0)
		return r;
	opened(l, &st);
	return 0;
}

/* A damaged one stays for people, under another name. */
static int set_aside(struct ledger *l, const char *path)
{
	_cleanup_free_ char *kept = NULL;
	_cleanup_free_ char *what = NULL;
	int r = ledger_aside(path, clock_realtime(), &kept);

	if (r >= 0) {
		free(l->kept);
		l->kept = TAKE_PTR(kept);
		return 0;
	}
	if (str_printf(&what, "%s; it cannot be moved away to make a new one: %s",
		    l->trouble ? l->trouble + strlen(l->path) + 2 : "damaged",
		    r == -EMFILE ? "others are kept beside it already" : strerror(-r)) >= 0)
		(void)fail(l, what);
	return -EIO;
}

/* What was begun before a crash: 1. The damaged one is told of now, if it was moved away. */
static int resume_aside(struct ledger *l, const char *path)
{
	_cleanup_free_ char *kept = NULL;
	int r = ledger_aside_resume(path, &kept);

	if (r < 0)
		return fail(l, strerror(-r));
	if (kept) {
		free(l->kept);
		l->kept = TAKE_PTR(kept);
	}
	return r;
}

static int open_database(struct ledger *l)
{
	_cleanup_free_ char *path = resolve(l);
	int begun;
	int r;

	if (!path)
		return fail(l, strerror(errno));
	begun = resume_aside(l, path);
	if (begun < 0)
		return begun;
	/* A person may have put a good one in its place; but one that is gone by now is lost. */
	l->suspect = l->damaged || begun > 0;
	r = open_or_create(l, path, l->suspect);
	if (r < 0 && l->damaged) {
		begun = 1;
		r = set_aside(l, path);
		if (r >= 0)
			r = open_or_create(l, path, true);
	}
	if (r >= 0 && begun > 0) {
		fault_point("ledger: a new one has its place");
		ledger_aside_done(path);
	}
	return r;
}

static int open_to_read(struct ledger *l, const char *path)
{
	char what[80];
	struct stat st;
	int version;
	int r;

	if (lstat(path, &st) < 0)
		return fail(l, strerror(errno));
	r = open_sqlite(l, path, SQLITE_OPEN_READONLY);
	if (r < 0)
		return r;
	(void)sqlite3_busy_timeout(l->db, READ_WAIT_MS);
	version = ledger_tables_version(l->db);
	if (version < 0)
		return fail_sqlite(l);
	if (version != (int)l->schema->n_steps) {
		(void)snprintf(what, sizeof(what),
			"made by another stagewatchd (version %d of the tables)", version);
		return fail(l, what);
	}
	opened(l, &st);
	return 0;
}

static int ledger_new(const char *dir, const struct ledger_schema *schema, struct ledger **ret)
{
	_cleanup_(ledger_freep) struct ledger *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->schema = schema;
	l->lock = -1;
	r = str_replace(&l->dir, dir);
	if (r >= 0)
		r = str_printf(&l->path, "%s/" LEDGER_FILE, dir);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(l);
	return 0;
}

int ledger_open_to_read(const char *dir, const struct ledger_schema *schema, struct ledger **ret)
{
	_cleanup_(ledger_freep) struct ledger *l = NULL;
	_cleanup_free_ char *path = NULL;
	int r;

	r = ledger_new(dir, schema, &l);
	if (r < 0)
		return r;
	path = resolve(l);
	if (!path && errno == ENOMEM)
		return -ENOMEM;
	if ((!path && errno == ENOENT) || (path && access(path, F_OK) < 0 && errno == ENOENT))
		return -ENOENT;
	if (path)
		(void)open_to_read(l, path);
	else
		(void)fail(l, strerror(errno));
	*ret = TAKE_PTR(l);
	return 0;
}

int ledger_open(const char *dir, const struct ledger_schema *schema, struct ledger **ret)
{
	_cleanup_(ledger_freep) struct ledger *l = NULL;
	int r;

	r = ledger_new(dir, schema, &l);
	if (r < 0)
		return r;
	r = take_lock(l);
	if (r == -ENOMEM)
		return r;
	if (r >= 0)
		(void)open_database(l);
	*ret = TAKE_PTR(l);
	return r == -EBUSY;
}

struct ledger *ledger_free(struct ledger *l)
{
	if (!l)
		return NULL;
	(void)sqlite3_close_v2(l->db);
	if (l->lock >= 0)
		(void)close(l->lock);
	free(l->dir);
	free(l->path);
	free(l->trouble);
	free(l->kept);
	free(l);
	return NULL;
}

bool ledger_usable(const struct ledger *l)
{
	return l && l->db;
}

const char *ledger_trouble(const struct ledger *l)
{
	return l->db ? NULL : l->trouble ? l->trouble : "out of memory";
}

const char *ledger_kept(const struct ledger *l)
{
	return l->kept;
}

unsigned ledger_generation(const struct ledger *l)
{
	return l->generation;
}

/* SQLite would go on writing to a file that nobody can find any more. */
static int guard(struct ledger *l)
{
	struct stat st;

	if (!l->db)
		return -EIO;
	if (stat(l->path, &st) < 0)
		return fail(l, errno == ENOENT ? "the file is gone" : strerror(errno));
	if (st.st_dev != l->dev || st.st_ino != l->ino)
		return fail(l, "the file was replaced by another one");
	if (st.st_size == 0)
		return fail_damaged(l, "damaged: it is empty");
	return 0;
}

bool ledger_recover(struct ledger *l)
{
	static const char touch[] =
		"INSERT OR REPLACE INTO meta (key, value) VALUES ('opened', strftime('%s', 'now'))";

	if (l->db)
		return guard(l) >= 0;
	if (take_lock(l) < 0 || open_database(l) < 0)
		return false;
	return ledger_run(l, touch, NULL, 0) >= 0;
}

static int bind(sqlite3_stmt *stmt, const struct ledger_value *args, size_t n)
{
	int r = SQLITE_OK;

	for (size_t k = 0; r == SQLITE_OK && k < n; k++) {
		int at = (int)k + 1;

		if (args[k].type == LEDGER_INT)
			r = sqlite3_bind_int64(stmt, at, args[k].i);
		else if (args[k].type == LEDGER_TEXT)
			r = sqlite3_bind_text(stmt, at, args[k].s, -1, SQLITE_STATIC);
		else
			r = sqlite3_bind_null(stmt, at);
	}
	return r;
}

static int give_row(sqlite3_stmt *stmt, ledger_row_fn fn, void *userdata)
{
	struct ledger_value row[LEDGER_MAX_COLUMNS];
	int n = sqlite3_column_count(stmt);

	if (n > LEDGER_MAX_COLUMNS)
		return -EINVAL;
	for (int k = 0; k < n; k++) {
		if (sqlite3_column_type(stmt, k) == SQLITE_NULL)
			row[k] = (struct ledger_value){0};
		else if (sqlite3_column_type(stmt, k) == SQLITE_INTEGER)
			row[k] = LEDGER_I(sqlite3_column_int64(stmt, k));
		else
			row[k] = LEDGER_S((const char *)sqlite3_column_text(stmt, k));
	}
	return fn ? fn(userdata, row, (size_t)n) : 0;
}

/* Whether it is the statement that is wrong, not the ledger. */
static bool is_our_fault(int code)
{
	code &= 0xff;
	return code == SQLITE_ERROR || code == SQLITE_CONSTRAINT || code == SQLITE_MISUSE ||
	       code == SQLITE_RANGE || code == SQLITE_TOOBIG || code == SQLITE_MISMATCH;
}

int ledger_query(struct ledger *l, const char *sql, const struct ledger_value *args, size_t n_args,
	ledger_row_fn fn, void *userdata)
{
	sqlite3_stmt *stmt = NULL;
	int r = guard(l);
	int code;

	if (r < 0)
		return r;
	l->error = 0;
	code = sqlite3_prepare_v2(l->db, sql, -1, &stmt, NULL);
	if (code == SQLITE_OK)
		code = bind(stmt, args, n_args);
	while (code == SQLITE_OK && r >= 0) {
		errno = 0;
		code = sqlite3_step(stmt);
		l->error = errno;
		if (code != SQLITE_ROW)
			break;
		r = give_row(stmt, fn, userdata);
		code = SQLITE_OK;
	}
	(void)sqlite3_finalize(stmt);
	if (code == SQLITE_OK || code == SQLITE_DONE)
		return r < 0 ? r : 0;
	return is_our_fault(code) ? -EINVAL : fail_sqlite(l);
}

int ledger_run(struct ledger *l, const char *sql, const struct ledger_value *args, size_t n_args)
{
	int r;

	if (!l->in_transaction)
		fault_point("ledger: before a write");
	r = ledger_query(l, sql, args, n_args, NULL, NULL);
	if (!l->in_transaction)
		fault_point("ledger: after a write");
	return r;
}

int ledger_begin(struct ledger *l)
{
	int r;

	if (l->in_transaction)
		return -EINVAL;
	r = ledger_query(l, "BEGIN IMMEDIATE", NULL, 0, NULL, NULL);
	if (r >= 0)
		l->in_transaction = true;
	return r;
}

int ledger_commit(struct ledger *l)
{
	int r;

	if (!l->in_transaction)
		return l->db ? -EINVAL : -EIO;
	fault_point("ledger: before a commit");
	r = ledger_query(l, "COMMIT", NULL, 0, NULL, NULL);
	fault_point("ledger: after a commit");
	if (r < 0)
		ledger_rollback(l);
	l->in_transaction = false;
	return r;
}

void ledger_rollback(struct ledger *l)
{
	if (l->in_transaction && l->db)
		(void)sqlite3_exec(l->db, "ROLLBACK", NULL, NULL, NULL);
	l->in_transaction = false;
}
