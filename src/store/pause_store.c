/* SPDX-License-Identifier: Apache-2.0
 * One row of the ledger. */
#include "store/pause_store.h"

#include <errno.h>

int pause_store_save(struct ledger *l, const struct pause_record *r)
{
	if (!r)
		return ledger_run(l, "DELETE FROM pause", NULL, 0);
	const struct ledger_value args[] = {
		LEDGER_S(r->reason),
		LEDGER_S(r->who),
		LEDGER_I(r->since),
		LEDGER_I(r->length),
		LEDGER_I(r->until_wall),
		LEDGER_I(r->until),
		LEDGER_S(r->boot),
	};

	return ledger_run(l,
		"INSERT OR REPLACE INTO pause (id, reason, who, since, length, until_wall,"
		" until_boot, boot) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		args, ELEMENTSOF(args));
}

static int on_row(void *userdata, const struct ledger_value *row, size_t n)
{
	struct pause_record *rec = userdata;
	int r;

	if (n != 7)
		return -EINVAL;
	rec->since = (usec_t)row[2].i;
	rec->length = (usec_t)row[3].i;
	rec->until_wall = (usec_t)row[4].i;
	rec->until = (usec_t)row[5].i;
	r = str_replace(&rec->reason, row[0].s);
	if (r >= 0)
		r = str_replace(&rec->who, row[1].s);
	return r < 0 ? r : str_replace(&rec->boot, row[6].s);
}

int pause_store_load(struct ledger *l, struct pause_record *ret)
{
	struct pause_record rec = {0};
	int r;

	r = ledger_query(l,
		"SELECT reason, who, since, length, until_wall, until_boot, boot FROM pause"
		" WHERE id = 1",
		NULL, 0, on_row, &rec);
	if (r < 0) {
		pause_record_clear(&rec);
		return r;
	}
	*ret = rec;
	return rec.reason != NULL;
}
