/* SPDX-License-Identifier: Apache-2.0
 * SparkApplications of both operators, what controls a pod, and the requests that end either. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../row.h"
#include "base/strbuf.h"
#include "fixture.h"
#include "wire/kube.h"
#include "wire/kube_app.h"

#define APP(spec, status)                                                                          \
	"{\"kind\":\"SparkApplication\",\"metadata\":{\"uid\":\"a1\"},\"spec\":{" spec             \
	"},\"status\":{" status "}}"
#define STATE(word) "\"applicationState\":{\"state\":\"" word "\"}"
#define KUBEFLOW_RESTART(type, more) "\"restartPolicy\":{\"type\":\"" type "\"" more "}"
#define APACHE_RESTART(type)                                                                       \
	"\"applicationTolerations\":{\"restartConfig\":{\"restartPolicy\":\"" type "\"}}"
#define APACHE_STATE(word) "\"currentState\":{\"currentStateSummary\":\"" word "\"}"

static int decode(const char *body, enum kube_owner_type type, struct kube_app *a)
{
	_cleanup_free_ char *err = NULL;
	_cleanup_free_ char *copy = strdup(body);
	int r;

	assert_non_null(copy);
	r = kube_decode_app(copy, strlen(body), type, a, &err);
	assert_true(r >= 0 || err);
	return r;
}

/* Whether its operator would start a driver for one that is deleted, and whether it is over. */
static void applications(void **state)
{
	static const struct {
		const char *name;
		enum kube_owner_type type;
		const char *body;
		bool restarts;
		bool over;
	} rows[] = {
		{"new", KUBE_OWNER_KUBEFLOW,
			"{\"kind\":\"SparkApplication\",\"metadata\":{\"uid\":\"a1\"},\"spec\":{}}",
			false, false},
		{"never", KUBE_OWNER_KUBEFLOW, APP(KUBEFLOW_RESTART("Never", ""), STATE("RUNNING")),
			false, false},
		{"always", KUBE_OWNER_KUBEFLOW,
			APP(KUBEFLOW_RESTART("Always", ""), STATE("RUNNING")), true, false},
		{"the last attempt but one", KUBE_OWNER_KUBEFLOW,
			APP(KUBEFLOW_RESTART("OnFailure", ",\"onFailureRetries\":3"),
				"\"executionAttempts\":3"),
			true, false},
		{"the last attempt", KUBE_OWNER_KUBEFLOW,
			APP(KUBEFLOW_RESTART("OnFailure", ",\"onFailureRetries\":3"),
				"\"executionAttempts\":4"),
			false, false},
		{"no retries", KUBE_OWNER_KUBEFLOW, APP(KUBEFLOW_RESTART("OnFailure", ""), ""),
			false, false},
		{"a new policy", KUBE_OWNER_KUBEFLOW, APP(KUBEFLOW_RESTART("Sometimes", ""), ""),
			true, false},
		{"suspended", KUBE_OWNER_KUBEFLOW, APP("\"suspend\":true", STATE("SUSPENDED")),
			false, true},
		{"suspended, about to resume", KUBE_OWNER_KUBEFLOW,
			APP("\"suspend\":false", STATE("SUSPENDED")), false, false},
		{"suspending", KUBE_OWNER_KUBEFLOW, APP("\"suspend\":true", STATE("SUSPENDING")),
			false, false},
		{"resuming", KUBE_OWNER_KUBEFLOW, APP("", STATE("RESUMING")), false, false},
		{"failed", KUBE_OWNER_KUBEFLOW, APP("", STATE("FAILED")), false, true},
		{"completed", KUBE_OWNER_KUBEFLOW, APP("", STATE("COMPLETED")), false, true},
		{"failing", KUBE_OWNER_KUBEFLOW, APP("", STATE("FAILING")), false, false},
		{"to run again", KUBE_OWNER_KUBEFLOW, APP("", STATE("PENDING_RERUN")), false,
			false},
		{"Apache's", KUBE_OWNER_APACHE, APP("", APACHE_STATE("RunningHealthy")), false,
			false},
		{"Apache's never", KUBE_OWNER_APACHE, APP(APACHE_RESTART("Never"), ""), false,
			false},
		{"Apache's infrastructure", KUBE_OWNER_APACHE,
			APP(APACHE_RESTART("OnInfrastructureFailure"), ""), true, false},
		{"Apache's failed, before it restarts", KUBE_OWNER_APACHE,
			APP(APACHE_RESTART("Always"), APACHE_STATE("Failed")), true, false},
		{"Apache's released", KUBE_OWNER_APACHE, APP("", APACHE_STATE("ResourceReleased")),
			false, true},
	};

	for_each_row(r, rows)
	{
		_cleanup_(kube_app_clear) struct kube_app a = {0};

		assert_int_equal(decode(r->body, r->type, &a), 0);
		assert_string_equal(a.uid, "a1");
		assert_int_equal(a.restarts, r->restarts);
		assert_int_equal(a.over, r->over);
	}
	(void)state;
}

/* As the kubeflow operator's controller wrote them. */
static void recorded_applications(void **state)
{
	static const struct {
		const char *name;
		const char *pod_name;
		bool restarts;
		bool over;
		bool waits;
	} rows[] = {
		{"running", "d1-driver", true, false, false},
		{"second", "f1-driver", false, false, false},
		{"failing", "never-driver", false, false, true},
		{"failed", "f1-driver", false, true, false},
		{"pending-rerun", NULL, true, false, true},
		{"suspended", NULL, false, true, false},
		{"suspended-resumes", NULL, false, false, true},
		{"resuming", NULL, true, false, true},
	};

	for_each_row(r, rows)
	{
		_cleanup_(kube_app_clear) struct kube_app a = {0};
		_cleanup_free_ char *file = NULL;
		_cleanup_free_ char *body = NULL;

		assert_int_equal(str_printf(&file, "spark-operator-2.5/%s.json", r->name), 0);
		body = fixture_read(file);
		assert_int_equal(decode(body, KUBE_OWNER_KUBEFLOW, &a), 0);
		assert_true(str_equal(a.pod_name, r->pod_name) || (!a.pod_name && !r->pod_name));
		assert_int_equal(a.restarts, r->restarts);
		assert_int_equal(a.over, r->over);
		assert_int_equal(a.waits, r->waits);
	}
	(void)state;
}

/* spark-submit made it for the operator, which needs no webhook to be its controller. */
static void a_recorded_driver(void **state)
{
	_cleanup_free_ char *body = fixture_read("spark-operator-2.5/driver-pod.json");
	_cleanup_(kube_pod_clear) struct kube_pod p = {0};
	_cleanup_free_ char *err = NULL;

	(void)state;
	assert_int_equal(kube_decode_pod(body, strlen(body), &p, &err), 0);
	assert_int_equal(p.owner.type, KUBE_OWNER_KUBEFLOW);
	assert_string_equal(p.owner.name, "d1");
	assert_string_equal(p.owner.uid, "88b315c3-c0bd-4a83-a4a1-4fb2fc9c11f2");
	assert_string_equal(p.app_id, "spark-ba735baff32d43ae9e460d495ecf1208");
	assert_int_equal(p.ui_port, 4040);
	assert_true(p.is_driver);
}

static void no_applications(void **state)
{
	static const char *const bodies[] = {"", "{}", "[]", "{\"kind\":\"Pod\"}",
		"{\"kind\":\"SparkApplication\",\"metadata\":{\"uid\":\"\"},\"spec\":{}}",
		"{\"kind\":\"SparkApplication\",\"metadata\":{\"uid\":\"a\"}}",
		APP("\"suspend\":\"yes\"", ""), APP("\"restartPolicy\":7", ""),
		APP("", "\"executionAttempts\":\"many\"")};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(bodies); i++) {
		struct kube_app a = {0};

		assert_true(decode(bodies[i], KUBE_OWNER_KUBEFLOW, &a) < 0);
		assert_null(a.uid);
	}
}

/* What the ledger keeps of a driver is the driver. */
static void drivers_are_kept(void **state)
{
	char namespace[] = "n";
	char name[] = "etl.x-driver";
	char uid[] = "u-1";
	char version[] = "sparkoperator.k8s.io/v1beta2";
	char kind[] = "SparkApplication";
	char app[] = "etl";
	const struct kube_driver d = {.namespace = namespace,
		.name = name,
		.uid = uid,
		.owner = {.type = KUBE_OWNER_KUBEFLOW,
			.version = version,
			.kind = kind,
			.name = app}};
	_cleanup_(kube_driver_clear) struct kube_driver back = {0};
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *again = NULL;
	_cleanup_free_ char *path = NULL;

	(void)state;
	assert_int_equal(kube_driver_print(&d, &text), 0);
	assert_int_equal(kube_driver_parse(text, &back), 0);
	assert_string_equal(back.uid, "u-1");
	assert_string_equal(back.owner.name, "etl");
	assert_null(back.owner.uid); /* not known: only a label named it */
	assert_int_equal(kube_driver_print(&back, &again), 0);
	assert_string_equal(again, text);
	assert_int_equal(kube_app_path(&back, &path), 0);
	assert_string_equal(
		path, "/apis/sparkoperator.k8s.io/v1beta2/namespaces/n/sparkapplications/etl");
}

static void what_is_no_driver(void **state)
{
	static const char *const texts[] = {"", " ", "n d u", "n d u 0 - - -", "n d - 0 - - - -",
		"n d u 9 - - - -", "n d u 1 - - - -", "n d/../x u 0 - - - -",
		"n/../x d u 0 - - - -", "n d u 0 - - - - more", "n d u 00 - - - -",
		"n d u  0 - - - -"};

	(void)state;
	for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
		struct kube_driver d = {0};

		assert_int_equal(kube_driver_parse(texts[i], &d), -EINVAL);
		kube_driver_clear(&d);
	}
}

static void bodies(void **state)
{
	const struct kube_right right = {"patch", "sparkoperator.k8s.io", "sparkapplications", "n"};
	_cleanup_free_ char *delete = NULL;
	_cleanup_free_ char *suspend = NULL;
	_cleanup_free_ char *review = NULL;

	(void)state;
	assert_int_equal(kube_delete_body("u\"1", &delete), 0);
	assert_string_equal(delete,
		"{\"preconditions\":{\"uid\":\"u\\\"1\"},\"apiVersion\":\"v1\","
		"\"kind\":\"DeleteOptions\",\"propagationPolicy\":\"Background\"}");
	assert_int_equal(kube_suspend_body("a1", &suspend), 0);
	assert_string_equal(suspend, "{\"metadata\":{\"uid\":\"a1\"},\"spec\":{\"suspend\":true}}");
	assert_int_equal(kube_review_body(&right, &review), 0);
	assert_string_equal(review,
		"{\"spec\":{\"resourceAttributes\":{\"verb\":\"patch\",\"group\":"
		"\"sparkoperator.k8s.io\",\"resource\":\"sparkapplications\",\"namespace\":\"n\"}},"
		"\"apiVersion\":\"authorization.k8s.io/v1\",\"kind\":\"SelfSubjectAccessReview\"}");
}

static void reviews(void **state)
{
	static const struct {
		const char *name;
		const char *body;
		int r;
		bool allowed;
	} rows[] = {
		{"allowed", "{\"kind\":\"SelfSubjectAccessReview\",\"status\":{\"allowed\":true}}",
			0, true},
		{"denied",
			"{\"kind\":\"SelfSubjectAccessReview\",\"status\":{\"allowed\":false,"
			"\"reason\":\"no\"}}",
			0, false},
		{"neither", "{\"kind\":\"SelfSubjectAccessReview\",\"status\":{}}", -EBADMSG,
			false},
		{"something else", "{\"kind\":\"Status\"}", -EBADMSG, false},
	};

	(void)state;
	for_each_row(r, rows)
	{
		_cleanup_free_ char *err = NULL;
		bool allowed = false;

		assert_int_equal(
			kube_decode_review(r->body, strlen(r->body), &allowed, &err), r->r);
		assert_int_equal(allowed, r->allowed);
	}
}

/* Which words of an operator say that it has yet to start a driver. */
static void waiting(void **state)
{
	static const struct {
		const char *name;
		enum kube_owner_type type;
		const char *body;
		bool waits;
		const char *why; /* NULL: nothing */
	} rows[] = {
		{"no status", KUBE_OWNER_KUBEFLOW, APP("", ""), true, NULL},
		{"submitted", KUBE_OWNER_KUBEFLOW, APP("", STATE("SUBMITTED")), true, NULL},
		{"to run again", KUBE_OWNER_KUBEFLOW, APP("", STATE("PENDING_RERUN")), true, NULL},
		{"not submitted", KUBE_OWNER_KUBEFLOW,
			APP("", "\"applicationState\":{\"state\":\"SUBMISSION_FAILED\","
				"\"errorMessage\":\"failed: WARN a\\nException in thread "
				"\\\"main\\\" a.BException: exceeded\\tquota\\n\\tat c\"}"),
			true, "BException: exceeded?quota"},
		{"runs", KUBE_OWNER_KUBEFLOW, APP("", STATE("RUNNING")), false, NULL},
		{"is over", KUBE_OWNER_KUBEFLOW, APP("", STATE("FAILED")), false, NULL},
		{"suspended before it began", KUBE_OWNER_KUBEFLOW, APP("\"suspend\":true", ""),
			false, NULL},
		{"is being suspended", KUBE_OWNER_KUBEFLOW,
			APP("\"suspend\":true", STATE("SUSPENDING")), false, NULL},
		{"suspended", KUBE_OWNER_KUBEFLOW, APP("\"suspend\":true", STATE("SUSPENDED")),
			false, NULL},
		{"resumed while it is being suspended", KUBE_OWNER_KUBEFLOW,
			APP("\"suspend\":false", STATE("SUSPENDING")), true, NULL},
		{"resumed", KUBE_OWNER_KUBEFLOW, APP("\"suspend\":false", STATE("SUSPENDED")), true,
			NULL},
		{"a word of tomorrow", KUBE_OWNER_KUBEFLOW, APP("", STATE("HOVERING")), false,
			NULL},
		{"Apache: submitted", KUBE_OWNER_APACHE, APP("", APACHE_STATE("Submitted")), true,
			NULL},
		{"Apache: a driver was asked for", KUBE_OWNER_APACHE,
			APP("", APACHE_STATE("DriverRequested")), true, NULL},
		{"Apache: runs", KUBE_OWNER_APACHE, APP("", APACHE_STATE("RunningHealthy")), false,
			NULL},
	};

	(void)state;
	for_each_row(r, rows)
	{
		_cleanup_(kube_app_clear) struct kube_app a = {0};

		assert_int_equal(decode(r->body, r->type, &a), 0);
		assert_int_equal(a.waits, r->waits);
		assert_true(str_equal(a.why, r->why));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(applications, row_tell),
		cmocka_unit_test_teardown(recorded_applications, row_tell),
		cmocka_unit_test(a_recorded_driver),
		cmocka_unit_test_teardown(waiting, row_tell),
		cmocka_unit_test(no_applications),
		cmocka_unit_test(drivers_are_kept),
		cmocka_unit_test(what_is_no_driver),
		cmocka_unit_test(bodies),
		cmocka_unit_test_teardown(reviews, row_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
