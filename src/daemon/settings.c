/* SPDX-License-Identifier: Apache-2.0
 * Binds sections and keys to the parameters that sources, Airflow, rules and the daemon declare. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "daemon/settings.h"
#include "io/http_server.h"

static const char *const modes[] = {[MODE_OBSERVE] = "observe", [MODE_ACT] = "act", NULL};

static const struct param_def daemon_params[] = {
	{.name = "poll_interval",
		.type = PARAM_DURATION,
		.offset = offsetof(struct daemon_params, poll_interval),
		.fallback = "10s",
		.min = USEC_PER_SEC,
		.max = USEC_PER_HOUR,
		.help = "time from one poll to the next; Spark's own counters move every 10s"},
	{.name = "mode",
		.type = PARAM_ENUM,
		.offset = offsetof(struct daemon_params, mode),
		.choices = modes,
		.fallback = "observe",
		.help = "observe: decide and record, send nothing; act: do it"},
	{.name = "state_dir",
		.type = PARAM_STRING,
		.offset = offsetof(struct daemon_params, state_dir),
		.fallback = "/var/lib/stagewatchd",
		.help = "where state is kept"},
	{.name = "max_parallel_requests",
		.type = PARAM_U64,
		.offset = offsetof(struct daemon_params, max_parallel_requests),
		.fallback = "32",
		.min = 1,
		.max = 1000,
		.help = "requests on the wire at once"},
};
static const size_t n_daemon_params = ELEMENTSOF(daemon_params);

static const struct param_def web_params[] = {
	{.name = "listen",
		.type = PARAM_STRING,
		.offset = offsetof(struct web_params, listen),
		.fallback = "127.0.0.1:14040",
		.help = "address and port of metrics, pages and status"},
};
static const size_t n_web_params = ELEMENTSOF(web_params);

static const struct param_def probe_params[] = {
	{.name = "enabled",
		.type = PARAM_BOOL,
		.offset = offsetof(struct probe_params, enabled),
		.fallback = "no",
		.help = "tell other hosts' stagewatchd the CPU seconds of this host's executors, "
			"at "
			"/api/v1/probe of [web] listen"},
	{.name = "port",
		.type = PARAM_U64,
		.offset = offsetof(struct probe_params, port),
		.fallback = "0",
		.max = UINT16_MAX,
		.help = "the port at which the stagewatchd of an executor's host is asked; 0: none "
			"is"},
};
static const size_t n_probe_params = ELEMENTSOF(probe_params);

const struct section_def section_defs[] = {
	{"daemon", false, daemon_params, &n_daemon_params, offsetof(struct settings, daemon)},
	{"web", false, web_params, &n_web_params, offsetof(struct settings, web)},
	{"probe", false, probe_params, &n_probe_params, offsetof(struct settings, probe)},
	{"evidence", false, inquiry_params, &n_inquiry_params, offsetof(struct settings, evidence)},
	{"spark", true, source_params, &n_source_params, 0},
	{"airflow", true, airflow_params, &n_airflow_params, 0},
	{"rule", true, rule_params, &n_rule_params, 0},
};
const size_t n_section_defs = ELEMENTSOF(section_defs);

const char *mode_name(enum daemon_mode m)
{
	return modes[m];
}

/* Where the values of a section without a name are. */
static void *section_values(struct settings *s, const struct section_def *def)
{
	return (char *)s + def->offset;
}

static const void *section_values_const(const struct settings *s, const struct section_def *def)
{
	return (const char *)s + def->offset;
}

void settings_drop_airflows(struct settings *s)
{
	for (size_t i = 0; i < s->n_airflows; i++) {
		free(s->airflows[i].name);
		param_clear(airflow_params, n_airflow_params, &s->airflows[i].params);
	}
	free(s->airflows);
	s->airflows = NULL;
	s->n_airflows = 0;
}

struct settings *settings_free(struct settings *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < n_section_defs; i++)
		if (!section_defs[i].named)
			param_clear(section_defs[i].params, *section_defs[i].n_params,
				section_values(s, &section_defs[i]));
	for (size_t i = 0; i < s->n_sources; i++) {
		free(s->sources[i].name);
		param_clear(source_params, n_source_params, &s->sources[i].params);
	}
	free(s->sources);
	settings_drop_airflows(s);
	rule_list_clear(&s->rules);
	rule_clear(&s->fallback);
	free(s);
	return NULL;
}

static int fault(struct strlist *errors, const char *file, unsigned line, const char *text)
{
	_cleanup_free_ char *s = NULL;
	int r;

	r = str_printf(&s, "%s:%u: %s", file, line, text);
	return r < 0 ? r : strlist_add(errors, s);
}

static int bind_entry(const struct section_def *def, const struct conf_section *section, size_t k,
	void *target, struct strlist *errors)
{
	const struct conf_entry *e = &section->entries[k];
	const struct param_def *p = param_find(def->params, *def->n_params, e->key);
	_cleanup_free_ char *err = NULL;
	_cleanup_free_ char *text = NULL;
	int r;

	if (!p) {
		r = str_printf(&text, "unknown key in [%s]: %s", def->kind, e->key);
		return r < 0 ? r : fault(errors, e->file, e->line, text);
	}
	for (size_t i = 0; i < k && p->type != PARAM_LIST; i++)
		if (str_equal(section->entries[i].key, e->key)) {
			r = str_printf(&text, "%s was set already in line %u", e->key,
				section->entries[i].line);
			return r < 0 ? r : fault(errors, e->file, e->line, text);
		}
	r = param_set(p, target, e->value, &err);
	if (r == -ENOMEM || r >= 0)
		return r;
	r = str_printf(&text, "%s: %s", e->key, err ? err : "wrong value");
	return r < 0 ? r : fault(errors, e->file, e->line, text);
}

static int bind(const struct section_def *def, const struct conf_section *section, void *target,
	struct strlist *errors)
{
	int r;

	for (size_t k = 0; k < section->n_entries; k++) {
		r = bind_entry(def, section, k, target, errors);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Grows *items by one zeroed element of the given size. */
static void *append(void **items, size_t *n, size_t size)
{
	char *grown = reallocarray(*items, *n + 1, size);

	if (!grown)
		return NULL;
	*items = grown;
	memset(grown + *n * size, 0, size);
	return grown + (*n)++ * size;
}

static int add_source(struct settings *s, const struct section_def *def,
	const struct conf_section *section, struct strlist *errors)
{
	struct source_settings *t =
		append((void **)&s->sources, &s->n_sources, sizeof(*s->sources));
	int r;

	if (!t)
		return -ENOMEM;
	t->file = section->file;
	t->line = section->line;
	r = str_replace(&t->name, section->name);
	if (r >= 0)
		r = param_defaults(def->params, *def->n_params, &t->params);
	return r < 0 ? r : bind(def, section, &t->params, errors);
}

static int add_airflow(struct settings *s, const struct section_def *def,
	const struct conf_section *section, struct strlist *errors)
{
	struct airflow_settings *t =
		append((void **)&s->airflows, &s->n_airflows, sizeof(*s->airflows));
	int r;

	if (!t)
		return -ENOMEM;
	t->file = section->file;
	t->line = section->line;
	r = str_replace(&t->name, section->name);
	if (r >= 0)
		r = param_defaults(def->params, *def->n_params, &t->params);
	return r < 0 ? r : bind(def, section, &t->params, errors);
}

static int add_rule(struct settings *s, const struct section_def *def,
	const struct conf_section *section, struct strlist *errors)
{
	struct rule *t = append((void **)&s->rules.items, &s->rules.n, sizeof(*t));
	_cleanup_free_ char *err = NULL;
	size_t n_before = errors->n;
	int r;

	if (!t)
		return -ENOMEM;
	r = str_replace(&t->name, section->name);
	if (r >= 0)
		r = param_defaults(def->params, *def->n_params, t);
	if (r >= 0)
		r = bind(def, section, t, errors);
	if (r < 0 || errors->n > n_before)
		return r;
	r = rule_finish(t, &err);
	if (r == -EINVAL)
		r = fault(errors, section->file, section->line, err ? err : "wrong");
	return r;
}

static int bind_section(
	struct settings *s, const struct conf_section *section, struct strlist *errors)
{
	const struct section_def *def = NULL;
	_cleanup_free_ char *text = NULL;
	int r;

	for (size_t i = 0; i < n_section_defs; i++)
		if (str_equal(section_defs[i].kind, section->kind))
			def = &section_defs[i];
	if (!def)
		r = str_printf(&text, "unknown section [%s]", section->kind);
	else if (def->named && !section->name)
		r = str_printf(&text, "[%s] needs a name: [%s NAME]", def->kind, def->kind);
	else if (!def->named && section->name)
		r = str_printf(&text, "[%s] takes no name", def->kind);
	else if (!def->named)
		return bind(def, section, section_values(s, def), errors);
	else if (str_equal(def->kind, "spark"))
		return add_source(s, def, section, errors);
	else if (str_equal(def->kind, "airflow"))
		return add_airflow(s, def, section, errors);
	else
		return add_rule(s, def, section, errors);
	return r < 0 ? r : fault(errors, section->file, section->line, text);
}

static bool airflow_exists(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->n_airflows; i++)
		if (str_equal(s->airflows[i].name, name))
			return true;
	return false;
}

static const struct conf_section *rule_section(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->n_sections; i++)
		if (str_equal(c->sections[i].kind, "rule") && str_equal(c->sections[i].name, name))
			return &c->sections[i];
	return NULL;
}

/* What only shows when all sections are known. */
static int check_across(const struct settings *s, const struct conf *c, struct strlist *errors)
{
	for (size_t i = 0; i < s->rules.n; i++) {
		const struct rule *rule = &s->rules.items[i];
		const struct conf_section *section = rule_section(c, rule->name);
		const char *text = NULL;
		int r;

		if (rule->airflow && !airflow_exists(s, rule->airflow))
			text = "airflow: there is no [airflow] section of that name";
		else if (rule->action > RULE_ACTION_NOTIFY && s->n_airflows == 0 &&
			 (rule->mode == RULE_MODE_ACT ||
				 (rule->mode == RULE_MODE_INHERIT && s->daemon.mode == MODE_ACT)))
			text = "action kill or retry in mode act needs an [airflow] section";
		else if (rule->action > RULE_ACTION_NOTIFY && !rule->airflow && s->n_airflows > 1)
			text = "there are several [airflow] sections: say which with airflow=";
		if (text) {
			r = fault(errors, section->file, section->line, text);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int check_listen(const struct settings *s, const struct conf *c, struct strlist *errors)
{
	int r = http_server_check(s->web.listen);

	for (size_t i = 0; r == -EINVAL && i < c->n_sections; i++)
		for (size_t k = 0; k < c->sections[i].n_entries; k++) {
			const struct conf_entry *e = &c->sections[i].entries[k];

			if (str_equal(c->sections[i].kind, "web") && str_equal(e->key, "listen"))
				return fault(errors, e->file, e->line,
					"listen: not an address such as 127.0.0.1:14040, "
					"[::1]:14040 or :14040");
		}
	return r;
}

/* Without a [spark] section: the driver UIs of this host. */
static int default_source(struct settings *s)
{
	struct source_settings *t;
	int r;

	t = append((void **)&s->sources, &s->n_sources, sizeof(*s->sources));
	if (!t)
		return -ENOMEM;
	t->file = "built-in";
	r = param_defaults(source_params, n_source_params, &t->params);
	if (r >= 0)
		r = str_replace(&t->name, "local");
	if (r >= 0)
		r = strlist_add(&t->params.url, "http://127.0.0.1:4040-4056");
	return r;
}

/* A source or an Airflow checks its own parameters when it is made: each is made here once for
 * that. */
static int try_source(const struct source_settings *t, struct strlist *errors)
{
	_cleanup_(source_freep) struct source *source = NULL;
	_cleanup_free_ char *err = NULL;
	int r;

	r = source_new(t->name, &t->params, NULL, NULL, &source, &err);
	return r == -EINVAL ? fault(errors, t->file, t->line, err ? err : "wrong") : r;
}

static int try_airflow(const struct airflow_settings *t, struct strlist *errors)
{
	_cleanup_(airflow_freep) struct airflow *airflow = NULL;
	_cleanup_free_ char *err = NULL;
	int r;

	r = airflow_new(t->name, &t->params, t->params.password_file, NULL, &airflow, &err);
	return r == -EINVAL ? fault(errors, t->file, t->line, err ? err : "wrong") : r;
}

static int try_objects(const struct settings *s, struct strlist *errors)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < s->n_sources; i++)
		r = try_source(&s->sources[i], errors);
	for (size_t i = 0; r >= 0 && i < s->n_airflows; i++)
		r = try_airflow(&s->airflows[i], errors);
	return r;
}

static int settings_bind(struct settings *s, const struct conf *c, struct strlist *errors)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < n_section_defs; i++)
		if (!section_defs[i].named)
			r = param_defaults(section_defs[i].params, *section_defs[i].n_params,
				section_values(s, &section_defs[i]));
	if (r >= 0)
		r = rule_fallback(&s->fallback);
	for (size_t i = 0; r >= 0 && i < c->n_sections; i++)
		r = bind_section(s, &c->sections[i], errors);
	if (r >= 0)
		r = check_across(s, c, errors);
	if (r >= 0)
		r = check_listen(s, c, errors);
	if (r >= 0)
		r = try_objects(s, errors);
	if (r >= 0 && s->n_sources == 0)
		r = default_source(s);
	return r;
}

int settings_load(const char *path, struct settings **ret, struct strlist *errors)
{
	_cleanup_(settings_freep) struct settings *s = calloc(1, sizeof(*s));
	_cleanup_(conf_freep) struct conf *c = NULL;
	int r;

	if (!s)
		return -ENOMEM;
	r = path ? conf_load(path, &c, errors) : conf_new(&c);
	if (r < 0)
		return r;
	r = settings_bind(s, c, errors);
	if (r < 0)
		return r;
	if (errors->n > 0)
		return -EBADMSG;
	*ret = TAKE_PTR(s);
	return 0;
}

int settings_print(const struct settings *s, char **ret)
{
	struct strbuf b = {0};

	for (size_t i = 0; i < n_section_defs; i++) {
		if (section_defs[i].named)
			continue;
		strbuf_addf(&b, "%s[%s]\n", i > 0 ? "\n" : "", section_defs[i].kind);
		param_print(section_defs[i].params, *section_defs[i].n_params,
			section_values_const(s, &section_defs[i]), &b);
	}
	for (size_t i = 0; i < s->n_sources; i++) {
		strbuf_addf(&b, "\n[spark %s]\n", s->sources[i].name);
		param_print(source_params, n_source_params, &s->sources[i].params, &b);
	}
	for (size_t i = 0; i < s->n_airflows; i++) {
		strbuf_addf(&b, "\n[airflow %s]\n", s->airflows[i].name);
		param_print(airflow_params, n_airflow_params, &s->airflows[i].params, &b);
	}
	for (size_t i = 0; i < s->rules.n; i++) {
		strbuf_addf(&b, "\n[rule %s]\n", s->rules.items[i].name);
		param_print(rule_params, n_rule_params, &s->rules.items[i], &b);
	}
	return strbuf_finish(&b, ret);
}
