/* SPDX-License-Identifier: Apache-2.0
 * Picks a line out of a log. */
#include "wire/why_line.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "wire/page.h"

#define MAX_MARKS 3
#define THREAD "Exception in thread \""
#define CAUSE "Caused by: "

/* What a line that tells why has in it, the surest first. */
static const char *const marks[][MAX_MARKS] = {
	{THREAD},
	{"Exception: ", "Error: ", "error: "},
	{" ERROR ", " FATAL "},
};

static bool has(struct span s, const char *what)
{
	return span_skip_past(&s, what);
}

static bool begins_with(const struct span *s, const char *what)
{
	return s->n >= strlen(what) && strncmp(s->p, what, strlen(what)) == 0;
}

static bool ends_with(const char *p, size_t n, const char *what)
{
	return n >= strlen(what) && strncmp(p + n - strlen(what), what, strlen(what)) == 0;
}

static void cut(struct span *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

/* The next line of text, without white space around it. false: there is none. */
static bool next_line(const char **text, struct span *ret)
{
	static const char space[] = " \t\r";
	size_t n = strcspn(*text, "\n");

	if (**text == '\0')
		return false;
	*ret = (struct span){*text, n};
	*text += n + ((*text)[n] == '\n');
	while (ret->n > 0 && strchr(space, *ret->p))
		cut(ret, 1);
	while (ret->n > 0 && strchr(space, ret->p[ret->n - 1]))
		ret->n--;
	return true;
}

/* The place in marks[] of the first that the line has; ELEMENTSOF(marks): none. */
static size_t rank_of(const struct span *line)
{
	for (size_t i = 0; i < ELEMENTSOF(marks); i++)
		for (size_t k = 0; k < MAX_MARKS && marks[i][k]; k++)
			if (has(*line, marks[i][k]))
				return i;
	return ELEMENTSOF(marks);
}

/* Whether the line says more of the one before it than it says itself. A cause without a message
 * does not. */
static bool is_cause(const struct span *line, size_t best)
{
	return best == 0 && begins_with(line, CAUSE) && rank_of(line) == 1;
}

/* What was survived comes before what was not: the last of its kind counts. */
static struct span pick(const char *text)
{
	struct span picked = {text, 0};
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

	while (n < s->n && s->p[n] != ':' && s->p[n] != ' ')
		if (s->p[n++] == '.')
			name = n;
	if (n < s->n && s->p[n] == ':' &&
		(ends_with(s->p, n, "Exception") || ends_with(s->p, n, "Error")))
		cut(s, name);
}

/* Of Spark's client: "...Exception: Failure executing: POST at: URL. Message: WHY. Received status:
 * Status(...)", which says it all once more. */
static void cut_request(struct span *s)
{
	struct span rest = *s;

	if (!span_skip_past(&rest, "Failure executing: ") || !span_skip_past(&rest, ". Message: "))
		return;
	if (!span_take_until(&rest, ". Received status: ", s))
		*s = rest;
}

int why_line(const char *text, size_t max, char **ret)
{
	_cleanup_free_ char *copy = NULL;
	struct span line = pick(text);

	if (begins_with(&line, THREAD)) {
		cut(&line, strlen(THREAD));
		(void)span_skip_past(&line, "\" ");
	}
	if (begins_with(&line, CAUSE))
		cut(&line, strlen(CAUSE));
	(void)span_skip_past(&line, " StackTrace: ");
	cut_package(&line);
	cut_request(&line);
	copy = strndup(line.p, line.n);
	return copy ? str_printable(copy, max, ret) : -ENOMEM;
}
