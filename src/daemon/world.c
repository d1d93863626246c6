/* SPDX-License-Identifier: Apache-2.0
 * Makes sources and Airflows from settings. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/world.h"
#include "io/service.h"

struct world *world_ref(struct world *w)
{
	w->n_refs++;
	return w;
}

struct world *world_unref(struct world *w)
{
	if (!w || --w->n_refs > 0)
		return NULL;
	for (size_t i = 0; w->sources && i < w->settings->n_sources; i++)
		source_free(w->sources[i]);
	free(w->sources);
	for (size_t i = 0; w->airflows && i < w->settings->n_airflows; i++)
		airflow_free(w->airflows[i]);
	free(w->airflows);
	settings_free(w->settings);
	free(w);
	return NULL;
}

/* *ret is NULL where no file is configured. A file that cannot be read is a fault. */
static int read_password(
	const char *kind, const char *name, const char *file, char **ret, struct strlist *errors)
{
	_cleanup_free_ char *err = NULL;
	_cleanup_free_ char *text = NULL;
	int r;

	if (!file)
		return 0;
	r = secret_read(file, ret, &err);
	if (r >= 0 || r == -ENOMEM)
		return r;
	r = str_printf(&text, "[%s %s] password_file: %s", kind, name, err ? err : strerror(-r));
	return r < 0 ? r : strlist_add(errors, text);
}

static void wipe(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

static int make_source(
	struct world *w, size_t i, struct transport *transport, struct strlist *errors)
{
	const struct source_settings *t = &w->settings->sources[i];
	_cleanup_free_ char *err = NULL;
	char *password = NULL;
	int r;

	r = read_password("spark", t->name, t->params.password_file, &password, errors);
	if (r >= 0)
		r = source_new(t->name, &t->params, password, transport, &w->sources[i], &err);
	wipe(password);
	return r;
}

static int make_airflow(
	struct world *w, size_t i, struct transport *transport, struct strlist *errors)
{
	const struct airflow_settings *t = &w->settings->airflows[i];
	_cleanup_free_ char *err = NULL;
	char *password = NULL;
	size_t n_before = errors->n;
	int r;

	r = read_password("airflow", t->name, t->params.password_file, &password, errors);
	if (r >= 0 && errors->n == n_before)
		r = airflow_new(t->name, &t->params, password, transport, &w->airflows[i], &err);
	wipe(password);
	return r;
}

int world_new(struct settings *settings, struct transport *transport, struct world **ret,
	struct strlist *errors)
{
	_cleanup_(world_unrefp) struct world *w = calloc(1, sizeof(*w));
	int r = 0;

	if (!w) {
		settings_free(settings);
		return -ENOMEM;
	}
	w->n_refs = 1;
	w->settings = settings;
	w->sources = calloc(settings->n_sources + 1, sizeof(struct source *));
	w->airflows = calloc(settings->n_airflows + 1, sizeof(struct airflow *));
	if (!w->sources || !w->airflows)
		return -ENOMEM;
	for (size_t i = 0; r >= 0 && i < settings->n_sources; i++)
		r = make_source(w, i, transport, errors);
	for (size_t i = 0; r >= 0 && i < settings->n_airflows; i++)
		r = make_airflow(w, i, transport, errors);
	if (r < 0)
		return r;
	if (errors->n > 0)
		return -EBADMSG;
	*ret = TAKE_PTR(w);
	return 0;
}

struct source *world_source(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->settings->n_sources; i++)
		if (str_equal(w->sources[i]->name, name))
			return w->sources[i];
	return NULL;
}

struct airflow *world_airflow(const struct world *w, const struct rule *rule)
{
	if (!rule->airflow)
		return w->settings->n_airflows == 1 ? w->airflows[0] : NULL;
	for (size_t i = 0; i < w->settings->n_airflows; i++)
		if (str_equal(airflow_name(w->airflows[i]), rule->airflow))
			return w->airflows[i];
	return NULL;
}
