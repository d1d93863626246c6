/* SPDX-License-Identifier: Apache-2.0
 * Typed parameters: from text into a struct, and back. */
#include "base/param.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"

int strlist_add(struct strlist *l, const char *s)
{
	char **items;
	char *copy;

	copy = strdup(s);
	if (!copy)
		return -ENOMEM;
	items = reallocarray(l->items, l->n + 1, sizeof(*items));
	if (!items) {
		free(copy);
		return -ENOMEM;
	}
	l->items = items;
	l->items[l->n++] = copy;
	return 0;
}

bool strlist_has(const struct strlist *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_equal(l->items[i], s))
			return true;
	return false;
}

bool strlist_equal(const struct strlist *a, const struct strlist *b)
{
	bool equal = a->n == b->n;

	for (size_t i = 0; equal && i < a->n; i++)
		equal = str_equal(a->items[i], b->items[i]);
	return equal;
}

void strlist_clear(struct strlist *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->items[i]);
	free(l->items);
	*l = (struct strlist){0};
}

const struct param_def *param_find(const struct param_def *defs, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(defs[i].name, name) == 0)
			return &defs[i];
	}
	return NULL;
}

/* A duration as parse_duration() reads it back to the microsecond: "10min", "90s", "1500ms". */
static void add_duration(struct strbuf *out, usec_t t)
{
	static const struct {
		const char *suffix;
		usec_t length;
	} units[] = {
		{"h", USEC_PER_HOUR},
		{"min", USEC_PER_MINUTE},
		{"s", USEC_PER_SEC},
		{"ms", USEC_PER_MSEC},
		{"us", 1},
	};
	size_t i = 0;

	if (t == 0) {
		strbuf_add(out, "0s");
		return;
	}
	while (t % units[i].length != 0)
		i++;
	strbuf_addf(out, "%" PRIu64 "%s", t / units[i].length, units[i].suffix);
}

static void add_size(struct strbuf *out, uint64_t bytes)
{
	if (bytes > 0 && bytes % (1U << 30) == 0)
		strbuf_addf(out, "%" PRIu64 "G", bytes >> 30);
	else if (bytes > 0 && bytes % (1U << 20) == 0)
		strbuf_addf(out, "%" PRIu64 "M", bytes >> 20);
	else if (bytes > 0 && bytes % (1U << 10) == 0)
		strbuf_addf(out, "%" PRIu64 "K", bytes >> 10);
	else
		strbuf_addf(out, "%" PRIu64, bytes);
}

static void add_number(struct strbuf *out, enum param_type type, uint64_t value)
{
	if (type == PARAM_DURATION)
		add_duration(out, value);
	else if (type == PARAM_SIZE)
		add_size(out, value);
	else
		strbuf_addf(out, "%" PRIu64, value);
}

static int refuse(char **reterr, int r, const char *what)
{
	if (str_printf(reterr, "%s", what) < 0)
		return -ENOMEM;
	return r;
}

/* "below 1min" or "above 100". */
static int refuse_bound(const struct param_def *def, bool above, char **reterr)
{
	struct strbuf text = {0};

	strbuf_add(&text, above ? "above " : "below ");
	add_number(&text, def->type, above ? def->max : def->min);
	if (strbuf_finish(&text, reterr) < 0)
		return -ENOMEM;
	return -ERANGE;
}

static int set_number(const struct param_def *def, void *field, const char *text, char **reterr)
{
	const char *what;
	uint64_t value = 0;
	uint64_t bare;
	int r;

	if (def->type == PARAM_DURATION && parse_u64(text, &bare) >= 0 && bare > 0)
		return refuse(reterr, -EINVAL, "a time needs its unit, such as 90s or 10min");
	if (def->type == PARAM_DURATION) {
		what = "not a duration such as 90s or 10min";
		r = parse_duration(text, &value);
	} else if (def->type == PARAM_SIZE) {
		what = "not a size such as 512, 64K or 8M";
		r = parse_size(text, &value);
	} else {
		what = "not a whole number";
		r = parse_u64(text, &value);
	}
	if (r == -ERANGE)
		return refuse(reterr, r, "too large");
	if (r < 0)
		return refuse(reterr, r, what);
	if (value < def->min)
		return refuse_bound(def, false, reterr);
	if (def->max > 0 && value > def->max)
		return refuse_bound(def, true, reterr);
	*(uint64_t *)field = value;
	return 0;
}

static int set_enum(const struct param_def *def, int *field, const char *text, char **reterr)
{
	struct strbuf list = {0};

	for (int i = 0; def->choices[i]; i++) {
		if (strcmp(def->choices[i], text) == 0) {
			strbuf_clear(&list);
			*field = i;
			return 0;
		}
		strbuf_addf(&list, "%s%s", i > 0 ? ", " : "not one of ", def->choices[i]);
	}
	if (strbuf_finish(&list, reterr) < 0)
		return -ENOMEM;
	return -EINVAL;
}

static int set_list(struct strlist *field, const char *text)
{
	if (*text)
		return strlist_add(field, text);
	strlist_clear(field);
	return 0;
}

int param_set(const struct param_def *def, void *target, const char *text, char **reterr)
{
	void *field = (char *)target + def->offset;

	switch (def->type) {
	case PARAM_STRING:
		return str_replace(field, *text ? text : NULL);
	case PARAM_LIST:
		return set_list(field, text);
	case PARAM_BOOL:
		if (parse_bool(text, field) < 0)
			return refuse(reterr, -EINVAL, "neither yes nor no");
		return 0;
	case PARAM_ENUM:
		return set_enum(def, field, text, reterr);
	case PARAM_U64:
	case PARAM_SIZE:
	case PARAM_DURATION:
		return set_number(def, field, text, reterr);
	case PARAM_TYPE_MAX:
		break;
	}
	return refuse(reterr, -EINVAL, "of no known type");
}

int param_defaults(const struct param_def *defs, size_t n, void *target)
{
	int r;

	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *err = NULL;

		if (!defs[i].fallback)
			continue;
		r = param_set(&defs[i], target, defs[i].fallback, &err);
		if (r < 0)
			return r;
	}
	return 0;
}

void param_clear(const struct param_def *defs, size_t n, void *target)
{
	for (size_t i = 0; i < n; i++) {
		void *field = (char *)target + defs[i].offset;

		switch (defs[i].type) {
		case PARAM_STRING:
			free(*(char **)field);
			*(char **)field = NULL;
			break;
		case PARAM_LIST:
			strlist_clear(field);
			break;
		case PARAM_BOOL:
			*(bool *)field = false;
			break;
		case PARAM_ENUM:
			*(int *)field = 0;
			break;
		case PARAM_U64:
		case PARAM_SIZE:
		case PARAM_DURATION:
			*(uint64_t *)field = 0;
			break;
		case PARAM_TYPE_MAX:
			break;
		}
	}
}

static void print_line(const char *name, const char *value, struct strbuf *out)
{
	bool fits = strlen(name) + strlen(" = ") + strlen(value) <= PARAM_LINE_BYTES;

	strbuf_addf(out, "%s%s%s\n", name, fits ? " = " : "=", value);
}

static void print_list(const char *name, const struct strlist *l, struct strbuf *out)
{
	for (size_t i = 0; i < l->n; i++)
		print_line(name, l->items[i], out);
	if (l->n == 0)
		strbuf_addf(out, "# %s =\n", name);
}

static void print_string(const char *name, const char *s, struct strbuf *out)
{
	if (s)
		print_line(name, s, out);
	else
		strbuf_addf(out, "# %s =\n", name);
}

void param_print(const struct param_def *defs, size_t n, const void *target, struct strbuf *out)
{
	for (size_t i = 0; i < n; i++) {
		const struct param_def *def = &defs[i];
		const void *field = (const char *)target + def->offset;

		switch (def->type) {
		case PARAM_STRING:
			print_string(def->name, *(char *const *)field, out);
			break;
		case PARAM_LIST:
			print_list(def->name, field, out);
			break;
		case PARAM_BOOL:
			print_string(def->name, *(const bool *)field ? "yes" : "no", out);
			break;
		case PARAM_ENUM:
			print_string(def->name, def->choices[*(const int *)field], out);
			break;
		case PARAM_U64:
		case PARAM_SIZE:
		case PARAM_DURATION:
			strbuf_addf(out, "%s = ", def->name);
			add_number(out, def->type, *(const uint64_t *)field);
			strbuf_add(out, "\n");
			break;
		case PARAM_TYPE_MAX:
			break;
		}
	}
}
