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
#define SLICE "pod0b7632a2_a56e_4278_987a_22de18008dbe.slice"
#define OTHER "pod099b88fb_2a99_45ad_af94_d91eb81a87e9.slice"

static void forms(void **state)
{
	static const struct {
		const char *name;
		const char *text;
		const char *uid; /* NULL: of none */
	} rows[] = {
		{"systemd, version 2",
			"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-" SLICE
			"/cri-containerd-ab.scope\n",
			UID},
		{"guaranteed", "0::/kubepods.slice/kubepods-" SLICE "/crio-ab.scope\n", UID},
		{"of another pod's view",
			"0::/../../../kubepods-besteffort.slice/"
			"kubepods-besteffort-" SLICE "/cri-containerd-ab.scope",
			UID},
		{"without systemd", "0::/kubepods/burstable/pod" UID "/ab\n", UID},
		{"version 1",
			"12:cpu,cpuacct:/kubepods/besteffort/pod" UID "/ab\n"
			"11:memory:/kubepods/besteffort/pod" UID "/ab\n",
			UID},
		{"the pod's own group", "0::/kubepods/pod" UID, UID},
		{"below its own group it may make what it likes",
			"0::/kubepods.slice/kubepods-" SLICE "/ab.scope/kubepods-" OTHER "/x\n",
			UID},
		{"a host's process", "0::/system.slice/sshd.service\n", NULL},
		{"a container without a pod", "0::/system.slice/docker-ab.scope\n", NULL},
		{"podman", "0::/machine.slice/libpod-0b7632a2.scope\n", NULL},
		{"cut", "0::/kubepods/pod0b7632a2-a56e-4278", NULL},
		{"longer", "0::/kubepods/pod" UID "0/ab", NULL},
		{"upper case", "0::/kubepods/pod0B7632A2-a56e-4278-987a-22de18008dbe/ab", NULL},
		{"within a word", "0::/tripod" UID "/ab", NULL},
		{"nothing", "", NULL},
	};

	(void)state;
	each_row(i, rows)
	{
		char uid[POD_UID_SIZE] = "untouched";

		assert_int_equal(pod_cgroup_parse(rows[i].text, uid), rows[i].uid != NULL);
		assert_string_equal(uid, rows[i].uid ? rows[i].uid : "untouched");
	}
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
		cmocka_unit_test_teardown(forms, row_tell),
		cmocka_unit_test(of_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
