/* SPDX-License-Identifier: Apache-2.0
 * --check-access: may the configured users do what acting takes? */
#pragma once

#include <stdio.h>

#include "setup/settings.h"

/* Asks every Airflow and every cluster once, changes nothing, and prints a line each. Takes
 * settings over. Returns the exit status: 0 nothing is denied, 1 something is, 2 nothing is but
 * somebody gave no usable answer; or a negative errno. */
int check_access_run(struct settings *settings, FILE *out);
