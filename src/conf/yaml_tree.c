/* SPDX-License-Identifier: Apache-2.0
 * libyaml's events, within limits, as a tree. */
#include "conf/yaml_tree.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "base/secret.h"
#include "base/strbuf.h"

#define MAX_KEY 200U

struct reader {
	yaml_parser_t parser;
	unsigned n_nodes;
	unsigned line; /* of the fault */
	char *fault;
};

struct yaml_tree *yaml_tree_free(struct yaml_tree *t)
{
	while (t) {
		struct yaml_tree *next = t->next;

		yaml_tree_free(t->first);
		free(t->key);
		secret_free(t->text);
		free(t);
		t = next;
	}
	return NULL;
}

/* The first one counts. */
static int refuse(struct reader *r, size_t line, const char *why)
{
	if (!r->fault && str_printf(&r->fault, "%s", why) < 0)
		return -ENOMEM;
	r->line = (unsigned)line + 1;
	return -EBADMSG;
}

static int next_event(struct reader *r, yaml_event_t *event)
{
	const yaml_parser_t *p = &r->parser;

	if (yaml_parser_parse(&r->parser, event))
		return 0;
	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	return refuse(r, p->error == YAML_READER_ERROR ? p->mark.line : p->problem_mark.line,
		p->problem ? p->problem : "not YAML");
}

/* What begins with the event: anchors and tags are in different places of it. */
static int check_plain(struct reader *r, const yaml_event_t *e)
{
	const yaml_char_t *anchor = NULL;
	const yaml_char_t *tag = NULL;

	if (e->type == YAML_ALIAS_EVENT) {
		return refuse(r, e->start_mark.line, "an alias is not supported");
	} else if (e->type == YAML_SCALAR_EVENT) {
		anchor = e->data.scalar.anchor;
		tag = e->data.scalar.tag;
	} else if (e->type == YAML_SEQUENCE_START_EVENT) {
		anchor = e->data.sequence_start.anchor;
		tag = e->data.sequence_start.tag;
	} else if (e->type == YAML_MAPPING_START_EVENT) {
		anchor = e->data.mapping_start.anchor;
		tag = e->data.mapping_start.tag;
	}
	if (anchor)
		return refuse(r, e->start_mark.line, "an anchor is not supported");
	return tag ? refuse(r, e->start_mark.line, "a tag is not supported") : 0;
}

static bool is_absent(const yaml_event_t *e, const char *text)
{
	return e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (*text == '\0' || str_equal(text, "~") || strcasecmp(text, "null") == 0);
}

static int take_text(struct reader *r, const yaml_event_t *e, struct yaml_tree *t)
{
	const char *text = (const char *)e->data.scalar.value;

	if (strlen(text) != e->data.scalar.length)
		return refuse(r, e->start_mark.line, "a NUL character is in a text");
	t->kind = YAML_TREE_TEXT;
	t->absent = is_absent(e, text);
	t->text = strdup(t->absent ? "" : text);
	return t->text ? 0 : -ENOMEM;
}

static int take_key(
	struct reader *r, const yaml_event_t *e, const struct yaml_tree *map, char **ret)
{
	const char *text = (const char *)e->data.scalar.value;

	if (e->type != YAML_SCALAR_EVENT || strlen(text) != e->data.scalar.length ||
		e->data.scalar.length > MAX_KEY)
		return refuse(r, e->start_mark.line, "a key is not a text of up to 200 bytes");
	for (const struct yaml_tree *t = map->first; t; t = t->next)
		if (str_equal(t->key, text))
			return refuse(r, e->start_mark.line, "a key that was there already");
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

/* A text of the file may be a secret. */
static void drop_event(yaml_event_t *event)
{
	if (event->type == YAML_SCALAR_EVENT)
		secret_wipe((char *)event->data.scalar.value, event->data.scalar.length);
	yaml_event_delete(event);
}

static int read_node(struct reader *r, yaml_event_t *event, unsigned depth, struct yaml_tree **ret);

/* An item of a list or a map. 0: that was the last; its end is in the event. */
static int read_item(
	struct reader *r, const struct yaml_tree *t, unsigned depth, struct yaml_tree **ret)
{
	_cleanup_free_ char *key = NULL;
	yaml_event_t event;
	unsigned line;
	int k = next_event(r, &event);

	if (k < 0)
		return k;
	if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT) {
		yaml_event_delete(&event);
		return 0;
	}
	line = (unsigned)event.start_mark.line + 1;
	if (t->kind == YAML_TREE_MAP) {
		k = check_plain(r, &event);
		if (k >= 0)
			k = take_key(r, &event, t, &key);
		yaml_event_delete(&event);
		if (k >= 0)
			k = next_event(r, &event);
		if (k < 0)
			return k;
	}
	k = read_node(r, &event, depth + 1, ret);
	if (k < 0)
		return k;
	(*ret)->line = line;
	(*ret)->key = TAKE_PTR(key);
	return 1;
}

static int read_items(struct reader *r, struct yaml_tree *t, unsigned depth)
{
	struct yaml_tree **last = &t->first;
	int k;

	while ((k = read_item(r, t, depth, last)) > 0)
		last = &(*last)->next;
	return k;
}

/* Takes the event over. */
static int read_node(struct reader *r, yaml_event_t *event, unsigned depth, struct yaml_tree **ret)
{
	_cleanup_(yaml_tree_freep) struct yaml_tree *t = calloc(1, sizeof(*t));
	int k = t ? check_plain(r, event) : -ENOMEM;

	if (k >= 0 && (depth > YAML_TREE_MAX_DEPTH || ++r->n_nodes > YAML_TREE_MAX_NODES))
		k = refuse(r, event->start_mark.line, "deeper or longer than what is read");
	if (k >= 0) {
		t->line = (unsigned)event->start_mark.line + 1;
		t->kind = event->type == YAML_SEQUENCE_START_EVENT ? YAML_TREE_LIST : YAML_TREE_MAP;
	}
	if (k >= 0 && event->type == YAML_SCALAR_EVENT)
		k = take_text(r, event, t);
	else if (k >= 0)
		k = read_items(r, t, depth);
	drop_event(event);
	if (k < 0)
		return k;
	*ret = TAKE_PTR(t);
	return 0;
}

/* The next event is of that type, or else the fault is why. */
static int expect(struct reader *r, yaml_event_type_t type, const char *why)
{
	yaml_event_t event;
	int k = next_event(r, &event);

	if (k < 0)
		return k;
	if (event.type != type)
		k = refuse(r, event.start_mark.line, why);
	yaml_event_delete(&event);
	return k;
}

static int read_absent(struct yaml_tree **ret)
{
	struct yaml_tree *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->line = 1;
	t->absent = true;
	t->text = strdup("");
	*ret = t;
	return t->text ? 0 : -ENOMEM;
}

static int read_document(struct reader *r, struct yaml_tree **ret)
{
	yaml_event_t event;
	int k = expect(r, YAML_STREAM_START_EVENT, "not YAML");

	if (k >= 0)
		k = next_event(r, &event);
	if (k < 0)
		return k;
	if (event.type == YAML_STREAM_END_EVENT) {
		yaml_event_delete(&event);
		return read_absent(ret);
	}
	yaml_event_delete(&event); /* YAML_DOCUMENT_START_EVENT */
	k = next_event(r, &event);
	if (k >= 0)
		k = read_node(r, &event, 1, ret);
	if (k >= 0)
		k = expect(r, YAML_DOCUMENT_END_EVENT, "not YAML");
	return k < 0 ? k : expect(r, YAML_STREAM_END_EVENT, "a second document");
}

int yaml_tree_parse(
	const char *text, size_t len, struct yaml_tree **ret, unsigned *ret_line, char **reterr)
{
	_cleanup_(yaml_tree_freep) struct yaml_tree *t = NULL;
	struct reader r = {0};
	int k;

	if (len > YAML_TREE_MAX_BYTES) {
		*ret_line = 1;
		k = str_printf(reterr, "more than 256 KiB");
		return k < 0 ? k : -EBADMSG;
	}
	if (!yaml_parser_initialize(&r.parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	k = read_document(&r, &t);
	secret_wipe((char *)r.parser.buffer.start,
		(size_t)(r.parser.buffer.end - r.parser.buffer.start));
	secret_wipe((char *)r.parser.raw_buffer.start,
		(size_t)(r.parser.raw_buffer.end - r.parser.raw_buffer.start));
	yaml_parser_delete(&r.parser);
	if (k >= 0)
		*ret = TAKE_PTR(t);
	*ret_line = r.line;
	if (k == -EBADMSG)
		*reterr = TAKE_PTR(r.fault);
	free(r.fault);
	return k;
}
