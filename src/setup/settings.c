/* SPDX-License-Identifier: Apache-2.0
 * Binds sections and keys to the parameters that sources, Airflow, rules and the daemon declare. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "setup/settings.h"
#include "setup/settings_check.h"
#include "setup/settings_lint.h"

static const char *const log_format_names[] = {
	[LOG_FORMAT_TEXT] = "text", [LOG_FORMAT_JSON] = "json", NULL};

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
		.choices = mode_names,
		.fallback = "observe",
		.help = "observe: decide and record, send nothing; act: do it"},
	{.name = "state_dir",
		.type = PARAM_STRING,
		.offset = offsetof(struct daemon_params, state_dir),
		.fallback = "/var/lib/stagewatchd",
		.help = "where the ledger and the evidence are kept"},
	{.name = "retention",
		.type = PARAM_DURATION,
		.offset = offsetof(struct daemon_params, retention),
		.fallback = "2160h",
		.min = 24 * USEC_PER_HOUR,
		.max = (usec_t)3660 * 24 * USEC_PER_HOUR,
		.help = "the ledger keeps what has ended for so long; budgets over the life of a "
			"task "
			"instance reach no further back"},
	{.name = "max_parallel_requests",
		.type = PARAM_U64,
		.offset = offsetof(struct daemon_params, max_parallel_requests),
		.fallback = "32",
		.min = 1,
		.max = 1000,
		.help = "requests on the wire at once"},
	{.name = "max_apps",
		.type = PARAM_U64,
		.offset = offsetof(struct daemon_params, max_apps),
		.fallback = "20000",
		.min = 1,
		.max = 1000000,
		.help = "apps watched at once, which bounds memory: beyond, healthy apps that "
			"began first are left out"},
	{.name = "shard",
		.type = PARAM_STRING,
		.offset = offsetof(struct daemon_params, shard),
		.fallback = "1/1",
		.help = "K/N: of N daemons this one watches the Kth part of the apps"},
	{.name = "control_socket",
		.type = PARAM_STRING,
		.offset = offsetof(struct daemon_params, control_socket),
		.fallback = "/run/stagewatchd/control",
		.help = "the Unix socket of stagewatchctl"},
	{.name = "control_users",
		.type = PARAM_LIST,
		.offset = offsetof(struct daemon_params, control_users),
		.help = "users who may give orders, besides root and the daemon's own"},
	{.name = "control_group",
		.type = PARAM_STRING,
		.offset = offsetof(struct daemon_params, control_group),
		.help = "the group whose members may"},
	{.name = "log_format",
		.type = PARAM_ENUM,
		.offset = offsetof(struct daemon_params, log_format),
		.choices = log_format_names,
		.fallback = "text",
		.help = "of lines on a standard error that is not the journal"},
	{.name = "reload_on_change",
		.type = PARAM_BOOL,
		.offset = offsetof(struct daemon_params, reload_on_change),
		.fallback = "no",
		.help = "reload when a file of the configuration changes, as upon SIGHUP"},
};
static const size_t n_daemon_params = ELEMENTSOF(daemon_params);

static const struct param_def web_params[] = {
	{.name = "listen",
		.type = PARAM_LIST,
		.offset = offsetof(struct web_params, listen),
		.fallback = "127.0.0.1:14040",
		.help = "address and port of metrics, pages and status"},
	{.name = "external_url",
		.type = PARAM_STRING,
		.offset = offsetof(struct web_params, external_url),
		.help = "where people reach that, for links in messages"},
	{.name = "config_file",
		.type = PARAM_STRING,
		.offset = offsetof(struct web_params, config_file),
		.help = "TLS and users, in the format of Prometheus' web configuration file"},
	{.name = "operators",
		.type = PARAM_LIST,
		.offset = offsetof(struct web_params, operators),
		.help = "users, or names in client certificates, who may give orders; the others "
			"read"},
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
	{.name = "tls",
		.type = PARAM_BOOL,
		.offset = offsetof(struct probe_params, tls),
		.fallback = "no",
		.help = "ask them by TLS"},
	{.name = "ca_file",
		.type = PARAM_STRING,
		.offset = offsetof(struct probe_params, ca_file),
		.help = "certificates to trust instead of the system's"},
	{.name = "client_cert_file",
		.type = PARAM_STRING,
		.offset = offsetof(struct probe_params, client_cert_file),
		.help = "the certificate by which they trust this daemon"},
	{.name = "client_key_file",
		.type = PARAM_STRING,
		.offset = offsetof(struct probe_params, client_key_file),
		.help = "its private key, where it is a file of its own"},
	{.name = "python_stacks",
		.type = PARAM_BOOL,
		.offset = offsetof(struct probe_params, python_stacks),
		.fallback = "no",
		.help = "where a suspected Python worker on this host stands, by py-spy"},
	{.name = "py_spy",
		.type = PARAM_STRING,
		.offset = offsetof(struct probe_params, py_spy),
		.fallback = "/usr/local/bin/py-spy",
		.help = "the absolute path of py-spy"},
};
static const size_t n_probe_params = ELEMENTSOF(probe_params);

/* A kind of section, for binding and --print-config. */
struct section_def {
	const char *kind;
	const struct param_def *params;
	const size_t *n_params;
	size_t offset; /* in struct settings, of a section without a name */
	/* Of one with a name: adds and fills another. */
	int (*add)(struct settings *s, const struct section_def *def,
		const struct conf_section *section, struct strlist *errors);
};

/* Which of the lines before it in its section set the same key; NULL: none. */
static const struct conf_entry *set_before(const struct conf_section *section, size_t k)
{
	for (size_t i = 0; i < k; i++)
		if (str_equal(section->entries[i].key, section->entries[k].key))
			return &section->entries[i];
	return NULL;
}

static int bind_entry(const struct section_def *def, const struct conf_section *section, size_t k,
	void *target, struct strlist *errors)
{
	const struct conf_entry *e = &section->entries[k];
	const struct param_def *p = param_find(def->params, *def->n_params, e->key);
	_cleanup_free_ char *err = NULL;
	_cleanup_free_ char *text = NULL;
	const struct conf_entry *before;
	const char *doubt;
	int r;

	if (!p) {
		r = str_printf(&text, "unknown key in [%s]: %s", def->kind, e->key);
		return r < 0 ? r : settings_fault(errors, e->file, e->line, text);
	}
	before = set_before(section, k);
	if (before && p->type != PARAM_LIST) {
		r = str_printf(&text, "%s was set already in line %u", e->key, before->line);
		return r < 0 ? r : settings_fault(errors, e->file, e->line, text);
	}
	/* The first one takes the place of the default. */
	if (!before && p->type == PARAM_LIST)
		(void)param_set(p, target, "", NULL);
	r = param_set(p, target, e->value, &err);
	if (r == -ENOMEM || r >= 0)
		return r;
	doubt = settings_lint_text(e->value);
	r = str_printf(&text, "%s: %s%s%s", e->key, err ? err : "wrong value", doubt ? "; " : "",
		doubt ? doubt : "");
	return r < 0 ? r : settings_fault(errors, e->file, e->line, text);
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

/* The name and the parameters of a section that has a name. */
static int fill(const struct section_def *def, const struct conf_section *section, char **name,
	void *params, struct strlist *errors)
{
	int r;

	r = str_replace(name, section->name);
	if (r >= 0)
		r = param_defaults(def->params, *def->n_params, params);
	return r < 0 ? r : bind(def, section, params, errors);
}

/* One that another type of section has. */
static int refuse_key(const struct conf_entry *e, const char *type, struct strlist *errors)
{
	_cleanup_free_ char *text = NULL;
	int r = str_printf(&text, "%s is no key of type = %s", e->key, type);

	return r < 0 ? r : settings_fault(errors, e->file, e->line, text);
}

static int add_source(struct settings *s, const struct section_def *def,
	const struct conf_section *section, struct strlist *errors)
{
	struct source_settings *t = append((void **)&s->sources, &s->n_sources, sizeof(*t));
	int r = t ? fill(def, section, &t->name, &t->params, errors) : -ENOMEM;

	for (size_t i = 0; r >= 0 && i < section->n_entries; i++)
		if (!source_has_key(&t->params, section->entries[i].key))
			r = refuse_key(
				&section->entries[i], source_ops_of(t->params.type)->name, errors);
	return r;
}

static int add_airflow(struct settings *s, const struct section_def *def,
	const struct conf_section *section, struct strlist *errors)
{
	struct airflow_settings *t = append((void **)&s->airflows, &s->n_airflows, sizeof(*t));

	return t ? fill(def, section, &t->name, &t->params, errors) : -ENOMEM;
}

static int add_notify(struct settings *s, const struct section_def *def,
	const struct conf_section *section, struct strlist *errors)
{
	struct notify_settings *t = append((void **)&s->notifies, &s->n_notifies, sizeof(*t));
	int r = t ? fill(def, section, &t->name, &t->params, errors) : -ENOMEM;

	if (r >= 0)
		r = strlist_add(&s->rules.receivers, t->name);
	for (size_t i = 0; r >= 0 && i < section->n_entries; i++)
		if (!notify_has_key(&t->params, section->entries[i].key))
			r = refuse_key(&section->entries[i], notify_type_name(&t->params), errors);
	return r;
}

static int add_rule(struct settings *s, const struct section_def *def,
	const struct conf_section *section, struct strlist *errors)
{
	struct rule *t = append((void **)&s->rules.items, &s->rules.n, sizeof(*t));
	_cleanup_free_ char *err = NULL;
	size_t n_before = errors->n;
	int r;

	r = t ? fill(def, section, &t->name, t, errors) : -ENOMEM;
	if (r < 0 || errors->n > n_before)
		return r;
	r = rule_finish(t, &err);
	return r == -EINVAL ? settings_fault_at(section, NULL, err ? err : "wrong", errors) : r;
}

static int add_maintenance(struct settings *s, const struct section_def *def,
	const struct conf_section *section, struct strlist *errors)
{
	struct maintenance *t =
		append((void **)&s->maintenance.items, &s->maintenance.n, sizeof(*t));
	_cleanup_free_ char *err = NULL;
	size_t n_before = errors->n;
	const char *key = NULL;
	int r;

	r = t ? fill(def, section, &t->name, t, errors) : -ENOMEM;
	if (r < 0 || errors->n > n_before)
		return r;
	r = maintenance_finish(t, &key, &err);
	return r == -EINVAL ? settings_fault_at(section, key, err ? err : "wrong", errors) : r;
}

static const struct section_def section_defs[] = {
	{"daemon", daemon_params, &n_daemon_params, offsetof(struct settings, daemon), NULL},
	{"web", web_params, &n_web_params, offsetof(struct settings, web), NULL},
	{"probe", probe_params, &n_probe_params, offsetof(struct settings, probe), NULL},
	{"evidence", evidence_params, &n_evidence_params, offsetof(struct settings, evidence),
		NULL},
	{"limits", limit_params, &n_limit_params, offsetof(struct settings, limits), NULL},
	{"leader", leader_params, &n_leader_params, offsetof(struct settings, leader), NULL},
	{"spark", source_params, &n_source_params, 0, add_source},
	{"airflow", airflow_params, &n_airflow_params, 0, add_airflow},
	{"notify", notify_params, &n_notify_params, 0, add_notify},
	{"rule", rule_params, &n_rule_params, 0, add_rule},
	{"maintenance", maintenance_params, &n_maintenance_params, 0, add_maintenance},
};

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

void settings_drop_notifies(struct settings *s)
{
	for (size_t i = 0; i < s->n_notifies; i++) {
		free(s->notifies[i].name);
		param_clear(notify_params, n_notify_params, &s->notifies[i].params);
	}
	free(s->notifies);
	s->notifies = NULL;
	s->n_notifies = 0;
}

struct settings *settings_free(struct settings *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < ELEMENTSOF(section_defs); i++)
		if (!section_defs[i].add)
			param_clear(section_defs[i].params, *section_defs[i].n_params,
				section_values(s, &section_defs[i]));
	for (size_t i = 0; i < s->n_sources; i++) {
		free(s->sources[i].name);
		param_clear(source_params, n_source_params, &s->sources[i].params);
	}
	free(s->sources);
	settings_drop_airflows(s);
	settings_drop_notifies(s);
	rule_list_clear(&s->rules);
	rule_clear(&s->fallback);
	maintenance_list_clear(&s->maintenance);
	operators_clear(&s->operators);
	conf_free(s->conf);
	strlist_clear(&s->warnings);
	free(s);
	return NULL;
}

static int bind_section(
	struct settings *s, const struct conf_section *section, struct strlist *errors)
{
	const struct section_def *def = NULL;
	_cleanup_free_ char *text = NULL;
	int r;

	for (size_t i = 0; i < ELEMENTSOF(section_defs); i++)
		if (str_equal(section_defs[i].kind, section->kind))
			def = &section_defs[i];
	if (!def)
		r = str_printf(&text, "unknown section [%s]", section->kind);
	else if (def->add && !section->name)
		r = str_printf(&text, "[%s] needs a name: [%s NAME]", def->kind, def->kind);
	else if (!def->add && section->name)
		r = str_printf(&text, "[%s] takes no name", def->kind);
	else if (def->add)
		return def->add(s, def, section, errors);
	else
		return bind(def, section, section_values(s, def), errors);
	return r < 0 ? r : settings_fault_at(section, NULL, text, errors);
}

/* Without a [spark] section: the driver UIs of this host. */
static int default_source(struct settings *s)
{
	struct source_settings *t;
	int r;

	t = append((void **)&s->sources, &s->n_sources, sizeof(*s->sources));
	if (!t)
		return -ENOMEM;
	r = param_defaults(source_params, n_source_params, &t->params);
	if (r >= 0)
		r = str_replace(&t->name, "local");
	if (r >= 0)
		r = strlist_add(&t->params.url, "http://127.0.0.1:4040-4056");
	return r;
}

static int settings_bind(struct settings *s, const struct conf *c, struct strlist *errors)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ELEMENTSOF(section_defs); i++)
		if (!section_defs[i].add)
			r = param_defaults(section_defs[i].params, *section_defs[i].n_params,
				section_values(s, &section_defs[i]));
	if (r >= 0)
		r = rule_fallback(&s->fallback);
	for (size_t i = 0; r >= 0 && i < c->n_sections; i++)
		r = bind_section(s, &c->sections[i], errors);
	if (r >= 0)
		r = settings_check(s, c, errors);
	if (r >= 0 && s->n_sources == 0)
		r = default_source(s);
	return r;
}

/* *ret is set wherever the text could be read, also beside faults. */
static int settings_read(const char *path, struct settings **ret, struct strlist *errors)
{
	_cleanup_(settings_freep) struct settings *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	r = path ? conf_load(path, &s->conf, errors) : conf_new(&s->conf);
	if (r >= 0)
		r = settings_bind(s, s->conf, errors);
	if (r >= 0)
		r = settings_lint(s, s->conf, &s->warnings);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

int settings_load(const char *path, struct settings **ret, struct strlist *errors)
{
	_cleanup_(settings_freep) struct settings *s = NULL;
	int r = settings_read(path, &s, errors);

	if (r < 0)
		return r;
	if (errors->n > 0)
		return -EBADMSG;
	*ret = TAKE_PTR(s);
	return 0;
}

int settings_check_all(
	const char *path, struct settings **ret, struct strlist *faults, struct strlist *notes)
{
	_cleanup_(settings_freep) struct settings *s = NULL;
	int r = settings_read(path, &s, faults);

	for (size_t i = 0; r >= 0 && i < s->warnings.n; i++)
		r = strlist_add(faults, s->warnings.items[i]);
	if (r >= 0)
		r = settings_lint_files(s->conf, faults, notes);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return faults->n > 0 ? -EBADMSG : 0;
}

int settings_place(
	const struct settings *s, const char *kind, const char *name, const char *key, char **ret)
{
	const struct conf_section *section = settings_section(s->conf, kind, name);

	for (size_t i = section->n_entries; i-- > 0;)
		if (str_equal(section->entries[i].key, key))
			return str_printf(
				ret, "%s:%u", section->entries[i].file, section->entries[i].line);
	return str_printf(ret, "%s:%u", section->file, section->line);
}

usec_t settings_keep(const struct settings *s)
{
	usec_t keep = s->daemon.retention;

	for (size_t i = 0; i < s->rules.n; i++)
		if (s->rules.items[i].cooldown > keep)
			keep = s->rules.items[i].cooldown;
	return keep;
}

/* What is printed can be read: keys of other types are left out. */
static void print_source(const struct source_params *p, struct strbuf *out)
{
	for (size_t i = 0; i < n_source_params; i++)
		if (source_has_key(p, source_params[i].name))
			param_print(&source_params[i], 1, p, out);
}

static void print_notify(const struct notify_params *p, struct strbuf *out)
{
	for (size_t i = 0; i < n_notify_params; i++)
		if (notify_has_key(p, notify_params[i].name))
			param_print(&notify_params[i], 1, p, out);
}

int settings_print(const struct settings *s, char **ret)
{
	struct strbuf b = {0};

	for (size_t i = 0; i < ELEMENTSOF(section_defs); i++) {
		if (section_defs[i].add)
			continue;
		strbuf_addf(&b, "%s[%s]\n", i > 0 ? "\n" : "", section_defs[i].kind);
		param_print(section_defs[i].params, *section_defs[i].n_params,
			section_values_const(s, &section_defs[i]), &b);
	}
	for (size_t i = 0; i < s->n_sources; i++) {
		strbuf_addf(&b, "\n[spark %s]\n", s->sources[i].name);
		print_source(&s->sources[i].params, &b);
	}
	for (size_t i = 0; i < s->n_airflows; i++) {
		strbuf_addf(&b, "\n[airflow %s]\n", s->airflows[i].name);
		param_print(airflow_params, n_airflow_params, &s->airflows[i].params, &b);
	}
	for (size_t i = 0; i < s->n_notifies; i++) {
		strbuf_addf(&b, "\n[notify %s]\n", s->notifies[i].name);
		print_notify(&s->notifies[i].params, &b);
	}
	for (size_t i = 0; i < s->rules.n; i++) {
		strbuf_addf(&b, "\n[rule %s]\n", s->rules.items[i].name);
		param_print(rule_params, n_rule_params, &s->rules.items[i], &b);
	}
	for (size_t i = 0; i < s->maintenance.n; i++) {
		strbuf_addf(&b, "\n[maintenance %s]\n", s->maintenance.items[i].name);
		param_print(maintenance_params, n_maintenance_params, &s->maintenance.items[i], &b);
	}
	return strbuf_finish(&b, ret);
}
