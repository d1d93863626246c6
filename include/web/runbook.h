/* SPDX-License-Identifier: Apache-2.0
 * The runbook, which is part of the program: a page per alert, verdict and cause (doc/runbook). */
#pragma once

#include "io/http_server.h"
#include "web/view.h"

struct runbook_page {
	const char *name; /* of its file, without .md; "runbook": the page that lists the others */
	const char *text; /* Markdown; its first line is the title */
};

/* The page of this name; "": the list. NULL: there is none; no file is looked for. */
const struct runbook_page *runbook_find(const char *name);

/* A page as HTML. -ENOMEM. */
int runbook_answer(
	const struct web_view *v, const struct runbook_page *page, struct http_server_reply *reply);
