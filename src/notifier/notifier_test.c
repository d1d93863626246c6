/* SPDX-License-Identifier: Apache-2.0
 * A message that a person asks for, to see that it arrives: one at a time, and not tried again. */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/strbuf.h"
#include "notifier/notifier_parts.h"
#include "setup/messages.h"
#include "wire/notice.h"

/* An alert of a test stands for so long. */
#define TEST_LASTS USEC_PER_MINUTE

struct notifier_trial {
	char *notify;
	char *result;            /* NULL: no memory for it */
	struct runtime *runtime; /* a reference, while it is under way */
	struct notify_call *call;
	bool sending;
};

struct notifier_trial *notifier_trial_free(struct notifier_trial *t)
{
	if (!t)
		return NULL;
	notify_cancel(t->call);
	runtime_unref(t->runtime);
	free(t->notify);
	free(t->result);
	free(t);
	return NULL;
}

DEFINE_CLEANUP(struct notifier_trial *, notifier_trial_free)

static void on_done(void *userdata, const struct notify_result *result)
{
	struct notifier_trial *t = userdata;
	static const struct log_about about = {.message_id = MESSAGE_NOTICE};
	char *text = NULL;

	t->call = NULL;
	t->sending = false;
	t->runtime = runtime_unref(t->runtime);
	if (!result->reason)
		(void)str_replace(&text, "delivered");
	else
		(void)str_printf(&text, "%s%s%s", result->reason, result->text ? ": " : "",
			result->text ? result->text : "");
	free(t->result);
	t->result = text;
	log_event(result->reason ? LOG_WARNING : LOG_NOTICE, &about, "notify %s: the test: %s",
		t->notify, t->result ? t->result : "out of memory");
}

static int send_test(
	struct notifier *n, struct notifier_trial *t, struct notify *notify, const char *who)
{
	const struct notice_about about = {
		.web = notifier_runtime(n)->settings->web.external_url, .wall = notifier_wall(n)};
	struct notify_message message = {
		.span = {about.wall, about.wall + TEST_LASTS},
	};
	_cleanup_free_ char *line = NULL;
	_cleanup_free_ char *text = NULL;
	char id[40];
	int r;

	incident_make_id(id, about.wall, "test");
	r = str_printf(
		&line, "a test of [notify %s], asked for by %s: nothing is wrong", t->notify, who);
	if (r >= 0)
		r = notice_test_json(id, line, &about, &text);
	if (r < 0)
		return r;
	message.text = text;
	message.delivery = id;
	t->sending = true;
	return notify_send(notify, &message, on_done, t, &t->call);
}

int notifier_test(struct notifier *n, const char *name, const char *who)
{
	_cleanup_(notifier_trial_freep) struct notifier_trial *t = NULL;
	struct notify *notify = runtime_notify(notifier_runtime(n), name);
	int r;

	if (!notify)
		return -ENOENT;
	if (n->trial && n->trial->sending)
		return -EBUSY;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->runtime = runtime_ref(notifier_runtime(n));
	r = str_replace(&t->notify, name);
	if (r >= 0)
		r = str_replace(&t->result, "sending");
	if (r >= 0)
		r = send_test(n, t, notify, who);
	if (r < 0)
		return r;
	notifier_trial_free(n->trial);
	n->trial = TAKE_PTR(t);
	return 0;
}

const char *notifier_test_result(const struct notifier *n, const char *notify)
{
	if (!n->trial || !str_equal(n->trial->notify, notify))
		return NULL;
	return n->trial->result ? n->trial->result : "out of memory";
}
