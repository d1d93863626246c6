/* SPDX-License-Identifier: Apache-2.0
 * Arrays that grow by one at a time and know no more than how many items they have. */
#pragma once

#include <stddef.h>

/* Where the items of that size are to be, when there are n and one comes: there is room for 8 at
 * first, and for twice as many each time it is full. So n appends copy each item once or twice. n
 * may go down in between; nothing else may set the room of such an array. NULL: no memory, and
 * items stays. */
void *array_room(void *items, size_t n, size_t size);
