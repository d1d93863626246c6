/* SPDX-License-Identifier: Apache-2.0
 * Reads the configuration and its drop-ins by inih, behind checks of what inih would pass over. */
#include "conf/conf.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sorted.h"
#include "base/strbuf.h"

#define FILE_MAX_BYTES ((size_t)64 * 1024 * 1024)
#define FILE_FIRST_BYTES ((size_t)64 * 1024)
#define FILE_MAX_LINES 1000000U
#define NAME_MAX_BYTES ((size_t)49)

#define BLANKS " \t"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define ALNUM LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define KIND_CHARS LOWER "_"
#define NAME_CHARS ALNUM "_.-"

/* One file on its way through inih. */
struct reader {
	struct conf *conf;
	struct strlist *errors;
	const char *file;
	bool is_main;
	const char *next; /* the rest of the text */
	const char *end;
	unsigned line;  /* the one that inih has now, from 1 */
	size_t section; /* index; valid where in_section */
	bool in_section;
	bool skipping; /* the section's header has a fault: its keys have no place */
	int error;     /* -ENOMEM */
};

static void remember(struct reader *rd, int r)
{
	if (r < 0)
		rd->error = r;
}

static void fault(struct reader *rd, const char *text)
{
	_cleanup_free_ char *s = NULL;
	int r = str_printf(&s, "%s:%u: %s", rd->file, rd->line, text);

	remember(rd, r < 0 ? r : strlist_add(rd->errors, s));
}

static void entry_clear(struct conf_entry *e)
{
	free(e->key);
	free(e->value);
	free(e->file);
	*e = (struct conf_entry){0};
}

static void section_clear(struct conf_section *s)
{
	for (size_t i = 0; i < s->n_entries; i++)
		entry_clear(&s->entries[i]);
	free(s->entries);
	free(s->kind);
	free(s->name);
	free(s->file);
}

struct sought {
	const struct conf *conf;
	const char *kind;
	const char *name;
};

/* By kind and name; one without a name comes first. */
static int compare_section(const void *key, const void *item)
{
	const struct sought *s = key;
	const struct conf_section *b = &s->conf->sections[*(const size_t *)item];
	int r = strcmp(s->kind, b->kind);

	if (r != 0 || !s->name || !b->name)
		return r != 0 ? r : (s->name != NULL) - (b->name != NULL);
	return strcmp(s->name, b->name);
}

/* Where it stands, or belongs, among the sorted ones. */
static size_t find_place(const struct conf *c, const char *kind, const char *name, bool *ret_there)
{
	const struct sought sought = {c, kind, name};
	size_t at = sorted_place(
		&sought, c->by_name, c->n_sections, sizeof(*c->by_name), compare_section);

	*ret_there = at < c->n_sections && compare_section(&sought, &c->by_name[at]) == 0;
	return at;
}

const struct conf_section *conf_find(const struct conf *c, const char *kind, const char *name)
{
	bool there;
	size_t at = find_place(c, kind, name, &there);

	return there ? &c->sections[c->by_name[at]] : NULL;
}

/* Room for one more. */
static int conf_grow(struct conf *c)
{
	struct conf_section *sections =
		reallocarray(c->sections, c->n_sections + 1, sizeof(*sections));
	size_t *by_name;

	if (!sections)
		return -ENOMEM;
	c->sections = sections;
	by_name = reallocarray(c->by_name, c->n_sections + 1, sizeof(*by_name));
	if (!by_name)
		return -ENOMEM;
	c->by_name = by_name;
	return 0;
}

static int conf_add_section(struct conf *c, const struct conf_section *like, size_t *ret)
{
	struct conf_section s = {.line = like->line};
	bool there;
	size_t at = find_place(c, like->kind, like->name, &there);

	if (there) {
		*ret = c->by_name[at];
		return 0;
	}
	if (conf_grow(c) < 0 || str_replace(&s.kind, like->kind) < 0 ||
		str_replace(&s.name, like->name) < 0 || str_replace(&s.file, like->file) < 0) {
		section_clear(&s);
		return -ENOMEM;
	}
	memmove(&c->by_name[at + 1], &c->by_name[at], (c->n_sections - at) * sizeof(*c->by_name));
	c->by_name[at] = c->n_sections;
	c->sections[c->n_sections] = s;
	*ret = c->n_sections++;
	return 0;
}

static int section_append(struct conf_section *s, const struct conf_entry *like)
{
	struct conf_entry e = {.line = like->line};
	struct conf_entry *grown;

	if (str_replace(&e.key, like->key) < 0 || str_replace(&e.value, like->value) < 0 ||
		str_replace(&e.file, like->file) < 0)
		goto fail;
	grown = reallocarray(s->entries, s->n_entries + 1, sizeof(*grown));
	if (!grown)
		goto fail;
	s->entries = grown;
	grown[s->n_entries++] = e;
	return 0;
fail:
	entry_clear(&e);
	return -ENOMEM;
}

/* Takes out what other files said for the key. */
static void section_forget(struct conf_section *s, const char *key, const char *but_file)
{
	size_t kept = 0;

	if (!s->entries)
		return;
	for (size_t i = 0; i < s->n_entries; i++) {
		struct conf_entry *e = &s->entries[i];

		if (str_equal(e->key, key) && !str_equal(e->file, but_file))
			entry_clear(e);
		else
			s->entries[kept++] = *e;
	}
	s->n_entries = kept;
}

static bool section_has_other(const struct conf_section *s, const char *key, const char *file)
{
	for (size_t i = 0; s->entries && i < s->n_entries; i++)
		if (str_equal(s->entries[i].key, key) && !str_equal(s->entries[i].file, file))
			return true;
	return false;
}

/* The main file is read last and yields to the drop-ins; a later drop-in prevails over an earlier.
 */
static int section_put(struct conf_section *s, const struct conf_entry *e, bool is_main)
{
	const struct conf_entry *last = s->n_entries > 0 ? &s->entries[s->n_entries - 1] : NULL;

	/* One more of a list: what others said was looked at with the first. Where the first entry
	 * of the section and the last are of this file, all are: nobody else said anything. */
	if (last && str_equal(last->file, e->file) &&
		(str_equal(last->key, e->key) || str_equal(s->entries[0].file, e->file)))
		return section_append(s, e);
	if (is_main && section_has_other(s, e->key, e->file))
		return 0;
	section_forget(s, e->key, e->file);
	return section_append(s, e);
}

/* inih's: a key and its value, comment and blanks cut off. */
static int on_value(void *userdata, const char *section, const char *key, const char *value)
{
	struct reader *rd = userdata;
	_cleanup_free_ char *k = NULL;
	_cleanup_free_ char *v = NULL;
	_cleanup_free_ char *file = NULL;
	int r;

	(void)section;
	/* inih knows a comment by the blank before it: of "key =; why" it makes a value. */
	if (value[0] == '\0' || value[0] == ';') {
		fault(rd, "empty value");
		return 1;
	}
	if (rd->skipping)
		return 1;
	assert(rd->in_section);
	k = strdup(key);
	v = strdup(value);
	file = strdup(rd->file);
	if (!k || !v || !file) {
		remember(rd, -ENOMEM);
		return 1;
	}
	r = section_put(&rd->conf->sections[rd->section],
		&(struct conf_entry){.key = k, .value = v, .file = file, .line = rd->line},
		rd->is_main);
	remember(rd, r);
	return 1;
}

/* "kind" or "kind name": cuts inner in two. */
static bool split_header(char *inner, struct conf_section *ret)
{
	size_t kind = strspn(inner, KIND_CHARS);
	char *name = inner + kind + strspn(inner + kind, BLANKS);

	if (kind == 0)
		return false;
	ret->kind = inner;
	if (inner[kind] == '\0')
		return true;
	if (name == inner + kind || name[0] == '\0' || name[strspn(name, NAME_CHARS)] != '\0')
		return false;
	inner[kind] = '\0';
	ret->name = name;
	return true;
}

/* Nothing, or a comment with a blank before it. */
static bool is_tail(const char *s)
{
	const char *p = s + strspn(s, BLANKS);

	return *p == '\0' || (p > s && *p == ';');
}

/* Records the section by itself: inih tells of it only with its first key. */
static bool take_header(struct reader *rd, const char *line)
{
	const char *end = strchr(line, ']');
	_cleanup_free_ char *inner = NULL;
	_cleanup_free_ char *file = NULL;
	struct conf_section s = {.line = rd->line};

	rd->in_section = false;
	rd->skipping = true;
	if (!end || !is_tail(end + 1)) {
		fault(rd, "not a section: expected [kind] or [kind name]");
		return false;
	}
	if ((size_t)(end - line - 1) > NAME_MAX_BYTES) {
		fault(rd, "section name over 49 bytes");
		return false;
	}
	inner = strndup(line + 1, (size_t)(end - line - 1));
	file = strdup(rd->file);
	if (!inner || !file) {
		remember(rd, -ENOMEM);
		return false;
	}
	if (!split_header(inner, &s)) {
		fault(rd, "not a section: expected [kind] or [kind name]");
		return false;
	}
	s.file = file;
	remember(rd, conf_add_section(rd->conf, &s, &rd->section));
	rd->in_section = rd->error >= 0;
	rd->skipping = !rd->in_section;
	return true;
}

static bool check_key(struct reader *rd, const char *line)
{
	size_t n = strspn(line, NAME_CHARS);

	if (n == 0 || line[n + strspn(line + n, BLANKS)] != '=')
		fault(rd, "neither a section, nor \"key = value\", nor a comment");
	else if (n > NAME_MAX_BYTES)
		fault(rd, "key over 49 bytes");
	else if (!rd->in_section && !rd->skipping)
		fault(rd, "key before any section");
	else
		return true;
	return false;
}

/* UTF-8 without control characters other than the tab. */
static bool is_clean(struct reader *rd, const char *line)
{
	_cleanup_free_ char *copy = strdup(line);
	_cleanup_free_ char *sane = NULL;

	if (!copy) {
		remember(rd, -ENOMEM);
		return false;
	}
	for (char *p = copy; *p; p++)
		if (*p == '\t')
			*p = ' ';
	sane = strdup(copy);
	if (!sane) {
		remember(rd, -ENOMEM);
		return false;
	}
	str_sanitize(sane);
	return strcmp(copy, sane) == 0;
}

/* Whether inih may see the line of n bytes. */
static bool check_line(struct reader *rd, const char *line, size_t n)
{
	const char *text = line + strspn(line, BLANKS);

	if (n > PARAM_LINE_BYTES) {
		fault(rd, "line over 199 bytes");
		return false;
	}
	if (strlen(line) != n || !is_clean(rd, line)) {
		fault(rd, "not UTF-8, or a control character");
		return false;
	}
	if (*text == '\0' || *text == '#' || *text == ';')
		return false; /* nothing for inih */
	if (text > line) {
		fault(rd, "white space before the text: inih would add it to the line above");
		return false;
	}
	return *line == '[' ? take_header(rd, line) : check_key(rd, line);
}

/* The next line without its end. NULL at the end of the text or without memory. */
static char *next_line(struct reader *rd, size_t *ret_n)
{
	const char *end;
	size_t n;
	char *line;

	if (rd->next >= rd->end || rd->error < 0)
		return NULL;
	end = memchr(rd->next, '\n', (size_t)(rd->end - rd->next));
	n = (size_t)((end ? end : rd->end) - rd->next);
	line = malloc(n + 1);
	if (!line) {
		remember(rd, -ENOMEM);
		return NULL;
	}
	memcpy(line, rd->next, n);
	rd->next = end ? end + 1 : rd->end;
	rd->line++;
	if (n > 0 && line[n - 1] == '\r')
		n--;
	line[n] = '\0';
	*ret_n = n;
	return line;
}

/* inih's fgets(): gives it an empty line in the place of what it must not see. */
static char *read_line(char *buf, int size, void *stream)
{
	struct reader *rd = stream;
	_cleanup_free_ char *line = NULL;
	size_t n = 0;

	line = next_line(rd, &n);
	if (!line)
		return NULL;
	if (rd->line > FILE_MAX_LINES) {
		fault(rd, "more than 1000000 lines");
		return NULL;
	}
	if (!check_line(rd, line, n)) {
		n = 0;
	} else if (n >= (size_t)size) {
		fault(rd, "line too long for this inih");
		n = 0;
	}
	memcpy(buf, line, n);
	buf[n] = '\0';
	return buf;
}

/* The rest of an open file. -EFBIG over the limit. */
static int read_rest(int fd, char **ret, size_t *ret_n)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	size_t len = 0;

	for (;;) {
		ssize_t n;

		if (len == size) {
			char *grown = realloc(text, size = size > 0 ? 2 * size : FILE_FIRST_BYTES);

			if (!grown)
				return -ENOMEM;
			text = grown;
		}
		n = read(fd, text + len, size - len);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		if (n > 0)
			len += (size_t)n;
		if (len > FILE_MAX_BYTES)
			return -EFBIG;
	}
	*ret = TAKE_PTR(text);
	*ret_n = len;
	return 0;
}

/* A regular file, or a device such as /dev/null, whole. -EFBIG over the limit. */
static int read_text(const char *path, char **ret, size_t *ret_n)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode))
		return -EINVAL;
	return read_rest(fd, ret, ret_n);
}

/* What is wrong with a file as a whole, for the errors. -EBADMSG or error itself where it is the
 * main file that cannot be read. */
static int file_fault(struct reader *rd, int error)
{
	_cleanup_free_ char *s = NULL;
	int r;

	if (error == -ENOMEM)
		return error;
	if (error == -EFBIG) {
		rd->line = 1;
		fault(rd, "file over 64 MiB");
		return rd->error < 0 ? rd->error : -EBADMSG;
	}
	r = str_printf(
		&s, "%s: %s", rd->file, error == -EINVAL ? "not a regular file" : strerror(-error));
	if (r >= 0)
		r = strlist_add(rd->errors, s);
	if (r < 0)
		return r;
	return rd->is_main ? error : -EBADMSG;
}

static int load_file(struct conf *c, const char *path, bool is_main, struct strlist *errors)
{
	struct reader rd = {.conf = c, .errors = errors, .file = path, .is_main = is_main};
	_cleanup_free_ char *text = NULL;
	size_t faults = errors->n;
	size_t len = 0;
	int r;

	r = read_text(path, &text, &len);
	if (r < 0)
		return file_fault(&rd, r);
	rd.next = text;
	rd.end = text + len;
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		rd.next += 3;
	r = ini_parse_stream(read_line, &rd, on_value, &rd);
	if (rd.error < 0)
		return rd.error;
	if (r > 0 && errors->n == faults) {
		/* Its own checks are looser than ours. */
		rd.line = (unsigned)r;
		fault(&rd, "not understood");
	}
	return errors->n > faults ? -EBADMSG : rd.error;
}

static int is_drop_in(const struct dirent *e)
{
	const char *dot = strrchr(e->d_name, '.');

	return e->d_name[0] != '.' && dot && strcmp(dot, ".conf") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* A fault in one does not keep the others from being read. */
static int load_drop_in(struct conf *c, const char *dir, const char *name, struct strlist *errors)
{
	_cleanup_free_ char *path = NULL;
	int r = str_printf(&path, "%s/%s", dir, name);

	return r < 0 ? r : load_file(c, path, false, errors);
}

static int load_drop_ins(struct conf *c, const char *path, struct strlist *errors)
{
	_cleanup_free_ struct dirent **names = NULL;
	_cleanup_free_ char *dir = NULL;
	int result = 0;
	int r;
	int n;

	r = str_printf(&dir, "%s.d", path);
	if (r < 0)
		return r;
	n = scandir(dir, &names, is_drop_in, by_name);
	if (n < 0 && errno != ENOENT) {
		struct reader rd = {.errors = errors, .file = dir};

		return file_fault(&rd, -errno);
	}
	for (int i = 0; i < n; i++) {
		if (result != -ENOMEM)
			r = load_drop_in(c, dir, names[i]->d_name, errors);
		if (r < 0)
			result = r;
		free(names[i]);
	}
	return result;
}

int conf_load(const char *path, struct conf **ret, struct strlist *errors)
{
	_cleanup_(conf_freep) struct conf *c = NULL;
	int drop_ins;
	int r;

	r = conf_new(&c);
	if (r < 0)
		return r;
	drop_ins = load_drop_ins(c, path, errors);
	if (drop_ins == -ENOMEM)
		return drop_ins;
	r = load_file(c, path, true, errors);
	if (r < 0)
		return r;
	if (drop_ins < 0)
		return drop_ins;
	*ret = TAKE_PTR(c);
	return 0;
}

int conf_new(struct conf **ret)
{
	struct conf *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	*ret = c;
	return 0;
}

struct conf *conf_free(struct conf *c)
{
	if (!c)
		return NULL;
	for (size_t i = 0; i < c->n_sections; i++)
		section_clear(&c->sections[i]);
	free(c->sections);
	free(c->by_name);
	free(c);
	return NULL;
}
