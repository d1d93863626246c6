/* SPDX-License-Identifier: Apache-2.0
 * Gauges of single apps and stages, which end with them: how far, how long, how much memory. Their
 * number is capped, whatever happens on the clusters. */
#pragma once

#include "core/detect/detector.h"
#include "web/metrics.h"

#define APPS_SHOWN 100
#define STAGES_SHOWN 200

void app_metrics_add(const struct detector *d, struct metrics_writer *w);
