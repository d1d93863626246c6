/* SPDX-License-Identifier: Apache-2.0
 * What is asked of Airflow for each task, step by step, and what the answers mean. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "action/airflow_call.h"
#include "action/owner_match.h"
#include "base/strbuf.h"
#include "core/facts/rule.h"

/* What a self-test names: no run and no task is called so. */
static const char nobody[] = "stagewatchd-self-test";
/* Of those that run, so many are looked through: 50 pages. */
#define MAX_RUNNING 5000

static bool is_api_1(const struct airflow_call *c)
{
	return c->airflow->api == AIRFLOW_API_V1;
}

static int build_health(const struct airflow_call *c, struct airflow_request *ret)
{
	return airflow_request_health(c->airflow->api, ret);
}

static int build_look(const struct airflow_call *c, struct airflow_request *ret)
{
	return airflow_request_get(c->airflow->api, &c->owner, ret);
}

static int build_dag(const struct airflow_call *c, struct airflow_request *ret)
{
	return airflow_request_dag(c->airflow->api, &c->owner, ret);
}

static int build_task(const struct airflow_call *c, struct airflow_request *ret)
{
	return airflow_request_task(c->airflow->api, &c->owner, ret);
}

static int build_run(const struct airflow_call *c, struct airflow_request *ret)
{
	return airflow_request_run(c->airflow->api, &c->owner, ret);
}

static int build_siblings(const struct airflow_call *c, struct airflow_request *ret)
{
	return airflow_request_failed_siblings(&c->owner, ret);
}

static int build_queued_runs(const struct airflow_call *c, struct airflow_request *ret)
{
	return airflow_request_queued_runs(c->airflow->api, &c->owner, ret);
}

static int build_pool(const struct airflow_call *c, struct airflow_request *ret)
{
	return airflow_request_pool(c->airflow->api, c->ti.pool ? c->ti.pool : "default_pool", ret);
}

static int build_note(const struct airflow_call *c, struct airflow_request *ret)
{
	return airflow_request_set_note(c->airflow->api, &c->owner, c->note, ret);
}

static int build_fail_dry_run(const struct airflow_call *c, struct airflow_request *ret)
{
	return airflow_request_fail_dry_run(c->airflow->api, &c->owner, ret);
}

static int build_fail(const struct airflow_call *c, struct airflow_request *ret)
{
	return airflow_request_fail(c->airflow->api, &c->owner, c->note, ret);
}

static int build_clear_dry_run(const struct airflow_call *c, struct airflow_request *ret)
{
	return airflow_request_clear_dry_run(c->airflow->api, &c->owner, ret);
}

static int build_clear(const struct airflow_call *c, struct airflow_request *ret)
{
	return airflow_request_clear_task(c->airflow->api, &c->owner, ret);
}

static int build_tasks(const struct airflow_call *c, struct airflow_request *ret)
{
	return airflow_request_tasks(c->airflow->api, &c->owner, ret);
}

static int build_living(const struct airflow_call *c, struct airflow_request *ret)
{
	return airflow_request_living(c->airflow->api, &c->owner, ret);
}

static int build_running(const struct airflow_call *c, struct airflow_request *ret)
{
	return airflow_request_running(c->airflow->api, owner_hint_dag(&c->hint), c->offset, ret);
}

static int build_log(const struct airflow_call *c, struct airflow_request *ret)
{
	return airflow_request_log(&c->owner, ret);
}

static int build_restart_dry_run(const struct airflow_call *c, struct airflow_request *ret)
{
	return airflow_request_restart_dry_run(c->airflow->api, &c->owner, ret);
}

static int build_restart(const struct airflow_call *c, struct airflow_request *ret)
{
	return airflow_request_restart(c->airflow->api, &c->owner, ret);
}

static int build_list_tasks(const struct airflow_call *c, struct airflow_request *ret)
{
	return airflow_request_list(c->airflow->api, false, ret);
}

static int build_list_dags(const struct airflow_call *c, struct airflow_request *ret)
{
	return airflow_request_list(c->airflow->api, true, ret);
}

/* Airflow 2 names a mapped task in a clear without its index. */
static bool clears_without_index(const struct airflow_call *c)
{
	return is_api_1(c) && c->owner.map_index >= 0;
}

/* Airflow 3 has set all indexes where one was named, in some versions. */
static bool fails_with_index(const struct airflow_call *c)
{
	return !is_api_1(c) && c->owner.map_index >= 0;
}

static bool has_set_up(const struct airflow_call *c)
{
	return c->scope.has_set_up;
}

/* Who may not clear is not to leave a failed task behind. */
static bool will_clear(const struct airflow_call *c)
{
	return c->clears;
}

static bool tries_edits(const struct airflow_call *c)
{
	return c->edit;
}

static bool take_health(struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *err = NULL;
	struct airflow_result result = {.reply = REPLY_DONE};
	bool healthy = false;

	if (airflow_decode_health(a->body, a->len, &healthy, &err) < 0) {
		airflow_call_malformed(c, err);
		return false;
	}
	if (!healthy) {
		result.reply = REPLY_UNCERTAIN;
		result.reason = "unhealthy";
		result.text = "Airflow says that its scheduler is not healthy";
	}
	airflow_call_finish(c, &result);
	return false;
}

static bool take_ti(struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *err = NULL;
	_cleanup_(ti_obs_clear) struct ti_obs task = {0};
	struct airflow_result result = {
		.reply = REPLY_DONE, .task = &task, .process_ended = c->process_ended};

	if (airflow_decode_ti(a->body, a->len, &c->owner, &task, &err) < 0) {
		airflow_call_malformed(c, err);
		return false;
	}
	if (c->task == AIRFLOW_PREPARE) {
		/* What cannot be read stays unknown, which the core objects to. */
		(void)airflow_version_parse(c->airflow->version, &c->preconditions.version);
		result.preconditions = &c->preconditions;
	}
	airflow_call_finish(c, &result);
	return false;
}

/* The try that is meant, and not ended: right before it is cleared. */
static bool take_same(struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *err = NULL;
	_cleanup_free_ char *text = NULL;
	_cleanup_(ti_obs_clear) struct ti_obs task = {0};

	if (airflow_decode_ti(a->body, a->len, &c->owner, &task, &err) < 0) {
		airflow_call_malformed(c, err);
		return false;
	}
	if (ti_identity_matches(c->same, &task) &&
		(task.state == TI_STATE_RUNNING || task.state == TI_STATE_DEFERRED))
		return true;
	(void)str_printf(&text, "by now it is %s, try %lld: nothing was cleared",
		ti_state_name(task.state), (long long)task.try_number);
	airflow_call_end(c, REPLY_CONFLICT, text);
	return false;
}

/* What it cannot read or may not see stays unknown, which the core objects to. */
static bool take_tasks(struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *err = NULL;
	int r;

	if (a->status == 401 || a->status == 403 || a->status == 404)
		return true;
	if (a->status != 200) {
		airflow_call_bad(c, a);
		return false;
	}
	r = airflow_decode_tasks(a->body, a->len, &c->graph, &err);
	if (r >= 0)
		r = task_scope_of(&c->graph, c->owner.task_id, &c->scope);
	if (r == -ENOENT)
		return true;
	if (r >= 0)
		r = str_replace(&c->preconditions.fires, c->scope.fires);
	if (r >= 0) {
		c->preconditions.tasks_known = true;
		return true;
	}
	airflow_call_malformed(c, err);
	return false;
}

static bool take_living(struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *err = NULL;

	if (airflow_decode_beside(
		    a->body, a->len, &c->owner, &c->scope, &c->preconditions.beside, &err) < 0) {
		airflow_call_malformed(c, err);
		return false;
	}
	if (c->task != AIRFLOW_RESTART || !c->preconditions.beside)
		return true;
	airflow_call_end(c, REPLY_REFUSED,
		"its set-up would run again beside another task instance, which is alive: nothing "
		"was cleared");
	return false;
}

static bool take_whatever(struct airflow_call *c, const struct transport_answer *a)
{
	(void)c;
	(void)a;
	return true;
}

/* Without a word from it, time decides. */
static bool take_log(struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *err = NULL;

	if (a->error >= 0 && a->status == 200)
		(void)airflow_decode_process_end(
			a->body, a->len, c->same ? c->same->pid : 0, &c->process_ended, &err);
	return true;
}

static bool take_dag(struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *err = NULL;

	if (airflow_decode_dag(a->body, a->len, &c->owner, &c->preconditions, &err) >= 0)
		return true;
	airflow_call_malformed(c, err);
	return false;
}

/* Whether another run would take the place of one that fails. */
static bool take_queued_runs(struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *err = NULL;

	if (airflow_decode_queued_run(
		    a->body, a->len, &c->owner, &c->preconditions.queued_run, &err) >= 0)
		return true;
	airflow_call_malformed(c, err);
	return false;
}

static bool take_waiting(struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *err = NULL;

	if (airflow_decode_ti(a->body, a->len, &c->owner, &c->ti, &err) < 0) {
		airflow_call_malformed(c, err);
		return false;
	}
	return true;
}

/* What a new try waits for, as far as it can be seen. */
static bool take_pool(struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *err = NULL;
	_cleanup_free_ char *full = NULL;
	_cleanup_free_ char *text = NULL;
	struct airflow_result result = {.reply = REPLY_DONE, .task = &c->ti};
	bool queued = str_equal(c->preconditions.run_state, "queued");

	if (c->ti.pool && a->error >= 0 && a->status == 200)
		(void)airflow_decode_full_pool(a->body, a->len, &full, &err);
	if (queued || full)
		(void)str_printf(&text, "%s%s%s",
			queued ? "its DAG run is queued: others have the places that "
				 "max_active_runs gives"
			       : "",
			queued && full ? "; " : "", full ? full : "");
	result.text = text;
	airflow_call_finish(c, &result);
	return false;
}

static bool take_task_dag(struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *err = NULL;

	if (airflow_decode_task_dag(a->body, a->len, &c->owner, &c->settings, &err) >= 0)
		return true;
	airflow_call_malformed(c, err);
	return false;
}

static bool take_settings(struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *err = NULL;
	struct airflow_result result = {.reply = REPLY_DONE, .settings = &c->settings};

	if (airflow_decode_task(a->body, a->len, &c->owner, &c->settings, &err) < 0)
		airflow_call_malformed(c, err);
	else
		airflow_call_finish(c, &result);
	return false;
}

static int compare(struct airflow_call *c, const struct running_ti *t)
{
	int is[2];

	is[0] = owner_match_labels(&c->hint, t);
	is[1] = owner_match_lineage(&c->hint, t);
	for (size_t i = 0; i < ELEMENTSOF(is); i++) {
		int r = is[i];

		if (r > 0 && c->n_found[i]++ == 0)
			r = owner_copy(&t->owner, &c->found[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Labels come first: they say more. Where the two name different ones, neither counts. */
static void end_find(struct airflow_call *c)
{
	bool by_labels = c->n_found[0] == 1;
	bool by_lineage = c->n_found[1] == 1;
	struct owner *o = &c->found[by_labels ? 0 : 1];
	struct airflow_result result = {.reply = REPLY_DONE, .found = o};

	o->via = by_labels ? OWNER_VIA_LABELS : OWNER_VIA_OPENLINEAGE;
	if (by_labels || by_lineage)
		result.reply = by_labels && by_lineage && !owner_same_task(o, &c->found[1])
				       ? REPLY_NOTHING
				       : REPLY_DONE;
	else
		result.reply = REPLY_NOTHING;
	if (result.reply == REPLY_NOTHING)
		result.text = c->n_found[0] + c->n_found[1] > 0
				      ? "more than one of the task instances that run"
				      : "none of the task instances that run";
	airflow_call_finish(c, &result);
}

static bool take_running(struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_(running_list_clear) struct running_list l = {0};
	_cleanup_free_ char *err = NULL;
	int r = airflow_decode_running(a->body, a->len, &l, &err);

	for (size_t i = 0; r >= 0 && i < l.n; i++)
		r = compare(c, &l.items[i]);
	if (r < 0) {
		airflow_call_malformed(c, err ? err : strerror(-r));
		return false;
	}
	c->offset += l.n;
	/* A page may have fewer than were asked for: Airflow has a limit of its own. */
	if (l.n == 0 || (int64_t)c->offset >= l.total) {
		end_find(c);
		return false;
	}
	if (c->offset >= MAX_RUNNING) {
		airflow_call_end(
			c, REPLY_REFUSED, "more task instances run than are looked through");
		return false;
	}
	c->step--; /* the next page */
	return true;
}

static bool take_run(struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *err = NULL;

	if (airflow_decode_run(a->body, a->len, &c->owner, &c->preconditions, &err) >= 0)
		return true;
	airflow_call_malformed(c, err);
	return false;
}

static bool take_siblings(struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *err = NULL;

	if (airflow_decode_siblings(
		    a->body, a->len, &c->owner, &c->preconditions.n_failed_siblings, &err) < 0) {
		airflow_call_malformed(c, err);
		return false;
	}
	if (c->task == AIRFLOW_CLEAR && c->preconditions.n_failed_siblings > 0) {
		airflow_call_end(c, REPLY_REFUSED,
			"other indexes of the mapped task have failed meanwhile, and Airflow 2 "
			"would clear them as well: nothing was cleared");
		return false;
	}
	return true;
}

/* Whom a dry run or a request names. Returns false where it has ended the call. */
static bool decode_affected(
	struct airflow_call *c, const struct transport_answer *a, struct airflow_affected *ret)
{
	_cleanup_free_ char *err = NULL;

	const struct task_scope *scope = c->scope.graph ? &c->scope : NULL;

	if (airflow_decode_affected(a->body, a->len, &c->owner, scope, ret, &err) >= 0)
		return true;
	airflow_call_malformed(c, err);
	return false;
}

/* Before it is failed: whether its user may clear it, and whether the clear to come would be sent.
 * Ours has not failed yet: without an index, a row that seems to be ours is another one. */
static bool take_may_clear(struct airflow_call *c, const struct transport_answer *a)
{
	struct airflow_affected who = {0};

	/* Where it is not known whether it could be cleared, it is not failed. */
	if (a->status != 200 && a->status != 404 && a->status != 409) {
		airflow_call_bad(c, a);
		return false;
	}
	if (a->status != 200)
		return true;
	if (!decode_affected(c, a, &who))
		return false;
	if (who.n_siblings == 0 && who.n_elsewhere == 0 && (!who.ours || !clears_without_index(c)))
		return true;
	airflow_call_end(c, REPLY_REFUSED,
		"a dry run of the clear to come says that it would clear other indexes of the "
		"mapped task, or tasks of another run or DAG, as well: nothing was sent");
	return false;
}

static bool take_fail_dry_run(struct airflow_call *c, const struct transport_answer *a)
{
	struct airflow_affected who = {0};

	if (!decode_affected(c, a, &who))
		return false;
	if (who.ours && who.n == 1)
		return true;
	airflow_call_end(c, REPLY_REFUSED,
		"a dry run says that it would not be this task instance alone that fails: nothing "
		"was sent");
	return false;
}

static bool take_clear_dry_run(struct airflow_call *c, const struct transport_answer *a)
{
	struct airflow_affected who = {0};

	if (!decode_affected(c, a, &who))
		return false;
	if (who.ours && who.n_siblings == 0 && who.n_elsewhere == 0)
		return true;
	if (!who.ours)
		airflow_call_end(c, REPLY_NOTHING, "it would clear no task instance of ours");
	else if (who.n_siblings > 0)
		airflow_call_end(c, REPLY_REFUSED,
			"it would clear other indexes of the mapped task as well: nothing was "
			"cleared");
	else
		airflow_call_end(c, REPLY_REFUSED,
			"it would clear tasks of another run or DAG as well: nothing was cleared");
	return false;
}

static bool take_restart_dry_run(struct airflow_call *c, const struct transport_answer *a)
{
	struct airflow_affected who = {0};

	if (!decode_affected(c, a, &who))
		return false;
	if (who.ours && who.n_siblings == 0 && who.n_elsewhere == 0 && who.n_others == 0)
		return true;
	airflow_call_end(c, REPLY_REFUSED,
		who.ours ? "it would clear more than this task instance with its set-up and "
			   "teardown: nothing was cleared"
			 : "it would not clear this task instance: nothing was cleared");
	return false;
}

static bool take_cleared(struct airflow_call *c, const struct transport_answer *a)
{
	struct airflow_affected who = {0};

	if (!decode_affected(c, a, &who))
		return false;
	airflow_call_end(c, who.ours ? REPLY_DONE : REPLY_NOTHING,
		who.ours ? NULL : "the clear named no task instance of ours");
	return false;
}

static bool take_accepted(struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *err = NULL;

	if (airflow_decode_accepted(a->body, a->len, &err) < 0)
		airflow_call_malformed(c, err);
	else
		airflow_call_end(c, REPLY_DONE, NULL);
	return false;
}

/* What it takes to have the rights that are denied. */
static void add_needs(struct strbuf *b, const struct airflow_call *c, int status)
{
	const enum permission *rights = c->access.rights;

	if (rights[AIRFLOW_RIGHT_LOGIN] == PERMISSION_DENIED)
		strbuf_addf(b, "; login needs %s of [airflow %s]%s",
			c->airflow->is_client ? "client_id and client_secret_file, of the client "
						"that Airflow itself is,"
					      : "username and password_file",
			c->airflow->name,
			is_api_1(c) && status == 401
				? ", and basic_auth among auth_backends in [api] of airflow.cfg"
				: "");
	if (rights[AIRFLOW_RIGHT_READ] == PERMISSION_DENIED)
		strbuf_add(b, "; read needs a role that can read DAGs and task instances, such as "
			      "Viewer");
	if (rights[AIRFLOW_RIGHT_FAIL] == PERMISSION_DENIED ||
		rights[AIRFLOW_RIGHT_CLEAR] == PERMISSION_DENIED)
		strbuf_add(b, "; fail and clear need a role that can edit DAG runs and task "
			      "instances of that DAG, such as User or Op");
}

/* Which rights are denied, and whose word it is; NULL where none is. */
static char *tell_denied(const struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *detail = NULL;
	struct strbuf b = {0};
	char *text = NULL;
	bool any = false;

	for (int i = 0; i < AIRFLOW_RIGHT_MAX; i++)
		if (c->access.rights[i] == PERMISSION_DENIED) {
			strbuf_addf(&b, "%s%s", any ? ", " : "",
				airflow_right_name((enum airflow_right)i));
			any = true;
		}
	if (any && c->access.dag_id)
		strbuf_addf(&b, " (tried on DAG %s)", c->access.dag_id);
	if (any && is_api_1(c) && c->access.rights[AIRFLOW_RIGHT_READ] == PERMISSION_DENIED)
		strbuf_add(&b, " (or a wrong password: Airflow 2 does not tell which)");
	/* Who echoes a login back would put the password into the log. */
	if (any && a && c->phase != PHASE_LOGIN &&
		airflow_error_text(a->body, a->len, &detail) >= 0)
		strbuf_addf(&b, ": %s", detail);
	add_needs(&b, c, a ? a->status : 0);
	if (!any || strbuf_finish(&b, &text) < 0) {
		strbuf_clear(&b);
		return NULL;
	}
	return text;
}

static void end_selftest(struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *text = tell_denied(c, a);
	struct airflow_result result = {.reply = REPLY_DONE, .text = text, .access = &c->access};

	airflow_call_finish(c, &result);
}

/* What a self-test is after. */
static void take_refused_login(struct airflow_call *c, const struct transport_answer *a)
{
	c->access.rights[AIRFLOW_RIGHT_LOGIN] = PERMISSION_DENIED;
	end_selftest(c, a);
}

/* Every request of Airflow 2 carries the password; in Airflow 3 it got here with a token. */
static bool take_list_tasks(struct airflow_call *c, const struct transport_answer *a)
{
	enum permission *rights = c->access.rights;

	if (a->status != 200 && a->status != 401 && a->status != 403) {
		airflow_call_bad(c, a);
		return false;
	}
	if (a->status == 200 || !is_api_1(c))
		rights[AIRFLOW_RIGHT_LOGIN] = PERMISSION_GRANTED;
	else if (a->status == 401)
		rights[AIRFLOW_RIGHT_LOGIN] = PERMISSION_DENIED;
	rights[AIRFLOW_RIGHT_READ] = a->status == 200 ? PERMISSION_GRANTED : PERMISSION_DENIED;
	if (a->status == 200)
		return true;
	end_selftest(c, a);
	return false;
}

/* A name that is in none of the lists' first rows may be there all the same. */
static const char *named_dag(const struct airflow_call *c)
{
	for (size_t i = 0; i < c->dags.n; i++)
		if (!strpbrk(c->dags.items[i], "*?[\\"))
			return c->dags.items[i];
	return NULL;
}

static bool is_wanted(const struct airflow_call *c, const char *dag_id)
{
	for (size_t i = 0; i < c->dags.n; i++)
		if (rule_glob_matches(c->dags.items[i], dag_id))
			return true;
	return false;
}

/* Rights can be given by DAG: one that a rule names is tried, with a run that is not there. */
static bool take_list_dags(struct airflow_call *c, const struct transport_answer *a)
{
	_cleanup_free_ char *err = NULL;

	if (a->status == 401 || a->status == 403) {
		c->access.rights[AIRFLOW_RIGHT_READ] = PERMISSION_DENIED;
	} else if (a->status != 200) {
		airflow_call_bad(c, a);
		return false;
	} else if (airflow_decode_dag_of(a->body, a->len, &c->dags, &c->access.dag_id, &err) < 0) {
		airflow_call_malformed(c, err);
		return false;
	}
	if (named_dag(c) && !is_wanted(c, c->access.dag_id))
		(void)str_replace(&c->access.dag_id, named_dag(c));
	if (str_replace(&c->owner.dag_id, c->access.dag_id ? c->access.dag_id : nobody) >= 0 &&
		str_replace(&c->owner.run_id, nobody) >= 0 &&
		str_replace(&c->owner.task_id, nobody) >= 0 && c->edit)
		return true;
	end_selftest(c, a);
	return false;
}

/* Airflow looks for the right first and for the task instance then: a 404 is a yes. */
static enum permission right_of(const struct transport_answer *a)
{
	if (a->status == 404 || a->status == 200)
		return PERMISSION_GRANTED;
	return a->status == 401 || a->status == 403 ? PERMISSION_DENIED : PERMISSION_UNKNOWN;
}

static bool take_right_to_fail(struct airflow_call *c, const struct transport_answer *a)
{
	c->access.rights[AIRFLOW_RIGHT_FAIL] = right_of(a);
	return true;
}

static bool take_right_to_clear(struct airflow_call *c, const struct transport_answer *a)
{
	c->access.rights[AIRFLOW_RIGHT_CLEAR] = right_of(a);
	end_selftest(c, a);
	return false;
}

static const struct airflow_step look[] = {{.build = build_look, .take = take_ti}, {0}};

static const struct airflow_step prepare[] = {
	{.build = build_dag, .take = take_dag},
	{.build = build_run, .take = take_run},
	{.build = build_tasks, .take = take_tasks, .any_status = true, .large = true},
	{.build = build_living, .wanted = has_set_up, .take = take_living, .large = true},
	{.build = build_queued_runs, .take = take_queued_runs},
	{.build = build_siblings, .wanted = clears_without_index, .take = take_siblings},
	/* Last: what is compared with later looks is as fresh as can be. */
	{.build = build_look, .take = take_ti},
	{0},
};

static const struct airflow_step settings[] = {
	{.build = build_dag, .take = take_task_dag},
	{.build = build_task, .take = take_settings},
	{0},
};

static const struct airflow_step find[] = {
	{.build = build_running, .take = take_running, .large = true}, {0}};

static const struct airflow_step note[] = {{.build = build_note, .take = take_accepted}, {0}};

static const struct airflow_step fail[] = {
	{.build = build_clear_dry_run,
		.wanted = will_clear,
		.take = take_may_clear,
		.any_status = true,
		.large = true},
	{.build = build_fail_dry_run, .wanted = fails_with_index, .take = take_fail_dry_run},
	{.build = build_fail, .take = take_accepted},
	{0},
};

static const struct airflow_step clear[] = {
	{.build = build_siblings, .wanted = clears_without_index, .take = take_siblings},
	{.build = build_clear_dry_run, .take = take_clear_dry_run, .large = true},
	{.build = build_clear, .take = take_cleared, .large = true},
	{0},
};

static const struct airflow_step restart[] = {
	{.build = build_tasks, .take = take_tasks, .any_status = true, .large = true},
	{.build = build_living, .wanted = has_set_up, .take = take_living, .large = true},
	{.build = build_restart_dry_run, .take = take_restart_dry_run, .large = true},
	/* A courtesy: without it the work goes on. */
	{.build = build_note, .take = take_whatever, .optional = true},
	{.build = build_look, .take = take_same},
	{.build = build_restart, .take = take_cleared, .large = true},
	{0},
};

static const struct airflow_step room[] = {
	{.build = build_look, .take = take_waiting},
	{.build = build_run, .take = take_run},
	{.build = build_pool, .take = take_pool, .optional = true},
	{0},
};

static const struct airflow_step process[] = {
	{.build = build_log, .wanted = is_api_1, .take = take_log, .optional = true, .large = true},
	{.build = build_look, .take = take_ti},
	{0},
};

static const struct airflow_step check[] = {
	{.build = build_health, .take = take_health, .open = true}, {0}};

static const struct airflow_step selftest[] = {
	{.build = build_list_tasks, .take = take_list_tasks, .any_status = true},
	{.build = build_list_dags, .take = take_list_dags, .any_status = true, .large = true},
	{.build = build_fail_dry_run,
		.wanted = tries_edits,
		.take = take_right_to_fail,
		.any_status = true},
	{.build = build_clear_dry_run,
		.wanted = tries_edits,
		.take = take_right_to_clear,
		.any_status = true},
	{0},
};

static const struct airflow_step *const steps_of[] = {
	[AIRFLOW_LOOK] = look,
	[AIRFLOW_PREPARE] = prepare,
	[AIRFLOW_SETTINGS] = settings,
	[AIRFLOW_FIND] = find,
	[AIRFLOW_NOTE] = note,
	[AIRFLOW_FAIL] = fail,
	[AIRFLOW_RESTART] = restart,
	[AIRFLOW_PROCESS] = process,
	[AIRFLOW_ROOM] = room,
	[AIRFLOW_CLEAR] = clear,
	[AIRFLOW_CHECK] = check,
	[AIRFLOW_SELFTEST] = selftest,
};
_Static_assert(ELEMENTSOF(steps_of) == AIRFLOW_TASK_MAX, "steps for every task");

static int call_new(struct airflow *a, int task, airflow_done_fn done, void *userdata,
	struct airflow_call **ret)
{
	int r = airflow_call_new(a, task, steps_of[task], done, ret);

	if (r >= 0)
		(*ret)->userdata = userdata;
	return r;
}

int airflow_do(struct airflow *a, const struct airflow_ask *ask, airflow_done_fn done,
	void *userdata, struct airflow_call **ret)
{
	struct airflow_call *c = NULL;
	int r;

	r = call_new(a, (int)ask->op, done, userdata, &c);
	if (r < 0)
		return r;
	c->guard = ask->guard;
	c->clears = ask->clears;
	c->same = ask->same;
	r = ask->owner ? owner_copy(ask->owner, &c->owner) : 0;
	if (r >= 0 && ask->hint)
		r = owner_hint_copy(ask->hint, &c->hint);
	if (r >= 0)
		r = str_replace(&c->note, ask->note);
	if (r < 0) {
		airflow_cancel(c);
		return r;
	}
	return airflow_call_start(c, ret);
}

int airflow_check(
	struct airflow *a, airflow_done_fn done, void *userdata, struct airflow_call **ret)
{
	struct airflow_call *c = NULL;
	int r;

	r = call_new(a, AIRFLOW_CHECK, done, userdata, &c);
	return r < 0 ? r : airflow_call_start(c, ret);
}

int airflow_selftest(struct airflow *a, bool edit, const struct strlist *dags, airflow_done_fn done,
	void *userdata, struct airflow_call **ret)
{
	struct airflow_call *c = NULL;
	int r;

	r = call_new(a, AIRFLOW_SELFTEST, done, userdata, &c);
	if (r < 0)
		return r;
	c->edit = edit;
	c->login_refused = take_refused_login;
	for (size_t i = 0; r >= 0 && i < dags->n; i++)
		r = strlist_add(&c->dags, dags->items[i]);
	if (r < 0) {
		airflow_cancel(c);
		return r;
	}
	return airflow_call_start(c, ret);
}
