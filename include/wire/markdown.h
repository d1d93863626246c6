/* SPDX-License-Identifier: Apache-2.0
 * Text of our own pages as HTML. It knows what they use: headings, paragraphs, lists of one level,
 * **bold**, `code` and links to each other. Everything else is text. */
#pragma once

#include <stdbool.h>

#include "wire/html_writer.h"

/* Whether there is a page of that name: a link to any other is shown as its words. */
typedef bool (*markdown_page_exists)(const char *name);

/* Appends it. A link to [words](way/NAME.md) leads to NAME, beside the page. */
void markdown_write(struct html_writer *html, const char *text, markdown_page_exists exists);
