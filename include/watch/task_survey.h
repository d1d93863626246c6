/* SPDX-License-Identifier: Apache-2.0
 * Asks Airflow how the tasks of running apps are set, for their audit: each Airflow about one at a
 * time, and again after a while where it gave no usable answer. */
#pragma once

#include "core/detect/detector.h"
#include "setup/runtime.h"

struct task_survey;

/* detector must outlive it. */
int task_survey_new(struct detector *detector, struct task_survey **ret);
/* NULL is allowed; returns NULL. */
struct task_survey *task_survey_free(struct task_survey *t);

DEFINE_CLEANUP(struct task_survey *, task_survey_free)

/* What is under way is given up. To be called before its runtime goes. */
void task_survey_leave(struct task_survey *t);
/* Asks the Airflows of this runtime from now on. Borrowed until task_survey_leave(). -ENOMEM. */
int task_survey_enter(struct task_survey *t, struct runtime *runtime);

/* Asks for what is not known yet. now: CLOCK_BOOTTIME. */
void task_survey_tick(struct task_survey *t, usec_t now);
