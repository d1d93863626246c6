/* SPDX-License-Identifier: Apache-2.0
 * Scope-bound clean-up of locals and the few macros that the whole tree uses. */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))

/* The value of p, which is NULL afterwards: hands ownership on. */
#define TAKE_PTR(p)                                                                                \
	({                                                                                         \
		__auto_type _taken = (p);                                                          \
		(p) = NULL;                                                                        \
		_taken;                                                                            \
	})

/* The same for a struct, which is all zero afterwards. */
#define TAKE_STRUCT(s)                                                                             \
	({                                                                                         \
		__auto_type _taken = (s);                                                          \
		(s) = (__typeof__(s)){0};                                                          \
		_taken;                                                                            \
	})

#define ELEMENTSOF(a) (sizeof(a) / sizeof((a)[0]))

/* Defines NAMEp(T **) for _cleanup_ from a destructor that takes T * and accepts NULL. */
#define DEFINE_CLEANUP(type, destroy)                                                              \
	static inline void destroy##p(type *p)                                                     \
	{                                                                                          \
		if (*p)                                                                            \
			destroy(*p);                                                               \
	}

static inline void freep(void *p)
{
	free(*(void **)p);
}
#define _cleanup_free_ _cleanup_(freep)

static inline void fclosep(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}
#define _cleanup_fclose_ _cleanup_(fclosep)

static inline void closep(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}
#define _cleanup_close_ _cleanup_(closep)

/* The same as TAKE_PTR() for a file descriptor, which is -1 afterwards. */
#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int _taken = (fd);                                                                 \
		(fd) = -1;                                                                         \
		_taken;                                                                            \
	})

static inline void closedirp(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}
#define _cleanup_closedir_ _cleanup_(closedirp)
