/* SPDX-License-Identifier: Apache-2.0
 * type=yarn: a YARN ResourceManager, or several of which one is active. It says which Spark apps
 * run and how they ended, and its proxy leads to their drivers: the address in trackingUrl is never
 * used, since an app chooses it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "source/types.h"
#include "wire/yarn.h"

/* An app is 3.4 kB, of which its resource requests can be many more where it waits for some. */
#define LIST_PATH                                                                                  \
	"/ws/v1/cluster/"                                                                          \
	"apps?states=ACCEPTED,RUNNING&applicationTypes=SPARK&deSelects=resourceRequests"

struct source_yarn {
	struct source source;
	size_t tried; /* in the list at hand */
	struct transport_request *request;
	source_listed_fn fn;
	void *userdata;
};

struct source *source_yarn_alloc(void)
{
	struct source_yarn *y = calloc(1, sizeof(*y));

	return y ? &y->source : NULL;
}

static void yarn_free(struct source *s)
{
	free((struct source_yarn *)s);
}

static int yarn_check(struct source *s, const struct source_params *params, char **reterr)
{
	(void)s;
	(void)params;
	(void)reterr;
	return 0;
}

static void give_up(struct source_yarn *y)
{
	source_no_list(&y->source, y->fn, y->userdata);
}

/* Cluster mode starts a failed driver anew: the same app, other stages from 0 on. */
static int fill_target(const struct source_yarn *y, const struct master_app *a, struct target *t)
{
	struct strbuf url = {0};
	int r;

	*t = (struct target){.configured = true,
		.restarts = true,
		.proxied = true,
		.waits = str_equal(a->state, "ACCEPTED")};
	if (t->waits) {
		r = str_printf(&t->about, "ACCEPTED by the ResourceManager%s%s",
			a->why && *a->why ? ": " : "", a->why && *a->why ? a->why : "");
	} else {
		strbuf_addf(&url, "%s/proxy/", y->source.urls.items[y->source.current]);
		strbuf_add_segment(&url, a->id);
		r = strbuf_finish(&url, &t->url);
	}
	if (r >= 0)
		r = str_replace(&t->app_id, a->id);
	if (r >= 0)
		r = str_replace(&t->name, a->name);
	if (r >= 0)
		r = str_replace(&t->user, a->user);
	return r;
}

static void hand_over(struct source_yarn *y, const struct master_state *state)
{
	struct target *items = calloc(state->n_apps + 1, sizeof(*items));
	struct target_list list = {.items = items,
		.partial = state->left_out.n > 0,
		.asked = y->source.asked,
		.n_asked = y->source.n_asked};
	int r = items ? 0 : -ENOMEM;

	for (size_t i = 0; r >= 0 && i < state->n_apps; i++)
		if (!state->apps[i].ended)
			r = fill_target(y, &state->apps[i], &items[list.n++]);
	if (r < 0)
		give_up(y);
	else
		y->fn(y->userdata, &list);
	for (size_t i = 0; i < list.n; i++)
		target_clear(&items[i]);
	free(items);
}

/* A standby answers with a redirect to the active one, which is not followed: that one is in the
 * list of URLs, and a redirect must not lead credentials elsewhere. With no active one it answers
 * 200 with a sentence. */
static bool check_answer(const struct transport_answer *a, struct fault *fault)
{
	_cleanup_free_ char *text = NULL;

	if (answer_check(a, ANSWER_JSON, fault))
		return true;
	if (str_equal(fault->reason, "redirect"))
		fault_set(fault, "redirect", "answered %d, a redirect: a standby ResourceManager",
			a->status);
	else if (a->error == 0 && a->status != 200 &&
		 yarn_error_text(a->body, a->len, &text) >= 0 && *text)
		fault_set(fault, "http_status", "answered %d: %s", a->status, text);
	return false;
}

static int ask_list(struct source_yarn *y);

static void on_list(void *userdata, const struct transport_answer *a)
{
	struct source_yarn *y = userdata;
	struct fault *fault = source_note(&y->source, "/ws/v1/cluster/apps");
	struct master_state state = {0};
	_cleanup_free_ char *err = NULL;
	int r = -EIO;

	y->request = NULL;
	if (check_answer(a, fault)) {
		r = yarn_decode_apps(a->body, a->len, &state, &err);
		(void)answer_decoded(r, err, &state.left_out, fault);
	}
	if (r >= 0) {
		hand_over(y, &state);
		master_state_clear(&state);
		return;
	}
	y->source.current = (y->source.current + 1) % y->source.urls.n;
	if (++y->tried >= y->source.urls.n || ask_list(y) < 0)
		give_up(y);
}

static int ask_list(struct source_yarn *y)
{
	_cleanup_free_ char *url = NULL;
	int r;

	r = str_printf(&url, "%s%s", y->source.urls.items[y->source.current], LIST_PATH);
	return r < 0 ? r : source_get(&y->source, url, on_list, y, &y->request);
}

static void yarn_cancel_list(struct source *s)
{
	struct source_yarn *y = (struct source_yarn *)s;

	transport_cancel(s->transport, y->request);
	y->request = NULL;
}

static int yarn_list(struct source *s, source_listed_fn fn, void *userdata)
{
	struct source_yarn *y = (struct source_yarn *)s;

	yarn_cancel_list(s);
	y->fn = fn;
	y->userdata = userdata;
	y->tried = 0;
	s->n_asked = 0;
	return ask_list(y);
}

static void yarn_identify(struct source *s, struct app_ref *ref)
{
	(void)s;
	ref->pid = 0;
}

/* That it does not know the app is no end: it forgets old ones, and all of them when it starts
 * without its state store. */
static int yarn_judge(const struct source_call *c, const struct transport_answer *a,
	enum app_end *ret, char **ret_words)
{
	struct fault fault = {0};
	int r;

	if (check_answer(a, &fault))
		return yarn_decode_end(a->body, a->len, c->app_id, ret, ret_words, ret_words);
	r = str_printf(ret_words, "the ResourceManager %s", fault.text);
	if (r >= 0 && a->error == 0 && a->status == 404) {
		*ret = APP_END_UNKNOWN;
		return 0;
	}
	return r < 0 ? r : -EIO;
}

static int yarn_look(struct source *s, const struct app_ref *ref, source_looked_fn fn,
	void *userdata, struct source_call **ret)
{
	_cleanup_free_ char *path = NULL;
	struct source_round round = {.judge = yarn_judge};
	int r = yarn_app_path(ref->app_id, "", &path);

	if (r < 0)
		return r;
	round.path = path;
	return source_look_round(s, ref, &round, fn, userdata, ret);
}

static bool yarn_kill_point(const struct source *s, const struct app_ref *ref, enum kill_via via,
	struct kill_point *ret)
{
	(void)ref;
	(void)via;
	source_point_at(s, KILL_YARN, ret);
	return true;
}

/* Who may view an app need not be one who may kill it: that shows at a kill alone. */
static int yarn_access_step(struct source *s, unsigned vias, size_t i, struct access_step *ret)
{
	(void)vias;
	return source_access_by_get(s, i, LIST_PATH, ret);
}

static int yarn_judge_access(const struct access_step *step, const struct transport_answer *a,
	enum permission *ret_kill, char **ret_text)
{
	size_t n = 0;
	size_t visible = 0;
	int r = yarn_count_visible(a->body, a->len, &n, &visible, ret_text);

	(void)step;
	if (r < 0)
		return r;
	*ret_kill = visible < n ? PERMISSION_DENIED : PERMISSION_UNKNOWN;
	if (visible < n)
		return str_printf(ret_text,
			"%zu of %zu running apps are not shown whole: their queue's ACLs do not "
			"let the user of this section administer them",
			n - visible, n);
	return str_printf(ret_text, n == 0 ? "no app runs, and only then it shows"
					   : "its apps are shown whole, the rest shows at a kill");
}

const struct source_ops source_yarn_ops = {
	.name = "yarn",
	/* Of a job or stage that is killed YARN makes a failed attempt, and begins the next. */
	.permits = 1U << KILL_VIA_CLUSTER,
	.nodemanagers = true,
	.lists_late = true,
	.check = yarn_check,
	.list = yarn_list,
	.cancel_list = yarn_cancel_list,
	.identify = yarn_identify,
	.look = yarn_look,
	.kill_point = yarn_kill_point,
	.access_step = yarn_access_step,
	.judge_access = yarn_judge_access,
	.free = yarn_free,
};
