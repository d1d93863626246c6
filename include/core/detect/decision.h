/* SPDX-License-Identifier: Apache-2.0
 * From what is known of a stage's running tasks to hung, slow, suspect or phantom: one table. */
#pragma once

#include "core/detect/findings.h"
#include "core/detect/verdict.h"
#include "core/facts/rule.h"

/* Which of the running tasks have been without progress for hung_after. */
enum stalled_part {
	STALLED_NONE,
	STALLED_SOME, /* or all, and the stage has completed others meanwhile */
	STALLED_ALL
};

/* What the stalled tasks show, the strongest that holds. */
enum stalled_sign {
	SIGN_DOUBT,   /* the driver's listener lost events, and not all of them were seen in a
			  dump: they may not run at all */
	SIGN_ABSENT,  /* no such threads: they do not run */
	SIGN_RESULTS, /* the same, and the driver takes in what they have sent */
	SIGN_DRIVER,  /* the same, and the driver is at work, for whatever */
	SIGN_WORK,    /* every one of them works */
	SIGN_LIFE,    /* something works that may be theirs, and of the others it is not known that
			 they do nothing */
	SIGN_SOME_WORK, /* some work, and the others were seen to do nothing */
	SIGN_IDLE,      /* none uses CPU */
	SIGN_STILL,     /* none shows work, and there is evidence on each: frames, CPU, or a frozen
			    executor */
	SIGN_NOTHING    /* none shows work, and on some there is no evidence */
};

struct decision {
	enum verdict verdict;
	usec_t limit; /* hung when the stalled tasks have been so for so long; 0: not by this row */
	const char *limit_name;
	const char *reason;
};

/* stalled: how long the stage as a whole has been without progress. */
void decide(
	const struct findings *f, const struct rule *rule, usec_t stalled, struct decision *ret);
