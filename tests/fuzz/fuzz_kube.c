/* SPDX-License-Identifier: Apache-2.0
 * Arbitrary bytes as answers of a Kubernetes API server. */
#include <stddef.h>
#include <stdint.h>

#include "wire/kube.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = (const char *)data;
	struct kube_pod_list pods = {0};
	struct kube_pod pod = {0};
	_cleanup_free_ char *no_list = NULL;
	_cleanup_free_ char *no_pod = NULL;
	_cleanup_free_ char *reason = NULL;
	_cleanup_free_ char *text = NULL;

	(void)kube_decode_pods(body, size, &pods, &no_list);
	(void)kube_decode_pod(body, size, &pod, &no_pod);
	(void)kube_error_text(body, size, &reason, &text);
	kube_pod_list_clear(&pods);
	kube_pod_clear(&pod);
	return 0;
}
