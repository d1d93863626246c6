/* SPDX-License-Identifier: Apache-2.0
 * The pod of a process, out of all forms that /proc/PID/cgroup has on a node. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../row.h"
#include "io/pod_cgroup.h"

#define UID "0b7632a2-a56e-4278-987a-22de18008dbe"
#define UID_ "0b7632a2_a56e_4278_987a_22de18008dbe"
#define OTHER "099b88fb-2a99-45ad-af94-d91eb81a87e9"
#define OTHER_ "099b88fb_2a99_45ad_af94_d91eb81a87e9"
#define HASH "7d1c5e26c2a9cb0bbc3c6ea07c0e1c3b"
#define ALL "/kubepods.slice"
#define BURSTABLE ALL "/kubepods-burstable.slice"
#define SLICE "/kubepods-burstable-pod" UID_ ".slice"
#define KIND_SLICE "/kubelet-kubepods-burstable-pod" UID_ ".slice"
#define KIND "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice"

struct form {
	const char *name;
	const char *text;
	const char *uid; /* NULL: of none */
};

static void parse(const struct form *r)
{
	char uid[POD_UID_SIZE] = "untouched";

	assert_int_equal(pod_cgroup_parse(r->text, uid), r->uid != NULL);
	assert_string_equal(uid, r->uid ? r->uid : "untouched");
}

/* ToCgroupfs() of the kubelet's pkg/kubelet/cm/cgroup_manager_linux.go. */
static void without_systemd(void **state)
{
	static const struct form rows[] = {
		{"version 1",
			"12:cpu,cpuacct:/kubepods/besteffort/pod" UID "/ab\n"
			"11:memory:/kubepods/besteffort/pod" UID "/ab\n",
			UID},
		{"version 1, a line of a group elsewhere comes first",
			"13:name=systemd:/system.slice/containerd.service\n"
			"12:cpu,cpuacct:/kubepods/burstable/pod" UID "/ab\n0::/\n",
			UID},
		{"version 2", "0::/kubepods/burstable/pod" UID "/ab\n", UID},
		{"guaranteed", "0::/kubepods/pod" UID "/ab\n", UID},
		{"the pod's own group", "0::/kubepods/pod" UID, UID},
		{"kind", "0::/kubelet/kubepods/burstable/pod" UID "/ab\n", UID},
		{"kind, seen from its host",
			"0::/docker/c0ffee/kubelet/kubepods/besteffort/pod" UID "/ab\n", UID},
		{"a static pod", "0::/kubepods/burstable/pod" HASH "/ab\n", HASH},
		{"a group that is gone", "0::/kubepods/burstable/pod" UID "/ab (deleted)\n", UID},
	};

	(void)state;
	for_each_row(r, rows) parse(r);
}

/* ToSystemd(), and what runtimes call their scopes. */
static void with_systemd(void **state)
{
	static const struct form rows[] = {
		{"containerd", "0::" BURSTABLE SLICE "/cri-containerd-ab.scope\n", UID},
		{"CRI-O", "0::" BURSTABLE SLICE "/crio-ab.scope/container\n", UID},
		{"docker", "0::" BURSTABLE SLICE "/docker-ab.scope\n", UID},
		{"version 1",
			"4:memory:" BURSTABLE SLICE "/cri-containerd-ab.scope\n"
			"1:name=systemd:" BURSTABLE SLICE "/cri-containerd-ab.scope\n",
			UID},
		{"guaranteed", "0::" ALL "/kubepods-pod" UID_ ".slice/crio-ab.scope\n", UID},
		{"the pod's own group", "0::" BURSTABLE SLICE "\n", UID},
		{"kind", "0::" KIND KIND_SLICE "/cri-containerd-ab.scope\n", UID},
		{"kind, seen from its host",
			"0::/system.slice/docker-c0ffee.scope" KIND KIND_SLICE "/crio-ab.scope\n",
			UID},
		{"a static pod",
			"0::" BURSTABLE "/kubepods-burstable-pod" HASH ".slice/crio-ab.scope\n",
			HASH},
		{"a runtime that does not use systemd",
			"0::/system.slice/containerd.service" SLICE ":cri-containerd:ab\n", UID},
	};

	(void)state;
	for_each_row(r, rows) parse(r);
}

/* As a reader in a pod of its own, with a control group namespace, sees others: taken from a
 * version 2 of Linux 6, see doc/facts.md. */
static void from_within_a_pod(void **state)
{
	static const struct form rows[] = {
		{"another class",
			"0::/../../../kubepods-burstable.slice" SLICE "/cri-containerd-ab.scope\n",
			UID},
		{"the same class", "0::/../.." SLICE "/cri-containerd-ab.scope\n", UID},
		{"another class, without systemd", "0::/../../../burstable/pod" UID "/ab\n", UID},
		{"the same class, without systemd", "0::/../../pod" UID "/ab\n", UID},
		{"guaranteed, without systemd", "0::/../../../pod" UID "/ab\n", UID},
		{"seen by one that is guaranteed", "0::/../../burstable/pod" UID "/ab\n", UID},
		{"another root", "0::/../../../../kubepods/burstable/pod" UID "/ab\n", UID},
		{"kind", "0::/../.." KIND_SLICE "/crio-ab.scope/container\n", UID},
		{"a static pod", "0::/../../kubepods-burstable-pod" HASH ".slice/ab\n", HASH},
		{"of its own container", "0::/\n", NULL},
		{"of its own pod", "0::/../ab\n", NULL},
		{"of its own pod, which has made a group", "0::/../ab/pod" UID "\n", NULL},
	};

	(void)state;
	for_each_row(r, rows) parse(r);
}

/* Whoever has a group of his own may make others in it. */
static void made_up(void **state)
{
	static const struct form rows[] = {
		{"below a pod's", "0::" BURSTABLE SLICE "/ab.scope/kubepods-pod" OTHER_ "/x\n",
			UID},
		{"likewise, without systemd",
			"0::/kubepods/burstable/pod" UID "/ab/kubepods/pod" OTHER "\n", UID},
		{"below a static pod's", "0::/kubepods/pod" HASH "/ab/kubepods/pod" OTHER "\n",
			HASH},
		{"seen from another pod", "0::/../../pod" UID "/ab/kubepods/pod" OTHER "\n", UID},
		{"by a user of the node",
			"0::/user.slice/user-1000.slice/user@1000.service/kubepods/pod" UID "\n",
			NULL},
		{"by a user, seen from a pod",
			"0::/../../../../user.slice/user-1000.slice/user@1000.service/kubepods/"
			"pod" UID "\n",
			NULL},
		{"by a service", "0::/system.slice/a.service/pod" UID "\n", NULL},
		{"in a name without a pod", "0::/kubepods/x/pod" UID "\n", NULL},
		{"by nobody", "0::/pod" UID "/ab\n", NULL},
	};

	(void)state;
	for_each_row(r, rows) parse(r);
}

static void of_no_pod(void **state)
{
	static const struct form rows[] = {
		{"a host's process", "0::/system.slice/sshd.service\n", NULL},
		{"the kubelet's children", "0::/kubepods/burstable\n", NULL},
		{"the same by systemd", "0::" BURSTABLE "\n", NULL},
		{"a container without a pod", "0::/system.slice/docker-ab.scope\n", NULL},
		{"podman", "0::/machine.slice/libpod-0b7632a2.scope\n", NULL},
		{"cut", "0::/kubepods/pod0b7632a2-a56e-4278", NULL},
		{"cut by systemd", "0::" ALL "/kubepods-pod0b7632a2_a56e", NULL},
		{"cut behind the word", "0::/kubepods/pod", NULL},
		{"longer", "0::/kubepods/pod" UID "0/ab", NULL},
		{"a longer hash", "0::/kubepods/pod" HASH "0/ab", NULL},
		{"upper case", "0::/kubepods/pod0B7632A2-a56e-4278-987a-22de18008dbe/ab", NULL},
		{"within a word", "0::/kubepods/tripod" UID "/ab", NULL},
		{"no path", "0::kubepods/pod" UID "/ab\n", NULL},
		{"no line", "/kubepods/pod" UID "/ab\n", NULL},
		{"over two lines", "0::/kubepods/\npod" UID "/ab\n", NULL},
		{"colons", "::\n:\n", NULL},
		{"nothing", "", NULL},
	};

	(void)state;
	for_each_row(r, rows) parse(r);
}

static void of_processes(void **state)
{
	char uid[POD_UID_SIZE];

	(void)state;
	/* There is no such process. */
	assert_false(pod_cgroup_of(INT32_MAX, uid));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(without_systemd, row_tell),
		cmocka_unit_test_teardown(with_systemd, row_tell),
		cmocka_unit_test_teardown(from_within_a_pod, row_tell),
		cmocka_unit_test_teardown(made_up, row_tell),
		cmocka_unit_test_teardown(of_no_pod, row_tell),
		cmocka_unit_test(of_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
