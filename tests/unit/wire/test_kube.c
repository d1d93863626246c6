/* SPDX-License-Identifier: Apache-2.0
 * Decoders of the Kubernetes API's answers: pods in all their states, and what is no list. */
#include "wire/kube.h"
#include "wire/kube_parents.h"

#include <errno.h>

#include "../row.h"
#include "fixture.h"

#define META "\"metadata\":{\"name\":\"p\",\"namespace\":\"n\",\"uid\":\"u-1\"}"
#define LIST(items) "{\"kind\":\"PodList\",\"metadata\":{},\"items\":[" items "]}"
#define POD(meta, spec, status)                                                                    \
	"{\"metadata\":{" meta "},\"spec\":{" spec "},\"status\":{" status "}}"
#define NAMES "\"name\":\"p\",\"namespace\":\"n\",\"uid\":\"u-1\""
#define RUNNING "\"phase\":\"Running\",\"podIP\":\"10.1.2.3\""

static int decode(const char *body, struct kube_pod_list *l)
{
	_cleanup_free_ char *err = NULL;
	char *copy = exact_copy(body, strlen(body));
	int r = kube_decode_pods(copy, strlen(body), l, &err);

	free(copy);
	assert_int_equal(r < 0, err != NULL);
	return r;
}

static void test_pod(void **state)
{
	static const char body[] = LIST(POD(NAMES
		",\"deletionTimestamp\":\"2026-11-29T12:00:00Z\",\"labels\":{"
		"\"spark-app-selector\":\"spark-1f\",\"spark-app-name\":\"etl\","
		"\"sparkoperator.k8s.io/app-name\":\"etl-app\"}",
		"\"nodeName\":\"node-1\",\"containers\":[{\"name\":\"side\"},{\"name\":\"d\","
		"\"ports\":[{\"name\":\"driver-rpc\",\"containerPort\":7078},"
		"{\"name\":\"spark-ui\",\"containerPort\":4041}]}]",
		RUNNING));
	_cleanup_(kube_pod_list_clear) struct kube_pod_list l = {0};
	_cleanup_free_ char *text = NULL;

	(void)state;
	assert_int_equal(decode(body, &l), 0);
	assert_int_equal(l.n, 1);
	assert_null(l.next);
	assert_string_equal(l.items[0].uid, "u-1");
	assert_string_equal(l.items[0].app_id, "spark-1f");
	assert_string_equal(l.items[0].app_name, "etl");
	assert_string_equal(l.items[0].operator_app, "etl-app");
	assert_string_equal(l.items[0].ip, "10.1.2.3");
	assert_int_equal(l.items[0].ui_port, 4041);
	assert_true(l.items[0].terminating);
	assert_int_equal(kube_pod_text(&l.items[0], &text), 0);
	assert_string_equal(text, "pod n/p on node node-1: Running, terminating");
}

static void print_changes(const struct kube_changes *c, char *ret, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < c->n && len < size; i++)
		len += (size_t)snprintf(ret + len, size - len, "%s%s ",
			c->items[i].gone ? "-" : "+", c->items[i].pod.name);
	if (len < size)
		(void)snprintf(ret + len, size - len, "%s%s", c->version ? c->version : "none",
			c->expired ? " expired" : "");
}

/* The first two are recorded of a real API server. */
static void test_changes(void **state)
{
#define OBJECT(name, version)                                                                      \
	"{\"metadata\":{\"uid\":\"u-1\",\"namespace\":\"n\",\"name\":\"" name                      \
	"\",\"resourceVersion\":\"" version "\"},\"spec\":{},\"status\":{\"phase\":\"Running\"}}"
#define EVENT(type, name, version) "{\"type\":\"" type "\",\"object\":" OBJECT(name, version) "}"
	static const struct {
		const char *name;
		const char *file;
		const char *body;
		int r;
		const char *changes; /* or what is wrong */
	} rows[] = {
		{"recorded", "kubernetes-1.33/changes.jsonl", NULL, 0, "+p1 -p2 +p0 -p0 +p7 209"},
		{"expired", "kubernetes-1.33/changes-expired.jsonl", NULL, 0, "none expired"},
		{"nothing", NULL, "", 0, "none"},
		{"one, without a newline", NULL, EVENT("ADDED", "a", "7"), 0, "+a 7"},
		{"a bookmark", NULL,
			"{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\",\"metadata\":{"
			"\"resourceVersion\":\"9\"}}}\n",
			0, "9"},
		{"another error", NULL,
			"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":500}}\n",
			-EBADMSG, "an error, code 500"},
		{"a type of no watch", NULL, EVENT("MOVED", "a", "7"), -EBADMSG,
			"\"type\" is none of a watch"},
		{"without a version", NULL,
			"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\"}}}", -EBADMSG,
			"an event without \"resourceVersion\""},
		{"the second is cut", NULL, EVENT("ADDED", "a", "7") "\n{\"type\":\"ADD", -EBADMSG,
			NULL},
		{"a pod of no use", NULL, EVENT("ADDED", "A/B", "7"), -EBADMSG,
			"\"name\" is not a name"},
		{"a list", NULL, LIST(""), -EBADMSG, "\"type\" is missing"},
		{"an empty line", NULL, "\n", -EBADMSG, NULL},
		{"HTML", NULL, "<html>", -EBADMSG, NULL},
	};

	(void)state;
	for_each_row(row, rows)
	{
		_cleanup_(kube_changes_clear) struct kube_changes c = {0};
		_cleanup_free_ char *text = row->file ? fixture_read(row->file) : NULL;
		const char *body = text ? text : row->body;
		_cleanup_free_ char *copy = exact_copy(body, strlen(body));
		_cleanup_free_ char *err = NULL;
		char changes[128];

		assert_int_equal(kube_decode_changes(copy, strlen(body), &c, &err), row->r);
		print_changes(&c, changes, sizeof(changes));
		if (row->changes)
			assert_string_equal(row->r < 0 ? err : changes, row->changes);
		assert_int_equal(row->r < 0, err != NULL);
	}
}

/* Recorded of a real API server. */
static void test_recorded_pages(void **state)
{
	static const char *const files[] = {
		"kubernetes-1.33/pods-page-1.json", "kubernetes-1.33/pods-page-2.json"};
	_cleanup_(kube_pod_list_clear) struct kube_pod_list all = {0};
	_cleanup_free_ char *text = NULL;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		_cleanup_free_ char *body = fixture_read(files[i]);
		_cleanup_(kube_pod_list_clear) struct kube_pod_list page = {0};

		assert_int_equal(decode(body, &page), 0);
		assert_int_equal(kube_pods_add_page(&all, &page), 0);
		assert_int_equal(all.next != NULL, i == 0);
	}
	assert_int_equal(all.n, 3);
	assert_int_equal(all.left_out.n, 0);
	assert_string_equal(all.items[0].namespace, "spark");
	assert_string_equal(all.items[0].name, "etl-good-driver");
	assert_string_equal(all.items[0].app_id, "local-1795959617722");
	assert_string_equal(all.items[0].ip, "127.0.0.1");
	assert_int_equal(all.items[0].ui_port, 4040);
	assert_int_equal(all.items[1].ui_port, 4057);
	assert_int_equal(kube_pod_text(&all.items[2], &text), 0);
	assert_string_equal(text, "pod team-b/a.b-0-driver: Pending, Unschedulable: 0/3 nodes are "
				  "available: 3 Insufficient memory.");
}

static void test_recorded_pod(void **state)
{
	_cleanup_free_ char *body = fixture_read("kubernetes-1.33/pod.json");
	_cleanup_free_ char *err = NULL;
	_cleanup_(kube_pod_clear) struct kube_pod p = {0};

	(void)state;
	assert_int_equal(kube_decode_pod(body, strlen(body), &p, &err), 0);
	assert_string_equal(p.uid, "4fd9792e-ea04-46b8-a327-3c24191ee901");
	assert_int_equal(kube_pod_end(&p), APP_END_RUNNING);
}

static void test_recorded_errors(void **state)
{
	static const struct {
		const char *name;
		const char *reason;
		const char *text;
	} rows[] = {
		{"unauthorized.json", "Unauthorized", "Unauthorized"},
		{"forbidden.json", "Forbidden",
			"pods is forbidden: User \"system:anonymous\" cannot list resource "
			"\"pods\""},
		{"proxy-forbidden.json", "Forbidden",
			"pods \"etl-good-driver:4040\" is forbidden: User \"watcher\" cannot get "
			"resource \"pods/proxy\""},
		{"not-found.json", "NotFound", "pods \"none\" not found"},
		{"expired.json", "Expired", "The provided continue parameter is too old"},
	};

	(void)state;
	for_each_row(r, rows)
	{
		_cleanup_free_ char *file = NULL;
		_cleanup_free_ char *body = NULL;
		_cleanup_free_ char *reason = NULL;
		_cleanup_free_ char *text = NULL;

		assert_int_equal(str_printf(&file, "kubernetes-1.33/%s", r->name), 0);
		body = fixture_read(file);
		assert_int_equal(kube_error_text(body, strlen(body), &reason, &text), 0);
		assert_string_equal(reason, r->reason);
		assert_int_equal(strncmp(text, r->text, strlen(r->text)), 0);
	}
}

/* What becomes of its app, and the words for it. */
static void test_states(void **state)
{
	static const struct {
		const char *name;
		const char *status;
		enum app_end end;
		const char *text;
	} rows[] = {
		{"runs", RUNNING, APP_END_RUNNING, "pod n/p: Running"},
		{"succeeded", "\"phase\":\"Succeeded\"", APP_END_ENDED, "pod n/p: Succeeded"},
		{"evicted",
			"\"phase\":\"Failed\",\"reason\":\"Evicted\",\"message\":\"low memory\"",
			APP_END_ENDED, "pod n/p: Failed, Evicted: low memory"},
		{"node lost", RUNNING ",\"reason\":\"NodeLost\"", APP_END_UNKNOWN,
			"pod n/p: Running, NodeLost"},
		{"phase unknown", "\"phase\":\"Unknown\"", APP_END_UNKNOWN, "pod n/p: Unknown"},
		{"a phase of the future", "\"phase\":\"Dreaming\"", APP_END_UNKNOWN,
			"pod n/p: Unknown"},
		{"unschedulable",
			"\"phase\":\"Pending\",\"conditions\":[{\"type\":\"Ready\",\"status\":"
			"\"False\",\"reason\":\"no\"},{\"type\":\"PodScheduled\",\"status\":"
			"\"False\",\"reason\":\"Unschedulable\",\"message\":\"0/3 nodes are "
			"available\"}]",
			APP_END_RUNNING,
			"pod n/p: Pending, Unschedulable: 0/3 nodes are available"},
		{"no image",
			"\"phase\":\"Pending\",\"containerStatuses\":[{\"name\":\"d\",\"state\":{"
			"\"waiting\":{\"reason\":\"ImagePullBackOff\",\"message\":\"Back-off "
			"\\u001b[2J\"}}}]",
			APP_END_RUNNING, "pod n/p: Pending, ImagePullBackOff: Back-off ?[2J"},
		{"a sidecar outlives the driver",
			RUNNING
			",\"containerStatuses\":[{\"name\":\"istio\",\"state\":{\"running\":"
			"{}}},{\"name\":\"spark-kubernetes-driver\",\"state\":{"
			"\"terminated\":{\"exitCode\":0}}}]",
			APP_END_ENDED, "pod n/p: Running"},
		{"a sidecar has ended",
			RUNNING ",\"containerStatuses\":[{\"name\":\"setup\",\"state\":{"
				"\"terminated\":{\"exitCode\":0}}}]",
			APP_END_RUNNING, "pod n/p: Running"},
	};

	(void)state;
	for_each_row(r, rows)
	{
		_cleanup_(kube_pod_clear) struct kube_pod p = {0};
		_cleanup_free_ char *body = NULL;
		_cleanup_free_ char *err = NULL;
		_cleanup_free_ char *text = NULL;

		assert_int_equal(
			str_printf(&body, "{\"kind\":\"Pod\"," META ",\"spec\":{},\"status\":{%s}}",
				r->status),
			0);
		assert_int_equal(kube_decode_pod(body, strlen(body), &p, &err), 0);
		assert_int_equal(kube_pod_end(&p), r->end);
		assert_int_equal(kube_pod_text(&p, &text), 0);
		assert_string_equal(text, r->text);
	}
}

/* Of pods that a kubelet ran: what their status says, in the order of their list. */
static void test_recorded_states(void **state)
{
	static const struct {
		const char *name;
		enum app_end end;
		const char *text;
	} rows[] = {
		{"a command that is not there", APP_END_ENDED,
			"pod spark/badcmd on node a: Failed, StartError: failed to create "
			"containerd task"},
		{"activeDeadlineSeconds", APP_END_ENDED,
			"pod spark/deadline on node a: Failed, DeadlineExceeded: Pod was active"},
		{"more of the disk than its limit", APP_END_ENDED,
			"pod spark/evict on node a: Failed, Evicted: Pod ephemeral local storage "
			"usage"},
		{"a gate", APP_END_RUNNING,
			"pod spark/gated: Pending, SchedulingGated: Scheduling"},
		{"pullPolicy Never", APP_END_RUNNING,
			"pod spark/never on node a: Pending, ErrImageNeverPull: Container image"},
		{"a secret that is not there", APP_END_RUNNING,
			"pod spark/nosecret on node a: Pending, CreateContainerConfigError: secret "
			"\"nosuch\" not found"},
		{"a volume that cannot be mounted: only an event says it", APP_END_RUNNING,
			"pod spark/novolume on node a: Pending, ContainerCreating"},
		{"more memory than its limit", APP_END_ENDED,
			"pod spark/oom on node a: Failed, OOMKilled"},
		{"a sidecar runs on", APP_END_ENDED,
			"pod spark/sidecar on node a: Running, Completed"},
		{"deleted, within its grace period", APP_END_RUNNING,
			"pod spark/term on node a: Running, terminating"},
		{"no node has room", APP_END_RUNNING,
			"pod spark/unsched: Pending, Unschedulable: 0/1 nodes are available: 1 "
			"Insufficient cpu."},
		{"an init container fails", APP_END_RUNNING,
			"pod spark/initfail on node a: Pending, CrashLoopBackOff: back-off 20s "
			"restarting failed container=wait"},
		{"no image", APP_END_RUNNING,
			"pod spark/noimage on node a: Pending, ImagePullBackOff: Back-off pulling"},
		{"it is started anew", APP_END_RUNNING,
			"pod spark/crash on node a: Running, CrashLoopBackOff: back-off 20s"},
		{"its kubelet was stopped", APP_END_UNKNOWN,
			"pod spark/hang2-3cd588a22aa20760-driver on node a: Running, its node does "
			"not report"},
		{"an executor", APP_END_RUNNING,
			"pod spark/hang2-4f992da22aa27569-exec-1 on node a: Running"},
	};
	_cleanup_free_ char *body = fixture_read("kubernetes-1.33/node-pods.json");
	_cleanup_(kube_pod_list_clear) struct kube_pod_list l = {0};

	(void)state;
	assert_int_equal(decode(body, &l), 0);
	assert_int_equal(l.n, ELEMENTSOF(rows));
	for_each_row(r, rows)
	{
		const struct kube_pod *p = &l.items[r - rows];
		_cleanup_free_ char *text = NULL;

		assert_int_equal(kube_pod_end(p), r->end);
		assert_int_equal(kube_pod_text(p, &text), 0);
		assert_int_equal(strncmp(text, r->text, strlen(r->text)), 0);
	}
}

/* What looks like a pod of a lost node, and is none. */
static void test_not_lost(void **state)
{
	static const struct {
		const char *name;
		const char *status;
	} rows[] = {
		{"its own probe fails",
			RUNNING ",\"conditions\":[{\"type\":\"Ready\",\"status\":\"False\","
				"\"reason\":\"ContainersNotReady\"},{\"type\":\"ContainersReady\","
				"\"status\":\"False\",\"reason\":\"ContainersNotReady\"}]"},
		{"a readiness gate",
			RUNNING ",\"conditions\":[{\"type\":\"Ready\",\"status\":\"False\","
				"\"reason\":\"ReadinessGatesNotReady\"},{\"type\":"
				"\"ContainersReady\",\"status\":\"True\"}]"},
		{"nothing of its containers",
			RUNNING ",\"conditions\":[{\"type\":\"Ready\",\"status\":\"False\"}]"},
		{"ready", RUNNING ",\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"},{"
				  "\"type\":\"ContainersReady\",\"status\":\"True\"}]"},
	};

	(void)state;
	for_each_row(r, rows)
	{
		_cleanup_(kube_pod_clear) struct kube_pod p = {0};
		_cleanup_free_ char *body = NULL;
		_cleanup_free_ char *err = NULL;

		assert_int_equal(
			str_printf(&body, "{\"kind\":\"Pod\"," META ",\"spec\":{},\"status\":{%s}}",
				r->status),
			0);
		assert_int_equal(kube_decode_pod(body, strlen(body), &p, &err), 0);
		assert_int_equal(kube_pod_end(&p), APP_END_RUNNING);
		assert_false(p.lost);
	}
}

static void test_addresses(void **state)
{
	static const struct {
		const char *name;
		const char *ip; /* as the URL is to have it; NULL: none */
	} rows[] = {
		{"10.1.2.3", "10.1.2.3"},
		{"fd00:0:0:0::1", "fd00::1"},
		{"10.1.2.3:80/x?", NULL},
		{"evil.example", NULL},
		{"fe80::1%eth0", NULL},
		{"", NULL},
	};

	(void)state;
	for_each_row(r, rows)
	{
		_cleanup_(kube_pod_list_clear) struct kube_pod_list l = {0};
		_cleanup_free_ char *body = NULL;

		assert_int_equal(str_printf(&body,
					 LIST("{" META ",\"spec\":{},\"status\":{\"phase\":"
					      "\"Running\",\"podIP\":\"%s\"}}"),
					 r->name),
			0);
		assert_int_equal(decode(body, &l), 0);
		assert_int_equal(l.n, 1);
		assert_true(str_equal(l.items[0].ip, r->ip));
	}
}

/* They go into URLs. */
static void test_names(void **state)
{
	static const struct {
		const char *name;
		const char *pod;
		const char *namespace;
		bool good;
	} rows[] = {
		{"all characters", "a0-9.z-driver", "team-0", true},
		{"a slash", "a/../b", "n", false},
		{"a query", "a?watch=1", "n", false},
		{"empty", "", "n", false},
		{"upper case", "Etl", "n", false},
		{"ends in a hyphen", "etl-", "n", false},
		{"begins with a dot", ".etl", "n", false},
		{"a namespace with a dot", "etl", "a.b", false},
		{"a namespace with a slash", "etl", "a/b", false},
		{"a namespace too long", "etl",
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
	};

	(void)state;
	for_each_row(r, rows)
	{
		_cleanup_(kube_pod_list_clear) struct kube_pod_list l = {0};
		_cleanup_free_ char *body = NULL;

		assert_int_equal(
			str_printf(&body,
				LIST("{\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\",\"uid\":"
				     "\"u\"},\"spec\":{},\"status\":{\"phase\":\"Running\"}}"),
				r->pod, r->namespace),
			0);
		assert_int_equal(decode(body, &l), 0);
		assert_int_equal(l.n, r->good);
		assert_int_equal(l.left_out.n, !r->good);
	}
}

static void test_longest_name(void **state)
{
	for (size_t n = KUBE_MAX_NAME; n <= KUBE_MAX_NAME + 1; n++) {
		_cleanup_(kube_pod_list_clear) struct kube_pod_list l = {0};
		_cleanup_free_ char *body =
			repeated("{\"kind\":\"PodList\",\"metadata\":{},\"items\":[{\"metadata\":{"
				 "\"namespace\":\"n\",\"uid\":\"u\",\"name\":\"",
				"x", n, "\"},\"spec\":{},\"status\":{\"phase\":\"Running\"}}]}");

		(void)state;
		assert_int_equal(decode(body, &l), 0);
		assert_int_equal(l.n, n == KUBE_MAX_NAME);
	}
}

/* A row for itself; and an answer that is no list is never an empty one. */
static void test_bad(void **state)
{
	static const struct {
		const char *name;
		const char *body;
		int r;
		size_t left_out;
	} rows[] = {
		{"empty", LIST(""), 0, 0},
		{"no kind", "{\"metadata\":{},\"items\":[]}", -EBADMSG, 0},
		{"another kind", "{\"kind\":\"NodeList\",\"metadata\":{},\"items\":[]}", -EBADMSG,
			0},
		{"no items", "{\"kind\":\"PodList\",\"metadata\":{}}", -EBADMSG, 0},
		{"items null", "{\"kind\":\"PodList\",\"metadata\":{},\"items\":null}", -EBADMSG,
			0},
		{"no metadata", "{\"kind\":\"PodList\",\"items\":[]}", -EBADMSG, 0},
		{"a list", "[]", -EBADMSG, 0},
		{"HTML", "<html>", -EBADMSG, 0},
		{"a row that is none", LIST("7"), 0, 1},
		{"no uid", LIST(POD("\"name\":\"p\",\"namespace\":\"n\"", "", RUNNING)), 0, 1},
		{"no status", LIST("{" META ",\"spec\":{}}"), 0, 1},
		{"a port of no use",
			LIST(POD(NAMES,
				"\"containers\":[{\"ports\":[{\"name\":\"spark-ui\","
				"\"containerPort\":70000}]}]",
				RUNNING)),
			0, 1},
		{"labels that are none",
			LIST(POD(NAMES ",\"labels\":{\"spark-app-selector\":1}", "", RUNNING)), 0,
			1},
	};

	(void)state;
	for_each_row(r, rows)
	{
		_cleanup_(kube_pod_list_clear) struct kube_pod_list l = {0};

		assert_int_equal(decode(r->body, &l), r->r);
		assert_int_equal(l.left_out.n, r->left_out);
	}
}

static void test_pages(void **state)
{
	_cleanup_(kube_pod_list_clear) struct kube_pod_list all = {0};
	_cleanup_(kube_pod_list_clear) struct kube_pod_list first = {0};
	_cleanup_(kube_pod_list_clear) struct kube_pod_list second = {0};
	_cleanup_free_ char *body = repeated("{\"kind\":\"PodList\",\"metadata\":{\"continue\":\"",
		"A", 5000, "\"},\"items\":[]}");

	(void)state;
	assert_int_equal(decode("{\"kind\":\"PodList\",\"metadata\":{\"continue\":\"MORE=\"},"
				"\"items\":[" POD(NAMES, "", RUNNING) "]}",
				 &first),
		0);
	assert_int_equal(kube_pods_add_page(&all, &first), 0);
	assert_string_equal(all.next, "MORE=");
	assert_int_equal(decode(LIST(POD(NAMES, "", RUNNING) ",7"), &second), 0);
	assert_int_equal(kube_pods_add_page(&all, &second), 0);
	assert_null(all.next);
	assert_int_equal(all.n, 2);
	assert_int_equal(all.left_out.n, 1);
	assert_int_equal(decode(body, &second), -EBADMSG);
}

static void test_too_many(void **state)
{
	_cleanup_free_ char *rows = repeated("",
		"{" META ",\"spec\":{},\"status\":{\"phase\":"
		"\"Running\"}},",
		KUBE_MAX_ITEMS, "");
	_cleanup_free_ char *body = NULL;
	_cleanup_(kube_pod_list_clear) struct kube_pod_list all = {0};
	_cleanup_(kube_pod_list_clear) struct kube_pod_list page = {0};

	(void)state;
	assert_int_equal(
		str_printf(&body, "{\"kind\":\"PodList\",\"metadata\":{},\"items\":[%s0]}", rows),
		0);
	assert_int_equal(decode(body, &page), -E2BIG);
	free(body);
	rows[strlen(rows) - 1] = '\0';
	assert_int_equal(
		str_printf(&body, "{\"kind\":\"PodList\",\"metadata\":{},\"items\":[%s]}", rows),
		0);
	assert_int_equal(decode(body, &page), 0);
	assert_int_equal(page.n, KUBE_MAX_ITEMS);
	assert_int_equal(kube_pods_add_page(&all, &page), 0);
	kube_pod_list_clear(&page);
	assert_int_equal(decode(LIST(POD(NAMES, "", RUNNING)), &page), 0);
	assert_int_equal(kube_pods_add_page(&all, &page), -E2BIG);
}

static void test_error(void **state)
{
	static const struct {
		const char *name;
		const char *body;
		const char *reason;
		const char *text;
	} rows[] = {
		{"status",
			"{\"kind\":\"Status\",\"reason\":\"Forbidden\",\"message\":\"pods is "
			"forbidden\\n\"}",
			"Forbidden", "pods is forbidden?"},
		{"no words", "{\"kind\":\"Status\"}", "", ""},
		{"another kind", "{\"kind\":\"Pod\",\"message\":\"x\"}", "", ""},
		{"HTML", "<html>403</html>", "", ""},
		{"nothing", "", "", ""},
	};

	(void)state;
	for_each_row(r, rows)
	{
		_cleanup_free_ char *reason = NULL;
		_cleanup_free_ char *text = NULL;

		assert_int_equal(kube_error_text(r->body, strlen(r->body), &reason, &text), 0);
		assert_string_equal(reason, r->reason);
		assert_string_equal(text, r->text);
	}
}

#define EXECUTOR(meta) "{\"metadata\":{\"namespace\":\"n\"," meta "}}"
#define OWNED(uid)                                                                                 \
	"\"ownerReferences\":[{\"kind\":\"Job\",\"name\":\"j\",\"uid\":\"j\"},{\"kind\":\"Pod\","  \
	"\"name\":\"p\",\"uid\":\"" uid "\"}]"
#define APP(app) "\"labels\":{\"spark-app-selector\":\"" app "\"}"
#define METADATA(items)                                                                            \
	"{\"kind\":\"PartialObjectMetadataList\",\"metadata\":{\"continue\":\"c\"},\"items\":"     \
	"[" items "]}"

/* Each pod that owns executors, once. */
static void test_parents(void **state)
{
	static const char body[] = METADATA(
		EXECUTOR(OWNED("u1") "," APP("a")) "," EXECUTOR(OWNED("u2") "," APP("b")) "," EXECUTOR(
			OWNED("u1") "," APP(
				"a")) "," EXECUTOR(OWNED("u2") "," APP("c")) "," EXECUTOR(APP("d")) "," EXECUTOR(OWNED("")));
	_cleanup_(kube_parent_list_clear) struct kube_parent_list l = {0};
	_cleanup_free_ char *err = NULL;

	(void)state;
	assert_int_equal(kube_decode_parents(body, strlen(body), &l, &err), 0);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.items[0].uid, "u1");
	assert_string_equal(l.items[0].name, "p");
	assert_string_equal(l.items[0].app_id, "a");
	assert_string_equal(l.items[1].uid, "u2");
	assert_null(l.items[1].app_id); /* of two apps */
	assert_int_equal(l.left_out.n, 1);
	assert_string_equal(l.next, "c");
}

/* As a real API server (1.33) says that there are none. */
static void test_null_parents(void **state)
{
	static const char body[] = "{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":"
				   "\"meta.k8s.io/v1\",\"metadata\":{\"resourceVersion\":\"301\"},"
				   "\"items\":null}";
	_cleanup_(kube_parent_list_clear) struct kube_parent_list l = {0};
	_cleanup_free_ char *err = NULL;

	(void)state;
	assert_int_equal(kube_decode_parents(body, strlen(body), &l, &err), 0);
	assert_int_equal(l.n, 0);
	assert_null(l.next);
}

static void test_no_parents(void **state)
{
	static const char *const bodies[] = {"", "{}", "{\"kind\":\"Status\"}",
		"{\"kind\":\"PodList\",\"metadata\":{}}",
		"{\"kind\":\"PodList\",\"metadata\":{},\"items\":null}",
		"{\"kind\":\"PartialObjectMetadataList\",\"metadata\":{}}"};

	(void)state;
	each_row(i, bodies)
	{
		struct kube_parent_list l = {0};
		_cleanup_free_ char *err = NULL;

		assert_int_equal(
			kube_decode_parents(bodies[i], strlen(bodies[i]), &l, &err), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parents),
		cmocka_unit_test(test_null_parents),
		cmocka_unit_test(test_no_parents),
		cmocka_unit_test(test_pod),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_recorded_pages),
		cmocka_unit_test(test_recorded_pod),
		cmocka_unit_test(test_recorded_errors),
		cmocka_unit_test(test_states),
		cmocka_unit_test_teardown(test_recorded_states, row_tell),
		cmocka_unit_test_teardown(test_not_lost, row_tell),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_longest_name),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
