/* SPDX-License-Identifier: Apache-2.0
 * Reads what became of hangs that would have been acted upon. */
#include "store/observed_store.h"

#include <errno.h>

struct reading {
	const struct incident_list *besides;
	struct observed *ret;
};

static int on_row(void *userdata, const struct ledger_value *row, size_t n)
{
	struct reading *r = userdata;
	struct observed_hang h = {.rule = row[0].s};

	if (n != 5 || !row[0].s || !row[1].s || !row[4].s)
		return -EINVAL;
	if (incident_by_id(r->besides, row[4].s))
		return 0;
	if (remedy_outcome_from_name(row[1].s, &h.outcome) < 0)
		return 0; /* of a later version */
	h.hung = (usec_t)row[2].i;
	h.ended = (usec_t)row[3].i;
	return observed_add(r->ret, &h);
}

int observed_store_read(struct ledger *l, const struct incident_list *besides, struct observed *ret)
{
	struct reading r = {.besides = besides, .ret = ret};

	if (!ledger_usable(l))
		return -ENOTCONN;
	return ledger_query(l,
		"SELECT rule, outcome, changed, ended, id FROM incidents WHERE decided_dry = 1"
		" ORDER BY opened",
		NULL, 0, on_row, &r);
}
