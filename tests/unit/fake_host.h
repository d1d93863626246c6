/* SPDX-License-Identifier: Apache-2.0
 * What tests from watch upwards are linked with in place of io/proctree: a host without processes
 * but those of the test, so that no test sees what runs where it runs. */
#pragma once

#include "io/proctree.h"

/* The executors of this host, all of one process; items are borrowed. None: n = 0. */
void fake_host_use(const struct proctree *items, size_t n);
