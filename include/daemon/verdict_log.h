/* SPDX-License-Identifier: Apache-2.0
 * Tells the log of a change of verdict: what it rests on, and what follows. */
#pragma once

#include "core/act/incident.h"

/* i: its incident, NULL where there is none; dry: the mode that holds is observe. */
void verdict_log(const struct detector_event *ev, const struct incident *i, bool dry);
