/* SPDX-License-Identifier: Apache-2.0
 * The frame of each HTML page, and what many of them say alike. */
#pragma once

#include "io/http_server.h"
#include "web/view.h"
#include "wire/html_writer.h"

struct page {
	struct html_writer html;
	const struct web_view *view;
	const char *root; /* the way from the page to "/": "" or "../" */
	bool stays;       /* as it is: the script does not load it again */
};

/* Until within <main>, with title as its heading. here: the path of the page, which the list of
 * pages marks; depth: how many slashes it has beside the first. */
void page_begin(struct page *p, const char *here, const char *title);
/* The answer. -ENOMEM. */
int page_end(struct page *p, int status, struct http_server_reply *reply);

/* The address of another page, path without a slash in front: with external_url where it is set,
 * else from this page on. Set as href of the element that was opened just now. id, which may be
 * NULL, is appended as one segment. */
void page_href(struct page *p, const char *path, const char *id);
/* The link to an incident. */
void page_incident_link(struct page *p, const char *id, const char *text);

/* since 1970; 0: "never". The time of day alone where it is within 12 hours. */
void page_time(struct page *p, usec_t wall);
/* To the second, with the date. */
void page_moment(struct page *p, usec_t wall);
/* page_time() with how long ago it was. */
void page_ago(struct page *p, usec_t wall);
/* A moment of the local clock, since 1970. */
usec_t page_wall(const struct page *p, usec_t local);
void page_duration(struct page *p, usec_t t);

/* A row of a list of terms: what page_dd() opens is closed by the next, or by html_close_to(). */
void page_dd(struct page *p, const char *term);
void page_dd_text(struct page *p, const char *term, const char *text);

/* A list of what an app's properties ask of its rule, with why not, where that does not hold. */
void page_asks(struct page *p, const struct app_wishes *wishes);

/* A table with a heading per column; NULL ends them. Its rows are opened by the caller. */
void page_table(struct page *p, const char *label, const char *const *heads);
/* A cell, to be closed by the caller; head: of its column. The first of a row names it. */
void page_cell(struct page *p, const char *head, const char *class);
void page_cell_text(struct page *p, const char *head, const char *class, const char *text);
/* A field of a form that nobody sees. */
void page_hidden(struct page *p, const char *name, const char *value);
/* What a person is to put into the field of that id. */
void page_label(struct page *p, const char *id, const char *text);
/* A field to filter the page at path by; find: what it holds, sort: what is kept, may be NULL. */
void page_filter(struct page *p, const char *path, const char *find, const char *sort);
/* "and N more", where shown is less than n. */
void page_more(struct page *p, size_t n, size_t shown, const char *what);
