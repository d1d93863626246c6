/* SPDX-License-Identifier: Apache-2.0
 * type=kubernetes: the events of pods that wait and do not say why. */
#include "../kube_source.h"

#include "source/kube_events.h"

#define PODS "GET " API "/api/v1/pods?*"
#define EVENTS "GET " API "/api/v1/namespaces/n/events?*"
#define EVENTS_OF(uid)                                                                             \
	"GET " API "/api/v1/namespaces/n/events?limit=100&fieldSelector="                          \
	"involvedObject.uid%3D" uid
#define LIST(items) "{\"kind\":\"PodList\",\"metadata\":{},\"items\":[" items "]}"
#define POD(uid, status)                                                                           \
	"{\"metadata\":{\"uid\":\"" uid "\",\"namespace\":\"n\",\"name\":\"" uid "\",\"labels\":{" \
	"\"spark-app-selector\":\"spark-" uid "\"}},\"spec\":{},\"status\":{" status "}}"
#define PENDING "\"phase\":\"Pending\""
#define WAITING(why)                                                                               \
	PENDING ",\"containerStatuses\":[{\"name\":\"c\",\"state\":{\"waiting\":{" why "}}}]"
#define CREATING WAITING("\"reason\":\"ContainerCreating\"")
#define EVENT                                                                                      \
	"{\"kind\":\"EventList\",\"metadata\":{},\"items\":[{\"lastTimestamp\":\"2026-11-30T04:"   \
	"10:00Z\",\"reason\":\"FailedMount\","                                                     \
	"\"message\":\"secret \\\"s\\\" not found\"}]}"
#define NO_EVENT "{\"kind\":\"EventList\",\"metadata\":{},\"items\":[]}"

static void prepare(struct fixture *f)
{
	kube_set(&f->params, "executor_selector", "none");
	kube_set(&f->params, "application_selector", "none");
}

/* targets: of the first that waits, what is said of it. */
static void on_listed(void *userdata, const struct target_list *list)
{
	struct fixture *f = userdata;

	f->n++;
	f->targets[0] = f->text[0] = '\0';
	assert_int_equal(list->r, 0);
	for (size_t i = 0; i < list->n && !*f->targets; i++)
		if (list->items[i].waits)
			(void)snprintf(f->targets, sizeof(f->targets), "%s", list->items[i].about);
	for (size_t i = 0; i < list->n_asked; i++)
		if (list->asked[i].fault.reason)
			(void)snprintf(f->text, sizeof(f->text), "%s", list->asked[i].fault.text);
}

static void turns(struct fixture *f, usec_t span)
{
	for (usec_t t = 0; t <= span; t += TURN)
		list(f);
}

/* Whose status says why is not asked for. */
static void whose_are_asked_for(void **state)
{
	static const struct {
		const char *name;
		const char *status;
		const char *about; /* NULL: it does not wait */
		bool asked;
	} rows[] = {
		{"on no node yet", PENDING, "pod n/u: Pending, FailedMount: secret \"s\" not found",
			true},
		{"a volume that cannot be mounted", CREATING,
			"pod n/u: Pending, ContainerCreating, FailedMount: secret \"s\" not found",
			true},
		{"an init container that goes on", WAITING("\"reason\":\"PodInitializing\""),
			"pod n/u: Pending, PodInitializing, FailedMount: secret \"s\" not found",
			true},
		{"an image that is not there",
			WAITING("\"reason\":\"ImagePullBackOff\",\"message\":\"not found\""),
			"pod n/u: Pending, ImagePullBackOff: not found", false},
		{"one that runs", "\"phase\":\"Running\",\"podIP\":\"10.0.0.1\"", NULL, false},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);
		_cleanup_free_ char *pods = NULL;

		assert_true(str_printf(&pods, LIST(POD("u", "%s")), r->status) >= 0);
		fake_json(&f->fake, PODS, pods);
		fake_json(&f->fake, EVENTS_OF("u"), EVENT);
		turns(f, KUBE_EVENTS_AFTER);
		assert_string_equal(f->targets, r->about ? r->about : "");
		assert_int_equal(fake_n_asked(&f->fake, EVENTS), r->asked);
	}
}

static void not_at_once_and_not_each_time(void **state)
{
	struct fixture *f = *state;

	fake_json(&f->fake, PODS, LIST(POD("u", CREATING)));
	fake_json(&f->fake, EVENTS, NO_EVENT);
	turns(f, KUBE_EVENTS_AFTER - 2 * TURN);
	assert_int_equal(fake_n_asked(&f->fake, EVENTS), 0);
	turns(f, 2 * TURN);
	assert_int_equal(fake_n_asked(&f->fake, EVENTS), 1);
	assert_string_equal(f->targets, "pod n/u: Pending, ContainerCreating");
	fake_json(&f->fake, EVENTS, EVENT);
	turns(f, KUBE_EVENTS_EVERY - 3 * TURN);
	assert_int_equal(fake_n_asked(&f->fake, EVENTS), 1);
	turns(f, 3 * TURN);
	assert_int_equal(fake_n_asked(&f->fake, EVENTS), 2);
	assert_string_equal(f->targets,
		"pod n/u: Pending, ContainerCreating, FailedMount: secret \"s\" not found");
	/* It was another of that uid: it begins anew. */
	fake_json(&f->fake, PODS, LIST(""));
	list(f);
	fake_json(&f->fake, PODS, LIST(POD("u", CREATING)));
	list(f);
	assert_string_equal(f->targets, "pod n/u: Pending, ContainerCreating");
}

/* Each is asked for in its turn. */
static void few_at_a_time(void **state)
{
	struct fixture *f = *state;

	fake_json(&f->fake, PODS,
		LIST(POD("c", PENDING) "," POD("f", PENDING) "," POD("a", PENDING) "," POD(
			"e", PENDING) "," POD("b", PENDING) "," POD("d", PENDING)));
	fake_json(&f->fake, EVENTS, NO_EVENT);
	turns(f, KUBE_EVENTS_AFTER);
	assert_int_equal(fake_n_asked(&f->fake, EVENTS), KUBE_EVENTS_AT_A_TURN);
	list(f);
	assert_int_equal(fake_n_asked(&f->fake, EVENTS), 6);
	list(f);
	assert_int_equal(fake_n_asked(&f->fake, EVENTS), 6);
	for (const char *uid = "abcdef"; *uid; uid++) {
		char url[] = EVENTS_OF("?");

		url[sizeof(url) - 2] = *uid;
		assert_int_equal(fake_n_asked(&f->fake, url), 1);
	}
}

/* The list of pods is as good without: the missing right is told where the reason would be. */
static void no_answer(void **state)
{
	static const struct {
		const char *name;
		struct fake_answer answer;
		const char *about;
	} rows[] = {
		{"no right",
			{.status = 403,
				.body = "{\"kind\":\"Status\",\"message\":\"is forbidden\"}"},
			"pod n/u: Pending, its list of events answered 403: is forbidden"},
		{"no list", {.status = 200, .body = "{\"kind\":\"Table\"}"},
			"pod n/u: Pending, its list of events answered what cannot be used: not a "
			"EventList"},
		{"nobody", {.error = -ETIMEDOUT},
			"pod n/u: Pending, its list of events gave no answer: Connection timed "
			"out"},
	};

	for_each_row(r, rows)
	{
		struct fixture *f = anew(state);

		fake_json(&f->fake, PODS, LIST(POD("u", PENDING)));
		fake_set(&f->fake, EVENTS, r->answer);
		turns(f, KUBE_EVENTS_AFTER);
		assert_string_equal(f->targets, r->about);
		assert_string_equal(f->text, "");
	}
}

static void a_list_that_is_cancelled(void **state)
{
	struct fixture *f = *state;

	fake_json(&f->fake, PODS, LIST(POD("u", PENDING)));
	fake_set(&f->fake, EVENTS, (struct fake_answer){.hangs = true});
	turns(f, KUBE_EVENTS_AFTER - TURN);
	assert_int_equal(f->source->ops->list(f->source, on_listed, f), 0);
	fake_run(&f->fake);
	f->source->ops->cancel_list(f->source);
	fake_json(&f->fake, EVENTS, EVENT);
	list(f);
	assert_string_equal(f->targets, "pod n/u: Pending");
	turns(f, KUBE_EVENTS_EVERY);
	assert_string_equal(f->targets, "pod n/u: Pending, FailedMount: secret \"s\" not found");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kube_test(whose_are_asked_for),
		kube_test(not_at_once_and_not_each_time),
		kube_test(few_at_a_time),
		kube_test(no_answer),
		kube_test(a_list_that_is_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
