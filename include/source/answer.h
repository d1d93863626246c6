/* SPDX-License-Identifier: Apache-2.0
 * What came of a question: it was answered and understood, it was not answered, or the answer was
 * of no use. The one place that tells these apart, whatever was asked and whoever was to answer. */
#pragma once

#include "core/facts/model.h"
#include "io/transport.h"

/* All the words that a reason can be. */
extern const char *const answer_reasons[];
extern const size_t n_answer_reasons;

/* Why a question is not answered as it should be. */
struct fault {
	const char *reason; /* a word of answer_reasons, static; NULL: nothing is wrong */
	int status;         /* of HTTP, where that is what is wrong; else 0 */
	char text[220];     /* what follows the URL in a sentence, "answered 403"; printable */
};

enum answer_form {
	ANSWER_JSON,
	ANSWER_JSON_LINES, /* of which there may be none */
	ANSWER_PAGE
};

/* One question, and what came of it. */
struct asked {
	const char *url;  /* whom: a driver, a master; borrowed */
	const char *what; /* "/environment"; static */
	struct fault fault;
};

/* Whether an answer can be decoded at all; else why not. */
bool answer_check(const struct transport_answer *a, enum answer_form form, struct fault *ret);

/* What its decoder said: r < 0 and why (may be NULL), or which rows it left out. Returns r. */
int answer_decoded(int r, const char *why, const struct left_out *rows, struct fault *ret);

/* A fault of another kind. reason: a word of answer_reasons. */
void fault_set(struct fault *f, const char *reason, const char *fmt, ...) _printf_(3, 4);

/* Nobody answered, which a network or a driver that has ended explains; false: somebody did. */
bool fault_is_silence(const struct fault *f);
/* It is not known what would have been answered: a recording does not tell. */
bool answer_not_recorded(const struct transport_answer *a);
