/* SPDX-License-Identifier: Apache-2.0
 * There is a place for every word that says why something failed: what has none is not counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "action/airflow.h"
#include "notify/notify.h"
#include "setup/stats.h"
#include "source/answer.h"

static void test_places(void **state)
{
	(void)state;
	assert_in_range(n_answer_reasons, 1, STATS_MAX_REASONS);
	assert_in_range(n_airflow_reasons, 1, STATS_MAX_REASONS);
	assert_in_range(n_notify_reasons, 1, STATS_MAX_REASONS);
}

static void test_every_word_is_counted(void **state)
{
	uint64_t counts[STATS_MAX_REASONS] = {0};

	(void)state;
	for (size_t i = 0; i < n_answer_reasons; i++)
		stats_count_reason(counts, answer_reasons, n_answer_reasons, answer_reasons[i]);
	for (size_t i = 0; i < n_answer_reasons; i++)
		assert_int_equal(counts[i], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_every_word_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
