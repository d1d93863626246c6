/* SPDX-License-Identifier: Apache-2.0
 * Sends a request and waits for its answer: this command has nothing else to do meanwhile. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/strbuf.h"
#include "daemon/suggest_parts.h"
#include "io/clock.h"

#define MAX_FAULTS 40

struct waiting {
	const struct suggest_question *question;
	struct fault *fault;
	int r;
	bool done;
};

static void on_answer(void *userdata, const struct transport_answer *answer)
{
	struct waiting *w = userdata;

	w->done = true;
	w->r = -EIO;
	if (answer_check(answer, ANSWER_JSON, w->fault))
		w->r = w->question->take(w->question->userdata, answer, w->fault);
}

int suggest_ask(struct suggest_asker *a, const struct suggest_question *q, struct fault *fault)
{
	const struct transport_ask ask = {.method = "GET", .url = q->url, .endpoint = q->endpoint};
	struct waiting w = {.question = q, .fault = fault};
	struct transport_request *request = NULL;
	int r;

	*fault = (struct fault){0};
	r = transport_send(a->transport, &ask, on_answer, &w, &request);
	while (r >= 0 && !w.done)
		r = sd_event_run(a->event, UINT64_MAX);
	if (w.done)
		return w.r;
	transport_cancel(a->transport, request);
	fault_set(fault, "protocol", "could not be asked: %s", strerror(-r));
	return r;
}

void suggest_ask_within(struct suggest_asker *a, usec_t length)
{
	a->deadline = clock_boottime() + length;
}

bool suggest_is_late(const struct suggest_asker *a)
{
	return clock_boottime() >= a->deadline;
}

int suggest_note(struct suggest_asker *a, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	str_sanitize(text);
	a->n_faults++;
	return a->faults.n < MAX_FAULTS ? strlist_add(&a->faults, text) : 0;
}

void suggest_show_progress(const struct suggest_asker *a, const char *whom, size_t i, size_t n)
{
	if (!a->progress)
		return;
	if (n > 0)
		fprintf(stderr, "\r%.60s: %zu of %zu apps\033[K", whom, i, n);
	else
		fprintf(stderr, "\r\033[K");
	(void)fflush(stderr);
}
