/* SPDX-License-Identifier: Apache-2.0
 * Passwords behind a cache: each pair of a user and a password is hashed once. */
#include "web/users.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "base/base64.h"
#include "base/rate.h"
#include "base/secret.h"
#include "base/strbuf.h"
#include "io/clock.h"
#include "io/hmac.h"
#include "io/password.h"
#include "io/random.h"

/* Wrong pairs that are remembered. Right ones have a place of their own, so that nobody displaces
 * them by guessing. */
#define MAX_WRONG 128U
#define MAX_VISITS 64U
/* Hashes that wait, of PASSWORD_MAX_CALLS: nobody takes all of them by guessing. */
#define MAX_JOBS_OF_ORIGIN (PASSWORD_MAX_CALLS / 4)
#define MAX_CREDENTIALS ((size_t)8192)

struct user {
	char *name;
	char *hash;
	char right[HMAC_HEX_SIZE]; /* of the pair that was right last; "": none */
};

/* A hash that is being computed, and who waits for it. */
struct job {
	LIST_ENTRY(job) link;
	struct web_users *users;
	struct user *user; /* NULL: there is none of that name, whatever the hash says */
	char digest[HMAC_HEX_SIZE];
	struct http_origin origin; /* of who asked first */
	struct password_call *call;
	struct http_visit *visits[MAX_VISITS];
	unsigned n_visits;
};

struct web_users {
	struct http_gate gate;
	struct password_check *check;
	char key[RANDOM_KEY_SIZE]; /* of the digests */
	struct user *users;
	size_t n;
	struct strlist operators;
	char wrong[MAX_WRONG][HMAC_HEX_SIZE];
	unsigned next_wrong;
	usec_t rate_interval;
	uint64_t rate_burst;
	struct rate rate;
	LIST_HEAD(, job) jobs;
};

/* What somebody says in the Authorization header. */
struct claim {
	char *text; /* "name", NUL, "password"; a secret */
	size_t size;
	const char *name;
	const char *password;
	bool whole; /* without a NUL in either, so that it is what was said */
};

static void claim_clear(struct claim *c)
{
	secret_wipe(c->text, c->size);
	free(c->text);
}

/* "Basic BASE64"; -EINVAL: it is none, or says no name. */
static int claim_read(const char *header, struct claim *ret)
{
	size_t len = header ? strlen(header) : 0;
	char *colon;
	size_t n = 0;

	if (len < 7 || len > MAX_CREDENTIALS || strncasecmp(header, "Basic ", 6) != 0)
		return -EINVAL;
	header += 6 + strspn(header + 6, " ");
	ret->size = strlen(header) + 1;
	ret->text = calloc(1, ret->size);
	if (!ret->text)
		return -ENOMEM;
	if (base64_decode(header, strlen(header), ret->text, &n) < 0)
		return -EINVAL;
	ret->text[n] = '\0';
	colon = memchr(ret->text, ':', n);
	if (!colon)
		return -EINVAL;
	ret->whole = !memchr(ret->text, '\0', n);
	*colon = '\0';
	ret->name = ret->text;
	ret->password = colon + 1;
	return 0;
}

static struct user *find_user(const struct web_users *u, const char *name)
{
	for (size_t i = 0; i < u->n; i++)
		if (str_equal(u->users[i].name, name))
			return &u->users[i];
	return NULL;
}

static enum http_role role_of(const struct web_users *u, const char *name)
{
	return name && strlist_has(&u->operators, name) ? HTTP_ROLE_OPERATE : HTTP_ROLE_READ;
}

/* Of some parts, in hexadecimal. */
static int digest(const struct web_users *u, const char *const *parts, size_t n,
	char hex[static HMAC_HEX_SIZE])
{
	_cleanup_free_ char *text = NULL;
	size_t size = 1;
	size_t at = 0;
	int r;

	for (size_t i = 0; i < n; i++)
		size += strlen(parts[i]) + 1;
	text = calloc(1, size);
	if (!text)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(parts[i]) + 1;

		memcpy(text + at, parts[i], len);
		at += len;
	}
	r = hmac_sha256(u->key, text, at, hex);
	secret_wipe(text, size);
	return r;
}

/* The hash that one who does not exist is held against takes as long as that of some user, and
 * always the same. */
static int stand_in(const struct web_users *u, const char *name, char hash[static 61])
{
	char hex[HMAC_HEX_SIZE] = "";
	char cost[3] = "10";
	int r = digest(u, &name, 1, hex);

	if (r < 0)
		return r;
	hex[8] = '\0';
	memcpy(cost, u->users[strtoul(hex, NULL, 16) % u->n].hash + 4, 2);
	(void)snprintf(
		hash, 61, "$2y$%s$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze", cost);
	return 0;
}

static bool is_wrong(const struct web_users *u, const char *hex)
{
	for (size_t i = 0; i < MAX_WRONG; i++)
		if (str_equal(u->wrong[i], hex))
			return true;
	return false;
}

static void remember(struct web_users *u, const struct job *j, bool right)
{
	char *place = right ? j->user->right : u->wrong[u->next_wrong];

	memcpy(place, j->digest, HMAC_HEX_SIZE);
	if (!right)
		u->next_wrong = (u->next_wrong + 1) % MAX_WRONG;
}

static void drop_job(struct job *j)
{
	LIST_REMOVE(j, link);
	free(j);
}

/* Who is told may leave, and come again. */
static void on_checked(void *userdata, int result)
{
	struct job *j = userdata;
	struct web_users *u = j->users;
	bool right = result == 1 && j->user;
	const struct http_caller caller = {
		.name = right ? j->user->name : NULL,
		.role = right ? role_of(u, j->user->name) : HTTP_ROLE_NONE,
	};

	j->call = NULL;
	if (result >= 0)
		remember(u, j, right);
	while (j->n_visits > 0)
		http_visit_tell(j->visits[--j->n_visits],
			right         ? HTTP_GATE_PASS
			: result >= 0 ? HTTP_GATE_UNKNOWN
				      : HTTP_GATE_BUSY,
			&caller);
	drop_job(j);
}

static struct job *find_job(const struct web_users *u, const char *hex)
{
	struct job *j;

	LIST_FOREACH(j, &u->jobs, link)
	if (str_equal(j->digest, hex))
		return j;
	return NULL;
}

static bool has_enough(const struct web_users *u, const struct http_origin *o)
{
	const struct job *j;
	unsigned n = 0;

	LIST_FOREACH(j, &u->jobs, link)
	n += http_origin_equal(&j->origin, o);
	return n >= MAX_JOBS_OF_ORIGIN;
}

static struct job *begin_job(struct web_users *u, struct user *user, const char *hash,
	const char *password, const char *hex, const struct http_origin *origin)
{
	struct job *j = origin && has_enough(u, origin) ? NULL : calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	if (origin)
		j->origin = *origin;
	j->users = u;
	j->user = user;
	memcpy(j->digest, hex, HMAC_HEX_SIZE);
	if (password_check_ask(u->check, hash, password, on_checked, j, &j->call) < 0) {
		free(j);
		return NULL;
	}
	LIST_INSERT_HEAD(&u->jobs, j, link);
	return j;
}

/* Whether the name and the password belong together: known, or to be found out. */
static enum http_gate_answer ask_password(struct web_users *u, const struct claim *c,
	const struct http_gate_ask *ask, struct http_caller *ret)
{
	struct user *user = c->whole ? find_user(u, c->name) : NULL;
	char other[61] = "";
	char hex[HMAC_HEX_SIZE] = "";
	const char *parts[] = {c->name, user ? user->hash : other, c->password};
	struct job *j;

	if ((!user && stand_in(u, c->name, other) < 0) ||
		digest(u, parts, ELEMENTSOF(parts), hex) < 0)
		return HTTP_GATE_BUSY;
	if (user && str_equal(user->right, hex)) {
		*ret = (struct http_caller){.name = user->name, .role = role_of(u, user->name)};
		return HTTP_GATE_PASS;
	}
	if (is_wrong(u, hex))
		return HTTP_GATE_UNKNOWN;
	j = find_job(u, hex);
	if (!j)
		j = begin_job(u, user, parts[1], c->password, hex, ask->origin);
	if (!j || j->n_visits == MAX_VISITS)
		return HTTP_GATE_BUSY;
	j->visits[j->n_visits++] = ask->visit;
	return HTTP_GATE_WAIT;
}

static bool is_too_fast(struct web_users *u)
{
	return u->rate_interval > 0 &&
	       !rate_take(&u->rate, u->rate_interval, u->rate_burst, clock_boottime());
}

bool web_users_open_path(const char *path)
{
	return str_equal(path, "/-/healthy") || str_equal(path, "/-/ready");
}

static enum http_gate_answer on_ask(
	void *userdata, const struct http_gate_ask *ask, struct http_caller *ret)
{
	struct web_users *u = userdata;
	_cleanup_(claim_clear) struct claim claim = {0};
	int r;

	*ret = (struct http_caller){.role = HTTP_ROLE_READ};
	if (web_users_open_path(ask->path))
		return HTTP_GATE_PASS;
	if (is_too_fast(u))
		return HTTP_GATE_TOO_MANY;
	if (u->n == 0) {
		*ret = (struct http_caller){
			.name = ask->certificate, .role = role_of(u, ask->certificate)};
		return HTTP_GATE_PASS;
	}
	r = claim_read(ask->authorization, &claim);
	if (r < 0)
		return r == -ENOMEM ? HTTP_GATE_BUSY : HTTP_GATE_UNKNOWN;
	return ask_password(u, &claim, ask, ret);
}

/* The hash is not computed where it has not begun and nobody else waits for it. */
static void on_forget(void *userdata, struct http_visit *visit)
{
	struct web_users *u = userdata;
	struct job *j;

	LIST_FOREACH(j, &u->jobs, link)
	for (unsigned i = 0; i < j->n_visits; i++) {
		if (j->visits[i] != visit)
			continue;
		j->visits[i] = j->visits[--j->n_visits];
		if (j->n_visits > 0)
			return;
		password_cancel(j->call);
		drop_job(j);
		return;
	}
}

int web_users_new(sd_event *event, struct web_users **ret)
{
	_cleanup_(web_users_freep) struct web_users *u = calloc(1, sizeof(*u));
	int r;

	if (!u)
		return -ENOMEM;
	u->gate = (struct http_gate){.ask = on_ask, .forget = on_forget, .userdata = u};
	LIST_INIT(&u->jobs);
	r = random_key(u->key);
	if (r >= 0)
		r = password_check_new(event, &u->check);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(u);
	return 0;
}

const struct http_gate *web_users_gate(const struct web_users *u)
{
	return &u->gate;
}

static void clear_users(struct user *users, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(users[i].name);
		secret_free(users[i].hash);
	}
	free(users);
}

static int copy(const struct web_users_params *p, struct user *users)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < p->n; i++) {
		r = str_replace(&users[i].name, p->users[i].name);
		if (r >= 0)
			r = str_replace(&users[i].hash, p->users[i].hash);
	}
	return r;
}

/* Whose password was right, and is as it was. */
static void keep_right(const struct web_users *u, struct user *users, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct user *old = find_user(u, users[i].name);

		if (old && str_equal(old->hash, users[i].hash))
			memcpy(users[i].right, old->right, HMAC_HEX_SIZE);
	}
}

int web_users_configure(struct web_users *u, const struct web_users_params *p)
{
	struct user *users = calloc(p->n + 1, sizeof(*users));
	int r = users ? copy(p, users) : -ENOMEM;

	if (r < 0) {
		clear_users(users, users ? p->n : 0);
		return r;
	}
	while (!LIST_EMPTY(&u->jobs)) {
		struct job *j = LIST_FIRST(&u->jobs);

		password_cancel(j->call);
		drop_job(j);
	}
	keep_right(u, users, p->n);
	clear_users(u->users, u->n);
	memset(u->wrong, 0, sizeof(u->wrong));
	u->users = users;
	u->n = p->n;
	u->rate_interval = p->rate_interval;
	u->rate_burst = p->rate_burst;
	u->rate = (struct rate){0};
	return 0;
}

int web_users_set_operators(struct web_users *u, const struct strlist *operators)
{
	struct strlist copy = {0};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < operators->n; i++)
		r = strlist_add(&copy, operators->items[i]);
	if (r < 0) {
		strlist_clear(&copy);
		return r;
	}
	strlist_clear(&u->operators);
	u->operators = copy;
	return 0;
}

struct web_users *web_users_free(struct web_users *u)
{
	if (!u)
		return NULL;
	password_check_free(u->check);
	while (!LIST_EMPTY(&u->jobs))
		drop_job(LIST_FIRST(&u->jobs));
	clear_users(u->users, u->n);
	strlist_clear(&u->operators);
	secret_wipe((char *)u->key, sizeof(u->key));
	free(u);
	return NULL;
}
