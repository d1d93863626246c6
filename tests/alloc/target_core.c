/* SPDX-License-Identifier: Apache-2.0
 * Plays a scenario: the history, the evidence and the verdicts of an app. */
#define main scenario_main
#include "../scenario/scenario.c"
#undef main

#include "target.h"

void target(const char *path)
{
	(void)run_file(path);
}
