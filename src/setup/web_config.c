/* SPDX-License-Identifier: Apache-2.0
 * Reads the web configuration file, and what it names. */
#include "setup/web_config.h"

#include <errno.h>
#include <string.h>

#include "base/secret.h"
#include "base/strbuf.h"
#include "conf/web_file.h"

static void note_file(struct web_config_stamps *s, const char *name)
{
	for (size_t i = 0; name && i < WEB_CONFIG_FILES; i++) {
		if (s->names[i])
			continue;
		s->names[i] = strdup(name);
		if (s->names[i])
			(void)secret_stamp(name, &s->stamps[i]);
		s->seen[i] = s->stamps[i];
		return;
	}
}

enum web_config_look web_config_look(struct web_config_stamps *s)
{
	enum web_config_look look = WEB_CONFIG_SAME;
	bool rests = true;

	for (size_t i = 0; i < WEB_CONFIG_FILES && s->names[i]; i++) {
		struct secret_stamp now = {0};

		(void)secret_stamp(s->names[i], &now);
		rests = rests && secret_stamp_equal(&now, &s->seen[i]);
		if (!secret_stamp_equal(&now, &s->stamps[i]))
			look = WEB_CONFIG_CHANGED;
		s->seen[i] = now;
	}
	return rests ? look : WEB_CONFIG_CHANGING;
}

void web_config_stamps_clear(struct web_config_stamps *s)
{
	for (size_t i = 0; i < WEB_CONFIG_FILES; i++)
		free(s->names[i]);
	*s = (struct web_config_stamps){0};
}

static int fault(const char *path, const char *text, struct strlist *faults)
{
	_cleanup_free_ char *line = NULL;
	int r = str_printf(&line, "%s: %s", path, text);

	if (r >= 0)
		r = strlist_add(faults, line);
	return r < 0 ? r : -EBADMSG;
}

/* What is no fault of the file, and passes. */
static bool is_of_host(int error)
{
	return error == -ENOMEM || error == -EMFILE || error == -ENFILE || error == -EIO;
}

/* err: of secret_read_lines(), which names the file. */
static int read_fault(int error, const char *err, struct strlist *faults)
{
	int r;

	if (error == -ENOMEM)
		return error;
	r = strlist_add(faults, err ? err : strerror(-error));
	if (r < 0)
		return r;
	return is_of_host(error) ? error : -EBADMSG;
}

/* Of a text in the file, or of a file that it names. *ret is the caller's. */
static int read_pem(const char *text, const char *name, char **ret, struct strlist *faults)
{
	_cleanup_free_ char *err = NULL;
	int r;

	if (!name)
		return str_replace(ret, text);
	r = secret_read_lines(name, ret, &err);
	return r < 0 ? read_fault(r, err, faults) : 0;
}

static int make_tls(const char *path, const struct web_file_tls *t, struct http_tls **ret,
	struct strlist *faults)
{
	_cleanup_free_ char *cert = NULL;
	_cleanup_free_ char *client_ca = NULL;
	_cleanup_free_ char *err = NULL;
	char *key = NULL;
	int r = read_pem(t->cert, t->cert_file, &cert, faults);

	if (r >= 0)
		r = read_pem(t->client_ca, t->client_ca_file, &client_ca, faults);
	if (r >= 0)
		r = read_pem(t->key, t->key_file, &key, faults);
	if (r >= 0) {
		const struct http_tls_params p = {
			.cert = cert,
			.key = key,
			.client_ca = client_ca,
			.priority = t->priority,
			.request = t->request,
			.require = t->require,
			.verify = t->verify,
			.allowed_sans = &t->allowed_sans,
		};

		r = http_tls_new(&p, ret, &err);
		if (r == -EINVAL)
			r = fault(path, err ? err : "wrong", faults);
	}
	secret_free(key);
	return r;
}

static int warn_exposed(const char *name, struct strlist *warnings)
{
	_cleanup_free_ char *line = NULL;
	int r;

	if (!secret_is_exposed(name))
		return 0;
	r = str_printf(&line, "%s: every user of this host may read it: chmod o-r", name);
	return r < 0 ? r : strlist_add(warnings, line);
}

/* Of the files that hold something secret: hashes are guessed at home, without limit. */
static int warn_all_exposed(const char *path, struct web_file *f)
{
	int r = f->n_users > 0 || f->tls.key ? warn_exposed(path, &f->warnings) : 0;

	return r >= 0 && f->tls.key_file ? warn_exposed(f->tls.key_file, &f->warnings) : r;
}

static int load(const char *path, struct web_config *c, struct web_config_stamps *stamps,
	struct strlist *faults)
{
	_cleanup_free_ char *where = NULL;
	_cleanup_free_ char *err = NULL;
	char *text = NULL;
	int r = secret_path(path, &where, &err);

	if (r >= 0)
		r = secret_read_lines(path, &text, &err);
	if (r < 0)
		return read_fault(r, err, faults);
	r = web_file_decode(where, text, strlen(text), &c->file, faults);
	secret_free(text);
	if (r >= 0)
		r = warn_all_exposed(where, c->file);
	if (r < 0 || !c->file->tls.enabled)
		return r;
	note_file(stamps, c->file->tls.cert_file);
	note_file(stamps, c->file->tls.key_file);
	note_file(stamps, c->file->tls.client_ca_file);
	return make_tls(where, &c->file->tls, &c->tls, faults);
}

int web_config_load(const char *path, struct web_config **ret, struct web_config_stamps *stamps,
	struct strlist *faults)
{
	_cleanup_(web_config_freep) struct web_config *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	web_config_stamps_clear(stamps);
	note_file(stamps, path);
	r = load(path, c, stamps, faults);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(c);
	return 0;
}

struct web_config *web_config_free(struct web_config *c)
{
	if (!c)
		return NULL;
	web_file_free(c->file);
	http_tls_unref(c->tls);
	free(c);
	return NULL;
}
