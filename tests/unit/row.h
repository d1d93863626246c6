/* SPDX-License-Identifier: Apache-2.0
 * Tests that are a table: one that fails says at which row.
 *
 *	for_each_row(r, table) { ... }      r->name: what the row is about
 *	row_test(a_test)                    in the list of tests
 *
 * A test with a teardown of its own calls row_tell() there. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The row at hand; NULL: none. Also to be set by hand, where there is no table. */
static const char *row_at;

#define for_each_row(r, table)                                                                     \
	for (typeof(&(table)[0]) r = (table);                                                      \
		(row_at = r < (table) + sizeof(table) / sizeof(*(table)) ? r->name : NULL) !=      \
		NULL;                                                                              \
		r++)

static inline int row_tell(void **state)
{
	(void)state;
	if (row_at)
		print_error("in the row \"%s\"\n", row_at);
	row_at = NULL;
	return 0;
}

#define row_test(f) cmocka_unit_test_teardown(f, row_tell)
