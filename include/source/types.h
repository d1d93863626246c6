/* SPDX-License-Identifier: Apache-2.0
 * The table's rows: one operations struct and one maker per source type. */
#pragma once

#include "source/source.h"

struct source *source_static_list_alloc(void);
extern const struct source_ops source_static_list_ops;
struct source *source_standalone_alloc(void);
extern const struct source_ops source_standalone_ops;
struct source *source_yarn_alloc(void);
extern const struct source_ops source_yarn_ops;
struct source *source_kubernetes_alloc(void);
extern const struct source_ops source_kubernetes_ops;
