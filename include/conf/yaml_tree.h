/* SPDX-License-Identifier: Apache-2.0
 * A YAML text as a tree, by libyaml. What a file of settings does not need is refused: anchors and
 * aliases, tags, a second document, a key twice, and whatever is deeper or larger than the limits.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

#define YAML_TREE_MAX_BYTES ((size_t)256 * 1024)
#define YAML_TREE_MAX_DEPTH 8
#define YAML_TREE_MAX_NODES 5000U

enum yaml_tree_kind {
	YAML_TREE_TEXT,
	YAML_TREE_LIST,
	YAML_TREE_MAP
};

struct yaml_tree {
	enum yaml_tree_kind kind;
	unsigned line; /* where it begins; of a map's item: its key */
	char *key;     /* of a map's item; NULL: of none */
	char *text;    /* YAML_TREE_TEXT; may be a secret */
	bool absent;   /* YAML_TREE_TEXT: nothing, ~ or null, without quotes; text is "" */
	struct yaml_tree *first; /* item of a list or a map */
	struct yaml_tree *next;
};

/* An empty text is an absent one. -EBADMSG where it is none of these, with the line and *reterr,
 * which holds nothing of the text but keys; -ENOMEM. */
int yaml_tree_parse(
	const char *text, size_t len, struct yaml_tree **ret, unsigned *ret_line, char **reterr);

/* Wipes the texts. NULL is allowed; returns NULL. */
struct yaml_tree *yaml_tree_free(struct yaml_tree *t);

DEFINE_CLEANUP(struct yaml_tree *, yaml_tree_free)
