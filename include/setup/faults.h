/* SPDX-License-Identifier: Apache-2.0
 * What could not be had of a cluster and still cannot: whom was asked, for what, and what came of
 * it. */
#pragma once

#include <stdbool.h>

#include "source/answer.h"

struct standing_fault {
	char *url;
	char *app_id;     /* NULL: it is about no app */
	const char *what; /* static */
	struct fault fault;
	bool silent;  /* nobody answered; else the answer was of no use */
	bool blinds;  /* the cluster is not up while it stands */
	bool passing; /* that a dump is not to be had is evidence, not the state of its driver */
	usec_t since; /* since 1970 */
	unsigned age; /* rounds in which it was not seen again */
};

struct fault_list {
	struct standing_fault **items; /* by url, then by what */
	size_t n;
};

enum fault_change {
	FAULT_NONE, /* there was none, and is none */
	FAULT_SAME,
	FAULT_NEW, /* or of another reason than before */
	FAULT_ENDED
};

/* Takes in what came of a question about an app; app_id NULL: of none in particular. like: its
 * silent, blinds, passing and since hold where it is new. -ENOMEM: it is lost. */
int faults_note(struct fault_list *l, const struct asked *asked, const char *app_id,
	const struct standing_fault *like, enum fault_change *ret);
/* Of that target; what NULL: whatever was asked. */
void faults_forget(struct fault_list *l, const char *url, const char *what);
/* A round is over. Forgets what was not seen again for long: nobody asks for it. */
void faults_age(struct fault_list *l);
/* Who waits for his turn was not asked. */
void faults_keep(struct fault_list *l, const char *url);
void faults_clear(struct fault_list *l);

enum target_state {
	TARGET_OK,
	TARGET_SILENT,
	TARGET_UNUSABLE,
	TARGET_STATE_MAX
};

const char *target_state_name(enum target_state s);
/* The worst that stands of one. */
enum target_state faults_state(const struct fault_list *l, const char *url);
/* Whether something stands that blinds. */
bool faults_blind(const struct fault_list *l);
