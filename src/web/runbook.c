/* SPDX-License-Identifier: Apache-2.0
 * A page of the runbook, as a browser shows it. */
#include "web/runbook.h"

#include <errno.h>
#include <string.h>

#include "web/page.h"
#include "wire/markdown.h"

#define LIST "runbook"

/* The Makefile makes a row of each file. */
static const struct runbook_page pages[] = {
#include "runbook.inc"
};

const struct runbook_page *runbook_find(const char *name)
{
	const char *wanted = *name == '\0' ? LIST : name;

	for (size_t i = 0; i < ELEMENTSOF(pages); i++)
		if (strcmp(pages[i].name, wanted) == 0)
			return &pages[i];
	return NULL;
}

static bool exists(const char *name)
{
	return runbook_find(name) != NULL;
}

int runbook_answer(
	const struct web_view *v, const struct runbook_page *page, struct http_server_reply *reply)
{
	struct page p = {.view = v, .root = "../"};
	_cleanup_free_ char *title = NULL;
	size_t n = strcspn(page->text, "\n");

	/* "# Title" */
	title = n > 2 ? strndup(page->text + 2, n - 2) : strdup(page->name);
	if (!title)
		return -ENOMEM;
	page_begin(&p, strcmp(page->name, LIST) == 0 ? "runbook/" : page->name, title);
	markdown_write(&p.html, page->text + n, exists);
	return page_end(&p, 200, reply);
}
