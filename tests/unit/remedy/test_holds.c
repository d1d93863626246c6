/* SPDX-License-Identifier: Apache-2.0
 * The pause, and the ledgers that come and go under it. */
#include "remedy/holds.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../fake_clock.h"
#include "store/schema.h"

struct place {
	char dir[64];
	char file[96];
	struct incident_list incidents;
	struct ledger *ledger;
	struct holds *holds;
};

static void on_begun(void *userdata)
{
	(void)userdata;
}

static int set_up(void **state)
{
	static struct place p;

	p = (struct place){0};
	(void)strcpy(p.dir, "/tmp/holds-XXXXXX");
	assert_non_null(mkdtemp(p.dir));
	(void)snprintf(p.file, sizeof(p.file), "%s/" LEDGER_FILE, p.dir);
	assert_int_equal(ledger_open(p.dir, &store_schema, &p.ledger), 0);
	*state = &p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;
	DIR *d = opendir(p->dir);
	struct dirent *e;

	holds_free(p->holds);
	ledger_free(p->ledger);
	assert_non_null(d);
	while ((e = readdir(d)))
		(void)unlinkat(dirfd(d), e->d_name, 0);
	assert_int_equal(closedir(d), 0);
	return rmdir(p->dir);
}

static void begin(struct place *p)
{
	const struct holds_context context = {.incidents = &p->incidents,
		.ledger = p->ledger,
		.clock = &clock_kernel,
		.begun = on_begun};

	assert_int_equal(holds_new(&context, &p->holds), 0);
}

/* A new ledger is in its place, with the pause of one that was lost. */
static void damage(struct place *p)
{
	assert_int_equal(truncate(p->file, 0), 0);
	assert_false(ledger_recover(p->ledger));
	assert_true(ledger_recover(p->ledger));
	assert_non_null(ledger_kept(p->ledger));
}

static void pause_for(struct place *p, usec_t length)
{
	_cleanup_free_ char *err = NULL;
	const struct pause_ask ask = {.who = "somebody", .reason = "a test", .length = length};

	assert_int_equal(holds_pause(p->holds, &ask, &err), 0);
}

/* Once the daemon has read the ledger and not yet its actions, and after a restart. */
static void the_pause_of_a_lost_ledger_stays(void **state)
{
	struct place *p = *state;

	begin(p);
	assert_null(holds_paused(p->holds));
	damage(p);
	holds_reload(p->holds);
	for (int i = 0; i < 2; i++) {
		holds_tick(p->holds);
		assert_non_null(strstr(holds_paused(p->holds), "the ledger was damaged"));
		assert_non_null(strstr(holds_paused(p->holds), "kept as ledger.db.damaged-"));
	}
	holds_free(p->holds);
	begin(p);
	assert_non_null(strstr(holds_paused(p->holds), "the ledger was damaged"));
	assert_true(holds_resume(p->holds, "somebody"));
	assert_null(holds_paused(p->holds));
}

/* What was acted upon is known, and is written again. */
static void a_daemon_that_knows_the_past_takes_it_away(void **state)
{
	struct place *p = *state;

	begin(p);
	damage(p);
	holds_tick(p->holds);
	assert_null(holds_paused(p->holds));
	holds_free(p->holds);
	begin(p);
	assert_null(holds_paused(p->holds));
}

static void the_pause_that_ends_last_holds(void **state)
{
	struct place *p = *state;

	begin(p);
	pause_for(p, USEC_PER_MINUTE);
	holds_reload(p->holds);
	assert_non_null(strstr(holds_paused(p->holds), "a test"));
	damage(p);
	holds_reload(p->holds);
	assert_non_null(strstr(holds_paused(p->holds), "the ledger was damaged"));
	assert_int_equal(unlink(p->file), 0);
	assert_false(ledger_recover(p->ledger));
	assert_true(ledger_recover(p->ledger));
	holds_reload(p->holds);
	assert_non_null(strstr(holds_paused(p->holds), "the ledger was damaged"));
}

/* It comes back between two ticks: what it holds is not known, and may be a pause. */
static void what_was_not_read_counts_as_a_pause(void **state)
{
	struct place *p = *state;
	char away[96];

	begin(p);
	pause_for(p, 0);
	p->holds = holds_free(p->holds);
	p->ledger = ledger_free(p->ledger);
	(void)snprintf(away, sizeof(away), "%s/away", p->dir);
	assert_int_equal(rename(p->file, away), 0);
	assert_int_equal(symlink(away, p->file), 0);
	assert_int_equal(ledger_open(p->dir, &store_schema, &p->ledger), 0);
	begin(p);
	assert_null(holds_paused(p->holds)); /* the ledger itself objects */
	assert_int_equal(rename(away, p->file), 0);
	assert_true(ledger_recover(p->ledger));
	assert_non_null(strstr(holds_paused(p->holds), "was not read yet"));
	holds_tick(p->holds);
	assert_non_null(strstr(holds_paused(p->holds), "a test"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_pause_of_a_lost_ledger_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_daemon_that_knows_the_past_takes_it_away, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_pause_that_ends_last_holds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_was_not_read_counts_as_a_pause, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
