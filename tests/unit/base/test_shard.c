/* SPDX-License-Identifier: Apache-2.0
 * Parts of all ids. */
#include "base/shard.h"

#include <errno.h>
#include <stdio.h>

#include "../row.h"

#define N_IDS 3000

static void texts(void **state)
{
	static const struct {
		const char *text;
		struct shard is; /* all zero: it is refused */
	} rows[] = {
		{"1/1", {1, 1}},
		{"2/3", {2, 3}},
		{"1000/1000", {1000, 1000}},
		{"0/3", {0}},
		{"4/3", {0}},
		{"1/0", {0}},
		{"1/1001", {0}},
		{"", {0}},
		{"3", {0}},
		{"/", {0}},
		{"1/", {0}},
		{"/3", {0}},
		{"1/2/3", {0}},
		{"-1/3", {0}},
		{"1/3x", {0}},
		{"99999999999999999999/3", {0}},
	};

	(void)state;
	each_row(i, rows)
	{
		struct shard s = {0};
		int r = shard_parse(rows[i].text, &s);

		assert_int_equal(r, rows[i].is.n ? 0 : -EINVAL);
		assert_int_equal(s.k, rows[i].is.k);
		assert_int_equal(s.n, rows[i].is.n);
	}
}

static void each_id_is_of_one_shard(void **state)
{
	static const uint64_t sizes[] = {1, 2, 3, 7, 16};

	(void)state;
	each_row(i, sizes)
	{
		unsigned n_of[16] = {0};

		for (unsigned id = 0; id < N_IDS; id++) {
			char text[40];
			unsigned n = 0;

			(void)snprintf(text, sizeof(text), "app-20260101000000-%04u", id);
			for (uint64_t k = 1; k <= sizes[i]; k++) {
				struct shard s = {k, sizes[i]};
				bool has = shard_has(&s, text);

				n += has;
				n_of[k - 1] += has;
			}
			assert_int_equal(n, 1);
		}
		/* None has a fifth more than its part, or less. */
		for (uint64_t k = 0; k < sizes[i]; k++)
			assert_in_range(
				n_of[k], N_IDS / sizes[i] * 8 / 10, N_IDS / sizes[i] * 12 / 10);
	}
}

/* Two versions of the program must agree. */
static void the_hash_stays(void **state)
{
	static const struct {
		const char *id;
		uint64_t k; /* of 1000 */
	} rows[] = {
		{"app-20260101000000-0001", 381},
		{"application_1700000000000_0042", 914},
		{"spark-8a1b2c3d4e5f", 983},
	};

	(void)state;
	each_row(i, rows)
	{
		uint64_t k = 1;

		while (k < 1000 && !shard_has(&(struct shard){k, 1000}, rows[i].id))
			k++;
		assert_int_equal(k, rows[i].k);
	}
}

static void none_is_everything(void **state)
{
	static const struct shard none = {0};

	(void)state;
	assert_true(shard_has(&none, "app-1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
		cmocka_unit_test(each_id_is_of_one_shard),
		cmocka_unit_test(the_hash_stays),
		cmocka_unit_test(none_is_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
