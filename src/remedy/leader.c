/* SPDX-License-Identifier: Apache-2.0
 * Carries the questions of core/act/leadership to a Lease or to etcd, and its answers back. */
#include "remedy/leader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/secret.h"
#include "io/random.h"
#include "io/service.h"
#include "io/this_host.h"
#include "setup/messages.h"
#include "source/kube_inside.h"
#include "wire/leader_store.h"

#define MAX_BODY ((size_t)64 * 1024)
/* So long a stop waits for what is under way, and for the lead to be given back: less than systemd
 * (TimeoutStopSec=) and a kubelet wait for it. */
#define LEAVE_TIMEOUT (3 * USEC_PER_SEC)

struct leader {
	struct leader_context context;
	const struct leader_codec *codec;
	struct leader_place place; /* borrows of what follows */
	char *name;
	char *namespace;
	char *lease; /* what people call the record */
	char *identity;
	char *holder; /* of this process: two that are called alike are not one */
	struct strlist urls;
	size_t at; /* the one that is asked */
	struct endpoint endpoint;
	char *username; /* of etcd, whose token is the endpoint's authorization */
	char *password;
	struct leadership core;
	struct leadership_step step; /* what is asked */
	bool logs_in;                /* first */
	struct transport_request *request;
	sd_event_source *timer;
	struct guard guard;
	unsigned n_at_work;   /* requests of its own that may still change something */
	usec_t leaving_until; /* 0: it is not leaving */
	bool left;            /* as was told */
	bool leads;           /* as was told */
	char *why;            /* it does not */
	char *fault;          /* of the last request */
	uint64_t n_errors;
};

struct leader *leader_free(struct leader *l)
{
	if (!l)
		return NULL;
	transport_cancel(l->context.transport, l->request);
	sd_event_source_disable_unref(l->timer);
	leadership_clear(&l->core);
	endpoint_clear(&l->endpoint);
	strlist_clear(&l->urls);
	secret_free(l->password);
	free(l->username);
	free(l->name);
	free(l->namespace);
	free(l->lease);
	free(l->identity);
	free(l->holder);
	free(l->why);
	free(l->fault);
	free(l);
	return NULL;
}

DEFINE_CLEANUP(struct leader *, leader_free)

static usec_t now_of(const struct leader *l)
{
	return clock_now(l->context.clock);
}

static bool leads(const struct leader *l)
{
	return leadership_leads(&l->core, now_of(l));
}

static bool on_guard(void *userdata)
{
	return leads(userdata);
}

const struct guard *leader_guard(const struct leader *l)
{
	return l ? &l->guard : NULL;
}

const char *leader_objection(const struct leader *l)
{
	if (!l || leads(l))
		return NULL;
	return l->why ? l->why : "this replica no longer leads";
}

const char *leader_identity(const struct leader *l)
{
	return l ? l->identity : NULL;
}

void leader_status(const struct leader *l, struct leader_status *ret)
{
	*ret = (struct leader_status){.lease = l->lease,
		.identity = l->identity,
		.leads = leads(l),
		.other = leadership_other(&l->core, now_of(l)),
		.fault = l->fault,
		.transitions = l->core.record.transitions,
		.n_errors = l->n_errors};
}

static int tell_why(struct leader *l)
{
	const char *other = leadership_other(&l->core, now_of(l));

	free(l->why);
	l->why = NULL;
	if (leads(l))
		return 0;
	if (l->leaving_until > 0)
		return str_replace(&l->why, "this replica is being stopped");
	if (other)
		return str_printf(&l->why, "another replica leads: %s", other);
	if (l->fault)
		return str_printf(&l->why, "no replica is known to lead: %s", l->fault);
	if (now_of(l) < l->core.from)
		return str_replace(&l->why,
			"this replica leads once the time of the one before is surely over "
			"(lease_duration)");
	if (str_equal(l->core.record.holder, l->holder))
		return str_replace(&l->why, "its last renewal is too old (lease_duration)");
	return str_replace(&l->why, "no replica is known to lead yet");
}

static void tell(struct leader *l)
{
	struct log_about about = {.message_id = MESSAGE_LEADER};
	bool now = leads(l);
	char text[32];

	(void)tell_why(l); /* without memory leader_objection() has words of its own */
	if (now == l->leads)
		return;
	l->leads = now;
	if (now)
		log_event(LOG_NOTICE, &about,
			"This replica, %s, leads now (%s), each time for %s from a renewal on "
			"(lease_duration, less a tenth)",
			l->identity, l->lease,
			format_duration(text, sizeof(text), leadership_term(l->core.duration)));
	else if (l->leaving_until > 0)
		log_event(LOG_NOTICE, &about,
			"This replica, %s, no longer leads: it is being stopped", l->identity);
	else
		log_event(LOG_WARNING, &about,
			"This replica, %s, no longer leads: %s; it watches on, and sends nothing "
			"that changes anything",
			l->identity, leader_objection(l));
	l->context.changed(l->context.userdata, now);
}

/* The last word of one that is leaving. */
static void tell_left(struct leader *l)
{
	struct log_about about = {.message_id = MESSAGE_LEADER};

	l->left = true;
	timer_off(l->timer);
	if (l->core.known && !l->core.record.holder)
		log_event(LOG_NOTICE, &about, "This replica, %s, has given the lead back (%s)",
			l->identity, l->lease);
	else
		log_event(LOG_WARNING, &about,
			"This replica, %s, has not given the lead back (%s): %s; another one leads "
			"once it has run out (lease_duration)",
			l->identity, l->lease,
			l->n_at_work > 0 ? "a request of its own is not answered yet"
			: l->fault       ? l->fault
					 : "the store has not answered");
	l->context.left(l->context.userdata);
}

static bool is_leaving(const struct leader *l)
{
	return l->leaving_until > 0 && !l->left;
}

/* What is at work may change something that the next leader looks at. */
static void release_if_settled(struct leader *l)
{
	if (is_leaving(l) && l->n_at_work == 0)
		leadership_release(&l->core);
}

static void run(struct leader *l);

/* At once where something is due, else as the core wants, and where its leadership begins or ends.
 */
static void wait_for(struct leader *l, usec_t wake_at)
{
	usec_t now = now_of(l);
	usec_t edge = now < l->core.from ? l->core.from : l->core.until;

	if (edge > now && edge < USEC_INFINITY && (wake_at == 0 || edge < wake_at))
		wake_at = edge;
	if (l->leaving_until > 0 && (wake_at == 0 || l->leaving_until < wake_at))
		wake_at = l->leaving_until;
	if (wake_at == 0)
		timer_off(l->timer); /* an answer wakes it */
	else if (timer_at(l->timer, wake_at) < 0)
		log_error("[leader]: failed to set a timer; this replica will not lead");
}

static void set_fault(struct leader *l, const char *text)
{
	char *fault = NULL;

	l->n_errors++;
	if (str_printf(&fault, "%s: %s", l->urls.items[l->at], text ? text : "no memory") < 0)
		return;
	if (!l->fault)
		log_warning("[leader]: %s; trying again", fault);
	free(l->fault);
	l->fault = fault;
}

/* The request came to nothing: another member may know. */
static void lose(struct leader *l, const char *text)
{
	set_fault(l, text);
	l->at = (l->at + 1) % l->urls.n;
	leadership_answer(&l->core, LEADERSHIP_LOST, NULL, now_of(l));
}

static int send_step(struct leader *l);

/* Whether it can go on. Its token is not to be trusted after a refusal: they end. */
static bool take_login(struct leader *l, const struct transport_answer *a)
{
	_cleanup_free_ char *err = NULL;

	l->logs_in = false;
	if (a->status != 200) {
		(void)str_printf(&err, "the login answered %d", a->status);
		lose(l, err);
		return false;
	}
	if (etcd_decode_token(a->body, a->len, &l->endpoint.authorization, &err) < 0 ||
		send_step(l) < 0) {
		lose(l, err);
		return false;
	}
	return true;
}

/* What an answer to a write leaves out is what was written. */
static int complete(struct leader *l, struct leader_record *record, char **reterr)
{
	if (!record->holder) {
		record->duration = l->step.duration;
		record->transitions = l->step.transitions;
		return str_replace(&record->holder, l->step.holder);
	}
	if (str_equal(record->holder, l->step.holder))
		return 0;
	return str_printf(reterr, "another holder than was written") < 0 ? -ENOMEM : -EBADMSG;
}

static void take_answer(struct leader *l, const struct transport_answer *a)
{
	struct leader_answer answer = {.reply = LEADERSHIP_LOST};
	_cleanup_free_ char *err = NULL;
	int r = l->codec->answer(l->step.ask, a->status, a->body, a->len, &answer, &err);

	/* A JWT of etcd is refused by 400 or 500 once users or roles have changed. */
	if (a->status != 200 && l->username)
		l->endpoint.authorization = secret_free(l->endpoint.authorization);
	if (r >= 0 && answer.reply == LEADERSHIP_WRITTEN)
		r = complete(l, &answer.record, &err);
	if (r < 0) {
		lose(l, err);
	} else {
		if (l->fault)
			log_notice("[leader]: %s answers again", l->urls.items[l->at]);
		free(l->fault);
		l->fault = NULL;
		leadership_answer(&l->core, answer.reply, &answer.record, now_of(l));
	}
	leader_record_clear(&answer.record);
}

static void on_answer(void *userdata, const struct transport_answer *a)
{
	struct leader *l = userdata;

	l->request = NULL;
	if (a->error < 0)
		lose(l, a->error_text);
	else if (!l->logs_in)
		take_answer(l, a);
	else if (take_login(l, a))
		return;
	l->logs_in = false;
	run(l);
}

static int send_request(struct leader *l, const struct leader_request *rq)
{
	_cleanup_free_ char *url = NULL;
	const char *headers[] = {"Accept: application/json",
		rq->body ? "Content-Type: application/json" : NULL, NULL};
	struct transport_ask ask = {.method = rq->method,
		.headers = headers,
		.body = rq->body,
		.endpoint = &l->endpoint,
		.max_body = MAX_BODY,
		.places = PLACES_LEASE,
		.secret = l->logs_in};
	int r = str_printf(&url, "%s%s", l->urls.items[l->at], rq->path);

	ask.url = url;
	return r < 0 ? r : transport_send(l->context.transport, &ask, on_answer, l, &l->request);
}

static int send_step(struct leader *l)
{
	struct leader_request rq = {0};
	int r;

	l->logs_in = l->username && !l->endpoint.authorization;
	r = l->logs_in ? etcd_request_login(l->username, l->password, &rq)
		       : l->codec->request(&l->place, &l->step, l->core.record.version,
				 clock_wall(l->context.clock), &rq);
	if (r >= 0)
		r = send_request(l, &rq);
	leader_request_clear(&rq);
	if (r < 0)
		log_debug("[leader]: %s", strerror(-r));
	return r;
}

static bool asks(enum leadership_ask ask)
{
	return ask != LEADERSHIP_WAIT && ask != LEADERSHIP_DONE;
}

/* Also while a request is under way, whose step stays: its leadership may begin or end then. */
static void run(struct leader *l)
{
	struct leadership_step step;

	if (l->left)
		return;
	leadership_next(&l->core, now_of(l), &step);
	if (asks(step.ask)) {
		l->step = step;
		if (send_step(l) < 0)
			lose(l, "the request could not be made");
		leadership_next(&l->core, now_of(l), &step);
	}
	tell(l);
	if (is_leaving(l) && (step.ask == LEADERSHIP_DONE || now_of(l) >= l->leaving_until))
		tell_left(l);
	else
		wait_for(l, step.wake_at);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	run(userdata);
	return 0;
}

bool leader_leave(struct leader *l)
{
	if (!l || !leads(l))
		return false;
	l->leaving_until = now_of(l) + LEAVE_TIMEOUT;
	leadership_leave(&l->core);
	tell(l); /* what has sent nothing is given up */
	release_if_settled(l);
	run(l);
	return !l->left;
}

void leader_work(struct leader *l, bool begins)
{
	if (!l)
		return;
	l->n_at_work += begins ? 1 : -1;
	release_if_settled(l);
	if (is_leaving(l) && timer_in(l->timer, 0) < 0)
		log_error("[leader]: failed to set a timer; the lead is not given back");
}

static int take_lease(struct leader *l, const struct leader_params *p, char **reterr)
{
	char *url = NULL;
	int r;

	l->codec = &lease_codec;
	r = p->namespace ? str_replace(&l->namespace, p->namespace)
			 : secret_read(KUBE_ACCOUNT "namespace", &l->namespace, reterr);
	if (r >= 0)
		r = str_printf(&l->lease, "%s/%s", l->namespace, p->name);
	if (r >= 0)
		r = endpoint_set(&l->endpoint, &p->endpoint, l->password);
	if (r < 0 || p->url.n > 0)
		return r;
	r = kube_inside_url(&url, reterr);
	if (r >= 0)
		r = strlist_add(&l->urls, url);
	free(url);
	if (r >= 0 && !p->endpoint.ca_file)
		r = str_replace(&l->endpoint.ca_file, KUBE_ACCOUNT "ca.crt");
	if (r >= 0 && !p->endpoint.bearer_token_file && !p->endpoint.username &&
		!p->endpoint.client_cert_file)
		r = str_replace(&l->endpoint.bearer_token_file, KUBE_ACCOUNT "token");
	return r;
}

static int take_etcd(struct leader *l, const struct leader_params *p)
{
	int r;

	l->codec = &etcd_codec;
	r = str_replace(&l->lease, p->name);
	if (r >= 0)
		r = endpoint_set(&l->endpoint, &p->endpoint, NULL);
	/* It takes a login, not what servers of HTTP ask for. */
	l->username = TAKE_PTR(l->endpoint.username);
	return r;
}

static int add_url(struct leader *l, const char *url)
{
	_cleanup_free_ char *base = strndup(url, strlen(url));

	if (!base)
		return -ENOMEM;
	for (size_t n = strlen(base); n > 0 && base[n - 1] == '/'; n--)
		base[n - 1] = '\0';
	return strlist_add(&l->urls, base);
}

static int name_it(struct leader *l, const struct leader_params *p)
{
	uint64_t salt = 0;
	int r = p->identity ? str_replace(&l->identity, p->identity) : this_host_name(&l->identity);

	if (r >= 0)
		r = random_u64(&salt);
	if (r >= 0)
		r = str_printf(&l->holder, "%s_%016" PRIx64, l->identity, salt);
	if (r >= 0)
		r = str_replace(&l->name, p->name);
	return r;
}

static int take_params(struct leader *l, const struct leader_params *p, char **reterr)
{
	int r = name_it(l, p);

	for (size_t i = 0; r >= 0 && i < p->url.n; i++)
		r = add_url(l, p->url.items[i]);
	if (r >= 0 && p->endpoint.password_file)
		r = secret_read(p->endpoint.password_file, &l->password, reterr);
	if (r >= 0)
		r = transport_hide(l->context.transport, l->password);
	if (r >= 0)
		r = p->type == LEADER_LEASE ? take_lease(l, p, reterr) : take_etcd(l, p);
	l->endpoint.timeout = leadership_timeout(p->lease_duration);
	l->place = (struct leader_place){.namespace = l->namespace, .name = l->name};
	return r;
}

int leader_new(const struct leader_context *context, const struct leader_params *params,
	struct leader **ret, char **reterr)
{
	_cleanup_(leader_freep) struct leader *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->context = *context;
	l->guard = (struct guard){.open = on_guard, .userdata = l};
	r = take_params(l, params, reterr);
	if (r >= 0)
		r = timer_new(context->event, on_timer, l, &l->timer);
	if (r >= 0)
		r = timer_in(l->timer, 0);
	if (r < 0)
		return r;
	leadership_init(&l->core, l->holder, params->lease_duration);
	*ret = TAKE_PTR(l);
	return 0;
}
