/* SPDX-License-Identifier: Apache-2.0
 * type=standalone: a Spark standalone master, or several of which one is alive. Its JSON says which
 * apps run and how they ended; where their drivers are, only its page says. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "source/types.h"
#include "wire/master.h"
#include "wire/spark_rest.h"

struct source_standalone {
	struct source source;
	size_t tried; /* in the list at hand */
	struct transport_request *request;
	struct master_state state;
	struct driver_link *links; /* apps seen on the page, as long as they run */
	size_t n_links;
	source_listed_fn fn;
	void *userdata;
};

struct source *source_standalone_alloc(void)
{
	struct source_standalone *m = calloc(1, sizeof(*m));

	return m ? &m->source : NULL;
}

static void links_clear(struct source_standalone *m)
{
	for (size_t i = 0; i < m->n_links; i++) {
		free(m->links[i].app_id);
		free(m->links[i].url);
	}
	free(m->links);
	m->links = NULL;
	m->n_links = 0;
}

static void standalone_free(struct source *s)
{
	struct source_standalone *m = (struct source_standalone *)s;

	master_state_clear(&m->state);
	links_clear(m);
	free(m);
}

static int standalone_check(struct source *s, const struct source_params *params, char **reterr)
{
	(void)s;
	(void)params;
	(void)reterr;
	return 0;
}

static const char *current_url(const struct source_standalone *m)
{
	return m->source.urls.items[m->source.current];
}

static void give_up(struct source_standalone *m)
{
	source_no_list(&m->source, m->fn, m->userdata);
}

static int by_app(const void *a, const void *b)
{
	const struct driver_link *x = a;
	const struct driver_link *y = b;

	return strcmp(x->app_id, y->app_id);
}

static int compare(const void *key, const void *item)
{
	const struct driver_link *link = item;

	return strcmp(key, link->app_id);
}

/* The links are sorted by app. */
static struct driver_link *find_link(struct driver_link *links, size_t n, const char *app_id)
{
	return n > 0 ? bsearch(app_id, links, n, sizeof(*links), compare) : NULL;
}

static const char *link_of(const struct source_standalone *m, const char *app_id)
{
	const struct driver_link *link = find_link(m->links, m->n_links, app_id);

	return link ? link->url : NULL;
}

/* It has had no executor yet. */
static bool waits(const struct master_app *a)
{
	return str_equal(a->state, "WAITING");
}

static bool is_target(const struct source_standalone *m, const struct master_app *a)
{
	return !a->ended && (str_equal(a->state, "RUNNING") || waits(a) || link_of(m, a->id));
}

static int fill_target(
	const struct source_standalone *m, const struct master_app *a, struct target *t)
{
	int r;

	t->waits = waits(a);
	r = str_replace(&t->url, link_of(m, a->id));
	if (r >= 0 && t->waits)
		r = str_replace(&t->about, "WAITING at the master, which has no executor for it");
	if (r >= 0)
		r = str_replace(&t->app_id, a->id);
	if (r >= 0)
		r = str_replace(&t->name, a->name);
	if (r >= 0)
		r = str_replace(&t->user, a->user);
	return r;
}

static void hand_over(struct source_standalone *m)
{
	struct target *items = calloc(m->state.n_apps + 1, sizeof(*items));
	struct target_list list = {.items = items,
		.partial = m->state.left_out.n > 0,
		.asked = m->source.asked,
		.n_asked = m->source.n_asked};
	int r = items ? 0 : -ENOMEM;

	for (size_t i = 0; r >= 0 && i < m->state.n_apps; i++)
		if (is_target(m, &m->state.apps[i]))
			r = fill_target(m, &m->state.apps[i], &items[list.n++]);
	if (r < 0)
		give_up(m);
	else
		m->fn(m->userdata, &list);
	for (size_t i = 0; i < list.n; i++)
		target_clear(&items[i]);
	free(items);
}

/* The links of the page, and the ones known before of apps that still run. */
static int merge_links(struct source_standalone *m, struct master_page *page)
{
	struct driver_link *links = calloc(page->n_links + m->n_links + 1, sizeof(*links));
	size_t n_page;
	size_t n = 0;

	if (!links)
		return -ENOMEM;
	for (size_t i = 0; i < page->n_links; i++) {
		links[n].app_id = TAKE_PTR(page->links[i].app_id);
		links[n++].url = TAKE_PTR(page->links[i].url);
	}
	qsort(links, n, sizeof(*links), by_app);
	n_page = n;
	for (size_t i = 0; i < m->state.n_apps; i++) {
		const struct master_app *app = &m->state.apps[i];
		struct driver_link *old = find_link(m->links, m->n_links, app->id);

		if (app->ended || !old || !old->url || find_link(links, n_page, app->id))
			continue;
		links[n].app_id = strdup(app->id);
		if (!links[n].app_id)
			break; /* it is on the page again */
		links[n++].url = TAKE_PTR(old->url);
	}
	qsort(links, n, sizeof(*links), by_app);
	links_clear(m);
	m->links = links;
	m->n_links = n;
	return 0;
}

static void on_page(void *userdata, const struct transport_answer *a)
{
	struct source_standalone *m = userdata;
	struct master_page page = {0};
	_cleanup_free_ char *err = NULL;
	struct fault *fault = source_note(&m->source, "/");
	int r;

	m->request = NULL;
	if (answer_check(a, ANSWER_PAGE, fault)) {
		r = master_decode_page(a->body, a->len, &page, &err);
		if (r >= 0)
			r = merge_links(m, &page);
		(void)answer_decoded(r, err, NULL, fault);
	}
	master_page_clear(&page);
	/* Without the page the apps whose address is known can still be polled, and the others are
	 * known to run. */
	hand_over(m);
}

/* The page is large; it is asked only while there is an app whose driver's address is not known. */
static bool needs_page(const struct source_standalone *m)
{
	for (size_t i = 0; i < m->state.n_apps; i++)
		if (!m->state.apps[i].ended && !link_of(m, m->state.apps[i].id))
			return true;
	return false;
}

static int ask(struct source_standalone *m, const char *path, transport_done_fn done)
{
	_cleanup_free_ char *url = NULL;
	int r;

	r = str_printf(&url, "%s%s", current_url(m), path);
	if (r < 0)
		return r;
	return source_get(&m->source, url, done, m, &m->request);
}

static void on_state(void *userdata, const struct transport_answer *a);

static void try_next(struct source_standalone *m)
{
	m->source.current = (m->source.current + 1) % m->source.urls.n;
	if (++m->tried >= m->source.urls.n || ask(m, "/json/", on_state) < 0)
		give_up(m);
}

/* Of a master that is alive: one on standby, or that is recovering, does not know its apps. */
static int take_state(
	struct master_state *state, const struct transport_answer *a, struct fault *fault)
{
	_cleanup_free_ char *err = NULL;
	int r;

	if (!answer_check(a, ANSWER_JSON, fault))
		return -EIO;
	r = master_decode_state(a->body, a->len, state, &err);
	(void)answer_decoded(r, err, &state->left_out, fault);
	if (r < 0 || str_equal(state->status, "ALIVE"))
		return r;
	fault_set(fault, "standby", "says that the master is %s, not ALIVE", state->status);
	return -EHOSTDOWN;
}

static void on_state(void *userdata, const struct transport_answer *a)
{
	struct source_standalone *m = userdata;
	struct fault *fault = source_note(&m->source, "/json/");

	m->request = NULL;
	master_state_clear(&m->state);
	if (take_state(&m->state, a, fault) < 0)
		try_next(m);
	else if (!needs_page(m) || ask(m, "/", on_page) < 0)
		hand_over(m);
}

static void standalone_cancel_list(struct source *s)
{
	struct source_standalone *m = (struct source_standalone *)s;

	transport_cancel(s->transport, m->request);
	m->request = NULL;
}

static int standalone_list(struct source *s, source_listed_fn fn, void *userdata)
{
	struct source_standalone *m = (struct source_standalone *)s;

	standalone_cancel_list(s);
	m->fn = fn;
	m->userdata = userdata;
	m->tried = 0;
	s->n_asked = 0;
	return ask(m, "/json/", on_state);
}

static void standalone_identify(struct source *s, struct app_ref *ref)
{
	(void)s;
	source_identify_local(ref);
}

static int standalone_judge(const struct source_call *c, const struct transport_answer *a,
	enum app_end *ret, char **ret_words)
{
	struct master_state state = {0};
	struct fault fault = {0};
	const char *word = NULL;
	int r;

	r = take_state(&state, a, &fault);
	if (r >= 0) {
		*ret = master_app_end(&state, c->app_id, &word);
		(void)str_replace(ret_words, word ? word : "the master does not know the app");
	} else {
		(void)str_printf(ret_words, "the master %s", fault.text);
	}
	master_state_clear(&state);
	return r;
}

static int standalone_look(struct source *s, const struct app_ref *ref, source_looked_fn fn,
	void *userdata, struct source_call **ret)
{
	const struct source_round round = {.path = "/json/", .judge = standalone_judge};

	return source_look_round(s, ref, &round, fn, userdata, ret);
}

static bool standalone_kill_point(const struct source *s, const struct app_ref *ref,
	enum kill_via via, struct kill_point *ret)
{
	(void)ref;
	(void)via;
	source_point_at(s, KILL_STANDALONE, ret);
	return true;
}

static int standalone_access_step(
	struct source *s, unsigned vias, size_t i, struct access_step *ret)
{
	(void)vias;
	return source_access_by_get(s, i, "/", ret);
}

static int standalone_judge_access(const struct access_step *step, const struct transport_answer *a,
	enum permission *ret_kill, char **ret_text)
{
	struct master_page page = {0};
	int r = master_decode_page(a->body, a->len, &page, ret_text);

	(void)step;
	if (r < 0)
		return r;
	if (page.kill.offered) {
		*ret_kill = PERMISSION_GRANTED;
	} else if (page.n_links > 0) {
		*ret_kill = PERMISSION_DENIED;
		r = str_printf(
			ret_text, "the master's page offers no kill (spark.ui.killEnabled=false?)");
	} else {
		*ret_kill = PERMISSION_UNKNOWN;
		r = str_printf(ret_text, "no app runs, and only then the master's page shows it");
	}
	master_page_clear(&page);
	return r < 0 ? r : 0;
}

const struct source_ops source_standalone_ops = {
	.name = "standalone",
	.permits = 1U << KILL_VIA_CLUSTER | 1U << KILL_VIA_JOB | 1U << KILL_VIA_STAGE |
		   1U << KILL_VIA_DRIVER,
	.cluster_driver_ends_well = true,
	.check = standalone_check,
	.list = standalone_list,
	.cancel_list = standalone_cancel_list,
	.identify = standalone_identify,
	.look = standalone_look,
	.kill_point = standalone_kill_point,
	.access_step = standalone_access_step,
	.judge_access = standalone_judge_access,
	.free = standalone_free,
};
