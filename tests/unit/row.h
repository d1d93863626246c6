/* SPDX-License-Identifier: Apache-2.0
 * Tests that are a table: one that fails says at which row.
 *
 *	for_each_row(r, table) { ... }      r->name: what the row is about
 *	each_row(i, table) { ... }          rows without a name: their number
 *
 * cmocka_unit_test() of who includes this tells it; a test with a teardown of its own calls
 * row_tell() there. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* The row at hand; NULL: none. Also to be set by hand, where there is no table. */
static const char *row_at;

#define for_each_row(r, table)                                                                     \
	for (typeof(&(table)[0]) r = (table);                                                      \
		(row_at = r < (table) + sizeof(table) / sizeof(*(table)) ? r->name : NULL) !=      \
		NULL;                                                                              \
		r++)

static inline bool row_number(size_t i, size_t n, const char *table)
{
	static char text[64];

	(void)snprintf(text, sizeof(text), "%zu of %s, from 0", i, table);
	row_at = i < n ? text : NULL;
	return i < n;
}

#define each_row(i, table)                                                                         \
	for (size_t i = 0; row_number(i, sizeof(table) / sizeof(*(table)), #table); i++)

static inline int row_tell(void **state)
{
	(void)state;
	if (row_at)
		print_error("in the row \"%s\"\n", row_at);
	row_at = NULL;
	return 0;
}

#undef cmocka_unit_test
#define cmocka_unit_test(f) cmocka_unit_test_teardown(f, row_tell)
