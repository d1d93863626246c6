/* SPDX-License-Identifier: Apache-2.0
 * Apps and stages that have ended, as Spark tells of them afterwards. */
#pragma once

#include "core/facts/model.h"

/* One attempt of an app that has ended. */
struct finished_app {
	struct app_info info;
	char *attempt_id; /* NULL: its cluster manager knows no attempts */
	usec_t ended;
};

struct finished_app_list {
	struct finished_app *items;
	size_t n;
	struct left_out left_out;
};

/* An attempt of a stage that has completed. */
struct finished_stage {
	int64_t stage_id;
	int64_t attempt_id;
	usec_t duration; /* from the launch of its first task to its end */
};

struct finished_stage_list {
	struct finished_stage *items;
	size_t n;
	struct left_out left_out;
};

void finished_app_clear(struct finished_app *a);
void finished_app_list_clear(struct finished_app_list *l);
void finished_stage_list_clear(struct finished_stage_list *l);
