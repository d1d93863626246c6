/* SPDX-License-Identifier: Apache-2.0
 * What an executor's processes used of the CPU, look by look, as a line. */
#pragma once

#include "core/detect/cpu.h"
#include "web/page.h"

/* Nothing where there were fewer than two looks. */
void cpu_chart(struct page *p, const struct cpu_series *s);
