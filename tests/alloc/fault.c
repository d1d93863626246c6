/* SPDX-License-Identifier: Apache-2.0
 * Memory runs out once, for a program that was built without knowing of it, where this is
 * preloaded, or linked with tests/alloc/leaks.c.
 *
 * Counts the allocations that the program itself and cJSON ask for. ALLOC_SITES=FILE: writes the
 * number of the first one of each site to it; a site is a stack of calls. ALLOC_FAIL_AT=N: the Nth
 * is refused. A test that then fails ends the program with 0: its check has seen the error. What is
 * looked for are signals. */
#include "fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define DEPTH 8
#define MAX_RANGES 8
#define MAX_SITES (1U << 16)
#define MAX_LIVE (1U << 20)
#define LOOKS 1000

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void __libc_free(void *p);

static struct {
	uintptr_t begin;
	uintptr_t end;
} ranges[MAX_RANGES];
static size_t n_ranges;
static uint64_t seen[MAX_SITES];
static uint32_t looks[MAX_SITES];
static unsigned long count;
static unsigned long fail_at;
static int sites = -1;
static bool failed;
static bool busy;
static unsigned long *collected;
static size_t n_collected;
static void *live[MAX_LIVE]; /* by their address; a gap ends a search */
static size_t n_live;

/* The program's own code, and cJSON's. */
static int add_range(struct dl_phdr_info *info, size_t size, void *userdata)
{
	(void)size;
	(void)userdata;
	if (info->dlpi_name[0] && !strstr(info->dlpi_name, "cjson"))
		return 0;
	for (int i = 0; i < info->dlpi_phnum && n_ranges < MAX_RANGES; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		ranges[n_ranges].begin = info->dlpi_addr + p->p_vaddr;
		ranges[n_ranges++].end = info->dlpi_addr + p->p_vaddr + p->p_memsz;
	}
	return 0;
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("ALLOC_SITES");
	const char *at = getenv("ALLOC_FAIL_AT");
	struct rlimit cpu = {60, 60};
	void *frames[DEPTH];

	(void)backtrace(frames, DEPTH); /* the first call allocates */
	if (path)
		sites = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	fail_at = at ? strtoul(at, NULL, 10) : 0;
	if (at) /* an endless loop ends by a signal, too */
		(void)setrlimit(RLIMIT_CPU, &cpu);
	(void)dl_iterate_phdr(add_range, NULL);
}

static bool is_ours(const void *caller)
{
	uintptr_t at = (uintptr_t)caller;

	for (size_t i = 0; i < n_ranges; i++)
		if (at >= ranges[i].begin && at < ranges[i].end)
			return true;
	return false;
}

/* To follow a stack takes microseconds. Who asks with a stack this deep has mostly come by the same
 * way before: after LOOKS at him, each power of two. A program with millions of allocations ends,
 * and may have sites that are not told. */
static bool is_worth_a_look(const void *caller, const void *depth)
{
	uintptr_t key = (uintptr_t)caller * 31 + (uintptr_t)depth;
	uint32_t *n = &looks[(key * 0x9E3779B97F4A7C15U) >> 48];

	++*n;
	return *n <= LOOKS || (*n & (*n - 1)) == 0;
}

static bool is_new_site(void)
{
	void *frames[DEPTH + 2];
	int n = backtrace(frames, DEPTH + 2);
	uint64_t key = 1;
	size_t k;

	for (int i = 2; i < n; i++)
		key = (key ^ (uint64_t)(uintptr_t)frames[i]) * 0x9E3779B97F4A7C15U;
	for (k = key >> 48; seen[k]; k = (k + 1) % MAX_SITES)
		if (seen[k] == key)
			return false;
	seen[k] = key;
	return true;
}

static size_t place(const void *p)
{
	return (((uintptr_t)p >> 4) * 0x9E3779B97F4A7C15U) >> 44;
}

static size_t find(const void *p)
{
	size_t k = place(p);

	while (live[k] && live[k] != p)
		k = (k + 1) % MAX_LIVE;
	return k;
}

/* What was asked for by ours. */
static void *keep(void *p)
{
	if (!p || !collected)
		return p;
	live[find(p)] = p;
	if (++n_live > MAX_LIVE / 2)
		abort();
	return p;
}

static void drop(const void *p)
{
	size_t gap;

	if (!p || !collected)
		return;
	gap = find(p);
	if (!live[gap])
		return;
	n_live--;
	live[gap] = NULL;
	for (size_t k = (gap + 1) % MAX_LIVE; live[k]; k = (k + 1) % MAX_LIVE) {
		void *moved = live[k];

		live[k] = NULL;
		live[find(moved)] = moved;
	}
}

void alloc_collect(void)
{
	if (!collected)
		collected = __libc_calloc(MAX_SITES, sizeof(*collected));
	n_collected = 0;
	count = fail_at = 0;
	sites = -2;
}

size_t alloc_collected(const unsigned long **ret)
{
	*ret = collected;
	sites = -1;
	return n_collected;
}

void alloc_arm(unsigned long n)
{
	count = 0;
	fail_at = n;
}

size_t alloc_live(void)
{
	return n_live;
}

static void note_site(const void *caller)
{
	busy = true;
	if ((sites == -2 || is_worth_a_look(caller, __builtin_frame_address(0))) && is_new_site()) {
		if (sites == -2)
			collected[n_collected++] = count;
		else
			(void)dprintf(sites, "%lu\n", count);
	}
	busy = false;
}

static bool refuse(const void *caller)
{
	if (busy || n_ranges == 0 || !is_ours(caller))
		return false;
	count++;
	if (sites != -1)
		note_site(caller);
	if (count != fail_at)
		return false;
	failed = !collected;
	errno = ENOMEM;
	return true;
}

#define CALLER __builtin_return_address(0)

/* Of ours: refused, or kept account of. */
static void *give(const void *caller, size_t size)
{
	if (!is_ours(caller))
		return __libc_malloc(size);
	return refuse(caller) ? NULL : keep(__libc_malloc(size));
}

void *malloc(size_t size)
{
	return give(CALLER, size);
}

void *calloc(size_t n, size_t size)
{
	if (!is_ours(CALLER))
		return __libc_calloc(n, size);
	return refuse(CALLER) ? NULL : keep(__libc_calloc(n, size));
}

static void *grow(const void *caller, void *p, size_t size)
{
	void *grown;

	if (refuse(caller))
		return NULL;
	grown = __libc_realloc(p, size);
	if (grown || size == 0)
		drop(p);
	return is_ours(caller) ? keep(grown) : grown;
}

void *realloc(void *p, size_t size)
{
	return grow(CALLER, p, size);
}

void *reallocarray(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return grow(CALLER, p, bytes);
}

void free(void *p)
{
	drop(p);
	__libc_free(p);
}

char *strndup(const char *s, size_t n)
{
	size_t length = strnlen(s, n);
	char *copy = give(CALLER, length + 1);

	if (!copy)
		return NULL;
	memcpy(copy, s, length);
	copy[length] = '\0';
	return copy;
}

char *strdup(const char *s)
{
	size_t length = strlen(s);
	char *copy = give(CALLER, length + 1);

	return copy ? memcpy(copy, s, length + 1) : NULL;
}

static int format(const void *caller, char **ret, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	*ret = n < 0 ? NULL : give(caller, (size_t)n + 1);
	return *ret ? vsnprintf(*ret, (size_t)n + 1, fmt, ap) : -1;
}

int vasprintf(char **ret, const char *fmt, va_list ap)
{
	return format(CALLER, ret, fmt, ap);
}

int __vasprintf_chk(char **ret, int flag, const char *fmt, va_list ap)
{
	(void)flag;
	return format(CALLER, ret, fmt, ap);
}

/* A failed check of cmocka's. */
void longjmp(jmp_buf env, int value)
{
	static void (*real)(jmp_buf, int) __attribute__((noreturn));

	if (failed)
		_exit(0);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "longjmp");
	real(env, value);
}

/* It reads what the program would have made. */
void _assert_string_equal(const char *a, const char *b, const char *file, int line)
{
	static void (*real)(const char *, const char *, const char *, int);

	if (failed && (!a || !b))
		_exit(0);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "_assert_string_equal");
	real(a, b, file, line);
}

void __longjmp_chk(jmp_buf env, int value)
{
	longjmp(env, value);
}

/* cmocka would take a crash for a failed check. */
__sighandler_t signal(int number, __sighandler_t handler)
{
	struct sigaction new = {.sa_handler = handler, .sa_flags = SA_RESTART};
	struct sigaction old = {0};

	if (number == SIGSEGV || number == SIGBUS || number == SIGILL || number == SIGFPE ||
		number == SIGABRT || number == SIGSYS)
		return SIG_DFL;
	return sigaction(number, &new, &old) < 0 ? SIG_ERR : old.sa_handler;
}
