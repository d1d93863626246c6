/* SPDX-License-Identifier: Apache-2.0
 * What leaks.c does with each file. */
#pragma once

#include <setjmp.h>

/* What is done at present, for who finds the process dead: printed upon a signal. */
extern char target_now[512];

/* For a target that itself cannot go on: the tool's, not what it tests. */
extern jmp_buf target_out;

void target_begin(void);
void target(const char *path);
