/* SPDX-License-Identifier: Apache-2.0
 * The ledger: what is durable, what trouble looks like, and how it ends. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "io/fault_point.h"
#include "io/ledger.h"
#include "io/ledger_aside.h"

#define SET "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)"

static const char *const steps[] = {"CREATE TABLE meta (key TEXT PRIMARY KEY, value);"};
static const struct ledger_schema schema = {
	steps, ELEMENTSOF(steps), "INSERT INTO meta VALUES ('lost', 1 + (?1 IS NULL))"};

static bool sync_fails;

/* SQLite calls these; the test can make them fail as a dying disk does. */
int fsync(int fd)
{
	if (sync_fails) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	if (sync_fails) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static unsigned crash_at; /* 0: never */

static char wal_path[160];
static bool leave_wal;

/* In place of the one that does nothing. SQLite takes the -wal of a damaged one away where it can
 * read that; here it could not. */
void fault_point(const char *where)
{
	if (leave_wal && str_equal(where, "ledger: one is to be moved away"))
		write_file(wal_path, "this is no log\n");
	if (crash_at > 0 && --crash_at == 0)
		_exit(99);
}

static bool read_fails;

/* In place of SQLite's own: page 1 can be read, what comes after it cannot. */
static ssize_t read_badly(int fd, void *buf, size_t size, off_t at)
{
	if (read_fails && at >= 4096) {
		errno = EIO;
		return -1;
	}
	return (ssize_t)syscall(SYS_pread64, fd, buf, size, at);
}

struct place {
	char dir[64];
	char file[96];
};

static int make_place(void **state)
{
	static struct place p;

	(void)snprintf(p.dir, sizeof(p.dir), "/tmp/ledger-XXXXXX");
	assert_non_null(mkdtemp(p.dir));
	(void)snprintf(p.file, sizeof(p.file), "%s/" LEDGER_FILE, p.dir);
	(void)snprintf(wal_path, sizeof(wal_path), "%s-wal", p.file);
	leave_wal = false;
	sync_fails = false;
	*state = &p;
	return 0;
}

static int drop_place(void **state)
{
	struct place *p = *state;
	DIR *d = opendir(p->dir);
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)))
		(void)unlinkat(dirfd(d), e->d_name, 0);
	assert_int_equal(closedir(d), 0);
	return rmdir(p->dir);
}

static struct ledger *must_open(const struct place *p)
{
	struct ledger *l = NULL;

	assert_int_equal(ledger_open(p->dir, &schema, &l), 0);
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

/* -1: there is no such row. */
static int64_t get(struct ledger *l, const char *key)
{
	struct ledger_value arg = LEDGER_S(key);
	int64_t value = -1;

	assert_int_equal(
		ledger_query(l, "SELECT value FROM meta WHERE key = ?1", &arg, 1, take_int, &value),
		0);
	return value;
}

static void keeps_what_was_written(void **state)
{
	struct ledger *l = must_open(*state);
	struct stat st;

	assert_true(ledger_usable(l));
	assert_null(ledger_trouble(l));
	assert_int_equal(set(l, "a", 7), 0);
	ledger_free(l);
	l = must_open(*state);
	assert_int_equal(get(l, "a"), 7);
	assert_int_equal(stat(((struct place *)*state)->file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	ledger_free(l);
}

static void a_transaction_holds_as_a_whole(void **state)
{
	struct ledger *l = must_open(*state);

	assert_int_equal(ledger_begin(l), 0);
	assert_int_equal(ledger_begin(l), -EINVAL);
	assert_int_equal(set(l, "a", 1), 0);
	ledger_rollback(l);
	assert_int_equal(get(l, "a"), -1);
	assert_int_equal(ledger_begin(l), 0);
	assert_int_equal(set(l, "a", 1), 0);
	assert_int_equal(set(l, "b", 2), 0);
	assert_int_equal(ledger_commit(l), 0);
	assert_int_equal(ledger_commit(l), -EINVAL);
	assert_int_equal(get(l, "a") + get(l, "b"), 3);
	ledger_free(l);
}

static void a_wrong_statement_is_no_trouble(void **state)
{
	struct ledger *l = must_open(*state);

	assert_int_equal(ledger_run(l, "INSERT INTO nowhere VALUES (1)", NULL, 0), -EINVAL);
	assert_true(ledger_usable(l));
	assert_int_equal(set(l, "a", 1), 0);
	ledger_free(l);
}

static void a_second_daemon_is_refused(void **state)
{
	struct ledger *l = must_open(*state);
	struct ledger *other = NULL;

	assert_int_equal(ledger_open(((struct place *)*state)->dir, &schema, &other), 1);
	assert_false(ledger_usable(other));
	assert_non_null(strstr(ledger_trouble(other), "another stagewatchd"));
	assert_false(ledger_recover(other));
	ledger_free(l);
	assert_true(ledger_recover(other));
	assert_int_equal(set(other, "a", 1), 0);
	ledger_free(other);
}

static void it_is_read_beside_its_daemon(void **state)
{
	const char *dir = ((struct place *)*state)->dir;
	struct ledger *l = must_open(*state);
	struct ledger *reader = NULL;

	assert_int_equal(set(l, "a", 7), 0);
	assert_int_equal(ledger_open_to_read(dir, &schema, &reader), 0);
	assert_true(ledger_usable(reader));
	assert_int_equal(get(reader, "a"), 7);
	assert_true(set(reader, "a", 8) < 0);
	ledger_free(reader);
	ledger_free(l);
	/* Without its daemon, too. */
	assert_int_equal(ledger_open_to_read(dir, &schema, &reader), 0);
	assert_int_equal(get(reader, "a"), 7);
	ledger_free(reader);
}

static void what_is_read_is_there_and_known(void **state)
{
	const char *dir = ((struct place *)*state)->dir;
	const struct ledger_schema other = {.steps = schema.steps, .n_steps = 0};
	_cleanup_free_ char *none = NULL;
	struct ledger *reader = NULL;

	assert_int_equal(ledger_open_to_read(dir, &schema, &reader), -ENOENT);
	assert_int_equal(str_printf(&none, "%s/none", dir), 0);
	assert_int_equal(ledger_open_to_read(none, &schema, &reader), -ENOENT);
	assert_null(reader);
	ledger_free(must_open(*state));
	assert_int_equal(ledger_open_to_read(dir, &other, &reader), 0);
	assert_false(ledger_usable(reader));
	assert_non_null(strstr(ledger_trouble(reader), "made by another stagewatchd"));
	ledger_free(reader);
}

static void without_a_directory_it_waits_for_one(void **state)
{
	struct place *p = *state;
	struct ledger *l;

	assert_int_equal(rmdir(p->dir), 0);
	l = must_open(p);
	assert_false(ledger_usable(l));
	assert_non_null(strstr(ledger_trouble(l), "No such file"));
	assert_int_equal(set(l, "a", 1), -EIO);
	assert_false(ledger_recover(l));
	assert_int_equal(mkdir(p->dir, 0700), 0);
	assert_true(ledger_recover(l));
	assert_null(ledger_trouble(l));
	assert_int_equal(set(l, "a", 1), 0);
	ledger_free(l);
}

/* As systemd makes it with DynamicUser=: /var/lib/NAME leads to /var/lib/private/NAME. */
static void a_directory_may_be_a_link(void **state)
{
	struct place *p = *state;
	struct ledger *l = NULL;
	char link[80];

	(void)snprintf(link, sizeof(link), "%s-link", p->dir);
	assert_int_equal(symlink(p->dir, link), 0);
	assert_int_equal(ledger_open(link, &schema, &l), 0);
	assert_true(ledger_usable(l));
	assert_int_equal(set(l, "a", 7), 0);
	assert_true(ledger_recover(l));
	assert_int_equal(ledger_generation(l), 1);
	ledger_free(l);
	assert_int_equal(unlink(link), 0);
	l = must_open(p);
	assert_int_equal(get(l, "a"), 7);
	ledger_free(l);
}

static void the_file_may_not_be_a_link(void **state)
{
	struct place *p = *state;
	struct ledger *l;
	char away[96];

	(void)snprintf(away, sizeof(away), "%s/away", p->dir);
	assert_int_equal(symlink(away, p->file), 0);
	l = must_open(p);
	assert_false(ledger_usable(l));
	assert_int_equal(access(away, F_OK), -1);
	ledger_free(l);
}

static void assert_kept(const struct ledger *l, const char *text)
{
	char got[64] = "";
	FILE *f;

	assert_true(ledger_usable(l));
	assert_non_null(ledger_kept(l));
	assert_non_null(strstr(ledger_kept(l), "/" LEDGER_FILE ".damaged-2"));
	f = fopen(ledger_kept(l), "r");
	assert_non_null(f);
	assert_int_equal(fread(got, 1, sizeof(got) - 1, f), strlen(text));
	assert_string_equal(got, text);
	assert_int_equal(fclose(f), 0);
}

/* Somebody may still want to look at it; and the new one says what it is. */
static void a_damaged_one_is_kept_and_made_anew(void **state)
{
	struct place *p = *state;
	struct ledger *l;

	write_file(p->file, "this is no database\n");
	l = must_open(p);
	assert_kept(l, "this is no database\n");
	assert_int_equal(get(l, "lost"), 1);
	assert_int_equal(set(l, "a", 7), 0);
	ledger_free(l);
	l = must_open(p);
	assert_null(ledger_kept(l));
	assert_int_equal(get(l, "a"), 7);
	ledger_free(l);
}

/* What a disk leaves that lost it. */
static void an_empty_one_is_damaged(void **state)
{
	struct place *p = *state;
	struct ledger *l;

	write_file(p->file, "");
	l = must_open(p);
	assert_kept(l, "");
	ledger_free(l);
	l = must_open(p);
	assert_int_equal(set(l, "a", 1), 0);
	assert_int_equal(unlink(p->file), 0);
	assert_false(ledger_recover(l));
	assert_true(ledger_recover(l));
	assert_int_equal(get(l, "lost"), -1); /* that one was taken away by a person */
	assert_int_equal(truncate(p->file, 0), 0);
	assert_int_equal(set(l, "b", 1), -EIO);
	assert_non_null(strstr(ledger_trouble(l), "damaged: it is empty"));
	ledger_free(l);
}

/* Of something else, or one from which a table was taken. */
static void a_database_without_our_tables_is_damaged(void **state)
{
	static const char *const orders[] = {"DROP TABLE meta",
		"ALTER TABLE meta RENAME COLUMN value TO v", "PRAGMA user_version = 0"};
	struct place *p = *state;

	for (size_t i = 0; i < ELEMENTSOF(orders); i++) {
		struct ledger *l = must_open(p);
		sqlite3 *db = NULL;

		ledger_free(l);
		assert_int_equal(sqlite3_open(p->file, &db), SQLITE_OK);
		assert_int_equal(sqlite3_exec(db, orders[i], NULL, NULL, NULL), SQLITE_OK);
		(void)sqlite3_close(db);
		l = must_open(p);
		assert_true(ledger_usable(l));
		assert_non_null(ledger_kept(l));
		assert_int_equal(get(l, "lost"), 1);
		assert_int_equal(unlink(ledger_kept(l)), 0); /* two in one second have one name */
		ledger_free(l);
	}
}

/* Of a tool that copies it, or of a person. */
static void tables_of_others_are_left_alone(void **state)
{
	struct place *p = *state;
	struct ledger *l = must_open(p);
	sqlite3 *db = NULL;

	assert_int_equal(set(l, "a", 7), 0);
	ledger_free(l);
	assert_int_equal(sqlite3_open(p->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				 "CREATE TABLE _x (y); CREATE TABLE z (a);"
				 "ALTER TABLE meta ADD COLUMN more",
				 NULL, NULL, NULL),
		SQLITE_OK);
	(void)sqlite3_close(db);
	l = must_open(p);
	assert_true(ledger_usable(l));
	assert_null(ledger_kept(l));
	assert_int_equal(get(l, "a"), 7);
	assert_int_equal(set(l, "a", 8), 0);
	ledger_free(l);
}

static unsigned count_kept(const struct place *p, const char *end)
{
	DIR *d = opendir(p->dir);
	struct dirent *e;
	unsigned n = 0;

	assert_non_null(d);
	while ((e = readdir(d)))
		n += strncmp(e->d_name, LEDGER_FILE ".damaged-", strlen(LEDGER_FILE) + 9) == 0 &&
		     str_equal(e->d_name + strlen(e->d_name) - strlen(end), end);
	assert_int_equal(closedir(d), 0);
	return n;
}

/* Opens it in a process that ends at the n-th place where a crash matters; false: there are not so
 * many. */
static bool crashes_at(const struct place *p, unsigned n)
{
	pid_t pid = fork();
	int status;

	assert_return_code(pid, errno);
	if (pid == 0) {
		crash_at = n;
		_exit(ledger_usable(must_open(p)) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) != 99)
		assert_int_equal(WEXITSTATUS(status), 0);
	return WEXITSTATUS(status) == 99;
}

/* Wherever that is: there is one that is kept with its -wal, and the next start says where, or the
 * new one does. */
static void a_crash_while_one_is_moved_away(void **state)
{
	struct place *p = *state;
	char mark[160];
	unsigned n = 1;
	bool crashed;
	bool made;

	(void)snprintf(mark, sizeof(mark), "%s.lost", p->file);
	do {
		struct ledger *l;

		write_file(p->file, "this is no database\n");
		leave_wal = true;
		crashed = crashes_at(p, n++);
		made = count_kept(p, "Z") == 1 && access(p->file, F_OK) == 0;
		l = must_open(p);
		assert_true(ledger_usable(l));
		assert_int_equal(get(l, "lost"), 1);
		if (!made)
			assert_kept(l, "this is no database\n");
		assert_int_equal(count_kept(p, "-wal"), 1);
		assert_int_equal(count_kept(p, "Z"), 1);
		assert_int_equal(access(mark, F_OK), -1);
		ledger_free(l);
		assert_int_equal(drop_place(state), 0);
		assert_int_equal(make_place(state), 0);
	} while (crashed);
	assert_true(n > 5);
}

/* What a person has put there after the crash is taken, and nothing is moved away but what was
 * damaged. */
static void one_that_is_restored_after_such_a_crash_stays(void **state)
{
	struct place *p = *state;
	struct ledger *l;
	unsigned n = 1;

	for (bool crashed = true; crashed; n++) {
		char good[160];

		(void)snprintf(good, sizeof(good), "%s.good", p->file);
		l = must_open(p);
		assert_int_equal(set(l, "a", 7), 0);
		ledger_free(l);
		assert_int_equal(rename(p->file, good), 0);
		write_file(p->file, "this is no database\n");
		leave_wal = true;
		crashed = crashes_at(p, n);
		assert_int_equal(rename(good, p->file), 0);
		l = must_open(p);
		assert_true(ledger_usable(l));
		assert_null(ledger_kept(l));
		assert_int_equal(get(l, "a"), 7);
		assert_int_equal(get(l, "lost"), -1);
		ledger_free(l);
		assert_int_equal(drop_place(state), 0);
		assert_int_equal(make_place(state), 0);
	}
	assert_true(n > 5);
}

/* The mark is there and says nothing, and no database is: it is as lost as one that is kept. */
static void a_mark_without_a_name(void **state)
{
	static const char *const texts[] = {
		"", "../" LEDGER_FILE ".damaged-1", LEDGER_FILE ".damaged-/../../x", "else"};
	struct place *p = *state;
	char mark[160];

	(void)snprintf(mark, sizeof(mark), "%s.lost", p->file);
	for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
		struct ledger *l;

		write_file(mark, texts[i]);
		l = must_open(p);
		assert_true(ledger_usable(l));
		assert_null(ledger_kept(l));
		assert_int_equal(get(l, "lost"), 2);
		assert_int_equal(access(mark, F_OK), -1);
		ledger_free(l);
		assert_int_equal(unlink(p->file), 0);
	}
}

/* A disk that damages each new one is not filled with them. */
static void no_more_than_some_are_kept(void **state)
{
	struct place *p = *state;
	struct ledger *l;
	char path[160];
	size_t length;

	for (int i = 0; i < LEDGER_ASIDE_MAX; i++) {
		(void)snprintf(path, sizeof(path), "%s.damaged-%d", p->file, i);
		write_file(path, "x");
	}
	write_file(p->file, "rubbish");
	l = must_open(p);
	assert_false(ledger_usable(l));
	assert_non_null(strstr(ledger_trouble(l), "others are kept beside it already"));
	assert_int_equal(access(p->file, F_OK), 0);
	length = strlen(ledger_trouble(l));
	assert_false(ledger_recover(l));
	assert_int_equal(strlen(ledger_trouble(l)), length);
	assert_int_equal(unlink(path), 0);
	assert_true(ledger_recover(l));
	ledger_free(l);
}

/* Killed while it made one: what there is of it counts for nothing. */
static void one_that_was_never_finished_is_made_anew(void **state)
{
	struct place *p = *state;
	char draft[160];
	struct ledger *l;

	(void)snprintf(draft, sizeof(draft), "%s.new", p->file);
	write_file(draft, "half of");
	l = must_open(p);
	assert_int_equal(set(l, "a", 1), 0);
	assert_int_equal(access(draft, F_OK), -1);
	ledger_free(l);
}

/* What a ledger wrote that is gone is no part of the next one. */
static void the_log_of_a_lost_one_does_not_count(void **state)
{
	struct place *p = *state;
	struct ledger *l = must_open(p);

	assert_int_equal(set(l, "a", 1), 0);
	assert_int_equal(unlink(p->file), 0);
	assert_false(ledger_recover(l));
	assert_true(ledger_recover(l));
	assert_int_equal(get(l, "a"), -1);
	assert_int_equal(set(l, "b", 2), 0);
	ledger_free(l);
	l = must_open(p);
	assert_int_equal(get(l, "b"), 2);
	assert_int_equal(get(l, "a"), -1);
	ledger_free(l);
}

/* A page in the middle overwritten: the header is fine, the content is not. */
static void a_damaged_page_is_found(void **state)
{
	struct place *p = *state;
	struct ledger *l = must_open(p);
	char rubbish[4096];
	FILE *f;

	assert_int_equal(set(l, "a", 1), 0);
	ledger_free(l);
	memset(rubbish, 0xa5, sizeof(rubbish));
	f = fopen(p->file, "r+");
	assert_non_null(f);
	assert_int_equal(fseek(f, 4096, SEEK_SET), 0);
	assert_int_equal(fwrite(rubbish, sizeof(rubbish), 1, f), 1);
	assert_int_equal(fclose(f), 0);
	l = must_open(p);
	assert_true(ledger_usable(l));
	assert_non_null(ledger_kept(l));
	ledger_free(l);
}

/* Pages beyond those that were asked for while it was open. */
static void damage_while_it_is_open_is_found(void **state)
{
	struct place *p = *state;
	struct ledger *l = must_open(p);

	assert_int_equal(set(l, "a", 1), 0);
	assert_int_equal(truncate(p->file, 0), 0);
	assert_int_equal(set(l, "a", 2), -EIO);
	assert_true(ledger_recover(l));
	assert_non_null(ledger_kept(l));
	assert_int_equal(get(l, "a"), -1);
	assert_int_equal(set(l, "a", 3), 0);
	ledger_free(l);
}

/* A disk that does not answer now: nothing is known to be wrong with the file. */
static void what_cannot_be_read_is_not_damaged(void **state)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	struct ledger *l = must_open(*state);

	assert_int_equal(set(l, "a", 7), 0);
	ledger_free(l);
	assert_int_equal(vfs->xSetSystemCall(vfs, "pread64", (sqlite3_syscall_ptr)read_badly), 0);
	read_fails = true;
	l = must_open(*state);
	assert_false(ledger_usable(l));
	assert_non_null(strstr(ledger_trouble(l), "cannot be read"));
	assert_false(ledger_recover(l));
	assert_null(ledger_kept(l));
	read_fails = false;
	assert_true(ledger_recover(l));
	assert_null(ledger_kept(l));
	assert_int_equal(get(l, "a"), 7);
	ledger_free(l);
	assert_int_equal(vfs->xSetSystemCall(vfs, "pread64", NULL), 0);
}

static void copy_file(const char *from, const char *to)
{
	char bytes[65536];
	FILE *f = fopen(from, "r");
	size_t n;

	assert_non_null(f);
	n = fread(bytes, 1, sizeof(bytes), f);
	assert_true(n > 0 && n < sizeof(bytes));
	assert_int_equal(fclose(f), 0);
	f = fopen(to, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* Whoever mends it while the daemon runs is not thwarted. */
static void a_copy_put_back_is_taken(void **state)
{
	struct place *p = *state;
	struct ledger *l = must_open(p);
	char copy[160];

	(void)snprintf(copy, sizeof(copy), "%s/copy", p->dir);
	assert_int_equal(set(l, "a", 7), 0);
	ledger_free(l);
	copy_file(p->file, copy);
	l = must_open(p);
	assert_int_equal(truncate(p->file, 0), 0);
	assert_int_equal(set(l, "a", 8), -EIO);
	copy_file(copy, p->file);
	assert_true(ledger_recover(l));
	assert_null(ledger_kept(l));
	assert_int_equal(get(l, "a"), 7);
	/* Gone rather than mended: what it held is lost. */
	assert_int_equal(truncate(p->file, 0), 0);
	assert_int_equal(set(l, "a", 8), -EIO);
	assert_int_equal(unlink(p->file), 0);
	assert_true(ledger_recover(l));
	assert_int_equal(get(l, "lost"), 2); /* nothing is kept */
	ledger_free(l);
}

static void a_file_that_vanishes_is_noticed(void **state)
{
	struct place *p = *state;
	struct ledger *l = must_open(p);
	unsigned generation = ledger_generation(l);

	assert_int_equal(set(l, "a", 1), 0);
	assert_int_equal(unlink(p->file), 0);
	assert_int_equal(set(l, "b", 1), -EIO);
	assert_non_null(strstr(ledger_trouble(l), "gone"));
	assert_true(ledger_recover(l));
	assert_true(ledger_generation(l) != generation);
	assert_int_equal(get(l, "a"), -1);
	ledger_free(l);
}

static void a_file_that_is_replaced_is_noticed(void **state)
{
	struct place *p = *state;
	struct ledger *l = must_open(p);
	char away[96];

	(void)snprintf(away, sizeof(away), "%s/away", p->dir);
	assert_int_equal(rename(p->file, away), 0);
	write_file(p->file, "another");
	assert_false(ledger_recover(l));
	assert_non_null(strstr(ledger_trouble(l), "replaced"));
	assert_true(ledger_recover(l));
	assert_kept(l, "another");
	ledger_free(l);
}

static int n_open_files(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

struct nested {
	struct ledger *l;
	const char *file;
};

static int fail_within(void *userdata, const struct ledger_value *row, size_t n)
{
	const struct nested *q = userdata;

	(void)row;
	(void)n;
	assert_int_equal(unlink(q->file), 0);
	return ledger_query(q->l, "SELECT 1", NULL, 0, NULL, NULL);
}

static void a_query_within_another_fails_and_leaves_nothing_open(void **state)
{
	struct place *p = *state;
	int before = n_open_files();
	struct nested q = {must_open(p), p->file};

	assert_int_equal(set(q.l, "a", 1), 0);
	assert_int_equal(ledger_query(q.l, "SELECT key FROM meta", NULL, 0, fail_within, &q), -EIO);
	ledger_free(q.l);
	assert_int_equal(n_open_files(), before);
}

static void a_failed_sync_is_trouble_until_it_works(void **state)
{
	struct ledger *l = must_open(*state);

	sync_fails = true;
	assert_int_equal(set(l, "a", 1), -EIO);
	assert_false(ledger_usable(l));
	assert_non_null(strstr(ledger_trouble(l), "disk I/O error"));
	assert_false(ledger_recover(l));
	sync_fails = false;
	assert_true(ledger_recover(l));
	assert_int_equal(set(l, "a", 2), 0);
	assert_int_equal(get(l, "a"), 2);
	ledger_free(l);
}

static void a_full_disk_is_trouble_until_there_is_room(void **state)
{
	struct ledger *l = must_open(*state);
	struct rlimit old;
	struct rlimit small = {0};
	int r = 0;

	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_cur = 64 * 1024;
	small.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (int i = 0; i < 1000 && r >= 0; i++)
		r = set(l, "a", i);
	assert_int_equal(r, -EIO);
	assert_false(ledger_usable(l));
	assert_non_null(strstr(ledger_trouble(l), strerror(EFBIG)));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_true(ledger_recover(l));
	assert_int_equal(set(l, "b", 5), 0);
	assert_int_equal(get(l, "b"), 5);
	ledger_free(l);
}

static void a_newer_one_is_left_alone(void **state)
{
	struct place *p = *state;
	struct ledger *l = must_open(p);
	sqlite3 *db = NULL;

	ledger_free(l);
	assert_int_equal(sqlite3_open(p->file, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db, "PRAGMA user_version = 9999", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	l = must_open(p);
	assert_false(ledger_usable(l));
	assert_non_null(strstr(ledger_trouble(l), "newer stagewatchd (version 9999"));
	ledger_free(l);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_place, drop_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(keeps_what_was_written),
		CASE(a_transaction_holds_as_a_whole),
		CASE(a_wrong_statement_is_no_trouble),
		CASE(a_second_daemon_is_refused),
		CASE(it_is_read_beside_its_daemon),
		CASE(what_is_read_is_there_and_known),
		CASE(without_a_directory_it_waits_for_one),
		CASE(a_directory_may_be_a_link),
		CASE(the_file_may_not_be_a_link),
		CASE(a_damaged_one_is_kept_and_made_anew),
		CASE(an_empty_one_is_damaged),
		CASE(a_database_without_our_tables_is_damaged),
		CASE(tables_of_others_are_left_alone),
		CASE(a_crash_while_one_is_moved_away),
		CASE(one_that_is_restored_after_such_a_crash_stays),
		CASE(a_mark_without_a_name),
		CASE(no_more_than_some_are_kept),
		CASE(damage_while_it_is_open_is_found),
		CASE(one_that_was_never_finished_is_made_anew),
		CASE(the_log_of_a_lost_one_does_not_count),
		CASE(a_damaged_page_is_found),
		CASE(what_cannot_be_read_is_not_damaged),
		CASE(a_copy_put_back_is_taken),
		CASE(a_file_that_vanishes_is_noticed),
		CASE(a_file_that_is_replaced_is_noticed),
		CASE(a_query_within_another_fails_and_leaves_nothing_open),
		CASE(a_failed_sync_is_trouble_until_it_works),
		CASE(a_full_disk_is_trouble_until_there_is_room),
		CASE(a_newer_one_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
