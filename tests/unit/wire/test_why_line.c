/* SPDX-License-Identifier: Apache-2.0
 * The line of a log that tells why, in what operators hand on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../row.h"
#include "fixture.h"
#include "wire/why_line.h"

#define MAX 240

/* As the controller of the kubeflow operator 2.5.1 had them of spark-submit 4.3.0; log is the end
 * of a driver's log, as much of it as a kubelet keeps. */
static void recorded_messages(void **state)
{
	static const struct {
		const char *name;
		const char *why;
	} rows[] = {
		{"quota", "pods \"quota-sane-driver\" is forbidden: exceeded quota: drivers, "
			  "requested: pods=1, used: pods=1, limited: pods=1"},
		{"limit", "pods \"limit-sane-driver\" is forbidden: maximum memory usage per "
			  "Container is 256Mi, but limit is 896Mi"},
		{"pod-security",
			"pods \"security-sane-driver\" is forbidden: violates PodSecurity "
			"\"restricted:latest\": unrestricted capabilities (container "
			"\"spark-kubernetes-driver\" must set "
			"securityContext.capabilities.drop=[\"ALL\"]), runAsNonRoot != true (pod "
			"or container \""},
		{"webhook", "Internal error occurred: failed calling webhook \"deny.example.com\": "
			    "failed to call webhook: Post \"https://127.0.0.1:1/deny?timeout=5s\": "
			    "dial tcp 127.0.0.1:1: connect: connection refused"},
		{"policy", "pods \"policy-sane-driver\" is forbidden: ValidatingAdmissionPolicy "
			   "'teams' with binding 'teams' denied request: a pod needs the label "
			   "team"},
		{"forbidden", "pods is forbidden: User \"system:serviceaccount:spark:op\" cannot "
			      "create resource \"pods\" in API group \"\" in the namespace "
			      "\"spark\""},
		{"label", "Pod \"label-driver\" is invalid: metadata.labels: Invalid value: \"not "
			  "a label!\": a valid label must be an empty string or consist of "
			  "alphanumeric characters, '-', '_' or '.', and must start and end with "
			  "an alphanumeric character (e.g. 'MyValu"},
		{"upload", "SparkException: Please specify spark.kubernetes.file.upload.path "
			   "property."},
		{"memory", "SparkException: Driver memory must be a positive number"},
		{"no-class", "ClassNotFoundException: Class org.apache.hadoop.fs.s3a.S3AFileSystem "
			     "not found"},
		{"no-package", "RuntimeException: [unresolved dependency: org.example#none;1.0: "
			       "not found]"},
		{"log", "ValueError: no such row"},
	};

	(void)state;
	for_each_row(r, rows)
	{
		_cleanup_free_ char *file = NULL;
		_cleanup_free_ char *text = NULL;
		_cleanup_free_ char *why = NULL;

		assert_int_equal(
			str_printf(&file, "spark-operator-2.5/messages/%s.txt", r->name), 0);
		text = fixture_read(file);
		assert_int_equal(why_line(text, MAX, &why), 0);
		assert_string_equal(why, r->why);
	}
}

static void lines(void **state)
{
	static const struct {
		const char *name;
		const char *text;
		const char *why;
	} rows[] = {
		{"one line", "0/3 nodes are available: 3 Insufficient memory.",
			"0/3 nodes are available: 3 Insufficient memory."},
		{"one line with a class in the middle", "failed: a.b.CException: x",
			"failed: a.b.CException: x"},
		{"a stack trace of the Apache operator",
			"Failed to request driver from scheduler backend. StackTrace: "
			"io.fabric8.kubernetes.client.KubernetesClientException: Failure "
			"executing: "
			"POST at: https://k/pods. Message: pods \"a\" is forbidden: exceeded "
			"quota. "
			"Received status: Status(code=403).\n\tat a.b.c(D.java:1)\n",
			"pods \"a\" is forbidden: exceeded quota"},
		{"an answer without a message",
			"Exception in thread \"main\" a.KubernetesClientException: Failure "
			"executing: GET at: https://k/pods.",
			"KubernetesClientException: Failure executing: GET at: https://k/pods."},
		{"the last cause",
			"Exception in thread \"main\" a.BException: b\n\tat x\nCaused by: "
			"c.DError: "
			"d\n\tat y\nCaused by: java.net.UnknownHostException: k\n\t... 3 more\n",
			"UnknownHostException: k"},
		{"a cause that says nothing",
			"Exception in thread \"main\" a.BException: b\n\tat x\nCaused by: "
			"java.util.concurrent.TimeoutException\n\t... 3 more\n",
			"BException: b"},
		{"a cause that was survived",
			"WARN a.BException: tries again\nCaused by: c.DException: d\nException in "
			"thread \"x y\" e.FException: f\n",
			"FException: f"},
		{"a cause without a thread",
			"a.BException: b\n\tat x\nCaused by: c.DException: d\n", "DException: d"},
		{"of a shell", "a\n/opt/entrypoint.sh: line 7: error: no such file\nb\n",
			"/opt/entrypoint.sh: line 7: error: no such file"},
		{"the last of a level", "12:00 ERROR a: b\n12:01 ERROR c: d\n12:02 INFO e\n",
			"12:01 ERROR c: d"},
		{"an error counts for more than a level", "Error: a\n12:01 ERROR b\n", "Error: a"},
		{"none of them: the last line", "a\r\n  b  \r\n\r\n\n", "b"},
		{"not printable", "Error: a\tb\x1b[31m\xff\n", "Error: a?b?[31m?"},
		{"a name of a host", "registry.example.com: not found",
			"registry.example.com: not found"},
		{"half of a thread", "Exception in thread \"main", "main"},
		{"nothing behind a cause", "x\nCaused by: ", "Caused by:"},
		{"only a class", "a.Error: ", "Error:"},
		{"white space", " \n\t\n", ""},
		{"nothing", "", ""},
	};

	(void)state;
	for_each_row(r, rows)
	{
		_cleanup_free_ char *why = NULL;

		assert_int_equal(why_line(r->text, MAX, &why), 0);
		assert_string_equal(why, r->why);
	}
}

static void is_bounded(void **state)
{
	char text[4096];
	_cleanup_free_ char *why = NULL;
	_cleanup_free_ char *none = NULL;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(why_line(text, 20, &why), 0);
	assert_string_equal(why, "xxxxxxxxxxxxxxxxxxxx");
	assert_int_equal(why_line(text, 0, &none), 0);
	assert_string_equal(none, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(recorded_messages, row_tell),
		cmocka_unit_test_teardown(lines, row_tell),
		cmocka_unit_test(is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
