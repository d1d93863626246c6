/* SPDX-License-Identifier: Apache-2.0
 * The tables of the ledger, for ledger_open(). */
#pragma once

#include "io/ledger.h"

extern const struct ledger_schema store_schema;
