/* SPDX-License-Identifier: Apache-2.0
 * Arbitrary bytes as answers of a Kubernetes API server. */
#include <stddef.h>
#include <stdint.h>

#include "decode.h"

#include "wire/kube.h"
#include "wire/kube_app.h"
#include "wire/kube_event.h"
#include "wire/kube_parents.h"
#include "wire/kube_usage.h"
#include "wire/kube_waiting.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of a list that has the answer as two of its pages, each object is found. */
static void join(const char *body, size_t size)
{
	_cleanup_(kube_pod_list_clear) struct kube_pod_list pods = {0};
	_cleanup_(kube_waiting_list_clear) struct kube_waiting_list waiting = {0};

	for (int page = 0; page < 2; page++) {
		_cleanup_(kube_pod_list_clear) struct kube_pod_list p = {0};
		_cleanup_(kube_waiting_list_clear) struct kube_waiting_list w = {0};

		if (TRY(kube_decode_pods(body, size, &p, &err)) >= 0)
			must(kube_pods_add_page(&pods, &p) >= 0);
		if (TRY(kube_decode_waiting(body, size, KUBE_OWNER_KUBEFLOW, &w, &err)) >= 0)
			must(kube_waiting_add_page(&waiting, &w) >= 0);
	}
	must(pods.n % 2 == 0 && waiting.n % 2 == 0);
	kube_waiting_sort(&waiting);
	for (size_t i = 0; i < waiting.n; i++)
		must(kube_waiting_find(
			&waiting, waiting.items[i].namespace, waiting.items[i].name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = (const char *)data;
	struct kube_pod_list pods = {0};
	struct kube_pod pod = {0};
	bool allowed = false;
	struct kube_parent_list parents = {0};
	_cleanup_free_ char *reason = NULL;
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *event = NULL;
	_cleanup_(kube_executor_list_clear) struct kube_executor_list executors = {0};
	_cleanup_(kube_usage_list_clear) struct kube_usage_list usage = {0};
	_cleanup_(kube_changes_clear) struct kube_changes changes = {0};

	(void)TRY(kube_decode_executors(body, size, &executors, &err));
	(void)TRY(kube_decode_changes(body, size, &changes, &err));
	(void)TRY(kube_decode_usage(body, size, &usage, &err));
	(void)TRY(kube_decode_pods(body, size, &pods, &err));
	(void)TRY(kube_decode_pod(body, size, &pod, &err));
	(void)TRY(kube_decode_parents(body, size, &parents, &err));
	(void)kube_error_text(body, size, &reason, &text);
	for (enum kube_owner_type type = 0; type <= KUBE_OWNER_OTHER; type++) {
		struct kube_app app = {0};
		struct kube_waiting_list waiting = {0};

		(void)TRY(kube_decode_app(body, size, type, &app, &err));
		kube_app_clear(&app);
		(void)TRY(kube_decode_waiting(body, size, type, &waiting, &err));
		kube_waiting_list_clear(&waiting);
	}
	join(body, size);
	(void)TRY(kube_decode_last_event(body, size, &event, &err));
	(void)TRY(kube_decode_review(body, size, &allowed, &err));
	kube_parent_list_clear(&parents);
	kube_pod_list_clear(&pods);
	kube_pod_clear(&pod);
	return 0;
}
