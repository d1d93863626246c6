/* SPDX-License-Identifier: Apache-2.0
 * Takes the place of free() and realloc() in a test program, of the libraries' too, and looks
 * whether what is given back still holds the secret. A sanitizer has a free() of its own. */
#pragma once

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* No text of the program has it, so that nothing but the secret does. */
#define WIPE_SECRET "s3cr3t-0f-th1s-t3st"

#if defined(__SANITIZE_ADDRESS__)
#	define WIPE_SEEN 0
#elif defined(__has_feature)
#	if __has_feature(address_sanitizer)
#		define WIPE_SEEN 0
#	endif
#endif
#ifndef WIPE_SEEN
#	define WIPE_SEEN 1
#endif

static size_t wipe_left; /* blocks that were given back with it */

#if WIPE_SEEN
void __libc_free(void *p);                  /* NOLINT(bugprone-reserved-identifier) */
void *__libc_realloc(void *p, size_t size); /* NOLINT(bugprone-reserved-identifier) */

static int wipe_holds(void *p)
{
	return p && memmem(p, malloc_usable_size(p), WIPE_SECRET, strlen(WIPE_SECRET)) != NULL;
}

void free(void *p)
{
	wipe_left += wipe_holds(p);
	__libc_free(p);
}

void *realloc(void *p, size_t size)
{
	int held = wipe_holds(p);
	uintptr_t before = (uintptr_t)p;
	void *moved = __libc_realloc(p, size);

	wipe_left += held && (uintptr_t)moved != before;
	return moved;
}
#endif
