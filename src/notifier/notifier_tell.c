/* SPDX-License-Identifier: Apache-2.0
 * Makes messages of what happens to incidents, and of a storm. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/log.h"
#include "notifier/notifier_parts.h"

/* What is told of: an incident or, where it is NULL, the storm. */
struct topic {
	const char *subject;
	const char *id;
	const struct incident *incident;
	const struct rule *rule; /* that holds for its app; NULL: of a storm */
	const char *page;        /* of what is no incident */
	bool told_only;          /* whoever was told of it hears of its end; nobody else does */
	struct notice_storm storm;
};

static int make(
	const struct notifier *n, const struct topic *t, enum notice_event event, char **ret)
{
	const struct settings *s = notifier_runtime(n)->settings;
	_cleanup_free_ char *next = NULL;
	struct notice_about about = {.web = s->web.external_url, .wall = notifier_wall(n)};
	int r;

	if (!t->incident)
		return notice_storm_json(&t->storm, event, &about, ret);
	about.page = t->page;
	if (n->context.next && !t->page) {
		r = n->context.next(n->context.userdata, t->incident, &next);
		if (r < 0)
			return r;
	}
	about.next = next;
	about.mode = t->rule ? mode_name(settings_dry(s, t->rule) ? MODE_OBSERVE : MODE_ACT) : NULL;
	return notice_json(t->incident, event, &about, ret);
}

static int put(struct notifier *n, const struct topic *t, enum notice_event event,
	const struct notify *notify)
{
	_cleanup_free_ char *text = NULL;
	struct outbox_message m = {.notify = notify_name(notify),
		.subject = t->subject,
		.incident = t->id,
		.event = event,
		.alert = notify_is_alert(notify),
		.created = notifier_wall(n)};
	struct outbox_item *item = NULL;
	int r;

	r = make(n, t, event, &text);
	if (r < 0)
		return r;
	m.text = text;
	r = outbox_put(&n->outbox, &m, notifier_now(n), &item);
	if (r <= 0)
		return r;
	while ((item = outbox_overflow(&n->outbox)))
		notifier_drop(n, item, "too many are waiting");
	return 0;
}

static bool is_wanted(
	const struct topic *t, const struct notify *notify, enum notice_event event, bool told)
{
	struct notice_filter f = *notify_filter(notify);

	/* An alert tells of relief by its end. */
	if (notify_is_alert(notify) && notice_is_relief(event))
		return false;
	if (notify_waits_for_end(notify) && notice_is_relief(event))
		return event == NOTICE_CLOSED && told;
	f.named = t->rule && app_wishes_tell(t->rule, notify_name(notify));
	return t->incident ? notice_wanted(&f, t->incident, event, told)
			   : notice_storm_wanted(&f, event, told);
}

/* What the leader tells. What became of an action tells who began it, whoever leads by now; that an
 * app runs for too long, which is told once and not caught up with, everybody. */
static bool is_leaders(enum notice_event event)
{
	return event < NOTICE_OUTCOME || event == NOTICE_STORM || notice_is_relief(event) ||
	       event == notice_of_outcome(OUTCOME_REFUSED);
}

static int tell(struct notifier *n, const struct topic *t, enum notice_event event)
{
	const struct runtime *w = notifier_runtime(n);
	bool held = is_leaders(event) && notifier_follows(n);
	int r = 0;

	for (size_t k = 0; r >= 0 && k < w->settings->n_notifies; k++) {
		const struct notify *notify = w->notifies[k];
		bool told = outbox_has_told(&n->outbox, notify_name(notify), t->subject);

		if ((told || (!held && !t->told_only)) && is_wanted(t, notify, event, told))
			r = put(n, t, event, notify);
	}
	return r;
}

static int tell_of_incident(
	struct notifier *n, const struct incident *i, enum notice_event event, const char *subject)
{
	struct app_wishes wishes;
	struct topic t = {.subject = subject,
		.id = i->id,
		.incident = i,
		.rule = runtime_rule_of(notifier_runtime(n), i, &wishes)};

	/* Its rule may have been another one when it began. */
	t.told_only = !t.rule || t.rule->action == RULE_ACTION_NONE;
	if (event == NOTICE_EVENT_MAX || (t.told_only && !notice_is_relief(event)) ||
		(i->marks[INCIDENT_IGNORED] && event != NOTICE_CLOSED))
		return 0;
	return tell(n, &t, event);
}

static void complain(const char *what, int r)
{
	log_error("Failed to queue a message on %s: %s; it is not sent", what, strerror(-r));
}

void notifier_event(struct notifier *n, const struct incident *i, enum notice_event event)
{
	_cleanup_free_ char *subject = NULL;
	int r;

	r = notice_subject(i, &subject);
	if (r >= 0)
		r = outbox_claim(&n->outbox, subject, i->id);
	if (r >= 0)
		r = tell_of_incident(n, i, event, subject);
	if (r < 0)
		complain("an incident", r);
	notifier_wake(n);
}

static bool has_told(const struct notifier *n, const char *incident)
{
	for (size_t k = 0; k < n->outbox.n; k++)
		if (!n->outbox.items[k]->closed &&
			str_equal(n->outbox.items[k]->incident, incident))
			return true;
	return false;
}

static void end_incident(struct notifier *n, const struct incident *i)
{
	_cleanup_free_ char *subject = NULL;
	int r;

	r = notice_subject(i, &subject);
	if (r >= 0)
		r = tell_of_incident(n, i, notice_of_outcome(i->response.outcome), subject);
	/* One that is no hang was closed when a person said so. */
	if (r >= 0 && (!i->marks[INCIDENT_IGNORED] || has_told(n, i->id)))
		r = tell_of_incident(n, i, NOTICE_CLOSED, subject);
	if (r < 0)
		complain("an incident", r);
	if (subject)
		outbox_close(&n->outbox, subject, notifier_now(n), i->ended);
}

void notifier_ignore(struct notifier *n, const struct incident *i)
{
	_cleanup_free_ char *subject = NULL;
	int r;

	r = notice_subject(i, &subject);
	if (r >= 0)
		r = tell_of_incident(n, i, NOTICE_CLOSED, subject);
	if (r < 0)
		complain("an incident", r);
	if (subject)
		outbox_close(&n->outbox, subject, notifier_now(n), notifier_wall(n));
	notifier_wake(n);
}

/* Those of a daemon before this one are in the list, too: what is open goes on, and what ended then
 * is news only where its beginning was told and its end was not. */
static void follow(struct notifier *n, const struct incident *i)
{
	bool inherited = i->opened < n->started;
	bool is_new;
	struct followed_incident *f = followed_get(&n->followed, i->number, &is_new);

	if (!f) /* no memory: at the next tick */
		return;
	if (inherited && is_new && i->ended == 0)
		notifier_event(n, i, notice_of_verdict(i->verdict));
	if (i->ended == 0 || f->end_told)
		return;
	f->end_told = true;
	if (i->ended >= n->started || has_told(n, i->id))
		end_incident(n, i);
}

/* Alerts whose incident was forgotten before its end was seen here. */
static void end_forgotten(struct notifier *n)
{
	for (size_t k = 0; k < n->outbox.n; k++) {
		const struct outbox_item *i = n->outbox.items[k];

		if (i->alert && !i->closed && !i->orphan && i->event != NOTICE_STORM &&
			i->event != NOTICE_MAX_RUNTIME &&
			!incident_by_id(n->context.incidents, i->incident))
			outbox_close(&n->outbox, i->subject, notifier_now(n), notifier_wall(n));
	}
}

void notifier_follow(struct notifier *n)
{
	const struct incident_list *l = n->context.incidents;
	uint64_t lowest = UINT64_MAX;

	for (size_t k = 0; k < l->n; k++) {
		follow(n, l->items[k]);
		if (l->items[k]->number < lowest)
			lowest = l->items[k]->number;
	}
	followed_forget_below(&n->followed, lowest);
	end_forgotten(n);
}

static int tell_of_storm(struct notifier *n, enum notice_event event, usec_t ended)
{
	struct topic t = {
		.subject = NOTICE_STORM_SUBJECT,
		.id = n->storm_id,
		.storm = {n->storm_id, n->storm_why, n->storm_opened, ended},
	};

	return tell(n, &t, event);
}

void notifier_catch_up(struct notifier *n)
{
	const struct incident_list *l = n->context.incidents;

	for (size_t k = 0; k < l->n; k++)
		if (l->items[k]->ended == 0)
			notifier_event(n, l->items[k], notice_of_verdict(l->items[k]->verdict));
	if (n->storm_id[0] != '\0' && tell_of_storm(n, NOTICE_STORM, 0) < 0)
		complain("a storm", -ENOMEM);
}

/* The same storm as before a restart, where people were told of that. */
static int begin_storm(struct notifier *n, const char *why)
{
	const struct outbox_item *told = outbox_told(&n->outbox, NOTICE_STORM_SUBJECT);
	int r;

	n->storm_opened = told ? told->created : notifier_wall(n);
	(void)snprintf(n->storm_why, sizeof(n->storm_why), "%s", why);
	if (told)
		(void)snprintf(n->storm_id, sizeof(n->storm_id), "%s", told->incident);
	else
		incident_make_id(n->storm_id, n->storm_opened, NOTICE_STORM_SUBJECT);
	r = outbox_claim(&n->outbox, NOTICE_STORM_SUBJECT, n->storm_id);
	return r < 0 ? r : tell_of_storm(n, NOTICE_STORM, 0);
}

static int end_storm(struct notifier *n)
{
	int r = tell_of_storm(n, NOTICE_CLOSED, notifier_wall(n));

	outbox_close(&n->outbox, NOTICE_STORM_SUBJECT, notifier_now(n), notifier_wall(n));
	n->storm_id[0] = '\0';
	n->storm_opened = 0;
	return r;
}

const char *notifier_storm_id(const struct notifier *n)
{
	return n->storm_id;
}

usec_t notifier_storm_opened(const struct notifier *n)
{
	return n->storm_opened;
}

void notifier_storm(struct notifier *n, const char *why)
{
	bool on = n->storm_id[0] != '\0';
	int r;

	if (on == (why != NULL))
		return;
	r = why ? begin_storm(n, why) : end_storm(n);
	if (r < 0)
		complain("a storm", r);
	notifier_wake(n);
}

/* As of an incident: what is told of it has the same fields. All borrowed. */
static int tell_of_app(struct notifier *n, const struct app_history *a, const struct rule *rule,
	struct incident *i, enum notice_event event)
{
	struct topic t = {.id = i->id, .incident = i, .rule = rule};
	_cleanup_free_ char *subject = NULL;
	_cleanup_free_ char *page = NULL;
	struct strbuf b = {0};
	int r;

	i->cluster = a->cluster;
	i->app_id = a->info.id;
	i->app_name = a->info.name;
	i->rule = rule->name;
	i->owner = a->owner;
	i->verdict = a->verdict;
	i->stage_id = i->attempt_id = -1;
	strbuf_add(&b, "apps?find=");
	strbuf_add_segment(&b, a->info.id);
	r = strbuf_finish(&b, &page);
	if (r >= 0)
		r = notice_runtime_subject(a, &subject);
	if (r >= 0)
		r = outbox_claim(&n->outbox, subject, i->id);
	t.subject = subject;
	t.page = page;
	return r < 0 ? r : tell(n, &t, event);
}

/* One of before a restart, whose app is not seen again: it has ended meanwhile. */
static int end_overrun(struct notifier *n, const struct outbox_item *told)
{
	const char *rest = strchr(told->subject, '/');
	size_t app_len = rest ? strcspn(rest + 1, "/") : 0;
	_cleanup_free_ char *cluster = NULL;
	_cleanup_free_ char *app_id = NULL;
	_cleanup_free_ char *subject = NULL;
	struct incident i = {.ended = notifier_wall(n),
		.opened = told->created,
		.stage_id = -1,
		.attempt_id = -1};
	struct topic t = {.id = i.id, .incident = &i, .page = "apps", .told_only = true};
	int r = -EINVAL;

	if (rest)
		r = str_printf(&cluster, "%.*s", (int)(rest - told->subject), told->subject);
	if (r >= 0)
		r = str_printf(&app_id, "%.*s", (int)app_len, rest + 1);
	if (r >= 0)
		r = str_replace(&subject, told->subject);
	if (r < 0)
		return r;
	(void)snprintf(i.id, sizeof(i.id), "%s", told->incident);
	i.cluster = cluster;
	i.app_id = i.app_name = app_id;
	t.subject = subject;
	r = tell(n, &t, NOTICE_CLOSED);
	outbox_close(&n->outbox, subject, notifier_now(n), i.ended);
	return r;
}

void notifier_end_overruns(struct notifier *n)
{
	size_t known = n->outbox.n;

	for (size_t k = 0; k < known && k < n->outbox.n; k++) {
		const struct outbox_item *i = n->outbox.items[k];

		if (i->orphan && !i->closed && i->event == NOTICE_MAX_RUNTIME &&
			i->until <= notifier_now(n) && end_overrun(n, i) < 0)
			complain("an app", -ENOMEM);
	}
}

/* Its id is that of before a restart, where people were told of it. */
static int name_overrun(const struct notifier *n, const struct app_history *a, struct incident *i,
	const struct outbox_item **ret_told)
{
	_cleanup_free_ char *subject = NULL;
	struct digest d;
	char what[24];
	int r = notice_runtime_subject(a, &subject);

	if (r < 0)
		return r;
	*ret_told = outbox_told(&n->outbox, subject);
	i->opened = *ret_told ? (*ret_told)->created : notifier_wall(n);
	d = digest_of(subject, strlen(subject));
	(void)snprintf(what, sizeof(what), "%" PRIx64, d.low);
	if (*ret_told)
		(void)snprintf(i->id, sizeof(i->id), "%s", (*ret_told)->incident);
	else
		incident_make_id(i->id, i->opened, what);
	return 0;
}

void notifier_overran(struct notifier *n, const struct app_history *a, const struct rule *rule)
{
	struct incident i = {0};
	const struct outbox_item *told;
	char evidence[96];
	char ran[32];
	char limit[32];
	int r;

	if (rule->action == RULE_ACTION_NONE)
		return;
	(void)snprintf(evidence, sizeof(evidence), "has run for %s (max_runtime=%s)",
		format_duration(ran, sizeof(ran), a->ran),
		format_duration(limit, sizeof(limit), rule->max_runtime));
	i.evidence = evidence;
	r = name_overrun(n, a, &i, &told);
	if (r >= 0)
		r = tell_of_app(n, a, rule, &i, NOTICE_MAX_RUNTIME);
	if (r < 0)
		complain("an app", r);
	notifier_wake(n);
}

void notifier_app_ended(struct notifier *n, const struct app_history *a, const struct rule *rule)
{
	struct incident i = {.ended = notifier_wall(n)};
	const struct outbox_item *told;
	_cleanup_free_ char *subject = NULL;
	int r = name_overrun(n, a, &i, &told);

	if (r >= 0 && !told)
		return;
	if (r >= 0)
		r = tell_of_app(n, a, rule, &i, NOTICE_CLOSED);
	if (r >= 0)
		r = notice_runtime_subject(a, &subject);
	if (r < 0)
		complain("an app", r);
	else
		outbox_close(&n->outbox, subject, notifier_now(n), i.ended);
	notifier_wake(n);
}
