/* SPDX-License-Identifier: Apache-2.0
 * What will be done about an incident, and why not more, in one sentence. */
#pragma once

#include "core/act/incident.h"
#include "core/act/remedy.h"

/* What the sentence depends on beside the incident. Texts are borrowed; NULL: none. */
struct outlook {
	bool dry;           /* the mode that holds for its rule is observe */
	const char *paused; /* objections of the moment */
	const char *window;
	const struct remedy *remedy; /* of the action in progress; NULL: not known */
	usec_t now;                  /* the clock of its deadline */
	usec_t wall;                 /* the same moment, since 1970 */
};

int outlook_text(const struct incident *i, const struct outlook *o, char **ret);

/* What keeps an action from being begun, or that nothing does; the last word first. */
enum outlook_kind {
	OUTLOOK_OVER,        /* the incident has ended */
	OUTLOOK_IN_PROGRESS, /* an action is */
	OUTLOOK_ACTED,       /* one was, and the stage still hangs */
	OUTLOOK_STOPPED,     /* a person has said so */
	OUTLOOK_NOT_HUNG,    /* only hung stages are acted upon */
	OUTLOOK_NO_ACTION,   /* the rule asks for none */
	OUTLOOK_PAUSED,
	OUTLOOK_WINDOW,
	OUTLOOK_OBSERVED, /* the mode is observe */
	OUTLOOK_REFUSED,  /* an objection, as response.refusal says */
	OUTLOOK_BEGINS,   /* at one of the next polls */
	OUTLOOK_KIND_MAX
};

enum outlook_kind outlook_kind(const struct incident *i, const struct outlook *o);

/* Why nothing is done, one clause; NULL: something is, or the incident has ended. The caller frees
 * it. -ENOMEM. */
int outlook_why(const struct incident *i, const struct outlook *o, char **ret);

/* What a person is to do about it; static. "nothing" is an answer. */
const char *outlook_duty(const struct incident *i, const struct outlook *o);

/* The key or the command that would change that nothing is done; static, NULL: there is none, or it
 * is not known. */
const char *outlook_key(const struct incident *i, const struct outlook *o);
