/* SPDX-License-Identifier: Apache-2.0
 * Doubts about a configuration: its values as text, its globs, the order of its rules, its files.
 */
#include "setup/settings_lint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "conf/web_file.h"
#include "io/service.h"
#include "setup/settings_check.h"
#include "setup/web_config.h"

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (str_equal(word, *words))
			return true;
	return false;
}

/* Text for people or programs: it may hold whatever they like. */
static bool is_free_text(const char *key)
{
	static const char *const keys[] = {"template", "header", "argument", "reason", NULL};

	return is_one_of(key, keys);
}

static bool is_glob(const struct conf_section *section, const char *key)
{
	static const char *const kinds[] = {"rule", "maintenance", "notify", NULL};
	static const char *const keys[] = {"app", "user", "cluster", "dag", "task", "rule", NULL};

	return is_one_of(section->kind, kinds) && is_one_of(key, keys);
}

const char *settings_lint_text(const char *value)
{
	size_t n = strlen(value);

	if (n >= 2 && strchr("\"'`", value[0]) && value[n - 1] == value[0])
		return "the quotes are part of the value: leave them out";
	if (strstr(value, " #") || strstr(value, "\t#"))
		return "what follows # is part of the value: a comment has a line of its own";
	return NULL;
}

/* A set that spells a word, as in "[prod] etl", matches one of its letters alone. */
static const char *lint_set(const char *set)
{
	const char *end = strchr(set + 1, ']');
	size_t n;

	if (!end)
		return "[ has no ]: a bracket that is meant as such is \\[";
	n = (size_t)(end - set - 1);
	if (set[1] != '!' && n > 3 && !memchr(set + 1, '-', n))
		return "[...] matches one character of those within: a bracket that is meant as "
		       "such is \\[";
	return NULL;
}

/* Airflow lets a dag_id and a task_id hold letters, digits, dashes, dots and underscores. */
static bool fits_id(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       strchr("-._*?[]!", c) || (unsigned char)c >= 0x80;
}

static const char *lint_glob(const char *key, const char *glob)
{
	bool is_id = str_equal(key, "dag") || str_equal(key, "task");
	const char *fault = NULL;

	for (const char *p = glob; *p && !fault; p++) {
		if (*p == '\\' && p[1])
			p++;
		else if (*p == '^' || *p == '$')
			fault = "a glob, no regular expression: ^ and $ stand for themselves";
		else if (*p == ',')
			fault = "one glob, not a list: a further one takes a section of its own";
		else if (*p == '[')
			fault = lint_set(p);
		else if (is_id && !fits_id(*p))
			fault = "matches nothing: an id of Airflow holds letters, digits, -, . and "
				"_ alone";
	}
	return fault;
}

static const char *lint_entry(const struct conf_section *section, const struct conf_entry *e)
{
	const char *text;

	if (is_free_text(e->key))
		return NULL;
	text = settings_lint_text(e->value);
	if (!text && is_glob(section, e->key))
		text = lint_glob(e->key, e->value);
	return text;
}

static int lint_values(const struct conf *c, struct strlist *warnings)
{
	int r = 0;

	for (size_t i = 0; i < c->n_sections; i++)
		for (size_t k = 0; r >= 0 && k < c->sections[i].n_entries; k++) {
			const struct conf_entry *e = &c->sections[i].entries[k];
			const char *text = lint_entry(&c->sections[i], e);
			_cleanup_free_ char *said = NULL;

			if (!text)
				continue;
			r = str_printf(&said, "%s: %s", e->key, text);
			if (r >= 0)
				r = settings_fault(warnings, e->file, e->line, said);
		}
	return r;
}

static bool names_a_cluster(const struct settings *s, const char *glob)
{
	for (size_t i = 0; i < s->n_sources; i++)
		if (rule_glob_matches(glob, s->sources[i].name))
			return true;
	return s->n_sources == 0 && rule_glob_matches(glob, "local");
}

static bool names_a_rule(const struct settings *s, const char *glob)
{
	for (size_t i = 0; i < s->rules.n; i++)
		if (rule_glob_matches(glob, s->rules.items[i].name))
			return true;
	return !glob;
}

/* Rules, maintenance windows and receivers name clusters, receivers rules. */
static int lint_names(const struct settings *s, const struct conf *c, struct strlist *warnings)
{
	int r = 0;

	for (size_t i = 0; i < c->n_sections; i++)
		for (size_t k = 0; r >= 0 && k < c->sections[i].n_entries; k++) {
			const struct conf_section *section = &c->sections[i];
			const struct conf_entry *e = &section->entries[k];
			const char *text = NULL;

			if (!is_glob(section, e->key))
				continue;
			if (str_equal(e->key, "cluster") && !names_a_cluster(s, e->value))
				text = "cluster: no [spark] section has a name that it matches";
			else if (str_equal(e->key, "rule") && !names_a_rule(s, e->value))
				text = "rule: no [rule] section has a name that it matches";
			if (text)
				r = settings_fault(warnings, e->file, e->line, text);
		}
	return r;
}

/* Whether whatever the glob narrow matches is matched by wide, too. always: what they are held
 * against is there for every app. A wildcard of narrow can only be covered by a * of wide. */
static bool covers(const char *wide, const char *narrow, bool always)
{
	if (!wide || str_equal(wide, narrow))
		return true;
	if (!narrow)
		return always && wide[0] == '*' && wide[strspn(wide, "*")] == '\0';
	if (strpbrk(narrow, "*?[\\") && strpbrk(wide, "?[\\"))
		return false;
	return rule_glob_matches(wide, narrow);
}

static bool has_glob(const struct rule *r)
{
	return r->app || r->user || r->cluster || r->dag || r->task;
}

static bool rule_covers(const struct rule *wide, const struct rule *narrow)
{
	return has_glob(wide) && has_glob(narrow) && covers(wide->app, narrow->app, true) &&
	       covers(wide->user, narrow->user, true) &&
	       covers(wide->cluster, narrow->cluster, true) &&
	       covers(wide->dag, narrow->dag, false) && covers(wide->task, narrow->task, false);
}

static int lint_order(const struct settings *s, const struct conf *c, struct strlist *warnings)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < s->rules.n; i++) {
		_cleanup_free_ char *text = NULL;
		size_t k = 0;

		while (k < i && !rule_covers(&s->rules.items[k], &s->rules.items[i]))
			k++;
		if (k == i)
			continue;
		r = str_printf(&text,
			"never holds: [rule %s] stands before it and matches all that it matches",
			s->rules.items[k].name);
		if (r >= 0)
			r = settings_fault_at(settings_section(c, "rule", s->rules.items[i].name),
				NULL, text, warnings);
	}
	return r;
}

/* In mode act that is a fault of its own. */
static int lint_actions(const struct settings *s, const struct conf *c, struct strlist *warnings)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < s->rules.n && s->n_airflows == 0; i++) {
		const struct rule *rule = &s->rules.items[i];

		if (rule->action > RULE_ACTION_NOTIFY && settings_dry(s, rule))
			r = settings_fault_at(settings_section(c, "rule", rule->name), "action",
				"kill and retry need an [airflow] section, also to say what would "
				"be done",
				warnings);
	}
	return r;
}

/* Who reads such a message is to follow its link. */
static int lint_links(const struct settings *s, const struct conf *c, struct strlist *warnings)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < s->n_notifies && !s->web.external_url; i++)
		if (notify_is_for_people(&s->notifies[i].params))
			r = settings_fault_at(settings_section(c, "notify", s->notifies[i].name),
				"format", "its messages hold no link: set external_url of [web]",
				warnings);
	return r;
}

int settings_lint(const struct settings *s, const struct conf *c, struct strlist *warnings)
{
	int r = lint_values(c, warnings);

	if (r >= 0)
		r = lint_names(s, c, warnings);
	if (r >= 0)
		r = lint_order(s, c, warnings);
	if (r >= 0)
		r = lint_links(s, c, warnings);
	return r < 0 ? r : lint_actions(s, c, warnings);
}

static int tell_file(const struct conf_entry *e, const char *fault, struct strlist *ret)
{
	_cleanup_free_ char *text = NULL;
	int r = str_printf(&text, "%s: %s", e->key, fault);

	return r < 0 ? r : settings_fault(ret, e->file, e->line, text);
}

static int lint_secret(const struct conf_entry *e, struct strlist *faults, struct strlist *notes)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	_cleanup_free_ char *err = NULL;
	_cleanup_free_ char *note = NULL;
	char *secret = NULL;
	int r;

	if (!strchr(e->value, '/') && (!dir || access(dir, X_OK) < 0)) {
		r = str_printf(&note,
			"%s is a credential of systemd: only the unit has it, so it is not looked "
			"at here",
			e->value);
		return r < 0 ? r : tell_file(e, note, notes);
	}
	r = str_equal(e->key, "header_file") ? secret_read_lines(e->value, &secret, &err)
					     : secret_read(e->value, &secret, &err);
	secret_free(secret);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return tell_file(e, err ? err : strerror(-r), faults);
	return secret_is_exposed(e->value)
		       ? tell_file(e, "every user of this host may read it: chmod o-r", faults)
		       : 0;
}

static int lint_certificates(const struct conf_entry *e, struct strlist *notes)
{
	_cleanup_free_ char *text = NULL;
	int r;

	if (access(e->value, R_OK) == 0)
		return 0;
	r = str_printf(&text, "%s: %s: until it can be read, https fails there", e->value,
		strerror(errno));
	return r < 0 ? r : tell_file(e, text, notes);
}

/* The key may stand in either. */
static int lint_client(const struct conf_entry *e, struct strlist *faults, struct strlist *notes)
{
	if (str_equal(e->key, "client_key_file") && secret_is_exposed(e->value))
		return tell_file(e, "every user of this host may read it: chmod o-r", faults);
	return lint_certificates(e, notes);
}

/* The web configuration file, and what it names. */
static int lint_web(const struct conf_entry *e, struct strlist *faults, struct strlist *notes)
{
	_cleanup_(web_config_freep) struct web_config *c = NULL;
	struct web_config_stamps stamps = {0};
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	int r;

	if (!strchr(e->value, '/') && (!dir || access(dir, X_OK) < 0))
		return lint_secret(e, faults, notes);
	r = web_config_load(e->value, &c, &stamps, faults);
	web_config_stamps_clear(&stamps);
	for (size_t i = 0; r >= 0 && i < c->file->warnings.n; i++)
		r = strlist_add(faults, c->file->warnings.items[i]);
	return r == -EBADMSG ? 0 : r;
}

int settings_lint_files(const struct conf *c, struct strlist *faults, struct strlist *notes)
{
	static const char *const secrets[] = {"password_file", "bearer_token_file", "header_file",
		"client_secret_file", "url_file", "authorization_file", "secret_file", NULL};
	int r = 0;

	for (size_t i = 0; i < c->n_sections; i++)
		for (size_t k = 0; r >= 0 && k < c->sections[i].n_entries; k++) {
			const struct conf_entry *e = &c->sections[i].entries[k];

			if (str_equal(e->key, "ca_file"))
				r = lint_certificates(e, notes);
			else if (str_equal(e->key, "client_cert_file") ||
				 str_equal(e->key, "client_key_file"))
				r = lint_client(e, faults, notes);
			else if (str_equal(e->key, "config_file"))
				r = lint_web(e, faults, notes);
			else if (is_one_of(e->key, secrets))
				r = lint_secret(e, faults, notes);
		}
	return r;
}
