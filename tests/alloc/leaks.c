/* SPDX-License-Identifier: Apache-2.0
 * Memory runs out at each site of one thing to do with a file, such as to decode it: whatever comes
 * of that, all must have been freed. Linked with a target of tests/fuzz, or one beside this. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "target.h"

static int once(const char *path, unsigned long n)
{
	size_t before = alloc_live();

	bool gave_up = setjmp(target_out) != 0;

	alloc_arm(n);
	if (!gave_up)
		target(path);
	alloc_arm(0);
	if (gave_up || alloc_live() == before)
		return 0;
	printf("%s: allocation %lu refused: %zd blocks were not freed\n", path, n,
		(ssize_t)(alloc_live() - before));
	return 1;
}

static int look(const char *path, size_t *n_sites)
{
	const unsigned long *at;
	size_t n;
	int wrong;

	alloc_collect();
	if (setjmp(target_out) == 0)
		target(path);
	n = alloc_collected(&at);
	wrong = once(path, 0);
	*n_sites += n;
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(target_now, sizeof(target_now), "%s, allocation %lu", path, at[i]);
		wrong += once(path, at[i]);
	}
	return wrong;
}

int main(int argc, char **argv)
{
	size_t n_sites = 0;
	int wrong = 0;

	target_begin();
	for (int i = 1; i < argc; i++)
		wrong += look(argv[i], &n_sites);
	printf("%zu sites, %d with leaks\n", n_sites, wrong);
	return wrong > 0 || n_sites == 0;
}
