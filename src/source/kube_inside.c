/* SPDX-License-Identifier: Apache-2.0
 * The environment and the files of a pod. */
#include "source/kube_inside.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

int kube_inside_url(char **ret, char **reterr)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	bool v6 = host && strchr(host, ':');
	int r;

	if (!host || !port) {
		r = str_printf(reterr, "url is missing, and this is no pod that has "
				       "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT");
		return r < 0 ? r : -EINVAL;
	}
	return str_printf(ret, "https://%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port);
}
