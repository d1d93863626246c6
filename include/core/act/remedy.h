/* SPDX-License-Identifier: Apache-2.0
 * One action on one hung app, as a state machine: (state, event, now) -> (state, effect). It
 * decides what comes next and why; somebody else asks and acts, and answers with one event per
 * effect. Pure, so that every path is a test. ARCHITECTURE.md draws it.
 *
 * When time has gone by since the stage and the task instance were checked (a kill whose end nobody
 * saw, a lost answer to a fail), verify_hung and verify_running check again before the task is
 * failed: an app that moves again is left alone, and Airflow fails whichever try there is.
 *
 * Each state that changes something has a check that tells whether its effect took. After a restart
 * remedy_resume() continues there. A fail or a kill that did not take ends as refused, since its
 * evidence is old. A clear that did not take is sent again, since the end of the app is proven for
 * good. A ledger that cannot be written leads back to the same check (REMEDY_EVENT_BLOCKED). */
#pragma once

#include <stdbool.h>

#include "core/act/preconditions.h"
#include "core/act/ti_identity.h"
#include "core/facts/model.h"
#include "core/facts/rule.h"

enum remedy_state {
	REMEDY_RECHECK_STAGE,  /* is it still hung? */
	REMEDY_RECHECK_TASK,   /* is the task instance the one, and running? Is the way safe? */
	REMEDY_END_APP,        /* Airflow has a retry left: kill the app alone */
	REMEDY_WAIT_APP_END,   /* until the cluster manager says that it has ended */
	REMEDY_VERIFY_HUNG,    /* it did not, before the task is failed after all: still hung? */
	REMEDY_WAIT_LEFT,      /* until Airflow no longer says running */
	REMEDY_VERIFY_RUNNING, /* before it is failed later than it was looked at: the same try? */
	REMEDY_NOTE,          /* write the note: where failing takes none (Airflow 2.x), or first of
				 all, as a claim */
	REMEDY_FAIL,          /* set the task instance to failed */
	REMEDY_VERIFY_FAILED, /* does Airflow say so? */
	REMEDY_WAIT_END,      /* until the cluster manager says that the app has ended */
	REMEDY_KILL_APP,      /* it did not: kill it there */
	REMEDY_WAIT_KILLED,
	REMEDY_WAIT_PROCESS, /* Airflow 2: until the try's own process is dead, too */
	REMEDY_VERIFY_TASK,  /* still failed, still the same try? */
	REMEDY_CLEAR,
	REMEDY_RESTART,         /* clear it while it runs, or is deferred */
	REMEDY_VERIFY_RESTART,  /* did that take? */
	REMEDY_WAIT_OLD_END,    /* until the cluster manager says that the app has ended */
	REMEDY_WATCH_OLD,       /* it has not: does Airflow still wait for the old process? */
	REMEDY_KILL_OLD,        /* no, or not any longer: kill the app */
	REMEDY_WAIT_OLD_KILLED, /* the same again */
	REMEDY_WAIT_TRY,        /* until a new try runs */
	REMEDY_DONE,
	REMEDY_STATE_MAX
};

enum remedy_effect {
	EFFECT_WAIT, /* nothing until wake_at, then REMEDY_EVENT_TIMER */
	EFFECT_LOOK_STAGE,
	EFFECT_LOOK_TASK,
	EFFECT_NOTE,
	EFFECT_FAIL_TASK,
	EFFECT_LOOK_APP,
	EFFECT_KILL_APP,
	EFFECT_CLEAR_TASK,
	EFFECT_RESTART_TASK, /* clear it although it has not ended */
	EFFECT_LOOK_PROCESS, /* at the task instance, and for the end of its process */
	EFFECT_DONE,
	EFFECT_MAX
};

/* Whether an effect changes something outside: intent must be durable before it. */
bool remedy_effect_changes(enum remedy_effect e);

enum remedy_event_type {
	REMEDY_EVENT_START,
	REMEDY_EVENT_TIMER,
	REMEDY_EVENT_STAGE,   /* answers EFFECT_LOOK_STAGE */
	REMEDY_EVENT_TASK,    /* answers EFFECT_LOOK_TASK and EFFECT_LOOK_PROCESS */
	REMEDY_EVENT_REPLY,   /* answers EFFECT_NOTE, EFFECT_FAIL_TASK, EFFECT_KILL_APP,
				 EFFECT_CLEAR_TASK, EFFECT_RESTART_TASK */
	REMEDY_EVENT_APP,     /* answers EFFECT_LOOK_APP */
	REMEDY_EVENT_BLOCKED, /* instead of an effect that changes something: it cannot be sent for
				 now (text: intent could not be made durable, another replica
				 leads), and nothing was sent */
	REMEDY_EVENT_HELD,    /* instead of the first effect, or of a clear: what allowed it does so
				 no longer (text), and nothing was sent */
	REMEDY_EVENT_MAX
};

enum remedy_look {
	LOOK_HUNG,    /* a fresh poll says so */
	LOOK_MOVED,   /* it progresses, or is gone */
	LOOK_UNKNOWN, /* no usable answer */
};

/* What a request to Airflow (or a kill at the cluster manager) came to. */
enum remedy_reply {
	REPLY_DONE,
	REPLY_CONFLICT,  /* 409: already in that state */
	REPLY_GONE,      /* 404 */
	REPLY_REFUSED,   /* 401, 403, 400, 422: asking again will not help */
	REPLY_UNCERTAIN, /* no answer, 5xx, garbage: may or may not have taken effect */
	REPLY_NOTHING,   /* a clear that cleared nothing */
};

struct remedy_event {
	enum remedy_event_type type;
	enum remedy_look stage;
	enum remedy_reply reply; /* of REMEDY_EVENT_REPLY, and of REMEDY_EVENT_TASK (then
				    REPLY_DONE: task is set) */
	const struct ti_obs *task;
	const struct preconditions
		*preconditions; /* beside task, where remedy_wants_preconditions() */
	bool process_ended;     /* beside task, of EFFECT_LOOK_PROCESS: Airflow's log says so */
	enum app_end app_end;
	bool other_app;   /* of REMEDY_EVENT_HELD: another app of the task instance is in the way */
	const char *text; /* the other side's words: an error, an end state; may be NULL */
};

enum remedy_outcome {
	OUTCOME_OPEN,
	OUTCOME_DRY_RUN,      /* observe mode: would have acted */
	OUTCOME_REFUSED,      /* a precondition does not hold: nothing was sent */
	OUTCOME_RECOVERED,    /* a new try runs */
	OUTCOME_FAILED_AGAIN, /* a new try was there and is failed */
	OUTCOME_ENDED,        /* kill: the app has ended; or it ended by itself before */
	OUTCOME_SUPERSEDED,   /* a person or Airflow was faster */
	OUTCOME_MOVED_AGAIN, /* it moved by itself, where an action was called for and none begun */
	OUTCOME_UNCONFIRMED, /* something was sent, and its effect was not seen */
	OUTCOME_FAILED,      /* Airflow refused */
	OUTCOME_MAX
};

const char *remedy_outcome_name(enum remedy_outcome o);
const char *remedy_state_name(enum remedy_state s);

/* What was decided before it began; constant afterwards. */
struct remedy_plan {
	enum rule_action action; /* kill or retry */
	int retry_via;           /* enum retry_via */
	bool dry;                /* observe mode: ends before the first effect that changes */
	bool needs_note;         /* Airflow 2.x: failing takes no note; its old try must be dead */
	/* With several replicas: before anything else a note on the try claims it for this one,
	 * and a note of another's is left alone. NULL: not. How such a note begins, without the
	 * try; borrowed, it outlives the remedy. */
	const char *claim;
	bool can_kill_app;     /* its cluster manager can end it */
	bool kills_app;        /* and not only its job or stage */
	bool may_fire;         /* tasks that wait for a failure may run */
	bool cluster_mode;     /* its driver runs in a standalone cluster */
	bool outlives_process; /* its driver is no process of the task */
	bool pod;              /* its driver is a pod */
	usec_t app_started;    /* the driver's clock */
	usec_t end_timeout;
	usec_t retry_timeout;
	usec_t process_timeout; /* of the process that Airflow has started for the try */
};

struct remedy {
	struct remedy_plan plan;
	struct owner owner; /* owned */
	/* The machine's own. */
	enum remedy_state state;
	enum remedy_outcome outcome;
	bool requested;       /* a request that changes something was to be sent */
	bool sent;            /* and was */
	bool interrupted;     /* taken up after a restart: what did not take is not repeated */
	bool claimed;         /* our note was seen on the try */
	bool kill_sent;       /* at the cluster manager */
	bool kill_unsure;     /* its answer was lost */
	bool fail_sent;       /* to Airflow, or maybe so, in a life before */
	bool fail_unsure;     /* a restart came between a fail and the look whether it took */
	bool clear_unsure;    /* a clear may have taken that nobody saw */
	unsigned n_kills;     /* sent since the daemon started */
	unsigned attempts;    /* in this state */
	usec_t deadline;      /* of this state; 0: none */
	usec_t look_began;    /* the last one, which is answered or was */
	usec_t failed_at;     /* Airflow first said failed; 0: it has not */
	usec_t blocked_since; /* intent cannot be made durable, or is held up, since; 0: it is not
			       */
	struct ti_identity task; /* the try that is to be ended */
	bool up_for_retry;       /* as last seen */
	char *fires;             /* owned: the tasks that run when it fails; NULL: none are known */
	bool waits;              /* a new try is there, and does not run */
	char *waits_for;         /* owned: for what, as Airflow last said; NULL: not known */
	char *no_restart; /* owned: why it cannot be cleared while it runs; NULL: not tried */
	char *no_kill;    /* owned: why it could not be ended, by a look; NULL: nothing is known */
	char *why;        /* owned: one clause on how it came to its state */
};

struct remedy_step {
	enum remedy_effect effect;
	usec_t wake_at; /* of EFFECT_WAIT */
};

/* A task instance must have started before its app. The two clocks may be of two hosts: so much is
 * forgiven. */
#define REMEDY_CLOCK_SLACK (30 * USEC_PER_SEC)
/* Between two looks while waiting. */
#define REMEDY_LOOK_PERIOD (2 * USEC_PER_SEC)
/* The same where a new try may begin any moment. */
#define REMEDY_WATCH_PERIOD (USEC_PER_SEC / 2)
/* How often an uncertain request is repeated, after a look that says it did not take. */
#define REMEDY_ATTEMPTS 3
/* After a restart, so long before the first look: a request of the life before may be on its way.
 */
#define REMEDY_RESUME_WAIT (5 * USEC_PER_SEC)
/* How long an action waits for the ledger before it is given up. */
#define REMEDY_BLOCKED_TIMEOUT (10 * USEC_PER_MINUTE)

int remedy_init(struct remedy *r, const struct remedy_plan *plan, const struct owner *owner);
void remedy_clear(struct remedy *r);

/* What a look at what controls the app came to, before an answer to a look that
 * remedy_wants_preconditions(): why it would not let it be ended; NULL: nothing speaks against it.
 * -ENOMEM. */
int remedy_note_no_kill(struct remedy *r, const char *why);

/* An event that does not fit the state (a late timer, say) changes nothing and gives EFFECT_WAIT
 * with the deadline. -ENOMEM: nothing changed; call again. */
int remedy_next(
	struct remedy *r, const struct remedy_event *event, usec_t now, struct remedy_step *ret);

/* The event, beside a timer, that its state is waiting for. */
enum remedy_event_type remedy_awaits(const struct remedy *r);
/* Whether its state, to which it came from before, is worth a write. The two looks at an old try
 * take turns twice a second, and a restart goes on the same from either: those are not. */
bool remedy_is_to_be_saved(const struct remedy *r, enum remedy_state before);
/* Whether a look at the task instance is to say what a new try waits for. */
bool remedy_wants_room(const struct remedy *r);
/* Whether its state chooses a way: a look at the task instance is to bring what is around it. */
bool remedy_wants_preconditions(const struct remedy *r);

/* Takes up a remedy that a restart interrupted: plan, owner, state, task, kill_sent are set, as the
 * ledger tells. Where it stands is what Airflow and the cluster say from here on: each state
 * becomes the look that tells whether its effect took. What did not take is not sent on the
 * strength of evidence from before the restart: it ends as refused, and is proven anew. */
void remedy_resume(struct remedy *r, usec_t now, struct remedy_step *ret);

/* "; tasks that run when it fails: …", to stand after what is done; "" where none are known. The
 * caller's; NULL: no memory. */
char *remedy_fired(const struct remedy *r);

/* actions_total's word for how it ended: "dry_run", "confirmed", "unconfirmed", "failed", or NULL
 * where no action was counted (refused, superseded before anything was sent). */
const char *remedy_counted_as(const struct remedy *r);
/* Words back from the ledger; -EINVAL for one that is none. */
int remedy_state_from_name(const char *name, enum remedy_state *ret);
int remedy_outcome_from_name(const char *name, enum remedy_outcome *ret);
