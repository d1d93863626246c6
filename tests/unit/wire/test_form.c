/* SPDX-License-Identifier: Apache-2.0
 * Fields of forms. */
#include "wire/form.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../row.h"
#include "base/cleanup.h"

static void test_fields(void **state)
{
	static const struct {
		const char *name; /* the body */
		int r;
		const char *value;
	} rows[] = {
		{"a=1", 1, "1"},
		{"b=2&a=1&c", 1, "1"},
		{"a=", 1, ""},
		{"a=x+y%20z%2B%26%3d", 1, "x y z+&="},
		{"a=1%262&", 1, "1&2"},
		{"a=%C3%A4", 1, "\xc3\xa4"},
		{"a==", 1, "="},
		{"", 0, NULL},
		{"a", 0, NULL},
		{"aa=1&b=a=1", 0, NULL},
		{"A=1", 0, NULL},
		{"a=1&a=1", -EBADMSG, NULL},
		{"a=%", -EBADMSG, NULL},
		{"a=%4", -EBADMSG, NULL},
		{"a=%4&b=41", -EBADMSG, NULL},
		{"a=%zz", -EBADMSG, NULL},
		{"a=%00", -EBADMSG, NULL},
		{"a=%0a", -EBADMSG, NULL},
		{"a=%7f", -EBADMSG, NULL},
		{"a=%C3", -EBADMSG, NULL},
		{"a=%FF", -EBADMSG, NULL},
	};

	(void)state;
	for_each_row(r, rows)
	{
		_cleanup_free_ char *value = NULL;

		assert_int_equal(form_field_decode(r->name, "a", &value), r->r);
		if (r->value)
			assert_string_equal(value, r->value);
		else
			assert_null(value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
