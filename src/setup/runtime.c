/* SPDX-License-Identifier: Apache-2.0
 * Makes sources, Airflows and receivers of messages from settings. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/secret.h"
#include "io/service.h"
#include "setup/runtime.h"

struct runtime *runtime_ref(struct runtime *w)
{
	w->n_refs++;
	return w;
}

struct runtime *runtime_unref(struct runtime *w)
{
	if (!w || --w->n_refs > 0)
		return NULL;
	for (size_t i = 0; w->sources && i < w->settings->n_sources; i++)
		source_free(w->sources[i]);
	free(w->sources);
	for (size_t i = 0; w->airflows && i < w->settings->n_airflows; i++)
		airflow_free(w->airflows[i]);
	free(w->airflows);
	for (size_t i = 0; w->notifies && i < w->settings->n_notifies; i++)
		notify_free(w->notifies[i]);
	free(w->notifies);
	settings_free(w->settings);
	free(w);
	return NULL;
}

/* *ret is NULL where no file is configured. A file that cannot be read is a fault. */
struct secret_ref {
	const char *kind; /* of [kind name] */
	const char *name;
	const char *key;
	const char *file;
};

static int read_secret(
	const struct runtime *w, const struct secret_ref *s, char **ret, struct strlist *errors)
{
	_cleanup_free_ char *place = NULL;
	_cleanup_free_ char *err = NULL;
	_cleanup_free_ char *text = NULL;
	int error;
	int r;

	if (!s->file)
		return 0;
	error = secret_read(s->file, ret, &err);
	if (error == -ENOMEM || (error >= 0 && !secret_is_exposed(s->file)))
		return error;
	r = settings_place(w->settings, s->kind, s->name, s->key, &place);
	if (r >= 0 && error >= 0)
		log_warning("%s: [%s %s] %s: every user of this host may read %s: chmod o-r", place,
			s->kind, s->name, s->key, s->file);
	if (r < 0 || error >= 0)
		return r;
	r = str_printf(&text, "%s: [%s %s] %s: %s", place, s->kind, s->name, s->key,
		err ? err : strerror(-error));
	return r < 0 ? r : strlist_add(errors, text);
}

static int make_source(
	struct runtime *w, size_t i, struct transport *transport, struct strlist *errors)
{
	const struct source_settings *t = &w->settings->sources[i];
	_cleanup_free_ char *err = NULL;
	char *password = NULL;
	int r;

	r = read_secret(w,
		&(struct secret_ref){
			"spark", t->name, "password_file", t->params.endpoint.password_file},
		&password, errors);
	if (r >= 0)
		r = transport_hide(transport, password);
	if (r >= 0)
		r = source_new(t->name, &t->params, password, transport, &w->sources[i], &err);
	secret_free(password);
	return r;
}

static int make_airflow(
	struct runtime *w, size_t i, struct transport *transport, struct strlist *errors)
{
	const struct airflow_settings *t = &w->settings->airflows[i];
	_cleanup_free_ char *err = NULL;
	const char *file;
	const char *key = airflow_password_key(&t->params, &file);
	char *password = NULL;
	size_t n_before = errors->n;
	int r;

	r = read_secret(w, &(struct secret_ref){"airflow", t->name, key, file}, &password, errors);
	if (r >= 0)
		r = transport_hide(transport, password);
	if (r >= 0 && errors->n == n_before)
		r = airflow_new(t->name, &t->params, password, transport, &w->airflows[i], &err);
	secret_free(password);
	return r;
}

/* "Bearer TOKEN" may be said as "TOKEN". */
static int hide_all(struct transport *t, const struct notify_secrets *s)
{
	const char *token = s->authorization ? strchr(s->authorization, ' ') : NULL;
	const char *const all[] = {
		s->url, s->authorization, token ? token + 1 : NULL, s->password, s->secret};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ELEMENTSOF(all); i++)
		r = transport_hide(t, all[i]);
	return r;
}

static int make_notify(
	struct runtime *w, size_t i, const struct notify_context *context, struct strlist *errors)
{
	const struct notify_settings *t = &w->settings->notifies[i];
	struct notify_secrets secrets = {0};
	const struct {
		const char *key;
		const char *file;
		char **ret;
	} files[] = {
		{"url_file", t->params.url_file, &secrets.url},
		{"authorization_file", t->params.authorization_file, &secrets.authorization},
		{"password_file", t->params.endpoint.password_file, &secrets.password},
		{"secret_file", t->params.secret_file, &secrets.secret},
	};
	_cleanup_free_ char *err = NULL;
	_cleanup_free_ char *text = NULL;
	size_t n_before = errors->n;
	int r = 0;

	for (size_t k = 0; r >= 0 && k < ELEMENTSOF(files); k++)
		r = read_secret(w,
			&(struct secret_ref){"notify", t->name, files[k].key, files[k].file},
			files[k].ret, errors);
	if (r >= 0)
		r = hide_all(context->transport, &secrets);
	if (r < 0 || errors->n > n_before) {
		notify_secrets_clear(&secrets);
		return r;
	}
	r = notify_new(t->name, &t->params, &secrets, context, &w->notifies[i], &err);
	if (r != -EINVAL)
		return r;
	r = str_printf(&text, "[notify %s] %s", t->name, err ? err : "wrong");
	return r < 0 ? r : strlist_add(errors, text);
}

int runtime_new(struct settings *settings, struct transport *transport, sd_event *event,
	struct runtime **ret, struct strlist *errors)
{
	_cleanup_(runtime_unrefp) struct runtime *w = calloc(1, sizeof(*w));
	struct notify_context context = {.transport = transport, .event = event};
	int r = 0;

	if (!w) {
		settings_free(settings);
		return -ENOMEM;
	}
	w->n_refs = 1;
	w->settings = settings;
	w->sources = calloc(settings->n_sources + 1, sizeof(struct source *));
	w->airflows = calloc(settings->n_airflows + 1, sizeof(struct airflow *));
	w->notifies = calloc(settings->n_notifies + 1, sizeof(struct notify *));
	if (!w->sources || !w->airflows || !w->notifies)
		return -ENOMEM;
	for (size_t i = 0; r >= 0 && i < settings->n_sources; i++)
		r = make_source(w, i, transport, errors);
	for (size_t i = 0; r >= 0 && i < settings->n_airflows; i++)
		r = make_airflow(w, i, transport, errors);
	for (size_t i = 0; r >= 0 && i < settings->n_notifies; i++)
		r = make_notify(w, i, &context, errors);
	if (r < 0)
		return r;
	if (errors->n > 0)
		return -EBADMSG;
	*ret = TAKE_PTR(w);
	return 0;
}

struct source *runtime_source(const struct runtime *w, const char *name)
{
	for (size_t i = 0; i < w->settings->n_sources; i++)
		if (str_equal(w->sources[i]->name, name))
			return w->sources[i];
	return NULL;
}

struct airflow *runtime_airflow(const struct runtime *w, const struct rule *rule)
{
	if (!rule->airflow)
		return w->settings->n_airflows == 1 ? w->airflows[0] : NULL;
	for (size_t i = 0; i < w->settings->n_airflows; i++)
		if (str_equal(airflow_name(w->airflows[i]), rule->airflow))
			return w->airflows[i];
	return NULL;
}

int runtime_dags(const struct runtime *w, const struct airflow *airflow, struct strlist *ret)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < w->settings->rules.n; i++) {
		const struct rule *rule = &w->settings->rules.items[i];

		if (rule->dag && rule->action > RULE_ACTION_NOTIFY &&
			runtime_airflow(w, rule) == airflow)
			r = strlist_add(ret, rule->dag);
	}
	return r;
}

const struct rule *runtime_rule(const struct runtime *w, const char *name)
{
	for (size_t i = 0; i < w->settings->rules.n; i++)
		if (str_equal(w->settings->rules.items[i].name, name))
			return &w->settings->rules.items[i];
	return NULL;
}

const struct rule *runtime_rule_of(
	const struct runtime *w, const struct incident *i, struct app_wishes *ret)
{
	const struct rule *rule = i->rule ? runtime_rule(w, i->rule) : NULL;

	return rule ? app_wishes_apply(&i->properties, rule, &w->settings->rules, ret) : NULL;
}

struct notify *runtime_notify(const struct runtime *w, const char *name)
{
	for (size_t i = 0; i < w->settings->n_notifies; i++)
		if (str_equal(notify_name(w->notifies[i]), name))
			return w->notifies[i];
	return NULL;
}
