/* SPDX-License-Identifier: Apache-2.0
 * The keys of the web configuration file, in tables. */
#include "conf/web_file.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "base/secret.h"
#include "base/strbuf.h"
#include "conf/web_ciphers.h"
#include "conf/yaml_tree.h"

#define MAX_HEADER 4096U
#define MAX_INTERVAL (24 * USEC_PER_HOUR)

struct decode {
	const char *path;
	struct web_file *file;
	struct strlist *errors;
	unsigned tls_line; /* of tls_server_config; 0: there is none, or it is empty */
};

/* A key, and who takes what it has. */
struct field {
	const char *name;
	int (*take)(struct decode *d, const struct yaml_tree *t, const struct field *f);
	size_t offset;                   /* in struct web_file_tls */
	bool (*known)(const char *name); /* of the texts in a list; NULL: any */
	const char *what;                /* such a text is */
};

static int say(const struct decode *d, struct strlist *to, const struct yaml_tree *t,
	const char *key, const char *text)
{
	_cleanup_free_ char *printable = NULL;
	_cleanup_free_ char *line = NULL;
	int r = str_printable(key, WEB_FILE_MAX_NAME, &printable);

	if (r >= 0)
		r = str_printf(&line, "%s:%u: %s: %s", d->path, t->line, printable, text);
	return r < 0 ? r : strlist_add(to, line);
}

static int fault(const struct decode *d, const struct yaml_tree *t, const char *text)
{
	return say(d, d->errors, t, t->key ? t->key : "the file", text);
}

static int wants(const struct decode *d, const struct yaml_tree *t, enum yaml_tree_kind kind)
{
	static const char *const words[] = {[YAML_TREE_TEXT] = "takes one value",
		[YAML_TREE_LIST] = "takes a list",
		[YAML_TREE_MAP] = "takes keys of its own"};

	return fault(d, t, words[kind]);
}

static char **text_at(struct decode *d, const struct field *f)
{
	return (char **)((char *)&d->file->tls + f->offset);
}

static int take_text(struct decode *d, const struct yaml_tree *t, const struct field *f)
{
	if (t->kind != YAML_TREE_TEXT)
		return wants(d, t, YAML_TREE_TEXT);
	return *t->text ? str_replace(text_at(d, f), t->text) : 0;
}

/* Relative to the directory of the file. */
static int take_path(struct decode *d, const struct yaml_tree *t, const struct field *f)
{
	const char *slash = strrchr(d->path, '/');

	if (t->kind != YAML_TREE_TEXT || t->text[0] == '/' || !*t->text || !slash)
		return take_text(d, t, f);
	return str_printf(text_at(d, f), "%.*s/%s", (int)(slash - d->path), d->path, t->text);
}

/* As YAML 1.1 has it. */
static int read_bool(const struct decode *d, const struct yaml_tree *t, bool *ret)
{
	static const char *const yes[] = {"true", "yes", "on", "y"};
	static const char *const no[] = {"false", "no", "off", "n"};

	if (t->kind != YAML_TREE_TEXT)
		return wants(d, t, YAML_TREE_TEXT);
	if (t->absent)
		return 0;
	for (size_t i = 0; i < ELEMENTSOF(yes); i++)
		if (strcasecmp(t->text, yes[i]) == 0 || strcasecmp(t->text, no[i]) == 0) {
			*ret = strcasecmp(t->text, yes[i]) == 0;
			return 0;
		}
	return fault(d, t, "neither true nor false");
}

static int take_bool(struct decode *d, const struct yaml_tree *t, const struct field *f)
{
	return read_bool(d, t, (bool *)((char *)&d->file->tls + f->offset));
}

/* Any version is at least this one here, which cannot be undone. */
static int take_version(struct decode *d, const struct yaml_tree *t, const struct field *f)
{
	unsigned *version = (unsigned *)((char *)&d->file->tls + f->offset);
	bool is_min = version == &d->file->tls.min_version;

	if (t->kind != YAML_TREE_TEXT)
		return wants(d, t, YAML_TREE_TEXT);
	if (t->absent)
		return 0;
	if (str_equal(t->text, "TLS12") || str_equal(t->text, "TLS13")) {
		*version = str_equal(t->text, "TLS12") ? 12 : 13;
		return 0;
	}
	if (!str_equal(t->text, "TLS10") && !str_equal(t->text, "TLS11"))
		return fault(d, t, "not TLS12 or TLS13");
	return is_min ? say(d, &d->file->warnings, t, t->key,
				"not supported: TLS12 is the least, and holds")
		      : fault(d, t, "not supported: TLS12 is the least");
}

static const struct {
	const char *name;
	bool request;
	bool require;
	bool verify;
} client_auths[] = {
	{"NoClientCert", false, false, false},
	{"RequestClientCert", true, false, false},
	{"RequireAnyClientCert", true, true, false},
	{"RequireClientCert", true, true, false}, /* its old name */
	{"VerifyClientCertIfGiven", true, false, true},
	{"RequireAndVerifyClientCert", true, true, true},
};

static int take_client_auth(struct decode *d, const struct yaml_tree *t, const struct field *f)
{
	struct web_file_tls *tls = &d->file->tls;

	if (t->kind != YAML_TREE_TEXT || !*t->text)
		return take_text(d, t, f);
	for (size_t i = 0; i < ELEMENTSOF(client_auths); i++)
		if (str_equal(client_auths[i].name, t->text)) {
			tls->request = client_auths[i].request;
			tls->require = client_auths[i].require;
			tls->verify = client_auths[i].verify;
			return take_text(d, t, f);
		}
	return fault(d, t,
		"not NoClientCert, RequestClientCert, RequireAnyClientCert, "
		"VerifyClientCertIfGiven or RequireAndVerifyClientCert");
}

static int take_list(struct decode *d, const struct yaml_tree *t, const struct field *f)
{
	struct strlist *l = (struct strlist *)((char *)&d->file->tls + f->offset);
	int r = 0;

	if (t->kind == YAML_TREE_TEXT && t->absent)
		return 0;
	if (t->kind != YAML_TREE_LIST)
		return wants(d, t, YAML_TREE_LIST);
	for (const struct yaml_tree *item = t->first; r >= 0 && item; item = item->next) {
		if (item->kind != YAML_TREE_TEXT || !*item->text)
			r = say(d, d->errors, item, t->key, "takes a list of texts");
		else if (f->known && !f->known(item->text))
			r = say(d, d->errors, item, t->key, f->what);
		else
			r = strlist_add(l, item->text);
	}
	return r;
}

#define TLS(member) offsetof(struct web_file_tls, member)
static const struct field tls_fields[] = {
	{"cert", take_text, TLS(cert), NULL, NULL},
	{"cert_file", take_path, TLS(cert_file), NULL, NULL},
	{"key", take_text, TLS(key), NULL, NULL},
	{"key_file", take_path, TLS(key_file), NULL, NULL},
	{"client_ca", take_text, TLS(client_ca), NULL, NULL},
	{"client_ca_file", take_path, TLS(client_ca_file), NULL, NULL},
	{"client_auth_type", take_client_auth, TLS(client_auth_type), NULL, NULL},
	{"client_allowed_sans", take_list, TLS(allowed_sans), NULL, NULL},
	{"min_version", take_version, TLS(min_version), NULL, NULL},
	{"max_version", take_version, TLS(max_version), NULL, NULL},
	{"cipher_suites", take_list, TLS(cipher_suites), web_cipher_known,
		"holds one that is no cipher suite, or is not supported"},
	{"prefer_server_cipher_suites", take_bool, TLS(prefer_server), NULL, NULL},
	{"curve_preferences", take_list, TLS(curves), web_curve_known,
		"not CurveP256, CurveP384, CurveP521 or X25519"},
};

static int take_fields(
	struct decode *d, const struct yaml_tree *t, const struct field *fields, size_t n)
{
	int r = 0;

	if (t->kind == YAML_TREE_TEXT && t->absent)
		return 0;
	if (t->kind != YAML_TREE_MAP)
		return wants(d, t, YAML_TREE_MAP);
	for (const struct yaml_tree *item = t->first; r >= 0 && item; item = item->next) {
		size_t i = 0;

		while (i < n && !str_equal(fields[i].name, item->key))
			i++;
		r = i < n ? fields[i].take(d, item, &fields[i]) : fault(d, item, "unknown key");
	}
	return r;
}

static int take_tls(struct decode *d, const struct yaml_tree *t, const struct field *f)
{
	(void)f;
	d->tls_line = t->first ? t->line : 0;
	return take_fields(d, t, tls_fields, ELEMENTSOF(tls_fields));
}

/* HTTP/1.1 is spoken in either case, which every client of HTTP/2 speaks, too. */
static int take_http2(struct decode *d, const struct yaml_tree *t, const struct field *f)
{
	bool ignored;

	(void)f;
	return read_bool(d, t, &ignored);
}

/* What a header may say; NULL: anything. */
static const struct {
	const char *name;
	const char *one;
	const char *other;
} known_headers[] = {
	{"Content-Security-Policy", NULL, NULL},
	{"X-Frame-Options", "deny", "sameorigin"},
	{"X-Content-Type-Options", "nosniff", NULL},
	{"X-XSS-Protection", NULL, NULL},
	{"Strict-Transport-Security", NULL, NULL},
};

static bool is_header_text(const char *text)
{
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	return strlen(text) <= MAX_HEADER;
}

static const char *header_fault(const struct yaml_tree *t)
{
	size_t i = 0;

	while (i < ELEMENTSOF(known_headers) && !str_equal(known_headers[i].name, t->key))
		i++;
	if (i == ELEMENTSOF(known_headers))
		return "not one of the headers that can be set";
	if (t->kind != YAML_TREE_TEXT)
		return "takes one value";
	if (known_headers[i].one && *t->text && !str_equal(t->text, known_headers[i].one) &&
		!(known_headers[i].other && str_equal(t->text, known_headers[i].other)))
		return known_headers[i].other ? "not deny or sameorigin" : "not nosniff";
	return is_header_text(t->text) ? NULL : "not one line of up to 4096 bytes";
}

static int take_header(struct decode *d, const struct yaml_tree *t)
{
	struct web_file *f = d->file;
	struct web_file_header *h = &f->headers[f->n_headers];
	const char *why = header_fault(t);
	int r;

	if (why)
		return fault(d, t, why);
	if (!*t->text)
		return 0;
	r = str_replace(&h->name, t->key);
	if (r >= 0)
		r = str_replace(&h->value, t->text);
	f->n_headers++;
	return r;
}

/* The items of a map whose keys are not ours. */
static int take_each(struct decode *d, const struct yaml_tree *t,
	int (*take)(struct decode *d, const struct yaml_tree *item))
{
	int r = 0;

	if (t->kind == YAML_TREE_TEXT && t->absent)
		return 0;
	if (t->kind != YAML_TREE_MAP)
		return wants(d, t, YAML_TREE_MAP);
	for (const struct yaml_tree *item = t->first; r >= 0 && item; item = item->next)
		r = take(d, item);
	return r;
}

static int take_headers(struct decode *d, const struct yaml_tree *t, const struct field *f)
{
	(void)f;
	/* Each of them once, and one to stop at. */
	d->file->headers = calloc(ELEMENTSOF(known_headers) + 1, sizeof(*d->file->headers));
	return d->file->headers ? take_each(d, t, take_header) : -ENOMEM;
}

static const struct field http_fields[] = {
	{"http2", take_http2, 0, NULL, NULL},
	{"headers", take_headers, 0, NULL, NULL},
};

static int take_http(struct decode *d, const struct yaml_tree *t, const struct field *f)
{
	(void)f;
	return take_fields(d, t, http_fields, ELEMENTSOF(http_fields));
}

/* "$2y$10$" and 22 characters of salt, 31 of the hash. */
static const char *hash_fault(const char *hash)
{
	uint64_t cost;
	char digits[3] = "";

	if (strlen(hash) != 60 || strncmp(hash, "$2", 2) != 0 || !strchr("aby", hash[2]) ||
		hash[3] != '$' || hash[6] != '$' ||
		strspn(hash + 7, "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				 "0123456789") != 53)
		return "not a hash of bcrypt ($2a$, $2b$ or $2y$)";
	memcpy(digits, hash + 4, 2);
	if (parse_u64(digits, &cost) < 0 || cost < 4 || cost > 31)
		return "a hash of bcrypt has a cost from 04 to 31";
	return cost > WEB_FILE_MAX_COST ? "a cost above 18 is not supported: its user would wait "
					  "for minutes"
					: NULL;
}

static const char *user_fault(const struct yaml_tree *t)
{
	if (t->kind != YAML_TREE_TEXT)
		return "takes one value";
	if (!*t->key || strlen(t->key) > WEB_FILE_MAX_NAME || strchr(t->key, ':') ||
		!is_header_text(t->key))
		return "no name that a browser can send: 1 to 128 bytes, without a colon";
	return hash_fault(t->text);
}

static int take_user(struct decode *d, const struct yaml_tree *t)
{
	struct web_file *f = d->file;
	struct web_file_user *users;
	const char *why = user_fault(t);
	int r;

	if (why)
		return fault(d, t, why);
	users = reallocarray(f->users, f->n_users + 1, sizeof(*users));
	if (!users)
		return -ENOMEM;
	f->users = users;
	users[f->n_users] = (struct web_file_user){0};
	r = str_replace(&users[f->n_users].name, t->key);
	if (r >= 0)
		r = str_replace(&users[f->n_users].hash, t->text);
	f->n_users++;
	return r;
}

static int take_users(struct decode *d, const struct yaml_tree *t, const struct field *f)
{
	(void)f;
	return take_each(d, t, take_user);
}

/* "1s", "250ms" or "1m30s", as Go writes durations; a bare number is of nanoseconds there. */
static int take_interval(struct decode *d, const struct yaml_tree *t, const struct field *f)
{
	(void)f;
	if (t->kind != YAML_TREE_TEXT)
		return wants(d, t, YAML_TREE_TEXT);
	if (t->absent || str_equal(t->text, "0"))
		return 0;
	return parse_duration(t->text, &d->file->rate_interval) < 0 ||
			       d->file->rate_interval > MAX_INTERVAL
		       ? fault(d, t, "not a duration such as 1s or 250ms, up to 24h")
		       : 0;
}

static int take_burst(struct decode *d, const struct yaml_tree *t, const struct field *f)
{
	(void)f;
	if (t->kind != YAML_TREE_TEXT)
		return wants(d, t, YAML_TREE_TEXT);
	if (t->absent)
		return 0;
	return parse_u64(t->text, &d->file->rate_burst) < 0 || d->file->rate_burst > 1000000
		       ? fault(d, t, "not a number up to 1000000")
		       : 0;
}

static const struct field rate_fields[] = {
	{"interval", take_interval, 0, NULL, NULL},
	{"burst", take_burst, 0, NULL, NULL},
};

static int take_rate(struct decode *d, const struct yaml_tree *t, const struct field *f)
{
	int r = take_fields(d, t, rate_fields, ELEMENTSOF(rate_fields));

	(void)f;
	if (r < 0 || d->errors->n > 0 || d->file->rate_interval == 0 || d->file->rate_burst > 0)
		return r;
	return fault(d, t, "has an interval, but no burst of 1 or more: no request would pass");
}

static const struct field file_fields[] = {
	{"tls_server_config", take_tls, 0, NULL, NULL},
	{"http_server_config", take_http, 0, NULL, NULL},
	{"basic_auth_users", take_users, 0, NULL, NULL},
	{"rate_limit", take_rate, 0, NULL, NULL},
};

/* What is wrong with the keys together; NULL: nothing. */
static const char *tls_fault(const struct web_file_tls *t)
{
	if (!t->cert && !t->cert_file)
		return "needs cert_file or cert";
	if (!t->key && !t->key_file)
		return "needs key_file or key";
	if ((t->cert && t->cert_file) || (t->key && t->key_file) ||
		(t->client_ca && t->client_ca_file))
		return "has a text and a file for the same: one of both";
	if ((t->client_ca || t->client_ca_file) && !t->request)
		return "has a client_ca, but no client_auth_type that asks for certificates";
	if (t->verify && !t->client_ca && !t->client_ca_file)
		return "needs client_ca_file or client_ca, by which clients are verified";
	if (t->allowed_sans.n > 0 && !t->verify)
		return "has client_allowed_sans, but no client_auth_type that verifies "
		       "certificates";
	return t->min_version > t->max_version ? "has a min_version above max_version" : NULL;
}

static int finish_tls(struct decode *d)
{
	const struct yaml_tree at = {.line = d->tls_line};
	struct web_file_tls *t = &d->file->tls;
	_cleanup_free_ char *err = NULL;
	const char *why;
	int r;

	if (d->tls_line == 0)
		return 0;
	why = tls_fault(t);
	if (why)
		return say(d, d->errors, &at, "tls_server_config", why);
	t->enabled = true;
	r = web_ciphers_priority(t, &t->priority, &err);
	return r == -EINVAL ? say(d, d->errors, &at, "cipher_suites", err) : r;
}

static int decode_tree(struct decode *d, const struct yaml_tree *t)
{
	int r = take_fields(d, t, file_fields, ELEMENTSOF(file_fields));

	return r < 0 || d->errors->n > 0 ? r : finish_tls(d);
}

int web_file_decode(const char *path, const char *text, size_t len, struct web_file **ret,
	struct strlist *errors)
{
	_cleanup_(web_file_freep) struct web_file *f = calloc(1, sizeof(*f));
	_cleanup_(yaml_tree_freep) struct yaml_tree *t = NULL;
	struct strlist found = {0};
	struct decode d = {.path = path, .file = f, .errors = &found};
	_cleanup_free_ char *err = NULL;
	struct yaml_tree at = {0};
	int r;

	if (!f)
		return -ENOMEM;
	f->tls.min_version = 12;
	f->tls.max_version = 13;
	f->tls.prefer_server = true;
	r = yaml_tree_parse(text, len, &t, &at.line, &err);
	if (r >= 0)
		r = decode_tree(&d, t);
	else if (r == -EBADMSG)
		r = fault(&d, &at, err);
	for (size_t i = 0; r >= 0 && i < found.n; i++)
		r = strlist_add(errors, found.items[i]);
	if (r >= 0 && found.n > 0)
		r = -EBADMSG;
	strlist_clear(&found);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(f);
	return 0;
}

static void clear_tls(struct web_file_tls *t)
{
	free(t->cert);
	free(t->cert_file);
	secret_free(t->key);
	free(t->key_file);
	free(t->client_ca);
	free(t->client_ca_file);
	free(t->client_auth_type);
	free(t->priority);
	strlist_clear(&t->allowed_sans);
	strlist_clear(&t->cipher_suites);
	strlist_clear(&t->curves);
}

struct web_file *web_file_free(struct web_file *f)
{
	if (!f)
		return NULL;
	clear_tls(&f->tls);
	for (size_t i = 0; i < f->n_headers; i++) {
		free(f->headers[i].name);
		free(f->headers[i].value);
	}
	free(f->headers);
	for (size_t i = 0; i < f->n_users; i++) {
		free(f->users[i].name);
		secret_free(f->users[i].hash);
	}
	free(f->users);
	strlist_clear(&f->warnings);
	free(f);
	return NULL;
}
