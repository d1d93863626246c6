/* SPDX-License-Identifier: Apache-2.0
 * What tests of the layers from source upwards are linked with, before the archives: a time in
 * place of io/clock's that stands until the test moves it, and a log in place of base/log's that
 * the test reads. */
#pragma once

#include <stdbool.h>

#include "io/clock.h"

#define FAKE_START USEC_PER_HOUR /* 0 means "never" to many */
#define FAKE_WALL (1790000000 * USEC_PER_SEC)

/* Whose time counts from now on; borrowed. NULL: nobody's, it stands at FAKE_START. */
void fake_time_use(const usec_t *now, const usec_t *wall);

/* When the next timer is due; USEC_INFINITY: none is set. */
usec_t fake_timer_next(void);
/* The event loop dispatches it at its next iteration. */
void fake_timer_fire(void);

/* All lines since the last clear, each with its end. */
const char *fake_log(void);
void fake_log_clear(void);
/* How many lines hold the text. */
unsigned fake_log_count(const char *text);
