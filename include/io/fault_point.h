/* SPDX-License-Identifier: Apache-2.0
 * Places at which a crash matters: before and after what must be durable, and around what changes
 * the world outside. Here the function does nothing; a test is linked with one of its own that ends
 * the process at the n-th call, so that a new place is covered without being listed anywhere. */
#pragma once

/* where: static, names the place in the output of that test. */
void fault_point(const char *where);
