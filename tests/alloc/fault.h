/* SPDX-License-Identifier: Apache-2.0
 * For programs that are linked with fault.c. */
#pragma once

#include <stddef.h>

/* From here on the first allocation of each site that was not met before is noted, by its number.
 */
void alloc_collect(void);
/* Their numbers; ends that. Valid until the next alloc_collect(). */
size_t alloc_collected(const unsigned long **ret);

/* The nth allocation from here on is refused; 0: none is. */
void alloc_arm(unsigned long n);

/* Blocks that the program, or cJSON for it, has asked for and not freed yet. */
size_t alloc_live(void);
