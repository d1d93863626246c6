/* SPDX-License-Identifier: Apache-2.0
 * Compares tries. */
#include <errno.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "core/act/ti_identity.h"

int ti_identity_of(const struct ti_obs *t, struct ti_identity *ret)
{
	struct ti_identity i = {.try_number = t->try_number, .started = t->started, .pid = t->pid};

	if (str_replace(&i.id, t->id) < 0 || str_replace(&i.hostname, t->hostname) < 0) {
		ti_identity_clear(&i);
		return -ENOMEM;
	}
	ti_identity_clear(ret);
	*ret = i;
	return 0;
}

void ti_identity_clear(struct ti_identity *i)
{
	free(i->id);
	free(i->hostname);
	*i = (struct ti_identity){0};
}

bool ti_identity_matches(const struct ti_identity *i, const struct ti_obs *t)
{
	if (i->id || t->id)
		return str_equal(i->id, t->id);
	if (i->try_number != t->try_number || i->started != t->started)
		return false;
	if (i->pid > 0 && t->pid > 0 && i->pid != t->pid)
		return false;
	return !i->hostname || !t->hostname || str_equal(i->hostname, t->hostname);
}
