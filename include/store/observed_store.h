/* SPDX-License-Identifier: Apache-2.0
 * Hangs that were only observed, as far back as the ledger reaches. */
#pragma once

#include "core/act/observed.h"
#include "io/ledger.h"

/* Adds all that the ledger has besides those of the list. -ENOTCONN: it is not usable, -ENOMEM,
 * -EIO. */
int observed_store_read(
	struct ledger *l, const struct incident_list *besides, struct observed *ret);
