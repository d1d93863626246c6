/* SPDX-License-Identifier: Apache-2.0
 * Whose note it is, of which try. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "core/act/claim.h"

#define OURS "replica a, incident 1"

static void test_looks(void **state)
{
	static const struct {
		const char *note;
		enum claim_seen seen;
	} rows[] = {
		{NULL, CLAIM_NONE},
		{"", CLAIM_NONE},
		{"a person's words", CLAIM_NONE},
		{"stagewatchd: Spark stage 1", CLAIM_NONE},
		{"stagewatchd, try 2, " OURS ": Spark stage 1", CLAIM_OURS},
		{"see below\nstagewatchd, try 2, " OURS ": Spark stage 1", CLAIM_OURS},
		{"stagewatchd, try 2, replica b, incident 1: x", CLAIM_ANOTHERS},
		{"stagewatchd, try 2, replica a, incident 2: x", CLAIM_ANOTHERS},
		{"stagewatchd, try 2, replica a, incident 11: x", CLAIM_ANOTHERS},
		{"stagewatchd, try 2, " OURS ": x; stagewatchd, try 2, replica b, incident 1: x",
			CLAIM_ANOTHERS},
		/* It stays when a task instance is cleared. */
		{"stagewatchd, try 1, replica b, incident 1: x", CLAIM_NONE},
		{"stagewatchd, try 21, replica b, incident 1: x", CLAIM_NONE},
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(rows); i++)
		assert_int_equal(claim_look(rows[i].note, 2, OURS), rows[i].seen);
}

static void test_what_is_written_is_ours(void **state)
{
	char *head = NULL;

	(void)state;
	assert_int_equal(claim_head(2, OURS, &head), 0);
	assert_string_equal(head, "stagewatchd, try 2, " OURS);
	free(head);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_looks),
		cmocka_unit_test(test_what_is_written_is_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
