/* SPDX-License-Identifier: Apache-2.0
 * What is wrong with a configuration, with file and line. */
#include "setup/settings_check.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "base/secret.h"
#include "io/tcp_listen.h"

int settings_fault(struct strlist *errors, const char *file, unsigned line, const char *text)
{
	_cleanup_free_ char *s = NULL;
	int r;

	r = str_printf(&s, "%s:%u: %s", file, line, text);
	return r < 0 ? r : strlist_add(errors, s);
}

/* The last one that says the key: the value that holds. */
static const struct conf_entry *entry_of(const struct conf_section *section, const char *key)
{
	for (size_t i = section->n_entries; i-- > 0;)
		if (str_equal(section->entries[i].key, key))
			return &section->entries[i];
	return NULL;
}

/* The one whose key is the first word of a text. */
static const struct conf_entry *entry_of_text(const struct conf_section *section, const char *text)
{
	size_t n = strcspn(text, ": ");

	for (size_t i = section->n_entries; i-- > 0;)
		if (strlen(section->entries[i].key) == n &&
			strncmp(section->entries[i].key, text, n) == 0)
			return &section->entries[i];
	return NULL;
}

int settings_fault_at(const struct conf_section *section, const char *key, const char *text,
	struct strlist *errors)
{
	const struct conf_entry *e = key ? entry_of(section, key) : entry_of_text(section, text);
	_cleanup_free_ char *said = NULL;
	int r;

	if (!e)
		return settings_fault(errors, section->file, section->line, text);
	if (!key)
		return settings_fault(errors, e->file, e->line, text);
	r = str_printf(&said, "%s: %s", key, text);
	return r < 0 ? r : settings_fault(errors, e->file, e->line, said);
}

const struct conf_section *settings_section(
	const struct conf *c, const char *kind, const char *name)
{
	static char file[] = "built-in";
	static const struct conf_section nowhere = {.file = file};

	const struct conf_section *section = conf_find(c, kind, name);

	return section ? section : &nowhere;
}

static bool airflow_exists(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->n_airflows; i++)
		if (str_equal(s->airflows[i].name, name))
			return true;
	return false;
}

static int check_airflows(const struct settings *s, const struct conf *c, struct strlist *errors)
{
	for (size_t i = 0; i < s->rules.n; i++) {
		const struct rule *rule = &s->rules.items[i];
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
			r = settings_fault_at(
				settings_section(c, "rule", rule->name), NULL, text, errors);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int refuse_kill_via(const struct rule *rule, const struct source_settings *source,
	const struct conf *c, struct strlist *errors)
{
	const struct source_ops *ops = source_ops_of(source->params.type);
	_cleanup_free_ char *permits = NULL;
	_cleanup_free_ char *text = NULL;
	int r;

	r = source_permits_text(ops, &permits);
	if (r >= 0)
		r = str_printf(&text,
			"%s is no way to end an app of [spark %s]: source %s permits: %s",
			kill_via_name((enum kill_via)rule->kill_via), source->name, ops->name,
			permits);
	return r < 0 ? r
		     : settings_fault_at(
			       settings_section(c, "rule", rule->name), "kill_via", text, errors);
}

/* The default is for all: where there is no cluster manager, an app is not killed there. */
static int check_kill_via(const struct settings *s, const struct conf *c, struct strlist *errors)
{
	for (size_t i = 0; i < s->rules.n; i++) {
		const struct rule *rule = &s->rules.items[i];

		if (rule->kill_via == KILL_VIA_CLUSTER || rule->action <= RULE_ACTION_NOTIFY)
			continue;
		for (size_t k = 0; k < s->n_sources; k++) {
			const struct source_settings *source = &s->sources[k];
			int r = 0;

			if (rule_glob_matches(rule->cluster, source->name) &&
				!(source_ops_of(source->params.type)->permits &
					(1U << rule->kill_via)))
				r = refuse_kill_via(rule, source, c, errors);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* The first section that the rule is for, where the drivers of all of them are pods; else NULL. */
static const struct source_settings *only_pods(const struct settings *s, const struct rule *rule)
{
	const struct source_settings *first = NULL;

	for (size_t i = 0; i < s->n_sources; i++) {
		const struct source_settings *source = &s->sources[i];

		if (!rule_glob_matches(rule->cluster, source->name))
			continue;
		if (!source_ops_of(source->params.type)->pods)
			return NULL;
		first = first ? first : source;
	}
	return first;
}

/* A rule that can never act says so before it is needed. One that is for other clusters, too, is
 * objected to where it would act. */
static int check_retry_via(const struct settings *s, const struct conf *c, struct strlist *errors)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < s->rules.n; i++) {
		const struct rule *rule = &s->rules.items[i];
		const struct source_settings *pods = only_pods(s, rule);
		_cleanup_free_ char *text = NULL;

		if (!pods || rule->action != RULE_ACTION_RETRY ||
			(rule->retry_via != RETRY_VIA_AIRFLOW &&
				rule->retry_via != RETRY_VIA_RESTART))
			continue;
		r = str_printf(&text, "not for [spark %s]: %s (auto or clear)", pods->name,
			rule->retry_via == RETRY_VIA_AIRFLOW
				? "several operators take a driver's pod that is gone for success, "
				  "so its task is to be failed first"
				: "a driver's pod outlives the process of its task, and the new "
				  "try would begin beside it");
		if (r >= 0)
			r = settings_fault_at(
				settings_section(c, "rule", rule->name), "retry_via", text, errors);
	}
	return r;
}

static int check_listen(const struct settings *s, const struct conf *c, struct strlist *errors)
{
	const struct conf_section *section = settings_section(c, "web", NULL);
	int r = 0;

	if (s->web.listen.n == 0)
		return settings_fault_at(section, "listen", "names no address", errors);
	for (size_t i = 0; r >= 0 && i < section->n_entries; i++) {
		const struct conf_entry *e = &section->entries[i];

		if (!str_equal(e->key, "listen") || *e->value == '\0')
			continue;
		r = tcp_listen_check(e->value);
		if (r == -EINVAL)
			r = settings_fault(errors, e->file, e->line,
				"listen: not an address such as 127.0.0.1:14040, [::1]:14040 or "
				":14040");
	}
	return r;
}

/* What is wrong with a URL whatever it is for; NULL: nothing. A range of ports is the business of
 * the one that takes it. */
static const char *url_fault(const char *url)
{
	const char *scheme = strstr(url, "://");
	const char *host = scheme ? scheme + 3 : url;
	size_t n = strcspn(host, "/?#");
	_cleanup_free_ char *port = NULL;
	const char *colon;
	uint64_t value = 0;

	if (strpbrk(url, " \t") || (strchr(url, ',') && strstr(url + 1, "http")))
		return "one URL, not a list";
	colon = memrchr(host, ':', n);
	if (!colon || memchr(colon, ']', (size_t)(host + n - colon)))
		return NULL;
	port = strndup(colon + 1, (size_t)(host + n - colon - 1));
	if (!port || strchr(port, '-'))
		return NULL;
	if (parse_u64(port, &value) < 0 || value == 0 || value > UINT16_MAX)
		return "a port is a number from 1 to 65535";
	return NULL;
}

static int fault_of_entry(const struct conf_entry *e, const char *text, struct strlist *errors)
{
	_cleanup_free_ char *url = NULL;
	_cleanup_free_ char *said = NULL;
	int r = secret_url_text(e->value, &url);

	if (r >= 0)
		r = str_printf(&said, "%s: %s: %s", e->key, url, text);

	return r < 0 ? r : settings_fault(errors, e->file, e->line, said);
}

/* Of those that a section has one of; a [spark] section looks at its own. */
static int check_urls(const struct conf *c, struct strlist *errors)
{
	int r = 0;

	for (size_t i = 0; i < c->n_sections; i++)
		for (size_t k = 0; r >= 0 && k < c->sections[i].n_entries; k++) {
			const struct conf_entry *e = &c->sections[i].entries[k];
			const char *fault = NULL;

			if (str_equal(c->sections[i].kind, "spark"))
				continue;
			if (str_equal(e->key, "url") || str_equal(e->key, "external_url") ||
				str_equal(e->key, "proxy") || str_equal(e->key, "token_url"))
				fault = url_fault(e->value);
			if (fault)
				r = fault_of_entry(e, fault, errors);
		}
	return r;
}

static int check_notifies(const struct settings *s, const struct conf *c, struct strlist *errors)
{
	const char *url = s->web.external_url;
	int r = 0;

	if (url && strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
		r = settings_fault_at(settings_section(c, "web", NULL), "external_url",
			"begins with http:// or https://", errors);
	for (size_t i = 0; r >= 0 && i < s->n_notifies; i++) {
		_cleanup_free_ char *err = NULL;
		const char *key = NULL;

		r = notify_check(&s->notifies[i].params, &key, &err);
		if (r == -EINVAL)
			r = settings_fault_at(settings_section(c, "notify", s->notifies[i].name),
				key, err ? err : "wrong", errors);
	}
	return r;
}

static int check_leader(const struct settings *s, const struct conf *c, struct strlist *errors)
{
	const struct conf_section *section = settings_section(c, "leader", NULL);
	const char *fault = leader_fault(&s->leader);
	const char *key = NULL;

	if (!fault)
		fault = endpoint_params_fault(&s->leader.endpoint, &key);
	return fault ? settings_fault_at(section, key, fault, errors) : 0;
}

static int check_shard(struct settings *s, const struct conf *c, struct strlist *errors)
{
	int r = shard_parse(s->daemon.shard ? s->daemon.shard : "1/1", &s->shard);

	return r == -EINVAL ? settings_fault_at(settings_section(c, "daemon", NULL), "shard",
				      "not K/N such as 2/3, with K from 1 to N, and N up to 1000",
				      errors)
			    : r;
}

static int check_control(struct settings *s, const struct conf *c, struct strlist *errors)
{
	const struct conf_section *section = settings_section(c, "daemon", NULL);
	_cleanup_free_ char *err = NULL;
	const char *key = "control_socket";
	int r;

	if (s->daemon.control_socket && strlen(s->daemon.control_socket) >= LOCAL_SOCKET_MAX_PATH) {
		r = settings_fault_at(
			section, key, "a path of a socket has 107 bytes at most", errors);
		if (r < 0)
			return r;
	}
	r = operators_resolve(
		&s->daemon.control_users, s->daemon.control_group, &s->operators, &key, &err);
	return r == -EINVAL ? settings_fault_at(section, key, err ? err : "wrong", errors) : r;
}

static const char *fault_of_probe(const struct probe_params *p, const char **ret_key)
{
	*ret_key = "py_spy";
	if (p->python_stacks && (!p->py_spy || p->py_spy[0] != '/'))
		return "not an absolute path, and python_stacks = yes";
	*ret_key = "client_key_file";
	if (p->client_key_file && !p->client_cert_file)
		return "only beside client_cert_file";
	return NULL;
}

static int check_probe(const struct settings *s, const struct conf *c, struct strlist *errors)
{
	const char *key;
	const char *fault = fault_of_probe(&s->probe, &key);

	return fault ? settings_fault_at(settings_section(c, "probe", NULL), key, fault, errors)
		     : 0;
}

/* A source or an Airflow checks its own parameters when it is made: each is made here once for
 * that. */
static int try_source_params(const struct source_settings *t, const struct source_params *params,
	const struct conf_section *section, struct strlist *errors)
{
	_cleanup_(source_freep) struct source *source = NULL;
	_cleanup_free_ char *err = NULL;
	int r = source_new(t->name, params, NULL, NULL, &source, &err);

	return r == -EINVAL ? settings_fault_at(section, NULL, err ? err : "wrong", errors) : r;
}

/* One URL of it by itself, so that a fault has its line. */
static int try_url(const struct source_settings *t, struct conf_entry *e, struct strlist *errors)
{
	struct source_params params = t->params;
	struct conf_section section = {.file = e->file, .line = e->line};
	const char *fault = url_fault(e->value);

	if (fault)
		return fault_of_entry(e, fault, errors);
	params.url = (struct strlist){.items = &e->value, .n = 1};
	return try_source_params(t, &params, &section, errors);
}

static int try_source(const struct source_settings *t, const struct conf *c, struct strlist *errors)
{
	const struct conf_section *section = settings_section(c, "spark", t->name);
	size_t n_before = errors->n;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < section->n_entries; i++)
		if (str_equal(section->entries[i].key, "url"))
			r = try_url(t, &section->entries[i], errors);
	if (r < 0 || errors->n > n_before)
		return r;
	return try_source_params(t, &t->params, section, errors);
}

static int try_airflow(
	const struct airflow_settings *t, const struct conf *c, struct strlist *errors)
{
	_cleanup_(airflow_freep) struct airflow *airflow = NULL;
	_cleanup_free_ char *err = NULL;
	const char *secret;
	int r;

	(void)airflow_password_key(&t->params, &secret);
	r = airflow_new(t->name, &t->params, secret, NULL, &airflow, &err);
	return r == -EINVAL ? settings_fault_at(settings_section(c, "airflow", t->name), NULL,
				      err ? err : "wrong", errors)
			    : r;
}

static int try_objects(const struct settings *s, const struct conf *c, struct strlist *errors)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < s->n_sources; i++)
		r = try_source(&s->sources[i], c, errors);
	for (size_t i = 0; r >= 0 && i < s->n_airflows; i++)
		r = try_airflow(&s->airflows[i], c, errors);
	return r;
}

int settings_check(struct settings *s, const struct conf *c, struct strlist *errors)
{
	int r = check_airflows(s, c, errors);

	if (r >= 0)
		r = check_kill_via(s, c, errors);
	if (r >= 0)
		r = check_retry_via(s, c, errors);
	if (r >= 0)
		r = check_listen(s, c, errors);
	if (r >= 0)
		r = check_leader(s, c, errors);
	if (r >= 0)
		r = check_shard(s, c, errors);
	if (r >= 0)
		r = check_control(s, c, errors);
	if (r >= 0)
		r = check_probe(s, c, errors);
	if (r >= 0)
		r = check_urls(c, errors);
	if (r >= 0)
		r = check_notifies(s, c, errors);
	return r < 0 ? r : try_objects(s, c, errors);
}
