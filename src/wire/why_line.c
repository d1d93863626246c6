/* SPDX-License-Identifier: Apache-2.0
 * Picks a line out of a log. */
#include "wire/why_line.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

#define MAX_MARKS 3

/* A part of a text. */
struct span {
	const char *at;
	size_t n;
};

/* What a line that tells why has in it, the surest first. */
static const char *const marks[][MAX_MARKS] = {
	{"Exception in thread \""},
	{"Exception: ", "Error: ", "error: "},
	{" ERROR ", " FATAL "},
};

static const char *find(const struct span *s, const char *what)
{
	return memmem(s->at, s->n, what, strlen(what));
}

static bool begins_with(const struct span *s, const char *what)
{
	return s->n >= strlen(what) && strncmp(s->at, what, strlen(what)) == 0;
}

/* Leaves out what stands in front of p. */
static void cut_before(struct span *s, const char *p)
{
	s->n -= (size_t)(p - s->at);
	s->at = p;
}

/* Leaves out what stands in front of it, and itself. */
static void cut_behind(struct span *s, const char *what)
{
	const char *p = find(s, what);

	if (p)
		cut_before(s, p + strlen(what));
}

/* The next line of text, without white space around it. false: there is none. */
static bool next_line(const char **text, struct span *ret)
{
	static const char space[] = " \t\r";
	size_t n = strcspn(*text, "\n");

	if (**text == '\0')
		return false;
	*ret = (struct span){.at = *text, .n = n};
	*text += n + ((*text)[n] == '\n');
	while (ret->n > 0 && strchr(space, *ret->at))
		cut_before(ret, ret->at + 1);
	while (ret->n > 0 && strchr(space, ret->at[ret->n - 1]))
		ret->n--;
	return true;
}

/* The place in marks[] of the first that the line has; ELEMENTSOF(marks): none. */
static size_t rank_of(const struct span *line)
{
	for (size_t i = 0; i < ELEMENTSOF(marks); i++)
		for (size_t k = 0; k < MAX_MARKS && marks[i][k]; k++)
			if (find(line, marks[i][k]))
				return i;
	return ELEMENTSOF(marks);
}

/* Whether the line says more of the one before it than it says itself. A cause without a message
 * does not. */
static bool is_cause(const struct span *line, size_t best)
{
	return best == 0 && begins_with(line, "Caused by: ") && rank_of(line) == 1;
}

/* What was survived comes before what was not: the last of its kind counts. */
static struct span pick(const char *text)
{
	struct span picked = {.at = text};
	struct span line;
	size_t best = ELEMENTSOF(marks);

	while (next_line(&text, &line)) {
		size_t rank = rank_of(&line);

		if (line.n == 0 || (rank > best && !is_cause(&line, best)))
			continue;
		picked = line;
		if (rank < best)
			best = rank;
	}
	return picked;
}

/* "io.fabric8.kubernetes.client.KubernetesClientException: " */
static void cut_package(struct span *s)
{
	size_t n = 0;
	size_t name = 0; /* where its last part begins */

	while (n < s->n && s->at[n] != ':' && s->at[n] != ' ')
		if (s->at[n++] == '.')
			name = n;
	if (n < s->n && s->at[n] == ':' && n > strlen("Exception") &&
		(strncmp(s->at + n - strlen("Exception"), "Exception", strlen("Exception")) == 0 ||
			strncmp(s->at + n - strlen("Error"), "Error", strlen("Error")) == 0))
		cut_before(s, s->at + name);
}

/* Of Spark's client: "...Exception: Failure executing: POST at: URL. Message: WHY. Received status:
 * Status(...)", which says it all once more. */
static void cut_request(struct span *s)
{
	const char *end;

	if (!find(s, "Failure executing: "))
		return;
	cut_behind(s, ". Message: ");
	end = find(s, ". Received status: ");
	if (end)
		s->n = (size_t)(end - s->at);
}

int why_line(const char *text, size_t max, char **ret)
{
	_cleanup_free_ char *copy = NULL;
	struct span line = pick(text);

	if (begins_with(&line, "Exception in thread \"")) {
		cut_behind(&line, "\"");
		cut_behind(&line, "\" ");
	}
	if (begins_with(&line, "Caused by: "))
		cut_behind(&line, ": ");
	cut_behind(&line, " StackTrace: ");
	cut_package(&line);
	cut_request(&line);
	copy = strndup(line.at, line.n);
	return copy ? str_printable(copy, max, ret) : -ENOMEM;
}
